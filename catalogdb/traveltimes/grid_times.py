"""Travel times in a 3-D model, from a lattice of each station and phase."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from catalogdb.errors import InputError
from catalogdb.geo import Projection, Region
from catalogdb.identity import content_id
from catalogdb.traveltimes import eikonal, time_files
from catalogdb.traveltimes.eikonal import Lattice
from catalogdb.traveltimes.first_arrivals import TravelTimes
from catalogdb.traveltimes.velocity_grid import VelocityGrid

MARGIN_SHARES = np.linspace(1.0, 0.0, 21)
LATTICE_OF_RIM = 41
SHORTEST_KM = 1e-3
CORNERS = tuple((i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1))


@dataclass(frozen=True)
class TimeGrid:
    """First arrivals at one station: mean slowness along the straight line to each node, s/km."""

    lattice: Lattice
    station: np.ndarray
    slowness: np.ndarray

    def __call__(self, places: np.ndarray) -> np.ndarray:
        """Times (s) from places (..., 3) of (x, y, depth), km; linear between nodes."""
        row, (x, y, z) = self._cells(places)
        mean = np.zeros(places.shape[:-1])
        for (i, j, k), step in zip(CORNERS, self._steps, strict=True):  # one by one: places are many
            mean += self.slowness.take(row + step) * (x[i] * y[j] * z[k])
        return mean * np.sqrt(((places - self.station) ** 2).sum(axis=-1))

    def with_derivatives(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Times (s), and their derivatives by (x, y, depth): (..., 3), s/km."""
        row, (x, y, z) = self._cells(places)
        value = self.slowness.take(np.add.outer(self._steps, row)).astype(float).reshape(2, 2, 2, *row.shape)
        xy, xz, yz = x[:, None] * y, x[:, None] * z, y[:, None] * z
        mean, slope = (value * (xy[:, :, None] * z)).sum(axis=(0, 1, 2)), np.empty(places.shape)
        slope[..., 0] = ((value[1] - value[0]) * yz).sum(axis=(0, 1))
        slope[..., 1] = ((value[:, 1] - value[:, 0]) * xz).sum(axis=(0, 1))
        slope[..., 2] = ((value[:, :, 1] - value[:, :, 0]) * xy).sum(axis=(0, 1))
        apart = places - self.station
        distance = np.sqrt((apart**2).sum(axis=-1))
        slope /= np.array(self.lattice.spacing)
        share = mean / np.maximum(distance, SHORTEST_KM)
        return mean * distance, slope * distance[..., None] + share[..., None] * apart

    @cached_property
    def _steps(self) -> np.ndarray:
        """How far on in `slowness` the corners of a cell are from its first one."""
        _, ny, nz = self.lattice.shape
        return np.array([(i * ny + j) * nz + k for i, j, k in CORNERS])

    def _cells(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first corner of each place's cell, where it stands in `slowness`; and weights along x, y and depth of the
        lower and the upper side: (3, 2, ...)."""
        lattice = self.lattice
        last = np.array(lattice.shape) - 1
        position = np.clip((places - np.array(lattice.origin)) / np.array(lattice.spacing), 0.0, last)
        first = np.minimum(position.astype(np.int64), last - 1)
        parts = np.moveaxis(position - first, -1, 0)
        _, ny, nz = lattice.shape
        row = (first[..., 0] * ny + first[..., 1]) * nz + first[..., 2]
        return row, np.stack([1.0 - parts, parts], axis=1)


class GridTimes:
    """First arrivals at the stations of one network.

    Args:
        grids: of each station P and S.
        vp, vs: mean speeds, km/s.
    """

    def __init__(self, grids: list[tuple[TimeGrid, TimeGrid]], vp: float, vs: float):
        self._grids = [grid for pair in grids for grid in pair]
        self.vp, self.vs = vp, vs

    def __call__(self, places: np.ndarray, station: np.ndarray, is_s: np.ndarray) -> np.ndarray:
        """Travel times (s): (events, places, arrivals).

        Args:
            places: (events, places, 3) of (x, y, depth), km.
            station, is_s: row of the station and phase of each arrival: (events, arrivals).
        """
        found = np.empty((*places.shape[:2], station.shape[1]))
        for grid, event, arrival in self._groups(station, is_s):
            found[event, :, arrival] = grid(places[event])
        return found

    def with_derivatives(
        self, places: np.ndarray, station: np.ndarray, is_s: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Travel times (s), (events, arrivals), and their derivatives by (x, y, depth), (events, arrivals, 3), s/km.

        Args:
            places: (events, 3), km.
            station, is_s: of each arrival: (events, arrivals).
        """
        found, slope = np.empty(station.shape), np.empty((*station.shape, 3))
        for grid, event, arrival in self._groups(station, is_s):
            found[event, arrival], slope[event, arrival] = grid.with_derivatives(places[event])
        return found, slope

    def _groups(self, station: np.ndarray, is_s: np.ndarray) -> Iterator[tuple[TimeGrid, np.ndarray, np.ndarray]]:
        """Arrivals by the grid that they need: their events and their places in these."""
        slot = (station * 2 + is_s).ravel()
        order = np.argsort(slot, kind="stable")
        numbers, first = np.unique(slot[order], return_index=True)
        for number, rows in zip(numbers, np.split(order, first[1:]), strict=True):
            yield self._grids[number], *np.divmod(rows, station.shape[1])


Times = TravelTimes | GridTimes


def with_slopes(
    times: Times,
    models: np.ndarray,
    sensors: tuple[np.ndarray, np.ndarray, np.ndarray],
    station: np.ndarray,
    is_s: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Travel times (s), (models, arrivals), and the derivatives of arrival times by (x, y, depth, time): (models,
    arrivals, 4), s/km and 1.

    Args:
        times: of any kind of model.
        models: rows of (x, y, depth, time), km and s.
        sensors: x, y and depth of the sensor of each arrival, km: (models, arrivals), or (arrivals) where all models
            have the same ones.
        station, is_s: row of the sensor among those that `times` of a 3-D model is of, and phase, of the same shape.
    """
    if isinstance(times, GridTimes):
        shape = len(models), station.shape[-1]
        travel, by_place = times.with_derivatives(
            models[:, :3], np.broadcast_to(station, shape), np.broadcast_to(is_s, shape)
        )
        return travel, np.concatenate([by_place, np.ones((*shape, 1))], axis=-1)
    x_km, y_km, depth_km = sensors
    east, north = models[:, :1] - x_km, models[:, 1:2] - y_km
    distance = np.hypot(east, north)
    travel, by_distance, by_depth = times.with_derivatives(distance, models[:, 2:3], depth_km, is_s)
    by_distance = by_distance / np.maximum(distance, SHORTEST_KM)
    return travel, np.stack([by_distance * east, by_distance * north, by_depth, np.ones_like(distance)], axis=-1)


def search_limits(region: Region, projection: Projection, margin_km: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limits of (x, y, depth), km, of a complete region with a margin around it."""
    west, east, south, north = region.bounds_xy(projection)
    lower = np.array([west - margin_km, south - margin_km, region.mindepth_km])
    return lower, np.array([east + margin_km, north + margin_km, region.maxdepth_km])


def region_times(
    model: VelocityGrid,
    region: Region,
    projection: Projection,
    margin_km: float,
    names: list[str],
    longitude: np.ndarray,
    latitude: np.ndarray,
    depth_km: np.ndarray,
) -> tuple[GridTimes, float]:
    """Travel times of a 3-D model in a complete region, and the part of the margin (km) that the model reaches over.

    Args:
        margin_km: around the region.
        names, longitude, latitude, depth_km: of the stations, degrees and km below sea level.

    Raises:
        InputError: where the model doesn't reach over the region and its stations.
    """
    check_model(model, (region.mindepth_km, region.maxdepth_km), names, longitude, latitude, depth_km)
    margin_km = margin_within(model, projection, region.bounds_xy(projection), margin_km)
    x, y = projection.to_xy(longitude, latitude)
    places = np.column_stack([x, y, depth_km])
    return grid_times(model, projection, places, *search_limits(region, projection, margin_km)), margin_km


def grid_times(
    model: VelocityGrid, projection: Projection, stations: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> GridTimes:
    """Travel times of a 3-D model to all stations, from their files or made.

    Args:
        model: which `check_model` has taken.
        projection: map plane of stations and limits.
        stations: (stations, 3) of (x, y, depth), km.
        lower, upper: (x, y, depth) of the search volume's limits, km.
    """
    grids, keys = [], []
    for station in stations:
        lattice = Lattice.around(station, lower, upper, model.spacing_km)
        pair = []
        for is_s in (False, True):
            key = content_id(
                "travel_time", eikonal.CACHE_VERSION, model.digest, projection.definition, is_s, *lattice.origin,
                *lattice.spacing, *lattice.shape, *lattice.source,
            )  # fmt: skip
            slowness = time_files.kept(key, partial(solved, model, projection, lattice, is_s))
            pair.append(TimeGrid(lattice, station, slowness))
            keys.append(key)
        grids.append((pair[0], pair[1]))
    time_files.remove_oldest(keys)
    return GridTimes(grids, *model.mean_speeds)


def solved(model: VelocityGrid, projection: Projection, lattice: Lattice, is_s: bool) -> np.ndarray:
    """Mean slowness of first arrivals from a lattice's station to its nodes, s/km.

    Args:
        projection: map plane of the lattice.
    """
    x, y, depth = lattice.axes
    longitude, latitude = projection.to_lonlat(*np.meshgrid(x, y, indexing="ij"))
    return eikonal.mean_slowness(model.slowness(longitude, latitude, depth, is_s), lattice)


def margin_within(
    model: VelocityGrid, projection: Projection, bounds: tuple[float, float, float, float], margin_km: float
) -> float:
    """The part of a margin around a region (km) that the model reaches over.

    Args:
        bounds: the region's minimum x, maximum x, minimum y, maximum y on the map plane, km.

    Raises:
        InputError: where it doesn't reach over the region itself.
    """
    for margin in margin_km * MARGIN_SHARES:
        x = np.linspace(bounds[0] - margin, bounds[1] + margin, LATTICE_OF_RIM)
        y = np.linspace(bounds[2] - margin, bounds[3] + margin, LATTICE_OF_RIM)
        longitude, latitude = projection.to_lonlat(*np.meshgrid(x, y))
        if model.holds(longitude, latitude).all():
            return float(margin)
    outside = ~model.holds(longitude, latitude)
    raise InputError(
        f"velocity model: it ends within the region, at longitude {longitude[outside][0]:.3f}, latitude "
        f"{latitude[outside][0]:.3f} for example",
        hint="set a region (minlatitude ... maxlongitude) that the model reaches over, or extend the model",
    )


def check_model(
    model: VelocityGrid,
    limits_km: tuple[float, float],
    names: list[str],
    longitude: np.ndarray,
    latitude: np.ndarray,
    depth_km: np.ndarray,
) -> None:
    """Refuse a model that doesn't reach over depths and stations.

    Args:
        limits_km: shallowest and deepest events, km below sea level.
        names, longitude, latitude, depth_km: of the stations, degrees and km below sea level.

    Raises:
        InputError: naming what lies outside.
    """
    for name, limit, is_outside in (
        ("region.mindepth_km", limits_km[0], limits_km[0] < model.top_km),
        ("region.maxdepth_km", limits_km[1], limits_km[1] > model.bottom_km),
    ):
        if is_outside:
            raise InputError(
                f"velocity model: it reaches from {model.top_km:g} to {model.bottom_km:g} km depth, {name} is "
                f"{limit:g} km",
                hint=f"set {name} within the model, or extend the model",
            )
    for outside, words in (
        (~model.holds(longitude, latitude), "outside the velocity model"),
        (depth_km < model.top_km, f"above the top of the velocity model ({-model.top_km:g} km above sea level)"),
        (depth_km > model.bottom_km, f"below the bottom of the velocity model ({model.bottom_km:g} km)"),
    ):
        if outside.any():
            first = [names[row] for row in np.flatnonzero(outside)[:5]]
            raise InputError(
                f"{int(outside.sum())} of {len(names)} stations stand {words}: {', '.join(first)}"
                f"{' ...' if outside.sum() > len(first) else ''}; {first[0]} is at {longitude[outside][0]:.4f} "
                f"{latitude[outside][0]:.4f}, elevation {-depth_km[outside][0]:.3f} km",
                hint="extend the model: stations stand at their true elevations",
            )
