"""Running a job: plan each stage against the ledger, hand what is to be done to an engine, record the run."""

from __future__ import annotations

import json
import socket
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache, lru_cache
from typing import Any

from pydantic import BaseModel, Field
from pymongo.database import Database

from catalogdb import __version__
from catalogdb.database.connection import connect
from catalogdb.database.initialise import initialise
from catalogdb.engine import Engine, executor, is_local, map_unordered
from catalogdb.errors import CatalogdbError, InputError
from catalogdb.evaluation import evaluate
from catalogdb.jobs import Job
from catalogdb.settings import Settings
from catalogdb.stages import tasks
from catalogdb.stages.execute import TaskReport, execute
from catalogdb.stages.resolve import build_stage, installed_versions, renamed, resolve
from catalogdb.stages.results import claim_names
from catalogdb.stages.stage import PlannedTask, Stage

VERSIONS = ("mspasspy", "seisbench", "torch", "obspy", "GMMA", "pyocto", "pymongo", "numpy", "scipy", "scikit-learn")

Progress = Callable[[str, int, TaskReport | None], None]


class StageReport(BaseModel):
    """What one stage of a run came to."""

    planned: int = Field(0, description="Tasks that should exist.")
    up_to_date: int = Field(0, description="Of them, done before with the same inputs.")
    done: int = 0
    failed: int = 0
    held: int = Field(0, description="In the hands of another worker.")
    counts: dict[str, int] = Field({}, description="What the tasks of this run read, kept and rejected, by reason.")
    seconds: dict[str, float] = Field(
        {}, description="Wall time of the tasks of this run, by step; what a step within another takes is there alone."
    )
    backends: list[str] = Field([], description="What ran the network.")
    failures: list[str] = Field([], description="Each failed task with its reason.")
    problems: list[str] = Field([], description="Inputs passed over.")


class RunReport(BaseModel):
    """What a run came to."""

    run_id: str
    job: str
    pick_set: str
    catalog: str
    status: str
    stages: dict[str, StageReport] = {}
    evaluation: dict[str, Any] | None = None
    notes: list[str] = []


def run_job(
    settings: Settings,
    job: Job,
    engine: Engine = "local",
    workers: int | None = None,
    scheduler: str | None = None,
    name: str | None = None,
    replace: bool = False,
    dry_run: bool = False,
    progress: Progress = lambda stage, total, report: None,
) -> RunReport:
    """Run a job's stages in order, each doing just what is missing or stale.

    Args:
        name: name of the catalog, instead of the job's; the pick set keeps the job's name where it stands there with
            the same settings, else it takes this name too.
        replace: remove results of other settings that stand under the job's names.
        dry_run: plan only; nothing is computed, and but for the schema of a new database nothing is written.
        progress: called with (stage, number of tasks, None) when a stage starts, then with each task's report.

    Raises:
        InputError: for a job that can't run as it stands.
        DatabaseError, PyMongoError: when the database can't be used.
    """
    if scheduler and settings.uri is None and not is_local(scheduler):
        raise InputError(
            f"--scheduler {scheduler}: its workers can't reach the embedded MongoDB of this host",
            hint="set CATALOGDB_URI to a server that every worker can reach",
        )
    db = connect(settings)
    initialise(db)
    if name:
        job = renamed(db, job, name)
    report = RunReport(
        run_id=uuid.uuid4().hex, job=job.name, pick_set=job.pick_set_name, catalog=job.catalog, status="running"
    )
    stages, names = resolve(db, job)
    claim_names(db, names, replace, check_only=dry_run)
    if dry_run:
        return _plan_only(db, stages, report)
    _start_record(db, job, report, engine)
    try:
        with executor(engine, workers, scheduler) as (pool, capacity):
            for stage in stages:
                report.stages[stage.name] = _run_stage(db, settings, job, stage, report, pool, capacity, progress)
        _evaluate(db, job, report)
        report.status = "failed" if any(stage.failed or stage.held for stage in report.stages.values()) else "done"
    except BaseException as error:
        report.status = "failed" if isinstance(error, Exception) else "interrupted"
        _end_record(db, report, error)
        raise
    _end_record(db, report)
    return report


# -- running one stage


def _run_stage(db, settings, job, stage, report, pool, capacity, progress) -> StageReport:
    tasks.release_dead(db, stage)
    planned = list(stage.plan(db))
    to_do, up_to_date = tasks.register(db, stage, planned)
    result = StageReport(planned=len(planned), up_to_date=up_to_date)
    progress(stage.name, len(to_do), None)
    counts: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    arguments = (settings, job.model_dump_json(), stage.name, stage.config_id, report.run_id)
    for item, future in map_unordered(pool, capacity, work, to_do, *arguments):
        task = _task_report(db, stage, item, future)
        setattr(result, task.status, getattr(result, task.status) + 1)
        counts.update(task.counts)
        seconds.update(task.seconds)
        if task.backend and task.backend not in result.backends:
            result.backends.append(task.backend)
        where = _where(task)
        result.problems += [f"{where}: {problem}" for problem in task.problems]
        if task.error:
            result.failures.append(f"{where}: {task.error}")
        progress(stage.name, len(to_do), task)
    result.counts = dict(sorted(counts.items()))
    report.notes += _explanations(result.counts)
    result.seconds = {step: round(value, 3) for step, value in seconds.items()}
    return result


