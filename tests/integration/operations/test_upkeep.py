"""`remove` and `prune`: exactly what was said goes, and nothing else."""

import pytest

from catalogdb.comparisons import evaluate
from catalogdb.database.owner import owner
from catalogdb.errors import InputError
from catalogdb.ledger import tasks
from catalogdb.stages.registry import outputs
from catalogdb.upkeep import prune, removal

NOT_MADE = (  # by a job that does not locate, tell types of events or extract features
    *("station_term", "differential_time"),
    *("event_type", "feature", "feature_model", "fingerprint"),
)
COMPARISONS = ("comparison", "event_match", "pick_match", "score")


@pytest.fixture
def small_steps(monkeypatch):
    """Makes every removal go through many steps."""
    monkeypatch.setattr(removal, "TASKS_PER_STEP", 3)
    monkeypatch.setattr(removal, "DOCUMENTS_PER_STEP", 2)


def gone(before, after):
    """Documents that went, by collection; nothing may have come or changed."""
    for name, documents in after.items():
        known = {str(document["_id"]): document for document in before[name]}
        assert all(known.get(str(document["_id"])) == document for document in documents), name
    counts = {name: len(before[name]) - len(after[name]) for name in before}
    return {name: count for name, count in counts.items() if count}


def of_catalog(place, name):
    config_id = place.db.catalog.find_one({"_id": name})["config_id"]
    made = [collection for collection in outputs("catalog") if collection not in NOT_MADE]
    counts = {collection: place.db[collection].count_documents({"catalog": name}) for collection in made}
    return counts | {"task": place.db.task.count_documents({"config_id": config_id}), "catalog": 1}


# -- by name


def test_a_catalog_is_removed_with_all_that_was_made_for_it(copy, command, small_steps):
    evaluate(copy.db, "twin", "truth")
    evaluate(copy.db, "ops", "twin")
    evaluate(copy.db, "ops", "truth")
    before = copy.dump()
    expected = of_catalog(copy, "twin")
    twins = {"$or": [{"catalog": "twin"}, {"reference": "twin"}]}
    expected |= {name: copy.db[name].count_documents(twins) for name in COMPARISONS}
    assert min(expected.values()) > 0
    dry = command(copy.settings, "remove", "catalog", "twin", "--dry-run", "--json").json
    assert dry["removed"] == expected and copy.dump() == before
    refused = command(copy.settings, "remove", "catalog", "twin")
    assert refused.code == 2 and "--yes" in refused.err and copy.dump() == before
    done = command(copy.settings, "remove", "catalog", "twin", "--yes", "--json").json
    assert done["removed"] == expected == gone(before, copy.dump())
    assert command(copy.settings, "remove", "catalog", "twin", "--yes").code == 2
    assert command(copy.settings, "prune", "--json").json["removed"] == {}


def test_a_pick_set_is_kept_while_others_stand_on_it(copy, command):
    refused = command(copy.settings, "remove", "pick-set", "ops", "--yes")
    assert refused.code == 2 and "catalogs ops, twin are made from it" in refused.err
    command(copy.settings, "repick", "--pick-set", "ops", "--name", "strict", "--p-threshold", "0.6")
    for name in ("ops", "twin"):
        assert command(copy.settings, "remove", "catalog", name, "--yes").code == 0
    refused = command(copy.settings, "remove", "pick-set", "ops", "--yes")
    assert refused.code == 2 and "pick set strict is chosen from the peaks" in refused.err
    assert command(copy.settings, "remove", "pick-set", "strict", "--yes").code == 0
    before = copy.dump()
    removed = command(copy.settings, "remove", "pick-set", "ops", "--yes", "--json").json["removed"]
    assert removed == gone(before, copy.dump()) and removed["probability"] and removed["peak"]
    assert copy.db.task.distinct("stage") == ["ingest"]
    assert copy.run().status == "done"


def test_what_was_read_from_files_is_removed_by_its_two_names(copy, command, small_steps):
    before = copy.dump()
    command(copy.settings, "remove", "catalog", "truth", "--yes")
    assert gone(before, copy.dump()) == {"catalog": 1, "event": 5}
    assert command(copy.settings, "prune", "--unclaimed", "--json").json["removed"] == {}
    command(copy.settings, "remove", "pick-set", "truth", "--yes")
    assert gone(before, copy.dump()) == {"catalog": 1, "event": 5, "pick_set": 1, "pick": 40, "task": 1}


