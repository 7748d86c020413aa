"""What goes wrong with digitisers, telemetry and archives: no crash, no flood of picks, each thing counted."""

from __future__ import annotations

import numpy as np
import pytest
from obspy import Stream, Trace, UTCDateTime

from benchmarks._faults import FAULTS, LARGEST_24_BIT, STARTTIME, as_traces, real_noise
from benchmarks.agreement import read_sensor
from catalogdb.picking.config import PickConfig
from catalogdb.picking.picker import load_picker
from catalogdb.picking.stretches import build_stretches

SECONDS = 900.0


@pytest.fixture(scope="module")
def noise(realdata):
    return real_noise(realdata, SECONDS)


@pytest.fixture(scope="module")
def ridgecrest(realdata):
    stream = read_sensor(realdata, "ridgecrest_2019", "PB.B917*")
    start = stream[0].stats.starttime
    return stream.slice(start, start + 900).copy()


def picked(traces, **settings):
    begin = min((t.stats.starttime.timestamp for t in traces if len(t.data)), default=STARTTIME)
    return load_picker(PickConfig(**settings)).pick(list(traces), begin - 1, begin + SECONDS + 60)


def whole(result):
    """All that is said of picks is finite and in its range."""
    for pick in result.picks:
        assert np.isfinite([pick["time"], pick["amplitude"], pick["uncertainty"], pick.get("snr", 1.0)]).all()
        assert 0 < pick["probability"] <= 1 and 0 <= pick["quality"] <= 1
    return result


def in_column(trace, values):
    return Trace(values, trace.stats)


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_make_few_picks(noise, real_weights, fault):
    """The same noise without the fault gives none; a fault each minute could give fifteen."""
    result = whole(picked(as_traces(FAULTS[fault](noise)), picker="phasenet"))
    assert len(result.picks) <= (0 if fault == "none" else 3)
    assert result.counts["picked_seconds"] + result.counts.get("short_run_seconds", 0) <= SECONDS


@pytest.mark.parametrize("fault", ["spikes of 1e7 counts each second", "24-bit counter that wraps"])
def test_digital_faults_make_no_pick_of_eqtransformer(noise, real_weights, fault):
    data = FAULTS[fault](noise)[:, :30_000]
    assert len(whole(picked(as_traces(data), picker="eqtransformer")).picks) <= 1


@pytest.mark.parametrize("fault", ["none", "a box of 1e6 counts over half the time", "24-bit counter that wraps"])
def test_faults_make_few_picks_with_the_demo_weights(noise, fault):
    assert len(whole(picked(as_traces(FAULTS[fault](noise)), weights="demo")).picks) <= 3


def test_samples_that_are_not_numbers_are_gaps_named_and_counted(noise):
    data = noise.copy()
    data[0, 30_000:30_010] = np.nan
    data[1, 60_000:60_006] = -np.inf
    data[2, 80_000] = np.nan  # few enough to be bridged
    result = whole(picked(as_traces(data), weights="demo"))
    assert result.counts["nonfinite_samples"] == 17
    assert (result.counts["bridged_gaps"], result.counts["bridged_samples"]) == (1, 1)
    assert {trace.components for trace in result.findings.probability} == {"ZNE"}
    assert result.counts["runs"] == 5
    for channel in ("HHZ", "HHN"):
        assert any(f"XX.A..HH: {channel}: " in text and "finite" in text for text in result.problems)


def test_real_earthquakes_on_clipped_channels_are_still_picked(ridgecrest, real_weights):
    """Largest motions cut at the level that a hundredth of the samples pass."""
    clean = picked(ridgecrest, p_threshold=0.5)
    clipped = ridgecrest.copy()
    for trace in clipped:
        centre = int(np.median(trace.data))
        limit = np.percentile(np.abs(trace.data - centre), 99)
        trace.data = np.clip(trace.data, centre - limit, centre + limit).astype(np.int32)
    result = whole(picked(clipped, p_threshold=0.5))
    assert result.counts["runs"] == 1
    before, after = ([pick["time"] for pick in found.picks if pick["phase"] == "P"] for found in (clean, result))
    kept = [time for time in before if np.abs(np.array(after) - time).min() < 0.05]
    assert len(before) > 20 and len(kept) > 0.8 * len(before)
    assert len(after) < 1.3 * len(before)


