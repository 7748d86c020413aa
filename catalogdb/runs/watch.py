"""How far a run has come: figures from the ledger and the run's record, that any machine can ask for."""

from __future__ import annotations

from datetime import datetime, timedelta

from pymongo.database import Database

from catalogdb.database.lease import server_now
from catalogdb.documents.free import Json, Row
from catalogdb.ledger.lost import shard_name
from catalogdb.ledger.run_life import run_seconds, true_status
from catalogdb.runs.listing import TASKS_ENDED, ended_tasks, find_run, tasks_of_run

RATE_SECONDS = 120.0
"""The rate is that of so many last seconds."""


def progress_of(db: Database, run_id: str | None = None) -> Json:
    """What a run has done, is doing and has left to do. Each query is answered from an index.

    Args:
        run_id: the run, or the beginning of its id; none: the latest that is running, else the latest.

    Returns:
        run_id, job, catalog, pick_set, engine, host, status (`true_status`), started, seconds, error, stages and
        workers. Of each stage that has begun: planned, up_to_date, done, failed, quarantined, running, pending (or held
        by another run), per_minute and seconds_left (None where nothing tells). Of each task that a worker holds:
        owner, stage, shard, seconds (since it was taken), lease_seconds (left; below 0 it ran out), task_id.

    Raises:
        InputError: where there is no such run.
    """
    run = find_run(db, run_id)
    now = server_now(db)
    status = true_status(db, run, now)
    going = status == "running"
    shown = {"run_id": run["_id"]} | {key: run.get(key) for key in ("job", "catalog", "pick_set", "engine", "host")}
    shown |= {"status": status, "started": run.get("started")}
    shown["seconds"] = run_seconds(run, status, now)
    counts = tasks_of_run(db, run["_id"])
    recorded = run.get("stages", {})
    stages = [
        _stage(db, run["_id"], name, recorded.get(name, {}), counts.get(name, {}), now if going else None)
        for name in dict.fromkeys([*recorded, *sorted(counts)])
    ]
    return shown | {"error": run.get("error"), "stages": stages, "workers": _workers(db, run["_id"], counts, now)}


def _stage(db: Database, run_id: str, name: str, recorded: Json, counts: dict[str, int], now: datetime | None) -> Json:
    """One stage; `now` is None for a run that doesn't go on."""
    row: Row = {"stage": name, "planned": recorded.get("planned"), "up_to_date": recorded.get("up_to_date")}
    row |= ended_tasks(recorded, counts, going=now is not None)
    row["running"] = counts.get("running", 0)
    row["pending"] = None
    if row["planned"] is not None:
        accounted = row["up_to_date"] + sum(row[status] for status in (*TASKS_ENDED, "running"))
        row["pending"] = max(0, row["planned"] - accounted)
    row |= {"per_minute": None, "seconds_left": None}
    if now is not None and (rate := _per_second(db, run_id, name, recorded.get("started"), now)):
        row["per_minute"] = round(60 * rate, 1)
        if row["pending"] is not None:
            row["seconds_left"] = round((row["pending"] + row["running"]) / rate, 1)
    return row


def _per_second(db: Database, run_id: str, stage: str, started: datetime | None, now: datetime) -> float | None:
    """Tasks that ended per second, of late; None where none did."""
    since = now - timedelta(seconds=RATE_SECONDS)
    if started is not None:
        since = max(since, started)
    ended = {"run_id": run_id, "stage": stage, "status": {"$in": list(TASKS_ENDED)}, "updated": {"$gt": since}}
    number = db.task.count_documents(ended)
    return number / max(_seconds(now, since) or 0.0, 1.0) if number else None


def _workers(db: Database, run_id: str, counts: dict[str, dict[str, int]], now: datetime) -> list[Json]:
    fields = {"stage": 1, "shard": 1, "starttime": 1, "lease.owner": 1, "lease.until": 1, "updated": 1}
    query = {"run_id": run_id, "stage": {"$in": list(counts)}, "status": "running"}
    rows = []
    for row in db.task.find(query, fields):
        lease = row.get("lease", {})
        rows.append(
            {
                "owner": lease.get("owner"),
                "stage": row["stage"],
                "shard": shard_name(row["shard"], row["starttime"]),
                "seconds": _seconds(now, row.get("updated")),
                "lease_seconds": _seconds(lease.get("until"), now),
                "task_id": row["_id"],
            }
        )
    return sorted(rows, key=lambda row: (row["owner"] or "", row["task_id"]))


def _seconds(later: datetime | None, earlier: datetime | None) -> float | None:
    return None if later is None or earlier is None else round((later - earlier).total_seconds(), 1)
