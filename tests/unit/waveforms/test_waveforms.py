"""The miniSEED index and the reader, on ObsPy's own odd files and on files made here."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import obspy
import pytest
from waveform_files import EVER, MSEED, START, in_order, scan_all, trace, wander, write

from catalogdb.channels import channel_group
from catalogdb.schema import collections
from catalogdb.waveforms import UnreadableWaveform, WaveformUnavailable, read_traces, scan_miniseed

ODD_FILES = sorted(path for path in MSEED.rglob("*") if path.is_file())
NOT_USABLE = {
    "emptyfile.mseed": "empty",
    "not.mseed": "no miniSEED record",
    "not2.mseed": "no miniSEED record",
    "not3.mseed": "no miniSEED record",
    "not4.mseed": "no miniSEED record",
    "rt130_sr0_cropped.mseed": "status records only",
    **dict.fromkeys(("nan_float32.mseed", "nan_float64.mseed"), "it has no station code"),
    "fullASCII_bigEndian.mseed": "text",
    "fullASCII_littleEndian.mseed": "text",
    "smallASCII_bigEndian.mseed": "text",
    "smallASCII_littleEndian.mseed": "text",
}


DAMAGED_OR_OVERLAPPING = {"infinite-loop.mseed", "qualityflags.mseed"}


@pytest.mark.filterwarnings("ignore")  # what ObsPy remarks on them
@pytest.mark.parametrize("path", ODD_FILES, ids=lambda path: path.name)
def test_odd_files_read_as_obspy_reads_them(path):
    if path.name in NOT_USABLE:
        with pytest.raises(UnreadableWaveform, match=NOT_USABLE[path.name]) as caught:
            scan_miniseed(path)
        assert str(path) in str(caught.value)
        return
    result = scan_miniseed(path)
    traces, problems = read_traces(result.segments, *EVER)
    if path.name in DAMAGED_OR_OVERLAPPING:
        assert result.segments
        return
    assert problems == []
    expected, found = in_order(obspy.read(str(path), format="MSEED")), in_order(traces)
    assert found.keys() == {name for name, data in expected.items() if len(data)}
    assert all(np.array_equal(found[name], expected[name], equal_nan=found[name].dtype.kind == "f") for name in found)
    assert sum(segment["npts"] for segment in result.segments) == sum(map(len, found.values()))


def test_a_long_file_is_decoded_as_if_at_once(tmp_path):
    """Two channels in turns, one of which changes from integers to floating-point numbers."""
    whole, later = wander(300_000), wander(300_000, seed=1, dtype=np.float32)
    other = wander(600_000, seed=2)
    parts = [
        trace(whole[:150_000]),
        trace(other[:300_000], chan="HHN"),
        trace(whole[150_000:], START + 1500),
        trace(later, START + 3000),
        trace(other[300_000:], START + 3000, chan="HHN"),
    ]
    with open(tmp_path / "long.mseed", "wb") as stream:
        for part in parts:
            part.write(stream, format="MSEED", reclen=512)
    (north, vertical), problems = read_traces(scan_all(tmp_path / "long.mseed"), *EVER)
    assert problems == []
    assert north.data.dtype == np.int32 and np.array_equal(north.data, other)
    assert vertical.data.dtype == np.float64 and np.array_equal(vertical.data, np.concatenate([whole, later]))


def test_segments_have_the_schema_s_fields():
    schema = collections()["wf_miniseed"].fields
    segment = scan_miniseed(MSEED / "test.mseed").segments[0]
    given_at_ingest = {"_id", "file_id", "content", "extent", "extent_number"}
    assert set(segment) == set(schema) - given_at_ingest
    assert (segment["channel_group"], segment["delta"]) == ("NL.HGN.00.BH", 1 / segment["sampling_rate"])
    assert channel_group("OX", "BAD", "", "HHZ") == "OX.BAD..HH"


def test_rows_are_mspass_s_own():
    import mspasspy.ccore.utility  # noqa: F401
    from mspasspy.ccore.io import _mseed_file_indexer

    found, _ = _mseed_file_indexer(str(MSEED / "gaps.mseed"), True)
    segments = scan_miniseed(MSEED / "gaps.mseed").segments
    assert len(segments) == len(found) == 4
    for segment, row in zip(segments, found, strict=True):
        for name in ("net", "sta", "loc", "chan", "starttime", "endtime", "last_packet_time", "npts", "foff", "nbytes"):
            assert segment[name] == getattr(row, name)


@pytest.mark.parametrize("gap_samples", [1, 10, 45, 1000])
def test_short_gaps_stay_visible(tmp_path, gap_samples):
    later = trace(wander(1000, 1), START + 10 + gap_samples / 100)
    segments = scan_all(write(tmp_path / "gap.mseed", trace(wander(1000)), later))
    assert [segment["npts"] for segment in segments] == [1000, 1000]
    traces, problems = read_traces(segments, *EVER)
    assert [len(item) for item in traces] == [1000, 1000]
    assert abs(traces[1].stats.starttime - later.stats.starttime) < 1e-5 and problems == []


@pytest.mark.parametrize("dashes", ["--", ""])
def test_dashes_are_an_empty_location(tmp_path, dashes):
    item = trace(wander(5000))
    item.stats.location = dashes
    segments = scan_all(write(tmp_path / "a.mseed", item))
    assert [(segment["loc"], segment["channel_group"]) for segment in segments] == [("", "OX.BAD..HH")]
    (found,), problems = read_traces([{**segment, "loc": dashes} for segment in segments], *EVER)
    assert (found.id, problems) == ("OX.BAD..HHZ", []) and np.array_equal(found.data, item.data)


@pytest.mark.parametrize("encoding", ["STEIM1", "STEIM2", "INT32", "FLOAT32", "FLOAT64"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_encodings_and_byte_orders(tmp_path, encoding, byteorder):
    dtype = {"FLOAT32": np.float32, "FLOAT64": np.float64}.get(encoding, np.int32)
    data = wander(5000, dtype=dtype)
    path = write(tmp_path / "a.mseed", trace(data), encoding=encoding, byteorder=byteorder)
    traces, problems = read_traces(scan_all(path), *EVER)
    assert len(traces) == 1 and problems == []
    assert np.array_equal(traces[0].data, data) and traces[0].data.dtype == dtype


def test_mixed_channels_are_told_apart(tmp_path):
    """Records of three channels in turn, as real-time archives write them."""
    data = {chan: wander(3000, seed) for seed, chan in enumerate(("HHZ", "HHN", "HHE"))}
    separate = {chan: write(tmp_path / chan, trace(samples, chan=chan)).read_bytes() for chan, samples in data.items()}
    mixed = tmp_path / "mixed.mseed"
    count = max(len(content) for content in separate.values()) // 512
    turns = [separate[chan][512 * turn : 512 * (turn + 1)] for turn in range(count) for chan in data]
    mixed.write_bytes(b"".join(turns))
    segments = scan_all(mixed)
    assert {
        chan: sum(segment["npts"] for segment in segments if segment["chan"] == chan) for chan in data
    } == dict.fromkeys(data, 3000)
    traces, problems = read_traces(segments, *EVER)
    assert {item.stats.channel: len(item) for item in traces} == dict.fromkeys(data, 3000) and problems == []
    assert all(np.array_equal(item.data, data[item.stats.channel]) for item in traces)
    alone, _ = read_traces([segment for segment in segments if segment["chan"] == "HHN"], *EVER)
    assert [item.stats.channel for item in alone] == ["HHN"]


def test_a_truncated_file_keeps_its_good_part(tmp_path):
    path = write(tmp_path / "cut.mseed", trace(wander(20000)))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 700])
    result = scan_miniseed(path)
    assert len(result.warnings) == 1 and str(path) in result.warnings[0] and "truncated" in result.warnings[0]
    traces, problems = read_traces(result.segments, *EVER)
    assert np.array_equal(traces[0].data, wander(20000)[: len(traces[0])]) and problems == []
    assert len(traces[0]) > 19000


@pytest.mark.parametrize("damage", ["random bytes", "zeros", "missing bytes"])
def test_what_follows_a_damage_is_kept(tmp_path, damage):
    path = write(tmp_path / "hurt.mseed", trace(wander(20000)))
    content = bytearray(path.read_bytes())
    if damage == "missing bytes":
        del content[3000:3100]
    else:
        content[2048:3584] = np.random.default_rng(3).bytes(1536) if damage == "random bytes" else bytes(1536)
    path.write_bytes(content)
    result = scan_miniseed(path)
    assert result.warnings and len(result.segments) == 2
    traces, _ = read_traces(result.segments, *EVER)
    assert len(traces) == 2
    for item in traces:
        first = round((item.stats.starttime - START) * 100)
        assert np.array_equal(item.data, wander(20000)[first : first + len(item)])
    assert traces[-1].stats.endtime == START + 199.99


def test_a_record_whose_samples_are_damaged_is_passed_over(tmp_path):
    path = write(tmp_path / "hurt.mseed", trace(wander(20000)), encoding="STEIM2")
    content = bytearray(path.read_bytes())
    content[512 * 5 + 100 : 512 * 5 + 400] = np.random.default_rng(3).bytes(300)
    path.write_bytes(content)
    segments = scan_all(path)
    traces, problems = read_traces(segments, *EVER)
    assert len(problems) == 1 and str(path) in problems[0] and "1 records passed over" in problems[0]
    assert len(traces) == 2 and 19000 < sum(map(len, traces)) < 20000
    for item in traces:
        first = round((item.stats.starttime - START) * 100)
        assert np.array_equal(item.data, wander(20000)[first : first + len(item)])


def test_flipped_bits_never_stop_the_scan(tmp_path):
    content = (MSEED / "BW.BGLD.__.EHE.D.2008.001.first_10_records").read_bytes()
    random = np.random.default_rng(11)
    path = tmp_path / "flipped.mseed"
    outcomes = set()
    for _ in range(60):
        hurt = bytearray(content)
        for place in random.integers(0, 64, 3) + 512 * random.integers(0, 10, 3):
            hurt[place] ^= 1 << random.integers(0, 8)
        path.write_bytes(hurt)
        result = scan_miniseed(path)
        traces, problems = read_traces(result.segments, *EVER)
        outcomes.add((bool(result.warnings), bool(problems)))
        assert sum(map(len, traces)) <= sum(segment["npts"] for segment in result.segments)
    assert len(outcomes) > 1


def test_what_is_no_file_or_no_miniseed(tmp_path):
    (tmp_path / "archive.gz").write_bytes(b"\x1f\x8b" + bytes(600))
    (tmp_path / "three.mseed").write_bytes(b"MS\x03" + bytes(600))
    trace(wander(500).astype(np.float32)).write(str(tmp_path / "a.sac"), format="SAC")
    cases = {
        "": "not a regular file",
        "archive.gz": "gzip",
        "three.mseed": "miniSEED 3",
        "a.sac": "no miniSEED",
    }
    for name, reason in cases.items():
        with pytest.raises(UnreadableWaveform, match=reason):
            scan_miniseed(tmp_path / name)
    with pytest.raises(WaveformUnavailable, match="No such file"):
        scan_miniseed(tmp_path / "nowhere")


def test_a_file_that_may_not_be_read(tmp_path):
    """As another user, since root may read everything."""
    path = write(tmp_path / "secret.mseed", trace(wander(500)))
    path.chmod(0)
    script = (
        "import os, sys; from pathlib import Path; from catalogdb.waveforms import scan_miniseed, WaveformUnavailable\n"
        "if os.geteuid() == 0: os.seteuid(65534)\n"
        "try: scan_miniseed(Path(sys.argv[1]))\n"
        "except WaveformUnavailable as error: print(error)\n"
    )
    for folder in [tmp_path, *tmp_path.parents][:3]:
        folder.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert "Permission denied" in done.stdout and "secret.mseed" in done.stdout


def test_nothing_reaches_the_terminal(capfd):
    for name in ("wrong_blockette_numbers_specified.mseed", "microsecond_wrap.mseed", "infinite-loop.mseed"):
        scan_miniseed(MSEED / name)
    assert capfd.readouterr() == ("", "")


def test_a_period_is_cut_to_the_sample(tmp_path):
    segments = scan_all(write(tmp_path / "a.mseed", trace(wander(100000))))
    start = START.timestamp
    traces, _ = read_traces(segments, start + 100, start + 200)
    assert (traces[0].stats.starttime, len(traces[0])) == (START + 100, 10001)
    assert np.array_equal(traces[0].data, wander(100000)[10000:20001])
    assert read_traces(segments, start - 100, start - 1) == ([], [])
    assert len(read_traces(segments, start + 0.001, start + 0.019)[0][0]) == 1


def test_a_period_of_a_long_segment(tmp_path):
    """Long enough that the records needed are looked up, not read through."""
    data = np.random.default_rng(0).integers(-(2**28), 2**28, 1_500_000).astype(np.int32)
    segments = scan_all(write(tmp_path / "long.mseed", trace(data), encoding="INT32", reclen=4096))
    assert len(segments) == 1 and segments[0]["nbytes"] > 4 * 2**20
    for first, last in ((0, 99), (700_000, 710_000), (1_499_900, 1_499_999)):
        traces, problems = read_traces(segments, START.timestamp + first / 100, START.timestamp + last / 100)
        assert np.array_equal(traces[0].data, data[first : last + 1]) and problems == []


@pytest.mark.parametrize("cuts", [[], [10000], [3333, 3334, 12000, 19999]])
def test_the_cut_into_files_does_not_matter(tmp_path, cuts):
    data = wander(20000)
    edges = [0, *cuts, len(data)]
    names = np.random.default_rng(len(cuts)).permutation(len(edges) - 1)
    for name, first, end in zip(names, edges[:-1], edges[1:], strict=True):
        write(tmp_path / f"{name}.mseed", trace(data[first:end], START + first / 100))
    traces, problems = read_traces(scan_all(*sorted(tmp_path.iterdir())), *EVER)
    assert len(traces) == 1 and problems == []
    assert np.array_equal(traces[0].data, data) and traces[0].stats.starttime == START


def test_equal_overlaps_are_merged(tmp_path):
    data = wander(20000)
    spans = [(0, 12000), (8000, 20000), (9000, 10000), (0, 12000)]
    paths = [write(tmp_path / str(n), trace(data[a:b], START + a / 100)) for n, (a, b) in enumerate(spans)]
    for order in (paths, paths[::-1]):
        traces, problems = read_traces(scan_all(*order), *EVER)
        assert len(traces) == 1 and problems == []
        assert np.array_equal(traces[0].data, data)


def test_of_two_versions_the_one_that_starts_first_wins(tmp_path):
    early, late = trace(wander(2000, 1)), trace(wander(2000, 2), START + 10)
    expected = np.concatenate([early.data, late.data[1000:]])
    for names in (("a", "b"), ("b", "a")):
        paths = [write(tmp_path / name, item) for name, item in zip(names, (early, late), strict=True)]
        for order in (paths, paths[::-1]):
            traces, problems = read_traces(scan_all(*order), *EVER)
            assert np.array_equal(np.concatenate([item.data for item in traces]), expected)
            (problem,) = problems
            assert problem.startswith("OX.BAD..HHZ: two versions of the same time in segments that start at 2")
            assert all(f"{item.stats.starttime}" in problem for item in (early, late))


def test_two_versions_are_said_alike_whatever_window_is_read(tmp_path):
    segments = scan_all(write(tmp_path / "a", trace(wander(60000, 1))), write(tmp_path / "b", trace(wander(30000, 2))))
    windows = [(START + first, START + first + 60) for first in range(0, 300, 50)]
    said = [problem for window in windows for problem in read_traces(segments, *map(float, window))[1]]
    assert len(said) == len(windows) == 6 and len(set(said)) == 1


def test_two_whole_versions_never_depend_on_names(tmp_path):
    versions = [trace(wander(2000, seed)) for seed in (1, 2)]
    chosen = []
    for number, order in enumerate((versions, versions[::-1])):
        folder = tmp_path / str(number)
        folder.mkdir()
        segments = scan_all(*(write(folder / name, item) for name, item in zip("ab", order, strict=True)))
        traces, problems = read_traces(segments, *EVER)
        assert len(problems) == 1 and len(traces) == 1
        chosen.append(traces[0].data)
    assert np.array_equal(*chosen)


def test_overlaps_stay_separate_segments(tmp_path):
    path = write(tmp_path / "a", trace(wander(2000, 1)), trace(wander(2000, 1)[1000:], START + 10))
    assert [segment["npts"] for segment in scan_all(path)] == [2000, 1000]


def test_a_change_of_rate_begins_another_trace(tmp_path):
    paths = [
        write(tmp_path / "a", trace(wander(1000))),
        write(tmp_path / "b", trace(wander(2000), START + 10, rate=200.0)),
    ]
    traces, problems = read_traces(scan_all(*paths), *EVER)
    assert [item.stats.sampling_rate for item in traces] == [100.0, 200.0] and problems == []


@pytest.mark.parametrize(
    "damage, said",
    [("gone", "No such file"), ("short", "has changed"), ("other", "has changed"), ("folder", "directory")],
)
def test_a_file_that_went_or_changed_stops_the_read(tmp_path, damage, said):
    """What a lost disk hides must never look like a gap."""
    path = write(tmp_path / "a", trace(wander(5000)))
    good = write(tmp_path / "b", trace(wander(5000), sta="GOOD"))
    segments = scan_all(path, good)
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "gone":
        path.write_bytes(content[:1024] if damage == "short" else good.read_bytes())
    with pytest.raises(WaveformUnavailable, match=said) as caught:
        read_traces(segments, *EVER)
    assert str(path) in str(caught.value)
    assert len(read_traces(segments[1:], *EVER)[0]) == 1
