"""The precision-recall curve of a pick set that kept its peaks is what pick sets of these thresholds really reach."""

import pytest
from catalogs import T0, put_catalog

from catalogdb.comparisons import evaluate
from catalogdb.demo.dataset import write_demo_day
from catalogdb.jobs import Job
from catalogdb.runs.run import run_job
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.stages.repick import repick

COUNTS = ("matched", "missed", "wrong_phase", "wrong_phase_found", "no_data", "proposed")
THRESHOLDS = (0.1, 0.4, 0.95)


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """An hour and a half of two stations with a gap and several shards."""
    folder = tmp_path_factory.mktemp("day")
    return write_demo_day(folder, 3, "2024-03-27T05:30:00", duration_s=5400, stations=2, events=12, gaps=1)


@pytest.fixture
def filled(db, settings, day):
    """The pick set `all`, picked at 0.5 with peaks from 0.05 on, and the true picks as reference."""
    ingest_waveforms(db, [day.waveforms_dir])
    block = {
        "picker": "phasenet",
        "weights": "demo",
        "shard_hours": 1,
        "p_threshold": 0.5,
        "s_threshold": 0.5,
        "probability": "sparse",
    }
    run_job(settings, Job.model_validate({"name": "all", "catalog": "all", "stages": ["pick"], "pick": block}))
    # every eighth pick a second late, to be missed, and some at a station that has no waveforms
    truth = [
        (day.start.timestamp + pick.time_s - T0 + (at % 8 == 7), pick.station if at % 9 else "NONE", pick.phase)
        for at, pick in enumerate(day.picks)
    ]
    put_catalog(db, "truth", [], truth)
    as_catalog(db, "all")
    return db


def as_catalog(db, pick_set):
    made = db.pick_set.find_one({"_id": pick_set})
    period = {"starttime": db.wf_miniseed.find_one(sort=[("starttime", 1)])["starttime"]}
    period["endtime"] = period["starttime"] + 5400.0
    row = {"_id": pick_set, "kind": "automatic", "config_id": made["config_id"], "pick_set": pick_set} | period
    db.catalog.replace_one({"_id": pick_set}, row, upsert=True)


def test_every_point_is_what_a_pick_set_of_that_threshold_reaches(filled):
    evaluate(filled, "all", "truth")
    for threshold in THRESHOLDS:
        name = f"all-{threshold}"
        repick(filled, "all", name, p_threshold=threshold, s_threshold=threshold)
        as_catalog(filled, name)
        reached = evaluate(filled, name, "truth")
        points = {
            row["phase"]: row
            for row in filled.precision_recall.find({"catalog": "all", "reference": "truth", "threshold": threshold})
        }
        assert {row["source"] for row in points.values()} == {"peaks"}
        for phase, scores in (reached["picks"] | {"PS": reached["both_phases"]}).items():
            assert {key: points[phase][key] for key in COUNTS} == {key: scores[key] for key in COUNTS}, (
                threshold,
                phase,
            )
            assert points[phase]["recall"] == scores["recall"] and points[phase]["precision"] == scores["precision"]
    lowest = filled.precision_recall.find_one({"catalog": "all", "phase": "PS"}, sort=[("threshold", 1)])
    own = evaluate(filled, "all", "truth")["both_phases"]
    assert lowest["threshold"] == 0.05
    assert lowest["matched"] >= own["matched"] > 0 and lowest["proposed"] > own["proposed"]
    assert own["no_data"] > 0 and own["missed"] > 0


def test_a_repicked_set_has_the_curve_of_its_peaks(filled):
    repick(filled, "all", "some", p_threshold=0.6, s_threshold=0.6)
    as_catalog(filled, "some")
    evaluate(filled, "some", "truth")
    evaluate(filled, "all", "truth")

    def curve(catalog):
        rows = filled.precision_recall.find({"catalog": catalog}).sort([("phase", 1), ("threshold", 1)])
        return [[row["phase"], row["threshold"], *(row[name] for name in COUNTS)] for row in rows]

    assert curve("some") == curve("all") and len(curve("all")) > 30


@pytest.mark.parametrize("changed", ["picker.networks.0.weights_sha256", "settings.edge_guard_seconds"])
def test_peaks_of_a_set_that_was_replaced_are_not_used(filled, changed):
    repick(filled, "all", "some", p_threshold=0.6, s_threshold=0.6)
    as_catalog(filled, "some")
    evaluate(filled, "some", "truth")
    assert filled.precision_recall.distinct("source", {"catalog": "some"}) == ["peaks"]
    path, keys = filled.pick_set.find_one({"_id": "all"})["config"], changed.split(".")
    for key in keys:
        path = path[int(key)] if isinstance(path, list) else path[key]
    filled.pick_set.update_one({"_id": "all"}, {"$set": {f"config.{changed}": "other"}})
    evaluate(filled, "some", "truth")
    assert filled.precision_recall.distinct("source", {"catalog": "some"}) == ["picks"]
    assert "catalog peaks" not in filled.comparison.find_one({"catalog": "some"})["inputs"]


def test_without_peaks_the_picks_own_probabilities_make_the_curve(filled):
    filled.peak.delete_many({})
    evaluate(filled, "all", "truth", refresh=True)
    rows = list(filled.precision_recall.find({"catalog": "all", "phase": "PS"}))
    assert {row["source"] for row in rows} == {"picks"}
    own = evaluate(filled, "all", "truth")["both_phases"]
    assert max(row["matched"] for row in rows) == own["matched"]
