"""Running a job: one planner, one record, one ending, whoever carries out the tasks (see `stage_run.Way`)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import NamedTuple

from pymongo.database import Database
from pymongo.errors import PyMongoError

from catalogdb import logs
from catalogdb.database.connection import connect, through_failover
from catalogdb.database.initialise import initialise
from catalogdb.database.lease import Change, Lease
from catalogdb.database.owner import owner
from catalogdb.engines import BatchOptions, EngineOptions, executor
from catalogdb.jobs import Job
from catalogdb.ledger import tasks
from catalogdb.ledger.lost import release_run
from catalogdb.ledger.run_life import run_kept
from catalogdb.ledger.stage import Stage
from catalogdb.runs import run_record
from catalogdb.runs.conclusion import conclude
from catalogdb.runs.hand_out import HandOut
from catalogdb.runs.run_report import RunReport, StageReport, tasks_are
from catalogdb.runs.stage_run import Progress, Way, run_stage
from catalogdb.runs.worker import CarryOut
from catalogdb.settings import Settings
from catalogdb.stages import registry
from catalogdb.stages.resolve import renamed, resolve
from catalogdb.stages.results import claim_names, wider_periods
from catalogdb.stages.station_notes import station_notes

__all__ = ["Progress", "RunReport", "StageReport", "run_job"]


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
        progress: see `stage_run.Progress`.

    Raises:
        InputError: for a job that can't run as it stands.
        DatabaseError, PyMongoError: when the database can't be used.
    """
    options = EngineOptions(engine, workers, scheduler, batch)
    options.check(settings)
    logs.configure(settings.log)
    db = connect(settings)
    initialise(db)
    prepared = prepare(db, job, name, replace, check_only=dry_run)
    report = new_report(prepared.job, uuid.uuid4().hex)
    if dry_run:
        report.notes += prepared.notes
        return _plan_only(db, prepared.stages, report)
    job_json, added = prepared.job.model_dump_json(), registry.added()

    @contextmanager
    def engine_opened() -> Iterator[HandOut]:
        def on_worker(stage: Stage) -> CarryOut:
            return CarryOut(settings, job_json, stage.name, stage.config_id, report.run_id, added)

        with executor(options) as (pool, capacity):
            yield HandOut(pool, capacity, on_worker, tasks.LeaseTerms(settings.lease_seconds, settings.task_attempts))

    return take_part(db, prepared, report, engine, engine_opened(), progress)


def take_part(
    db: Database,
    prepared: Prepared,
    report: RunReport,
    engine: str,
    opened: AbstractContextManager[Way],
    progress: Progress,
) -> RunReport:
    """Take part in a run, from its record to its ending; it may be this process's alone.

    Args:
        report: of this participant, as `new_report` gives it.
        engine: as the record is to name it.
        opened: gives the way in which tasks are carried out.

    Returns:
        What this participant did. Its status is that of the run, `running` where others go on with it.
    """
    joined = run_record.join(db, prepared.job, report, engine)
    if joined.ended:
        report.status = joined.ended
        report.notes.append(f"run {report.run_id} had ended ({joined.ended}) before this worker began")
        return report
    try:
        if joined.job != prepared.job:
            prepared = prepare(db, joined.job, None)
        report.notes += prepared.notes
        with run_kept(db, report.run_id):
            with opened as way:
                went_through = _go_through(db, prepared.stages, report, way, progress)
            if went_through:
                _end(db, prepared, report, way.waits)
    except BaseException as error:
        report.status = "failed" if isinstance(error, Exception) else "interrupted"
        was_last = run_record.leave(db, report.run_id, joined.participant, report.status, error)
        release_run(db, report.run_id, None if was_last else owner())
        raise
    status = "failed" if report.status == "failed" else "interrupted"
    run_record.leave(db, report.run_id, joined.participant, status)
    return report


def _go_through(db: Database, stages: list[Stage], report: RunReport, way: Way, progress: Progress) -> bool:
    """The stages in order; False where tasks of one are left that other participants have in hand."""
    for stage in stages:
        report.stages[stage.name] = result = StageReport()
        standing = run_stage(db, stage, report.run_id, result, way, progress)
        report.notes += result.finish(stage)
        report.tell_outcome(stage, result.counts)
        if standing.failures or result.held:
            report.status = "failed"
        if standing.left:
            report.notes.append(f"{stage.name}: {tasks_are(standing.left)} in the hands of other workers")
            return False
    report.status = "failed" if report.status == "failed" else "done"
    return True


def _end(db: Database, prepared: Prepared, report: RunReport, waits: bool) -> None:
    """The ending: one participant does it, by the lease of the run's record, and another one where that one dies."""
    going = {"status": "running"}

    def is_over() -> bool:
        return db.run.find_one({"_id": report.run_id, **going}, {"_id": 1}) is None

    lease, change = Lease(db.run, report.run_id), Change(where=going)
    if not lease.take(change) and not (waits and lease.wait(change, unless=is_over)):
        return
    try:
        with lease.kept():
            through_failover(db, lambda: conclude(db, prepared.job, prepared.stages, report))
    except BaseException as error:
        with suppress(PyMongoError):
            run_record.end(lease, "failed") if isinstance(error, Exception) else lease.give_back()
        raise
    run_record.end(lease, report.status)


class Prepared(NamedTuple):
    """A job that can run: under its name, with its stages and what is worth knowing before."""

    job: Job
    stages: list[Stage]
    notes: list[str]


def prepare(db: Database, job: Job, name: str | None, replace: bool = False, check_only: bool = False) -> Prepared:
    """Resolve a job, and enter its results under their names.

    Raises:
        InputError: for a job that can't run as it stands, and for names that are taken.
    """
    if name:
        job = renamed(db, job, name)
    stages, names = resolve(db, job)
    notes = [*station_notes(db, job), *([] if replace else wider_periods(db, names))]
    claim_names(db, names, replace, check_only=check_only)
    return Prepared(job, stages, notes)


def new_report(job: Job, run_id: str) -> RunReport:
    """The report of a run that begins."""
    return RunReport(run_id=run_id, job=job.name, pick_set=job.pick_set_name, catalog=job.catalog, status="running")


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
