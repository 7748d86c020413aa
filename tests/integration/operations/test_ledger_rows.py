"""`tasks`, `retry` and `reset` on a real ledger."""

import time

from catalogdb.database.owner import owner
from catalogdb.ledger import lost, tasks


def statuses(db):
    return {row["_id"]: row["status"] for row in db.task.find({}, {"status": 1})}


def test_failed_tasks_are_listed_with_their_reason_and_retried(failing, command):
    report = failing.run("stages=[pick]")
    assert report.status == "failed" and report.stages["pick"].failed == 2
    listed = command(failing.settings, "tasks", "--failed", "--json").json["tasks"]
    assert len(listed) == 2
    for row in listed:
        assert "gone-" in row["error"] and "OX.BAD 2024-03-27" in row["shard"]
        assert (row["status"], row["attempts"], row["run_id"]) == ("failed", 1, report.run_id)
    assert command(failing.settings, "tasks", "--failed", "--catalog", "ops", "--json").json["tasks"] == []
    assert "gone-" in command(failing.settings, "tasks", "--failed", "--pick-set", "ops").out

    before = failing.dump()
    dry = command(failing.settings, "retry", "--dry-run", "--json").json
    assert dry["tasks"] == 2 and dry["changed"] == [{"result": "ops", "stage": "pick", "status": "failed", "tasks": 2}]
    assert failing.dump() == before
    one = command(failing.settings, "retry", "--task", listed[0]["task_id"][:12], "--json").json
    assert one["tasks"] == 1 and statuses(failing.db)[listed[0]["task_id"]] == "pending"
    assert command(failing.settings, "retry", "--pick-set", "ops", "--json").json["tasks"] == 1
    assert failing.db.task.count_documents({"status": "pending", "attempts": 0, "error": {"$exists": False}}) == 2
    assert "nothing to change" in command(failing.settings, "retry").out
    failing.bring_back()
    report = failing.run("stages=[pick]")
    assert report.status == "done" and report.stages["pick"].done == 2


def test_a_quarantined_task_waits_for_retry(copy, command):
    row = copy.db.task.find_one({"stage": "pick"})
    command(copy.settings, "reset", "--task", row["_id"], "--yes")
    assert tasks.claim(copy.db, row["_id"], row["fingerprint"], "killer") is not None
    held = copy.db.task.find_one({"_id": row["_id"]})
    assert lost.charge(copy.db, held, attempts=1) == "quarantined"
    report = copy.run()
    assert (report.status, report.stages["pick"].quarantined, report.stages["pick"].done) == ("failed", 1, 0)
    (listed,) = command(copy.settings, "tasks", "--failed", "--json").json["tasks"]
    assert listed["status"] == "quarantined" and listed["error"]
    assert command(copy.settings, "retry", "--json").json["changed"][0]["status"] == "quarantined"
    assert "crashes" not in copy.db.task.find_one({"_id": row["_id"]})
    assert copy.run().stages["pick"].done == 1


def test_reset_tasks_are_done_over_and_nothing_else(copy, command):
    before, ledger = copy.dump("task", "run"), statuses(copy.db)
    arguments = ("reset", "--catalog", "ops", "--stage", "magnitude")
    dry = command(copy.settings, *arguments, "--dry-run", "--json").json
    assert dry["tasks"] == copy.db.task.count_documents({"result": "ops", "stage": "magnitude"}) > 0
    assert statuses(copy.db) == ledger
    refused = command(copy.settings, *arguments)
    assert refused.code == 2 and "--yes" in refused.err and statuses(copy.db) == ledger
    assert command(copy.settings, *arguments, "--yes", "--json").json["tasks"] == dry["tasks"]
    changed = {identity for identity, status in statuses(copy.db).items() if status != ledger[identity]}
    assert len(changed) == dry["tasks"]
    assert copy.dump("task", "run") == before
    report = copy.run()
    assert {name: stage.done for name, stage in report.stages.items()} == {
        "pick": 0,
        "associate": 0,
        "magnitude": dry["tasks"],
        "assemble": 0,
    }
    assert copy.dump("task", "run") == before and statuses(copy.db) == ledger


def test_what_was_read_from_files_is_not_reset(copy, command):
    before = copy.dump()
    assert command(copy.settings, "reset", "--catalog", "truth", "--yes", "--json").json["tasks"] == 0
    assert copy.dump() == before


def test_leases_are_shown_with_owner_and_age(copy, command):
    row = copy.db.task.find_one({"stage": "pick"})
    copy.db.task.update_one({"_id": row["_id"]}, {"$set": {"status": "pending"}})
    assert tasks.claim(copy.db, row["_id"], "other inputs", "r", tasks.LeaseTerms(seconds=1.0)) is not None
    (held,) = command(copy.settings, "tasks", "--running", "--json").json["tasks"]
    assert held["owner"] == owner() and held["lease_seconds"] <= 1.0
    time.sleep(1.1)
    (expired,) = command(copy.settings, "tasks", "--expired", "--json").json["tasks"]
    assert expired["task_id"] == row["_id"] and expired["lease_seconds"] < 0
    assert "ran out" in command(copy.settings, "tasks", "--expired").out


def test_wrong_choices_are_refused(finished, command):
    for arguments, said in (
        (("reset",), "reset what?"),
        (("tasks", "--catalog", "nobody"), "no catalog 'nobody'"),
        (("tasks", "--catalog", "ops", "--pick-set", "ops"), "a catalog or to a pick set"),
        (("tasks", "--stage", "nothing"), "--stage nothing"),
        (("retry", "--task", "ffff"), "not in the ledger"),
    ):
        result = command(finished.settings, *arguments)
        assert result.code == 2 and said in result.err, (arguments, result.err)
