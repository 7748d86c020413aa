"""Comparison of catalogs: the pipelines against plain definitions, the counts, the borders."""

import json

import numpy as np
import pytest
from catalogs import T0, put_catalog
from scipy.optimize import linear_sum_assignment

from catalogdb.comparisons import evaluate, filled_pipeline, match_events
from catalogdb.errors import InputError
from catalogdb.evaluation import residuals
from catalogdb.stages.ingest_catalog import ingest_catalog

RADIUS_KM = 6371.0
DAY = 86400.0


def haversine_km(latitude_1, longitude_1, latitude_2, longitude_2):
    p, q = np.radians(latitude_1), np.radians(latitude_2)
    half = np.sin((q - p) / 2) ** 2 + np.cos(p) * np.cos(q) * np.sin(np.radians(longitude_2 - longitude_1) / 2) ** 2
    return 2 * RADIUS_KM * np.arcsin(np.sqrt(half))


def best_assignment(first, second, max_dt, max_km):
    """The definition: the assignment of largest total weight over the whole matrix of both catalogs."""
    a, b = np.array(first), np.array(second)
    dt = np.abs(a[:, None, 0] - b[None, :, 0])
    km = haversine_km(a[:, None, 1], a[:, None, 2], b[None, :, 1], b[None, :, 2])
    allowed = (dt <= max_dt) & (km <= max_km)
    weights = np.where(allowed, 0.99 * (1 - dt / max_dt) + 0.01 * (1 - km / max_km) + 1e-9, 0)
    rows, columns = linear_sum_assignment(weights, maximize=True)
    return {(r, c) for r, c in zip(rows, columns, strict=True) if allowed[r, c]}


def swarm(seed, number=150, seconds=200.0):
    """Two noisy views of a swarm so dense that events compete: a new event every 1.3 s inside 10 km."""
    random = np.random.default_rng(seed)
    truth = np.column_stack(
        [random.uniform(0, seconds, number), 46 + random.normal(0, 0.03, number), 13 + random.normal(0, 0.03, number)]
    )
    noise = np.array([0.6, 0.02, 0.02])
    views_of_it = [truth + random.normal(size=truth.shape) * noise for _ in range(2)]
    return [view[random.random(number) < 0.85].tolist() for view in views_of_it]


@pytest.mark.parametrize("seed", range(4))
def test_matching_is_the_best_assignment_even_in_a_swarm(db, seed):
    first, second = swarm(seed)
    put_catalog(db, "a", first)
    put_catalog(db, "b", second)
    pairs = match_events(db, "b", "a", T0 - 100, T0 + 1000, 2.0, 8.0)
    found = {(int(pair["reference_id"][1:]), int(pair["catalog_id"][1:])) for pair in pairs}
    assert found == best_assignment(first, second, 2.0, 8.0)
    for pair in pairs:
        one, other = first[int(pair["reference_id"][1:])], second[int(pair["catalog_id"][1:])]
        assert pair["dt"] == pytest.approx(other[0] - one[0], abs=1e-6)
        assert pair["distance_km"] == pytest.approx(haversine_km(*one[1:], *other[1:]), abs=1e-6)


def test_candidates_are_found_through_the_index(db):
    put_catalog(db, "a", [(n * 100.0, 46, 13) for n in range(50)])
    put_catalog(db, "b", [(n * 100.0, 46, 13) for n in range(50)])
    parameters = {
        "catalog": "b",
        "reference": "a",
        "starttime": T0 - 1,
        "endtime": T0 + 1e6,
        "max_dt": 2.0,
        "max_km": 8.0,
    }
    command = {"aggregate": "event", "pipeline": filled_pipeline("match_events", **parameters), "cursor": {}}
    plan = db.command("explain", command, verbosity="executionStats")
    lookup = next(stage for stage in plan["stages"] if "$lookup" in stage)
    assert lookup["totalDocsExamined"] <= 60


def test_event_counts_and_residuals(db):
    reference = [(0, 46, 13, 5.0, 1.0), (100, 46, 13, 5.0, 2.0), (200, 46, 13, 5.0, 3.0), (300, None, None)]
    catalog = [(0.5, 46, 13, 7.0, 1.5), (100.5, 46, 13.05, 5.0), (150, 46, 13), (200.5, 46.2, 13), (100.6, 46, 13)]
    put_catalog(db, "ref", reference)
    put_catalog(db, "cat", catalog)
    result = evaluate(db, "cat", "ref", starttime=T0 - 10, endtime=T0 + 1000)
    events = result["events"]
    assert (events["matched"], events["missed"], events["proposed"], events["unlocated"]) == (2, 1, 3, 1)
    assert events["recall"] == pytest.approx(2 / 3) and events["precision"] == pytest.approx(2 / 5)
    assert events["residuals"]["dt"] == pytest.approx({"mean": 0.5, "median": 0.5, "mad": 0.0, "p95": 0.5}, abs=1e-6)
    assert events["fdr"] == pytest.approx(3 / 5) and events["f1"] == pytest.approx(4 / 8)
    assert events["residuals"]["depth_km"]["mean"] == pytest.approx(1.0)
    assert events["residuals"]["magnitude"]["mean"] == pytest.approx(0.5)
    assert all(result["picks"][phase]["precision"] is None for phase in "PS")
    assert result["gates"] == {"max_dt": 2.0, "max_km": 8.0, "max_pick_dt": 0.5, "min_magnitude": None}


