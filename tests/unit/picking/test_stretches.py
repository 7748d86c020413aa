"""Traces to stretches: alignment, gaps, dead channels, resampling that doesn't depend on where a file starts."""

from __future__ import annotations

import numpy as np
import pytest
from obspy import Trace, UTCDateTime

from catalogdb.components import Axis
from catalogdb.picking.stretches import build_stretches

T0 = 1_700_000_000.0


def trace(channel, samples, start=T0, rate=100.0):
    header = {"network": "XX", "station": "A", "location": "", "channel": channel, "sampling_rate": rate}
    return Trace(np.asanyarray(samples), {**header, "starttime": UTCDateTime(start)})


def noise(seconds, rate=100.0, seed=0):
    return np.random.default_rng(seed).normal(0, 100, round(seconds * rate))


def test_three_components_make_one_stretch_on_their_own_clock():
    channels = ("HHE", "HHZ", "HHN")
    records = build_stretches([trace(c, noise(60, seed=i), T0 + 0.0034) for i, c in enumerate(channels)], 100.0)
    (stretch,) = records.stretches
    assert stretch.channels == ("HHZ", "HHN", "HHE")
    assert stretch.components == "ZNE"
    assert all(row.dtype == np.float32 and row.shape == (6000,) for row in stretch.data)
    assert stretch.time(0) == pytest.approx(T0 + 0.0034, abs=1e-6)
    assert stretch.time(5999) == pytest.approx(T0 + 0.0034 + 59.99, abs=1e-6)
    expected = noise(60, seed=1)
    np.testing.assert_allclose(np.diff(stretch.data[0]), np.diff(expected), atol=1e-3)
    assert abs(np.median(stretch.data[0])) < 1


def test_unoriented_horizontals_stand_in_and_are_named():
    (stretch,) = build_stretches(
        [trace("EHZ", noise(60)), trace("EH1", noise(60)), trace("EH2", noise(60))], 100.0
    ).stretches
    assert stretch.components == "Z12"
    assert stretch.channels == ("EHZ", "EH1", "EH2")


def test_oriented_horizontals_come_before_unoriented_ones():
    names = ("HHZ", "HH1", "HH2", "HHN", "HHE", "HHX")
    records = build_stretches([trace(name, noise(60)) for name in names], 100.0)
    assert records.stretches[0].components == "ZNE"
    assert [(channel, [round(end - start) for start, end in when]) for _, channel, when in records.unused] == [
        ("HH1", [60]),
        ("HH2", [60]),
        ("HHX", [60]),
    ]


def test_missing_components_are_absent_and_marked():
    (stretch,) = build_stretches([trace("HHZ", noise(60))], 100.0).stretches
    assert stretch.components == "Z"
    assert stretch.data[1] is None and stretch.data[2] is None


def test_a_gap_of_any_component_ends_a_stretch():
    traces = [
        trace("HHZ", noise(120)),
        trace("HHE", noise(120)),
        trace("HHN", noise(50)),
        trace("HHN", noise(60), T0 + 60),
    ]
    stretches = build_stretches(traces, 100.0).stretches
    assert [(stretch.components, stretch.samples) for stretch in stretches] == [
        ("ZNE", 5000),
        ("ZE", 1000),
        ("ZNE", 6000),
    ]
    assert [stretch.time(0) - T0 for stretch in stretches] == pytest.approx([0, 50, 60])


def lossy(channel, data, lost, every, rate=100.0, drift=0.0):
    """Traces of one channel that lack `lost` samples of each `every`, the clock going on (or drifting)."""
    starts = range(0, data.size, every)
    return [trace(channel, data[at : at + every - lost], T0 + at / rate * (1 + drift), rate) for at in starts]


