"""What figures of velocity models show: map slices of a grid, and speeds of layers by depth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalogdb.errors import InputError
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import RESOLVED, VelocityGrid

Array = NDArray[np.float64]

PIXELS = 160
"""Of a slice's longer side."""
SLICES = 6
MARGIN = 0.15
"""Around what is resolved, as part of its size."""
AROUND = 1e-3
"""Of a spacing, above and below a slice: at an interface it is the mean of both sides."""
BELOW_KM = 10.0
"""So far below the last layer a profile goes on."""


@dataclass(frozen=True)
class Slice:
    """A grid at one depth, on the pixels of its figure.

    Attributes:
        depth_km: below sea level.
        speeds: (2, rows, columns), vp and vs in km/s; NaN where the model doesn't reach.
        resolution: likewise, 0 to 1; None where nothing is known of it.
        events: longitude and latitude of those to which no other slice is nearer in depth, (events, 2).
    """

    depth_km: float
    speeds: Array
    resolution: Array | None
    events: Array

    @property
    def is_resolved(self) -> NDArray[np.bool_]:
        """Where speeds are more the data's than the first guess's; everywhere where nothing is known of that."""
        reached = np.isfinite(self.speeds)
        return reached if self.resolution is None else reached & (self.resolution > RESOLVED)

    @property
    def means(self) -> tuple[float, float]:
        """Of vp and vs, km/s: where they are resolved, or of all where nothing is."""
        p, s = (
            float(own[resolved].mean() if resolved.any() else np.nanmean(own))
            for own, resolved in zip(self.speeds, self.is_resolved, strict=True)
        )
        return p, s

    @property
    def differences(self) -> Array:
        """From the means, per cent."""
        means = np.array(self.means)[:, None, None]
        found: Array = 100.0 * (self.speeds - means) / means
        return found


@dataclass(frozen=True)
class SliceFigure:
    """Slices of one grid.

    Attributes:
        title: over the figure.
        longitudes, latitudes: of the pixels' middles, degrees; longitudes may exceed 180.
        slices: the shallowest first.
        stations: longitude and latitude, (stations, 2).
    """

    title: str
    longitudes: Array
    latitudes: Array
    slices: tuple[Slice, ...]
    stations: Array


@dataclass(frozen=True)
class ProfileFigure:
    """Speeds of a model of layers by depth.

    Attributes:
        title: over the figure.
        depths_km, vp, vs: corners of their lines, km and km/s.
        event_depths_km: to be counted beside them.
    """

    title: str
    depths_km: Array
    vp: Array
    vs: Array
    event_depths_km: Array


def slices_of(
    title: str, model: VelocityGrid, depths_km: Sequence[float], stations: Array, events: Array
) -> SliceFigure:
    """Slices of a grid.

    Args:
        depths_km: of the slices; none: some round ones where the model is resolved, or of all of it.
        stations: longitude and latitude, (stations, 2).
        events: longitude, latitude and depth (km), (events, 3).

    Raises:
        InputError: for a depth that the model doesn't reach.
    """
    depths = np.array(sorted(set(depths_km)) or _round_depths(model))
    for depth in depths[(depths < model.top_km) | (depths > model.bottom_km)]:
        raise InputError(f"depth {depth:g} km: the model is from {model.top_km:g} to {model.bottom_km:g} km")
    longitudes, latitudes = _pixels(model)
    at = np.meshgrid(longitudes, latitudes)
    reached, step = model.holds(*at), AROUND * model.spacing[2] * np.array([-1.0, 1.0])
    stations, events = (np.column_stack([_near(longitudes[0], rows[:, 0]), rows[:, 1:]]) for rows in (stations, events))
    nearest = np.abs(events[:, 2:] - depths).argmin(axis=1)
    slices = []
    for number, depth in enumerate(depths.tolist()):
        speeds = np.stack([1.0 / model.slowness(*at, depth + step, is_s).mean(axis=2) for is_s in (False, True)])
        speeds[:, ~reached] = np.nan
        resolution = None
        if model.resolution is not None:
            resolution = np.stack([model.between_nodes(own, *at, np.array([depth])) for own in model.resolution])[
                ..., 0
            ]
        slices.append(Slice(depth, speeds, resolution, events[nearest == number, :2]))
    return SliceFigure(title, longitudes, latitudes, tuple(slices), stations)


def profile_of(title: str, model: VelocityConfig, event_depths_km: Array) -> ProfileFigure:
    """Speeds of layers, from the first one's top, or sea level above it, to below the last one and all events."""
    rows = np.array(model.rows)
    bottom = max([*(rows[-1:, 0] + BELOW_KM), *event_depths_km])
    top = min(rows[0, 0], *event_depths_km, 0.0)
    if model.gradient:
        corners = np.vstack([rows[:1], rows, rows[-1:]])
        corners[[0, -1], 0] = top, bottom
    else:
        edges = np.append(rows[:, 0], bottom)
        edges[0] = top
        corners = np.repeat(rows, 2, axis=0)
        corners[:, 0] = np.column_stack([edges[:-1], edges[1:]]).ravel()
    depth, vp, vs = corners.T
    return ProfileFigure(title, depth, vp, vs, event_depths_km)


def _near(west: float, longitude: Array) -> Array:
    """Longitudes, turned until they are within half a circle of another one."""
    found: Array = west + np.mod(longitude - west + 180.0, 360.0) - 180.0
    return found


def _resolved(model: VelocityGrid) -> NDArray[np.bool_] | None:
    """Nodes where P or S is resolved; None where nothing is, or is known of it."""
    if model.resolution is None:
        return None
    found = np.any(model.resolution > RESOLVED, axis=0)
    return np.asarray(found) if found.any() else None


def _pixels(model: VelocityGrid) -> tuple[Array, Array]:
    """Longitudes and latitudes of pixels, over what is resolved and somewhat more, or over all of the model."""
    south, north, west, east = model.box
    if (resolved := _resolved(model)) is not None:
        longitude, latitude = model.lonlat(*(axis.astype(float) for axis in np.nonzero(resolved.any(axis=2))))
        longitude = _near((west + east) / 2.0, longitude)
        more_x, more_y = (MARGIN * max(np.ptp(values), 0.1) for values in (longitude, latitude))
        west, east = max(west, longitude.min() - more_x), min(east, longitude.max() + more_x)
        south, north = max(south, latitude.min() - more_y), min(north, latitude.max() + more_y)
    narrowing = np.cos(np.radians((south + north) / 2.0))
    step = max((east - west) * narrowing, north - south) / PIXELS
    columns, rows = (max(round(size / step), 2) for size in ((east - west) * narrowing, north - south))
    x, y = ((np.arange(count) + 0.5) / count for count in (columns, rows))
    return west + (east - west) * x, south + (north - south) * y


def _round_depths(model: VelocityGrid) -> list[float]:
    """At most so many of slices, where anything is resolved, or over all of the model."""
    top, bottom = model.top_km, model.bottom_km
    if (resolved := _resolved(model)) is not None:
        nodes = np.flatnonzero(resolved.any(axis=(0, 1)))
        top, bottom = (float(model.origin[2] + model.spacing[2] * node) for node in (nodes[0], nodes[-1]))
    power = 10.0 ** math.floor(math.log10((bottom - top + model.spacing[2]) / SLICES))
    for step in (power, 2.0 * power, 2.5 * power, 5.0 * power, 10.0 * power):
        depths = step * np.arange(math.ceil(top / step), math.floor(bottom / step) + 1)
        if len(depths) <= SLICES:
            break
    return depths.tolist() or [(top + bottom) / 2.0]
