"""Is a run still going? Heartbeats in its record, and how they are read from any machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pymongo.database import Database

from catalogdb.database.lease import HELD, beating, server_now
from catalogdb.database.owner import is_gone

HEARTBEAT_SECONDS = 30.0
SILENT_SECONDS = 300.0
"""A run of which nothing was heard for so long is lost."""


@contextmanager
def run_kept(db: Database, run_id: str) -> Iterator[None]:
    """Within the block, note by heartbeats that the run goes on."""
    going = {"_id": run_id, "status": "running"}
    change = {"$currentDate": {"alive": True}}
    with beating(f"run {run_id}", HEARTBEAT_SECONDS, lambda: db.run.update_one(going, change)):
        yield


def true_status(db: Database, run: Mapping[str, Any], now: datetime) -> str:
    """The status of a run as it is, not as its record was left.

    A record says `running` for ever when the process died without a word. Such a run is `lost` where each process that
    takes part was on this host and is gone, and where nothing of it was heard for `SILENT_SECONDS`: it gave no
    heartbeat, and no worker holds a lease of a task for it.

    Args:
        run: document of `run`, or its fields status, owner, workers, alive and started.
        now: `server_now`.
    """
    if run["status"] != "running":
        return run["status"]
    # who takes part adds something of its own behind the name of its process
    at_work = [":".join(name.split(":")[:3]) for name in run.get("workers", [])] or [run.get("owner", "")]
    if all(is_gone(name) for name in at_work):
        return "lost"
    heard = run.get("alive") or run.get("started")
    if heard and (now - heard).total_seconds() <= SILENT_SECONDS:
        return "running"
    held = {"run_id": run["_id"], "status": "running", **HELD}
    return "lost" if db.task.find_one(held, {"_id": 1}) is None else "running"


def run_seconds(run: Mapping[str, Any], status: str, now: datetime) -> float | None:
    """How long a run took, or has taken so far.

    Of a lost one until its last heartbeat, which it outlived by up to `HEARTBEAT_SECONDS`; None where there was none.

    Args:
        run: document of `run`, or its fields started, ended and alive.
        status: as `true_status` has it.
        now: `server_now`.
    """
    started, last = run.get("started"), run.get("ended") or (now if status == "running" else run.get("alive"))
    if started is None or last is None or (status == "lost" and last <= started):
        return None
    return round((last - started).total_seconds(), 1)


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
