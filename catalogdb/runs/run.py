"""Running a job: plan each stage against the ledger, hand what is to be done to an engine, record the run."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Executor

from pymongo.database import Database

from catalogdb import logs
from catalogdb.database.connection import connect, through_failover
from catalogdb.database.initialise import initialise
from catalogdb.engines import BatchOptions, EngineOptions, executor
from catalogdb.jobs import Job
from catalogdb.ledger import lost, tasks
from catalogdb.ledger.execute import TaskReport
from catalogdb.ledger.run_life import note_stage, signs_of_life
from catalogdb.ledger.stage import PlannedTask, Stage
from catalogdb.runs import run_record
from catalogdb.runs.conclusion import conclude
from catalogdb.runs.run_report import RunReport, StageReport
from catalogdb.runs.supervise import supervised
from catalogdb.runs.worker import CarryOut
from catalogdb.settings import Settings
from catalogdb.stages import registry
from catalogdb.stages.resolve import renamed, resolve
from catalogdb.stages.results import claim_names, wider_periods
from catalogdb.stages.station_notes import station_notes

__all__ = ["Progress", "RunReport", "StageReport", "run_job"]

Progress = Callable[[str, int, TaskReport | None], None]


def run_job(
    settings: Settings,
    job: Job,
    engine: str = "local",
    workers: int | None = None,
    scheduler: str | None = None,
    name: str | None = None,
    replace: bool = False,
    dry_run: bool = False,
    progress: Progress = lambda stage, total, report: None,
    batch: BatchOptions = BatchOptions(),
) -> RunReport:
    """Run a job's stages in order, each doing just what is missing or stale.

    Args:
        engine, workers, scheduler, batch: as in `EngineOptions`.
        name: name of the catalog, instead of the job's; the pick set keeps the job's name where it stands there with
            the same settings, else it takes this name too.
        replace: remove results of other settings that stand under the job's names.
        dry_run: plan only; nothing is computed, and but for the schema of a new database nothing is written.
        progress: called with (stage, number of tasks, None) when a stage starts, then with each task's report.

    Raises:
        InputError: for a job that can't run as it stands.
        DatabaseError, PyMongoError: when the database can't be used.
    """
    options = EngineOptions(engine, workers, scheduler, batch)
    options.check(settings)
    logs.configure(settings.log)
    db = connect(settings)
    initialise(db)
    job, stages, notes = prepare(db, job, name, replace, check_only=dry_run)
    report = new_report(job, uuid.uuid4().hex)
    report.notes += notes
    if dry_run:
        return _plan_only(db, stages, report)
    run_record.start(db, job, report, engine)
    try:
        with signs_of_life(db, report.run_id):
            with executor(options) as (pool, capacity):
                for stage in stages:
                    work = job.model_dump_json(), stage.name, stage.config_id, report.run_id, registry.added()
                    carry_out = CarryOut(settings, *work)
                    report.stages[stage.name] = result = StageReport()
                    run = report.run_id, pool, capacity, carry_out, progress, settings.task_attempts
                    run_stage(db, stage, result, *run)
                    report.notes += result.finish(stage)
            through_failover(db, lambda: conclude(db, job, report))
        report.status = "failed" if report.incomplete else "done"
    except BaseException as error:
        report.status = "failed" if isinstance(error, Exception) else "interrupted"
        lost.release_run(db, report.run_id)
        run_record.end(db, report, error)
        raise
    run_record.end(db, report)
    return report


def prepare(
    db: Database, job: Job, name: str | None, replace: bool = False, check_only: bool = False
) -> tuple[Job, list[Stage], list[str]]:
    """The job under its name, its stages, their results' names entered, and what is worth knowing before it runs.

    Raises:
        InputError: for a job that can't run as it stands, and for names that are taken.
    """
    if name:
        job = renamed(db, job, name)
    stages, names = resolve(db, job)
    notes = [*station_notes(db, job), *([] if replace else wider_periods(db, names))]
    claim_names(db, names, replace, check_only=check_only)
    return job, stages, notes


def new_report(job: Job, run_id: str) -> RunReport:
    """The report of a run that begins."""
    return RunReport(run_id=run_id, job=job.name, pick_set=job.pick_set_name, catalog=job.catalog, status="running")


# -- running one stage


def run_stage(
    db: Database,
    stage: Stage,
    result: StageReport,
    run_id: str,
    pool: Executor,
    capacity: int,
    carry_out: Callable[[PlannedTask], TaskReport],
    progress: Progress = lambda stage, total, report: None,
    attempts: int = lost.ATTEMPTS,
) -> None:
    """Do what is missing or stale of one stage.

    Args:
        result: is added to, so that it tells the truth of a stage that was broken off, too.
        pool, capacity: as `executor` gives them.
        carry_out: carries out one task; sent to the workers.
        attempts: a task that a worker was lost with so often in a row is quarantined.
    """

    def plan() -> tuple[int, list[PlannedTask], int]:
        tasks.release_dead(db, stage, attempts)
        planned = list(stage.plan(db))
        return len(planned), *tasks.register(db, stage, planned)

    result.planned, to_do, result.up_to_date = through_failover(db, plan)
    note_stage(db, run_id, stage.name, result.planned, result.up_to_date)
    progress(stage.name, len(to_do), None)
    for task in supervised(db, stage, pool, capacity, carry_out, to_do, run_id, attempts):
        result.add(task)
        progress(stage.name, len(to_do), task)


def _plan_only(db: Database, stages: list[Stage], report: RunReport) -> RunReport:
    for stage in stages:
        if registry.begins(stage):
            planned = list(stage.plan(db))
            query = {"config_id": stage.config_id, "stage": stage.name, "status": "done"}
            done = {row["_id"]: row["fingerprint"] for row in db.task.find(query, {"fingerprint": 1})}
            current = sum(done.get(tasks.task_id(stage, item.shard)) == item.fingerprint for item in planned)
            report.stages[stage.name] = StageReport(planned=len(planned), up_to_date=current)
        else:
            report.notes.append(f"{stage.name}: planned when the {stage.reads[0].words} are there")
    report.status = "planned"
    return report
