"""The quality benchmark's own arithmetic, on picks whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import _scored_picks as scored_picks
from benchmarks import quality
from catalogdb.picking.peak_table import PEAK
from catalogdb.picking.quality import FEATURES


def test_figures_of_a_score_that_is_known():
    score, true = np.array([0.9, 0.8, 0.3, 0.3]), np.array([True, False, True, False])
    found = quality.judged(score, true)
    assert found["brier"] == pytest.approx((0.01 + 0.64 + 0.49 + 0.09) / 4)
    assert found["ece"] == pytest.approx((0.1 + 0.8 + 2 * 0.2) / 4)
    assert found["auc"] == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    assert quality.judged(score, np.ones(4, dtype=bool))["auc"] is None


def test_weights_are_shares_of_picks():
    score, true = np.array([0.9, 0.2, 0.4]), np.array([True, False, True])
    thrice = quality.judged(score[[0, 1, 1, 1, 2]], true[[0, 1, 1, 1, 2]])
    assert quality.judged(score, true, np.array([2.0, 6.0, 2.0])) == thrice


def test_calibration_error_is_that_of_overconfident_scores():
    rng = np.random.default_rng(0)
    chance = rng.random(100_000)
    true = rng.random(chance.size) < chance
    assert quality.judged(chance, true)["ece"] < 0.01
    assert quality.judged(np.sqrt(chance), true)["ece"] > 0.1


def test_reliability_table_holds_every_pick_once():
    score = np.array([0.0, 0.05, 0.95, 1.0])
    table = quality.reliability(score, np.array([False, True, True, True]), np.full(4, 0.25))
    assert [(row["from"], row["picks"], row["weight"], row["true_share"]) for row in table] == [
        (0.0, 2, 0.5, 0.5),
        (0.9, 2, 0.5, 1.0),
    ]


class KnownPicks:
    """Picks whose chance of being right follows known coefficients, in place of those of the pickers."""

    constant, slopes = -0.5, np.array([0.8, 1.0, -0.5, 0.0, -1.5, 1.2, -1.0])

    def synthetic(self, part, picker, phase):
        rng = np.random.default_rng(len(picker))
        features = rng.normal(0, 1, (40_000, len(FEATURES)))
        chance = 1 / (1 + np.exp(-(self.constant + features @ self.slopes)))
        return scored_picks.ScoredPicks(chance, features, chance, rng.random(chance.size) < chance)

    def confirmed(self, name, picker, phase, near_catalog):
        return self.synthetic("fit", picker + "recorded", phase)


def test_fit_finds_known_coefficients_and_keeps_to_its_bounds():
    constant, *slopes = quality.fit(KnownPicks(), "network", "P")
    assert constant == pytest.approx(KnownPicks.constant, abs=0.05)
    assert slopes == pytest.approx(KnownPicks.slopes, abs=0.1)
    without = quality.fit(KnownPicks(), "network", "P", without=("snr", "partner"))
    assert without[1 + FEATURES.index("snr")] == without[1 + FEATURES.index("partner")] == 0
    assert quality.fit(KnownPicks(), "stalta", "P")[1 + FEATURES.index("competing")] == 0


def found(picks=(), truth=()):
    def rows(times):
        return np.array([(0, round(time * 1e6)) for time in times], dtype=np.int64).reshape(-1, 2)

    peaks = np.zeros(len(picks), dtype=PEAK)
    peaks["time_us"], peaks["probability"], peaks["snr"], peaks["width"] = rows(picks)[:, 1], 0.5, 3.0, 0.1
    return {"peaks": peaks, "picks": rows(picks), "truth": rows(truth)}


def test_one_pick_per_onset_is_true_and_only_within_half_a_second():
    station = found(picks=(9.7, 10.1, 20.6, 30.4), truth=(10.0, 20.0, 30.0))
    assert scored_picks.true_picks(station, "P").tolist() == [False, True, False, True]
    assert scored_picks.true_picks(station, "S").tolist() == []


def test_a_pick_is_confirmed_by_a_witness_or_the_catalog():
    station = found(picks=(10.0, 20.0, 30.0, 40.0))
    witnesses = [found(picks=(10.45,)), found()]
    arrivals = np.array([30_700_000, 40_800_000])
    assert scored_picks.confirmed_picks(station, "P", witnesses, arrivals).tolist() == [True, False, True, False]


def test_distance_to_the_nearest():
    times, others = np.array([0, 4, 6, 100]), np.array([1, 5, 10])
    assert scored_picks.distance_us(times, others).tolist() == [1, 1, 1, 90]
    assert scored_picks.distance_us(times, others[:1]).tolist() == [1, 3, 5, 99]
    assert np.isinf(scored_picks.distance_us(times, others[:0])).all()


def test_stored_records_come_back_as_they_were(tmp_path):
    made = {"XX.A.00.HH": found(picks=(1.0, 2.0), truth=(1.0,))}
    first = scored_picks.stored(tmp_path, "a record:x", lambda: made)
    again = scored_picks.stored(tmp_path, "a record:x", lambda: pytest.fail("made a second time"))
    assert first is made and list(again) == list(made)
    for column, values in made["XX.A.00.HH"].items():
        assert (again["XX.A.00.HH"][column] == values).all()


def test_picks_of_a_station_come_with_their_features():
    station = found(picks=(10.0, 13.0))
    picks = scored_picks.scored(station, "P", np.array([True, False]))
    rival = picks.features[:, FEATURES.index("rival")]
    assert rival == pytest.approx([0.5, 0.5]) and picks.features.shape == (2, len(FEATURES))
