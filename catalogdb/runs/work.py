"""A worker that claims shards of a job straight from the ledger; any number of them do a run with no scheduler."""

from __future__ import annotations

import os
import random
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pymongo.database import Database
from pymongo.errors import PyMongoError

from catalogdb import logs
from catalogdb.database.connection import connect, through_failover
from catalogdb.database.heartbeat import beating
from catalogdb.database.initialise import initialise
from catalogdb.database.owner import owner
from catalogdb.jobs import Job
from catalogdb.ledger import lost, tasks
from catalogdb.ledger.execute import execute
from catalogdb.ledger.run_life import BEAT_SECONDS, server_now
from catalogdb.ledger.stage import Inputs, Output, PlannedTask, Shard, Stage
from catalogdb.runs import run_record
from catalogdb.runs.claims import OpenTasks
from catalogdb.runs.conclusion import conclude
from catalogdb.runs.run import Progress, new_report, prepare
from catalogdb.runs.run_report import RunReport, StageReport
from catalogdb.settings import Settings

ENGINE = "work"
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
"""Seconds between looks at the ledger while all that is left is in other hands."""
GOLDEN_RATIO = 0.6180339887
FIRST_SPECIAL_STEP = 0xFFFFFFF0
"""From here on Slurm numbers what srun did not start, such as the shell of an interactive allocation."""


@dataclass(frozen=True)
class Worker:
    """One of a run's workers.

    Args:
        run_id: the run that it takes part in.
        name: tells it apart from the run's other workers.
        place: where among the tasks it begins, in [0, 1).
        wait: wait for what other workers have in hand, to go on with the next stage; else end when nothing is free.
        terms: on which it holds tasks.
    """

    run_id: str
    name: str
    place: float
    wait: bool = True
    terms: tasks.LeaseTerms = tasks.LeaseTerms()


def this_worker(
    settings: Settings, run_id: str | None = None, wait: bool = True, environment: Mapping[str, str] = os.environ
) -> Worker:
    """This process as a worker.

    Elements of a Slurm job array take part in one run, and so do the tasks of an srun step of several; every other
    worker has a run of its own, unless it is given one. Multiples of the golden ratio, modulo 1, lie far apart however
    many workers there are.
    """
    place = random.random()
    shared = _shared_on_slurm(environment)
    if shared:
        element, process = (int(environment.get(name, 0)) for name in ("SLURM_ARRAY_TASK_ID", "SLURM_PROCID"))
        index = element * int(environment.get("SLURM_NTASKS", 1)) + process
        place = index * GOLDEN_RATIO % 1
        run_id = run_id or f"slurm-{environment.get('SLURM_CLUSTER_NAME', 'cluster')}-{shared}"
    terms = tasks.LeaseTerms(settings.lease_seconds, settings.task_attempts)
    return Worker(run_id or uuid.uuid4().hex, f"{owner()}:{uuid.uuid4().hex[:8]}", place, wait, terms)