@pytest.mark.parametrize("rail_seconds", [1.0, 5.0])
def test_a_clipped_earthquake_is_one_stretch(ridgecrest, real_weights, rail_seconds):
    clean = picked(ridgecrest)
    start = ridgecrest[0].stats.starttime.timestamp
    middle = [p for p in clean.picks if p["phase"] == "P" and 200 < p["time"] - start < 700]
    largest = max(middle, key=lambda pick: pick["amplitude"])
    railed = ridgecrest.copy()
    for trace in railed:
        at = round((largest["time"] + 0.5 - trace.stats.starttime.timestamp) * 100)
        trace.data = trace.data.astype(np.int32)
        trace.data[at : at + round(rail_seconds * 100)] = LARGEST_24_BIT
    result = whole(picked(railed))
    assert result.counts["runs"] == 1
    at_rail = [p for p in result.picks if 0.3 < p["time"] - largest["time"] < 0.7 + rail_seconds]
    assert len(at_rail) <= 2
    far = {(p["phase"], p["time"]) for p in clean.picks if abs(p["time"] - largest["time"]) > 35}
    assert far <= {(p["phase"], p["time"]) for p in result.picks}


@pytest.mark.parametrize("value", [2**31 - 1, -(2**31), LARGEST_24_BIT, -(2**23)])
def test_samples_at_the_ends_of_integers_are_taken_as_they_are(value):
    data = np.random.default_rng(0).integers(-50, 50, (3, 9000)).astype(np.int32)
    data[:, 4000:4003] = value
    (stretch,) = build_stretches(as_traces(data.astype(float)), 100.0).stretches
    assert stretch.samples == 9000 and all(np.isfinite(row).all() for row in stretch.data)
    assert stretch.data[0][4001] == pytest.approx(value, rel=1e-6, abs=60)
    assert np.abs(stretch.data[0][5000:]).max() < 110


def test_data_near_the_end_of_integers_keep_their_wiggles():
    """float32 alone would round counts of 2^31 to steps of 128."""
    wiggle = np.random.default_rng(0).integers(-50, 50, 9000)
    (stretch,) = build_stretches(as_traces((2.0**31 - 100 + wiggle)[None], channels=("HHZ",)), 100.0).stretches
    np.testing.assert_allclose(np.diff(stretch.data[0]), np.diff(wiggle), atol=0.01)


@pytest.mark.parametrize("weights", ["demo"])
def test_a_component_missing_half_the_time_costs_no_other(ridgecrest, weights):
    start = ridgecrest[0].stats.starttime
    half = ridgecrest.select(channel="EH[Z2]") + ridgecrest.select(channel="EH1").slice(endtime=start + 450)
    result = whole(picked(half, weights=weights))
    assert [trace.components for trace in result.findings.probability] == ["Z12", "Z2"]
    assert {pick["components"] for pick in result.picks} == {"Z12", "Z2"}
    assert result.counts["picked_seconds"] == 900


def test_zeros_and_constants_are_no_data():
    for data in (np.zeros((3, 20_000)), np.full((3, 20_000), -77.0)):
        result = picked(as_traces(data), weights="demo")
        assert result.picks == [] and result.counts["dead_seconds"] == 600
        assert sum("constant" in text for text in result.problems) == 3


@pytest.mark.parametrize("samples", [0, 1, 2, 2999])
def test_short_traces_are_counted_and_give_nothing(samples):
    data = np.random.default_rng(0).normal(0, 100, (3, samples))
    traces = [Trace(row, t.stats) for row, t in zip(data, as_traces(np.ones((3, 3))), strict=True)]
    result = picked(traces, weights="demo")
    assert result.picks == []
    assert result.counts.get("empty_traces", 0) == (3 if samples == 0 else 0)


def test_many_one_sample_traces_neither_crash_nor_become_data(noise):
    """As from a record whose every sample has a header of its own."""
    traces = []
    for trace in as_traces(noise[:, :400]):
        for number in range(0, 400, 2):
            header = {**trace.stats, "starttime": trace.stats.starttime + number * 0.01}
            traces.append(Trace(trace.data[number : number + 1], header))
    result = picked(traces, weights="demo")
    assert result.picks == [] and result.counts["runs"] == 200


