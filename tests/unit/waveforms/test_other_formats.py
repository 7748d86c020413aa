"""Waveforms that are no miniSEED: the traces and samples that ObsPy reads, or a reason."""

import warnings
from pathlib import Path

import numpy as np
import obspy
import pytest

from catalogdb.waveforms import (
    ChangedWaveform,
    FileState,
    UnreadableWaveform,
    read_traces,
    scan_miniseed,
    scan_waveforms,
)

ROOT = Path(obspy.__file__).parent / "io"
WHOLE = {
    "SAC": ("sac/tests/data/test.sac", "sac/tests/data/LMOW.BHE.SAC", "sac/tests/data/LMOW.BHE.SAC.ASC"),
    "GSE2": ("gse2/tests/data/loc_RNON20040609200559.z",),
    "GSE1": ("gse2/tests/data/loc_STAU20031119011659.z",),
    "SLIST": ("ascii/tests/data/slist.ascii",),
    "TSPAIR": ("ascii/tests/data/tspair.ascii",),
    "SEISAN": ("seisan/tests/data/2011-09-06-1311-36S.A1032_001BH_Z",),
    "AH": ("ah/tests/data/TSG/BRV.TSG.DS.lE21.resp",),
    "GCF": ("gcf/tests/data/20160603_1955n.gcf",),
    "Y": ("y/tests/data/YAYT_BHZ_20021223.124800",),
    "KNET": ("nied/tests/data/test.knet",),
}  # fmt: skip
CASES = [(format, name) for format, names in WHOLE.items() for name in names if (ROOT / name).exists()]


def obspy_read(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return obspy.read(str(path))


@pytest.mark.parametrize(("format", "name"), CASES)
def test_traces_and_samples_are_those_of_obspy(format, name):
    path = ROOT / name
    result = scan_waveforms(path)
    expected = obspy_read(path)
    assert {segment["format"] for segment in result.segments} == {format}
    assert len(result.segments) == len(expected) and result.warnings == []
    traces, problems = read_traces(result.segments, -1e10, 1e11, {})
    assert problems == []
    order = sorted(expected, key=lambda trace: (trace.id, trace.stats.starttime))
    for trace, one in zip(sorted(traces, key=lambda t: (t.id, t.stats.starttime)), order, strict=True):
        assert trace.stats.starttime == one.stats.starttime and trace.stats.delta == pytest.approx(one.stats.delta)
        assert np.array_equal(trace.data, one.data) and trace.data.dtype == one.data.dtype


def test_most_formats_have_a_file_to_try():
    assert {format for format, _ in CASES} >= {"SAC", "GSE2", "GSE1", "SLIST", "TSPAIR"}


@pytest.fixture
def sac(tmp_path):
    trace = obspy.Trace(np.arange(500, dtype="float32"), {"sampling_rate": 50.0, "network": "OX", "station": "BAD"})
    trace.stats.channel, trace.stats.starttime = "HHZ", obspy.UTCDateTime("2024-03-27T01:00:00.02")
    path = tmp_path / "OX.BAD.sac"
    trace.write(str(path), format="SAC")
    return path


def states(result):
    return {"file": result.state}


def test_a_part_of_a_file_is_cut_to_the_period(sac):
    result = scan_waveforms(sac)
    (segment,) = result.segments
    start = segment["starttime"]
    assert (segment["channel_group"], segment["npts"], segment["nbytes"]) == ("OX.BAD..HH", 500, sac.stat().st_size)
    assert isinstance(result.state, FileState)
    traces, _ = read_traces([segment | {"file_id": "file"}], start + 1.0, start + 2.0, states(result))
    assert [trace.data.tolist() for trace in traces] == [list(range(50, 101))]


def test_a_changed_file_is_not_taken_for_what_was_indexed(sac):
    result = scan_waveforms(sac)
    segment = result.segments[0] | {"file_id": "file"}
    content = bytearray(sac.read_bytes())
    content[-4:] = b"\0\0\0\0"
    sac.write_bytes(content)
    with pytest.raises(ChangedWaveform, match="other content"):
        read_traces([segment], -1e10, 1e11, states(result))
    with pytest.raises(ChangedWaveform, match="trace 2"):
        read_traces([segment | {"foff": 1, "file_id": ""}], -1e10, 1e11, {})


def test_a_trace_without_codes_takes_those_of_its_file(tmp_path):
    trace = obspy.Trace(np.ones(100, dtype="float32"), {"sampling_rate": 100.0})
    trace.stats.starttime = obspy.UTCDateTime("2024-03-27")
    trace.write(str(tmp_path / "a.segy"), format="SEGY", data_encoding=5)
    with pytest.raises(UnreadableWaveform, match=r"a\.segy: trace 1 of SEGY: it has no station code"):
        scan_waveforms(tmp_path / "a.segy")
    (tmp_path / "a.segy").rename(tmp_path / "OX.BAD..HHZ.2024.segy")
    (segment,) = scan_waveforms(tmp_path / "OX.BAD..HHZ.2024.segy").segments
    assert [segment[name] for name in ("net", "sta", "loc", "chan")] == ["OX", "BAD", "", "HHZ"]


@pytest.mark.parametrize("content", [b"", b"hello, world\n" * 20, b"\0" * 4096, b'NLLOC "x"\n', bytes(range(256)) * 9])
def test_what_holds_no_waveforms_has_the_reason_of_miniseed(tmp_path, content):
    path = tmp_path / "x.dat"
    path.write_bytes(content)
    with pytest.raises(UnreadableWaveform) as caught:
        scan_waveforms(path)
    with pytest.raises(UnreadableWaveform) as of_miniseed:
        scan_miniseed(path)
    assert str(caught.value) == str(of_miniseed.value)


def test_a_cut_file_is_refused_with_obspys_reason(sac):
    sac.write_bytes(sac.read_bytes()[:-100])
    with pytest.raises(UnreadableWaveform, match=r"OX\.BAD\.sac: ObsPy's reader of SAC fails: .*inconsistent"):
        scan_waveforms(sac)
