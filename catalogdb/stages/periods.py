"""What a catalog covers: periods of the runs that wrote it, joined where they meet.

A catalog holds the events whose origin time lies in one of its periods, start included and end not. Every run adds the
period of its job, so a nightly job writes on in one catalog; one that is to hold less is made again (`--replace`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Interval = tuple[float, float]


def covered(periods: Iterable[Sequence[float]]) -> list[Interval]:
    """Join intervals [start, end) that meet or overlap (epoch seconds), in order of time."""
    joined: list[Interval] = []
    for start, end in sorted((float(start), float(end)) for start, end in periods):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def inside(periods: Iterable[Interval], starttime: float, endtime: float) -> list[Interval]:
    """The parts of [starttime, endtime) that lie in the periods."""
    cut = ((max(start, starttime), min(end, endtime)) for start, end in periods)
    return [(start, end) for start, end in cut if start < end]
