"""Records that real data never hold are rejected by name and reason, and the good ones beside them are kept."""

import struct
import subprocess
import sys

import numpy as np
import pytest
from waveform_files import EVER, START, trace, wander, write

from catalogdb.stages.shards import segments_by_shard, shards_of
from catalogdb.waveforms import UnreadableWaveform, read_traces, scan_miniseed
from catalogdb.waveforms.records import read_records

DAY = 86_400.0


def with_rate(path, factor, multiplier, record=1):
    """Give one record of a file another nominal rate."""
    content = bytearray(path.read_bytes())
    struct.pack_into(">hh", content, record * 512 + 32, factor, multiplier)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("station", [b"     ", b"\0\0\0\0\0"])
def test_a_record_without_a_station_costs_itself_alone(tmp_path, station):
    path = write(tmp_path / "a", trace(wander(20_000)), encoding="INT32")
    content = bytearray(path.read_bytes())
    for record in (1, 2):
        content[record * 512 + 8 : record * 512 + 13] = station
    path.write_bytes(content)
    result = scan_miniseed(path)
    (line,) = result.warnings
    assert line.startswith(f"{path}: 2 records rejected, the first at byte 512 (OX...HHZ")
    assert line.endswith("it has no station code")
    assert {segment["sta"] for segment in result.segments} == {"BAD"}
    assert sum(segment["nbytes"] for segment in result.segments) == len(content) - 1024


def test_a_file_without_a_station_is_refused(tmp_path):
    path = write(tmp_path / "a", trace(wander(2_000)))
    with pytest.raises(UnreadableWaveform, match="records rejected.*it has no station code"):
        scan_miniseed(with_codes(path, b"       HHZOX"))


def with_codes(path, sid):
    content = bytearray(path.read_bytes())
    for at in range(0, len(content), 512):
        content[at + 8 : at + 20] = sid
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("factor", "multiplier", "reason"),
    [
        (-32768, -32768, "a sampling rate outside"),  # 9.3e-10 Hz
        (32767, 32767, "a sampling rate outside"),  # 1.07 GHz
        (-20000, -20, "longer than 366 days"),  # 112 samples of 4.6 days
    ],
)
def test_a_record_out_of_bounds_costs_itself_alone(tmp_path, factor, multiplier, reason):
    path = write(tmp_path / "a", trace(wander(20_000)), encoding="INT32")
    whole = len(read_records(path.read_bytes())[0])
    with_rate(path, factor, multiplier)
    result = scan_miniseed(path)
    (line,) = result.warnings
    assert line.startswith(f"{path}: 1 records rejected, the first at byte 512 (OX.BAD..HHZ") and reason in line
    assert sum(segment["nbytes"] for segment in result.segments) == (whole - 1) * 512
    assert all(abs(segment["endtime"] - START.timestamp) < 201 for segment in result.segments)
    traces, problems = read_traces(result.segments, *EVER)
    assert sum(map(len, traces)) == sum(segment["npts"] for segment in result.segments) and problems == []


def test_nothing_but_records_out_of_bounds_is_unreadable(tmp_path):
    path = with_rate(write(tmp_path / "a", trace(wander(100))), -32768, -32768, record=0)
    with pytest.raises(UnreadableWaveform, match="1 records rejected.*sampling rate") as caught:
        scan_miniseed(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("year", "day"), [(1899, 5), (2101, 5), (2023, 366), (2024, 367), (2024, 0)])
def test_a_time_that_is_none_is_said(tmp_path, year, day):
    path = write(tmp_path / "a", trace(wander(20_000)), encoding="INT32")
    content = bytearray(path.read_bytes())
    struct.pack_into(">HH", content, 512 + 20, year, day)
    path.write_bytes(content)
    (line,) = scan_miniseed(path).warnings
    assert "512 bytes at 512 (a header whose year is not in 1900 to 2100, or that names no day of it)" in line


@pytest.mark.parametrize(("rate", "samples"), [(1e-4, 400), (0.01, 5000), (5000.0, 5000), (1e6, 5000)])
def test_rates_of_real_data_are_kept(tmp_path, rate, samples):
    path = write(tmp_path / "a", trace(wander(samples), rate=rate))
    result = scan_miniseed(path)
    assert result.warnings == [] and sum(segment["npts"] for segment in result.segments) == samples


UNDERSCORES = [b"B_D    HHZOX", b"BAD  0_HHZOX", b"BAD    H_ZOX", b"BAD    HHZO_", b"_____00HHZOX"]


