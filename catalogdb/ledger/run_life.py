"""Is a run still going? Signs of life in its record, and how they are read from any machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pymongo.database import Database

from catalogdb import logs
from catalogdb.database.heartbeat import beating
from catalogdb.database.owner import is_gone, owner

BEAT_SECONDS = 30.0
SILENT_SECONDS = 300.0
"""A run of which nothing was heard for so long is lost."""


def server_now(db: Database) -> datetime:
    """The server's clock, by which the ledger and the runs are dated."""
    return db.client.admin.command("hello")["localTime"].replace(tzinfo=UTC)


@contextmanager
def signs_of_life(db: Database, run_id: str) -> Iterator[None]:
    """Note who carries out a run, and go on noting that it lives, until the block ends."""
    mine = {"_id": run_id, "status": "running"}
    db.run.update_one(mine, {"$set": {"owner": owner()}, "$currentDate": {"alive": True}})
    with beating(
        f"run {run_id}", lambda: BEAT_SECONDS, lambda: db.run.update_one(mine, {"$currentDate": {"alive": True}})
    ):
        yield


def note_stage(db: Database, run_id: str, stage: str, planned: int, up_to_date: int) -> None:
    """Note in a run's record that a stage begins, and how much it has to do."""
    logs.event("stage started", run_id=run_id, stage=stage, planned=planned, up_to_date=up_to_date)
    values = {f"stages.{stage}.planned": planned, f"stages.{stage}.up_to_date": up_to_date}
    db.run.update_one({"_id": run_id}, {"$set": values, "$currentDate": {f"stages.{stage}.started": True}})


def true_status(db: Database, run: Mapping[str, Any], now: datetime) -> str:
    """The status of a run as it is, not as its record was left.

    A record says `running` for ever when the process died without a word. Such a run is `lost` where its process (of a
    shared run: each that takes part) was on this host and is gone, and where nothing of it was heard for
    `SILENT_SECONDS`: it gave no sign of life, and no worker holds a lease of a task for it.

    Args:
        run: document of `run`, or its fields status, owner, workers, alive and started.
        now: `server_now`.
    """
    if run["status"] != "running":
        return run["status"]
    # a worker of a shared run adds something of its own behind the name of its process
    at_work = [":".join(name.split(":")[:3]) for name in run.get("workers", [])] or [run.get("owner", "")]
    if all(is_gone(name) for name in at_work):
        return "lost"
    heard = run.get("alive") or run.get("started")
    if heard and (now - heard).total_seconds() <= SILENT_SECONDS:
        return "running"
    held = {"run_id": run["_id"], "status": "running", "lease.until": {"$gt": now}}
    return "lost" if db.task.find_one(held, {"_id": 1}) is None else "running"


def live_run(db: Database, kind: str, name: str) -> str | None:
    """A run that makes or reads a result now: its id, None where there is no such run.

    Args:
        kind: `pick_set` or `catalog`.
        name: the result's name.
    """
    now = server_now(db)
    fields = {"status": 1, "owner": 1, "workers": 1, "alive": 1, "started": 1}
    going = (run for run in db.run.find({"status": "running", kind: name}, fields))
    return next((run["_id"] for run in going if true_status(db, run, now) == "running"), None)
