"""One process at a time computes a comparison."""

from __future__ import annotations

from pymongo.database import Database

from catalogdb import logs
from catalogdb.database.lease import NOW, Change, Lease
from catalogdb.documents.free import AnyDocument, Query
from catalogdb.errors import LostLease


class ComparisonLease:
    """The right to write a comparison.

    Args:
        comparison: its `_id`.
        document: what is known of it from the start.
    """

    def __init__(self, db: Database, comparison: str, document: AnyDocument):
        self._db, self.comparison, self._document = db, comparison, document
        self._lease = Lease(db.comparison, comparison, upsert=True)
        self.kept = self._lease.kept

    def take(self, unless: Query | None = None) -> bool:
        """Wait until no other process computes this comparison, then mark it as running.

        Args:
            unless: fields; a comparison that has them is current, and is left alone.

        Returns:
            False where it was left alone.
        """

        def is_current() -> bool:
            current = {"_id": self.comparison} | (unless or {})
            return unless is not None and self._db.comparison.find_one(current, {"_id": 1}) is not None

        return self._lease.wait(
            Change(
                self._document | {"status": "running"},
                {"started": NOW},
                remove=("seconds", "counts", "ended", "token", "until"),  # the last two of older versions
            ),
            lambda holder: logs.notice(f"this comparison is being computed by {holder}: waiting for it"),
            is_current,
        )

    def confirm(self) -> None:
        """Make sure that the comparison is still this process's to write.

        Raises:
            LostLease: when it went to another process meanwhile.
        """
        self._lease.confirm()

    def done(self, seconds: dict[str, float], counts: dict[str, int]) -> None:
        """Mark the comparison as complete."""
        values = {"status": "done", "seconds": seconds, "counts": counts}
        if self._lease.give_back(Change(values, {"ended": NOW})) is None:
            raise LostLease("another process has taken over this comparison", hint="run the same command again")

    def give_back(self) -> None:
        """Mark it as failed, so that the next one who wants it needn't wait."""
        self._lease.give_back(Change({"status": "failed"}))
