"""What ran: the records of runs, with what the ledger says of those that never ended theirs."""

from __future__ import annotations

from datetime import datetime

from pymongo.database import Database

from catalogdb.database.lease import server_now
from catalogdb.documents.free import Json, Query, Row
from catalogdb.documents.records import Run
from catalogdb.errors import InputError
from catalogdb.ledger.run_life import run_seconds, true_status

STATUSES = ("running", "done", "failed", "interrupted", "lost")
LEAST_PREFIX = 4
TASKS_ENDED = ("done", "failed", "quarantined")


def list_runs(db: Database, job: str | None = None, status: str | None = None, limit: int = 20) -> list[Json]:
    """The runs there were, the latest first.

    Args:
        job: of this job alone.
        status: one of `STATUSES`, as `true_status` has it.
        limit: most runs; 0 for all.

    Returns:
        Rows: run_id, job, catalog, pick_set, engine, host, started, ended, seconds (`run_seconds`), status,
        done and failed (tasks), error.

    Raises:
        InputError: for an unknown status.
    """
    if status is not None and status not in STATUSES:
        raise InputError(f"status {status!r}: not a status of a run", hint=f"one of {', '.join(STATUSES)}")
    query: Query = {} if job is None else {"job": {"$eq": job}}
    if status is not None:
        query["status"] = "running" if status == "lost" else status
    now = server_now(db)
    rows: list[Row] = []
    for run in db.run.find(query, {"job_document": 0, "versions": 0}).sort("started", -1):
        row = _row(db, run, now)
        if status is None or row["status"] == status:
            rows.append(row)
        if limit and len(rows) == limit:
            break
    return rows


def find_run(db: Database, run_id: str | None = None) -> Run:
    """The record of one run.

    Args:
        run_id: its id, or the beginning of it; none: the latest that is running, else the latest.

    Raises:
        InputError: where there is none, or several begin so.
    """
    if run_id is None:
        now = server_now(db)
        for run in db.run.find({"status": "running"}).sort("started", -1):
            if true_status(db, run, now) == "running":
                return run
        if (latest := db.run.find_one({}, sort=[("started", -1)])) is None:
            raise InputError(f"database {db.name!r} has seen no run yet", hint="catalogdb run JOB.yaml")
        return latest
    if run := db.run.find_one({"_id": {"$eq": run_id}}):
        return run
    found = []
    if len(run_id) >= LEAST_PREFIX:
        found = list(db.run.find({"_id": {"$gte": run_id, "$lt": run_id + "\uffff"}}).limit(5))
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"run {run_id!r}: several runs begin so", hint=f"one of {', '.join(row['_id'] for row in found)}"
        )
    raise InputError(f"no run {run_id!r} in database {db.name!r}", hint="catalogdb runs lists them")


def run_in_full(db: Database, run_id: str) -> Json:
    """Everything that is known of one run: its row of `list_runs`, and its stages, versions, failures and job.

    Tasks that failed in it and were done since by another run are in the failures of its record, and no longer among
    `failed_tasks`.
    """
    run = find_run(db, run_id)
    fields = {"stage": 1, "shard": 1, "starttime": 1, "status": 1, "attempts": 1, "error": 1}
    unfinished = {"run_id": run["_id"], "stage": {"$gt": ""}, "status": {"$nin": ["done", "pending"]}}
    return _row(db, run, server_now(db)) | {
        "owner": run.get("owner"),
        "alive": run.get("alive"),
        "stages": run.get("stages", {}),
        "failures": [line for stage in run.get("stages", {}).values() for line in stage.get("failures", [])],
        "failed_tasks": [row for row in db.task.find(unfinished, fields) if row["status"] != "running"],
        "versions": run.get("versions", {}),
        "job_document": run.get("job_document", {}),
    }


def tasks_of_run(db: Database, run_id: str) -> dict[str, dict[str, int]]:
    """How many tasks a run has in the ledger, by stage and status: those that it was the last to work on."""
    counts: dict[str, dict[str, int]] = {}
    group = {"_id": {"stage": "$stage", "status": "$status"}, "tasks": {"$sum": 1}}
    # stage and status stand in the index behind run_id, so that no row is read
    for row in db.task.aggregate([{"$match": {"run_id": run_id, "stage": {"$gt": ""}}}, {"$group": group}]):
        counts.setdefault(row["_id"]["stage"], {})[row["_id"]["status"]] = row["tasks"]
    return counts


def _row(db: Database, run: Run, now: datetime) -> Row:
    status = true_status(db, run, now)
    row: Row = {"run_id": run["_id"], "job": run["job"], "status": status}
    row |= {key: run.get(key) for key in ("catalog", "pick_set", "engine", "host")}
    row |= {"started": run.get("started"), "ended": run.get("ended"), "seconds": run_seconds(run, status, now)}
    return row | _outcomes(db, run) | {"error": run.get("error")}


def ended_tasks(recorded: Json, counts: dict[str, int], going: bool) -> dict[str, int]:
    """Tasks of one stage of a run by how they ended: done, failed, quarantined.

    While a run goes on the ledger knows: the record holds what those did who have left the stage. Later the record
    knows more, since tasks that another run has worked on are that run's in the ledger; but for what workers did that
    were killed.

    Args:
        recorded: of the stage, in the run's record.
        counts: as `tasks_of_run` gives them.
    """
    ledger = {status: counts.get(status, 0) for status in TASKS_ENDED}
    if going:
        return ledger
    found = {status: recorded.get(status, ledger[status]) for status in TASKS_ENDED}
    return found | {"done": max(found["done"], ledger["done"])}


def _outcomes(db: Database, run: Run) -> dict[str, int]:
    """Tasks done and failed: as a run that ended counted them, else as the ledger has them."""
    going, recorded = run["status"] == "running", run.get("stages", {})
    counts = tasks_of_run(db, run["_id"]) if going else {}
    ended = [ended_tasks(recorded.get(name, {}), counts.get(name, {}), going) for name in {*recorded, *counts}]
    return {
        "done": sum(row["done"] for row in ended),
        "failed": sum(row["failed"] + row["quarantined"] for row in ended),
    }
