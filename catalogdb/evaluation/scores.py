"""Counts of outcomes and statistics of residuals, group by group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from catalogdb.documents.comparisons import ScoreFields

OUTCOMES = ("matched", "missed", "wrong_phase", "no_data", "proposed", "unlocated")
MATCHED, MISSED, WRONG_PHASE, NO_DATA, PROPOSED, UNLOCATED = range(6)


class Statistics(TypedDict):
    """Of differences, in their own unit; null for none."""

    mean: float | None
    median: float | None
    mad: float | None
    p95: float | None


class Histogram(TypedDict):
    """Numbers of values in equal bins from `low` on, and outside."""

    low: float
    width: float
    counts: list[int]
    below: int
    above: int


def residuals(values: Iterable[float]) -> Statistics:
    """Mean, median, median absolute deviation (unscaled), and what 95 % of the absolute values stay below, in the
    values' own unit; null for no values.
    """
    array = np.asarray(values if isinstance(values, np.ndarray) else list(values), float)
    if not len(array):
        return {"mean": None, "median": None, "mad": None, "p95": None}
    median = float(np.median(array))
    return {
        "mean": float(array.mean()),
        "median": median,
        "mad": float(np.median(np.abs(array - median))),
        "p95": float(np.percentile(np.abs(array), 95)),
    }


def score_document(*parts: Mapping[str, Any]) -> ScoreFields:
    """A document of `score` from its parts, without what all of a comparison have in common."""
    return cast(ScoreFields, {name: value for part in parts for name, value in part.items()})


def threshold_document(phase: str, threshold: float, source: str, counts: Mapping[str, int]) -> ScoreFields:
    """That of the picks of a probability (`source`: as the set has them, or from its peaks) from a threshold on."""
    own = {"of": "pick", "by": "threshold", "phase": phase, "value": f"{threshold:.2f}", "low": threshold}
    return score_document(own, {"source": source}, counts)


def counted(groups: NDArray[np.int64], outcomes: NDArray[np.int8]) -> Iterator[tuple[int, dict[str, int]]]:
    """Number of each outcome in each group, groups in ascending order.

    Args:
        groups: number of the group of each row, shape (n,).
        outcomes: position in `OUTCOMES`, shape (n,).
    """
    numbers, place = np.unique(groups, return_inverse=True)
    table = np.bincount(place * len(OUTCOMES) + outcomes, minlength=len(numbers) * len(OUTCOMES))
    for number, row in zip(numbers, table.reshape(len(numbers), len(OUTCOMES)), strict=True):
        yield int(number), dict(zip(OUTCOMES, (int(value) for value in row), strict=True))


def grouped(groups: NDArray[np.int64], values: NDArray[np.float64]) -> dict[int, NDArray[np.float64]]:
    """The values of each group."""
    order = np.argsort(groups, kind="stable")
    numbers, starts = np.unique(groups[order], return_index=True)
    return dict(zip(map(int, numbers), np.split(values[order], starts[1:]), strict=True)) if len(numbers) else {}


def histogram(values: NDArray[np.float64], low: float, high: float, bins: int = 50) -> Histogram:
    """Numbers of values in equal bins from `low` to `high`, and outside: low, width, counts, below, above."""
    counts, _ = np.histogram(values, bins, (low, high))
    return {
        "low": low,
        "width": (high - low) / bins,
        "counts": counts.tolist(),
        "below": int(np.count_nonzero(values < low)),
        "above": int(np.count_nonzero(values > high)),
    }
