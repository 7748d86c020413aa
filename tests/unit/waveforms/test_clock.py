"""Records on clocks that scatter, drift, step or bend."""

from __future__ import annotations

import numpy as np
import pytest
from waveform_files import EVER, START, largest_error, scan_all, scattered, wander, write_records

from catalogdb.waveforms import read_traces


@pytest.mark.parametrize("drift", [0.0, 2e-5, -1e-4])
@pytest.mark.parametrize("jitter_ms", [0.0, 4.0, 7.0])
def test_records_on_a_bad_clock_are_one_trace(tmp_path, jitter_ms, drift):
    data, starts = wander(360_000), scattered(jitter_ms, drift)
    segments = scan_all(write_records(tmp_path / "a.mseed", data, starts))
    assert len(segments) == 1 and segments[0]["endtime"] == pytest.approx(
        START.timestamp + starts[-1] + 3.99, abs=0.0051
    )
    (item,), problems = read_traces(segments, *EVER)
    assert np.array_equal(item.data, data) and problems == []
    assert largest_error(item, starts) <= 0.0101
    assert item.stats.sampling_rate == pytest.approx(100 / (1 - drift), rel=1e-6)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("parts", [1, 2, 4])
def test_blocks_of_records_on_a_scattering_clock_are_one_trace(tmp_path, parts, seed):
    """Packets of 4 s that share an error, written as several records each."""
    late = np.random.default_rng(seed).uniform(-0.007, 0.007, 900).repeat(parts)
    starts = np.round(np.arange(900 * parts) * 4.0 / parts + late, 4)
    data, samples = wander(360_000), 400 // parts
    (item,), problems = read_traces(scan_all(write_records(tmp_path / "a", data, starts, samples)), *EVER)
    assert np.array_equal(item.data, data) and problems == []
    assert largest_error(item, starts, samples) <= 0.0101


@pytest.mark.parametrize("jitter_ms, drift", [(7.0, 0.0), (0.0, 2e-5), (4.0, 2e-5)])
def test_a_bad_clock_gives_the_same_trace_from_any_files(tmp_path, jitter_ms, drift):
    data, starts = wander(360_000), scattered(jitter_ms, drift)
    whole, _ = read_traces(scan_all(write_records(tmp_path / "whole", data, starts)), *EVER)
    edges = [0, 1, 7, 300, 301, 750, 900]
    parts = [
        write_records(tmp_path / f"{7 * first % 11}-{first}", data[first * 400 :], starts[first:end])
        for first, end in zip(edges[:-1], edges[1:], strict=True)
    ]
    cut, problems = read_traces(scan_all(*sorted(parts)), *EVER)
    assert problems == [] and len(cut) == len(whole) == 1
    assert cut[0].stats == whole[0].stats and np.array_equal(cut[0].data, whole[0].data)


def test_one_record_out_of_line_breaks_nothing(tmp_path):
    starts = np.arange(50) * 4.0
    starts[20] += 0.008
    (item,), problems = read_traces(scan_all(write_records(tmp_path / "a", wander(20_000), starts)), *EVER)
    assert len(item) == 20_000 and problems == []


@pytest.mark.parametrize("step", [0.010, 0.006, -0.006])
def test_a_lasting_step_of_the_clock_begins_another_trace(tmp_path, step):
    starts = np.arange(50) * 4.0 + np.where(np.arange(50) < 20, 0, step)
    traces, problems = read_traces(scan_all(write_records(tmp_path / "a", wander(20_000), starts)), *EVER)
    assert [len(item) for item in traces] == [8_000, 12_000] and problems == []
    assert [item.stats.starttime - START for item in traces] == pytest.approx([0, starts[20]])


def test_a_clock_that_bends_is_cut_until_it_is_straight(tmp_path):
    seconds = np.arange(900) * 4.0
    starts = np.round(seconds + 0.08 * np.sin(2 * np.pi * seconds / 3600), 4)
    traces, _ = read_traces(scan_all(write_records(tmp_path / "a", wander(360_000), starts)), *EVER)
    assert 1 < len(traces) <= 16 and sum(map(len, traces)) >= 360_000 - 2 * len(traces)
    for item in traces:
        at = np.searchsorted(starts, item.stats.starttime - START - 0.011)
        assert abs(item.stats.starttime - START - starts[at]) <= 0.03
