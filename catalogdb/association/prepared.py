"""What an associator is given and what it gives back: plain arrays, one form for GaMMA and PyOcto."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalogdb.geo import Projection, Region
from catalogdb.stations.places import PlacedPick


@dataclass(frozen=True)
class Volume:
    """Where events are looked for: limits on the map plane (km) and in depth (km below sea level)."""

    region: Region
    projection: Projection
    minx_km: float
    maxx_km: float
    miny_km: float
    maxy_km: float

    @classmethod
    def around(cls, region: Region, margin_km: float) -> Volume:
        """Make the volume of a complete region, `margin_km` wider on each side."""
        projection = region.map_projection()
        minx, maxx, miny, maxy = region.bounds_xy(projection)
        return cls(region, projection, minx - margin_km, maxx + margin_km, miny - margin_km, maxy + margin_km)

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper limits of (x, y, depth), km."""
        return (
            np.array([self.minx_km, self.miny_km, self.region.mindepth_km]),
            np.array([self.maxx_km, self.maxy_km, self.region.maxdepth_km]),
        )


@dataclass(frozen=True)
class PreparedStations:
    """Stations with usable coordinates, one row each, in order of code.

    `place` numbers the places that they stand at: several codes at one place count once in what is derived from the
    network. `place_x_km` and `place_y_km` are where the places lie, one row each.
    """

    codes: list[tuple[str, str]]
    latitude: np.ndarray
    longitude: np.ndarray
    x_km: np.ndarray
    y_km: np.ndarray
    depth_km: np.ndarray
    place: np.ndarray
    place_x_km: np.ndarray
    place_y_km: np.ndarray


@dataclass(frozen=True)
class PreparedPicks:
    """Accepted picks in order of (time, _id); arrays of one length."""

    documents: list[PlacedPick]
    time: np.ndarray
    station: np.ndarray
    is_s: np.ndarray
    probability: np.ndarray
    sigma: np.ndarray

    def __len__(self) -> int:
        return len(self.documents)


@dataclass(frozen=True)
class Candidate:
    """One event as an associator sees it: a hypocentre on the map plane and the rows of its picks."""

    time: float
    x_km: float
    y_km: float
    depth_km: float
    picks: tuple[int, ...]
    score: float | None = None


def places(x_km: np.ndarray, y_km: np.ndarray, same_place_km: float) -> tuple[np.ndarray, np.ndarray]:
    """Number the places of stations: one within `same_place_km` of an earlier one's place belongs to it.

    Distance is horizontal, so that a borehole's sensor stands at the place of the one above.

    Returns:
        the place of each station, and the station that each place lies at.
    """
    place = np.empty(len(x_km), dtype=int)
    founders: list[int] = []
    for number in range(len(x_km)):
        apart = np.hypot(x_km[founders] - x_km[number], y_km[founders] - y_km[number])
        if apart.size and apart.min() <= same_place_km:
            place[number] = int(apart.argmin())
        else:
            place[number] = len(founders)
            founders.append(number)
    return place, np.array(founders, dtype=int)