@pytest.mark.parametrize("lost", [1, 3, 5])
def test_lost_samples_are_bridged_where_the_clock_goes_on(lost):
    data = noise(100) + 1000
    records = build_stretches(lossy("HHZ", data, lost, 2000), 100.0, bridge_samples=5)
    (stretch,) = records.stretches
    assert stretch.samples == 10_000 - lost
    assert (records.counts["bridged_gaps"], records.counts["bridged_samples"]) == (4, 4 * lost)
    kept = np.arange(10_000 - lost) % 2000 < 2000 - lost
    np.testing.assert_allclose(np.diff(stretch.data[0][kept]), np.diff(data[: 10_000 - lost][kept]), atol=1e-3)
    line = stretch.data[0][2000 - lost - 1 : 2001]
    np.testing.assert_allclose(np.diff(line), np.diff(line).mean(), atol=1e-3)
    assert any("4 gaps of up to 5 samples" in text for text in records.problems)


@pytest.mark.parametrize(("lost", "bridge"), [(6, 5), (1, 0), (100, 5)])
def test_longer_gaps_stay_gaps(lost, bridge):
    stretches = build_stretches(lossy("HHZ", noise(100), lost, 2000), 100.0, bridge_samples=bridge).stretches
    assert [stretch.samples for stretch in stretches] == [2000 - lost] * 5


def test_a_clock_that_jumps_is_not_bridged():
    traces = [trace("HHZ", noise(20)), trace("HHZ", noise(20, seed=1), T0 + 20.015)]
    assert [stretch.samples for stretch in build_stretches(traces, 100.0, bridge_samples=5).stretches] == [2000, 2000]


def test_no_more_than_a_twentieth_is_made_up():
    stretches = build_stretches(lossy("HHZ", noise(20), 5, 50), 100.0, bridge_samples=5).stretches
    assert {stretch.samples for stretch in stretches} == {45}


def test_bridging_keeps_to_a_clock_that_drifts():
    data = noise(3600)
    (stretch,) = build_stretches(lossy("HHZ", data, 1, 2000, drift=2e-5), 100.0, bridge_samples=5).stretches
    assert stretch.time(359_999) - T0 == pytest.approx(3599.99 * (1 + 2e-5), abs=0.01)


def test_a_channel_that_gets_another_code_goes_on_as_one_stretch():
    """As where HHN becomes HH1: the pick says which of the two it was made on."""
    data = noise(100)
    halves = [trace("HHN", data[:5000]), trace("HH1", data[5000:], T0 + 50)]
    (stretch,) = build_stretches([trace("HHZ", noise(100, seed=1)), *halves], 100.0).stretches
    assert stretch.channels == ("HHZ", "HHN", None) and stretch.changes == ((5000, ("HHZ", "HH1", None)),)
    np.testing.assert_allclose(np.diff(stretch.data[1]), np.diff(data), atol=1e-3)


def test_another_offset_begins_another_stretch():
    halves = [trace("HHN", noise(50)), trace("HH1", noise(50, seed=2) + 50_000, T0 + 50)]
    stretches = build_stretches([trace("HHZ", noise(100, seed=1)), *halves], 100.0).stretches
    assert [(stretch.channels, stretch.samples) for stretch in stretches] == [
        (("HHZ", "HHN", None), 5000),
        (("HHZ", "HH1", None), 5000),
    ]


def test_z23_and_oriented_123_fill_all_slots():
    (stretch,) = build_stretches([trace(f"HH{letter}", noise(60)) for letter in "Z23"], 100.0).stretches
    assert stretch.channels == ("HHZ", "HH2", "HH3")
    axes = [Axis("HH3", 0, 1e10, 0.0, 0.0)]
    (stretch,) = build_stretches([trace(f"HH{letter}", noise(60)) for letter in "123"], 100.0, axes=axes).stretches
    assert stretch.channels == ("HH3", "HH1", "HH2")


def test_segments_that_continue_each_other_are_one_stretch():
    whole = noise(60)
    (stretch,) = build_stretches([trace("HHZ", whole[2000:], T0 + 20), trace("HHZ", whole[:2000])], 100.0).stretches
    np.testing.assert_allclose(np.diff(stretch.data[0]), np.diff(whole), atol=1e-3)