def test_detections_of_small_reference_events_are_not_proposed(db):
    put_catalog(db, "ref", [(0, 46, 13, 5.0, 0.5), (100, 46, 13, 5.0, 2.5), (200, 46, 13, 5.0, 2.5)])
    put_catalog(db, "cat", [(0, 46, 13, 5.0, 2.2), (100, 46, 13, 5.0, 1.9), (50, 46, 13, 5.0, 2.0)])
    events = evaluate(db, "cat", "ref", min_magnitude=2.0, starttime=T0 - 1, endtime=T0 + 300)["events"]
    assert (events["matched"], events["missed"], events["proposed"]) == (1, 1, 1)


def test_proposed_events_count_by_their_own_magnitude(db):
    put_catalog(db, "ref", [(0, 46, 13, 5.0, 2.5), (100, 46, 13, 5.0, 2.0), (200, 46, 13, 5.0, 1.0)])
    proposed = [(time, 46, 13, 5.0, magnitude) for time, magnitude in ((20, 0.5), (40, 1.9), (60, 2.0), (80, 3.0))]
    put_catalog(db, "cat", [(0, 46, 13, 5.0, 2.4), *proposed, (90, 46, 13)])
    events = evaluate(db, "cat", "ref", min_magnitude=2.0, starttime=T0 - 1, endtime=T0 + 300)["events"]
    assert (events["matched"], events["missed"], events["proposed"]) == (1, 1, 2)
    assert events["proposed_without_magnitude"] == 1
    assert events["precision"] == pytest.approx(1 / 3) and events["fdr"] == pytest.approx(2 / 3)
    assert events["f1"] == pytest.approx(2 / 5)
    every = evaluate(db, "cat", "ref", starttime=T0 - 1, endtime=T0 + 300)["events"]
    assert every["proposed"] == 5 and "proposed_without_magnitude" not in every


def test_precision_by_magnitude_needs_magnitudes_of_proposed_events(db):
    put_catalog(db, "ref", [(0, 46, 13, 5.0, 2.5)])
    put_catalog(db, "cat", [(0, 46, 13), (20, 46, 13), (40, 46, 13)])
    events = evaluate(db, "cat", "ref", min_magnitude=2.0, starttime=T0 - 1, endtime=T0 + 300)["events"]
    assert (events["matched"], events["proposed"], events["proposed_without_magnitude"]) == (1, 0, 2)
    assert events["recall"] == 1 and events["precision"] is events["f1"] is events["fdr"] is None


def test_mutual_best_pairs_are_one_to_one_where_candidates_tie(db):
    put_catalog(db, "ref", [(0, 46, 13), (0, 46, 13), (100, 46, 13)])
    put_catalog(db, "cat", [(0, 46, 13), (0, 46, 13), (99, 46, 13), (101, 46, 13)])
    parameters = {"catalog": "cat", "reference": "ref", "max_dt": 2.0, "max_km": 8.0}
    pipeline = filled_pipeline("match_events", starttime=T0 - 10, endtime=T0 + 200, **parameters)
    best = [row for row in db.event.aggregate(pipeline) if row["mutual_best"]]
    for key in ("reference_id", "catalog_id"):
        names = [row[key] for row in best]
        assert len(names) == len(set(names)) >= 2


def test_events_without_position_are_counted_on_both_sides(db, cli):
    put_catalog(db, "ref", [(0, 46, 13), (10, None, None), (DAY, None, None)])
    put_catalog(db, "cat", [(0, 46, 13), (10, None, None), (20, None, None)])
    period = {"starttime": T0 - 10, "endtime": T0 + 100}
    for least in (None, 1.0):
        result = evaluate(db, "cat", "ref", min_magnitude=least, **period)
        assert (result["events"]["unlocated"], result["events"]["catalog_unlocated"]) == (1, 2)
        assert result["in_period"] == {"catalog": 3, "reference": 2}
    text = "1 event of the reference and 2 of the catalog in the period have no position and take no part"
    assert result["notes"] == [text]
    times = ("--starttime", "2023-11-14T22:13:10", "--endtime", "2023-11-14T22:15:00")
    assert text in cli("evaluate", "--catalog", "cat", "--reference", "ref", *times).out


