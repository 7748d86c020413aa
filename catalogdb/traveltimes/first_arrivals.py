"""First-arrival travel times of P and S in a homogeneous or a layered model, stations at their own elevations."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from catalogdb.traveltimes.flattening import flat_depth, flat_layers
from catalogdb.traveltimes.velocity import VelocityConfig

GRADIENT_STEP_KM = 0.25
STATION_STEP_KM = 1.0
TABLE_STEP_KM = 0.5
SHORTEST_KM = 1e-3


TimesAtStations = Callable[[np.ndarray, ArrayLike], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Of distance and depth (km): travel times (s) and their derivatives by distance and by depth (s/km)."""


class HomogeneousTimes:
    """Straight rays at one speed of P and one of S (km/s)."""

    def __init__(self, vp: float, vs: float):
        self.vp, self.vs = vp, vs
        self.key = (vp, vs)

    def __call__(
        self, distance_km: np.ndarray, depth_km: ArrayLike, station_depth_km: ArrayLike, is_s: ArrayLike
    ) -> np.ndarray:
        """Give travel times in seconds; arguments broadcast together, depths below sea level."""
        path = np.hypot(distance_km, np.subtract(depth_km, station_depth_km))
        return path / np.where(is_s, self.vs, self.vp)

    def with_derivatives(
        self, distance_km: np.ndarray, depth_km: ArrayLike, station_depth_km: ArrayLike, is_s: ArrayLike
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give travel times (s) and their derivatives by distance and by depth (s/km)."""
        return self.at_stations(station_depth_km, is_s)(distance_km, depth_km)

    def at_stations(self, station_depth_km: ArrayLike, is_s: ArrayLike) -> TimesAtStations:
        """The same for stations and phases that stay what they are, as a function of distance and depth."""
        slowness = 1.0 / np.where(is_s, self.vs, self.vp)

        def times(distance_km: np.ndarray, depth_km: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            below = np.subtract(depth_km, station_depth_km)
            path = np.maximum(np.hypot(distance_km, below), SHORTEST_KM)
            return path * slowness, distance_km / path * slowness, below / path * slowness

        return times


class LayeredTimes:
    """First arrivals (direct and head waves) in layers, be they flat or shells, from tables over distance, depth and
    station elevation.

    The tables hold the time divided by the straight path's length: that varies slowly, so bilinear interpolation stays
    good next to the station, where the time itself has a cusp.

    Args:
        velocity: a model with layers.
        maxdistance_km, mindepth_km, maxdepth_km: what the tables must reach; beyond, the border's mean speed holds.
        stations_depth_km: shallowest and deepest station (elevation counted negative).
        step_km: smallest step of the tables.
    """

    def __init__(
        self,
        velocity: VelocityConfig,
        maxdistance_km: float,
        mindepth_km: float,
        maxdepth_km: float,
        stations_depth_km: tuple[float, float],
        step_km: float = TABLE_STEP_KM,
    ):
        self.key = (velocity, maxdistance_km, mindepth_km, maxdepth_km, stations_depth_km, step_km)
        tops, vp, vs = _constant_layers(velocity)
        self.vp, self.vs = _mean_speed(tops, vp, maxdepth_km), _mean_speed(tops, vs, maxdepth_km)
        self.surface_vp, self.surface_vs = float(vp[0]), float(vs[0])
        share = step_km / TABLE_STEP_KM
        self._distance = _axis(0.0, maxdistance_km, max(step_km, share * maxdistance_km / 600.0))
        self._depth = _axis(mindepth_km, maxdepth_km, max(step_km, share * (maxdepth_km - mindepth_km) / 150.0))
        self._station = _axis(*stations_depth_km, STATION_STEP_KM)
        self._distance_step = self._distance[1] - self._distance[0]
        self._depth_step = self._depth[1] - self._depth[0]
        self._is_spherical = velocity.spherical
        if velocity.spherical:
            highest_km, deepest_km = min(self._depth[0], self._station[0]), max(self._depth[-1], self._station[-1])
            tops, vp, vs = flat_layers(tops, vp, vs, float(highest_km), float(deepest_km), maxdistance_km)
        self._slowness = np.stack(
            [np.stack([self._slownesses(tops, speeds, station) for station in self._station]) for speeds in (vp, vs)]
        )

    def __call__(
        self, distance_km: np.ndarray, depth_km: ArrayLike, station_depth_km: ArrayLike, is_s: ArrayLike
    ) -> np.ndarray:
        """Give travel times in seconds; arguments broadcast together, depths below sea level."""
        corners = self._corners(station_depth_km, is_s)
        near, far, at_distance, at_depth = corners(distance_km, depth_km)
        shallow, deep = near + at_distance * (far - near)
        slowness = shallow + at_depth * (deep - shallow)
        return slowness * np.hypot(distance_km, np.subtract(depth_km, station_depth_km))

    def with_derivatives(
        self, distance_km: np.ndarray, depth_km: ArrayLike, station_depth_km: ArrayLike, is_s: ArrayLike
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give travel times (s) and their derivatives by distance and by depth (s/km)."""
        return self.at_stations(station_depth_km, is_s)(distance_km, depth_km)

    def at_stations(self, station_depth_km: ArrayLike, is_s: ArrayLike) -> TimesAtStations:
        """The same for stations and phases that stay what they are, as a function of distance and depth."""
        corners = self._corners(station_depth_km, is_s)

        def times(distance_km: np.ndarray, depth_km: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            near, far, at_distance, at_depth = corners(distance_km, depth_km)
            along = far - near
            shallow, deep = near + at_distance * along
            slowness = shallow + at_depth * (deep - shallow)
            by_distance = (along[0] + at_depth * (along[1] - far[0] + near[0])) / self._distance_step
            by_depth = (deep - shallow) / self._depth_step
            below = np.subtract(depth_km, station_depth_km)
            path = np.hypot(distance_km, below)
            share = slowness / np.maximum(path, SHORTEST_KM)
            return slowness * path, by_distance * path + share * distance_km, by_depth * path + share * below

        return times

    def _corners(
        self, station_depth_km: ArrayLike, is_s: ArrayLike
    ) -> Callable[[np.ndarray, ArrayLike], tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """Of distance and depth (km): mean slownesses (s/km) at the near and far corners of a cell (the upper and the
        lower one, first axis), and how far along it they are."""
        k, at_station = _position(self._station, station_depth_km)
        row, layer = self._distance.size, self._distance.size * self._depth.size
        first = (np.asarray(is_s, dtype=int) * self._station.size + k) * layer
        tables = self._slowness.ravel()
        # All at once: for a few arrivals NumPy's calls take longer than what they compute.
        offsets = np.array([[[0, row], [1, row + 1]], [[layer, layer + row], [layer + 1, layer + row + 1]]])

        def corners(
            distance_km: np.ndarray, depth_km: ArrayLike
        ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
            j, at_depth = _position(self._depth, depth_km)
            i, at_distance = _position(self._distance, distance_km)
            higher, lower = tables.take(np.add.outer(offsets, first + j * row + i))
            near, far = higher + at_station * (lower - higher)
            return near, far, at_distance, at_depth

        return corners

    def _slownesses(self, tops: np.ndarray, speeds: np.ndarray, station_depth_km: float) -> np.ndarray:
        rows = []
        for depth in self._depth:
            # Two points at one place have no path: the speed around them is what the cell's corner must say.
            distance = np.maximum(self._distance, 0.01)
            time = _first_arrival(tops, speeds, self._in_flat(depth), self._in_flat(station_depth_km), distance)
            rows.append(time / np.maximum(np.hypot(distance, depth - station_depth_km), 0.01))
        return np.stack(rows)

    def _in_flat(self, depth_km: float) -> float:
        return flat_depth(depth_km) if self._is_spherical else depth_km


TravelTimes = HomogeneousTimes | LayeredTimes


def travel_times(
    velocity: VelocityConfig,
    maxdistance_km: float,
    mindepth_km: float,
    maxdepth_km: float,
    stations_depth_km: tuple[float, float],
    step_km: float = TABLE_STEP_KM,
) -> TravelTimes:
    """Give the travel times of a model; tables are made once per process for each volume, with steps of `step_km` where
    it isn't too large for that."""
    if velocity.homogeneous is not None:
        return HomogeneousTimes(*velocity.homogeneous)
    return _layered(
        velocity,
        float(np.ceil(maxdistance_km / 10.0) * 10.0),
        float(mindepth_km),
        float(maxdepth_km),
        (float(np.floor(min(stations_depth_km[0], 0.0))), float(np.ceil(max(stations_depth_km[1], 0.0)))),
        step_km,
    )


@lru_cache(maxsize=8)
def _layered(
    velocity: VelocityConfig,
    maxdistance_km: float,
    mindepth_km: float,
    maxdepth_km: float,
    stations_depth_km: tuple[float, float],
    step_km: float,
) -> LayeredTimes:
    return LayeredTimes(velocity, maxdistance_km, mindepth_km, maxdepth_km, stations_depth_km, step_km)


def _position(axis: np.ndarray, values: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Give the interval that each value lies in, and how far along it is, 0..1; values outside go to the end."""
    position = np.minimum(np.maximum((np.asarray(values) - axis[0]) / (axis[1] - axis[0]), 0.0), axis.size - 1.0)
    below = np.minimum(position.astype(int), axis.size - 2)
    return below, position - below


def _axis(start: float, end: float, step: float) -> np.ndarray:
    return np.linspace(start, max(end, start + step), max(2, int(np.ceil((end - start) / step)) + 1))


def _constant_layers(velocity: VelocityConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give tops (the first is minus infinity), P and S speeds; a gradient becomes thin layers between its nodes."""
    layers = velocity.layers or ()
    depth = np.array([layer.depth_km for layer in layers])
    vp = np.array([layer.vp for layer in layers])
    vs = np.array([layer.vs for layer in layers])
    if velocity.gradient and depth.size > 1:
        counts = np.ceil(np.round(np.diff(depth) / GRADIENT_STEP_KM, 6)).astype(int)
        edges = [
            np.linspace(top, bottom, count, endpoint=False)
            for top, bottom, count in zip(depth[:-1], depth[1:], counts, strict=True)
        ]
        fine = np.concatenate([*edges, depth[-1:]])
        middle = np.append(0.5 * (fine[1:] + fine[:-1]), depth[-1])
        depth, vp, vs = fine, np.interp(middle, depth, vp), np.interp(middle, depth, vs)
    return np.concatenate([[-np.inf], depth[1:]]), vp, vs


def _mean_speed(tops: np.ndarray, speeds: np.ndarray, maxdepth_km: float) -> float:
    thickness = _thickness(tops, 0.0, max(maxdepth_km, 1.0))
    return float(thickness.sum() / (thickness / speeds).sum())


def _thickness(tops: np.ndarray, above_km: float, below_km: float) -> np.ndarray:
    """Give the part of each layer that lies between two depths, km."""
    bottoms = np.append(tops[1:], np.inf)
    return np.clip(np.minimum(bottoms, below_km) - np.maximum(tops, above_km), 0.0, None)


def _first_arrival(
    tops: np.ndarray, speeds: np.ndarray, depth_km: float, station_depth_km: float, distance_km: np.ndarray
) -> np.ndarray:
    """First-arrival time (s) at each distance: the direct ray, or a head wave along any faster layer below or above.

    Delay-time form of ray theory in flat layers (Aki and Richards, 2002, section 9.4): T = p X + tau(p), which is
    stationary in p, so that an error of p from interpolation enters the time squared.
    """
    shallow, deep = sorted((depth_km, station_depth_km))
    deep = max(deep, shallow + 1e-3)
    leg = _thickness(tops, shallow, deep)
    crossed = leg > 0
    slowest_p = 1.0 / speeds[crossed].max()
    # Dense towards grazing rays, which reach the largest distances.
    p = slowest_p * np.sqrt(1.0 - np.geomspace(1.0, 1e-12, 400))
    vertical = np.sqrt(np.maximum(1.0 / speeds[crossed, None] ** 2 - p**2, 1e-18))
    reach = (leg[crossed, None] * p / vertical).sum(axis=0)
    ray = np.interp(distance_km, reach, p)
    delay = (leg[crossed, None] * np.sqrt(np.maximum(1.0 / speeds[crossed, None] ** 2 - ray**2, 0.0))).sum(axis=0)
    time = ray * distance_km + delay
    slope, delay, critical = _head_waves(tops, speeds, shallow, deep)
    heads = np.where(distance_km >= critical[:, None], distance_km * slope[:, None] + delay[:, None], np.inf)
    return np.minimum(time, heads.min(axis=0, initial=np.inf))


def _head_waves(
    tops: np.ndarray, speeds: np.ndarray, shallow_km: float, deep_km: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Head waves along the layers below both ends of a ray, and along those above both, where they are faster than all
    that they reach through: slowness along the layer (s/km), delay (s) and shortest distance (km) of each."""
    bottoms = np.append(tops[1:], np.inf)
    below, above = np.flatnonzero(tops >= deep_km), np.flatnonzero(bottoms <= shallow_km)
    upper, lower = tops[None, :], bottoms[None, :]

    def legs(start: np.ndarray | float, end: np.ndarray | float) -> np.ndarray:
        low, high = np.reshape(start, (-1, 1)), np.reshape(end, (-1, 1))
        return np.clip(np.minimum(lower, high) - np.maximum(upper, low), 0.0, None)

    way = np.concatenate(
        [
            legs(shallow_km, tops[below]) + legs(deep_km, tops[below]),
            legs(bottoms[above], shallow_km) + legs(bottoms[above], deep_km),
        ]
    )
    layer = np.concatenate([below, above])
    fastest = np.where(way > 0, speeds, 0.0).max(axis=1, initial=0.0)
    is_head = speeds[layer] > fastest
    way, slope = way[is_head], 1.0 / speeds[layer[is_head]]
    vertical = np.sqrt(np.where(way > 0, np.maximum(speeds**-2.0 - slope[:, None] ** 2, 0.0), 1.0))
    return slope, (way * vertical).sum(axis=1), (way / vertical).sum(axis=1) * slope
