"""`run --replace`: a name goes from one configuration to another whole, and never while something stands on it."""

import threading

import pytest

from catalogdb.database.lease import server_now
from catalogdb.database.owner import owner
from catalogdb.errors import InputError, NameTaken
from catalogdb.jobs import load_job
from catalogdb.ledger import tasks
from catalogdb.ledger.execute import execute
from catalogdb.ledger.run_life import live_run
from catalogdb.stages import results
from catalogdb.stages.resolve import resolve
from catalogdb.upkeep import removal

OTHER = "associate.min_picks=6"


def at(stage, action):
    """A progress of `run_job` that does something else when a stage begins."""
    return lambda name, total, report: action() if (name, report) == (stage, None) else None


def stage_of(place, name, *overrides):
    stages, _ = resolve(place.db, load_job(place.job_file, overrides))
    return next(stage for stage in stages if stage.name == name)


def catalog_config_ids(place, name):
    return {
        row for kind in results.outputs("catalog") for row in place.db[kind].distinct("config_id", {"catalog": name})
    }


# -- while a run works on it


@pytest.mark.parametrize("stage", ["pick", "associate", "assemble"])
def test_nothing_is_replaced_or_removed_while_a_run_lasts(copy, stage):
    before = copy.dump("run")
    refused = []

    def others():
        for change in (
            lambda: copy.run(OTHER, replace=True),
            lambda: copy.run(OTHER, replace=True, dry_run=True),
            lambda: removal.remove(copy.db, "catalog", "ops"),
        ):
            with pytest.raises(InputError, match=r"catalog 'ops': run \w+ works on it now") as caught:
                change()
            refused.append(caught.value)

    report = copy.run(progress=at(stage, others))
    assert len(refused) == 3 and all(report.run_id in str(error) + error.hint for error in refused)
    assert report.status == "done" and copy.dump("run") == before
    assert copy.run(OTHER, replace=True).status == "done"
    assert catalog_config_ids(copy, "ops") == {copy.db.catalog.find_one({"_id": "ops"})["config_id"]}


def test_a_name_without_a_catalog_is_no_longer_left_by_a_run(copy):
    removal.remove(copy.db, "catalog", "twin")
    report = copy.run(
        name="twin", progress=at("pick", lambda: pytest.raises(InputError, removal.remove, copy.db, "catalog", "twin"))
    )
    assert report.status == "done" and copy.db.catalog.find_one({"_id": "twin"})


def test_a_run_that_was_lost_or_has_ended_holds_nothing_back(copy):
    run_id = copy.reports[0].run_id
    assert live_run(copy.db, "catalog", "ops") is None
    gone = owner().rpartition(":")[0] + ":0"
    copy.db.run.update_one({"_id": run_id}, {"$set": {"status": "running", "owner": gone}})
    assert live_run(copy.db, "catalog", "ops") is None
    copy.db.run.update_one({"_id": run_id}, {"$set": {"owner": owner()}, "$currentDate": {"alive": True}})
    assert live_run(copy.db, "catalog", "ops") == live_run(copy.db, "pick_set", "ops") == run_id
    assert live_run(copy.db, "catalog", "twin") is None


def test_a_run_that_starts_during_a_removal_keeps_its_name(copy, monkeypatch):
    taking = removal.remove_tasks

    def comes_up(*arguments):
        run = {"_id": "new", "job": "ops", "status": "running", "catalog": "twin", "owner": owner()}
        copy.db.run.insert_one(run | {"alive": server_now(copy.db)})
        return taking(*arguments)

    monkeypatch.setattr(removal, "remove_tasks", comes_up)
    with pytest.raises(InputError, match="run new works on it now"):
        removal.remove(copy.db, "catalog", "twin")
    assert copy.db.catalog.find_one({"_id": "twin"})


# -- should a run come up after that was looked at


def test_a_result_is_refused_while_its_name_is_given_away_and_after(copy, monkeypatch):
    stage = stage_of(copy, "associate")
    planned = list(stage.plan(copy.db))
    reports = []

    def late(db):
        tasks.register(db, stage, planned)
        reports.append(execute(db, stage, planned[0]))
        return server_now(db)

    monkeypatch.setattr(results, "server_now", late)
    assert copy.run(OTHER, replace=True).status == "done"
    reports.append(execute(copy.db, stage, planned[1]))
    assert [report.status for report in reports] == ["failed", "failed"]
    assert all(
        report.error == "catalog 'ops' was replaced meanwhile, so this result is not written" for report in reports
    )
    assert (
        catalog_config_ids(copy, "ops") == {copy.db.catalog.find_one({"_id": "ops"})["config_id"]} != {stage.config_id}
    )


