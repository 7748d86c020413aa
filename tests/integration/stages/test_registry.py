"""A stage that stands in one file (tests/rate_stage.py) is planned, run, explained and removed like every other."""

import pytest
from rate_stage import RateStage

from catalogdb.database.connection import connect
from catalogdb.errors import InputError
from catalogdb.ledger.stage import Reads, Stage
from catalogdb.runs.ledger_rows import reset
from catalogdb.runs.run import run_job
from catalogdb.runs.stale import stale_of_catalog, stale_of_job
from catalogdb.runs.work import this_worker, work_job
from catalogdb.stages import registry
from catalogdb.stages.resolve import catalog_config
from catalogdb.upkeep.prune import count_leftovers, find_leftovers, prune
from catalogdb.upkeep.removal import removal_counts, remove

OVERRIDES = ("stages=[pick, associate, magnitude, rate]", "rate.min_picks=5", "evaluate=null")


@pytest.fixture(scope="module", autouse=True)
def registered():
    registry.register(RateStage)
    yield
    registry.unregister(RateStage.name)


@pytest.fixture(scope="module")
def job(engine_day):
    return engine_day.job(*OVERRIDES)


@pytest.fixture(scope="module")
def done(engine_day, job):
    """Settings of a database with the job's results; left as it is."""
    settings = filled(engine_day)
    assert run_job(settings, job).status == "done"
    return settings


@pytest.fixture
def place(engine_day, done):
    """The same in a database that the test may change."""
    return indexed(engine_day.copy_of(done))


def filled(engine_day):
    return indexed(engine_day.filled())


def indexed(settings):
    connect(settings).rate.create_index("task_id")  # as its file in schemas/ would ask for
    return settings


def rates(settings):
    return [row["events"] for row in connect(settings).rate.find().sort("starttime")]


def counted(settings):
    return connect(settings).event.count_documents({"catalog": "engines", "n_picks": {"$gte": 5}})


def of_rate(staleness):
    return [(task.state, why.reason, why.what) for task in staleness.tasks if task.stage == "rate" for why in task.why]


def run_on(engine, settings, job):
    if engine == "work":
        return work_job(settings, job, this_worker(settings, environment={}))
    return run_job(settings, job, engine, workers=1 if engine == "dask" else None)


@pytest.mark.parametrize("engine", ["local", "dask", "work"])
def test_it_runs_after_what_it_reads_on_every_engine(engine_day, job, engine):
    settings = filled(engine_day)
    report = run_on(engine, settings, job)
    assert report.status == "done"
    assert list(report.stages) == ["pick", "associate", "magnitude", "assemble", "rate"]
    assert report.stages["rate"].done == report.stages["rate"].planned == 1
    assert rates(settings) == [counted(settings)] and counted(settings) > 2
    again = run_on(engine, settings, job)
    assert again.nothing_to_do and again.stages["rate"].up_to_date == 1


def test_it_goes_stale_with_its_input_and_is_explained(place, job, engine_day, command):
    db = connect(place)
    assert stale_of_job(db, job).tasks == []
    event = db.event.find_one_and_update({"catalog": "engines", "n_picks": {"$gte": 5}}, {"$set": {"n_picks": 1}})
    staleness = stale_of_catalog(db, "engines")
    assert of_rate(staleness) == [("stale", "events", event["_id"])] and len(staleness.tasks) == 1
    overrides = [word for override in OVERRIDES for word in ("--set", override)]
    (answer,) = command(place, "status", "--stale", engine_day.job_file, *overrides, "--json").json["results"]
    assert answer["counts"] == [{"stage": "rate", "state": "stale", "reason": "events", "tasks": 1}]
    assert run_job(place, job).stages["rate"].done == 1
    assert rates(place) == [counted(place)] and stale_of_job(db, job).tasks == []


def test_it_waits_for_what_comes_before_it(place, job):
    db = connect(place)
    assert reset(db, {"stage": "associate"})
    assert of_rate(stale_of_job(db, job)) == [("waiting", "events to come", "stage assemble")]
    report = run_job(place, job)
    assert report.stages["associate"].done and report.stages["rate"].up_to_date == 1


def test_its_settings_and_revision_decide_the_catalog(place, engine_day, job, monkeypatch):
    assert catalog_config(job, "picks")["rate"] == {"revision": 1, "min_picks": 5}
    assert "rate" not in catalog_config(engine_day.job(), "picks")
    db = connect(place)
    other = engine_day.job(*OVERRIDES, "rate.min_picks=6")
    assert ("stale", "settings", "rate.min_picks: 5 -> 6") in of_rate(stale_of_job(db, other))
    monkeypatch.setattr(RateStage, "revision", 2)
    assert ("stale", "revision", "rate.revision: 1 -> 2") in of_rate(stale_of_job(db, job))


def test_why_tells_its_settings(place, command):
    event = connect(place).event.find_one({"catalog": "engines"})
    assert "rate: min_picks 5, revision 1" in command(place, "why", event["_id"]).out


def test_it_is_removed_with_its_catalog(place):
    db = connect(place)
    assert removal_counts(db, "catalog", "engines")["rate"] == 1
    assert remove(db, "catalog", "engines")["rate"] == 1
    assert rates(place) == [] and db.task.count_documents({"stage": "rate"}) == 0


def test_it_is_pruned_when_nothing_stands_for_it(place):
    db = connect(place)
    db.catalog.delete_one({"_id": "engines"})
    found = find_leftovers(db)
    assert count_leftovers(db, found)[0]["rate"] == 1
    assert prune(db, found)[0]["rate"] == 1
    assert rates(place) == [] and db.task.count_documents({"stage": "rate"}) == 0


def test_mistakes_in_its_block_are_named(engine_day):
    with pytest.raises(InputError, match="rate.min_pick: unknown key; did you mean min_picks"):
        engine_day.job(*OVERRIDES, "rate.min_pick=5")
    with pytest.raises(InputError, match="rate.min_picks: .*greater than or equal to 1"):
        engine_day.job(*OVERRIDES, "rate.min_picks=0")


def test_a_name_has_one_stage():
    class Other(RateStage):
        pass

    registry.register(RateStage)
    with pytest.raises(InputError, match="stage 'rate': the name is taken"):
        registry.register(Other)


def test_stages_that_read_from_each_other_are_refused():
    class Circle(Stage):
        name, kind, reads, collections = "circle", "catalog", (Reads("rate", "rates"),), ("event",)
        read = process = None

    registry.register(Circle)
    try:
        with pytest.raises(InputError, match="each reads what another of them writes"):
            registry.stage_types()
    finally:
        registry.unregister("circle")
