"""Scales that follow the network: how densely places are tried, and how far off a pick may be.

Stations two kilometres apart tell places that are one apart, and there seconds decide which of two events a pick is of;
stations fifty kilometres apart see events kilometres off from any place that is tried. Away from the stations places
differ less and less, so they are tried less densely there, and count for as many fewer in the test of chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from catalogdb.association.config import AssociateConfig
from catalogdb.association.prepared import PreparedStations, Volume

SPACING_SHARE = 0.6
SPACING_KM = (1.2, 8.0)
# What the velocity model is off, s.
MODEL_SECONDS = 0.35
# Places are tried that far apart, as a share of the way to the nearest station.
WIDENING = 0.2
MAXIMUM_NODES = 60_000


@dataclass(frozen=True)
class Scales:
    """Of one network in one volume.

    Args:
        spacing_km: of the places that are tried first, next to the stations.
        tolerance: residual that is allowed there, s.
        max_residual: largest residual of an arrival after location, s.
        places: what is tried, rows of (x, y, depth), km.
        area_km2: as if all places of the plane were told apart as well as those next to the stations.
    """

    spacing_km: float
    tolerance: float
    max_residual: float
    places: np.ndarray
    area_km2: float


def network_scales(config: AssociateConfig, stations: PreparedStations, volume: Volume, vs: float) -> Scales:
    """Take the scales from the spacing of the stations' places, but for what the settings give.

    Args:
        config: `scan.node_spacing_km`, `scan.tolerance` and `max_residual`.
        stations: those of the network.
        volume: where events are looked for.
        vs: S speed, km/s.
    """
    spacing_km = config.scan.node_spacing_km or float(
        np.clip(SPACING_SHARE * _station_spacing_km(stations), *SPACING_KM)
    )
    tolerance = _tolerance(spacing_km, vs)
    share = tolerance / _tolerance(max(spacing_km, SPACING_KM[1]), vs)
    places, area_km2 = _places(
        tuple(stations.place_x_km.tolist()),
        tuple(stations.place_y_km.tolist()),
        (volume.minx_km, volume.maxx_km, volume.miny_km, volume.maxy_km),
        (volume.region.mindepth_km, volume.region.maxdepth_km),
        spacing_km,
    )
    return Scales(spacing_km, config.scan.tolerance or tolerance, config.max_residual * share, places, area_km2)


def _tolerance(spacing_km: float, vs: float) -> float:
    """Half a spacing at S speed, and what the model is off, s."""
    return 0.5 * spacing_km / vs + MODEL_SECONDS


def _station_spacing_km(stations: PreparedStations) -> float:
    """Median distance of a place to its nearest neighbour; infinite for a single one."""
    x_km, y_km = stations.place_x_km, stations.place_y_km
    apart = np.hypot(x_km[:, None] - x_km, y_km[:, None] - y_km)
    np.fill_diagonal(apart, np.inf)
    return float(np.median(apart.min(axis=1)))


@lru_cache(maxsize=4)
def _places(
    place_x_km: tuple[float, ...],
    place_y_km: tuple[float, ...],
    limits_km: tuple[float, float, float, float],
    depths_km: tuple[float, float],
    spacing_km: float,
) -> tuple[np.ndarray, float]:
    """Columns `spacing_km` apart around the stations, twice as wide in each ring farther out, with nodes farther apart
    with depth; all wider where there would be too many. Gives the nodes, and the area (km2) of as many columns as there
    should be, were all of them the narrowest."""
    levels = _levels(place_x_km, place_y_km, limits_km, depths_km, spacing_km)
    area_km2 = sum(x.size for x, _, _ in levels) * spacing_km**2
    while sum(x.size * depths.size for x, _, depths in levels) > MAXIMUM_NODES:
        spacing_km *= 1.2
        levels = _levels(place_x_km, place_y_km, limits_km, depths_km, spacing_km)
    nodes = [
        np.stack([np.repeat(x, depths.size), np.repeat(y, depths.size), np.tile(depths, x.size)], axis=1)
        for x, y, depths in levels
    ]
    return np.concatenate(nodes), area_km2


def _levels(
    place_x_km: tuple[float, ...],
    place_y_km: tuple[float, ...],
    limits_km: tuple[float, float, float, float],
    depths_km: tuple[float, float],
    spacing_km: float,
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The columns (x, y) of each ring, and the depths in them."""
    levels, wide = [], spacing_km
    while True:
        x, y, widest = _columns(place_x_km, place_y_km, limits_km, wide, spacing_km)
        levels.append((x, y, _depths(*depths_km, wide)))
        if not widest >= 2.0 * wide:
            return levels
        wide *= 2.0


def _columns(
    place_x_km: tuple[float, ...],
    place_y_km: tuple[float, ...],
    limits_km: tuple[float, float, float, float],
    wide: float,
    spacing_km: float,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Columns of one ring, `wide` apart, and the widest spacing that is allowed anywhere."""
    minx, maxx, miny, maxy = limits_km
    x, y = (
        axis.ravel()
        for axis in np.meshgrid(
            np.arange(minx + wide / 2.0, maxx, wide), np.arange(miny + wide / 2.0, maxy, wide), indexing="ij"
        )
    )
    nearest = np.full(x.size, np.inf)
    for place_x, place_y in zip(place_x_km, place_y_km, strict=True):
        nearest = np.minimum(nearest, np.hypot(x - place_x, y - place_y))
    allowed = np.maximum(WIDENING * nearest, spacing_km)
    own = (allowed >= wide) & (allowed < 2.0 * wide)
    return x[own], y[own], float(allowed.max(initial=0.0))


def _depths(mindepth_km: float, maxdepth_km: float, spacing_km: float) -> np.ndarray:
    depths, depth, step = [], mindepth_km, 2.0 * spacing_km
    while depth < maxdepth_km:
        depths.append(min(depth + step / 2.5, maxdepth_km))
        depth, step = depth + step, step * 1.4
    return np.array(depths)
