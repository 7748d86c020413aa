"""The lease protocol: one process at a time changes what a document stands for.

A lease is the field `lease` of a document: `token`, `owner` (see `database.owner`), `until` (server time), and what its
holder notes in it. It is taken, renewed and given back by single updates whose conditions use the server's clock
(`$$NOW`), so two processes never hold one whatever their own clocks say. A holder of this host that is gone is noticed
at once, one elsewhere when its lease expires. Nothing else writes that field: what tasks, firings, names, comparisons
and runs need besides is a condition or a `Change` of theirs.
"""

from __future__ import annotations

import math
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, ExecutionTimeout, PyMongoError

from catalogdb.database.owner import is_gone, owner
from catalogdb.documents.free import AnyDocument, Query
from catalogdb.errors import LostLease

LEASE_SECONDS = 120.0
HEARTBEATS_PER_LEASE = 4
JOIN_SECONDS = 1.0
"""So long the end of the work waits for a heartbeat under way: where the server is gone, it may take far longer."""
ASK_AGAIN_SECONDS = 0.5
BLOCKED_MS = 2_000
NOW = "$$NOW"
EXPIRED = {"$expr": {"$lt": ["$lease.until", NOW]}}  # a missing lease compares below every date
HELD = {"$expr": {"$gt": ["$lease.until", NOW]}}
FIELDS = {"lease": 1, "expired": EXPIRED["$expr"]}
"""What of a document tells whether its holder is lost."""

Waiting = Callable[[str], object]


def server_now(db: Database) -> datetime:
    """The server's clock, by which leases and runs are dated."""
    return db.client.admin.command("hello")["localTime"].replace(tzinfo=UTC)