def _explanations(counts: dict[str, int]) -> list[str]:
    """What the counts mean for a user who wonders why something is missing."""
    notes = []
    if without := counts.get("picks_rejected_no_station"):
        notes.append(f"{without} picks are at stations without coordinates: catalogdb ingest stations FILE")
    if counts.get("no_response") and not counts.get("magnitudes"):
        notes.append(
            "no magnitudes: the stations have no instrument response; catalogdb ingest stations with StationXML"
        )
    return notes


def work(
    planned: PlannedTask, settings: Settings, job_json: str, stage_name: str, config_id: str, run_id: str
) -> TaskReport:
    """Carry out one task; what an engine's workers run. Connection and stage (with its model) are kept per process."""
    stage = _process_stage(job_json, stage_name, config_id)
    if stage.config_id != config_id:
        raise CatalogdbError("this worker has other versions or weights than the process that planned the run")
    return execute(_process_database(settings), stage, planned, run_id)


def _task_report(db: Database, stage: Stage, item: PlannedTask, future: Future) -> TaskReport:
    """What a worker reported, or that its process died of the task."""
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, (CatalogdbError, *tasks.DATABASE_GONE)):
        raise error
    identity = tasks.task_id(stage, item.shard)
    message = f"the worker process was lost: {type(error).__name__}: {error}"
    tasks.fail_without_lease(db, identity, message)
    return TaskReport(identity, item.shard, "failed", error=message)


@lru_cache(maxsize=8)
def _process_stage(job_json: str, stage_name: str, config_id: str) -> Stage:
    return build_stage(stage_name, Job.model_validate_json(job_json), config_id)


@cache
def _process_database(settings: Settings) -> Database:
    """A worker never starts a server: on another host that would be another, empty one."""
    return connect(settings, start=False)


def _where(task: TaskReport) -> str:
    from obspy import UTCDateTime

    names = ".".join(str(value) for value in task.shard.key.values())
    return f"{names or 'window'} {UTCDateTime(task.shard.starttime).isoformat()}"


def _evaluate(db: Database, job: Job, report: RunReport) -> None:
    if "evaluate" not in job.stages or job.evaluate is None:
        return
    settings = job.evaluate.model_dump()
    reference = settings.pop("reference")
    if db.catalog.find_one({"_id": reference}, {"_id": 1}) is None:
        report.notes.append(
            f"not evaluated: no catalog {reference!r} here; catalogdb ingest catalog FILE --name {reference}"
        )
        return
    report.evaluation = evaluate(db, job.catalog, reference, **settings)


def _plan_only(db: Database, stages: list[Stage], report: RunReport) -> RunReport:
    for stage in stages:
        if stage.name == "pick":
            planned = list(stage.plan(db))
            query = {"config_id": stage.config_id, "stage": stage.name, "status": "done"}
            done = {row["_id"]: row["fingerprint"] for row in db.task.find(query, {"fingerprint": 1})}
            current = sum(done.get(tasks.task_id(stage, item.shard)) == item.fingerprint for item in planned)
            report.stages[stage.name] = StageReport(planned=len(planned), up_to_date=current)
        else:
            report.notes.append(f"{stage.name}: planned when the picks are there")
    report.status = "planned"
    return report


# -- the record of the run


def _start_record(db: Database, job: Job, report: RunReport, engine: str) -> None:
    row = {
        "job": job.name,
        "job_document": json.loads(job.model_dump_json()),
        "catalog": job.catalog,
        "pick_set": job.pick_set_name,
        "engine": engine,
        "host": socket.gethostname(),
        "versions": {"catalogdb": __version__} | installed_versions(VERSIONS),
        "status": "running",
    }
    db.run.update_one({"_id": report.run_id}, {"$set": row, "$currentDate": {"started": True}}, upsert=True)


def _end_record(db: Database, report: RunReport, error: BaseException | None = None) -> None:
    """Close the run's record; where the database is gone, the error that ended the run matters more."""
    values: dict[str, Any] = {
        "status": report.status,
        "stages": {name: _summary(stage) for name, stage in report.stages.items()},
    }
    if error is not None:
        values["error"] = f"{type(error).__name__}: {error}"[:2000]
    try:
        db.run.update_one({"_id": report.run_id}, {"$set": values, "$currentDate": {"ended": True}})
    except Exception:
        if error is None:
            raise


def _summary(stage: StageReport) -> dict[str, Any]:
    return stage.model_dump(exclude={"problems", "seconds"}) | {"failures": tasks.shortened(stage.failures)}