def test_picks_that_lie_outside_the_period_were_not_compared(db, cli):
    put_catalog(db, "ref", [(0, 46, 13)], [(500, "A", "P")])
    put_catalog(db, "cat", [(0, 46, 13)], [(500, "A", "P")])
    times = ("--starttime", "2023-11-14T22:13:10", "--endtime", "2023-11-14T22:15:00")
    text = cli("evaluate", "--catalog", "cat", "--reference", "ref", *times).out
    assert "both catalogs share one pick set, one has none, or there are none in this period" in text


def test_nothing_to_compare_is_null_not_nan(db):
    put_catalog(db, "ref", [], [(0, "A", "P")])
    put_catalog(db, "cat", [], [(50, "A", "S")])
    result = evaluate(db, "cat", "ref", starttime=T0 + 1000, endtime=T0 + 2000)
    assert result["events"]["recall"] is None and result["events"]["precision"] is None
    assert result["picks"]["P"]["recall"] is None
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert residuals([]) == {"mean": None, "median": None, "mad": None, "p95": None}


def test_bad_arguments(db):
    put_catalog(db, "ref", [])
    with pytest.raises(InputError, match="no catalog 'nope'"):
        evaluate(db, "nope", "ref")
    with pytest.raises(InputError, match="has no events or picks"):
        evaluate(db, "ref", "ref")
    with pytest.raises(InputError, match="1970-01-01 00:00:05 to 1970-01-01 00:00:05 UTC is empty"):
        evaluate(db, "ref", "ref", starttime=5, endtime=5)
    for gate in ("max_dt", "max_km", "max_pick_dt"):
        for width in (0, -1, float("nan")):
            with pytest.raises(InputError, match=f"{gate} .* is not a positive number"):
                evaluate(db, "ref", "ref", **{gate: width})
    with pytest.raises(ValueError, match="takes the parameters"):
        filled_pipeline("match_picks", catalog="x")


def test_pick_outcomes(db):
    reference = [
        (0, "A", "P"),
        (3, "A", "S"),
        (10, "A", "Pg"),
        (20, "B", "P"),
        (30, "B", "S"),
        (40, "B", "P"),
        (50, "B", "x"),
    ]
    catalog = [
        (0.1, "A", "P"),
        (0.3, "A", "P"),  # second best: proposed
        (3.2, "A", "S"),
        (3.0, "A", "P"),  # of the wrong phase, and so much nearer to the S that OGS's weights prefer it
        (10.5, "A", "P"),  # on the gate
        (20.1, "B", "S"),  # wrong phase
        (30.6, "B", "S"),  # outside of the gate
        (40, "A", "P"),  # another station
    ]
    put_catalog(db, "ref", [], reference)
    put_catalog(db, "cat", [], catalog)
    result = evaluate(db, "cat", "ref", starttime=T0 - 1, endtime=T0 + 100)
    picks, both = result["picks"], result["both_phases"]
    counts = ("matched", "missed", "proposed", "wrong_phase", "wrong_phase_found")
    assert [picks["P"][key] for key in counts] == [2, 1, 2, 1, 1]
    assert [picks["S"][key] for key in counts] == [0, 1, 2, 1, 1]
    assert [both[key] for key in counts] == [2, 2, 4, 2, 2]
    assert picks["P"]["recall"] == pytest.approx(2 / 4) and picks["P"]["precision"] == pytest.approx(2 / 5)
    # the catalog's S on a reference P is neither matched nor proposed, and lowers the precision of S
    assert picks["S"]["precision"] == 0 and picks["S"]["f1"] == 0
    assert both["fdr"] == pytest.approx(4 / 8)
    assert picks["P"]["residuals"]["dt"]["mean"] == pytest.approx(0.3, abs=1e-6)
    (other,) = db.comparison.find()
    assert other["counts"]["picks_of_other_phases"] == 1  # the x


def test_of_close_weights_the_nearer_pick_of_the_phase_wins(db):
    put_catalog(db, "ref", [], [(0, "A", "S")])
    put_catalog(db, "cat", [], [(0.205, "A", "S"), (-0.2, "A", "P")])  # 5 ms farther; the phase is worth 10 ms
    picks = evaluate(db, "cat", "ref", starttime=T0 - 1, endtime=T0 + 1)["picks"]
    assert (picks["S"]["matched"], picks["P"]["proposed"]) == (1, 1)


