"""Traces to runs: alignment, gaps, dead channels, resampling that doesn't depend on where a file starts."""

from __future__ import annotations

import numpy as np
import pytest
from obspy import Trace, UTCDateTime

from catalogdb.components import Axis
from catalogdb.picking.records import build_runs

T0 = 1_700_000_000.0


def trace(channel, samples, start=T0, rate=100.0):
    header = {"network": "XX", "station": "A", "location": "", "channel": channel, "sampling_rate": rate}
    return Trace(np.asanyarray(samples), {**header, "starttime": UTCDateTime(start)})


def noise(seconds, rate=100.0, seed=0):
    return np.random.default_rng(seed).normal(0, 100, round(seconds * rate))


def test_three_components_make_one_run_with_the_datas_own_clock_phase():
    channels = ("HHE", "HHZ", "HHN")
    records = build_runs([trace(c, noise(60, seed=i), T0 + 0.0034) for i, c in enumerate(channels)], 100.0)
    (run,) = records.runs
    assert run.channels == ("HHZ", "HHN", "HHE")
    assert run.components == "ZNE"
    assert all(row.dtype == np.float32 and row.shape == (6000,) for row in run.data)
    assert run.time(0) == pytest.approx(T0 + 0.0034, abs=1e-6)
    assert run.time(5999) == pytest.approx(T0 + 0.0034 + 59.99, abs=1e-6)
    expected = noise(60, seed=1)
    np.testing.assert_allclose(np.diff(run.data[0]), np.diff(expected), atol=1e-3)
    assert abs(np.median(run.data[0])) < 1


def test_unoriented_horizontals_stand_in_and_are_named():
    (run,) = build_runs([trace("EHZ", noise(60)), trace("EH1", noise(60)), trace("EH2", noise(60))], 100.0).runs
    assert run.components == "Z12"
    assert run.channels == ("EHZ", "EH1", "EH2")


def test_oriented_horizontals_come_before_unoriented_ones():
    names = ("HHZ", "HH1", "HH2", "HHN", "HHE", "HHX")
    records = build_runs([trace(name, noise(60)) for name in names], 100.0)
    assert records.runs[0].components == "ZNE"
    assert [(channel, [round(end - start) for start, end in when]) for _, channel, when in records.unused] == [
        ("HH1", [60]),
        ("HH2", [60]),
        ("HHX", [60]),
    ]


def test_missing_components_are_absent_and_marked():
    (run,) = build_runs([trace("HHZ", noise(60))], 100.0).runs
    assert run.components == "Z"
    assert run.data[1] is None and run.data[2] is None


def test_a_gap_of_any_component_ends_a_run():
    traces = [
        trace("HHZ", noise(120)),
        trace("HHE", noise(120)),
        trace("HHN", noise(50)),
        trace("HHN", noise(60), T0 + 60),
    ]
    runs = build_runs(traces, 100.0).runs
    assert [(run.components, run.samples) for run in runs] == [("ZNE", 5000), ("ZE", 1000), ("ZNE", 6000)]
    assert [run.time(0) - T0 for run in runs] == pytest.approx([0, 50, 60])


def lossy(channel, data, lost, every, rate=100.0, drift=0.0):
    """Traces of one channel that lack `lost` samples of each `every`, the clock going on (or drifting)."""
    starts = range(0, data.size, every)
    return [trace(channel, data[at : at + every - lost], T0 + at / rate * (1 + drift), rate) for at in starts]


@pytest.mark.parametrize("lost", [1, 3, 5])
def test_lost_samples_are_bridged_where_the_clock_goes_on(lost):
    data = noise(100) + 1000
    records = build_runs(lossy("HHZ", data, lost, 2000), 100.0, bridge_samples=5)
    (run,) = records.runs
    assert run.samples == 10_000 - lost
    assert (records.counts["bridged_gaps"], records.counts["bridged_samples"]) == (4, 4 * lost)
    kept = np.arange(10_000 - lost) % 2000 < 2000 - lost
    np.testing.assert_allclose(np.diff(run.data[0][kept]), np.diff(data[: 10_000 - lost][kept]), atol=1e-3)
    line = run.data[0][2000 - lost - 1 : 2001]
    np.testing.assert_allclose(np.diff(line), np.diff(line).mean(), atol=1e-3)
    assert any("4 gaps of up to 5 samples" in text for text in records.problems)


@pytest.mark.parametrize(("lost", "bridge"), [(6, 5), (1, 0), (100, 5)])
def test_longer_gaps_stay_gaps(lost, bridge):
    runs = build_runs(lossy("HHZ", noise(100), lost, 2000), 100.0, bridge_samples=bridge).runs
    assert [run.samples for run in runs] == [2000 - lost] * 5


def test_a_clock_that_jumps_is_not_bridged():
    traces = [trace("HHZ", noise(20)), trace("HHZ", noise(20, seed=1), T0 + 20.015)]
    assert [run.samples for run in build_runs(traces, 100.0, bridge_samples=5).runs] == [2000, 2000]


