"""Looking at the ledger, and making tasks be done again: nothing here carries one out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo.database import Database

from catalogdb.database.lease import EXPIRED, server_now
from catalogdb.database.named import require_catalog, require_pick_set
from catalogdb.documents.free import Json, Query, Row
from catalogdb.documents.records import Task
from catalogdb.errors import InputError
from catalogdb.ledger.lost import requeue, shard_name
from catalogdb.schema import collections
from catalogdb.stages.registry import never_repeated

LEAST_PREFIX = 4
FAILED = ("failed", "quarantined")
ROW_FIELDS = (
    *("stage", "result", "shard", "starttime", "endtime", "status", "attempts", "error", "run_id", "updated"),
    "lease",
)


def statuses() -> list[str]:
    """The statuses that a task can have."""
    return list(collections()["task"].fields["status"].enum or ())


def selection(
    db: Database,
    catalog: str | None = None,
    pick_set: str | None = None,
    task_ids: Sequence[str] = (),
    stage: str | None = None,
) -> Json:
    """The filter for ledger rows of a catalog or pick set, of given ids (or beginnings of them), and of a stage;
    an empty one takes all.

    Raises:
        InputError: for a name or an id that isn't there, and for a catalog and a pick set at once.
    """
    query: Query = {}
    if catalog is not None and pick_set is not None:
        raise InputError("a task belongs to a catalog or to a pick set", hint="give one of --catalog and --pick-set")
    if catalog is not None:
        query["config_id"] = require_catalog(db, catalog)["config_id"]
    if pick_set is not None:
        query["config_id"] = require_pick_set(db, pick_set)["config_id"]
    if task_ids:
        query["_id"] = {"$in": [_full_id(db, identity) for identity in task_ids]}
    if stage is not None:
        known_stages = db.task.distinct("stage")
        if stage not in known_stages:
            raise InputError(
                f"--stage {stage}: no task of it in the ledger", hint=f"stages: {', '.join(known_stages) or 'none'}"
            )
        query["stage"] = {"$eq": stage}
    return query


def _full_id(db: Database, identity: str) -> str:
    """The id of the one task whose id begins so."""
    found = []
    if len(identity) >= LEAST_PREFIX:
        query = {"_id": {"$gte": identity, "$lt": identity + "\uffff"}}
        found = [row["_id"] for row in db.task.find(query, {"_id": 1}).sort("_id", 1).limit(2)]
    if len(found) == 1 or identity in found:
        return identity if identity in found else found[0]
    what = "several tasks begin so" if found else "not in the ledger"
    raise InputError(f"task {identity!r}: {what}", hint="catalogdb tasks --json has the ids")


def list_tasks(
    db: Database,
    where: Mapping[str, Any],
    wanted: Sequence[str] = (),
    expired: bool = False,
    limit: int = 100,
) -> list[Json]:
    """Rows of the ledger, the last changed first.

    Args:
        where: filter of `selection`.
        wanted: statuses; none: all but done.
        expired: only tasks whose worker let its lease run out.
        limit: most rows; 0 for all.

    Returns:
        Rows: task_id, stage, result, shard (as text), status, attempts, error, run_id, updated, and of those that a
        worker holds or held: owner, held_seconds (since it took it), lease_seconds (left; below 0: it ran out).

    Raises:
        InputError: for an unknown status.
    """
    if unknown := set(wanted) - set(statuses()):
        raise InputError(f"status {unknown.pop()!r}: tasks have none such", hint=f"one of {', '.join(statuses())}")
    now = server_now(db)
    query = _indexed(db, where) | {"status": {"$in": [*(wanted or (s for s in statuses() if s != "done"))]}}
    if expired:
        query |= {"status": "running", **EXPIRED}
    cursor = db.task.find(query, dict.fromkeys(ROW_FIELDS, 1)).sort([("updated", -1), ("_id", 1)]).limit(limit)
    return [_row(row, now) for row in cursor]


def retry(db: Database, where: Mapping[str, Any], dry_run: bool = False) -> list[Json]:
    """Make tasks that failed or are quarantined pending again, with a clean record.

    Args:
        where: filter of `selection`.
        dry_run: count, and change nothing.

    Returns:
        How many, by result, stage and (former) status. Another process may have taken some meanwhile; counted is what
        was changed.
    """
    return _by_kind(db, where, FAILED, None if dry_run else lambda query: requeue(db, query))


def reset(db: Database, where: Mapping[str, Any], dry_run: bool = False) -> list[Json]:
    """Mark tasks that are done to be done again; what they made stays until it is replaced.

    Args and Returns: as `retry`.
    """
    change = {
        "$set": {"status": "pending", "attempts": 0},
        "$unset": {"fingerprint": ""},
        "$currentDate": {"updated": True},
    }
    return _by_kind(
        db, where, ("done",), None if dry_run else lambda query: db.task.update_many(query, change).modified_count
    )


def _by_kind(
    db: Database, where: Mapping[str, Any], wanted: Sequence[str], change: Callable[[Json], int] | None
) -> list[Json]:
    """Count the tasks of each result, stage and status, or change them and count what was changed."""
    group = {"_id": {key: f"${key}" for key in ("result", "stage", "status")}, "tasks": {"$sum": 1}}
    match = {"$and": [_indexed(db, where), {"status": {"$in": list(wanted)}}, {"stage": {"$nin": never_repeated()}}]}
    rows = []
    for found in db.task.aggregate([{"$match": match}, {"$group": group}, {"$sort": {"_id": 1}}]):
        number = found["tasks"]
        if change is not None:
            number = change({"$and": [match, *({key: value} for key, value in found["_id"].items())]})
        rows.append(found["_id"] | {"tasks": number})
    return rows


def _indexed(db: Database, where: Mapping[str, Any]) -> Query:
    """The filter with what the index on stage, config_id and status begins with."""
    if "_id" in where:
        return dict(where)
    return {"stage": {"$in": db.task.distinct("stage")}, "config_id": {"$gt": ""}, **where}


def _row(row: Task, now: datetime) -> Row:
    told: Row = {
        "task_id": row["_id"],
        "stage": row["stage"],
        "result": row.get("result"),
        # files that hold no event and no pick have no times
        "shard": shard_name(row["shard"], row["starttime"]) if "starttime" in row else ".".join(row["shard"].values()),
    }
    told |= {key: row.get(key) for key in ("status", "attempts")}
    if lease := row.get("lease"):
        told["owner"] = lease.get("owner")
        if row.get("updated"):
            told["held_seconds"] = round((now - row["updated"]).total_seconds(), 1)
        told["lease_seconds"] = round((lease["until"] - now).total_seconds(), 1)
    return told | {key: row.get(key) for key in ("error", "run_id", "updated")}