def test_overlapping_segments_count_once():
    whole = noise(60)
    records = build_stretches([trace("HHZ", whole[:3000]), trace("HHZ", whole[2000:], T0 + 20)], 100.0)
    (stretch,) = records.stretches
    assert records.counts["overlapping_samples"] == 1000
    np.testing.assert_allclose(np.diff(stretch.data[0]), np.diff(whole), atol=1e-3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_samples_that_are_not_finite_are_gaps(bad):
    data = noise(60)
    data[3000:3010] = bad
    records = build_stretches([trace("HHZ", data)], 100.0)
    assert [stretch.samples for stretch in records.stretches] == [3000, 2990]
    assert records.counts["nonfinite_samples"] == 10
    assert "HHZ" in records.problems[0]
    assert all(np.isfinite(row).all() for stretch in records.stretches for row in stretch.data if row is not None)


def test_masked_samples_are_gaps():
    data = np.ma.masked_array(noise(60).astype(np.int32), mask=np.zeros(6000, bool))
    data.mask[1000:2000] = True
    assert [stretch.samples for stretch in build_stretches([trace("HHZ", data)], 100.0).stretches] == [1000, 4000]


def test_a_dead_channel_is_a_missing_one():
    traces = [trace("HHZ", noise(60)), trace("HHN", np.zeros(6000)), trace("HHE", noise(60, seed=1))]
    records = build_stretches(traces, 100.0)
    assert [stretch.components for stretch in records.stretches] == ["ZE"]
    assert records.counts["dead_seconds"] == 60
    assert "HHN" in records.problems[0]


def test_a_dead_stretch_is_a_gap_but_a_short_constant_one_is_not():
    data = noise(100)
    data[2000:4000] = 7.0
    data[6000:6500] = 7.0
    assert [stretch.samples for stretch in build_stretches([trace("HHZ", data)], 100.0).stretches] == [2000, 6000]


def test_slow_channels_are_refused_with_a_reason():
    records = build_stretches([trace("LHZ", noise(3600, 1.0), rate=1.0)], 100.0)
    assert records.stretches == []
    assert records.counts["slow_traces"] == 1
    assert "1 Hz" in records.problems[0]


@pytest.mark.parametrize("data", [np.empty(0), np.zeros(1), np.ones(1, np.int32), np.full(5000, np.nan)])
def test_traces_without_information_do_no_harm(data):
    records = build_stretches([trace("HHZ", data), trace("HHN", data)], 100.0)
    assert all(stretch.samples <= 1 for stretch in records.stretches)


def test_no_traces_no_stretches():
    assert build_stretches([], 100.0).stretches == []


@pytest.mark.parametrize("rate", [20.0, 40.0, 50.0, 62.5, 125.0, 200.0, 250.0, 500.0])
def test_resampling_keeps_a_tone_and_its_time(rate):
    start = T0 + 0.123
    times = start + np.arange(int(60 * rate)) / rate
    (stretch,) = build_stretches(
        [trace("HHZ", 1000 * np.sin(2 * np.pi * 3 * (times - T0)), start, rate)], 100.0
    ).stretches
    assert stretch.rate == pytest.approx(100.0)
    middle = slice(1000, 5000)
    at = np.array([stretch.time(k) for k in range(stretch.samples)])
    np.testing.assert_allclose(stretch.data[0][middle], 1000 * np.sin(2 * np.pi * 3 * (at - T0))[middle], atol=8)


@pytest.mark.parametrize("rate", [40.0, 62.5, 200.0])
@pytest.mark.parametrize("late", [1, 3, 777])
def test_resampled_samples_do_not_depend_on_where_the_file_starts(rate, late):
    data = noise(120, rate) + 1e6
    whole = build_stretches([trace("HHZ", data, T0 + 0.0013, rate)], 100.0).stretches[0]
    part = build_stretches([trace("HHZ", data[late:], T0 + 0.0013 + late / rate, rate)], 100.0).stretches[0]
    shift = round((part.time(0) - whole.time(0)) * 100)
    assert part.time(0) == pytest.approx(whole.time(shift), abs=2e-6)
    length = part.samples - 1000
    difference = whole.data[0][shift + 500 : shift + 500 + length] - part.data[0][500 : 500 + length]
    assert np.abs(difference - difference.mean()).max() < 1e-3  # each has its own offset removed


def test_a_spike_does_not_spoil_the_rest():
    data = noise(60)
    spoilt = data.copy()
    spoilt[3000] = 1e14
    (stretch,) = build_stretches([trace("HHZ", spoilt)], 100.0).stretches
    np.testing.assert_allclose(np.diff(stretch.data[0][:3000]), np.diff(data[:3000]), atol=1e-3)


def test_downsampling_removes_what_would_alias():
    times = np.arange(200 * 60) / 200
    (stretch,) = build_stretches([trace("HHZ", 1000 * np.sin(2 * np.pi * 70 * times), rate=200.0)], 100.0).stretches
    assert np.abs(stretch.data[0][500:-500]).max() < 2


def test_a_rate_a_little_off_is_used_with_its_own_sample_times():
    (stretch,) = build_stretches([trace("HHZ", noise(600), rate=100.02)], 100.0).stretches
    assert stretch.samples == 60000
    assert stretch.time(59999) - stretch.time(0) == pytest.approx(59999 / 100.02, abs=2e-6)


@pytest.mark.parametrize("rates", [(100.0, 99.95, 99.95), (100.02, 100.0, 99.95), (100.0, 100.0, 199.9)])
def test_components_at_different_rates_are_brought_to_one(rates):
    """An hour at 99.95 Hz is 180 samples shorter than at 100 Hz."""
    traces = []
    for channel, rate in zip(("HHZ", "HHN", "HHE"), rates, strict=True):
        times = np.arange(int(3600 * rate)) / rate
        traces.append(trace(channel, 1000 * np.sin(2 * np.pi * 3 * times), rate=rate))
    (stretch,) = [stretch for stretch in build_stretches(traces, 100.0).stretches if stretch.samples > 1000]
    assert stretch.components == "ZNE" and stretch.rate == 100.0 and stretch.samples >= 359_800
    at = np.array([stretch.time(sample) for sample in range(stretch.samples)]) - T0
    for row in stretch.data:
        error = (row - 1000 * np.sin(2 * np.pi * 3 * at))[1000:-1000]
        assert np.abs(error).max() < 2 * np.pi * 3 * 1000 * 0.005  # half a sample


def test_rates_that_differ_by_less_than_half_a_sample_are_left_alone():
    stretches = build_stretches([trace("HHZ", noise(600)), trace("HHN", noise(600), rate=100.0005)], 100.0).stretches
    np.testing.assert_allclose(np.diff(stretches[0].data[1]), np.diff(noise(600)), atol=1e-3)


def test_interpolated_samples_do_not_depend_on_where_the_file_starts():
    vertical, data = noise(1200), noise(1200, 99.95, seed=1)
    whole = build_stretches([trace("HHZ", vertical), trace("HHN", data, rate=99.95)], 100.0).stretches[0]
    late = 7013
    part = build_stretches([trace("HHZ", vertical), trace("HHN", data[late:], T0 + late / 99.95, 99.95)], 100.0)
    stretch = next(stretch for stretch in part.stretches if stretch.components == "ZN")
    shift = round((stretch.time(0) - whole.time(0)) * 100)
    difference = (whole.data[1][shift : shift + stretch.samples] - stretch.data[1][: whole.samples - shift])[100:-100]
    assert np.abs(difference - difference.mean()).max() < 1e-2
