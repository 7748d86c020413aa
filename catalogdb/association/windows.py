"""Windows of time for association: they overlap when read, and never when they own.

The windows lie on a grid fixed to the epoch, so they don't depend on the period that is asked for. An event belongs to
the one window whose core holds its origin time; what a window finds outside its core, its neighbour finds too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from catalogdb.documents.data import OriginFields
from catalogdb.errors import InputError


@dataclass(frozen=True, order=True)
class AssociationWindow:
    """One window; all four are epoch seconds UTC, each interval holds its start and not its end."""

    starttime: float
    endtime: float
    read_starttime: float
    read_endtime: float

    def owns(self, time: float) -> bool:
        """True when an origin at `time` belongs to this window."""
        return self.starttime <= time < self.endtime


def association_windows(
    starttime: float, endtime: float, window_seconds: float, overlap_seconds: float
) -> list[AssociationWindow]:
    """List the windows whose cores cover [starttime, endtime), in order of time.

    Windows are always whole: cores start at multiples of `window_seconds` from 1970-01-01, so that another period asks
    for the same windows where both overlap. Each is read from `overlap_seconds` before its core to as long after it.

    Raises:
        InputError: for an empty or endless period, or lengths that aren't positive.
    """
    if not (math.isfinite(starttime) and math.isfinite(endtime) and starttime < endtime):
        raise InputError(f"association period is empty: it starts at {starttime} and ends at {endtime}")
    if not window_seconds > 0 or not overlap_seconds >= 0:
        raise InputError(
            f"association windows need window_seconds > 0 and overlap_seconds >= 0, not "
            f"{window_seconds} and {overlap_seconds}"
        )
    first = math.floor(starttime / window_seconds)
    last = math.ceil(endtime / window_seconds)
    return [
        AssociationWindow(
            starttime=number * window_seconds,
            endtime=(number + 1) * window_seconds,
            read_starttime=number * window_seconds - overlap_seconds,
            read_endtime=(number + 1) * window_seconds + overlap_seconds,
        )
        for number in range(first, last)
    ]


def owned(origins: Iterable[OriginFields], window: AssociationWindow) -> list[OriginFields]:
    """Keep the origins whose `time` lies in the window's core."""
    return [origin for origin in origins if window.owns(origin["time"])]