def test_no_more_than_a_twentieth_is_made_up():
    runs = build_runs(lossy("HHZ", noise(20), 5, 50), 100.0, bridge_samples=5).runs
    assert {run.samples for run in runs} == {45}


def test_bridging_keeps_to_a_clock_that_drifts():
    data = noise(3600)
    (run,) = build_runs(lossy("HHZ", data, 1, 2000, drift=2e-5), 100.0, bridge_samples=5).runs
    assert run.time(359_999) - T0 == pytest.approx(3599.99 * (1 + 2e-5), abs=0.01)


def test_a_channel_that_gets_another_code_goes_on_as_one_run():
    """As where HHN becomes HH1: the pick says which of the two it was made on."""
    data = noise(100)
    halves = [trace("HHN", data[:5000]), trace("HH1", data[5000:], T0 + 50)]
    (run,) = build_runs([trace("HHZ", noise(100, seed=1)), *halves], 100.0).runs
    assert run.channels == ("HHZ", "HHN", None) and run.changes == ((5000, ("HHZ", "HH1", None)),)
    np.testing.assert_allclose(np.diff(run.data[1]), np.diff(data), atol=1e-3)


def test_another_component_with_another_offset_begins_another_run():
    halves = [trace("HHN", noise(50)), trace("HH1", noise(50, seed=2) + 50_000, T0 + 50)]
    runs = build_runs([trace("HHZ", noise(100, seed=1)), *halves], 100.0).runs
    assert [(run.channels, run.samples) for run in runs] == [
        (("HHZ", "HHN", None), 5000),
        (("HHZ", "HH1", None), 5000),
    ]


def test_z23_and_oriented_123_fill_all_slots():
    (run,) = build_runs([trace(f"HH{letter}", noise(60)) for letter in "Z23"], 100.0).runs
    assert run.channels == ("HHZ", "HH2", "HH3")
    axes = [Axis("HH3", 0, 1e10, 0.0, 0.0)]
    (run,) = build_runs([trace(f"HH{letter}", noise(60)) for letter in "123"], 100.0, axes=axes).runs
    assert run.channels == ("HH3", "HH1", "HH2")


def test_pieces_that_continue_each_other_are_one_run():
    whole = noise(60)
    (run,) = build_runs([trace("HHZ", whole[2000:], T0 + 20), trace("HHZ", whole[:2000])], 100.0).runs
    np.testing.assert_allclose(np.diff(run.data[0]), np.diff(whole), atol=1e-3)


