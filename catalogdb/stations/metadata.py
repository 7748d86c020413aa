"""What a reader of station files gives, and the bounds of what it takes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from obspy.core.inventory import Station

from catalogdb.geo import coordinates
from catalogdb.stations.epochs import epoch_end, epoch_start

if TYPE_CHECKING:
    from obspy import Inventory, UTCDateTime

LONGEST_CODE = 8
HIGHEST_M = 9_000.0
LOWEST_M = -12_000.0
"""Elevations of sensors: from the deepest trench to the highest summit (m)."""
DEEPEST_M = 13_000.0
"""Burial depths: the deepest borehole (m). Negative ones are sensors on masts and in buildings."""
HIGHEST_RATE_HZ = 1e6
FARTHEST_KM = 50.0
"""A channel farther than this from its station's coordinates has a wrong place; moved stations stay nearer."""
FAR_KM = 1.0
"""From here on the distance of a channel from its station is worth a line."""


class TablePlace(Station):
    """A row of a table that names no channel: a place, with the location code and burial depth (m) it has there."""

    location_code: str = ""
    depth_m: float | None = None


@dataclass
class StationMetadata:
    """What one file tells.

    Attributes:
        inventory: each station epoch once, with its channels; of tables without channels `TablePlace`s.
        rejected: records left out, each as "file: record: reason".
        warnings: what was repaired or looks wrong, and left nothing out.
        notes: what of the file is not used, and other things worth knowing.
    """

    inventory: Inventory
    rejected: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def is_code(text: str) -> bool:
    """True for what can be a network, station or channel code."""
    return re.fullmatch(rf"[A-Za-z0-9_\-]{{1,{LONGEST_CODE}}}", text) is not None


def is_location(text: str) -> bool:
    """True for what can be a location code, which may be empty."""
    return text == "" or is_code(text)


def location_code(text: str | None) -> str:
    """A location code without the dashes and asterisks that stand for an empty one."""
    text = (text or "").strip()
    return "" if text in ("--", "-", "__", "**", "*") else text


def bad_coordinates(latitude: float, longitude: float) -> str | None:
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return "no coordinates"
    try:
        coordinates(latitude, longitude)
    except ValueError as error:
        return str(error)
    if latitude == 0 and longitude == 0:
        return "coordinates 0, 0: taken as unknown"
    return None


def bad_elevation(elevation_m: float) -> str | None:
    if math.isnan(elevation_m):
        return "no elevation"
    if not LOWEST_M <= elevation_m <= HIGHEST_M:
        return f"elevation {elevation_m:g} m is outside {LOWEST_M:.0f}..{HIGHEST_M:.0f} m"
    return None


def bad_depth(depth_m: float) -> str | None:
    if not -1000.0 <= depth_m <= DEEPEST_M:
        return f"depth {depth_m:g} m is outside -1000..{DEEPEST_M:.0f} m"
    return None


def bad_epoch(start: UTCDateTime | None, end: UTCDateTime | None) -> str | None:
    if epoch_end(end) <= epoch_start(start):
        return f"its epoch ends ({end}) before it begins ({start})" if start and end else "its epoch lies past 2051"
    return None


def short(error: object) -> str:
    return " ".join(str(error).split())[:200]
