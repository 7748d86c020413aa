"""What supports a doubtful event: others within minutes, or a sure one at the same place.

False picks make an event now and then, but seldom several within minutes, and seldom one where a sure event lies. Of
events that chance makes n times a day, three or more come within T of each other some n (n T)^2 / 2 times a day: for
n = 1 and four minutes 4e-6. Within SOURCE_KM of a given epicentre lie n pi SOURCE_KM^2 / area of them: for n = 1 and a
region of 80,000 km2 0.004 a day.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from math import hypot

from catalogdb.association.fit import BACKGROUND_SECONDS
from catalogdb.association.locate import Hypocentre

SUPPORTED_PER_DAY = 1.0
"""What chance makes more often isn't supported by anything."""
SUPPORT = 2
"""So many others within BACKGROUND_SECONDS are enough."""
SOURCE_KM = 10.0
APART_SECONDS = 30.0
"""Sooner after a sure event, or before it, what looks like another may be made of picks that it left."""


def within_minutes(times: Sequence[float], time: float) -> int:
    """How many of some times, in order, lie within BACKGROUND_SECONDS."""
    return bisect_right(times, time + BACKGROUND_SECONDS) - bisect_left(times, time - BACKGROUND_SECONDS)


def is_at_source(here: Hypocentre, sure: Iterable[Hypocentre]) -> bool:
    """Whether the epicentre lies within SOURCE_KM of that of a sure event of another time."""
    return any(
        hypot(here.x_km - other.x_km, here.y_km - other.y_km) <= SOURCE_KM
        and abs(here.time - other.time) > APART_SECONDS
        for other in sure
    )


def supported_times(doubtful: Iterable[Hypocentre], sure: Sequence[Hypocentre]) -> list[float]:
    """Origin times, in order, of those doubtful events that are worth another look: several, or at a source."""
    found = sorted(doubtful, key=lambda here: here.time)
    times = [here.time for here in found]
    return [here.time for here in found if within_minutes(times, here.time) > SUPPORT or is_at_source(here, sure)]
