"""Picks are SeisBench's but for stated choices, each shown here, and never depend on how data are cut and sent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obspy import Stream, Trace, UTCDateTime

from benchmarks.agreement import (
    BARE,
    SEISBENCHS,
    aic_time,
    comparison,
    detections_compared,
    on_grid,
    paired,
    pick_all,
    read_sensor,
    seisbenchs_output,
    times_and_probabilities,
    with_gap,
)
from catalogdb.picking.config import PickConfig
from catalogdb.picking.picker import load_picker
from catalogdb.picking.stretches import build_stretches

DAY = 86400.0


@pytest.fixture(scope="module")
def ridgecrest(realdata) -> Stream:
    return read_sensor(realdata, "ridgecrest_2019", "PB.B917*")


def cut_to(stream, begin, seconds):
    """From so many seconds after its start."""
    start = stream[0].stats.starttime + begin
    return stream.slice(start, start + seconds).copy()


def at_time(stream, start):
    """The same samples, the first of them at another time (epoch seconds)."""
    moved = stream.copy()
    for trace in moved:
        trace.stats.starttime = UTCDateTime(start)
    return moved


def assert_equal(found, least, samples=1.0):
    assert found["one"] == found["other"] == found["paired"] >= least, found
    assert found["most_samples"] <= samples and found["most_probability"] < 1e-3, found


def times(picks, begin=-np.inf, end=np.inf):
    return sorted((p["phase"], round(p["time"], 4)) for p in picks if begin <= p["time"] < end)


# -- beside SeisBench


@pytest.mark.parametrize(("channels", "least"), [("ZNE", 80), ("Z", 10), ("Z1", 70)])
def test_phasenets_picks_are_seisbenchs_with_any_components(ridgecrest, real_weights, channels, least):
    network = SEISBENCHS["phasenet"] | BARE
    data = on_grid(ridgecrest, network, 900)
    if channels == "ZNE":
        for trace in data:
            trace.stats.channel = trace.stats.channel.replace("1", "N").replace("2", "E")
    data = Stream(trace for trace in data if trace.stats.channel[-1] in channels)
    assert_equal(comparison(pick_all(network, data), seisbenchs_output(network, data)), least)


def test_eqtransformers_picks_and_detections_are_seisbenchs(ridgecrest, real_weights):
    network = SEISBENCHS["eqtransformer"] | BARE
    data = on_grid(ridgecrest, network, 500).detrend("demean")
    ours, theirs = pick_all(network, data), seisbenchs_output(network, data)
    assert_equal(comparison(ours, theirs), 10)
    found = detections_compared(ours, theirs)
    assert found["one"] == found["other"] > 5
    assert found["most_samples"] <= 1.0


def test_a_gap_in_all_components_is_seisbenchs_gap(ridgecrest, real_weights):
    network = SEISBENCHS["phasenet"] | BARE
    data = with_gap(on_grid(ridgecrest, network, 900), "Z12", 15.01 * 25, 15.01 * 2)
    assert_equal(comparison(pick_all(network, data), seisbenchs_output(network, data)), 50)


def test_where_one_component_is_missing_a_stretch_begins(ridgecrest, real_weights):
    """No data are made up: a step from signal to zeros is none of the earth's."""
    network = SEISBENCHS["phasenet"] | BARE
    data = with_gap(on_grid(ridgecrest, network, 900), "1", 375.25, 60.0)
    begin = data[0].stats.starttime.timestamp
    ours, theirs = pick_all(network, data), seisbenchs_output(network, data)
    assert [trace.components for trace in ours.findings.probability] == ["Z12", "Z2", "Z12"]
    difference = comparison(ours, theirs)
    assert difference["most_probability"] > 0.003 or difference["most_probable_unpaired"] > 0.3
    for phase in ("P", "S"):
        a, b = (times_and_probabilities(output, phase) for output in (ours, theirs))
        a, b = (row[(row[:, 0] < begin + 330) | (row[:, 0] > begin + 480)] for row in (a, b))
        assert len(a) == len(b) == len(paired(a, b)) > 20
        assert np.abs(a - b).max() < 1e-3


