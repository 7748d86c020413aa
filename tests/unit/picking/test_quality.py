"""Measures of picks, and the classical picker, on made-up records with known onsets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from obspy import Trace, UTCDateTime

from catalogdb.picking import quality
from catalogdb.picking.config import PickConfig
from catalogdb.picking.peak_table import PEAK, PHASES
from catalogdb.picking.picker import LONGEST_TRIGGER_SECONDS, load_picker
from catalogdb.picking.selection import select_picks
from catalogdb.picking.stalta import aic_onset
from catalogdb.picking.stretches import Stretch
from catalogdb.picking.time_error import UNCALIBRATED

T0 = 1_700_000_000.0


def stretch_of(data, channels=("HHZ", "HHN", "HHE")):
    return Stretch(int(T0 * 1e9), 100.0, np.asarray(data, dtype=np.float32), channels)


def record(onset=6000, s_delay=500, seed=0, samples=12_000):
    """Noise of 10 counts with a P on the vertical and an S on the horizontals, decaying bursts."""
    rng = np.random.default_rng(seed)
    data = rng.normal(0, 10, (3, samples))
    for row, at, size in ((0, onset, 300), (1, onset + s_delay, 600), (2, onset + s_delay, 600)):
        data[row, at:] += rng.normal(0, size, samples - at) * np.exp(-np.arange(samples - at) / 150)
    return data


def traces(data, start=T0, channels=("HHZ", "HHN", "HHE")):
    header = {"network": "XX", "station": "A", "location": "00", "sampling_rate": 100.0}
    return [
        Trace(row.copy(), {**header, "channel": channel, "starttime": UTCDateTime(start)})
        for row, channel in zip(data, channels, strict=False)
    ]


def test_snr_is_the_ratio_of_noise_levels():
    rng = np.random.default_rng(2)
    data = rng.normal(0, 10, (3, 20_000))
    data[0, 10_000:] *= 8
    snr, amplitude = quality.snr_and_amplitude(stretch_of(data), np.array([10_000, 15_000]), "P")
    assert snr == pytest.approx([8, 1], rel=0.25)
    assert 50 < amplitude[0] < 300


def test_snr_is_unknown_without_enough_noise_and_without_any_signal():
    data = np.zeros((3, 5000), dtype=np.float32)
    snr, amplitude = quality.snr_and_amplitude(stretch_of(data), np.array([50, 3000, 4999]), "P")
    assert np.isnan(snr).all()
    assert (amplitude == 0).all()


def test_threads_do_not_change_measures():
    data = np.concatenate([record(seed=seed) for seed in range(20)], axis=1)
    samples = np.arange(6000, data.shape[1], 12_000)  # spans of half an hour and more: several batches
    alone, together = (quality.snr_and_amplitude(stretch_of(data), samples, "S", threads) for threads in (1, 3))
    assert np.array_equal(alone, together) and np.isfinite(alone).all()


def test_measures_do_not_see_a_constant_offset():
    data = record()
    plain, shifted = (quality.snr_and_amplitude(stretch_of(each), np.array([6000]), "P") for each in (data, data + 1e5))
    assert plain[0] == pytest.approx(shifted[0], rel=1e-3)


def test_s_is_measured_on_the_vertical_without_horizontals():
    stretch = stretch_of(record(), ("HHZ", None, None))
    assert quality.measured_rows(stretch, "S") == [0]
    assert quality.measured_rows(stretch_of(record(), (None, None, "HHE")), "P") == [2]


@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.3])
def test_width_is_the_standard_deviation_of_a_gaussian_peak(sigma):
    times = np.arange(2000) / 100
    probability = (0.8 * np.exp(-0.5 * ((times - 10) / sigma) ** 2)).astype(np.float32)
    assert quality.peak_width(probability, np.array([1000]), 100.0) == pytest.approx([sigma], rel=0.05)


def test_width_of_a_peak_at_the_edge_and_beside_gaps_is_finite():
    probability = np.full(300, np.nan, dtype=np.float32)
    probability[0:5] = 0.9
    assert np.isfinite(quality.peak_width(probability, np.array([0, 4]), 100.0)).all()


BASE = {"probability": 0.6, "snr": 3.0, "width": 0.2, "competing": 0.2, "partner": 0.5, "rival": 0.3}


def score(picker="phasenet", phase="P", **changed):
    values = {name: np.atleast_1d(np.asarray(value, dtype=float)) for name, value in {**BASE, **changed}.items()}
    features = quality.quality_features(*np.broadcast_arrays(*values.values()))
    return quality.quality_score(picker, phase, features)


def table_of(*peaks):
    """Peaks (phase, seconds, probability) as the array PEAK, by phase and time."""
    table = np.zeros(len(peaks), dtype=PEAK)
    for row, (phase, seconds, probability) in zip(table, peaks, strict=True):
        row["phase"], row["time_us"], row["probability"] = PHASES.index(phase), round(seconds * 1e6), probability
    return [table[table["phase"] == number] for number in range(2)]


@pytest.mark.parametrize("picker", ["phasenet", "eqtransformer", "ensemble", "stalta"])
@pytest.mark.parametrize("phase", PHASES)
def test_quality_rises_with_probability_and_snr_from_0_to_1(picker, phase):
    for name, values in (("probability", np.linspace(0.002, 0.998, 50)), ("snr", np.geomspace(0.4, 29, 50))):
        scores = score(picker, phase, **{name: values})
        assert (np.diff(scores) > 0).all() and 0 < scores[0] < scores[-1] < 1
    extremes = {"probability": [0, 1], "snr": [0, np.inf], "width": [0, 9], "competing": [1, 0]}
    assert ((score(picker, phase, **extremes) > 0) & (score(picker, phase, **extremes) < 1)).all()


@pytest.mark.parametrize("kind", quality.COEFFICIENTS)
def test_no_coefficient_has_the_wrong_sign(kind):
    slopes = dict(zip(quality.FEATURES, quality.COEFFICIENTS[kind][1:], strict=True))
    assert slopes["probability"] > 0 and slopes["snr"] > 0 and slopes["partner"] >= 0
    assert slopes["competing"] <= 0 and slopes["rival"] <= 0 and slopes["wide"] <= 0


@pytest.mark.parametrize("phase", PHASES)
def test_quality_of_a_pick_without_snr_is_that_of_a_usual_one(phase):
    assert score(phase=phase, snr=np.nan) == score(phase=phase, snr=quality.SNR_WHERE_UNKNOWN)


def test_quality_is_the_documented_formula():
    z = 0.10 + 0.65 * np.log(0.6 / 0.4) + 1.16 * np.log(3) - 0.61 * np.log(2) - 2.11 * 0.2 + 1.73 * 0.5 - 1.56 * 0.3
    assert score() == pytest.approx(1 / (1 + np.exp(-z)))
    narrow = 0.10 + 0.65 * np.log(1.5) + 1.16 * np.log(3) - 0.32 * np.log(2) - 2.11 * 0.2 + 1.73 * 0.5 - 1.56 * 0.3
    assert score(width=0.05) == pytest.approx(1 / (1 + np.exp(-narrow)))


def test_the_page_shows_the_coefficients_of_the_code():
    text = (Path(__file__).parents[3] / "docs" / "explanation" / "pick-quality.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    shown = {row[0]: row[1:] for row in rows if row[0] in ("constant", *quality.FEATURES)}
    columns = np.array(list(quality.COEFFICIENTS.values())).T
    assert list(shown) == ["constant", *quality.FEATURES]
    for cells, values in zip(shown.values(), columns, strict=True):
        assert [float(cell) for cell in cells[-4:]] == values.tolist()


def test_partner_of_a_p_follows_and_of_an_s_precedes():
    p, s = table_of(
        ("P", 100, 0.9), ("P", 200, 0.8), ("S", 99.0, 0.7), ("S", 100.4, 0.6), ("S", 103, 0.4), ("S", 111, 1)
    )
    assert quality.neighbours(p, p, s)[0] == pytest.approx([0.4, 0])
    assert quality.neighbours(s, s, p)[0] == pytest.approx([0, 0, 0.9, 0])


def test_partner_counts_from_half_a_second_to_ten_seconds():
    p, s = table_of(("P", 100, 0.9), ("S", 100.5, 0.3), ("S", 110, 0.5))
    assert quality.neighbours(p, p, s)[0] == pytest.approx([0.5])
    assert quality.neighbours(s, s, p)[0] == pytest.approx([0.9, 0.9])


def test_rival_is_the_phase_s_largest_peak_within_ten_seconds():
    p, s = table_of(("P", 80, 0.9), ("P", 90, 0.3), ("P", 99, 0.5), ("P", 120, 0.7))
    assert quality.neighbours(p, p, s)[1] == pytest.approx([0.3, 0.9, 0.3, 0])
    assert quality.neighbours(p[1:2], p, s)[1] == pytest.approx([0.9])


def test_neighbours_of_no_picks_are_none():
    p, s = table_of(("P", 80, 0.9))
    assert [values.size for values in quality.neighbours(p[:0], p, s)] == [0, 0]


def test_neighbours_reach_no_farther_than_a_shard_s_peaks():
    assert quality.NEIGHBOUR_SECONDS <= LONGEST_TRIGGER_SECONDS


def test_quality_does_not_depend_on_the_threshold():
    data = np.concatenate([record(seed=seed) for seed in range(4)], axis=1)
    result = load_picker(PickConfig(picker="stalta")).pick(traces(data), T0, T0 + 480)
    middle = float(np.median([pick["probability"] for pick in result.picks]))
    config = PickConfig(picker="stalta", p_threshold=middle, s_threshold=middle)
    few = select_picks(result.findings.peaks, config, UNCALIBRATED, "XX.A.00.HH", (T0, T0 + 480))[0]
    known = {(pick["phase"], pick["time"]): pick["quality"] for pick in result.picks}
    assert 0 < len(few) < len(result.picks)
    assert [pick["quality"] for pick in few] == [known[pick["phase"], pick["time"]] for pick in few]


def test_aic_finds_the_change_of_variance():
    rng = np.random.default_rng(3)
    data = np.concatenate([rng.normal(0, 1, 150), rng.normal(0, 10, 100)])
    sample, spread = aic_onset(data[None])
    assert abs(sample - 150) <= 4
    assert 0 <= spread < 10


@pytest.mark.parametrize("data", [np.zeros((1, 100)), np.zeros((1, 3)), np.full((1, 100), 1e12)])
def test_aic_of_nothing_does_not_fail(data):
    sample, spread = aic_onset(data)
    assert 0 <= sample <= data.shape[1] and np.isfinite(spread)


def test_stalta_finds_p_and_s_within_their_uncertainty():
    picker = load_picker(PickConfig(picker="stalta"))
    result = picker.pick(traces(record()), T0, T0 + 120)
    picks = {pick["phase"]: pick for pick in result.picks}
    assert sorted(pick["phase"] for pick in result.picks) == ["P", "S"]
    assert picks["P"]["time"] == pytest.approx(T0 + 60, abs=0.05)
    assert picks["S"]["time"] == pytest.approx(T0 + 65, abs=0.05)
    assert (picks["P"]["chan"], picks["S"]["chan"]) == ("HHZ", "HHN")
    assert picks["P"]["channel_group"] == "XX.A.00.HH" and picks["P"]["loc"] == "00"
    assert picks["P"]["snr"] > 5 and 0.5 < picks["P"]["probability"] < 1 and 0 < picks["P"]["quality"] < 1
    assert picks["P"]["evaluation_mode"] == "automatic" and picks["P"]["components"] == "ZNE"
    assert result.counts["P_picks"] == 1 and result.counts["picked_seconds"] == 120


def test_stalta_picks_do_not_depend_on_the_shard():
    data = np.concatenate([record(seed=seed) for seed in range(8)], axis=1)
    picker = load_picker(PickConfig(picker="stalta"))
    first, last = T0 + picker.padding_seconds, T0 + 960 - picker.padding_seconds
    whole = picker.pick(traces(data), first, last).picks
    cut = T0 + 487.123
    sample = round((cut - T0) * 100)
    pad = round(picker.padding_seconds * 100)
    left = picker.pick(traces(data[:, : sample + pad]), first, cut).picks
    right = picker.pick(traces(data[:, sample - pad :], T0 + (sample - pad) / 100), cut, last).picks
    parts = left + right
    assert len(whole) >= 10
    assert [pick["time"] for pick in parts] == pytest.approx([pick["time"] for pick in whole], abs=2e-6)
    for key in ("probability", "snr", "quality", "uncertainty"):
        assert [pick[key] for pick in parts] == pytest.approx([pick[key] for pick in whole], abs=1e-3)


def test_a_pick_at_the_edge_of_data_is_dropped_and_counted():
    picker = load_picker(PickConfig(picker="stalta", edge_guard_seconds=30.0))
    result = picker.pick(traces(record()[:, :7000]), T0, T0 + 120)
    assert result.picks == [] and result.counts["near_edge"] >= 1


def test_only_picks_inside_the_half_open_shard_are_returned():
    picker = load_picker(PickConfig(picker="stalta"))
    times = [pick["time"] for pick in picker.pick(traces(record()), T0, T0 + 120).picks]
    assert [p["time"] for p in picker.pick(traces(record()), T0, times[0]).picks] == []
    assert [p["time"] for p in picker.pick(traces(record()), times[0], times[1]).picks] == times[:1]


@pytest.mark.parametrize(
    "data",
    [
        np.zeros((3, 0)),
        np.zeros((3, 1)),
        np.ones((3, 20_000)),
        np.full((3, 20_000), np.nan),
        np.clip(record() * 10, -50, 50),
        record() + 1e12,
        np.full((3, 20_000), 2**31 - 1, dtype=np.int32),
    ],
    ids=["empty", "one sample", "constant", "nan", "clipped", "offset", "full scale"],
)
def test_bad_data_neither_crash_nor_flood(data):
    result = load_picker(PickConfig(picker="stalta")).pick(traces(data), T0, T0 + 300)
    assert len(result.picks) < 10


def test_no_traces_no_picks():
    result = load_picker(PickConfig(picker="stalta")).pick([], T0, T0 + 300)
    assert (result.picks, result.counts, result.problems) == ([], {}, [])


def test_traces_of_two_groups_are_refused():
    with pytest.raises(ValueError, match="one channel group"):
        load_picker(PickConfig(picker="stalta")).pick(traces(record(), channels=("HHZ", "EHZ")), T0, T0 + 120)


def test_a_vertical_alone_gives_p_only():
    result = load_picker(PickConfig(picker="stalta")).pick(traces(record()[:1]), T0, T0 + 120)
    assert [pick["phase"] for pick in result.picks] == ["P"]
    assert result.picks[0]["components"] == "Z"
