"""PhaseNet and EQTransformer through SeisBench: equal to SeisBench's own, the same whatever the files and shards."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from obspy import Stream, Trace, UTCDateTime, read

from catalogdb.errors import InputError
from catalogdb.picking.config import PickConfig
from catalogdb.picking.picker import load_picker
from catalogdb.picking.seisbench_network import load_network

NETWORKS = [
    pytest.param({"picker": "phasenet", "weights": "original", "window_samples": 3001}, 1200, id="phasenet"),
    pytest.param({"picker": "phasenet", "weights": "original"}, 600, id="phasenet-3000"),
    pytest.param({"picker": "eqtransformer", "weights": "original"}, 500, id="eqtransformer"),
]


@pytest.fixture(scope="module")
def ridgecrest(realdata) -> Stream:
    """80 minutes of EHZ, EH1, EH2 at 100 Hz of one station, without gaps, in the middle of an aftershock sequence."""
    files = sorted((realdata / "ridgecrest_2019" / "mseed").glob("PB.B917*"))
    return Stream(trace for file in files for trace in read(str(file)))


def sliced(stream, begin, end):
    return list(stream.slice(UTCDateTime(begin), UTCDateTime(end)).copy())


def cut(stream, every_seconds):
    """The stream as files that change every so many seconds, no sample lost."""
    traces = []
    for trace in stream:
        samples = [*range(0, trace.stats.npts, round(every_seconds * trace.stats.sampling_rate)), trace.stats.npts]
        for first, last in pairwise(samples):
            header = {**trace.stats, "starttime": trace.stats.starttime + first * trace.stats.delta}
            traces.append(Trace(trace.data[first:last], header))
    return traces


def assert_same(found, expected):
    assert len(expected) >= 5
    assert [pick["phase"] for pick in found] == [pick["phase"] for pick in expected]
    assert [pick["time"] for pick in found] == pytest.approx([pick["time"] for pick in expected], abs=2e-6)
    for key in ("probability", "quality", "uncertainty", "snr"):
        assert [pick[key] for pick in found] == pytest.approx([pick[key] for pick in expected], abs=1e-3), key


@pytest.mark.parametrize(("settings", "seconds"), NETWORKS)
def test_picks_depend_neither_on_shards_nor_on_files(ridgecrest, real_weights, settings, seconds):
    picker = load_picker(PickConfig(**settings))
    pad = picker.padding_seconds
    first = ridgecrest[0].stats.starttime.timestamp + pad + 0.7
    last, odd = first + seconds, first + 0.4567 * seconds
    whole = picker.pick(sliced(ridgecrest, first - pad - 99, last + pad + 99), first, last)
    halves = [
        picker.pick(sliced(ridgecrest, begin - pad, end + pad), begin, end)
        for begin, end in ((first, odd), (odd, last))
    ]
    assert_same(halves[0].picks + halves[1].picks, whole.picks)
    files = picker.pick(cut(Stream(sliced(ridgecrest, first - pad, last + pad)), 137.31), first, last)
    assert_same(files.picks, whole.picks)
    assert whole.counts["P_picks"] + whole.counts["S_picks"] == len(whole.picks)


@pytest.mark.parametrize(("settings", "seconds"), [NETWORKS[0], NETWORKS[2]])
def test_picks_are_seisbenchs_where_its_windows_lie_on_our_grid(ridgecrest, real_weights, settings, seconds):
    picker = load_picker(PickConfig(**settings, min_separation_seconds=0.0))
    (member,) = picker.members
    description, network = load_network(member.files, member.window)
    stride = (description.window - description.overlap) / description.rate
    begin = (ridgecrest[0].stats.starttime.timestamp // stride + 2) * stride
    data = Stream(sliced(ridgecrest, begin - 0.004, begin + seconds))
    ours = picker.pick(list(data), begin - 1, begin + seconds + 1).picks
    theirs = network.module.classify(data, P_threshold=0.3, S_threshold=0.3).picks
    inside = defaultdict(list)
    for pick in theirs:
        if begin + 10 < pick.peak_time.timestamp < begin + seconds - 10:
            inside[pick.phase].append((pick.peak_time.timestamp, pick.peak_value))
    for phase, expected in inside.items():
        found = np.array([(p["time"], p["probability"]) for p in ours if p["phase"] == phase])
        found = found[(found[:, 0] > begin + 10) & (found[:, 0] < begin + seconds - 10)]
        expected = np.array(sorted(expected))
        assert len(found) == len(expected) > 5
        assert np.abs(found[:, 0] - expected[:, 0]).max() < 0.0101
        assert np.abs(found[:, 1] - expected[:, 1]).max() < 1e-3


def test_batches_and_threads_do_not_change_picks(ridgecrest, real_weights):
    begin = ridgecrest[0].stats.starttime.timestamp
    data = sliced(ridgecrest, begin, begin + 400)
    one, other = (
        load_picker(PickConfig(batch_size=batch, threads=threads)).pick(data, begin, begin + 400).picks
        for batch, threads in ((1, 1), (7, 3))
    )
    assert_same(one, other)


def test_runs_share_batches_and_each_gets_its_own_probability(ridgecrest, real_weights):
    begin = ridgecrest[0].stats.starttime.timestamp
    parts = [part for k in range(12) for part in sliced(ridgecrest, begin + 60 * k, begin + 60 * k + 20 + 3 * k)]
    picker = load_picker(PickConfig())
    stretches = picker.prepare(parts).stretches
    assert len(stretches) == 12
    together = list(picker.probabilities(stretches))
    assert [trace is None for trace in together] == [stretch.samples < 3000 for stretch in stretches]
    for stretch, trace in zip(stretches, together, strict=True):
        if trace is not None:
            alone = picker.probability(stretch).values
            assert alone.shape == trace.values.shape == (2, stretch.samples)
            assert np.abs(alone - trace.values).max() < 1e-6


def test_three_thousand_samples_undo_the_delay_of_seisbenchs_window(ridgecrest, real_weights):
    begin = ridgecrest[0].stats.starttime.timestamp
    data = sliced(ridgecrest, begin, begin + 1500)
    seisbenchs, trained = (
        load_picker(PickConfig(window_samples=window)).pick(data, begin, begin + 1500).picks for window in (3001, None)
    )
    times = np.array([pick["time"] for pick in trained if pick["phase"] == "S"])
    late = [
        pick["time"] - times[np.abs(times - pick["time"]).argmin()]
        for pick in seisbenchs
        if pick["phase"] == "S" and np.abs(times - pick["time"]).min() < 0.1
    ]
    assert len(late) > 20
    assert 0.005 < np.median(late) < 0.04


def test_a_vertical_alone_is_picked_and_marked(ridgecrest, real_weights):
    begin = ridgecrest[0].stats.starttime.timestamp
    data = sliced(ridgecrest.select(channel="EHZ"), begin, begin + 600)
    result = load_picker(PickConfig()).pick(data, begin, begin + 600)
    assert len(result.picks) > 5
    assert {pick["components"] for pick in result.picks} == {"Z"}
    assert {pick["chan"] for pick in result.picks} == {"EHZ"}


def test_no_pick_is_kept_beside_a_gap(ridgecrest, real_weights):
    begin = ridgecrest[0].stats.starttime.timestamp
    data = sliced(ridgecrest, begin, begin + 900)
    picker = load_picker(PickConfig(edge_guard_seconds=2.0))
    full = picker.pick(data, begin, begin + 900)
    middle = next(pick["time"] for pick in full.picks if pick["time"] > begin + 400)
    gappy = [
        part
        for trace in data
        for part in (trace.slice(endtime=UTCDateTime(middle - 0.5)), trace.slice(starttime=UTCDateTime(middle + 0.5)))
    ]
    result = picker.pick(gappy, begin, begin + 900)
    assert result.counts["runs"] == 2
    assert min(abs(pick["time"] - middle) for pick in result.picks) >= 2.0
    far = [pick["time"] for pick in full.picks if abs(pick["time"] - middle) > 62]
    assert set(far) <= {pick["time"] for pick in result.picks}


def test_runs_shorter_than_a_window_are_counted(ridgecrest, real_weights):
    begin = ridgecrest[0].stats.starttime.timestamp
    result = load_picker(PickConfig()).pick(sliced(ridgecrest, begin, begin + 25), begin, begin + 60)
    assert result.picks == []
    assert result.counts["short_run_seconds"] == 25


@pytest.mark.parametrize("group", ["OK.SIO..HH", "OK.U32A..BH"])
def test_oklahomas_event_is_picked_at_any_sampling_rate(realdata, real_weights, group):
    """100 Hz and 40 Hz; P and S of the one local event, and the same from a file that starts later."""
    files = [str(path) for path in sorted((realdata / "oklahoma_2013" / "mseed").glob("*"))]
    stream = Stream(trace for file in files for trace in read(file) if trace.id.startswith(group))
    begin, end = min(t.stats.starttime for t in stream), max(t.stats.endtime for t in stream)
    picker = load_picker(PickConfig(p_threshold=0.2, s_threshold=0.2))
    whole = picker.pick(list(stream), begin.timestamp, end.timestamp + 1).picks
    assert {"P", "S"} <= {pick["phase"] for pick in whole}
    assert all(np.isfinite(pick["time"]) and pick["channel_group"] == group for pick in whole)
    best = max((pick for pick in whole if pick["phase"] == "P"), key=lambda pick: pick["probability"])
    late = picker.pick(list(stream.copy().trim(begin + 33.339)), best["time"] - 1, best["time"] + 1).picks
    assert [p["time"] for p in late if p["phase"] == "P"] == pytest.approx([best["time"]], abs=2e-6)


def test_hengills_stations_are_picked_at_100_and_200_hz(realdata, real_weights):
    picker = load_picker(PickConfig())
    rates = {}
    for station in ("2C.BIT06..HH", "2C.BLK22..EH", "ON.NESJV.00.HH"):
        files = sorted((realdata / "hengill_2018" / "mseed").glob(f"{station}*"))
        stream = Stream(trace for file in files for trace in read(str(file)))
        result = picker.pick(list(stream), 0.0, 4e9)
        rates[stream[0].stats.sampling_rate] = len(result.picks)
        assert {pick["loc"] for pick in result.picks} == {station.split(".")[2]}
        assert {pick["phase"] for pick in result.picks} == {"P", "S"}
    assert len(rates) == 2 and min(rates.values()) > 5


def test_eqtransformer_refuses_another_window(real_weights):
    with pytest.raises(InputError, match="6000"):
        picker = load_picker(PickConfig(picker="eqtransformer", window_samples=3000))
        picker.backend(picker.members[0])


@pytest.mark.parametrize("name", ["one", "constant", "nan", "clipped", "offset", "spike"])
def test_bad_data_neither_crash_nor_flood(name):
    noise = np.random.default_rng(0).normal(0, 100, (3, 20_000))
    spike = noise.copy()
    spike[:, 9000] = 1e14
    data = {
        "one": noise[:, :1],
        "constant": np.ones((3, 20_000)),
        "nan": np.full((3, 20_000), np.nan),
        "clipped": np.clip(noise, -50, 50),
        "offset": noise + 1e9,
        "spike": spike,
    }[name]
    start = UTCDateTime(2024, 1, 1)
    traces = [
        Trace(row, {"network": "XX", "station": "A", "channel": channel, "sampling_rate": 100.0, "starttime": start})
        for row, channel in zip(data, ("HHZ", "HHN", "HHE"), strict=True)
    ]
    result = load_picker(PickConfig(weights="demo")).pick(traces, start.timestamp, start.timestamp + 300)
    assert len(result.picks) < 10
    assert all(np.isfinite(pick["probability"]) for pick in result.picks)
