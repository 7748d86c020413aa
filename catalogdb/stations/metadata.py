"""What a reader of station files gives, and what it checks of each record."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obspy import Inventory
    from obspy.core.inventory import Channel, Station


@dataclass
class StationMetadata:
    """What one file tells.

    Attributes:
        inventory: each station epoch once, with its channels; csv stations have none.
        rejected: records left out, each as "file: record: reason".
        warnings: things worth knowing that left nothing out.
    """

    inventory: Inventory
    rejected: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def bad_place(item: Station | Channel) -> str | None:
    if item.latitude is None or item.longitude is None:
        return "no coordinates"
    latitude, longitude = float(item.latitude), float(item.longitude)
    if item.elevation is None or not math.isfinite(float(item.elevation)):
        return "no elevation"
    return bad_coordinates(latitude, longitude)


def bad_coordinates(latitude: float, longitude: float) -> str | None:
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return "no coordinates"
    if not -90 <= latitude <= 90:
        return f"latitude {latitude} is outside -90..90"
    if not -180 <= longitude <= 360:
        return f"longitude {longitude} is outside -180..360"
    if latitude == 0 and longitude == 0:
        return "coordinates 0, 0: taken as unknown"
    return None


def short(error: object) -> str:
    return " ".join(str(error).split())[:200]