@pytest.mark.parametrize("seed", range(3))
def test_every_pick_of_either_side_is_accounted_for(db, seed):
    random = np.random.default_rng(seed)
    stations, phases = ["A", "B", "C"], ["P", "S", "Pg", "Sn", "pP"]
    reference = [
        (float(time), str(random.choice(stations)), str(random.choice(phases))) for time in random.uniform(0, 300, 400)
    ]
    catalog = [
        (time + random.normal(0, 0.2), sta, str(random.choice([phase, "P", "S"])))
        for time, sta, phase in reference[::2]
    ] + [(float(time), "A", "S") for time in random.uniform(0, 300, 80)]
    put_catalog(db, "ref", [], reference)
    put_catalog(db, "cat", [], catalog)
    whole = evaluate(db, "cat", "ref", starttime=T0 - 10, endtime=T0 + 310)["picks"]
    halves = [
        evaluate(db, "cat", "ref", starttime=T0 + a, endtime=T0 + b)["picks"] for a, b in ((-10, 150), (150, 310))
    ]
    for phase in "PS":
        scores = whole[phase]
        of_reference = sum(pick[2][0] == phase for pick in reference)
        of_catalog = sum(pick[2][0] == phase for pick in catalog)
        outcomes = ("matched", "missed", "wrong_phase", "no_data")
        assert sum(scores[name] for name in outcomes) == of_reference
        assert scores["matched"] + scores["proposed"] + scores["wrong_phase_found"] == of_catalog
        assert scores["recall"] == pytest.approx(scores["matched"] / of_reference)
        assert scores["precision"] == pytest.approx(scores["matched"] / of_catalog)
        # periods side by side share every pick out, also pairs astride their border
        for name in (*outcomes, "proposed", "wrong_phase_found"):
            assert sum(half[phase][name] for half in halves) == scores[name]
    assert whole["P"]["wrong_phase_found"] == whole["S"]["wrong_phase"] > 0
    assert whole["S"]["wrong_phase_found"] == whole["P"]["wrong_phase"] > 0


def test_missed_picks_without_waveforms_count_as_no_data(db):
    put_catalog(db, "ref", [], [(10, "A", "P"), (20, "A", "P"), (30, "B", "S"), (40, "A", "P")])
    put_catalog(db, "cat", [], [(40, "A", "P")], kind="automatic")
    db.wf_miniseed.insert_one(
        {
            "file_id": "f",
            "net": "",
            "sta": "A",
            "loc": "",
            "chan": "HHZ",
            "channel_group": ".A..HH",
            "npts": 3001,
            "delta": 0.01,
        }
        | {
            "sampling_rate": 100.0,
            "dir": "/",
            "dfile": "f",
            "foff": 0,
            "nbytes": 1,
            "starttime": T0 + 15,
            "endtime": T0 + 45,
        }
    )
    picks = evaluate(db, "cat", "ref", starttime=T0, endtime=T0 + 100)["picks"]
    assert {key: picks["P"][key] for key in ("matched", "missed", "no_data")} == {
        "matched": 1,
        "missed": 1,
        "no_data": 1,
    }
    assert (picks["S"]["missed"], picks["S"]["no_data"]) == (0, 1)
    assert picks["P"]["recall"] == 0.5 and picks["S"]["recall"] is None


def test_two_catalogs_of_one_pick_set_compare_events_alone(db):
    put_catalog(db, "ref", [(0, 46, 13)], [(1, "A", "P")])
    put_catalog(db, "cat", [(0, 46, 13)], pick_set="ref")
    result = evaluate(db, "cat", "ref")
    assert result["events"]["matched"] == 1
    for phase in "PS":
        scores = result["picks"][phase]
        counts = ("matched", "missed", "proposed", "wrong_phase", "wrong_phase_found", "no_data")
        assert [scores[name] for name in counts] == [0] * 6
        assert scores["recall"] is None and scores["precision"] is None


def test_real_editions_of_the_bulletin(db, realdata):
    ogs = realdata / "ogs_2024_h1"
    ingest_catalog(db, [ogs / "events_ogs_hypo71.csv", ogs / "picks_manual.csv"], "ogs")
    ingest_catalog(db, ogs / "events_ogs_relocated_nll1d.csv", "nll")
    events = evaluate(db, "nll", "ogs")["events"]
    assert events["matched"] >= 750 and events["matched"] + events["missed"] >= 775
    assert -0.5 < events["residuals"]["dt"]["median"] < -0.2
    first = [(e["time"], e["latitude"], e["longitude"]) for e in db.event.find({"catalog": "ogs"}).sort("_id", 1)]
    second = [(e["time"], e["latitude"], e["longitude"]) for e in db.event.find({"catalog": "nll"}).sort("_id", 1)]
    assert len(match_events(db, "nll", "ogs", 0, 4e9, 2.0, 8.0)) == len(best_assignment(first, second, 2.0, 8.0))
