"""First-arrival travel times of P and S in a homogeneous or a layered model, stations at their own elevations."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from catalogdb.traveltimes.flattening import flat_depth, flat_layers
from catalogdb.traveltimes.tables import SHORTEST_KM, Tables, fill_times
from catalogdb.traveltimes.velocity import VelocityConfig

GRADIENT_STEP_KM = 0.25
STATION_STEP_KM = 1.0
TABLE_STEP_KM = 0.5


class HomogeneousTimes:
    """Straight rays at one speed of P and one of S (km/s); `tables` say the same in one cell."""

    def __init__(self, vp: float, vs: float):
        self.vp, self.vs = vp, vs
        self.key = (vp, vs)
        slowness = np.broadcast_to(np.array([1.0 / vp, 1.0 / vs]).reshape(2, 1, 1, 1), (2, 2, 2, 2)).copy()
        self.tables = Tables(slowness, np.zeros(3), np.ones(3))

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
        slowness = 1.0 / np.where(is_s, self.vs, self.vp)
        below = np.subtract(depth_km, station_depth_km)
        path = np.maximum(np.hypot(distance_km, below), SHORTEST_KM)
        return path * slowness, distance_km / path * slowness, below / path * slowness


class LayeredTimes:
    """First arrivals (direct and head waves) in layers, be they flat or shells, from tables over distance, depth and
    station elevation.

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
        station = _axis(*stations_depth_km, STATION_STEP_KM)
        depth = _axis(mindepth_km, maxdepth_km, max(step_km, share * (maxdepth_km - mindepth_km) / 150.0))
        distance = _axis(0.0, maxdistance_km, max(step_km, share * maxdistance_km / 600.0))
        if velocity.spherical:
            highest_km, deepest_km = min(depth[0], station[0]), max(depth[-1], station[-1])
            tops, vp, vs = flat_layers(tops, vp, vs, float(highest_km), float(deepest_km), maxdistance_km)
        axes = station, depth, distance
        slowness = np.stack([_mean_slowness(tops, speeds, *axes, velocity.spherical) for speeds in (vp, vs)])
        start, step = np.array([axis[0] for axis in axes]), np.array([axis[1] - axis[0] for axis in axes])
        self.tables = Tables(slowness, start, step)

    def __call__(
        self, distance_km: np.ndarray, depth_km: ArrayLike, station_depth_km: ArrayLike, is_s: ArrayLike
    ) -> np.ndarray:
        """Give travel times in seconds; arguments broadcast together, depths below sea level."""
        return self._found(1, distance_km, depth_km, station_depth_km, is_s)[0]

    def with_derivatives(
        self, distance_km: np.ndarray, depth_km: ArrayLike, station_depth_km: ArrayLike, is_s: ArrayLike
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give travel times (s) and their derivatives by distance and by depth (s/km)."""
        time, by_distance, by_depth = self._found(3, distance_km, depth_km, station_depth_km, is_s)
        return time, by_distance, by_depth

    def _found(self, rows: int, *places: ArrayLike) -> np.ndarray:
        shape = np.broadcast(*places).shape
        found = np.empty((rows, *shape))
        distance, depth, station = (_flat(values, shape, np.float64) for values in places[:3])
        fill_times(self.tables, distance, depth, station, _flat(places[3], shape, np.bool_), found.reshape(rows, -1))
        return found


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


def _flat(values: ArrayLike, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """A copy of values broadcast to a shape, in one row."""
    flat: np.ndarray = np.empty(shape, dtype)
    flat[...] = values
    return flat.reshape(-1)


def _axis(start: float, end: float, step: float) -> np.ndarray:
    return np.linspace(start, max(end, start + step), max(2, int(np.ceil((end - start) / step)) + 1))


def _mean_slowness(
    tops: np.ndarray,
    speeds: np.ndarray,
    stations_depth_km: np.ndarray,
    depths_km: np.ndarray,
    distances_km: np.ndarray,
    is_spherical: bool,
) -> np.ndarray:
    """Time over the straight path's length, s/km: (stations' depths, depths, distances)."""
    # Two points at one place have no path: the speed around them is what the cell's corner must say.
    distances = np.maximum(distances_km, 0.01)
    found = np.empty((stations_depth_km.size, depths_km.size, distances_km.size))
    for k, station in enumerate(stations_depth_km):
        for j, depth in enumerate(depths_km):
            source, sensor = (flat_depth(depth), flat_depth(station)) if is_spherical else (depth, station)
            time = _first_arrival(tops, speeds, source, sensor, distances)
            found[k, j] = time / np.maximum(np.hypot(distances, depth - station), 0.01)
    return found


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
