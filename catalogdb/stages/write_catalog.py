"""Documents of an ingested catalog -> the database, so that nobody finds half of them under its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pymongo import ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import OperationFailure

from catalogdb.batches import batches
from catalogdb.database.lease import Lease
from catalogdb.documents.free import AnyDocument, Query
from catalogdb.documents.records import Task
from catalogdb.errors import NameTaken
from catalogdb.exchange.documents import CatalogDocuments

TRANSACTION_DOCUMENTS = 20_000  # what is larger may not fit the server's cache as one transaction
BATCH_DOCUMENTS = 5_000
TRANSACTION_TOO_LARGE = 388  # MongoDB's code TransactionTooLargeForCache


def write_catalog(
    db: Database,
    name: str,
    documents: CatalogDocuments,
    named: dict[str, AnyDocument],
    ledger: Task,
    lease: Lease,
) -> None:
    """Replace what stands under a name by the documents of a catalog.

    Up to 20,000 documents, old and new, are written in one transaction if the server's cache holds it; beyond, in
    batches with the `catalog` document taken away first and put back last. Each transaction makes sure of the lease, so
    a process that slept through it writes nothing more.

    Args:
        named: the documents of the name, by collection.
        ledger: the row of `task`; its `_id` is the `task_id` of the documents.
        lease: the right to write under the name, see `name_lease`.

    Raises:
        LostLease: when the lease has gone to another process.
        NameTaken: when a run has taken the name meanwhile; what was written is removed again.
    """
    of_collections: dict[str, Sequence[Any]] = {"pick": documents.picks, "event": documents.events, **documents.about}
    writer = _Writer(db, name, of_collections, named, ledger, lease)
    present = sum(db[collection].count_documents(own) for collection, own in writer.present())
    new = sum(map(len, of_collections.values()))
    if new + present <= TRANSACTION_DOCUMENTS and writer.all_at_once():
        return
    writer.in_batches()


@dataclass(frozen=True)
class _Writer:
    db: Database
    name: str
    documents: dict[str, Sequence[Any]]
    named: dict[str, AnyDocument]
    ledger: Task
    lease: Lease

    def present(self) -> Iterator[tuple[str, Query]]:
        """Each collection with a filter of what stands in it under the name."""
        for collection in self.documents:
            yield collection, {"pick_set" if collection == "pick" else "catalog": self.name}

    def all_at_once(self) -> bool:
        """Write everything in one transaction; false where it is too large for the server."""

        def write(session: ClientSession) -> None:
            self._remove_names(session)
            for collection, own in self.present():
                self.db[collection].delete_many(own, session=session)
            for collection, documents in self.documents.items():
                if documents:
                    self.db[collection].insert_many(documents, session=session)
            self._insert_names(session)

        with self.db.client.start_session() as session:
            try:
                session.with_transaction(write)
            except OperationFailure as error:
                if TRANSACTION_TOO_LARGE not in _codes(error):
                    raise
                return False
        return True

    def in_batches(self) -> None:
        """Write in many transactions; the name is away meanwhile."""
        with self.db.client.start_session() as session:
            session.with_transaction(self._remove_names)
            for collection, own in self.present():
                self.lease.confirm()
                self.db[collection].delete_many(own)
            try:
                for collection, documents in self.documents.items():
                    for batch in batches(documents, BATCH_DOCUMENTS):
                        session.with_transaction(partial(self._insert, collection, batch))
                session.with_transaction(self._insert_names)
            except NameTaken:
                for collection in self.documents:
                    self.db[collection].delete_many({"task_id": self.ledger["_id"]})
                raise

    def _insert(self, collection: str, documents: list[AnyDocument], session: ClientSession) -> None:
        self.lease.confirm(session)
        self.db[collection].insert_many(documents, session=session)

    def _remove_names(self, session: ClientSession) -> None:
        self.lease.confirm(session)
        self._refuse_a_run(session)
        self.db.task.delete_many({"stage": self.ledger["stage"], "result": self.name}, session=session)
        for collection in ("catalog", "pick_set"):
            self.db[collection].delete_one({"_id": self.name}, session=session)

    def _insert_names(self, session: ClientSession) -> None:
        self.lease.confirm(session)
        self._refuse_a_run(session)
        for collection, document in self.named.items():
            self.db[collection].bulk_write([ReplaceOne({"_id": self.name}, document, upsert=True)], session=session)
        self.db.task.bulk_write([ReplaceOne({"_id": self.ledger["_id"]}, self.ledger, upsert=True)], session=session)

    def _refuse_a_run(self, session: ClientSession) -> None:
        made_by_a_run = {"_id": self.name, "config.files": {"$exists": False}, "copied_from": {"$exists": False}}
        for collection in ("catalog", "pick_set"):
            if self.db[collection].find_one(made_by_a_run, {"_id": 1}, session=session) is not None:
                raise NameTaken(
                    f"{collection.replace('_', ' ')} {self.name!r} was made by a job meanwhile",
                    hint="give the ingested catalog another --name",
                )


def _codes(error: OperationFailure) -> set[int | None]:
    details = error.details or {}
    return {error.code} | {part.get("code") for part in details.get("writeErrors", [])}
