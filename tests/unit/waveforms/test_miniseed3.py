"""miniSEED 3: samples, codes and times of records that pymseed writes, and files that are cut or hurt."""

import numpy as np
import pytest
from pymseed import DataEncoding, MS3Record

from catalogdb.waveforms import ChangedWaveform, UnreadableWaveform, read_traces, scan_waveforms

ENCODINGS = {
    "int32": ("i", DataEncoding.STEIM2),
    "float32": ("f", DataEncoding.FLOAT32),
    "float64": ("d", DataEncoding.FLOAT64),
}
EVER = -1e10, 1e11


def records(data, start="2024-03-27T00:00:00.123456789Z", sourceid="FDSN:OX_ABC_00_H_H_Z", rate=100.0):
    kind, encoding = ENCODINGS[str(data.dtype)]
    record = MS3Record()
    record.formatversion, record.reclen, record.sourceid, record.samprate = 3, 512, sourceid, rate
    record.encoding = encoding
    record.set_starttime_str(start)
    return b"".join(record.generate(data, kind))


RAMP = np.arange(1000, dtype="int32") * 3


@pytest.mark.parametrize("kind", ENCODINGS)
def test_samples_codes_and_times_are_those_written(tmp_path, kind):
    (tmp_path / "x.mseed").write_bytes(records(RAMP.astype(kind)))
    result = scan_waveforms(tmp_path / "x.mseed")
    (segment,) = result.segments
    assert (segment["net"], segment["sta"], segment["loc"], segment["chan"]) == ("OX", "ABC", "00", "HHZ")
    assert (segment["format"], segment["npts"], segment["sampling_rate"]) == ("MSEED3", 1000, 100.0)
    (trace,), problems = read_traces(result.segments, *EVER, {})
    assert problems == [] and np.array_equal(trace.data, RAMP) and trace.data.dtype == kind
    assert trace.stats.starttime.ns == 1711497600123456789 and trace.id == "OX.ABC.00.HHZ"


def test_channels_and_gaps_are_segments_of_their_own(tmp_path):
    content = records(RAMP) + records(RAMP, start="2024-03-27T01:00:00Z")
    content += records(RAMP, sourceid="FDSN:OX_ABC_00_H_H_N", rate=-10.0)
    (tmp_path / "x.mseed").write_bytes(content)
    segments = scan_waveforms(tmp_path / "x.mseed").segments
    assert sorted((row["chan"], row["npts"], row["sampling_rate"]) for row in segments) == [
        ("HHN", 1000, 0.1), ("HHZ", 1000, 100.0), ("HHZ", 1000, 100.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (records(RAMP)[:700], "the file is cut"),
        (records(RAMP) + b"MS\x03", "is cut"),
        (records(RAMP) + b"000001D ABC", "begins no record of miniSEED 3"),
        (records(RAMP)[:100] + b"\xff" + records(RAMP)[101:], "CRC"),
        (b"MS\x03" + bytes(600), "miniSEED 3"),
        (records(RAMP, sourceid="XFDSN:other"), "miniSEED 3"),
    ],
    ids=["cut", "cut head", "miniSEED 2 behind", "hurt", "zeros", "no codes"],
)
def test_what_is_not_whole_is_refused_with_the_reason(tmp_path, content, reason):
    (tmp_path / "x.mseed").write_bytes(content)
    with pytest.raises(UnreadableWaveform, match=reason):
        scan_waveforms(tmp_path / "x.mseed")


def test_a_file_changed_since_is_refused(tmp_path):
    path = tmp_path / "x.mseed"
    path.write_bytes(records(RAMP))
    result = scan_waveforms(path)
    path.write_bytes(records(RAMP[:500]))
    with pytest.raises(ChangedWaveform, match="not what was indexed"):
        read_traces(result.segments, *EVER, {})
