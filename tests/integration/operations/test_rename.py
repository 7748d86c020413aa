"""`rename`: another name, the same ids, and runs that find everything done."""

from datetime import UTC, datetime, timedelta

import pytest

from catalogdb.comparisons import evaluate
from catalogdb.database.named import require_catalog
from catalogdb.database.owner import owner
from catalogdb.errors import InputError, NameTaken
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.stages.registry import outputs
from catalogdb.stages.repick import repick
from catalogdb.upkeep import rename as renaming
from catalogdb.upkeep.removal import remove
from catalogdb.upkeep.rename import rename


@pytest.fixture
def small_steps(monkeypatch):
    monkeypatch.setattr(renaming, "DOCUMENTS_PER_STEP", 3)


def ids(db, kind, name):
    return {collection: sorted(db[collection].distinct("_id", {kind: name})) for collection in outputs(kind)}


def work_of(report):
    return {name: (stage.done, stage.planned) for name, stage in report.stages.items()}


def test_a_renamed_catalog_keeps_its_ids(copy, command, small_steps):
    evaluate(copy.db, "ops", "truth")
    before = ids(copy.db, "catalog", "ops")
    dry = command(copy.settings, "rename", "catalog", "ops", "new", "--dry-run", "--json").json
    assert command(copy.settings, "rename", "catalog", "ops", "new").code == 2  # comparisons would go
    done = command(copy.settings, "rename", "catalog", "ops", "new", "--yes", "--json").json
    assert done["removed"] == dry["removed"] and done["removed"]["comparison"] == 1
    assert {name: number for name, number in dry["renamed"].items() if number} | {"catalog": 1} == done["renamed"]
    assert ids(copy.db, "catalog", "new") == before and not any(ids(copy.db, "catalog", "ops").values())
    assert not copy.db.task.count_documents({"result": "ops", "stage": {"$ne": "pick"}})
    assert copy.db.run.find_one({"catalog": "new"}) and command(copy.settings, "prune", "--json").json["removed"] == {}


def test_a_job_goes_on_with_a_renamed_catalog(copy):
    rename(copy.db, "catalog", "ops", "new")
    before = copy.db.event.count_documents({})
    report = copy.run(name="new")
    assert report.status == "done" and not any(done for done, _ in work_of(report).values())
    assert copy.db.event.count_documents({}) == before
    with pytest.raises(NameTaken, match="renamed to 'new'"):
        copy.run()
    rename(copy.db, "catalog", "new", "ops")
    assert "made_as" not in copy.db.catalog.find_one({"_id": "ops"})
    assert all(done == 0 for done, _ in work_of(copy.run()).values())


def test_other_settings_under_a_new_name_are_refused(copy):
    rename(copy.db, "catalog", "ops", "new")
    with pytest.raises(NameTaken, match="other settings"):
        copy.run("associate.min_picks=5", name="new")
    assert copy.run("associate.min_picks=5", name="new", replace=True).status == "done"
    assert all(done == 0 for done, _ in work_of(copy.run("associate.min_picks=5", name="new")).values())
    assert copy.run().status == "done"  # the old name is free again
    assert (
        copy.db.catalog.find_one({"_id": "ops"})["config_id"] != copy.db.catalog.find_one({"_id": "new"})["config_id"]
    )


def test_a_renamed_pick_set_keeps_its_ids_and_users(copy, small_steps):
    before = ids(copy.db, "pick_set", "ops")
    rename(copy.db, "pick_set", "ops", "picks")
    assert ids(copy.db, "pick_set", "picks") == before
    assert copy.db.catalog.find_one({"_id": "ops"})["pick_set"] == "picks"
    report = copy.run("pick_set=picks")
    assert all(done == 0 for done, _ in work_of(report).values())
    assert copy.run("pick_set=picks", "associate.min_picks=5", name="other").status == "done"
    with pytest.raises(NameTaken, match="renamed to 'picks'"):
        copy.run()


def test_tasks_done_again_after_a_rename_give_the_same(copy):
    rename(copy.db, "pick_set", "ops", "picks")
    rename(copy.db, "catalog", "ops", "new")
    before = ids(copy.db, "pick_set", "picks"), ids(copy.db, "catalog", "new")
    for stage, result in (("pick", "picks"), ("associate", "new"), ("assemble", "new")):
        row = copy.db.task.find_one({"stage": stage, "result": result, "counts": {"$ne": {}}})
        copy.db.task.update_one({"_id": row["_id"]}, {"$set": {"status": "failed"}, "$unset": {"fingerprint": ""}})
    report = copy.run("pick_set=picks", name="new")
    assert report.status == "done" and [done for done, _ in work_of(report).values()][:2] == [1, 1]
    assert (ids(copy.db, "pick_set", "picks"), ids(copy.db, "catalog", "new")) == before
    assert not copy.db.pick.count_documents({"pick_set": "ops"})