def _shared_on_slurm(environment: Mapping[str, str]) -> str | None:
    """What this process has in common with others that Slurm started for the same command: the array, or the step."""
    if array := environment.get("SLURM_ARRAY_JOB_ID"):
        return array
    job, step = (environment.get(name, "") for name in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    alone = int(environment.get("SLURM_NTASKS", 1)) < 2
    if alone or not job or not step.isdigit() or int(step) >= FIRST_SPECIAL_STEP:
        return None
    return f"{job}.{step}"


def work_job(
    settings: Settings,
    job: Job,
    worker: Worker,
    name: str | None = None,
    progress: Progress = lambda stage, total, report: None,
) -> RunReport:
    """Take part in a run of a job: do what is free of each stage, until nothing is left.

    Returns:
        What this worker did. Its status is that of the run, `running` where others go on with it.

    Raises:
        InputError: for a job that can't run as it stands, and for a run of another job.
        DatabaseError, PyMongoError: when the database can't be used.
    """
    logs.configure(settings.log)
    db = connect(settings, start=False)
    initialise(db)
    job, stages, notes = prepare(db, job, name)
    report = new_report(job, worker.run_id)
    asked = job
    job, ended = run_record.join(db, job, report, ENGINE, worker.name)
    if ended:
        report.status = ended
        report.notes.append(f"run {worker.run_id} had ended ({ended}) before this worker began")
        return report
    try:
        if job != asked:
            job, stages, notes = prepare(db, job, None)
        report.notes += notes
        with _alive(db, worker.run_id):
            _work(db, job, stages, worker, report, progress)
    except BaseException as error:
        status = "failed" if isinstance(error, Exception) else "interrupted"
        run_record.leave(db, worker.run_id, worker.name, status, error)
        lost.release_own(db, worker.run_id)
        report.status = status
        raise
    run_record.leave(db, worker.run_id, worker.name, "failed" if report.status == "failed" else "interrupted")
    return report


def _work(db: Database, job: Job, stages: list[Stage], worker: Worker, report: RunReport, progress: Progress) -> None:
    for stage in stages:
        report.stages[stage.name] = result = StageReport()
        left = _of_stage(db, stage, result, worker, report, progress)
        if len(left):
            report.notes.append(f"{stage.name}: {len(left)} tasks are in the hands of other workers")
            return
        if left.failures:
            report.status = "failed"
    ending = _Ending(job, report, "failed" if report.status == "failed" else "done")
    report.status = ending.status
    result = StageReport()
    left = work_stage(db, ending, result, worker)
    if left.failures:
        report.status = "failed"
        report.stages[ending.name] = result


def _of_stage(db, stage, result, worker, report, progress) -> OpenTasks:
    """One stage, with the run's record kept."""
    try:
        left = work_stage(db, stage, result, worker, progress)
    except BaseException:
        result.finish()
        with suppress(PyMongoError):
            run_record.add_stage(db, worker.run_id, stage.name, result, result.failures)
        raise
    report.notes += result.finish(stage)
    run_record.add_stage(db, worker.run_id, stage.name, result, list(left.failures.values()))
    return left


def work_stage(
    db: Database,
    stage: Stage,
    result: StageReport,
    worker: Worker,
    progress: Progress = lambda stage, total, report: None,
) -> OpenTasks:
    """Do what is free of one stage; with `worker.wait` until no task of it is pending or running.

    Args:
        result: what this worker does is added to it.

    Returns:
        What is left, and what has failed, by whichever worker.
    """

    def plan() -> tuple[OpenTasks, int]:
        began = server_now(db)
        tasks.release_dead(db, stage, worker.terms.attempts)
        planned = list(stage.plan(db))
        to_do, result.up_to_date = tasks.register(db, stage, planned)
        result.planned = len(planned)
        return OpenTasks(db, stage, to_do, worker.run_id, began, worker.place), len(to_do)

    left, total = through_failover(db, plan)
    run_record.begin_stage(db, worker.run_id, stage.name, result.planned, result.up_to_date)
    progress(stage.name, total, None)
    pause = FIRST_PAUSE
    while len(left):
        free = through_failover(db, left.free)
        if free:
            pause = FIRST_PAUSE
            _do(db, stage, free, left, result, worker, lambda task: progress(stage.name, total, task))
        elif not len(left) or not worker.wait:
            break
        else:
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, LONGEST_PAUSE)
            tasks.release_dead(db, stage, worker.terms.attempts)
    return left


def _do(db, stage, free: list[PlannedTask], left: OpenTasks, result: StageReport, worker: Worker, tell) -> None:
    """Carry out free tasks one after the other, up to where another worker was quicker."""
    for item in free:
        task = execute(db, stage, item, worker.run_id, worker.terms)
        if task.status == "held" or not task.seconds:  # no seconds: another worker of this run has done it
            left.move_to()
            return
        left.finished(task.task_id, task.error)
        result.add(task)
        tell(task)


class _Ending(Stage):
    """The end of a shared run as a task: exactly one worker does it, and another one where that one dies."""

    name = "end"
    collections = ()

    def __init__(self, job: Job, report: RunReport, status: str):
        self._job = job
        self._report = report
        self.config_id = report.run_id
        self.result = report.catalog
        self.status = status

    def plan(self, db: Database) -> Iterator[PlannedTask]:
        yield PlannedTask(Shard({"run": self._report.run_id}, 0.0, 0.0), self._report.run_id)

    def read(self, db: Database, shard: Shard) -> Inputs:
        conclude(db, self._job, self._report)
        run_record.close(db, self._report.run_id, self.status)
        return Inputs(None, self._report.run_id)

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        return Output({})


@contextmanager
def _alive(db: Database, run_id: str) -> Iterator[None]:
    """Give signs of life of a run that many workers share."""

    def interval() -> float:
        return BEAT_SECONDS * random.uniform(0.8, 1.2)

    def beat() -> None:
        db.run.update_one({"_id": run_id}, {"$currentDate": {"alive": True}})

    with beating(f"run {run_id}", interval, beat):
        yield