@dataclass(frozen=True)
class Change:
    """What becomes of a document when its lease is taken or given back.

    Args:
        values: fields that it gets, as data whatever they begin with: a catalog may be named `$x`.
        computed: fields that it gets, as expressions of the server.
        remove: fields that it loses.
        where: what must hold of it besides; else nothing is taken or given back.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    computed: Mapping[str, Any] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    where: Mapping[str, Any] = field(default_factory=dict)

    def update(self) -> list[Query]:
        """The change as an update of the server."""
        values = {key: {"$literal": value} for key, value in self.values.items()} | dict(self.computed)
        return [*([{"$set": values}] if values else []), *([{"$unset": list(self.remove)}] if self.remove else [])]


class Lease:
    """The right to change what a document stands for.

    Args:
        collection, identity: where the document is, and its `_id`.
        seconds: how long the lease holds without a heartbeat.
        token: of a lease that was taken before, by another process too.
        notes: what stands in the lease besides, for as long as it is held.
        upsert: make the document where there is none; changes then hold all that its schema requires.
    """

    def __init__(
        self,
        collection: Collection,
        identity: str,
        seconds: float = LEASE_SECONDS,
        token: str | None = None,
        notes: Mapping[str, Any] | None = None,
        upsert: bool = False,
    ):
        self.collection, self.identity, self.seconds = collection, identity, seconds
        self.token = token or uuid.uuid4().hex
        self._notes, self._upsert = dict(notes or {}), upsert
        self._lost = threading.Event()
        self._confirmed = -math.inf

    @property
    def mine(self) -> Query:
        """Filter of the document while it is this lease that it has."""
        return {"_id": self.identity, "lease.token": self.token}

    def take_free(self, change: Change = Change()) -> bool:
        """Take the lease if the document has none; one update."""
        free = {"_id": self.identity, "lease": None, **change.where}
        try:
            result = self.collection.update_one(free, self._taken(change), upsert=self._upsert)
        except DuplicateKeyError:  # there is the document, and it has a lease
            return False
        return bool(result.matched_count or result.upserted_id is not None)

    def take(self, change: Change = Change()) -> bool:
        """Take the lease if nobody holds it, or from a holder that is lost; false where somebody has it."""
        if self.take_free(change):
            return True
        row = self.collection.find_one({"_id": self.identity}, FIELDS)
        lost = None if row is None else of_lost_holder(row)
        if lost is None:
            return False
        query = {"$and": [lost, dict(change.where)]}
        try:
            found = self.collection.find_one_and_update(query, self._taken(change), {"_id": 1}, maxTimeMS=BLOCKED_MS)
        except ExecutionTimeout:  # a transaction has the document: the server ends those of a process that was killed
            return False
        return found is not None

    def wait(
        self,
        change: Change = Change(),
        waiting: Waiting = lambda holder: None,
        unless: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Take the lease, after whoever holds it.

        Args:
            waiting: called once, with the holder's name, where there is someone to wait for.
            unless: ask no more, and leave the document alone, as soon as this is true.

        Returns:
            False where it was left alone.
        """
        said = False
        while not unless():
            if self.take(change):
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

    def take_over(self) -> bool:
        """Enter this process as the holder of a lease whose token it was given; false where that has gone."""
        change = {"lease.owner": {"$literal": owner()}, "lease.until": _from_now(self.seconds)}
        return self.collection.update_one(self.mine, [{"$set": change}]).matched_count == 1

    @contextmanager
    def kept(self, lost: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Within the block, renew the lease by heartbeats.

        Args:
            lost: called where the lease is found to be another's.
        """
        with beating(f"lease {self.identity}", self.seconds / HEARTBEATS_PER_LEASE, self.renew, lost):
            yield

    def renew(self, session: ClientSession | None = None) -> bool:
        """Hold the lease for longer; false where it is another's."""
        change = [{"$set": {"lease.until": _from_now(self.seconds)}}]
        if self.collection.update_one(self.mine, change, session=session).matched_count:
            self._confirmed = time.monotonic()
            return True
        self._lost.set()
        return False

    def confirm(self, session: ClientSession | None = None) -> None:
        """Make sure that the lease is still held: in a transaction, that it is until the transaction ends; outside of
        one as of the last heartbeat.

        Raises:
            LostLease: when it has gone to another process.
        """
        if not self._lost.is_set():
            fresh = time.monotonic() - self._confirmed < self.seconds / HEARTBEATS_PER_LEASE
            if (session is None and fresh) or self.renew(session):
                return
        raise LostLease(f"{self.identity}: another process has taken over", hint="run the same command again")

    def give_back(
        self, change: Change = Change(), session: ClientSession | None = None, fields: Mapping[str, Any] = {"_id": 1}
    ) -> AnyDocument | None:
        """Give the lease back and change the document, in one update.

        Args:
            fields: what to read of the document.

        Returns:
            The document as it was; None where another process has the lease, and nothing was changed.
        """
        query = self.mine | dict(change.where)
        return self.collection.find_one_and_update(query, _given_back(change), fields, session=session)

    def drop(self) -> None:
        """Give the lease back together with its document."""
        self.collection.delete_one(self.mine)

    def _taken(self, change: Change) -> list[Query]:
        held = {"token": self.token, "owner": {"$literal": owner()}, "until": _from_now(self.seconds)}
        notes = {key: {"$literal": value} for key, value in self._notes.items()}
        return [*change.update(), {"$set": {"lease": held | notes}}]


# -- leases of others


def holder(row: Mapping[str, Any] | None, now: datetime | None = None) -> str | None:
    """Who holds the lease of a document that was just read, by its name; None where a process of this host did that is
    gone.

    Args:
        now: the server's time, at which the lease must not have expired; none: it may have.
    """
    lease = (row or {}).get("lease") or {}
    name = lease.get("owner")
    expired = now is not None and name is not None and lease["until"] <= now
    return None if name is None or expired or is_gone(name) else name


def of_lost_holder(row: Mapping[str, Any]) -> Query | None:
    """The filter by which the lease of a lost holder can be taken from it.

    Args:
        row: `FIELDS` of a document that was just read.

    Returns:
        None where the holder lives, or may live.
    """
    if row["expired"]:
        return _same(row) | EXPIRED
    return _same(row) if is_gone(row["lease"].get("owner", "")) else None


def take_back(collection: Collection, row: Mapping[str, Any], change: Change) -> bool:
    """Take away the lease of a document that was just read; false where it has changed hands."""
    query = {"$and": [_same(row), dict(change.where)]}
    return collection.update_one(query, _given_back(change)).modified_count == 1


@contextmanager
def name_lease(db: Database, kind: str, name: str, waiting: Waiting) -> Iterator[Lease]:
    """Hold the right to write or remove what stands under a name; waits for whoever has it.

    Args:
        kind: `catalog`, `pick_set`, `model` or `ingest`.
        waiting: see `Lease.wait`.
    """
    lease = Lease(db.lease, f"{kind} {name}", upsert=True)
    lease.wait(Change({"kind": kind, "name": name}), waiting)
    try:
        with lease.kept():
            yield lease
    finally:
        lease.drop()


def name_holder(db: Database, name: str) -> str | None:
    """Who writes or removes what stands under a name now; None where nobody does."""
    rows = db.lease.find({"name": name, **HELD}, {"lease": 1})
    return next((found for row in rows if (found := holder(row)) is not None), None)


@contextmanager
def beating(
    name: str, seconds: float, beat: Callable[[], object], lost: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Within the block, give heartbeats by a thread; a database that is gone is met by the work itself, which decides.

    Args:
        name: of the thread.
        seconds: between heartbeats, at most; what many processes renew is not to be renewed by all at once.
        beat: gives one.
        lost: called when `beat` gave False.
    """
    finished = threading.Event()

    def go_on() -> None:
        while not finished.wait(seconds * random.uniform(0.8, 1.0)):
            try:
                if beat() is False and not finished.is_set():
                    lost()
            except PyMongoError:
                continue

    thread = threading.Thread(target=go_on, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join(JOIN_SECONDS)


def _from_now(seconds: float) -> Query:
    """The server's time in so many seconds, as an expression."""
    return {"$add": [NOW, int(seconds * 1000)]}


def _given_back(change: Change) -> list[Query]:
    return [*change.update(), {"$unset": "lease"}]


def _same(row: Mapping[str, Any]) -> Query:
    return {"_id": row["_id"], "lease.token": (row.get("lease") or {}).get("token")}