def test_nothing_is_removed_while_a_run_works_on_it(copy, command):
    config_id = copy.db.catalog.find_one({"_id": "twin"})["config_id"]
    task = copy.db.task.find_one({"config_id": config_id})
    assert tasks.claim(copy.db, task["_id"], "other inputs") is not None
    before = copy.dump()
    refused = command(copy.settings, "remove", "catalog", "twin", "--yes")
    assert refused.code == 2 and "a run works on it now" in refused.err and owner() in refused.err
    assert copy.dump() == before


def test_a_broken_off_removal_goes_on(copy, monkeypatch, small_steps):
    before, expected = copy.dump(), of_catalog(copy, "twin")
    steps = iter(range(2))

    def breaks_off(*arguments):
        next(steps)
        return whole(*arguments)

    whole = removal._remove_step
    monkeypatch.setattr(removal, "_remove_step", breaks_off)
    with pytest.raises((StopIteration, RuntimeError)):
        removal.remove(copy.db, "catalog", "twin")
    left = {row["_id"] for row in copy.db.task.find({"result": "twin"})}
    for collection in outputs("catalog"):  # ledger and results agree after every step
        assert {row["task_id"] for row in copy.db[collection].find({"catalog": "twin"})} <= left
    monkeypatch.undo()
    removal.remove(copy.db, "catalog", "twin")
    assert gone(before, copy.dump()) == expected


def test_a_run_that_starts_during_a_removal_keeps_its_documents(copy, monkeypatch):
    config_id = copy.db.catalog.find_one({"_id": "twin"})["config_id"]
    task = copy.db.task.find_one({"config_id": config_id, "stage": "associate", "counts.events": {"$gt": 0}})
    wrote = list(copy.db.origin.find({"task_id": task["_id"]}))
    taking = removal.remove_tasks

    def comes_up(*arguments):
        assert tasks.claim(copy.db, task["_id"], "other inputs") is not None
        return taking(*arguments)

    monkeypatch.setattr(removal, "remove_tasks", comes_up)
    with pytest.raises(InputError, match="a run has come up under this name"):
        removal.remove(copy.db, "catalog", "twin")
    assert wrote and list(copy.db.origin.find({"task_id": task["_id"]})) == wrote
    assert copy.db.catalog.find_one({"_id": "twin"})
    assert copy.db.task.count_documents({"config_id": config_id}) == 1


@pytest.mark.parametrize(("kind", "collection"), [("catalog", "event"), ("pick-set", "pick")])
def test_removal_of_what_was_ingested_goes_on_where_it_broke_off(copy, command, kind, collection):
    key = kind.replace("-", "_")
    if kind == "pick-set":
        command(copy.settings, "remove", "catalog", "truth", "--yes")
    copy.db[key].delete_one({"_id": "truth"})  # the name goes first
    left = copy.db[collection].count_documents({key: "truth"})
    dry = command(copy.settings, "remove", kind, "truth", "--dry-run", "--json").json
    result = command(copy.settings, "remove", kind, "truth", "--yes", "--json")
    assert result.code == 0 and dry["removed"][collection] == result.json["removed"][collection] == left > 0
    assert command(copy.settings, "remove", kind, "truth", "--yes").code == 2


# -- what nothing stands for


def test_a_sound_database_has_nothing_to_prune(finished, command):
    before = finished.dump()
    result = command(finished.settings, "prune", "--missing-files", "--unclaimed", "--json").json
    assert result == {"dry_run": False, "removed": {}, "unclaimed": {}, "held": {}, "named_again": []}
    assert "nothing to prune" in command(finished.settings, "prune").out
    assert finished.dump() == before


def test_a_shared_run_leaves_nothing_but_tasks_of_stages(copy, command):
    assert command(copy.settings, "work", copy.job_file, "--run-id", "shared-run").code == 0
    assert copy.db.task.count_documents({"config_id": "shared-run"}) == 0
    assert command(copy.settings, "prune", "--json").json["removed"] == {}
    listed = command(copy.settings, "runs", "--json").json["runs"]
    assert {row["run_id"]: row["status"] for row in listed}["shared-run"] == "done"


