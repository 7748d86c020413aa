"""3-D velocity models: speeds on a regular grid, on a map plane of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.geo import KM_PER_DEGREE, Box, Projection, longitude_span
from catalogdb.identity import content_id
from catalogdb.traveltimes.velocity import EARTH_MODEL_DIGITS, FASTEST

DEGREES = ""
"""The projection of a grid along meridians and parallels."""
SLOWEST = 0.05
RESOLVED = 0.5
"""A node counts as resolved from this resolution on."""
OUTLINE = 41  # points along each side
BEYOND = 1e-6  # of a spacing, for rounding


class MapPlane(NamedTuple):
    """A map plane in km, shifted and turned; see `VelocityGrid`."""

    projection: str
    rotation_degree: float
    shift_km: tuple[float, float]

    def to_xy(self, longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Project degrees to km."""
        x, y = Projection(self.projection).to_xy(longitude, latitude)
        return _turned(x + self.shift_km[0], y + self.shift_km[1], -self.rotation_degree)

    def to_lonlat(self, x_km: np.ndarray, y_km: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitudes (-180 to 180) and latitudes, degrees, of points on the plane."""
        x, y = _turned(x_km, y_km, self.rotation_degree)
        return Projection(self.projection).to_lonlat(x - self.shift_km[0], y - self.shift_km[1])


def _turned(x: np.ndarray, y: np.ndarray, degree: float) -> tuple[np.ndarray, np.ndarray]:
    angle = np.radians(degree)
    return x * np.cos(angle) - y * np.sin(angle), y * np.cos(angle) + x * np.sin(angle)


@dataclass(frozen=True)
class VelocityGrid:
    """Speeds of P and S, at nodes between which slownesses vary linearly along each axis, or in cells.

    Args:
        projection: PROJ string of the map plane; `DEGREES` where x and y are longitude and latitude.
        rotation_degree: of the grid's y axis from the plane's, clockwise, about the plane's origin.
        shift_km: added to the plane's (x, y) before the rotation, km.
        cells: values are of cells and the same in all of each, as in NonLinLoc's grids; interfaces stay sharp.
        origin: x, y (km or degrees) and depth (km below sea level) of the first node, or of the first cell's corner.
        spacing: of nodes or cells along x, y (km or degrees) and depth (km).
        vp, vs: km/s, (x, y, depth).
        resolution: of nodes that were inverted for, (2, x, y, depth), P and S: part of the prior variance of the
            logarithm of slowness that the data took away, 0 to 1. No part of the model's identity.

    Raises:
        InputError: where speeds, shapes or spacings can't be those of a model.
    """

    projection: str
    rotation_degree: float
    shift_km: tuple[float, float]
    cells: bool
    origin: tuple[float, float, float]
    spacing: tuple[float, float, float]
    vp: np.ndarray
    vs: np.ndarray
    resolution: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.vp.shape != self.vs.shape or self.vp.ndim != 3:
            raise InputError(f"velocity grid: P has nodes {self.vp.shape}, S {self.vs.shape}: they must be the same")
        if self.resolution is not None and self.resolution.shape != (2, *self.vp.shape):
            raise InputError(f"velocity grid: resolution of {self.resolution.shape}, speeds of {self.vp.shape}")
        if min(self.vp.shape) < 2:
            raise InputError(
                f"velocity grid: {' x '.join(map(str, self.vp.shape))} nodes are no 3-D grid: each axis needs two",
                hint="give a model that varies with depth alone as layers",
            )
        if min(self.spacing) <= 0:
            raise InputError(f"velocity grid: spacings must be positive, not {self.spacing}")
        for name, speeds in (("vp", self.vp), ("vs", self.vs)):
            if not np.isfinite(speeds).all() or speeds.min() < SLOWEST or speeds.max() > FASTEST:
                raise InputError(
                    f"velocity grid: {name} from {np.min(speeds):g} to {np.max(speeds):g}: it must lie between "
                    f"{SLOWEST:g} and {FASTEST:g} km/s everywhere",
                    hint="speeds are in km/s; S can't be 0, in water either",
                )
        if (self.vs >= self.vp).any():
            node = tuple(int(number) for number in np.argwhere(self.vs >= self.vp)[0])
            raise InputError(f"velocity grid: vs is not below vp at node {node}, counted from 0")
        if self.projection != DEGREES:
            Projection(self.projection)

    @property
    def top_km(self) -> float:
        """Depth where it begins, km below sea level."""
        return self.origin[2]

    @property
    def bottom_km(self) -> float:
        """Depth where it ends, km below sea level."""
        return self.origin[2] + self._steps[2] * self.spacing[2]

    @property
    def _steps(self) -> tuple[int, int, int]:
        """From one end of it to the other, along its axes."""
        nx, ny, nz = self.vp.shape
        return (nx, ny, nz) if self.cells else (nx - 1, ny - 1, nz - 1)

    @cached_property
    def digest(self) -> str:
        """Identity of the content."""
        arrays = [sha256(np.ascontiguousarray(speeds, "<f4").tobytes()).hexdigest() for speeds in (self.vp, self.vs)]
        return content_id(self.geometry, arrays)

    @property
    def earth_model_id(self) -> str:
        """Name of the model by its content: its shape, and a hash of all that it says."""
        return f"{'x'.join(map(str, self.vp.shape))}_grid_{self.digest[:EARTH_MODEL_DIGITS]}"

    @property
    def geometry(self) -> Json:
        """Where its values are."""
        return {
            "cells": self.cells,
            "projection": self.projection,
            "rotation_degree": float(self.rotation_degree),
            "shift_km": [float(value) for value in self.shift_km],
            "origin": [float(value) for value in self.origin],
            "spacing": [float(value) for value in self.spacing],
            "shape": list(self.vp.shape),
        }

    @property
    def mean_speeds(self) -> tuple[float, float]:
        """Of P and S, by the mean slowness, km/s."""
        return 1.0 / float((1.0 / self.vp).mean()), 1.0 / float((1.0 / self.vs).mean())

    @property
    def spacing_km(self) -> tuple[float, float, float]:
        """Of nodes along x, y and depth; where they are in degrees, in the grid's middle."""
        dx, dy, dz = self.spacing
        if self.projection != DEGREES:
            return dx, dy, dz
        latitude = self.origin[1] + 0.5 * self._steps[1] * dy
        return dx * KM_PER_DEGREE * float(np.cos(np.radians(latitude))), dy * KM_PER_DEGREE, dz

    @property
    def plane(self) -> MapPlane:
        """Where its x and y count, in km."""
        return MapPlane(self.projection, self.rotation_degree, self.shift_km)

    def position(self, longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions along the grid's x and y axes of points (degrees), counted in spacings from 0."""
        if self.projection == DEGREES:
            x, y = self.origin[0] + (longitude - self.origin[0] + 180.0) % 360.0 - 180.0, latitude
        else:
            x, y = self.plane.to_xy(longitude, latitude)
        return (x - self.origin[0]) / self.spacing[0], (y - self.origin[1]) / self.spacing[1]

    def lonlat(self, i: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitudes and latitudes (degrees) of positions along the grid's axes, see `position`."""
        x, y = self.origin[0] + i * self.spacing[0], self.origin[1] + j * self.spacing[1]
        return (x, y) if self.projection == DEGREES else self.plane.to_lonlat(x, y)

    @property
    def outline(self) -> tuple[np.ndarray, np.ndarray]:
        """Longitudes and latitudes (degrees) of points along its sides."""
        side, (far_x, far_y, _) = np.linspace(0.0, 1.0, OUTLINE), self._steps
        low, high = np.zeros(OUTLINE), np.ones(OUTLINE)
        i, j = np.concatenate([side, side, low, high]), np.concatenate([low, high, side, side])
        return self.lonlat(i * far_x, j * far_y)

    @property
    def box(self) -> Box:
        """Limits in degrees that hold its outline."""
        longitude, latitude = self.outline
        west, east = longitude_span(longitude)
        return Box(float(latitude.min()), float(latitude.max()), west, east)

    def holds(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """Whether points (degrees) lie within it, whatever their depths."""
        i, j = self.position(longitude, latitude)
        far_x, far_y, _ = self._steps
        return (i >= -BEYOND) & (i <= far_x + BEYOND) & (j >= -BEYOND) & (j <= far_y + BEYOND)

    def slowness(self, longitude: np.ndarray, latitude: np.ndarray, depth_km: np.ndarray, is_s: bool) -> np.ndarray:
        """Slowness (s/km) below points of one shape (degrees): (*points, depths); beyond its ends as at the ends.

        Args:
            depth_km: evenly spaced. Of cells it is the mean between the middles of these depths, so that an interface
                between two of them counts where it is.
            is_s: of S.
        """
        values = 1.0 / (self.vs if is_s else self.vp)
        if self.cells:
            i, j = self.position(longitude, latitude)
            k = (np.asarray(depth_km) - self.origin[2]) / self.spacing[2]
            last = np.array(values.shape) - 1
            row, column = (np.clip(np.floor(at), 0, end).astype(int) for at, end in zip((i, j), last, strict=False))
            return np.asarray(values[row, column] @ _shares(k, values.shape[2]).T)
        return self.between_nodes(values, longitude, latitude, depth_km)

    def between_nodes(
        self, values: np.ndarray, longitude: np.ndarray, latitude: np.ndarray, depth_km: np.ndarray
    ) -> np.ndarray:
        """Values at nodes (x, y, depth), linearly between them, below points of one shape (degrees): (*points, depths);
        beyond its ends as at the ends."""
        from scipy.ndimage import map_coordinates

        i, j = self.position(longitude, latitude)
        k = (np.asarray(depth_km) - self.origin[2]) / self.spacing[2]
        places = np.broadcast_arrays(i[..., None], j[..., None], k)
        found: np.ndarray = map_coordinates(values, places, order=1, mode="nearest")
        return found


def _shares(depth: np.ndarray, cells: int) -> np.ndarray:
    """How much of the interval around each of evenly spaced depths (in cells from the first one's top) lies in each
    cell, (depths, cells); the first and the last reach on."""
    half = 0.5 * (depth[1] - depth[0])
    top, bottom = np.arange(float(cells)), np.arange(1.0, cells + 1.0)
    top[0], bottom[-1] = -np.inf, np.inf
    low, high = np.maximum(depth[:, None] - half, top), np.minimum(depth[:, None] + half, bottom)
    return np.maximum(high - low, 0.0) / (2.0 * half)
