"""Figures for monitoring: how the ledger stands, how runs went, what there is."""

from __future__ import annotations

from datetime import datetime, timedelta

from pymongo.database import Database

from catalogdb.database.lease import server_now
from catalogdb.documents.free import Json, Query
from catalogdb.documents.records import Run
from catalogdb.ledger.run_life import true_status
from catalogdb.runs.run_record import of_makers

RATE_SECONDS = 300.0


def ledger_figures(db: Database) -> Json:
    """How the ledger and the runs stand; quick, since indexes and the records of runs answer it.

    Returns:
        tasks: rows of stage, status, tasks. rates: rows of stage and tasks that ended per second in the last
        `RATE_SECONDS`. leases: rows of stage, held, expired, and oldest_seconds since a task was taken that is still
        held. runs: rows of job with status (of the last run), started, seconds (of the last that was done),
        last_success (a date), and numbers of runs by status. now: the server's time.
    """
    now = server_now(db)
    runs = list(
        db.run.find({}, {"job": 1, "status": 1, "started": 1, "ended": 1, "owner": 1, "workers": 1, "alive": 1})
    )
    for run in runs:
        run["status"] = true_status(db, run, now)
    return {
        "tasks": _tasks(db),
        "rates": _rates(db, runs, now),
        "leases": _leases(db, now),
        "runs": _runs(runs),
        "now": now,
    }


def content_figures(db: Database) -> Json:
    """What there is: picks, events and files are counted from indexes, which takes a second per some million.

    Returns:
        picks: by pick set. events: by catalog. newest_event: time (s) of the last event by catalog. files: by state.
        waiting: by job that picks, seconds since the first waveform file was indexed (or missed) of those that came
        after its last run that was done had begun; 0 where there is none.
    """
    pick_sets = [row["_id"] for row in db.pick_set.find({}, {"_id": 1}).sort("_id", 1)]
    catalogs = [row["_id"] for row in db.catalog.find({}, {"_id": 1}).sort("_id", 1)]
    newest = {name: db.event.find_one({"catalog": name}, {"time": 1}, sort=[("time", -1)]) for name in catalogs}
    states = {state: db.wf_file.count_documents({"state": state}) for state in db.wf_file.distinct("state")}
    return {
        "picks": {name: db.pick.count_documents({"pick_set": name}) for name in pick_sets},
        "events": {name: db.event.count_documents({"catalog": name}) for name in catalogs},
        "newest_event": {name: row["time"] for name, row in newest.items() if row},
        "files": states,
        "waiting": _waiting(db),
    }


def _waiting(db: Database) -> dict[str, float]:
    now = server_now(db)
    query = {"status": "done"} | of_makers("pick_set")
    waiting = {}
    for job in db.run.distinct("job", query):
        run = db.run.find_one(query | {"job": job}, {"started": 1}, sort=[("started", -1)])
        if run is None:  # removed meanwhile
            continue
        first = min(
            (
                row["indexed_at"]
                for state in ("indexed", "missing")
                for row in db.wf_file.find({"state": state, "indexed_at": {"$gt": run["started"]}}, {"indexed_at": 1})
                .sort("indexed_at", 1)
                .limit(1)
            ),
            default=now,
        )
        waiting[job] = (now - first).total_seconds()
    return waiting


def _tasks(db: Database) -> list[Json]:
    key = {"stage": "$stage", "status": "$status"}
    # sorted as the index on stage, config_id and status is, so that no row is read
    pipeline: list[Query] = [
        {"$sort": {"stage": 1, "config_id": 1, "status": 1}},
        {"$group": {"_id": key, "tasks": {"$sum": 1}}},
        {"$sort": {"_id": 1}},
    ]
    return [row["_id"] | {"tasks": row["tasks"]} for row in db.task.aggregate(pipeline)]


def _rates(db: Database, runs: list[Run], now: datetime) -> list[Json]:
    since = now - timedelta(seconds=RATE_SECONDS)
    recent = [run["_id"] for run in runs if run["status"] == "running" or (run.get("ended") or now) > since]
    rows = []
    for stage in db.task.distinct("stage"):
        # None: tasks that no run has done, as those of a repicking
        query = {"run_id": {"$in": [*recent, None]}, "stage": stage, "status": "done", "updated": {"$gt": since}}
        rows.append({"stage": stage, "per_second": db.task.count_documents(query) / RATE_SECONDS})
    return rows


def _leases(db: Database, now: datetime) -> list[Json]:
    rows = []
    for stage in db.task.distinct("stage"):
        query = {"stage": stage, "config_id": {"$gt": ""}, "status": "running"}
        held = list(db.task.find(query, {"updated": 1, "lease.until": 1}))
        ages = [(now - row["updated"]).total_seconds() for row in held if row.get("updated")]
        expired = sum(row.get("lease", {}).get("until", now) < now for row in held)
        rows.append({"stage": stage, "held": len(held), "expired": expired, "oldest_seconds": max(ages, default=0.0)})
    return rows


def _runs(runs: list[Run]) -> list[Json]:
    by_job: dict[str, Json] = {}
    for run in sorted((run for run in runs if run.get("started")), key=lambda run: run["started"]):
        row = by_job.setdefault(run["job"], {"job": run["job"], "numbers": {}, "seconds": None, "last_success": None})
        row |= {"status": run["status"], "started": run["started"]}
        row["numbers"][run["status"]] = row["numbers"].get(run["status"], 0) + 1
        if run["status"] == "done" and run.get("ended"):
            row["seconds"] = (run["ended"] - run["started"]).total_seconds()
            row["last_success"] = run["ended"]
    return [by_job[job] for job in sorted(by_job)]