def test_leftovers_are_counted_and_removed(copy, command, small_steps):
    evaluate(copy.db, "twin", "truth")
    evaluate(copy.db, "ops", "truth")
    expected = of_catalog(copy, "twin")
    expected |= {name: copy.db[name].count_documents({"catalog": "twin"}) for name in COMPARISONS}
    del expected["catalog"]
    copy.db.catalog.delete_one({"_id": "twin"})
    before = copy.dump()
    dry = command(copy.settings, "prune", "--dry-run", "--json").json
    assert dry["removed"] == expected and dry["dry_run"] and copy.dump() == before
    assert command(copy.settings, "prune", "--yes", "--json").json["removed"] == expected
    assert gone(before, copy.dump()) == expected


def test_what_a_worker_holds_is_left_out(copy, command):
    config_id = copy.db.catalog.find_one({"_id": "twin"})["config_id"]
    copy.db.catalog.delete_one({"_id": "twin"})
    task = copy.db.task.find_one({"config_id": config_id, "stage": "associate"})
    lease = tasks.claim(copy.db, task["_id"], "other inputs")
    before = copy.dump()
    result = command(copy.settings, "prune", "--yes", "--unclaimed", "--json").json
    assert result["removed"] == {} and result["held"] == {config_id: owner()}
    assert copy.dump() == before
    tasks.release(lease)
    assert command(copy.settings, "prune", "--yes", "--json").json["removed"]["event"] == 5


def test_a_task_claimed_while_pruning_is_left_alone(copy):
    config_id = copy.db.catalog.find_one({"_id": "twin"})["config_id"]
    copy.db.catalog.delete_one({"_id": "twin"})
    found = prune.find_leftovers(copy.db)
    task = copy.db.task.find_one({"config_id": config_id, "stage": "associate"})
    wrote = copy.db.origin.count_documents({"task_id": task["_id"]})
    tasks_before = copy.db.task.count_documents({"config_id": config_id})
    assert tasks.claim(copy.db, task["_id"], "other inputs") is not None
    removed, _ = prune.prune(copy.db, found)
    assert removed["task"] == tasks_before - 1
    assert copy.db.task.count_documents({"config_id": config_id}) == 1
    assert copy.db.origin.count_documents({"task_id": task["_id"]}) == wrote


def test_a_name_that_comes_up_while_pruning_is_left_alone(copy):
    row = copy.db.catalog.find_one({"_id": "twin"})
    copy.db.catalog.delete_one({"_id": "twin"})
    found = prune.find_leftovers(copy.db)
    assert found.configs == [row["config_id"]]
    copy.db.catalog.insert_one(row)
    before = copy.dump()
    assert prune.prune(copy.db, found) == ({}, [row["config_id"]])
    assert copy.dump() == before


def test_documents_without_a_task_are_removed_on_request_alone(copy, command):
    config_id = copy.db.catalog.find_one({"_id": "twin"})["config_id"]
    copy.db.catalog.delete_one({"_id": "twin"})
    copy.db.task.delete_many({"config_id": config_id})
    before = copy.dump()
    result = command(copy.settings, "prune", "--yes", "--json").json
    assert result["removed"] == {} and result["unclaimed"]["event"] == 5 and copy.dump() == before
    assert "--unclaimed" in command(copy.settings, "prune", "--yes").err
    dry = command(copy.settings, "prune", "--unclaimed", "--dry-run", "--json").json["removed"]
    removed = command(copy.settings, "prune", "--unclaimed", "--yes", "--json").json["removed"]
    assert dry == removed == result["unclaimed"] == gone(before, copy.dump())


def test_missing_files_are_forgotten_on_request(copy, command):
    copy.db.wf_file.update_many({"dfile": {"$regex": "HHE"}}, {"$set": {"state": "missing"}})
    missing = copy.db.wf_file.count_documents({"state": "missing"})
    assert missing and command(copy.settings, "prune", "--yes", "--json").json["removed"] == {}
    assert command(copy.settings, "prune", "--missing-files", "--yes", "--json").json["removed"] == {"wf_file": missing}
    assert copy.db.wf_file.count_documents({"state": "missing"}) == 0
