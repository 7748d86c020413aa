"""The ledger: which tasks there are, who holds them, and the one transaction that makes a task's result visible.

A lease is taken and prolonged by single updates whose conditions use the server's clock (`$$NOW`), so two workers never
hold one task whatever their own clocks say. A result is committed together with the ledger row, and only by the holder
of the lease.
"""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psutil
import pymongo
from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError, ConnectionFailure, PyMongoError

from catalogdb.errors import LostLease
from catalogdb.identity import content_id
from catalogdb.stages.stage import Output, PlannedTask, Shard, Stage

LEASE_SECONDS = 60.0
HEARTBEAT_SECONDS = 15.0
BATCH = 1000
COMMIT_SELECTIONS = 3  # a commit may take so many times as long as a server is looked for
LINES_KEPT = 500
DATABASE_GONE = (ConnectionFailure,)
DUPLICATE_KEY = 11000


@dataclass(frozen=True)
class Lease:
    """The right to commit one task's result, for as long as the token stands in the ledger."""

    task_id: str
    token: str


def owner() -> str:
    """This process, so that others on the host can see when it is gone: host, process id, start of the process."""
    process = psutil.Process()
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.2f}"


def task_id(stage: Stage, shard: Shard) -> str:
    """Identity of a task: stage, configuration and shard."""
    return content_id(stage.name, stage.config_id, shard.key, shard.starttime, shard.endtime)


def register(db: Database, stage: Stage, planned: Iterable[PlannedTask]) -> tuple[list[PlannedTask], int]:
    """Enter planned tasks into the ledger.

    Returns:
        The tasks to be done (new, failed, interrupted, or with other inputs than before), and how many are up to date.
    """
    to_do: list[PlannedTask] = []
    up_to_date = 0
    batch: list[PlannedTask] = []

    def flush() -> None:
        nonlocal up_to_date
        identities = [task_id(stage, item.shard) for item in batch]
        done = {
            row["_id"]: row.get("fingerprint")
            for row in db.task.find({"_id": {"$in": identities}, "status": "done"}, {"fingerprint": 1})
        }
        missing = set(identities) - set(done)
        updates = [
            UpdateOne({"_id": identity}, {"$setOnInsert": _new_row(stage, item)}, upsert=True)
            for identity, item in zip(identities, batch, strict=True)
            if identity in missing
        ]
        if updates:
            db.task.bulk_write(updates, ordered=False)
        for identity, item in zip(identities, batch, strict=True):
            if done.get(identity) == item.fingerprint:
                up_to_date += 1
            else:
                to_do.append(item)
        batch.clear()

    for item in planned:
        batch.append(item)
        if len(batch) == BATCH:
            flush()
    if batch:
        flush()
    return to_do, up_to_date


def _new_row(stage: Stage, item: PlannedTask) -> dict[str, Any]:
    shard = item.shard
    return {
        "stage": stage.name,
        "config_id": stage.config_id,
        "result": stage.result,
        "shard": dict(shard.key),
        "starttime": shard.starttime,
        "endtime": shard.endtime,
        "status": "pending",
        "attempts": 0,
    }


def claim(db: Database, task_id: str, fingerprint: str, run_id: str | None = None) -> Lease | None:
    """Take the lease of a task; None while another worker holds it, or when one has just done it with these inputs."""
    token = uuid.uuid4().hex
    values = {
        "status": "running",
        "attempts": {"$add": ["$attempts", 1]},
        "lease": {"token": token, "owner": owner(), "until": _from_now(LEASE_SECONDS)},
        "updated": "$$NOW",
    }
    if run_id:
        values["run_id"] = run_id
    # a missing lease compares below every date
    free = {
        "_id": task_id,
        "$expr": {"$lt": ["$lease.until", "$$NOW"]},
        "$nor": [{"status": "done", "fingerprint": fingerprint}],
    }
    row = db.task.update_one(free, [{"$set": values}])
    return Lease(task_id, token) if row.matched_count else None