def test_no_pick_is_kept_at_an_edge_or_beside_another(ridgecrest, real_weights):
    network = SEISBENCHS["phasenet"] | {"p_threshold": 0.1, "s_threshold": 0.1}
    first = pick_all(network | BARE, on_grid(ridgecrest, network, 900))
    edge = min(pick["time"] for pick in first.picks if pick["probability"] > 0.6 and pick["phase"] == "P")
    data = ridgecrest.slice(UTCDateTime(edge - 0.6), UTCDateTime(edge + 600)).copy()
    ours, theirs = pick_all(network, data), seisbenchs_output(network, data)
    start = data[0].stats.starttime.timestamp
    found, wanted = ([row[row < start + 1.0] for row in rows] for rows in _by_phase(ours, theirs))
    assert not any(row.size for row in found) and any(row.size for row in wanted)
    assert ours.counts["near_edge"] >= 1
    bare = pick_all(network | {"edge_guard_seconds": 0.0, "min_separation_seconds": 2.0}, data)
    for row in _by_phase(bare, theirs)[0]:
        assert np.diff(row).min() >= 2.0
    assert bare.counts["too_close"] > 0


def _by_phase(*outputs):
    return [[times_and_probabilities(output, phase)[:, 0] for phase in ("P", "S")] for output in outputs]


def test_ours_takes_offsets_off_before_it_filters(realdata, real_weights):
    """Counts of 60,000: a filter's answer to their start is seen far into the data."""
    network = SEISBENCHS["eqtransformer"] | BARE | {"p_threshold": 0.1, "s_threshold": 0.1}
    data = on_grid(read_sensor(realdata, "hengill_2018", "ON.NESJV*"), network, 1e4)
    assert min(abs(trace.data.mean()) for trace in data) > 50_000
    ours, raw = pick_all(network, data), seisbenchs_output(network, data)
    centred = seisbenchs_output(network, data.copy().detrend("demean"))
    assert_equal(comparison(ours, centred), 2)
    assert comparison(raw, centred)["most_probability"] > 0.01


@pytest.mark.parametrize(
    ("folder", "pattern", "rate", "probability"),
    [("hengill_2018", "2C.BIT06..HH*", 200.0, 0.01), ("hengill_2018", "2C.BLK22..EH*", 200.0, 0.01)],
)
def test_data_at_twice_the_rate_are_picked_alike(realdata, real_weights, folder, pattern, rate, probability):
    network = SEISBENCHS["phasenet"] | BARE
    data = on_grid(read_sensor(realdata, folder, pattern), network, 1e4)
    assert {trace.stats.sampling_rate for trace in data} == {rate}
    found = comparison(pick_all(network, data), seisbenchs_output(network, data))
    assert found["one"] == found["other"] == found["paired"] >= 10
    assert found["most_samples"] <= 1.0 and found["most_probability"] < probability


@pytest.mark.parametrize("rate", [40.0, 50.0])
def test_upsampled_data_keep_amplitudes_that_seisbench_tapers(rate):
    """SeisBench resamples in the frequency domain under a Hann window, which leaves one half at half the band."""
    from seisbench.models.base import WaveformModel

    frequency = 0.25 * rate
    start = 1_700_000_000.0
    data = 1000 * np.sin(2 * np.pi * frequency * np.arange(round(60 * rate)) / rate)
    header = {"network": "XX", "station": "A", "channel": "BHZ", "sampling_rate": rate}
    trace = Trace(data, {**header, "starttime": UTCDateTime(start)})
    (stretch,) = build_stretches([trace], 100.0).stretches
    theirs = Stream([trace.copy()])
    WaveformModel.resample(theirs, 100.0)
    ours, tapered = stretch.data[0][1000:5000], theirs[0].data[1000:5000]
    assert ours.std() * np.sqrt(2) == pytest.approx(1000, rel=0.01)
    assert tapered.std() * np.sqrt(2) == pytest.approx(500, rel=0.01)


