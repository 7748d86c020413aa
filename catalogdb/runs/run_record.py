"""The documents of `run`: who takes part, what each stage came to, how it ended. One participant is the usual case."""

from __future__ import annotations

import json
import socket
import uuid
from dataclasses import dataclass

from pymongo import ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, PyMongoError

from catalogdb import logs
from catalogdb.database.lease import NOW, Change, Lease
from catalogdb.database.owner import owner
from catalogdb.documents.free import Json, Query
from catalogdb.documents.records import Run
from catalogdb.errors import InputError
from catalogdb.identity import installed_versions
from catalogdb.jobs import Job, validated
from catalogdb.ledger.tasks import shortened
from catalogdb.runs.run_report import OF_THE_NETWORK, RunReport, StageReport, Standing
from catalogdb.stages import registry
from catalogdb.version import __version__

VERSIONS = ("mspasspy", "seisbench", "torch", "obspy", "GMMA", "pyocto", "pymongo", "numpy", "scipy", "scikit-learn")
ENDED = ("done", "failed")
TRIES = 5
ERROR_LENGTH = 2000


def of_makers(kind: str) -> Query:
    """Filter of the runs that make a kind of result (`pick_set` or `catalog`), rather than read one that is there."""
    return {"job_document.stages": {"$in": registry.makers(kind)}}


@dataclass(frozen=True)
class Joined:
    """A participant of a run.

    Args:
        job: as the first participant resolved it: a period that is counted back from now is the same for all.
        participant: name by which the record has it: its process, and something of its own.
        ended: how the run ended, where it had: then there was nothing to join.
    """

    job: Job
    participant: str
    ended: str | None


def join(db: Database, job: Job, report: RunReport, engine: str) -> Joined:
    """Enter this process in a run, and the run with its first participant.

    Raises:
        InputError: where the run is one of another job.
    """
    participant = f"{owner()}:{uuid.uuid4().hex[:8]}"
    unended = {"_id": report.run_id, "status": {"$nin": [*ENDED]}}
    for _ in range(TRIES):
        found = db.run.find_one({"_id": report.run_id}, {"job": 1, "job_document": 1})
        joined = job if found is None else _same_job(found, job)
        change: Query = {
            "$set": {"status": "running"},
            "$addToSet": {"workers": participant},
            "$unset": {"ended": ""},
            "$currentDate": {"alive": True} | ({"started": True} if found is None else {}),
        }
        change |= {"$setOnInsert": _first(job, report, engine)} if found is None else {}
        # a record that has come up since is met as a duplicate: it must not be joined unread
        wanted = {"_id": report.run_id, "job": {"$exists": False}} if found is None else unended
        try:
            row = db.run.find_one_and_update(
                wanted, change, upsert=found is None, return_document=ReturnDocument.AFTER
            ) or db.run.find_one({"_id": report.run_id})
        except DuplicateKeyError:  # another participant has entered it meanwhile
            continue
        if row is None:  # removed meanwhile
            continue
        if found is None:
            logs.event("run started", run_id=report.run_id, job=job.name, engine=engine, catalog=report.catalog)
        else:
            logs.event("worker joined", run_id=report.run_id, job=report.job, worker=participant)
        return Joined(joined, participant, row["status"] if row["status"] in ENDED else None)
    raise InputError(f"run {report.run_id!r}: could not be joined")


def is_entered(db: Database, run_id: str) -> bool:
    """Whether a run has a participant, or had one."""
    return db.run.find_one({"_id": run_id}, {"_id": 1}) is not None


def _same_job(run: Run, job: Job) -> Job:
    """The job of a run, where it is this one but for its period."""
    found = validated(Job, run["job_document"], f"run {run['_id']!r}: its job can't be read by this version")
    if found.model_copy(update={"period": job.period}) != job:
        raise InputError(
            f"run {run['_id']!r} is one of job {run['job']!r} with other settings than these",
            hint="give each run an id of its own",
        )
    return found


def begin_stage(db: Database, run_id: str, name: str, planned: int, up_to_date: int) -> None:
    """Note what a stage has to do, as the participant found it that looked first."""
    logs.event("stage started", run_id=run_id, stage=name, planned=planned, up_to_date=up_to_date)
    first = {f"stages.{name}.planned": planned, f"stages.{name}.up_to_date": up_to_date}
    unknown = {"_id": run_id, f"stages.{name}.planned": {"$exists": False}}
    db.run.update_one(unknown, {"$set": first, "$currentDate": {f"stages.{name}.started": True}})


def add_stage(
    db: Database, run_id: str, name: str, stage: StageReport, standing: Standing, up_to_date: int = 0
) -> None:
    """Add what one participant did of a stage to what the others did.

    Args:
        standing: of the whole stage, as far as this participant knows it; others may tell of the same failures.
        up_to_date: tasks that were found to be up to date after all.
    """
    of_network = {f"counts.{key}": count for key, count in stage.counts.items() if key in OF_THE_NETWORK}
    sums = {f"counts.{key}": count for key, count in stage.counts.items() if key not in OF_THE_NETWORK}
    sums |= {"done": stage.done, "held": stage.held, "up_to_date": up_to_date}
    most = of_network | {"failed": standing.failed, "quarantined": standing.quarantined}
    sets = {"failures": shortened(standing.failures), "backends": stage.backends}
    change = {
        "$inc": {f"stages.{name}.{key}": value for key, value in sums.items()},
        "$max": {f"stages.{name}.{key}": value for key, value in most.items()},
        "$addToSet": {f"stages.{name}.{key}": {"$each": values} for key, values in sets.items()},
    }
    db.run.update_one({"_id": run_id}, change)


def end(lease: Lease, status: str) -> None:
    """End a run, by the participant that holds the lease of its record."""
    logs.event("run ended", run_id=lease.identity, status=status)
    lease.give_back(Change({"status": status}, {"ended": NOW}))


def leave(db: Database, run_id: str, participant: str, status: str, error: BaseException | None = None) -> bool:
    """Take a participant out of a run.

    Args:
        status: of the run, where it has not ended and this was its last participant.

    Returns:
        Whether it was the last; False too where the database is gone, and an error ended the run already.
    """
    said: Json = {} if error is None else {"error": f"{type(error).__name__}: {error}"[:ERROR_LENGTH]}
    try:
        left = db.run.find_one_and_update(
            {"_id": run_id},
            {"$pull": {"workers": participant}} | ({"$set": said} if said else {}),
            {"workers": 1},
            return_document=ReturnDocument.AFTER,
        )
        if left is None or left.get("workers"):
            return False
        alone = {"_id": run_id, "status": "running", "workers": []}
        change = {"$set": {"status": status}, "$currentDate": {"ended": True}}
        if db.run.update_one(alone, change).modified_count:
            logs.event("run ended", run_id=run_id, status=status, **said)
        return True
    except PyMongoError:
        if error is None:
            raise
        return False


def _first(job: Job, report: RunReport, engine: str) -> Json:
    return {
        "job": job.name,
        "job_document": json.loads(job.model_dump_json()),
        "catalog": job.catalog,
        "pick_set": job.pick_set_name,
        "engine": engine,
        "host": socket.gethostname(),
        "owner": owner(),
        "versions": {"catalogdb": __version__} | installed_versions(VERSIONS),
    }