def test_overlapping_pieces_count_once():
    whole = noise(60)
    records = build_runs([trace("HHZ", whole[:3000]), trace("HHZ", whole[2000:], T0 + 20)], 100.0)
    (run,) = records.runs
    assert records.counts["overlapping_samples"] == 1000
    np.testing.assert_allclose(np.diff(run.data[0]), np.diff(whole), atol=1e-3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_samples_that_are_not_finite_are_gaps(bad):
    data = noise(60)
    data[3000:3010] = bad
    records = build_runs([trace("HHZ", data)], 100.0)
    assert [run.samples for run in records.runs] == [3000, 2990]
    assert records.counts["nonfinite_samples"] == 10
    assert "HHZ" in records.problems[0]
    assert all(np.isfinite(row).all() for run in records.runs for row in run.data if row is not None)


def test_masked_samples_are_gaps():
    data = np.ma.masked_array(noise(60).astype(np.int32), mask=np.zeros(6000, bool))
    data.mask[1000:2000] = True
    assert [run.samples for run in build_runs([trace("HHZ", data)], 100.0).runs] == [1000, 4000]


def test_a_dead_channel_is_a_missing_one():
    traces = [trace("HHZ", noise(60)), trace("HHN", np.zeros(6000)), trace("HHE", noise(60, seed=1))]
    records = build_runs(traces, 100.0)
    assert [run.components for run in records.runs] == ["ZE"]
    assert records.counts["dead_seconds"] == 60
    assert "HHN" in records.problems[0]


def test_a_dead_stretch_is_a_gap_but_a_short_constant_one_is_not():
    data = noise(100)
    data[2000:4000] = 7.0
    data[6000:6500] = 7.0
    assert [run.samples for run in build_runs([trace("HHZ", data)], 100.0).runs] == [2000, 6000]


def test_slow_channels_are_refused_with_a_reason():
    records = build_runs([trace("LHZ", noise(3600, 1.0), rate=1.0)], 100.0)
    assert records.runs == []
    assert records.counts["slow_traces"] == 1
    assert "1 Hz" in records.problems[0]


@pytest.mark.parametrize("data", [np.empty(0), np.zeros(1), np.ones(1, np.int32), np.full(5000, np.nan)])
def test_traces_without_information_do_no_harm(data):
    records = build_runs([trace("HHZ", data), trace("HHN", data)], 100.0)
    assert all(run.samples <= 1 for run in records.runs)


def test_no_traces_no_runs():
    assert build_runs([], 100.0).runs == []


@pytest.mark.parametrize("rate", [20.0, 40.0, 50.0, 62.5, 125.0, 200.0, 250.0, 500.0])
def test_resampling_keeps_a_tone_and_its_time(rate):
    start = T0 + 0.123
    times = start + np.arange(int(60 * rate)) / rate
    (run,) = build_runs([trace("HHZ", 1000 * np.sin(2 * np.pi * 3 * (times - T0)), start, rate)], 100.0).runs
    assert run.rate == pytest.approx(100.0)
    middle = slice(1000, 5000)
    at = np.array([run.time(k) for k in range(run.samples)])
    np.testing.assert_allclose(run.data[0][middle], 1000 * np.sin(2 * np.pi * 3 * (at - T0))[middle], atol=8)


@pytest.mark.parametrize("rate", [40.0, 62.5, 200.0])
@pytest.mark.parametrize("late", [1, 3, 777])
def test_resampled_samples_do_not_depend_on_where_the_file_starts(rate, late):
    data = noise(120, rate) + 1e6
    whole = build_runs([trace("HHZ", data, T0 + 0.0013, rate)], 100.0).runs[0]
    part = build_runs([trace("HHZ", data[late:], T0 + 0.0013 + late / rate, rate)], 100.0).runs[0]
    shift = round((part.time(0) - whole.time(0)) * 100)
    assert part.time(0) == pytest.approx(whole.time(shift), abs=2e-6)
    length = part.samples - 1000
    difference = whole.data[0][shift + 500 : shift + 500 + length] - part.data[0][500 : 500 + length]
    assert np.abs(difference - difference.mean()).max() < 1e-3  # each has its own offset removed


def test_a_spike_does_not_spoil_the_rest():
    data = noise(60)
    spoilt = data.copy()
    spoilt[3000] = 1e14
    (run,) = build_runs([trace("HHZ", spoilt)], 100.0).runs
    np.testing.assert_allclose(np.diff(run.data[0][:3000]), np.diff(data[:3000]), atol=1e-3)


def test_downsampling_removes_what_would_alias():
    times = np.arange(200 * 60) / 200
    (run,) = build_runs([trace("HHZ", 1000 * np.sin(2 * np.pi * 70 * times), rate=200.0)], 100.0).runs
    assert np.abs(run.data[0][500:-500]).max() < 2


def test_a_rate_a_little_off_is_used_with_its_own_sample_times():
    (run,) = build_runs([trace("HHZ", noise(600), rate=100.02)], 100.0).runs
    assert run.samples == 60000
    assert run.time(59999) - run.time(0) == pytest.approx(59999 / 100.02, abs=2e-6)


@pytest.mark.parametrize("rates", [(100.0, 99.95, 99.95), (100.02, 100.0, 99.95), (100.0, 100.0, 199.9)])
def test_components_at_different_rates_are_brought_to_one(rates):
    """An hour at 99.95 Hz is 180 samples shorter than at 100 Hz."""
    traces = []
    for channel, rate in zip(("HHZ", "HHN", "HHE"), rates, strict=True):
        times = np.arange(int(3600 * rate)) / rate
        traces.append(trace(channel, 1000 * np.sin(2 * np.pi * 3 * times), rate=rate))
    (run,) = [run for run in build_runs(traces, 100.0).runs if run.samples > 1000]
    assert run.components == "ZNE" and run.rate == 100.0 and run.samples >= 359_800
    at = np.array([run.time(sample) for sample in range(run.samples)]) - T0
    for row in run.data:
        error = (row - 1000 * np.sin(2 * np.pi * 3 * at))[1000:-1000]
        assert np.abs(error).max() < 2 * np.pi * 3 * 1000 * 0.005  # half a sample


def test_rates_that_differ_by_less_than_half_a_sample_are_left_alone():
    runs = build_runs([trace("HHZ", noise(600)), trace("HHN", noise(600), rate=100.0005)], 100.0).runs
    np.testing.assert_allclose(np.diff(runs[0].data[1]), np.diff(noise(600)), atol=1e-3)


def test_interpolated_samples_do_not_depend_on_where_the_file_starts():
    vertical, data = noise(1200), noise(1200, 99.95, seed=1)
    whole = build_runs([trace("HHZ", vertical), trace("HHN", data, rate=99.95)], 100.0).runs[0]
    late = 7013
    part = build_runs([trace("HHZ", vertical), trace("HHN", data[late:], T0 + late / 99.95, 99.95)], 100.0)
    run = next(run for run in part.runs if run.components == "ZN")
    shift = round((run.time(0) - whole.time(0)) * 100)
    difference = (whole.data[1][shift : shift + run.samples] - run.data[1][: whole.samples - shift])[100:-100]
    assert np.abs(difference - difference.mean()).max() < 1e-2
