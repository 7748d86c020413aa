"""What a task makes beyond what one transaction holds: written before the commit, some at a time, each document with
the mark of its attempt. The commit puts the mark into the ledger's row; from then on the documents count."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import uuid4

from pymongo.database import Database

from catalogdb.batches import batches
from catalogdb.documents.free import AnyDocument

BATCH = 500


@dataclass(frozen=True)
class Written:
    """What stands beside a task.

    Attributes:
        mark: of the documents that this attempt has written; None where it has written nothing.
        older: of those that counted before; empty where none did.
    """

    mark: str | None
    older: str


def write(
    db: Database,
    task_id: str,
    config_id: str,
    collections: Collection[str],
    beside: Mapping[str, Iterable[AnyDocument]],
) -> Written:
    """Write documents that count from the commit on, by whoever holds the task's lease. What attempts left that came to
    no commit is removed before.

    Args:
        collections: that the stage writes in this way.
        beside: documents by collection, complete but for `config_id`, `task_id` and `mark`; the mark is added to
            `_id`, since those of the attempt before stand beside them for a while.
    """
    older = that_count(db, task_id)["mark"] if collections else ""
    for name in collections:
        db[name].delete_many({"task_id": task_id, "mark": {"$ne": older}})
    mark = None
    for name, documents in beside.items():
        for batch in batches(documents, BATCH):
            mark = mark or uuid4().hex
            common = {"config_id": config_id, "task_id": task_id, "mark": mark}
            rows = [document | common | {"_id": f"{document['_id']}-{mark}"} for document in batch]
            db[name].insert_many(rows, ordered=False)
    return Written(mark, older)


def drop_older(db: Database, task_id: str, collections: Iterable[str], written: Written) -> None:
    """Remove what counted before an attempt, after its commit."""
    for name in collections:
        db[name].delete_many({"task_id": task_id, "mark": written.older})


def that_count(db: Database, task_id: str) -> dict[str, str]:
    """Of a collection that is written in this way, the filter of the documents of a task that count."""
    row = db.task.find_one({"_id": task_id}, {"mark": 1}) or {}
    return {"task_id": task_id, "mark": row.get("mark", "")}


def marks_left(db: Database, collection: str, task_id: str) -> list[str]:
    """Marks of a task's documents that count no more, or never did; none where a worker has the task, or may have it,
    or where the ledger has no such task."""
    marks = db[collection].distinct("mark", {"task_id": task_id})  # before the row: what is committed since is in it
    row = db.task.find_one({"_id": task_id, "lease": None}, {"mark": 1})
    return [] if row is None else sorted(set(marks) - {row.get("mark")})
