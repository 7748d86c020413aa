"""Running a job: plan each stage against the ledger, hand what is to be done to an engine, record the run."""

from __future__ import annotations

import json
import socket
import uuid
from collections import Counter
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import BaseModel, Field
from pymongo.database import Database

from catalogdb import __version__
from catalogdb.association.config import AssociateConfig
from catalogdb.database.connection import connect
from catalogdb.database.initialise import initialise
from catalogdb.engine import Engine, executor, map_unordered
from catalogdb.errors import CatalogdbError, InputError
from catalogdb.evaluation import evaluate
from catalogdb.identity import canonical_json, content_id
from catalogdb.jobs import Job
from catalogdb.settings import Settings
from catalogdb.stages import tasks
from catalogdb.stages.results import claim_name
from catalogdb.stages.stage import PlannedTask, Stage, TaskReport, execute

CATALOG_REVISION = 1
"""Raise this number whenever a change of the code after picking changes catalogs."""
VERSIONS = ("mspasspy", "seisbench", "torch", "obspy", "GMMA", "pyocto", "pymongo", "numpy", "scipy", "scikit-learn")
ASSOCIATOR_PACKAGES = {"gamma": ("GMMA", "scikit-learn"), "pyocto": ("pyocto",)}

Progress = Callable[[str, int, TaskReport | None], None]


class StageReport(BaseModel):
    """What one stage of a run came to."""

    planned: int = Field(0, description="Tasks that should exist.")
    up_to_date: int = Field(0, description="Of them, done before with the same inputs.")
    done: int = 0
    failed: int = 0
    held: int = Field(0, description="In the hands of another worker.")
    counts: dict[str, int] = Field({}, description="What the tasks of this run read, kept and rejected, by reason.")
    seconds: dict[str, float] = Field({}, description="Wall time of the tasks of this run, by step.")
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
    replace: bool = False,
    dry_run: bool = False,
    progress: Progress = lambda stage, total, report: None,
) -> RunReport:
    """Run a job's stages in order, each doing just what is missing or stale.

    Args:
        replace: remove results of other settings that stand under the job's names.
        dry_run: plan only; nothing is computed or written.
        progress: called with (stage, number of tasks, None) when a stage starts, then with each task's report.

    Raises:
        InputError: for a job that can't run as it stands.
        DatabaseError, PyMongoError: when the database can't be used.
    """
    db = connect(settings)
    report = RunReport(
        run_id=uuid.uuid4().hex, job=job.name, pick_set=job.pick_set_name, catalog=job.catalog, status="running"
    )
    if dry_run:
        return _plan_only(db, job, report)
    initialise(db)
    stages = _named_stages(db, job, replace)
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


# -- configuration -> stages


def build_stage(name: str, job: Job, config_id: str | None = None) -> Stage:
    """Make a stage of a job; heavy libraries are imported here and not before."""
    if name == "pick":
        from catalogdb.stages.pick import PickStage

        return PickStage(job)
    if name == "associate":
        from catalogdb.stages.associate import AssociateStage

        return AssociateStage(job, config_id)
    if name == "magnitude":
        from catalogdb.stages.magnitude import MagnitudeStage

        return MagnitudeStage(job, config_id)
    from catalogdb.stages.assemble import AssembleStage

    return AssembleStage(job, config_id)


def catalog_config(job: Job, pick_set_config_id: str) -> dict[str, Any]:
    """Everything that decides a catalog, once its picks are given."""
    return {
        "revision": CATALOG_REVISION,
        "pick_set": pick_set_config_id,
        "region": job.region.model_dump(mode="json"),
        "stations": job.stations.model_dump(mode="json"),
        "associate": _used_settings(job.associate),
        "magnitude": job.magnitude.model_dump(mode="json") if "magnitude" in job.stages else None,
        "versions": _versions(ASSOCIATOR_PACKAGES[job.associate.associator]),
    }


def _used_settings(config: AssociateConfig) -> dict[str, Any]:
    """The settings without those of associators that aren't used."""
    unused = set(ASSOCIATOR_PACKAGES) - {config.associator}
    return config.model_dump(mode="json", exclude=unused)


def _named_stages(db: Database, job: Job, replace: bool) -> list[Stage]:
    """The job's stages, with their results entered under the job's names."""
    stages: list[Stage] = []
    if "pick" in job.stages:
        stage = build_stage("pick", job)
        claim_name(db, "pick_set", job.pick_set_name, stage.config_id, _plain(stage.config), replace)
        stages.append(stage)
    if "associate" in job.stages:
        pick_set = _pick_set(db, job)
        config = catalog_config(job, pick_set["config_id"])
        config_id = content_id(config)
        claim_name(db, "catalog", job.catalog, config_id, _plain(config), replace, pick_set=job.pick_set_name)
        _widen_period(db, job)
        names = ["associate", *(["magnitude"] if "magnitude" in job.stages else []), "assemble"]
        stages += [build_stage(name, job, config_id) for name in names]
    return stages


