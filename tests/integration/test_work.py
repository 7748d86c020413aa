"""Workers that claim shards straight from the ledger: many processes, one run, the same catalog."""

import json
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter

import pytest
from commands import environment_of
from engine_day import STAGES, made_by

from catalogdb.database.connection import connect
from catalogdb.database.lease import Lease, server_now
from catalogdb.database.owner import owner
from catalogdb.errors import InputError
from catalogdb.identity import content_id
from catalogdb.ledger import tasks
from catalogdb.ledger.stage import Inputs, Output, PlannedTask, Shard, Stage
from catalogdb.runs import run_record
from catalogdb.runs.claims import OpenTasks
from catalogdb.runs.run import new_report
from catalogdb.runs.run_report import StageReport
from catalogdb.runs.stage_run import run_stage
from catalogdb.runs.work import this_worker, work_job


def start_worker(settings, engine_day, *arguments, **environment):
    command = [sys.executable, "-m", "catalogdb", "work", str(engine_day.job_file), "--json", *arguments]
    return subprocess.Popen(
        command, env=environment_of(settings, **environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def result_of(process):
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return json.loads(output)


def test_workers_of_an_array_share_a_run_and_make_one_catalog(engine_day):
    settings = engine_day.filled()
    array = {"SLURM_ARRAY_JOB_ID": "77", "SLURM_CLUSTER_NAME": "here"}
    workers = [start_worker(settings, engine_day, **array, SLURM_ARRAY_TASK_ID=str(index)) for index in range(3)]
    reports = [result_of(worker) for worker in workers]
    assert made_by(settings) == engine_day.by_local
    (run,) = connect(settings).run.find()
    assert run["_id"] == "slurm-here-77" and run["status"] == "done" and run["ended"] and run["workers"] == []
    assert [report["evaluation"] is not None for report in reports].count(True) == 1
    for name in STAGES:
        done = sum(report["stages"].get(name, {"done": 0})["done"] for report in reports)
        assert run["stages"][name]["planned"] == run["stages"][name]["done"] == done > 0
        assert run["stages"][name]["failed"] == run["stages"][name]["up_to_date"] == 0
    rows = [Counter(row["counts"]) for row in engine_day.by_local["task"] if "net" in row["shard"]]
    assert Counter(run["stages"]["pick"]["counts"]) == sum(rows, Counter())


def test_terminated_worker_gives_back_its_task_for_others(engine_day):
    settings = engine_day.filled()
    db = connect(settings)
    worker = start_worker(settings, engine_day, "--run-id", "night")
    deadline = time.monotonic() + 60
    while not db.task.count_documents({"status": "running"}) and time.monotonic() < deadline:
        time.sleep(0.005)
    worker.send_signal(signal.SIGTERM)
    _, errors = worker.communicate(timeout=60)
    assert worker.returncode == 130, errors
    assert db.task.count_documents({"lease": {"$exists": True}}) == 0
    run = db.run.find_one({"_id": "night"})
    assert run["status"] == "interrupted" and run["ended"] and "KeyboardInterrupt" in run["error"]
    assert result_of(start_worker(settings, engine_day, "--run-id", "night"))["status"] == "done"
    assert made_by(settings) == engine_day.by_local
    assert db.run.find_one({"_id": "night"})["status"] == "done"


def test_worker_that_comes_late_finds_the_run_ended(engine_day):
    settings, job = engine_day.filled(), engine_day.job()
    first = work_job(settings, job, this_worker(settings, "late"))
    assert first.status == "done" and first.evaluation["events"]["matched"] > 0
    late = work_job(settings, job, this_worker(settings, "late"))
    assert late.status == "done" and late.stages == {} and "had ended" in late.notes[0]
    other = engine_day.job("pick.p_threshold=0.9")
    with pytest.raises(InputError, match="other settings"):
        work_job(settings, other, this_worker(settings, "late"), name="other")


def test_the_ending_of_a_dead_worker_is_done_by_another(engine_day, monkeypatch):
    settings, job = engine_day.filled(), engine_day.job()
    db = connect(settings)
    assert work_job(settings, job, this_worker(settings, "end")).status == "done"
    db.run.update_one({"_id": "end"}, {"$set": {"status": "running"}})
    assert Lease(db.run, "end").take()
    db.run.update_one({"_id": "end"}, {"$set": {"lease.owner": ":".join([*owner().split(":")[:2], "1"])}})
    report = work_job(settings, job, this_worker(settings, "end"))
    run = db.run.find_one({"_id": "end"})
    assert report.status == run["status"] == "done" and report.evaluation and "lease" not in run
    db.run.update_one({"_id": "end"}, {"$set": {"status": "running"}})
    monkeypatch.setattr("catalogdb.runs.run.conclude", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        work_job(settings, job, this_worker(settings, "end"))
    run = db.run.find_one({"_id": "end"})
    assert run["status"] == "failed" and "division" in run["error"] and "lease" not in run


def test_jobs_in_a_row_in_one_allocation_are_all_done(engine_day):
    """Once with other settings, and once with inputs that came meanwhile."""
    settings = engine_day.filled()
    allocation = {"SLURM_JOB_ID": "78", "SLURM_NTASKS": "1", "SLURM_CLUSTER_NAME": "here"}
    first = result_of(start_worker(settings, engine_day, **allocation))
    strict = ("--set", "associate.min_picks=6", "--name", "strict")
    second = result_of(start_worker(settings, engine_day, *strict, **allocation))
    connect(settings).task.update_many({"stage": "pick"}, {"$set": {"status": "pending"}, "$unset": {"fingerprint": 1}})
    third = result_of(start_worker(settings, engine_day, **allocation))
    assert len({report["run_id"] for report in (first, second, third)}) == 3
    assert [report["status"] for report in (first, second, third)] == ["done"] * 3
    assert second["catalog"] == "strict" and second["stages"]["associate"]["done"] > 0
    assert third["stages"]["pick"]["done"] == first["stages"]["pick"]["done"] > 0


ARRAY = {"SLURM_ARRAY_JOB_ID": "5", "SLURM_ARRAY_TASK_ID": "3", "SLURM_JOB_ID": "8", "SLURM_CLUSTER_NAME": "here"}
STEP = {"SLURM_JOB_ID": "8", "SLURM_STEP_ID": "2", "SLURM_NTASKS": "4", "SLURM_PROCID": "1"}


@pytest.mark.parametrize(
    ("environment", "run_id"),
    [
        (ARRAY, "slurm-here-5"),
        (ARRAY | STEP, "slurm-here-5"),
        (STEP, "slurm-cluster-8.2"),
        (STEP | {"SLURM_NTASKS": "1"}, None),
        ({"SLURM_JOB_ID": "8", "SLURM_NTASKS": "4"}, None),
        (STEP | {"SLURM_STEP_ID": str(0xFFFFFFFA)}, None),
        ({}, None),
    ],
    ids=["array", "step of an array", "step", "step of one task", "batch script", "interactive step", "no Slurm"],
)
def test_who_shares_a_run_on_slurm(server, environment, run_id):
    first, second = (this_worker(server, environment=environment) for _ in range(2))
    assert first.run_id == run_id if run_id else first.run_id != second.run_id
    assert (first.claim.place == second.claim.place) == bool(run_id), "apart where nothing says which of them this is"
    assert this_worker(server, "mine", environment=environment).run_id == "mine"


def test_worker_without_a_server_says_so(tmp_path, engine_day):
    class Nowhere:
        data_dir = tmp_path
        database = "none"

    worker = start_worker(Nowhere, engine_day)
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 3
    assert not list(tmp_path.rglob("*.wt")), "a worker must not start a server of its own"
    assert json.loads(output)["next"]


# -- the ledger as a worker sees it


class ShardsStage(Stage):
    """Shards that leave nothing but their row in the ledger; those named in `bad` fail."""

    name = "shards"
    collections = ()
    config_id = "shards-config"
    result = "shards"

    def __init__(self, number, bad=(), then=lambda shard: None):
        self.number = number
        self.bad = bad
        self.then = then
        self.tried = []

    def plan(self, db):
        for number in range(self.number):
            yield PlannedTask(Shard({"number": number}, float(number), number + 1.0), content_id(number))

    def read(self, db, shard):
        self.tried.append(shard.key["number"])
        self.then(shard)
        if shard.key["number"] in self.bad:
            raise InputError("file x: not readable")
        return Inputs(None, content_id(shard.key["number"]))

    def process(self, shard, inputs):
        return Output({}, {"shards": 1})


@pytest.fixture
def work(settings, db, engine_day):
    """Does what a new worker finds to do of a stage: what it did, and how it left the stage."""

    def run(stage, run_id="run", **options):
        job, result = engine_day.job(), StageReport()
        worker = this_worker(settings, run_id, environment={}, **options)
        run_record.join(db, job, new_report(job, run_id), "work")
        return result, run_stage(db, stage, run_id, result, worker.claim)

    return run


def test_failed_task_is_tried_once_a_run(work):
    stage = ShardsStage(6, bad=(2,))
    first, standing = work(stage)
    assert (first.done, first.failed, standing.left) == (5, 1, 0)
    assert standing.failures == ["2 1970-01-01T00:00:02: file x: not readable"]
    second, standing = work(stage)
    assert (second.done, second.failed, second.up_to_date) == (0, 0, 5) and standing.failed == 1
    assert stage.tried.count(2) == 1
    stage.bad = ()
    third, standing = work(stage, "another run")
    assert (third.done, standing.failures) == (1, [])


def test_worker_waits_for_tasks_of_others_or_leaves(db, work):
    stage = ShardsStage(3)
    tasks.register(db, stage, stage.plan(db))
    identity = tasks.task_id(stage, list(stage.plan(db))[1].shard)
    assert tasks.claim(db, identity, "f", terms=tasks.LeaseTerms(1.0))
    # held by a process of another host, which can't be seen from here to be alive or gone
    db.task.update_one({"_id": identity}, {"$set": {"lease.owner": "far:1:1"}})
    result, standing = work(stage, wait=False)
    assert result.done == 2 and standing.left == 1
    waited, standing = work(stage)
    assert waited.done == 1 and standing.left == 0, "the lease had run out, so the task was free"
    assert db.task.find_one({"_id": identity})["status"] == "done"


def test_inputs_that_keep_changing_are_not_done_for_ever(work):
    stage = ShardsStage(1)
    stage.read = lambda db, shard: Inputs(None, uuid.uuid4().hex)  # never what was planned
    result, standing = work(stage)
    assert result.done == 1 and standing.left == 0


def test_results_removed_under_a_worker_fail_the_stage(db, work):
    _, standing = work(ShardsStage(4, then=lambda shard: db.task.delete_many({"starttime": 3.0})))
    assert standing.left == 0 and ["removed" in reason for reason in standing.failures] == [True]


def test_workers_begin_at_different_places(db, server):
    stage = ShardsStage(100)
    to_do, _ = tasks.register(db, stage, stage.plan(db))
    slurm = {"SLURM_ARRAY_JOB_ID": "5", "SLURM_NTASKS": "2"}
    firsts = set()
    for element in range(8):
        for process in range(2):
            own = slurm | {"SLURM_ARRAY_TASK_ID": str(element), "SLURM_PROCID": str(process)}
            worker = this_worker(server, environment=own)
            assert worker.run_id == "slurm-cluster-5"
            free = OpenTasks(db, stage, to_do, worker.run_id, server_now(db), worker.claim.place).free()
            assert len(free) == 100
            firsts.add(free[0].shard.key["number"])
    assert len(firsts) == 16
