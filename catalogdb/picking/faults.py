"""Traces of faults of digitisers and telemetry in raw counts: noted, never cut, for strong motion may look alike."""

from __future__ import annotations

from collections import Counter

import numpy as np

from catalogdb.spans import true_spans

CLIPPED_IN_A_ROW = 5
"""So many equal samples at a channel's largest or smallest value are taken as clipped."""
LARGE = 5000.0
"""A range, or a jump from one sample to the next, so many times the usual difference of neighbours is large."""
BLOCK = 100_000


def count_faults(data: np.ndarray) -> Counter[str]:
    """Faults of one stretch of finite samples (samples,).

    Returns:
        ``clipped_samples``: in rows of `CLIPPED_IN_A_ROW` and more at an end of a large range. ``jumps``: large
        differences of neighbours, as at steps and on both sides of spikes. Absent where there are none.
    """
    found: Counter[str] = Counter()
    if data.size < CLIPPED_IN_A_ROW:
        return found
    stride = max(1, data.size // 20_000)
    some, neighbours = data[:-1:stride].astype(np.float64), data[1::stride].astype(np.float64)
    usual = max(float(np.median(np.abs(neighbours - some))), 1.0)
    low, high = data.min(), data.max()
    if float(high) - float(low) <= LARGE * usual:
        return found
    for extreme in (low, high):
        rows = np.diff(true_spans(data == extreme), axis=1)
        found["clipped_samples"] += int(rows[rows >= CLIPPED_IN_A_ROW].sum())
    for first in range(0, data.size - 1, BLOCK):
        block = data[first : first + BLOCK + 1].astype(np.float64)
        found["jumps"] += int((np.abs(np.diff(block)) > LARGE * usual).sum())
    return +found