def test_doubled_or_overlapping_data_count_once(ridgecrest, real_weights):
    once = picked(ridgecrest)
    start = ridgecrest[0].stats.starttime
    twice = list(ridgecrest) + list(ridgecrest.copy()) + list(ridgecrest.slice(start + 100, start + 200).copy())
    result = picked(twice)
    assert [(p["phase"], p["time"]) for p in result.picks] == [(p["phase"], p["time"]) for p in once.picks]
    assert result.counts["overlapping_samples"] == sum(t.stats.npts for t in ridgecrest) + 3 * 10_001
    assert len(once.picks) > 50


def test_masked_arrays_are_gaps_where_they_are_masked(ridgecrest, real_weights):
    start = ridgecrest[0].stats.starttime
    gappy = Stream(part for t in ridgecrest for part in (t.slice(endtime=start + 399.99), t.slice(start + 450)))
    masked = gappy.copy().merge()
    assert all(np.ma.isMaskedArray(trace.data) for trace in masked)
    as_gaps, as_masks = picked(gappy), whole(picked(masked))
    assert [(p["phase"], p["time"]) for p in as_masks.picks] == [(p["phase"], p["time"]) for p in as_gaps.picks]
    assert as_masks.counts["runs"] == 2 and len(as_gaps.picks) > 40
    everything = [Trace(np.ma.masked_all(5000, dtype=np.int32), trace.stats) for trace in ridgecrest]
    assert picked(everything).picks == []


@pytest.mark.parametrize("rate", [1e-4, 0.5, 1.0, 9.99])
def test_rates_too_low_for_picking_are_refused_with_the_reason(rate):
    result = picked(as_traces(np.random.default_rng(0).normal(0, 100, (3, 500)), rate), weights="demo")
    assert result.picks == [] and result.counts["slow_traces"] == 3
    assert sum(f"{rate:g} Hz; picking takes 10 to 10000 Hz" in text for text in result.problems) == 3


@pytest.mark.parametrize("rate", [0.0, -100.0, np.nan, np.inf, 1e9, 1e5])
def test_rates_that_no_digitiser_has_are_refused_with_the_reason(rate):
    traces = as_traces(np.random.default_rng(0).normal(0, 100, (3, 500)))
    for trace in traces:
        trace.stats.__dict__["sampling_rate"] = rate  # as ObsPy would not let through, other readers might
    result = load_picker(PickConfig(weights="demo")).pick(traces, STARTTIME, STARTTIME + 60)
    assert result.picks == [] and len(result.problems) == 3
    assert result.counts["fast_traces" if rate > 1 else "slow_traces"] == 3


@pytest.mark.parametrize("channels", [("HHZ", "HHX", "HHY"), ("HHZ", "HHU", "HH"), ("HHZ", "HHz", "HH?")])
def test_channels_without_a_known_orientation_are_named_and_not_used(channels):
    noise = np.random.default_rng(0).normal(0, 100, (3, 9000))
    traces = [t for t in as_traces(noise, channels=channels) if t.id[:-1] == "XX.A..HH"]
    result = picked(traces, weights="demo")
    assert {trace.components for trace in result.findings.probability} == {"Z"}
    assert result.counts["unused_channel_seconds"] == 90
    assert result.counts["incomplete_seconds"] == 90
    unused = [text for text in result.problems if "not used: no component Z, N, E, 1, 2 or 3" in text]
    assert len(unused) == sum(channel not in ("HHZ", "HH") for channel in channels)


def test_a_code_without_letters_is_named_and_gives_nothing():
    noise = np.random.default_rng(0).normal(0, 100, (1, 9000))
    for channel in ("", "8", "BHU"):
        result = picked(as_traces(noise, channels=(channel,)), weights="demo")
        assert result.picks == [] and len(result.problems) == 1


def test_horizontals_alone_are_picked(ridgecrest, real_weights):
    result = whole(picked(ridgecrest.select(channel="EH[12]")))
    assert {pick["components"] for pick in result.picks} == {"12"}
    assert len([pick for pick in result.picks if pick["phase"] == "S"]) > 10


def test_times_before_1970_are_times():
    noise = np.random.default_rng(0).normal(0, 100, (3, 9000))
    traces = as_traces(noise)
    for trace in traces:
        trace.stats.starttime = UTCDateTime("1965-03-01T00:00:00.005")
    begin = traces[0].stats.starttime.timestamp
    result = load_picker(PickConfig(weights="demo")).pick(traces, begin, begin + 90)
    assert result.counts["picked_seconds"] == 90
    assert result.findings.probability[0].time(0) == begin
