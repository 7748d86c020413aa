"""What becomes of a task whose worker is lost: the attempt is charged to it, and after a few of them it is quarantined.

A claim leaves its mark in the ledger (status `running`, who holds it, of which inputs). Whoever finds the mark of a
holder that is gone takes the task back and counts one lost attempt, once: every update names the token of the lease.
A success forgets the count, other inputs begin a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from pymongo.database import Database
from pymongo.errors import PyMongoError

from catalogdb.database.owner import is_gone, owner
from catalogdb.ledger.stage import Stage

ATTEMPTS = 3
"""A task that took its worker down so often in a row is quarantined."""
FIELDS = {"stage": 1, "shard": 1, "starttime": 1, "lease": 1, "crashes": 1, "updated": 1}
EXPIRED = {"$expr": {"$lt": ["$lease.until", "$$NOW"]}}  # a missing lease compares below every date


def take_from_lost(db: Database, task_id: str, attempts: int = ATTEMPTS) -> bool:
    """Take back a task whose lease has expired, or whose holder is a process of this host that is gone."""
    expired = {"expired": EXPIRED["$expr"]}
    row = db.task.find_one({"_id": task_id, "status": "running"}, FIELDS | expired)
    if row is None:
        return False
    if row["expired"]:
        return _take(db, row, attempts, EXPIRED) is not None
    return is_gone(row["lease"]["owner"]) and _take(db, row, attempts) is not None


def release_dead_tasks(db: Database, query: Mapping[str, Any], attempts: int = ATTEMPTS) -> int:
    """Take back the tasks of processes of this host that are gone, instead of waiting for their leases to expire.

    Args:
        query: selects the tasks.
    """
    held = {"$and": [dict(query), {"status": "running"}]}
    return sum(
        is_gone(row.get("lease", {}).get("owner", "")) and _take(db, row, attempts) is not None
        for row in list(db.task.find(held, FIELDS))
    )


def release_dead(db: Database, stage: Stage, attempts: int = ATTEMPTS) -> int:
    """`release_dead_tasks` for those of a stage."""
    return release_dead_tasks(db, {"stage": stage.name, "config_id": stage.config_id}, attempts)


def take_back(db: Database, task_id: str, run_id: str, attempts: int, charged: bool) -> str | None:
    """Take back a task that a worker of this run holds which the run has lost.

    Args:
        charged: count it as a lost attempt: the worker died, rather than being cut off from the database.

    Returns:
        The task's new status; None where no worker of this run holds it.
    """
    row = db.task.find_one({"_id": task_id, "status": "running", "run_id": run_id}, FIELDS)
    if row is None:
        return None
    return charge(db, row, attempts) if charged else _free(db, row, {"status": "pending"})


def release_run(db: Database, run_id: str) -> None:
    """Give back what the workers of an interrupted run held; a database that is gone lets it expire."""
    with suppress(PyMongoError):
        for row in list(db.task.find({"run_id": run_id, "status": "running"}, FIELDS)):
            _free(db, row, {"status": "pending"})


def release_own(db: Database, run_id: str) -> None:
    """Give back what this process holds of a run: a claim that an interrupt met may be granted after all."""
    with suppress(PyMongoError):
        for row in list(db.task.find({"run_id": run_id, "status": "running", "lease.owner": owner()}, FIELDS)):
            _free(db, row, {"status": "pending"})


def requeue(db: Database, query: Mapping[str, Any]) -> int:
    """Let failed and quarantined tasks that a query selects be tried again, with a clean record; returns how many."""
    chosen = {"$and": [dict(query), {"status": {"$in": ["failed", "quarantined"]}}]}
    clean = {"$set": {"status": "pending", "attempts": 0}, "$unset": {"crashes": "", "error": ""}}
    return db.task.update_many(chosen, clean | {"$currentDate": {"updated": True}}).modified_count


def _take(
    db: Database, row: Mapping[str, Any], attempts: int, condition: Mapping[str, Any] | None = None
) -> str | None:
    """Take a task back from a holder that is gone, charged unless the server itself was started since it was claimed:
    a run whose server dies ends with it, and can't give its tasks back."""
    claimed = row.get("updated")
    if claimed is not None and claimed < _server_start(db):
        return _free(db, row, {"status": "pending"}, condition)
    return charge(db, row, attempts, condition)


def _server_start(db: Database) -> datetime:
    """When the server that answers was started, in whole seconds of its clock; long ago where it does not say."""
    process = db.client.admin.command("hello").get("topologyVersion", {}).get("processId")
    return process.generation_time if process else datetime.fromtimestamp(0, UTC)


def charge(
    db: Database, row: Mapping[str, Any], attempts: int, condition: Mapping[str, Any] | None = None
) -> str | None:
    """Count the attempt that a row of the ledger shows as lost, and take the task back.

    Args:
        row: what of `FIELDS` the row holds.
        attempts: so many in a row with the same inputs, and the task is quarantined.
        condition: must still hold when the task is taken back.

    Returns:
        The task's new status; None where the lease has changed hands meanwhile.
    """
    lease, before = row.get("lease", {}), row.get("crashes", {})
    inputs = lease.get("fingerprint", "")
    count = 1 + (before["count"] if before and before["fingerprint"] == inputs else 0)
    holder = lease.get("owner", "unknown host").partition("/")[0]
    values: dict[str, Any] = {"crashes": {"count": count, "fingerprint": inputs}}
    if count < attempts:
        values |= {"status": "pending", "error": f"the worker on {holder} was lost: {count} of {attempts} attempts"}
    else:
        values |= {
            "status": "quarantined",
            "error": f"{shard_name(row['shard'], row['starttime'])}: quarantined: its worker was lost {count} times in "
            f"a row, the last one on {holder}; catalogdb retry, or other inputs, let it be tried again",
        }
    return _free(db, row, values, condition)


def shard_name(shard: Mapping[str, Any], starttime: float) -> str:
    """What a task covers, as messages name it."""
    names = ".".join(str(value) for value in shard.values())
    start = datetime.fromtimestamp(starttime, UTC).replace(tzinfo=None)
    return f"{names or 'window'} {start.isoformat(timespec='seconds')}"


def _free(
    db: Database, row: Mapping[str, Any], values: dict[str, Any], condition: Mapping[str, Any] | None = None
) -> str | None:
    held = {"_id": row["_id"], "status": "running", "lease.token": row.get("lease", {}).get("token")}
    change = {"$set": values, "$unset": {"lease": ""}, "$currentDate": {"updated": True}}
    return values["status"] if db.task.update_one(held | dict(condition or {}), change).modified_count else None
