"""Which firings are to be run now, and which were missed: a pure rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Verdict:
    """What is to be done with the firings that have come due.

    Args:
        run: the firing to run now; none where all were missed, or none is due.
        stands_for: how many firings that run stands for, itself included.
        missed: the last firing that can't be run any more.
        missed_count: how many can't.
    """

    run: datetime | None = None
    stands_for: int = 0
    missed: datetime | None = None
    missed_count: int = 0


def judge(due: Iterable[datetime], now: datetime, grace: timedelta, coalesce: bool) -> Verdict:
    """Judge the firings that have come due and were not run yet.

    Those within the grace time are caught up: the last of them, standing for all, or, without `coalesce`, the first.

    Args:
        due: times in order, none after `now`.
        grace: how late a firing may start.
    """
    times = list(due)
    late = [time for time in times if now - time > grace]
    ready = times[len(late) :]
    missed = late[-1] if late else None
    if not ready:
        return Verdict(missed=missed, missed_count=len(late))
    run, stands_for = (ready[-1], len(ready)) if coalesce else (ready[0], 1)
    return Verdict(run, stands_for, missed, len(late))