def test_a_result_written_while_its_name_is_replaced_goes_too(copy, monkeypatch):
    old = copy.db.catalog.find_one({"_id": "ops"})
    with_events = {"config_id": old["config_id"], "stage": "associate", "counts.events": {"$gt": 0}}
    row = copy.db.task.find_one_and_update(with_events, {"$set": {"status": "pending"}})
    stage = stage_of(copy, "associate")
    (planned,) = [task for task in stage.plan(copy.db) if tasks.task_id(stage, task.shard) == row["_id"]]
    reports, writing, go_on = [], threading.Event(), threading.Event()
    check = tasks._check_name

    def slow(*arguments):
        check(*arguments)
        writing.set()
        go_on.wait(30)

    monkeypatch.setattr(tasks, "_check_name", slow)
    committing = threading.Thread(target=lambda: reports.append(execute(copy.db, stage, planned)))
    committing.start()
    assert writing.wait(30)
    new = results.ResultName("catalog", "ops", "new", {}, {"pick_set": "ops"})
    replacing = threading.Thread(target=results.claim_names, args=(copy.db, [new], True))
    replacing.start()
    replacing.join(1.0)
    assert replacing.is_alive()
    go_on.set()
    committing.join(60)
    replacing.join(60)
    assert reports[0].status == "done" and reports[0].counts["events"] > 0
    assert catalog_config_ids(copy, "ops") == set() and copy.db.catalog.find_one({"_id": "ops"})["config_id"] == "new"
    assert copy.db.task.count_documents({"config_id": old["config_id"]}) == 0


def test_a_broken_off_replacement_goes_on(copy, monkeypatch):
    old = copy.db.catalog.find_one({"_id": "ops"})["config_id"]
    monkeypatch.setattr(results, "outputs", {}.__getitem__)  # the ledger is emptied by then, and no result removed
    with pytest.raises(KeyError):
        copy.run(OTHER, replace=True)
    monkeypatch.undo()
    assert catalog_config_ids(copy, "ops") == {old} and copy.db.task.count_documents({"config_id": old}) == 0
    for settings in ((), (OTHER,)):
        with pytest.raises(NameTaken):
            copy.run(*settings)
    assert copy.run(OTHER, replace=True).status == "done"
    assert catalog_config_ids(copy, "ops") == {copy.db.catalog.find_one({"_id": "ops"})["config_id"]}
    assert copy.run(replace=True).stages["associate"].up_to_date == 0
    assert catalog_config_ids(copy, "ops") == {old}


def test_of_two_replacements_at_once_one_is_refused(copy, monkeypatch):
    def other_first(db):
        monkeypatch.undo()
        results.claim_names(db, [results.ResultName("catalog", "ops", "quicker", {})], replace=True)
        return server_now(db)

    monkeypatch.setattr(results, "server_now", other_first)
    with pytest.raises(NameTaken, match="another run has just taken this name"):
        copy.run(OTHER, replace=True)
    assert copy.db.catalog.find_one({"_id": "ops"})["config_id"] == "quicker"


# -- what stands on it


def test_a_pick_set_is_not_replaced_while_others_stand_on_it(copy, command):
    other = "pick.p_threshold=0.5"
    command(copy.settings, "repick", "--pick-set", "ops", "--name", "strict", "--p-threshold", "0.6")
    before = copy.dump("run")
    for name, words in (("twin", "catalog twin is made"), (None, "pick set strict is chosen from the peaks")):
        for options in ({}, {"dry_run": True}):
            with pytest.raises(InputError, match=f"pick set 'ops': {words}"):
                copy.run(other, replace=True, **options)
        assert copy.dump("run") == before
        if name:
            removal.remove(copy.db, "catalog", name)
            before = copy.dump("run")
    removal.remove(copy.db, "pick_set", "strict")
    with pytest.raises(InputError, match="pick set 'ops': catalog ops is made"):
        copy.run(other, "stages=[pick]", replace=True)
    assert copy.run(other, replace=True).status == "done"
    pick_set, catalog = copy.db.pick_set.find_one({"_id": "ops"}), copy.db.catalog.find_one({"_id": "ops"})
    assert copy.db.pick.distinct("config_id", {"pick_set": "ops"}) == [pick_set["config_id"]]
    assert catalog_config_ids(copy, "ops") == {catalog["config_id"]}
    assert catalog["config"]["pick_set"] == pick_set["config_id"] and pick_set["created"] and catalog["starttime"]


def test_a_renamed_catalog_keeps_the_pick_set_of_its_own_name(copy):
    first = copy.run("catalog=later", name="early")
    assert (first.catalog, first.pick_set) == ("early", "early")
    assert copy.run("catalog=later").pick_set == "later"
    again = copy.run("catalog=later", name="early")
    assert (again.catalog, again.pick_set, again.status) == ("early", "early", "done")
    assert all(stage.up_to_date == stage.planned > 0 for stage in again.stages.values())
    assert copy.run("catalog=later", name="third").pick_set == "later"
