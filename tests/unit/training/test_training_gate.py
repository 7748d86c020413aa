"""The gate accepts what is better, and refuses what is worse or no better."""

import numpy as np
import pytest
from labelled_records import record

from catalogdb.picking.config import PickConfig
from catalogdb.training.config import GateConfig
from catalogdb.training.gate import compared, decide
from catalogdb.training.score import Outcome, RightPicks, score, time_calibration

RECORDS = 60
EVENTS = [f"e{number // 2}" for number in range(RECORDS)]
GATE = GateConfig(resamples=400)


def outcome(found_p, found_s, extra=0, error=0.02, seed=0):
    """Of records with one P and one S each, of which shares are found."""
    rng = np.random.default_rng(seed)
    hit = np.column_stack([rng.random(RECORDS) < found_p, rng.random(RECORDS) < found_s])
    errors = np.where(hit, rng.normal(0, error, hit.shape), np.nan)
    number = np.repeat(np.arange(RECORDS), 2)
    picks = hit + (rng.random(hit.shape) < extra)
    return Outcome(
        hit.astype(float), np.ones((RECORDS, 2)), picks.astype(float), number, np.tile([0, 1], RECORDS), errors.ravel()
    )


def decided(parent, *candidates):
    return decide(compared("mine", EVENTS, parent, candidates, GATE), "mine")


def test_a_better_candidate_is_accepted():
    decision = decided(outcome(0.5, 0.5), outcome(0.9, 0.9, seed=1), outcome(0.85, 0.95, seed=2))
    assert decision.status == "accepted" and decision.reasons == []
    row = next(row for row in decision.rows if row.figure == "f1_p")
    assert row.verdict == "better" and row.interval[0] > 0 and (row.onsets, row.events) == (60, 30)


def test_the_same_weights_are_refused_as_no_better():
    parent = outcome(0.8, 0.8)
    decision = decided(parent, parent)
    assert decision.status == "refused" and "no better than its parent" in decision.reasons[0]
    assert all(row.difference == 0 and row.verdict == "same" for row in decision.rows)


def test_better_p_does_not_pay_for_worse_s():
    decision = decided(outcome(0.5, 0.9), outcome(0.95, 0.4, seed=1))
    assert decision.status == "refused" and decision.reasons[0].startswith("f1_s on mine")


def test_false_picks_count_against_it():
    decision = decided(outcome(0.8, 0.8, extra=0.1), outcome(0.8, 0.8, extra=1.0))
    assert decision.status == "refused" and len(decision.reasons) == 2


def test_larger_time_errors_are_refused():
    decision = decided(outcome(0.5, 0.5, error=0.01), outcome(0.9, 0.9, error=0.1, seed=1))
    assert decision.status == "refused" and any(reason.startswith("error_p") for reason in decision.reasons)


def test_errors_are_compared_on_what_both_have_found():
    parent, candidate = outcome(1.0, 1.0), outcome(1.0, 1.0)
    parent.error[:60] = np.nan  # the candidate finds more, and these it has less exactly
    candidate.error[:60] = 0.4
    rows = {row.figure: row for row in compared("mine", EVENTS, parent, [candidate], GATE)}
    assert rows["error_p"].difference == 0


def test_no_better_elsewhere_is_enough_but_worse_elsewhere_is_not():
    rows = compared("mine", EVENTS, outcome(0.5, 0.5), [outcome(0.9, 0.9, seed=1)], GATE)
    same = compared("other", EVENTS, outcome(0.8, 0.8), [outcome(0.8, 0.8)], GATE)
    worse = compared("other", EVENTS, outcome(0.9, 0.9), [outcome(0.3, 0.9, seed=1)], GATE)
    assert decide(rows + same, "mine").status == "accepted"
    assert "on other" in decide(rows + worse, "mine").reasons[0]


def test_a_model_from_nothing_is_compared_with_no_picks():
    decision = decided(None, outcome(0.6, 0.6))
    assert decision.status == "accepted" and {row.figure for row in decision.rows} == {"f1_p", "f1_s"}


def test_too_few_labels_decide_nothing():
    few = Outcome(*(np.zeros((5, 2)) for _ in range(3)), np.arange(5), np.zeros(5, int), np.full(5, np.nan))
    decision = decide(compared("mine", list("abcde"), few, [few], GATE), "mine")
    assert decision.status == "refused" and "fewer than 10 onsets" in decision.reasons[0]


def test_a_set_that_can_not_be_judged_on_is_a_reason():
    rows = compared("mine", EVENTS, outcome(0.5, 0.5), [outcome(0.9, 0.9, seed=1)], GATE)
    decision = decide(rows, "mine", also_on=("far",))
    assert decision.status == "refused" and decision.reasons[0].startswith("far: fewer than 10 onsets")


def test_scores_are_of_the_products_own_picks():
    config = PickConfig(weights="demo", backend="torch", threads=1)
    records = [record(number) for number in range(3)]
    found = score(records, config, max_dt=0.5)
    assert found.problems == [] and found.outcome.onsets.sum(axis=0).tolist() == [3, 3]
    only_p = score([record(number, phases="P") for number in range(3)], config, max_dt=0.5).outcome
    assert only_p.picks[:, 1].sum() == 0, "S is unknown, so its picks are not false ones"
    assert np.array_equal(only_p.matched[:, 0], found.outcome.matched[:, 0])
    assert np.nanmax(np.abs(found.outcome.error)) <= 0.5


def test_onsets_of_an_unknown_phase_count_nothing():
    config = PickConfig(weights="demo", backend="torch", threads=1)
    found = score([record(0), record(1, known="P")], config, max_dt=0.5).outcome
    assert found.onsets.tolist() == [[1, 1], [1, 0]] and found.picks[1, 1] == 0


def test_times_are_calibrated_where_there_are_enough_picks():
    rng = np.random.default_rng(0)
    size = 200
    picks = RightPicks(rng.normal(0.03, 0.02, size), np.full(size, 0.8), np.full(size, 10.0), np.full(size, 0.1))
    calibration = time_calibration({"P": picks, "S": picks}, "m-1", "labels", "0" * 64, 3001)
    assert calibration.P.bias_seconds == pytest.approx(0.03, abs=0.005)
    few = RightPicks(*(values[:5] for values in vars(picks).values()))
    assert time_calibration({"P": picks, "S": few}, "m-1", "labels", "0" * 64, 3001) is None
