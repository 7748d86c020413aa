"""What maps share: the fields of an event, how many are drawn, and the region of a map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from catalogdb.geo import ROUND_KM_PER_DEGREE, longitude_span

EVENTS_SHOWN = 5000
"""Most events of each kind on maps and time lines, the largest first."""
EVENT_FIELDS = ("time", "latitude", "longitude", "depth_km", "magnitude", "event_id")

INNER_PERCENT = 0.5
"""Events beyond this at either end are strays, where the map would grow by more than STRAY_FACTOR for them."""
STRAY_FACTOR = 1.5
MARGIN = 0.06
LEAST_KM = 4.0
"""Least width and height of a map."""


def middle_longitude(longitudes: Iterable[float]) -> float:
    """The middle of the shortest arc that holds all longitudes, which may lie over the date line."""
    found = np.array(list(longitudes), dtype=float)
    return sum(longitude_span(found)) / 2.0 if found.size else 0.0


def map_box(events: Iterable[Mapping[str, Any]]) -> dict[str, float] | None:
    """The region that a map of events shows: all of them but a few strays, with a margin.

    Args:
        events: with latitude and longitude (degrees).

    Returns:
        west, east, south, north (degrees; east may be above 180 past the date line), None for no events.
    """
    rows = list(events)
    if not rows:
        return None
    latitudes = np.array([row["latitude"] for row in rows], dtype=float)
    longitudes = np.array([row["longitude"] for row in rows], dtype=float)
    middle = middle_longitude(longitudes)
    longitudes = longitudes + 360.0 * np.round((middle - longitudes) / 360.0)
    south, north = _ends(latitudes, LEAST_KM / ROUND_KM_PER_DEGREE)
    narrowing = max(np.cos(np.radians((south + north) / 2.0)), 0.01)
    west, east = _ends(longitudes, LEAST_KM / ROUND_KM_PER_DEGREE / narrowing)
    return {"west": west, "east": east, "south": max(south, -90.0), "north": min(north, 90.0)}


def _ends(values: np.ndarray, least: float) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    first = np.percentile(values, INNER_PERCENT, method="lower")
    last = np.percentile(values, 100.0 - INNER_PERCENT, method="higher")
    if high - low > STRAY_FACTOR * max(last - first, least):
        low, high = float(first), float(last)
    pad = max(MARGIN * (high - low), (least - (high - low)) / 2.0)
    return low - pad, high + pad