def test_the_event_is_picked_at_40_hz_where_seisbench_picks_it(realdata, real_weights):
    network = SEISBENCHS["phasenet"] | BARE
    data = on_grid(read_sensor(realdata, "oklahoma_2013", "U32A.BH*"), network, 1e4)
    ours, theirs = pick_all(network, data), seisbenchs_output(network, data)
    a, b = (times_and_probabilities(output, "P") for output in (ours, theirs))
    pairs = paired(a, b)
    assert len(pairs) >= 1
    assert np.abs(a[pairs[:, 0], 0] - b[pairs[:, 1], 0]).max() < 0.03
    assert np.abs(a[pairs[:, 0], 1] - b[pairs[:, 1], 1]).max() < 0.1


def test_windows_of_3000_samples_pick_onsets_that_3001_pick_late(ridgecrest, real_weights):
    """Beside onsets by AIC on the unfiltered trace."""
    data = cut_to(ridgecrest, 0, 1500)
    shared = SEISBENCHS["phasenet"] | BARE
    seisbenchs, trained = (
        {phase: times_and_probabilities(output, phase) for phase in ("P", "S")}
        for output in (pick_all(shared, data), pick_all(shared | {"window_samples": None}, data))
    )
    for phase, least in (("P", 0.1), ("S", 0.7)):
        pairs = paired(trained[phase], seisbenchs[phase])
        both = np.column_stack([trained[phase][pairs[:, 0], 0], seisbenchs[phase][pairs[:, 1], 0]])
        loud = both[trained[phase][pairs[:, 0], 1] > 0.6]
        onsets = np.array([aic_time(data, phase, row.mean()) or np.nan for row in loud])
        late = (loud - onsets[:, None])[np.abs(loud.mean(axis=1) - onsets) < 0.2] * 100
        assert len(late) > 20
        assert np.mean(late[:, 1] - late[:, 0]) > least
        assert abs(np.median(late[:, 0])) <= abs(np.median(late[:, 1])) + 0.01


# -- however data are cut and sent


def pick_shards(picker, stream, first, last, hours):
    """As the picking stage does it: shards on multiples of their length, each with its padding."""
    length, pad, picks = hours * 3600.0, picker.padding_seconds, []
    begin = first // length * length
    while begin < last:
        part = list(stream.slice(UTCDateTime(begin - pad), UTCDateTime(begin + length + pad)))
        picks += picker.pick(part, begin, begin + length).picks
        begin += length
    return sorted(picks, key=lambda pick: (pick["time"], pick["phase"]))


@pytest.mark.parametrize("moment", ["2016-12-31T23:10:00", "2024-02-29T05:20:00.0034"])
def test_shards_of_1_6_and_24_hours_give_the_same_picks(ridgecrest, real_weights, moment):
    """Also where a leap second ended the day, which POSIX time doesn't count."""
    stream = at_time(ridgecrest, UTCDateTime(moment).timestamp)
    first, last = stream[0].stats.starttime.timestamp, stream[0].stats.endtime.timestamp
    picker = load_picker(PickConfig())
    day, six, one = (pick_shards(picker, stream, first, last, hours) for hours in (24, 6, 1))
    assert len(day) > 300
    assert times(day) == times(six) == times(one)
    assert [p["probability"] for p in one] == pytest.approx([p["probability"] for p in day], abs=1e-4)


