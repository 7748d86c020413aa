"""Rows of views for the page, and the small statistics that it shows beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from pymongo.database import Database

from catalogdb.documents.free import Json
from catalogdb.schema import views

BINS = 40
LEAST_BIN = 1e-6


def rows_of(db: Database, view: str, wanted: Mapping[str, Any], *more: Json) -> Iterable[Json]:
    """Rows of a view, made from those documents of its collection that are wanted.

    Args:
        view: name of a view without parameters.
        wanted: MongoDB filter of the documents of the collection that the view reads.
        more: stages of aggregation on the view's rows.
    """
    pipeline = [{"$match": dict(wanted)}, *views()[view].pipeline, *more]
    return db[views()[view].on].aggregate(pipeline)


def only(row: Mapping[str, Any], keys: Iterable[str]) -> Json:
    """The named fields that a row has."""
    return {key: row[key] for key in keys if row.get(key) is not None}


def statistics(values: Iterable[float], signed: bool = False) -> Json | None:
    """Number, median, median absolute deviation (unscaled), 95th percentile of the absolute values, and a histogram.

    Args:
        values: in any order; what is not finite is left out.
        signed: whether the histogram lies around 0 instead of beginning there.

    Returns:
        None for no values. `histogram` has `low`, `width`, `counts`, and `below` and `above` for what lies outside.
    """
    found = np.fromiter(values, dtype=float)
    found = found[np.isfinite(found)]
    if not found.size:
        return None
    median = float(np.median(found))
    size = np.abs(found)
    reach = _round_up(max(float(np.percentile(size, 98.0)), LEAST_BIN))
    low, width = (-reach, 2 * reach / BINS) if signed else (0.0, reach / BINS)
    counts, _ = np.histogram(found, bins=BINS, range=(low, low + width * BINS))
    return {
        "n": int(found.size),
        "median": median,
        "mad": float(np.median(np.abs(found - median))),
        "p95": float(np.percentile(size, 95.0)),
        "histogram": {
            "low": low,
            "width": width,
            "counts": counts.tolist(),
            "below": int((found < low).sum()),
            "above": int((found > low + width * BINS).sum()),
        },
    }


def _round_up(value: float) -> float:
    """The next of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten, so that bins begin at readable numbers."""
    power = float(10.0 ** np.floor(np.log10(value)))
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= value * 0.999999)