@pytest.mark.parametrize("sid", UNDERSCORES)
def test_underscores_in_codes_are_read(tmp_path, sid):
    path = with_codes(write(tmp_path / "a", trace(wander(3000))), sid)
    (segment,) = scan_miniseed(path).segments
    assert segment["sta"] == sid[:5].decode().strip() and segment["npts"] == 3000
    (found,), problems = read_traces([segment], *EVER)
    assert np.array_equal(found.data, wander(3000)) and problems == []


@pytest.mark.parametrize(
    "sid", [*UNDERSCORES, b"BAD" + bytes(9), b"BAD\0\0\0\0HHZOX", b"B\xe9D    HHZOX", b"BAD    HH OX"]
)
def test_the_indexer_never_sees_codes_that_it_does_not_end_on(tmp_path, sid, monkeypatch):
    import catalogdb.waveforms.index as index

    called = []
    monkeypatch.setattr(index, "_mspass_rows", lambda path: called.append(path) or {})
    plain = write(tmp_path / "plain", trace(wander(3000)))
    scan_miniseed(plain)
    assert called == [plain]
    mixed = tmp_path / "mixed"
    odd = with_codes(write(tmp_path / "odd", trace(wander(3000))), sid)
    mixed.write_bytes(plain.read_bytes() + odd.read_bytes())
    for path in (odd, mixed):
        scan_miniseed(path)
    assert called == [plain]


def test_a_file_with_an_underscore_takes_little_memory(tmp_path):
    path = with_codes(write(tmp_path / "a", trace(wander(3000))), b"EV0_6  EHZ  ")
    script = (
        "import re, sys; from pathlib import Path; from catalogdb.waveforms import scan_miniseed\n"
        "station = scan_miniseed(Path(sys.argv[1])).segments[0]['sta']\n"
        # not ru_maxrss, which a child inherits from the process that started it
        "print(station, re.search(r'VmHWM:\\s*(\\d+) kB', Path('/proc/self/status').read_text())[1])"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=60)
    station, kilobytes = done.stdout.split()
    assert station == "EV0_6" and int(kilobytes) < 500_000


# -- shards of segments


def segment(start, end, rate=100.0, **fields):
    npts = round((end - start) * rate) + 1
    return {"net": "XX", "sta": "A", "starttime": start, "endtime": end, "npts": npts, "delta": 1 / rate} | fields


def test_a_segment_is_in_the_shards_that_it_touches():
    everything = (-np.inf, np.inf)
    assert list(shards_of(segment(10.0, DAY - 10), DAY, 5.0, everything)) == [0.0]
    assert list(shards_of(segment(0.0, DAY - 0.01), DAY, 5.0, everything)) == [-DAY, 0.0, DAY]
    assert list(shards_of(segment(DAY, DAY), DAY, 0.0, everything)) == [DAY]


@pytest.mark.parametrize("seconds", [3e9, 7e13])
def test_a_segment_without_end_costs_what_lies_in_the_period(seconds):
    endless = segment(0.0, seconds, rate=1.0)
    assert list(shards_of(endless, DAY, 5.0, (10 * DAY, 12 * DAY))) == [10 * DAY, 11 * DAY]


def test_shards_between_samples_are_left_out():
    sparse = {"starttime": 5.0, "endtime": 5.0 + 3e9, "npts": 2, "delta": 3e9}
    assert list(shards_of(sparse, DAY, 10.0, (-np.inf, np.inf))) == [-DAY, 0.0, 34722 * DAY]


def test_shards_come_in_order_with_all_their_segments():
    rng = np.random.default_rng(4)
    starts = np.sort(rng.uniform(0, 20 * DAY, 300))
    segments = [
        segment(start, start + rng.uniform(0, 3 * DAY), rate=1.0, sta="AB"[n % 2]) for n, start in enumerate(starts)
    ]
    known = [("XX", "A", -3 * DAY), ("XX", "C", 2 * DAY), ("XX", "B", 40 * DAY)]
    found = list(segments_by_shard(segments, known, DAY, 60.0, (-np.inf, np.inf)))
    assert [start for start, _ in found] == sorted({start for start, _ in found})
    assert found[0][0] == -3 * DAY and found[-1][0] == 40 * DAY
    by_shard = dict(found)
    assert by_shard[2 * DAY]["XX", "C"] == ([], True)
    for start in by_shard:
        for sta in "AB":
            wanted = [
                one
                for one in segments
                if one["sta"] == sta and one["starttime"] - 60 < start + DAY and one["endtime"] + 60 >= start
            ]
            assert by_shard[start].get(("XX", sta), ([], False))[0] == wanted
