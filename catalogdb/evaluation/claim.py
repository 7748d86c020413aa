"""One process at a time computes a comparison: a lease on the server's clock, as tasks have it."""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from typing import Any

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from catalogdb.errors import LostLease

LEASE_S = 120


class Claim:
    """The right to write a comparison.

    Args:
        comparison: its `_id`.
        document: what is known of it from the start.
    """

    def __init__(self, db: Database, comparison: str, document: dict[str, Any]):
        self._db, self.comparison, self._document = db, comparison, document
        self._token = uuid.uuid4().hex
        self._prolonged = time.monotonic()

    def take(self, unless: dict[str, Any] | None = None) -> bool:
        """Wait until no other process computes this comparison, then mark it as running.

        Args:
            unless: fields; a comparison that has them is current, and is left alone.

        Returns:
            False where it was left alone.
        """
        fresh = {"$setOnInsert": self._document | {"status": "new"}}
        with suppress(DuplicateKeyError):  # another process has just entered it
            self._db.comparison.update_one({"_id": self.comparison}, fresh, upsert=True)
        while unless is None or not self._db.comparison.find_one({"_id": self.comparison} | unless, {"_id": 1}):
            if self._taken():
                return True
            time.sleep(1.0)
        return False

    def _taken(self) -> bool:
        free = {"$or": [{"status": {"$ne": "running"}}, {"$expr": {"$lt": ["$until", "$$NOW"]}}]}
        # $literal: names of catalogs are data, whatever they begin with
        values = {key: {"$literal": value} for key, value in self._document.items()}
        values |= {"status": "running", "token": self._token, "until": self._until(), "started": "$$NOW"}
        change = [{"$set": values}, {"$unset": ["seconds", "counts", "ended"]}]
        return self._db.comparison.update_one({"_id": self.comparison} | free, change).matched_count == 1

    @staticmethod
    def _until() -> dict[str, Any]:
        return {"$add": ["$$NOW", LEASE_S * 1000]}

    def prolong(self) -> None:
        """Keep the claim for longer; to be called more often than every two minutes.

        Raises:
            LostLease: when it went to another process meanwhile.
        """
        if time.monotonic() - self._prolonged > LEASE_S / 8:
            self._change([{"$set": {"until": self._until()}}])
            self._prolonged = time.monotonic()

    def done(self, seconds: dict[str, float], counts: dict[str, int]) -> None:
        """Mark the comparison as complete."""
        values = {"status": "done", "seconds": {"$literal": seconds}, "counts": {"$literal": counts}, "ended": "$$NOW"}
        self._change([{"$set": values}, {"$unset": ["token", "until"]}])

    def give_back(self) -> None:
        """Mark it as failed, so that the next one who wants it needn't wait."""
        mine = {"_id": self.comparison, "token": self._token}
        self._db.comparison.update_one(mine, {"$set": {"status": "failed"}, "$unset": {"token": "", "until": ""}})

    def _change(self, pipeline: list[dict[str, Any]]) -> None:
        if not self._db.comparison.update_one({"_id": self.comparison, "token": self._token}, pipeline).matched_count:
            raise LostLease("another process has taken over this comparison", hint="run the same command again")
