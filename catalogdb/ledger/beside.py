"""What a task makes beyond what one transaction holds: written before the commit, some at a time, each document with
the mark of its attempt. The commit puts the mark into the ledger's row; from then on the documents count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pymongo.database import Database

from catalogdb.batches import batches
from catalogdb.documents.free import AnyDocument, Query

BATCH = 500


@dataclass(frozen=True)
class Written:
    """What stands beside a task.

    Attributes:
        mark: of the documents that this attempt has written; None where it has written nothing.
        older: marks of those that were there before, by collection.
    """

    mark: str | None
    older: Mapping[str, list[str]]


def write(
    db: Database, task_id: str, config_id: str, collections: Iterable[str], beside: Mapping[str, Iterable[AnyDocument]]
) -> Written:
    """Write documents that count from the commit on.

    Args:
        collections: that the stage writes in this way.
        beside: documents by collection, complete but for `config_id`, `task_id` and `mark`; the mark is added to
            `_id`, since those of the attempt before stand beside them for a while.
    """
    older = {name: db[name].distinct("mark", {"task_id": task_id}) for name in collections}
    mark = None
    for name, documents in beside.items():
        for batch in batches(documents, BATCH):
            mark = mark or uuid4().hex
            common = {"config_id": config_id, "task_id": task_id, "mark": mark}
            rows = [document | common | {"_id": f"{document['_id']}-{mark}"} for document in batch]
            db[name].insert_many(rows, ordered=False)
    return Written(mark, older)


def drop_older(db: Database, task_id: str, written: Written) -> None:
    """Remove what was there before an attempt, after its commit; also what attempts left that came to no commit."""
    for name, marks in written.older.items():
        if marks:
            db[name].delete_many({"task_id": task_id, "mark": {"$in": marks}})


def that_count(db: Database, task_id: str) -> Query:
    """Of a collection that is written in this way, the documents of a task that count."""
    row: Mapping[str, Any] = db.task.find_one({"_id": task_id}, {"mark": 1}) or {}
    return {"task_id": task_id, "mark": row.get("mark", "")}
