"""The documents of `run`: one process's run, and a run that many workers share."""

from __future__ import annotations

import json
import socket
from typing import Any

from pymongo import ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, PyMongoError

from catalogdb import logs
from catalogdb.errors import InputError
from catalogdb.identity import installed_versions
from catalogdb.jobs import Job
from catalogdb.ledger.tasks import shortened
from catalogdb.runs.run_report import RunReport, StageReport
from catalogdb.stages import registry
from catalogdb.version import __version__

VERSIONS = ("mspasspy", "seisbench", "torch", "obspy", "GMMA", "pyocto", "pymongo", "numpy", "scipy", "scikit-learn")
ENDED = ("done", "failed")
TRIES = 5
ERROR_LENGTH = 2000


def of_makers(kind: str) -> dict[str, Any]:
    """Filter of the runs that make a kind of result (`pick_set` or `catalog`), rather than read one that is there."""
    return {"job_document.stages": {"$in": registry.makers(kind)}}


def start(db: Database, job: Job, report: RunReport, engine: str) -> None:
    """Enter a run that this process carries out alone."""
    row = _first(job, report, engine) | {"status": "running"}
    db.run.update_one({"_id": report.run_id}, {"$set": row, "$currentDate": {"started": True}}, upsert=True)
    logs.event("run started", run_id=report.run_id, job=job.name, engine=engine, catalog=report.catalog)


def end(db: Database, report: RunReport, error: BaseException | None = None) -> None:
    """Close such a run's record; where the database is gone, the error that ended the run matters more."""
    stages = {f"stages.{name}.{key}": value for name, stage in report.stages.items() for key, value in _summary(stage)}
    values = {"status": report.status} | stages | _error(error)
    said: dict[str, Any] = _error(error)
    logs.event("run ended", run_id=report.run_id, job=report.job, status=report.status, **said)
    try:
        db.run.update_one({"_id": report.run_id}, {"$set": values, "$currentDate": {"ended": True}})
    except Exception:
        if error is None:
            raise


# -- a run that many workers share


def join(db: Database, job: Job, report: RunReport, engine: str, worker: str) -> tuple[Job, str | None]:
    """Enter a worker in a run, and the run with its first worker.

    Returns:
        The job as the first worker resolved it: a period that is counted back from now is the same for all. And how the
        run ended, where it has: then there is nothing to join.

    Raises:
        InputError: where the run is one of another job.
    """
    first = _first(job, report, engine)
    unended = {"_id": report.run_id, "status": {"$nin": [*ENDED]}}
    change = {
        "$set": {"status": "running"},
        "$addToSet": {"workers": worker},
        "$unset": {"ended": ""},
        "$currentDate": {"alive": True},
    }
    for _ in range(TRIES):
        is_new = db.run.find_one({"_id": report.run_id}, {"_id": 1}) is None
        entered = change | ({"$setOnInsert": first} if is_new else {})
        if is_new:
            entered["$currentDate"] = {"alive": True, "started": True}
        try:
            row = db.run.find_one_and_update(
                unended, entered, upsert=is_new, return_document=ReturnDocument.AFTER
            ) or db.run.find_one({"_id": report.run_id})
        except DuplicateKeyError:  # another worker has entered it meanwhile
            continue
        if row is None:  # removed meanwhile
            continue
        logs.event("worker joined", run_id=report.run_id, job=report.job, worker=worker)
        joined = Job.model_validate(row["job_document"])
        if joined.model_copy(update={"period": job.period}) != job:
            raise InputError(
                f"run {report.run_id!r} is one of job {row['job']!r} with other settings than these",
                hint="give each run an id of its own",
            )
        return joined, row["status"] if row["status"] in ENDED else None
    raise InputError(f"run {report.run_id!r}: could not be joined")


def begin_stage(db: Database, run_id: str, name: str, planned: int, up_to_date: int) -> None:
    """Note what a stage has to do, as the worker found it that looked first."""
    logs.event("stage started", run_id=run_id, stage=name, planned=planned, up_to_date=up_to_date)
    first = {f"stages.{name}.planned": planned, f"stages.{name}.up_to_date": up_to_date}
    unknown = {"_id": run_id, f"stages.{name}.planned": {"$exists": False}}
    db.run.update_one(unknown, {"$set": first, "$currentDate": {f"stages.{name}.started": True}})


def add_stage(db: Database, run_id: str, name: str, stage: StageReport, failures: list[str]) -> None:
    """Add what one worker did of a stage to what the others did.

    Args:
        failures: of the whole stage, as far as this worker knows them; others may tell of the same ones.
    """
    sums = {"done": stage.done} | {f"counts.{key}": count for key, count in stage.counts.items()}
    sets = {"failures": shortened(failures), "backends": stage.backends}
    change = {
        "$inc": {f"stages.{name}.{key}": value for key, value in sums.items()},
        "$max": {f"stages.{name}.failed": len(failures)},
        "$addToSet": {f"stages.{name}.{key}": {"$each": values} for key, values in sets.items()},
    }
    db.run.update_one({"_id": run_id}, change)


def leave(db: Database, run_id: str, worker: str, status: str, error: BaseException | None = None) -> None:
    """Take a worker out of a run.

    Args:
        status: of the run, where it has not ended and this was its last worker.
    """
    try:
        left = db.run.find_one_and_update(
            {"_id": run_id},
            {"$pull": {"workers": worker}} | ({"$set": _error(error)} if error else {}),
            {"workers": 1},
            return_document=ReturnDocument.AFTER,
        )
        if left and not left.get("workers"):
            alone = {"_id": run_id, "status": "running", "workers": []}
            db.run.update_one(alone, {"$set": {"status": status}, "$currentDate": {"ended": True}})
    except PyMongoError:
        if error is None:
            raise


def close(db: Database, run_id: str, status: str) -> None:
    """End a shared run."""
    logs.event("run ended", run_id=run_id, status=status)
    db.run.update_one({"_id": run_id}, {"$set": {"status": status}, "$currentDate": {"ended": True}})


def _first(job: Job, report: RunReport, engine: str) -> dict[str, Any]:
    return {
        "job": job.name,
        "job_document": json.loads(job.model_dump_json()),
        "catalog": job.catalog,
        "pick_set": job.pick_set_name,
        "engine": engine,
        "host": socket.gethostname(),
        "versions": {"catalogdb": __version__} | installed_versions(VERSIONS),
    }


def _summary(stage: StageReport) -> list[tuple[str, Any]]:
    values = stage.model_dump(exclude={"problems", "seconds", "unpicked"}) | {"failures": shortened(stage.failures)}
    return list(values.items())


def _error(error: BaseException | None) -> dict[str, str]:
    return {} if error is None else {"error": f"{type(error).__name__}: {error}"[:ERROR_LENGTH]}
