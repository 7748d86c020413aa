"""Arithmetic of half-open intervals [start, end), as lists in ascending order without overlaps."""

from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[float, float]


def union(intervals: Iterable[Interval], gap: float = 0.0) -> list[Interval]:
    """Join intervals, given in any order, that overlap or lie at most `gap` apart."""
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1] + gap:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        elif end > start:
            joined.append((start, end))
    return joined


def common(one: Iterable[Interval], other: Iterable[Interval]) -> list[Interval]:
    """What two lists share."""
    shared: list[Interval] = []
    ones, others = list(one), list(other)
    i = j = 0
    while i < len(ones) and j < len(others):
        start, end = max(ones[i][0], others[j][0]), min(ones[i][1], others[j][1])
        if end > start:
            shared.append((start, end))
        if ones[i][1] <= others[j][1]:
            i += 1
        else:
            j += 1
    return shared


def without(one: Iterable[Interval], other: Iterable[Interval]) -> list[Interval]:
    """What the first list has and the second has not."""
    left: list[Interval] = []
    others = list(other)
    j = 0
    for start, end in one:
        while j < len(others) and others[j][1] <= start:
            j += 1
        at = j
        while at < len(others) and others[at][0] < end:
            if others[at][0] > start:
                left.append((start, others[at][0]))
            start = max(start, others[at][1])
            at += 1
        if end > start:
            left.append((start, end))
    return left


def seconds(intervals: Iterable[Interval]) -> float:
    """Their length together."""
    return sum(end - start for start, end in intervals)