def test_a_leap_second_costs_one_second_of_data_and_moves_no_pick(ridgecrest, real_weights):
    """2016-12-31T23:59:60 has the POSIX time of 2017-01-01T00:00:00: data of two seconds claim the same one."""
    midnight = UTCDateTime("2017-01-01T00:00:00").timestamp
    picker = load_picker(PickConfig())
    whole = cut_to(ridgecrest, 0, 900)
    before, after = at_time(cut_to(whole, 0, 400.99), midnight - 400), at_time(cut_to(whole, 401, 499), midnight)
    (alone, both, later) = (
        picker.pick(list(data), midnight - 500, midnight + 600)
        for data in (before, before + after, at_time(cut_to(whole, 401, 499), midnight))
    )
    assert both.counts["overlapping_samples"] == 300  # one second on each of three components
    assert both.counts["runs"] == 1
    assert times(both.picks, end=midnight - 31) == times(alone.picks, end=midnight - 31)
    assert times(both.picks, midnight + 32) == times(later.picks, midnight + 32)
    assert len(times(later.picks, midnight + 32)) > 20
    assert len(times(both.picks, midnight, midnight + 2)) <= 2


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(1, 24_000), max_size=6, unique=True), st.integers(0, 239), st.randoms(use_true_random=False)
)
def test_files_and_shards_cut_anywhere_give_the_same_picks(ridgecrest, real_weights, cuts, border, order):
    picker = load_picker(PickConfig())
    data = cut_to(ridgecrest, 600, 240)
    begin = data[0].stats.starttime.timestamp
    whole = picker.pick(list(data), begin, begin + 241).picks
    files = []
    for trace in data:
        edges = [0, *sorted(cuts), trace.stats.npts]
        for first, last in zip(edges[:-1], edges[1:], strict=True):
            header = {**trace.stats, "starttime": trace.stats.starttime + first * trace.stats.delta}
            files.append(Trace(trace.data[first:last], header))
    order.shuffle(files)
    parts = [picker.pick(files, *shard).picks for shard in ((begin, begin + border), (begin + border, begin + 241))]
    assert len(whole) > 10
    assert times(parts[0] + parts[1]) == times(whole)


@pytest.mark.parametrize("jitter_samples", [0.1, 0.45])
def test_files_on_a_scattering_clock_give_the_picks_of_a_steady_one(ridgecrest, real_weights, jitter_samples):
    random = np.random.default_rng(0)
    data = cut_to(ridgecrest, 0, 300)
    begin = data[0].stats.starttime.timestamp
    files = []
    for trace in data:
        for number, first in enumerate(range(0, trace.stats.npts, 2000)):
            late = 0.0 if number == 0 else random.uniform(-jitter_samples, jitter_samples) * trace.stats.delta
            header = {**trace.stats, "starttime": trace.stats.starttime + first * trace.stats.delta + late}
            files.append(Trace(trace.data[first : first + 2000], header))
    picker = load_picker(PickConfig())
    steady, scattered = (picker.pick(list(traces), begin, begin + 300) for traces in (data, files))
    assert scattered.counts["runs"] == 1
    assert times(scattered.picks) == times(steady.picks)
    assert len(steady.picks) > 15


@pytest.mark.parametrize("drift", [2e-5, -1e-4])
def test_a_clock_that_runs_fast_or_slow_moves_picks_as_its_samples(ridgecrest, real_weights, drift):
    data = cut_to(ridgecrest, 0, 900)
    begin = data[0].stats.starttime.timestamp
    drifting = data.copy()
    for trace in drifting:
        trace.stats.sampling_rate = 100.0 / (1 + drift)
    picker = load_picker(PickConfig())
    steady, moved = (picker.pick(list(traces), begin, begin + 901).picks for traces in (data, drifting))
    expected = [(begin + (pick["time"] - begin) * (1 + drift), pick) for pick in steady if pick["probability"] > 0.5]
    assert len(expected) > 30
    near = [
        min((abs(other["time"] - time) for other in moved if other["phase"] == pick["phase"]), default=9.0)
        for time, pick in expected
    ]
    assert np.median(near) < 0.0101
    assert np.mean(np.array(near) < 0.1) > 0.9  # windows lie elsewhere among the samples


def test_of_conflicting_overlaps_the_earlier_file_counts(ridgecrest, real_weights):
    data = cut_to(ridgecrest, 0, 600)
    begin = data[0].stats.starttime
    early, late = data.slice(endtime=begin + 300).copy(), data.slice(starttime=begin + 200).copy()
    other = cut_to(ridgecrest, 1000, 100)
    for trace, wrong in zip(late, other, strict=True):
        trace.data = np.concatenate([wrong.data[:10_000], trace.data[10_000:]])
    picker = load_picker(PickConfig())
    results = [
        picker.pick(list(traces), begin.timestamp, begin.timestamp + 601)
        for traces in (data, early + late, late + early)
    ]
    assert results[1].counts["overlapping_samples"] == 30_003
    assert times(results[0].picks) == times(results[1].picks) == times(results[2].picks)
    assert len(results[0].picks) > 30
