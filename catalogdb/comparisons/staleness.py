"""Stored comparisons against what they would be made from now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pymongo.database import Database

from catalogdb.comparisons.inputs import comparison_inputs


@dataclass(frozen=True)
class ComparisonState:
    """One comparison: inputs that it was made from (None: it was broken off) and inputs now, over the same period."""

    identity: str
    catalog: str
    reference: str
    period: tuple[float, float]
    before: dict[str, str] | None
    now: dict[str, str]


def comparison_state(db: Database, catalog: str) -> Iterator[ComparisonState]:
    """Stored comparisons that a catalog takes part in, on either side, of catalogs that are there."""
    for row in db.comparison.find({"$or": [{"catalog": catalog}, {"reference": catalog}]}).sort("_id"):
        judged, reference = (db.catalog.find_one({"_id": row[role]}) for role in ("catalog", "reference"))
        if judged is None or reference is None:
            continue
        period = row["period"]["starttime"], row["period"]["endtime"]
        before = row.get("inputs", {}) if row["status"] == "done" else None
        now = comparison_inputs(db, judged, reference, period)
        yield ComparisonState(row["_id"], judged["_id"], reference["_id"], period, before, now)
