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

from catalogdb.database.lease import FIELDS as LEASE_FIELDS
from catalogdb.database.lease import NOW, Change, of_lost_holder
from catalogdb.database.lease import take_back as take_lease_back
from catalogdb.documents.free import Json
from catalogdb.ledger.stage import Stage

ATTEMPTS = 3
"""A task that took its worker down so often in a row is quarantined."""
FIELDS = {"stage": 1, "shard": 1, "starttime": 1, "crashes": 1, "updated": 1} | LEASE_FIELDS
PENDING = {"status": "pending"}


def take_from_lost(db: Database, task_id: str, attempts: int = ATTEMPTS) -> bool:
    """Take back a task whose lease has expired, or whose holder is a process of this host that is gone."""
    row = db.task.find_one({"_id": task_id, "status": "running"}, FIELDS)
    return row is not None and _take(db, row, attempts)


def release_dead_tasks(db: Database, query: Mapping[str, Any], attempts: int = ATTEMPTS) -> int:
    """Take back tasks whose holders are lost; of this host's that are gone, without waiting for their leases to expire.

    Args:
        query: selects the tasks.
    """
    held = {"$and": [dict(query), {"status": "running"}]}
    return sum(_take(db, row, attempts) for row in list(db.task.find(held, FIELDS)))


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
    return charge(db, row, attempts) if charged else _free(db, row, PENDING)


def release_run(db: Database, run_id: str, holder: str | None = None) -> None:
    """Give back what is held of an interrupted run: a claim that an interrupt met may be granted after all. A database
    that is gone lets it expire.

    Args:
        holder: what this process holds alone; none: what any does.
    """
    query = {"run_id": run_id, "status": "running"} | ({"lease.owner": holder} if holder else {})
    with suppress(PyMongoError):
        for row in list(db.task.find(query, FIELDS)):
            _free(db, row, PENDING)


def requeue(db: Database, query: Mapping[str, Any]) -> int:
    """Let failed and quarantined tasks that a query selects be tried again, with a clean record; returns how many."""
    chosen = {"$and": [dict(query), {"status": {"$in": ["failed", "quarantined"]}}]}
    clean = {"$set": {"status": "pending", "attempts": 0}, "$unset": {"crashes": "", "error": ""}}
    return db.task.update_many(chosen, clean | {"$currentDate": {"updated": True}}).modified_count


def _take(db: Database, row: Mapping[str, Any], attempts: int) -> bool:
    """Take a task back from a holder that is lost, charged unless the server itself was started since it was claimed: a
    run whose server dies ends with it, and can't give its tasks back. False where the holder may live."""
    lost = of_lost_holder(row)
    if lost is None:
        return False
    claimed = row.get("updated")
    if claimed is not None and claimed < _server_start(db):
        return _free(db, row, PENDING, lost) is not None
    return charge(db, row, attempts, lost) is not None


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
    values: Json = {"crashes": {"count": count, "fingerprint": inputs}}
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


def _free(db: Database, row: Mapping[str, Any], values: Json, condition: Mapping[str, Any] | None = None) -> str | None:
    change = Change(values, {"updated": NOW}, where={"status": "running", **(condition or {})})
    return values["status"] if take_lease_back(db.task, row, change) else None
