"""The ledger and the commit protocol: claims, leases, transactions, on a real mongod."""

import multiprocessing
import threading
import time
from datetime import UTC, datetime

import pytest
from pymongo.errors import BulkWriteError

from catalogdb.database.connection import connection_uri
from catalogdb.errors import InputError, LostLease
from catalogdb.identity import content_id
from catalogdb.ledger import tasks
from catalogdb.ledger.execute import execute
from catalogdb.ledger.stage import Inputs, Output, PlannedTask, Shard, Stage


class NumbersStage(Stage):
    """A stage that writes one pick per number it is given; small enough to see through."""

    name = "numbers"
    collections = ("pick",)
    config_id = "numbers-config"
    result = "numbers"

    def __init__(self, numbers):
        self.numbers = numbers

    def plan(self, db):
        yield PlannedTask(Shard({"part": "a"}, 0.0, 10.0), content_id(self.numbers))

    def read(self, db, shard):
        return Inputs(list(self.numbers), content_id(self.numbers))

    def process(self, shard, inputs):
        if "poison" in inputs.data:
            raise InputError("file x: record 3: not a number")
        return Output({"pick": [self.pick(number) for number in inputs.data]}, {"numbers": len(inputs.data)})

    def pick(self, number):
        return {
            "_id": content_id(self.config_id, number),
            "pick_set": self.result,
            "channel_group": "XX.A..HH",
            "net": "XX",
            "sta": "A",
            "loc": "",
            "chan": "HHZ",
            "phase": "P",
            "time": float(number),
            "evaluation_mode": "automatic",
        }


def planned(stage):
    (task,) = stage.plan(None)
    return task


def run(db, stage):
    to_do, up_to_date = tasks.register(db, stage, stage.plan(db))
    return [execute(db, stage, task) for task in to_do], up_to_date


def times(db):
    return sorted(pick["time"] for pick in db.pick.find())


def test_a_rerun_changes_nothing(db):
    reports, up_to_date = run(db, NumbersStage([1, 2]))
    assert [report.status for report in reports] == ["done"] and up_to_date == 0
    before = list(db.pick.find().sort("_id")), list(db.task.find())
    reports, up_to_date = run(db, NumbersStage([1, 2]))
    assert reports == [] and up_to_date == 1
    assert (list(db.pick.find().sort("_id")), list(db.task.find())) == before


def test_changed_inputs_replace_what_the_task_wrote(db):
    run(db, NumbersStage([1, 2]))
    reports, _ = run(db, NumbersStage([2, 3]))
    assert reports[0].status == "done"
    assert times(db) == [2.0, 3.0]


def test_a_glance_is_kept_where_there_is_one(db):
    stage = NumbersStage([1])
    run(db, stage)
    assert "glance" not in db.task.find_one()
    stage = NumbersStage([1, 2])
    stage.read = lambda db, shard: Inputs([1, 2], content_id([1, 2]), glance="2 3 x")
    run(db, stage)
    assert db.task.find_one()["glance"] == "2 3 x"
    run(db, NumbersStage([1, 2, 3]))
    assert "glance" not in db.task.find_one()


def test_a_failure_is_recorded_and_earlier_results_stay(db):
    run(db, NumbersStage([1]))
    reports, _ = run(db, NumbersStage([1, "poison"]))
    assert reports[0].status == "failed" and "record 3" in reports[0].error
    row = db.task.find_one()
    assert row["status"] == "failed" and "record 3" in row["error"] and "lease" not in row
    assert times(db) == [1.0]
    reports, _ = run(db, NumbersStage([1, 5]))
    assert reports[0].status == "done" and times(db) == [1.0, 5.0]
    assert "error" not in db.task.find_one()


