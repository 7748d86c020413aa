"""The ledger: which tasks there are, who holds them, and the one transaction that makes a task's result visible.

Who holds a task is said by its lease, see `database.lease`. A result is committed together with the ledger row, and
only by the holder of the lease. What becomes of a task whose holder is lost stands in `lost`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import pymongo
from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError

from catalogdb.database.lease import NOW, Change, Lease
from catalogdb.documents.free import AnyDocument
from catalogdb.errors import CatalogdbError, LostLease, NameTaken
from catalogdb.identity import content_id, plain_id
from catalogdb.ledger.lost import ATTEMPTS, take_from_lost
from catalogdb.ledger.lost import release_dead as release_dead
from catalogdb.ledger.stage import Output, PlannedTask, Shard, Stage

BATCH = 1000
COMMIT_SELECTIONS = 3  # a commit may take so many times as long as a server is looked for
LINES_KEPT = 500
REGISTER_FIELDS = {"fingerprint": 1, "status": 1, "glance": 1, "crashes.count": 1}
DUPLICATE_KEY = 11000
TRANSACTION_TOO_LARGE = 388


@dataclass(frozen=True)
class LeaseTerms:
    """On what terms a task is held.

    Args:
        seconds: how long a lease holds without a heartbeat of its holder.
        attempts: a task whose worker was lost so often in a row, with the same inputs, is quarantined.
    """

    seconds: float = 60.0
    attempts: int = ATTEMPTS


def task_id(stage: Stage, shard: Shard) -> str:
    """Identity of a task: stage, configuration and shard."""
    times = [int(time) if float(time).is_integer() else time for time in (shard.starttime, shard.endtime)]
    if all(type(value) is str for value in shard.key.values()):
        return plain_id([stage.name, stage.config_id, dict(shard.key), *times])
    return content_id(stage.name, stage.config_id, shard.key, *times)


def register(db: Database, stage: Stage, planned: Iterable[PlannedTask]) -> tuple[list[PlannedTask], int]:
    """Enter planned tasks into the ledger.

    Returns:
        The tasks to be done (new, failed, interrupted, or with other inputs than before), and how many are up to date.
        Those that a worker was lost with come last: a poisoned one then holds up none of the others.
    """
    to_do: list[PlannedTask] = []
    suspect: list[PlannedTask] = []
    up_to_date = 0
    batch: list[PlannedTask] = []

    def flush() -> None:
        nonlocal up_to_date
        identities = [task_id(stage, item.shard) for item in batch]
        rows = {row["_id"]: row for row in db.task.find({"_id": {"$in": identities}}, REGISTER_FIELDS)}
        done = {identity: row.get("fingerprint") for identity, row in rows.items() if row["status"] == "done"}
        missing = set(identities) - set(rows)
        updates = [
            UpdateOne({"_id": identity}, {"$setOnInsert": _new_row(stage, item)}, upsert=True)
            for identity, item in zip(identities, batch, strict=True)
            if identity in missing
        ]
        updates += [
            UpdateOne({"_id": identity, "fingerprint": item.fingerprint}, {"$set": {"glance": item.glance}})
            for identity, item in zip(identities, batch, strict=True)
            if item.glance and done.get(identity) == item.fingerprint and rows[identity].get("glance") != item.glance
        ]
        if updates:
            db.task.bulk_write(updates, ordered=False)
        for identity, item in zip(identities, batch, strict=True):
            if done.get(identity) == item.fingerprint:
                up_to_date += 1
            elif "crashes" in rows.get(identity, {}):
                suspect.append(item)
            else:
                to_do.append(item)
        batch.clear()

    for item in planned:
        batch.append(item)
        if len(batch) == BATCH:
            flush()
    if batch:
        flush()
    return to_do + suspect, up_to_date


def was_reset(db: Database, stage: Stage, shard: Shard) -> bool:
    """True for a task that has a result, and was marked since to be done again."""
    row = db.task.find_one({"_id": task_id(stage, shard)}, {"fingerprint": 1, "counts": 1})
    return row is not None and "counts" in row and "fingerprint" not in row


def _new_row(stage: Stage, item: PlannedTask) -> AnyDocument:
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


def claim(
    db: Database, task_id: str, fingerprint: str, run_id: str | None = None, terms: LeaseTerms = LeaseTerms()
) -> Lease | None:
    """Take the lease of a task.

    Returns:
        None while another worker holds it, when one has just done it with these inputs, or when it is quarantined with
        them.
    """
    lease = Lease(db.task, task_id, terms.seconds, notes={"fingerprint": fingerprint})
    same_inputs = [
        {"status": "done", "fingerprint": fingerprint},
        {"status": "quarantined", "crashes.fingerprint": fingerprint},
    ]
    change = Change(
        {"status": "running"} | ({"run_id": run_id} if run_id else {}),
        {"attempts": {"$add": ["$attempts", 1]}, "updated": NOW},
        where={"status": {"$ne": "running"}, "$nor": same_inputs},
    )
    try:
        while not lease.take_free(change):
            if not take_from_lost(db, task_id, terms.attempts):
                return None
    except KeyboardInterrupt:  # the server may have given the lease before its answer was read
        release(lease)
        raise
    return lease


def commit(db: Database, lease: Lease, output: Output, fingerprint: str, seconds: dict[str, float]) -> None:
    """Replace what this task wrote before by its new documents and mark it done, all in one transaction.

    Raises:
        LostLease: when another worker has taken the task since; nothing is written.
        NameTaken: when the name of the result stands for another configuration since; nothing is written.
    """
    values = {
        "status": "done",
        "fingerprint": fingerprint,
        "inputs": output.parts,
        "outputs": output.digests,
        "attempts": 0,
        "counts": output.counts,
        "choices": output.choices,
        "problems": shortened(output.problems),
        "seconds": {step: round(value, 4) for step, value in seconds.items()},
    }
    outdated: tuple[str, ...] = ("error", "crashes")
    for name, value in (("glance", output.glance), ("mark", output.mark)):
        if value is None:
            outdated += (name,)
        else:
            values[name] = value
    done = Change(values, {"updated": NOW}, outdated)

    def write(session: ClientSession, moved: bool) -> None:
        marked = lease.give_back(done, session, {"config_id": 1, "result": 1})
        if marked is None:
            raise LostLease(
                f"task {lease.identity}: its lease has gone to another worker, so this result is not written"
            )
        if output.kind:
            _check_name(db, output.kind, marked, session)
        for collection, documents in output.documents.items():
            db[collection].delete_many({"task_id": lease.identity}, session=session)
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
        except OperationFailure as error:
            if error.code != TRANSACTION_TOO_LARGE:
                raise
            number = sum(len(documents) for documents in output.documents.values())
            raise CatalogdbError(
                f"the result, {number} documents, doesn't fit into the server's cache in one transaction: give the "
                "server more (--wiredTigerCacheSizeGB), or the task less to do (stations, period, settings)"
            ) from None


def _check_name(db: Database, kind: str, row: AnyDocument, session: ClientSession) -> None:
    """Refuse a result whose name has been given to another configuration, see `stages.results`."""
    other = {"_id": row.get("result"), "config_id": {"$ne": row["config_id"]}}
    if db[kind].find_one(other, {"_id": 1}, session=session) is not None:
        words = kind.replace("_", " ")
        raise NameTaken(f"{words} {row['result']!r} was replaced meanwhile, so this result is not written")


def fail(lease: Lease, message: str) -> None:
    """Record why the attempt failed and give the lease back; earlier results of the task stay as they were."""
    lease.give_back(Change({"status": "failed", "error": message}, {"updated": NOW}))


def shortened(lines: list[str]) -> list[str]:
    """The first `LINES_KEPT` lines and how many more there were: a document has a largest size."""
    more = len(lines) - LINES_KEPT
    return [*lines[:LINES_KEPT], f"... and {more} more"] if more > 0 else lines


def release(lease: Lease) -> None:
    """Give the lease back with nothing done; a database that is gone lets it expire."""
    with suppress(PyMongoError):
        give_back(lease)


def give_back(lease: Lease) -> bool:
    """Give the lease back with nothing done; false where it was another's already.

    Raises:
        PyMongoError: where no server answers for as long as one is looked for.
    """
    return lease.give_back(Change({"status": "pending"}, {"updated": NOW})) is not None