def _widen_period(db: Database, job: Job) -> None:
    """Let the catalog's document say what it covers: the job's period, or all the waveforms or picks that there are."""
    if job.period:
        first, last = job.period.starttime.timestamp(), job.period.endtime.timestamp()
    else:
        source, query, end = (
            (db.wf_miniseed, {}, "endtime")
            if "pick" in job.stages
            else (db.pick, {"pick_set": job.pick_set_name}, "time")
        )
        start = "starttime" if end == "endtime" else "time"
        extent = {"_id": None, "first": {"$min": f"${start}"}, "last": {"$max": f"${end}"}}
        row = next(source.aggregate([{"$match": query}, {"$group": extent}]), None)
        if row is None:
            return
        first, last = row["first"], row["last"] + 1e-6
    db.catalog.update_one({"_id": job.catalog}, {"$min": {"starttime": first}, "$max": {"endtime": last}})


def _pick_set(db: Database, job: Job) -> dict[str, Any]:
    pick_set = db.pick_set.find_one({"_id": job.pick_set_name})
    if pick_set is None:
        known = ", ".join(sorted(row["_id"] for row in db.pick_set.find({}, {"_id": 1}))) or "none yet"
        raise InputError(
            f"job {job.name}: no pick set {job.pick_set_name!r} in the database", hint=f"pick sets: {known}"
        )
    return pick_set


# -- running one stage


def _run_stage(db, settings, job, stage, report, pool, capacity, progress) -> StageReport:
    tasks.release_dead(db, stage)
    planned = list(stage.plan(db))
    to_do, up_to_date = tasks.register(db, stage, planned)
    result = StageReport(planned=len(planned), up_to_date=up_to_date)
    if stage.name == "pick" and not planned:
        report.notes.append("no waveforms of the job's stations and period are indexed: catalogdb ingest waveforms")
    progress(stage.name, len(to_do), None)
    counts: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    arguments = (settings, job.model_dump_json(), stage.name, stage.config_id, report.run_id)
    for task in map_unordered(pool, capacity, work, to_do, *arguments):
        setattr(result, task.status, getattr(result, task.status) + 1)
        counts.update(task.counts)
        seconds.update(task.seconds)
        where = _where(task)
        result.problems += [f"{where}: {problem}" for problem in task.problems]
        if task.error:
            result.failures.append(f"{where}: {task.error}")
        progress(stage.name, len(to_do), task)
    result.counts = dict(sorted(counts.items()))
    result.seconds = {step: round(value, 3) for step, value in seconds.items()}
    return result


def work(
    planned: PlannedTask, settings: Settings, job_json: str, stage_name: str, config_id: str, run_id: str
) -> TaskReport:
    """Carry out one task; what an engine's workers run. Connection and stage (with its model) are kept per process."""
    stage = _process_stage(job_json, stage_name, config_id)
    if stage.config_id != config_id:
        raise CatalogdbError("this worker has other versions or weights than the process that planned the run")
    return execute(_process_database(settings), stage, planned, run_id)


@lru_cache(maxsize=8)
def _process_stage(job_json: str, stage_name: str, config_id: str) -> Stage:
    return build_stage(stage_name, Job.model_validate_json(job_json), config_id)


@cache
def _process_database(settings: Settings) -> Database:
    return connect(settings)


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


def _plan_only(db: Database, job: Job, report: RunReport) -> RunReport:
    names = [name for name in job.stages if name != "evaluate"]
    if "pick" in names:
        stage = build_stage("pick", job)
        planned = list(stage.plan(db))
        done = {
            row["_id"]: row["fingerprint"]
            for row in db.task.find({"config_id": stage.config_id, "status": "done"}, {"fingerprint": 1})
        }
        current = sum(done.get(tasks.task_id(stage, item.shard)) == item.fingerprint for item in planned)
        report.stages["pick"] = StageReport(planned=len(planned), up_to_date=current)
        report.notes.append(f"pick set {job.pick_set_name}: config_id {stage.config_id}")
    report.notes += [f"{name}: planned when the picks are there" for name in names if name != "pick"]
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
        "versions": {"catalogdb": __version__} | _versions(VERSIONS),
        "status": "running",
    }
    db.run.update_one({"_id": report.run_id}, {"$set": row, "$currentDate": {"started": True}}, upsert=True)


def _end_record(db: Database, report: RunReport, error: BaseException | None = None) -> None:
    """Close the run's record; where the database is gone, the error that ended the run matters more."""
    values: dict[str, Any] = {
        "status": report.status,
        "stages": {name: stage.model_dump(exclude={"problems", "seconds"}) for name, stage in report.stages.items()},
    }
    if error is not None:
        values["error"] = f"{type(error).__name__}: {error}"[:2000]
    try:
        db.run.update_one({"_id": report.run_id}, {"$set": values, "$currentDate": {"ended": True}})
    except Exception:
        if error is None:
            raise


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    return json.loads(canonical_json(config))