def test_one_task_has_one_holder(db):
    stage = NumbersStage([1])
    tasks.register(db, stage, stage.plan(db))
    identity = tasks.task_id(stage, planned(stage).shard)
    barrier = threading.Barrier(8)
    leases = []

    def contend():
        barrier.wait()
        leases.append(tasks.claim(db, identity, "f"))

    threads = [threading.Thread(target=contend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(lease is not None for lease in leases) == 1
    assert execute(db, stage, planned(stage)).status == "held"


def test_a_woken_worker_cannot_commit_over_its_successor(db):
    stage = NumbersStage([1])
    tasks.register(db, stage, stage.plan(db))
    identity = tasks.task_id(stage, planned(stage).shard)
    frozen = tasks.claim(db, identity, "f", terms=tasks.LeaseTerms(seconds=0.2))
    time.sleep(0.4)
    successor = tasks.claim(db, identity, "f")
    assert successor is not None
    late = Output({"pick": [stage.pick(99) | {"config_id": "c", "task_id": identity}]})
    with pytest.raises(LostLease):
        tasks.commit(db, frozen, late, "f", {})
    assert times(db) == []
    tasks.commit(db, successor, Output({"pick": [stage.pick(1) | {"config_id": "c", "task_id": identity}]}), "f", {})
    assert times(db) == [1.0]


def test_the_id_of_a_run_is_kept_as_it_is(db):
    stage = NumbersStage([1])
    tasks.register(db, stage, stage.plan(db))
    assert tasks.claim(db, tasks.task_id(stage, planned(stage).shard), "f", run_id="$season")
    assert db.task.find_one()["run_id"] == "$season"


def test_a_result_is_not_written_under_a_name_of_other_settings(db):
    stage = NumbersStage([1])
    stage.kind = "pick_set"
    run(db, stage)  # no name is no other name
    name = {"_id": stage.result, "kind": "automatic", "config_id": stage.config_id}
    db.pick_set.insert_one(name)
    stage.numbers = [2]
    assert run(db, stage)[0][0].status == "done" and times(db) == [2.0]
    db.pick_set.replace_one({"_id": stage.result}, name | {"config_id": "other settings"})
    stage.numbers = [3]
    (report,) = run(db, stage)[0]
    assert report.status == "failed" and "pick set 'numbers' was replaced meanwhile" in report.error
    assert times(db) == [2.0] and db.task.find_one()["error"] == report.error


def test_heartbeat_keeps_the_lease(db):
    stage = NumbersStage([1])
    tasks.register(db, stage, stage.plan(db))
    identity = tasks.task_id(stage, planned(stage).shard)
    lease = tasks.claim(db, identity, "f", terms=tasks.LeaseTerms(seconds=0.5))
    with lease.kept():
        time.sleep(1.0)
        assert tasks.claim(db, identity, "f") is None
    time.sleep(0.7)
    assert tasks.claim(db, identity, "f") is not None


def test_a_result_is_written_whole_or_not_at_all(db):
    stage = NumbersStage([1, 2])
    run(db, stage)
    tasks.register(db, stage, [PlannedTask(planned(stage).shard, "other")])
    identity = tasks.task_id(stage, planned(stage).shard)
    lease = tasks.claim(db, identity, "other")
    twice = [stage.pick(7) | {"config_id": "c", "task_id": identity}] * 2
    with pytest.raises(BulkWriteError):
        tasks.commit(db, lease, Output({"pick": [dict(document) for document in twice]}), "other", {})
    assert times(db) == [1.0, 2.0]
    assert db.task.find_one()["status"] == "running"


def _hold_and_die(uri, database, identity):
    import os

    import pymongo

    assert tasks.claim(pymongo.MongoClient(uri)[database], identity, "f")
    os._exit(9)


def _claim_in_a_process_that_dies(settings, identity):
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_hold_and_die, args=(connection_uri(settings), settings.database, identity))
    process.start()
    process.join(60)


def test_leases_of_dead_processes_are_freed(settings, db):
    stage = NumbersStage([1])
    tasks.register(db, stage, stage.plan(db))
    _claim_in_a_process_that_dies(settings, tasks.task_id(stage, planned(stage).shard))
    assert db.task.find_one()["status"] == "running"
    assert tasks.release_dead(db, stage) == 1
    assert db.task.find_one()["crashes"]["count"] == 1
    assert execute(db, stage, planned(stage)).status == "done"


def test_a_task_is_not_charged_where_the_server_went_first(settings, db):
    stage = NumbersStage([1])
    tasks.register(db, stage, stage.plan(db))
    identity = tasks.task_id(stage, planned(stage).shard)
    _claim_in_a_process_that_dies(settings, identity)
    db.task.update_one({"_id": identity}, {"$set": {"updated": datetime(2020, 1, 1, tzinfo=UTC)}})
    assert tasks.release_dead(db, stage) == 1
    row = db.task.find_one({"_id": identity})
    assert row["status"] == "pending" and "crashes" not in row and "lease" not in row


def test_leases_of_living_processes_are_left_alone(db):
    stage = NumbersStage([1])
    tasks.register(db, stage, stage.plan(db))
    assert tasks.claim(db, tasks.task_id(stage, planned(stage).shard), "f")
    assert tasks.release_dead(db, stage) == 0


def test_work_done_meanwhile_is_not_done_again(db):
    stage = NumbersStage([1])
    to_do, _ = tasks.register(db, stage, stage.plan(db))
    assert execute(db, stage, to_do[0]).status == "done"
    assert execute(db, stage, to_do[0]).status == "held"
