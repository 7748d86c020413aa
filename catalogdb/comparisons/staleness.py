"""Stored comparisons against what they would be made from now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pymongo.database import Database

from catalogdb.comparisons.compare import comparison_id
from catalogdb.comparisons.inputs import comparison_inputs
from catalogdb.comparisons.period import comparison_period
from catalogdb.evaluation.gates import Gates


@dataclass(frozen=True)
class ComparisonState:
    """One comparison: inputs that it was made from (None: not made) and inputs now, and whether the job asks for it."""

    catalog: str
    reference: str
    period: tuple[float, float]
    before: dict[str, str] | None
    now: dict[str, str]
    own: bool


def comparison_state(db: Database, catalog: str, own: tuple[str, str, Gates] | None) -> Iterator[ComparisonState]:
    """Comparisons that a catalog takes part in, on either side, of catalogs that are there.

    Args:
        own: the comparison that a job makes; it covers the period that the catalogs now have, the others their own.
    """
    wanted = comparison_id(*own) if own else None
    rows = {row["_id"]: row for row in db.comparison.find({"$or": [{"catalog": catalog}, {"reference": catalog}]})}
    names = {identity: (row["catalog"], row["reference"]) for identity, row in rows.items()}
    if own and wanted not in rows:
        names[wanted] = own[:2]
    for identity in sorted(names):
        judged, reference = (db.catalog.find_one({"_id": name}) for name in names[identity])
        if judged is None or reference is None:
            continue
        row = rows.get(identity)
        if row is None or identity == wanted:
            period = comparison_period(db, judged, reference, None, None)
        else:
            period = row["period"]["starttime"], row["period"]["endtime"]
        before = row.get("inputs", {}) if row and row["status"] == "done" else None
        now = comparison_inputs(db, judged, reference, period)
        yield ComparisonState(judged["_id"], reference["_id"], period, before, now, identity == wanted)