@contextmanager
def heartbeat(db: Database, lease: Lease) -> Iterator[None]:
    """Keep the lease alive while the task is worked on."""
    finished = threading.Event()

    def beat() -> None:
        while not finished.wait(HEARTBEAT_SECONDS):
            try:
                db.task.update_one(_held(lease), [{"$set": {"lease.until": _from_now(LEASE_SECONDS)}}])
            except PyMongoError:
                continue  # the commit is what decides; until then keep trying

    thread = threading.Thread(target=beat, name=f"lease {lease.task_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()


def commit(db: Database, lease: Lease, output: Output, fingerprint: str, seconds: dict[str, float]) -> None:
    """Replace what this task wrote before by its new documents and mark it done, all in one transaction.

    Raises:
        LostLease: when another worker has taken the task since; nothing is written.
    """
    row = {
        "status": "done",
        "fingerprint": fingerprint,
        "attempts": 0,
        "counts": output.counts,
        "choices": output.choices,
        "problems": shortened(output.problems),
        "seconds": {step: round(value, 4) for step, value in seconds.items()},
    }

    def write(session: ClientSession, moved: bool) -> None:
        marked = db.task.update_one(
            _held(lease),
            [
                {"$set": {key: {"$literal": value} for key, value in row.items()} | {"updated": "$$NOW"}},
                {"$unset": ["lease", "error"]},
            ],
            session=session,
        )
        if not marked.matched_count:
            raise LostLease(
                f"task {lease.task_id}: its lease has gone to another worker, so this result is not written"
            )
        for collection, documents in output.documents.items():
            db[collection].delete_many({"task_id": lease.task_id}, session=session)
            if moved:
                identities = [document["_id"] for document in documents]
                db[collection].delete_many({"_id": {"$in": identities}}, session=session)
            if documents:
                db[collection].insert_many(documents, session=session)

    # without a limit the driver goes on trying for two minutes after the server has gone
    limit = COMMIT_SELECTIONS * db.client.options.server_selection_timeout
    with pymongo.timeout(limit), db.client.start_session() as session:
        try:
            session.with_transaction(lambda session: write(session, moved=False))
        except BulkWriteError as error:
            if all(row["code"] != DUPLICATE_KEY for row in error.details["writeErrors"]):
                raise
            # what moved here over a shard's border still stands under the neighbour, until that one is done again
            session.with_transaction(lambda session: write(session, moved=True))


def fail(db: Database, lease: Lease, message: str) -> None:
    """Record why the attempt failed and give the lease back; earlier results of the task stay as they were."""
    values = {"status": "failed", "error": {"$literal": message}, "updated": "$$NOW"}
    db.task.update_one(_held(lease), [{"$set": values}, {"$unset": "lease"}])


def fail_without_lease(db: Database, task_id: str, message: str) -> None:
    """Record that a task took its worker process down with it."""
    values = {"status": "failed", "error": {"$literal": message}, "updated": "$$NOW"}
    db.task.update_one({"_id": task_id, "status": "running"}, [{"$set": values}, {"$unset": "lease"}])


def shortened(lines: list[str]) -> list[str]:
    """The first `LINES_KEPT` lines and how many more there were: a document has a largest size."""
    more = len(lines) - LINES_KEPT
    return [*lines[:LINES_KEPT], f"... and {more} more"] if more > 0 else lines


def release(db: Database, lease: Lease) -> None:
    """Give the lease back with nothing done; a database that is gone lets it expire."""
    with suppress(PyMongoError):
        db.task.update_one(_held(lease), [{"$set": {"status": "pending", "updated": "$$NOW"}}, {"$unset": "lease"}])


def release_dead(db: Database, stage: Stage) -> int:
    """Free the leases of processes of this host that no longer exist, instead of waiting for them to expire."""
    here = socket.gethostname()
    freed = 0
    query = {"stage": stage.name, "config_id": stage.config_id, "status": "running"}
    for row in db.task.find(query, {"lease": 1}):
        lease = row.get("lease", {})
        host, _, process = lease.get("owner", "").partition(":")
        if host == here and not _lives(process):
            freed += db.task.update_one(
                {"_id": row["_id"], "lease.token": lease["token"]},
                [{"$set": {"status": "pending"}}, {"$unset": "lease"}],
            ).modified_count
    return freed


def _lives(process: str) -> bool:
    pid, _, created = process.partition(":")
    try:
        return int(pid) == os.getpid() or f"{psutil.Process(int(pid)).create_time():.2f}" == created
    except (psutil.NoSuchProcess, ValueError):
        return False
    except psutil.AccessDenied:
        return True


def _held(lease: Lease) -> dict[str, Any]:
    return {"_id": lease.task_id, "lease.token": lease.token}


def _from_now(seconds: float) -> dict[str, Any]:
    return {"$add": ["$$NOW", int(seconds * 1000)]}
