"""Record times -> the straight clocks that samples are timed by.

Digitisers write record times that scatter by some milliseconds, or that drift when the clock runs free. Neither is a
gap: every sample is there. The rule, in samples of the nominal rate:

1. Records form a chain while each starts within `CHAIN_TEAR` of where the one before ends.
2. A chain breaks at a lasting step: a tear with all of the `LASTING` records before it on one side, and all of the
   `LASTING` records after it on the other side, by more than `HALF_SAMPLE`. That is a lost or a repeated sample.
   Records that are out of line for a while, and times that scatter all along, break nothing.
3. What remains keeps the time of its first record and the nominal rate where that leaves no record more than
   `HALF_SAMPLE` off. Else the clock is shifted, else its rate is fitted too (up to `LARGEST_DRIFT`), so that no record
   is more than `LARGEST_OFFSET` off. Where no straight clock does that, the chain is halved, and so on.

The rule looks at records in their order in time, whatever files they came in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CHAIN_TEAR = 1.5
HALF_SAMPLE = 0.5
LASTING = 20
LARGEST_OFFSET = 1.0
LARGEST_DRIFT = 1e-3
FITTED_RECORDS = 10
"""A rate is fitted to at least this many records."""


@dataclass(frozen=True)
class StraightClock:
    """Records `first` to `end` (not included) and their clock.

    Attributes:
        start_ns: time of the first sample of record `first` (nanoseconds since 1970, UTC).
        drift: the clock's rate is the nominal one divided by 1 + drift.
    """

    first: int
    end: int
    start_ns: int
    drift: float


def straight_clocks(start_ns: np.ndarray, first_sample: np.ndarray, interval_ns: float) -> list[StraightClock]:
    """Cut one chain of records into parts with a straight clock each, in order.

    Args:
        start_ns: time of the first sample of each record (n,), nanoseconds since 1970, UTC.
        first_sample: number of samples before each record (n,).
        interval_ns: nominal sample interval.
    """
    late = start_ns - start_ns[0] - (first_sample - first_sample[0]) * interval_ns
    if np.abs(late).max() <= HALF_SAMPLE * interval_ns and np.ptp(late) <= HALF_SAMPLE * interval_ns:
        return [StraightClock(0, len(late), int(start_ns[0]), 0.0)]
    edges = [0, *_lasting_steps(late, interval_ns), len(late)]
    stack = list(zip(edges[:-1], edges[1:], strict=True))[::-1]
    clocks = []
    while stack:
        first, end = stack.pop()
        clock = _clock(start_ns, first_sample, late, interval_ns, first, end)
        if clock:
            clocks.append(clock)
        else:
            middle = (first + end) // 2
            stack += [(middle, end), (first, middle)]
    return clocks


def _lasting_steps(late: np.ndarray, interval_ns: float) -> list[int]:
    least = HALF_SAMPLE * interval_ns
    steps = []
    for at in np.flatnonzero(np.abs(np.diff(late)) > least) + 1:
        before, after = late[max(0, at - LASTING) : at], late[at : at + LASTING]
        if after.min() - before.max() > least or before.min() - after.max() > least:
            steps.append(int(at))
    return steps


def _clock(
    start_ns: np.ndarray, first_sample: np.ndarray, late: np.ndarray, interval_ns: float, first: int, end: int
) -> StraightClock | None:
    """The simplest straight clock that fits, or None."""
    late = late[first:end] - late[first]
    if np.abs(late).max() <= HALF_SAMPLE * interval_ns:
        return StraightClock(first, end, int(start_ns[first]), 0.0)
    slope = 0.0
    for fitted in (False, True):
        if fitted:
            if end - first < FITTED_RECORDS:
                return None
            sample = (first_sample[first:end] - first_sample[first]).astype(float)
            centred = sample - sample.mean()
            slope = float(centred @ (late - late.mean()) / (centred @ centred))
            if abs(slope / interval_ns) > LARGEST_DRIFT:
                return None
            late = late - slope * sample
        middle = (late.max() + late.min()) / 2
        if np.abs(late - middle).max() <= LARGEST_OFFSET * interval_ns:
            return StraightClock(first, end, int(start_ns[first]) + round(float(middle)), slope / interval_ns)
    return None
