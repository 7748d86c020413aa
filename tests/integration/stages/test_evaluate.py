"""The comparison at the end of a job is a task like others; what is compared stays as `catalogdb evaluate` has it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from catalogdb import logs
from catalogdb.comparisons import evaluate
from catalogdb.comparisons.compute import Computation
from catalogdb.comparisons.lease import ComparisonLease
from catalogdb.database.connection import connect
from catalogdb.runs.ledger_rows import reset, selection
from catalogdb.runs.run import run_job
from catalogdb.runs.stale import stale_of_catalog, stale_of_job
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.upkeep.removal import removal_counts, remove

STAGES = ["pick", "associate", "magnitude", "assemble"]


@pytest.fixture(scope="module")
def settings(engine_day):
    """Settings of a database with the job's results; each test leaves all of it current."""
    settings = engine_day.filled()
    report = run_job(settings, engine_day.job())
    assert list(report.stages) == [*STAGES, "evaluate"] and report.stages["evaluate"].done == 1
    return settings


@pytest.fixture
def db(settings):
    return connect(settings)


def ended(db):
    return [row["ended"] for row in db.comparison.find().sort("_id")]


def of_evaluate(staleness):
    return [(task.state, why.reason) for task in staleness.tasks for why in task.why if task.stage == "evaluate"]


def test_a_rerun_finds_it_done_and_tells_its_figures(settings, db, engine_day):
    before = ended(db)
    report = run_job(settings, engine_day.job())
    assert report.nothing_to_do and report.stages["evaluate"].up_to_date == 1 and ended(db) == before
    assert report.evaluation == evaluate(db, "engines", "truth") and ended(db) == before
    row = db.task.find_one({"stage": "evaluate"})
    assert row["shard"] == {"reference": "truth"} and row["result"] == "engines" and row["counts"]["events"] > 2


def test_another_reference_makes_it_stale_alone(settings, db, engine_day):
    ingest_catalog(db, [engine_day.data.truth_path], "truth", kind="reviewed", replace=True)
    found = stale_of_job(db, engine_day.job())
    assert of_evaluate(found) == [("stale", "reference changed"), ("stale", "reference picks changed")]
    assert len(found.tasks) == 1 and found.tasks[0].shard == {"reference": "truth"}
    report = run_job(settings, engine_day.job())
    assert {name: stage.done for name, stage in report.stages.items()} == {**dict.fromkeys(STAGES, 0), "evaluate": 1}
    assert stale_of_catalog(db, "engines").tasks == []


def test_a_reference_that_was_removed_and_is_back_is_compared_again(settings, db, engine_day):
    counts = removal_counts(db, "catalog", "truth")
    assert counts["comparison"] == counts["task"] == 1 and counts["score"]
    removed = remove(db, "catalog", "truth")
    assert removed["task"] == 1 and db.task.count_documents({"stage": "evaluate"}) == 0
    without = run_job(settings, engine_day.job())
    assert without.nothing_to_do and without.evaluation is None and without.stages["evaluate"].planned == 0
    assert any("no catalog 'truth' here; catalogdb ingest catalog" in note for note in without.notes)
    ingest_catalog(db, [engine_day.data.truth_path], "truth", replace=True)
    assert of_evaluate(stale_of_job(db, engine_day.job())) == [("stale", "new")]
    report = run_job(settings, engine_day.job())
    assert report.stages["evaluate"].done == 1 and report.evaluation["events"]["matched"] > 0


def test_a_comparison_that_is_gone_is_made_again(settings, db, engine_day):
    db.comparison.delete_many({})
    assert of_evaluate(stale_of_job(db, engine_day.job())) == [("stale", "new")]
    assert run_job(settings, engine_day.job()).stages["evaluate"].done == 1
    assert stale_of_job(db, engine_day.job()).tasks == []


def test_a_comparison_of_an_older_version_is_current(settings, db, engine_day):
    before = ended(db)
    db.task.delete_many({"stage": "evaluate"})  # it had no tasks
    assert stale_of_job(db, engine_day.job()).tasks == []
    assert run_job(settings, engine_day.job()).evaluation and ended(db) == before
    assert db.task.count_documents({"stage": "evaluate", "status": "done"}) == 1


def test_other_gates_are_another_comparison(settings, db, engine_day):
    wide = engine_day.job("evaluate.max_dt=3")
    assert of_evaluate(stale_of_job(db, wide)) == [("stale", "settings")]
    report = run_job(settings, wide)
    assert report.stages["evaluate"].done == 1 and report.evaluation["gates"]["max_dt"] == 3
    assert db.comparison.count_documents({}) == 2 and db.task.count_documents({"stage": "evaluate"}) == 1
    assert stale_of_job(db, engine_day.job()).tasks == [], "that of before is kept"


