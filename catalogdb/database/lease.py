"""Leases on documents: one process at a time changes what a document stands for.

A lease is taken and renewed by single updates whose conditions use the server's clock (`$$NOW`), so two processes never
hold one whatever their own clocks say. A holder of this host that is gone is noticed at once, one elsewhere when its
lease expires. The ledger's tasks have the same field, with what becomes of a lost attempt besides.
"""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, ExecutionTimeout

from catalogdb.database.heartbeat import beating
from catalogdb.database.owner import is_gone, owner
from catalogdb.errors import LostLease

LEASE_SECONDS = 120.0
HEARTBEATS_PER_LEASE = 8
ASK_AGAIN_SECONDS = 0.5
BLOCKED_MS = 2_000
EXPIRED = {"$expr": {"$lt": ["$lease.until", "$$NOW"]}}  # a missing lease compares below every date

Waiting = Callable[[str], object]


def from_now(seconds: float) -> dict[str, Any]:
    """The server's time in so many seconds, as an expression of an update."""
    return {"$add": ["$$NOW", int(seconds * 1000)]}


def holder(row: Mapping[str, Any] | None) -> str | None:
    """Who holds the lease of a document that was just read, by its name; None where a process of this host did that is
    gone. Whether the lease has expired is the server's to say."""
    name = ((row or {}).get("lease") or {}).get("owner")
    return None if name is None or is_gone(name) else name


class DocumentLease:
    """The right to change what a document stands for, held in the document's field `lease`.

    Args:
        collection: where the document is; it is made where there is none.
        identity: its `_id`.
        seconds: how long the lease holds without a heartbeat.
    """

    def __init__(self, collection: Collection, identity: str, seconds: float = LEASE_SECONDS):
        self.collection, self.identity, self.seconds = collection, identity, seconds
        self.token = uuid.uuid4().hex
        self._lost = threading.Event()
        self._confirmed = -math.inf

    def take(
        self, values: Mapping[str, Any] | None = None, remove: tuple[str, ...] = (), dated: str | None = None
    ) -> bool:
        """Take the lease if nobody holds it; false where somebody does.

        Args:
            values: fields that the document gets with it; all that its schema requires, since it may be a new one.
            remove: fields that it loses.
            dated: a field that gets the server's time.
        """
        held = {"token": self.token, "owner": {"$literal": owner()}, "until": from_now(self.seconds)}
        now = {dated: "$$NOW"} if dated else {}
        change: list[dict[str, Any]] = [{"$set": _literal(values or {}) | now | {"lease": held}}]
        change += [{"$unset": list(remove)}] if remove else []
        try:
            self._change({"_id": self.identity, "lease": None}, change, upsert=True)
            return True
        except DuplicateKeyError:  # there is the document, and it has a lease
            pass
        free: list[dict[str, Any]] = [EXPIRED]
        row = self.collection.find_one({"_id": self.identity}, {"lease": 1}) or {}
        if "lease" in row and holder(row) is None:
            free.append({"lease.token": row["lease"].get("token")})
        try:
            return self._change({"_id": self.identity, "$or": free}, change)
        except ExecutionTimeout:  # a transaction has the document: the server ends those of a process that was killed
            return False

    def wait(
        self,
        waiting: Waiting,
        values: Mapping[str, Any] | None = None,
        unless: Callable[[], bool] | None = None,
        remove: tuple[str, ...] = (),
        dated: str | None = None,
    ) -> bool:
        """Take the lease, after whoever holds it.

        Args:
            waiting: called once, with the holder's name, where there is someone to wait for.
            values, remove, dated: as of `take`.
            unless: ask no more, and leave the document alone, as soon as this is true.

        Returns:
            False where it was left alone.
        """
        said = False
        while unless is None or not unless():
            if self.take(values, remove, dated):
                return True
            row = self.collection.find_one({"_id": self.identity}, {"lease": 1})
            name = holder(row)
            if name is None and row is not None and "lease" in row:
                name = f"{row['lease']['owner']} (killed; the server gives up what it was writing within two minutes)"
            if name is not None and not said:
                waiting(name)
                said = True
            time.sleep(ASK_AGAIN_SECONDS)
        return False

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Within the block, renew the lease by heartbeats of a thread."""

        def renew() -> None:
            change = [{"$set": {"lease.until": from_now(self.seconds)}}]
            if not self.collection.update_one(self._mine(), change).matched_count:
                self._lost.set()

        with beating(f"lease {self.identity}", lambda: self.seconds / HEARTBEATS_PER_LEASE, renew):
            yield

    def confirm(self, session: ClientSession | None = None) -> None:
        """Make sure that the lease is still held: in a transaction, that it is until the transaction ends; outside of
        one as of the last heartbeat.

        Raises:
            LostLease: when it has gone to another process.
        """
        if not self._lost.is_set():
            if session is None and time.monotonic() - self._confirmed < self.seconds / HEARTBEATS_PER_LEASE:
                return
            change = [{"$set": {"lease.until": from_now(self.seconds)}}]
            if self.collection.update_one(self._mine(), change, session=session).matched_count:
                self._confirmed = time.monotonic()
                return
        raise LostLease(f"{self.identity}: another process has taken over", hint="run the same command again")

    def finish(self, values: Mapping[str, Any], dated: str | None = None) -> bool:
        """Give the lease back and change the document; false where another process has it.

        Args:
            dated: a field that gets the server's time.
        """
        values = _literal(values) | ({dated: "$$NOW"} if dated else {})
        change: list[dict[str, Any]] = [{"$set": values}, {"$unset": "lease"}]
        return self.collection.update_one(self._mine(), change).matched_count == 1

    def drop(self) -> None:
        """Give the lease back together with its document."""
        self.collection.delete_one(self._mine())

    def _change(self, query: dict[str, Any], change: list[dict[str, Any]], upsert: bool = False) -> bool:
        found = self.collection.find_one_and_update(
            query, change, {"_id": 1}, upsert=upsert, return_document=ReturnDocument.AFTER, maxTimeMS=BLOCKED_MS
        )
        return found is not None

    def _mine(self) -> dict[str, Any]:
        return {"_id": self.identity, "lease.token": self.token}


@contextmanager
def name_lease(db: Database, kind: str, name: str, waiting: Waiting) -> Iterator[DocumentLease]:
    """Hold the right to write or remove what stands under a name; waits for whoever has it.

    Args:
        kind: `catalog` or `pick_set`.
        waiting: see `DocumentLease.wait`.
    """
    lease = DocumentLease(db.lease, f"{kind} {name}")
    lease.wait(waiting, {"kind": kind, "name": name})
    try:
        with lease.kept():
            yield lease
    finally:
        lease.drop()


def name_holder(db: Database, name: str) -> str | None:
    """Who writes or removes what stands under a name now; None where nobody does."""
    rows = db.lease.find({"name": name, "$expr": {"$gt": ["$lease.until", "$$NOW"]}}, {"lease": 1})
    return next((found for row in rows if (found := holder(row)) is not None), None)


def _literal(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as data, whatever they begin with: a catalog may be named `$x`."""
    return {key: {"$literal": value} for key, value in values.items()}