def test_a_repicked_set_is_found_under_its_new_name(copy):
    thresholds = {"p_threshold": 0.6}
    repick(copy.db, "ops", "strict", **thresholds)
    rename(copy.db, "pick_set", "strict", "stricter")
    rename(copy.db, "pick_set", "ops", "picks")
    assert copy.db.pick_set.find_one({"_id": "stricter"})["repicked_from"] == "picks"
    assert repick(copy.db, "picks", "stricter", **thresholds)["tasks"]["done"] == 0


def test_what_was_ingested_is_renamed_whole(copy):
    day = next(copy.folder.glob("*truth*"))
    before = copy.db.event.distinct("_id", {"catalog": "truth"})
    rename(copy.db, "pick_set", "truth", "bulletin")
    assert copy.db.catalog.find_one({"_id": "bulletin"})["pick_set"] == "bulletin"
    assert copy.db.event.distinct("_id", {"catalog": "bulletin"}) == before
    assert not ingest_catalog(copy.db, [day], "bulletin")["changed"]
    with pytest.raises(NameTaken, match="renamed to 'bulletin'"):
        ingest_catalog(copy.db, [day], "truth")
    ingest_catalog(copy.db, [day], "bulletin", replace=True)
    assert copy.db.event.distinct("_id", {"catalog": "bulletin"}) == before
    assert not ingest_catalog(copy.db, [day], "bulletin")["changed"]
    remove(copy.db, "catalog", "bulletin")
    with pytest.raises(NameTaken, match="pick set 'truth' of these files"):
        ingest_catalog(copy.db, [day], "truth")
    remove(copy.db, "pick_set", "bulletin")
    assert ingest_catalog(copy.db, [day], "truth")["changed"]


def test_a_rename_broken_off_is_said_and_goes_on(copy, small_steps, monkeypatch):
    before = ids(copy.db, "catalog", "ops")
    move = renaming._move

    def broken(db, collection, query, new):
        if collection == "event":
            raise KeyboardInterrupt
        return move(db, collection, query, new)

    monkeypatch.setattr(renaming, "_move", broken)
    with pytest.raises(KeyboardInterrupt):
        rename(copy.db, "catalog", "ops", "new")
    monkeypatch.setattr(renaming, "_move", move)
    with pytest.raises(InputError, match="broken off"):
        require_catalog(copy.db, "new")
    for name in ("ops", "new"):
        with pytest.raises(NameTaken, match="broken off"):
            copy.run("associate.min_picks=5", name=name, replace=True)
        with pytest.raises(InputError):
            remove(copy.db, "catalog", name)
    with pytest.raises(InputError, match="still being renamed"):
        rename(copy.db, "catalog", "new", "third")
    rename(copy.db, "catalog", "ops", "new")
    assert ids(copy.db, "catalog", "new") == before and require_catalog(copy.db, "new")["made_as"] == "ops"


def test_taken_and_used_names_are_refused(copy):
    for new, error in (("twin", "already"), ("ops", "that name"), ("a b", "no name")):
        with pytest.raises(InputError, match=error):
            rename(copy.db, "catalog", "ops", new)
    with pytest.raises(InputError, match="no catalog 'absent'"):
        rename(copy.db, "catalog", "absent", "new")
    copy.db.task.update_one({"result": "ops"}, {"$set": {"result": "new"}})
    copy.db.event.update_one({"catalog": "ops"}, {"$set": {"catalog": "left"}})
    with pytest.raises(NameTaken, match="left under the name"):
        rename(copy.db, "catalog", "ops", "left")


def test_a_run_that_came_up_meanwhile_keeps_the_mark(copy, monkeypatch):
    move, lease = renaming._move, {"token": "t", "owner": owner(), "until": datetime.now(UTC) + timedelta(seconds=60)}

    def with_a_run(db, collection, query, new):
        if collection == "event":
            db.task.update_one(
                {"stage": "assemble", "config_id": config}, {"$set": {"status": "running", "lease": lease}}
            )
        return move(db, collection, query, new)

    config = copy.db.catalog.find_one({"_id": "ops"})["config_id"]
    monkeypatch.setattr(renaming, "_move", with_a_run)
    with pytest.raises(InputError, match="works on it now"):
        rename(copy.db, "catalog", "ops", "new")
    with pytest.raises(InputError, match="broken off"):
        require_catalog(copy.db, "new")
    monkeypatch.setattr(renaming, "_move", move)
    copy.db.task.update_many({"lease.token": "t"}, {"$set": {"status": "done"}, "$unset": {"lease": ""}})
    rename(copy.db, "catalog", "ops", "new")
    assert "renamed_from" not in require_catalog(copy.db, "new")


def test_what_a_schedule_names_is_not_renamed(copy):
    row = {"file": "x", "cron": "0 0 * * *", "timezone": "UTC", "settled": datetime.now(UTC)}
    for document in ({"catalog": "ops"}, {"catalog": "other", "evaluate": {"reference": "ops"}}):
        copy.db.schedule.insert_one({"_id": "nightly", "job_document": document, **row})
        with pytest.raises(InputError, match="schedule 'nightly'"):
            rename(copy.db, "catalog", "ops", "new")
        copy.db.schedule.delete_many({})