@pytest.mark.parametrize("status", ["done", "failed"])
def test_one_of_another_period_takes_the_place_of_that_before(settings, db, engine_day, status):
    db.task.update_one({"stage": "evaluate"}, {"$set": {"status": status}})
    db.catalog.update_one({"_id": "engines"}, {"$inc": {"endtime": 1.0}})
    report = run_job(settings, engine_day.job())
    period = report.evaluation["period"]
    (row,) = db.task.find({"stage": "evaluate"})
    assert row["endtime"] == period["endtime"] == db.catalog.find_one({"_id": "engines"})["endtime"]


def test_a_job_may_evaluate_alone(settings, db, engine_day):
    job = engine_day.job("stages=[evaluate]")
    report = run_job(settings, job)
    assert list(report.stages) == ["evaluate"] and report.evaluation["catalog"] == "engines"
    nobody = run_job(settings, engine_day.job("stages=[evaluate]", "catalog=nobody"))
    assert nobody.evaluation is None and any("no catalog 'nobody' here" in note for note in nobody.notes)


def test_a_null_block_leaves_it_out(settings, engine_day):
    report = run_job(settings, engine_day.job("evaluate=null"))
    assert list(report.stages) == STAGES and report.evaluation is None


def test_it_goes_with_its_catalog(settings, db, engine_day):
    counts = removal_counts(db, "catalog", "engines")
    assert remove(db, "catalog", "engines") == {name: number for name, number in counts.items() if number}
    assert db.task.count_documents({"stage": "evaluate"}) == db.comparison.count_documents({}) == 0
    assert run_job(settings, engine_day.job()).stages["evaluate"].done == 1


def test_a_reset_comparison_is_computed_again(settings, db, engine_day):
    before = ended(db)
    assert reset(db, selection(db, "engines", stage="evaluate"))[0]["tasks"] == 1
    assert of_evaluate(stale_of_job(db, engine_day.job())) == [("stale", "reset")]
    assert run_job(settings, engine_day.job()).stages["evaluate"].done == 1 and ended(db) > before
    assert stale_of_job(db, engine_day.job()).tasks == []
    once = ended(db)
    assert run_job(settings, engine_day.job()).nothing_to_do and ended(db) == once


def test_two_runs_on_one_comparison_both_succeed(settings, db, engine_day, monkeypatch):
    """The second plans while the first computes: it waits, and finds the comparison current."""
    db.comparison.delete_many({})
    computing, go_on, run = threading.Event(), threading.Event(), Computation.run

    def slow(self):
        computing.set()
        assert go_on.wait(60)
        return run(self)

    def second():
        assert computing.wait(60)
        return run_job(settings, engine_day.job())

    def waits(message):
        assert "evaluate" in message and "waiting" in message
        go_on.set()

    monkeypatch.setattr(Computation, "run", slow)
    monkeypatch.setattr(logs, "show", waits)
    with ThreadPoolExecutor(2) as pool:
        reports = [
            future.result() for future in [pool.submit(run_job, settings, engine_day.job()), pool.submit(second)]
        ]
    assert [report.status for report in reports] == ["done", "done"]
    assert reports[0].evaluation == reports[1].evaluation and len(ended(db)) == 1
    assert {row["status"] for row in db.run.find({"_id": {"$in": [report.run_id for report in reports]}})} == {"done"}
    assert stale_of_job(db, engine_day.job()).tasks == []


def test_a_comparison_taken_over_is_compared_again(settings, db, engine_day, monkeypatch):
    """Its own lease is not the task's: the task is still this process's, and is retried."""
    db.comparison.delete_many({})
    finish, taken = ComparisonLease.done, []

    def taken_over_once(self, *arguments):
        if not taken:
            taken.append(self)
            db.comparison.update_one({}, [{"$set": {"lease.token": "another's", "lease.until": "$$NOW"}}])
        return finish(self, *arguments)

    monkeypatch.setattr(ComparisonLease, "done", taken_over_once)
    report = run_job(settings, engine_day.job())
    assert len(taken) == 1 and report.status == "done" and report.stages["evaluate"].done == 1
    assert db.task.find_one({"stage": "evaluate"})["status"] == "done" and report.evaluation["events"]["matched"] > 0
