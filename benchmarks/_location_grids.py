"""Made catalogs in 3-D models: layers as cells against the same layers, and a fault with a basin against the best 1-D
model. Times of the second are solved on other, finer lattices than those that it is located with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalogdb.geo import Projection
from catalogdb.location.arrivals import Arrivals, Network, Times, predicted
from catalogdb.location.solve import Earth
from catalogdb.traveltimes import eikonal
from catalogdb.traveltimes.eikonal import Lattice
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.grid_times import GridTimes, TimeGrid, grid_times
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer
from catalogdb.traveltimes.velocity_grid import VelocityGrid

PLANE = "+proj=tmerc +lat_0=46 +lon_0=13 +units=km +ellps=WGS84"
LOWER, UPPER = np.array([-25.0, -25.0, 0.0]), np.array([25.0, 25.0, 22.0])
BEYOND_KM, TOP_KM = 2.0, -2.0
SPACING_KM = 1.0
STATIONS, EVENTS, STATIONS_OF_AN_EVENT = 14, 200, 9
READING_SECONDS = (0.03, 0.06)
RATIO = 1.75


@dataclass(frozen=True)
class Made:
    """Events at known places, with arrivals, and the volume they lie in, seen in one model or another."""

    truth: np.ndarray
    arrivals: Arrivals
    network: Network

    def earth(self, times: Times) -> Earth:
        """The volume with some travel times."""
        return Earth(self.network, times, LOWER, UPPER)


def layered(gradient: bool = False) -> VelocityConfig:
    """A crust of four layers."""
    rows = ((TOP_KM, 5.0), (5.0, 6.0), (15.0, 6.8), (25.0, 7.9))
    return VelocityConfig(
        layers=tuple(VelocityLayer(depth_km=depth, vp=vp, vs=vp / RATIO) for depth, vp in rows), gradient=gradient
    )


def as_cells(velocity: VelocityConfig) -> VelocityGrid:
    """Layers whose tops lie between cells, as a grid."""
    shape, origin = _lattice()
    middle = origin[2] + SPACING_KM * (np.arange(shape[2]) + 0.5)
    layers = velocity.layers or ()
    row = np.searchsorted([layer.depth_km for layer in layers], middle, side="right") - 1
    vp = np.array([layer.vp for layer in layers])[row] * np.ones(shape)
    return VelocityGrid(PLANE, 0.0, (0.0, 0.0), True, origin, (SPACING_KM,) * 3, vp, vp / RATIO)


def fault_and_basin() -> VelocityGrid:
    """A gradient, 10 % slower on one side of a fault, and a slow basin on the other."""
    shape, origin = _lattice()
    x, y, z = (first + SPACING_KM * np.arange(count) for first, count in zip(origin, shape, strict=True))
    side = np.tanh(x / 3.0)[:, None, None]
    basin = np.exp(-(((x - 12.0) / 7.0) ** 2))[:, None, None] * np.exp(-((y / 12.0) ** 2))[None, :, None]
    vp = (5.2 + 0.08 * np.maximum(z, 0.0)) * (1.0 + 0.05 * side) - 1.2 * basin * np.exp(-((z / 4.0) ** 2))
    return VelocityGrid(PLANE, 0.0, (0.0, 0.0), False, origin, (SPACING_KM,) * 3, vp, vp / RATIO)


def mean_layers(model: VelocityGrid) -> VelocityConfig:
    """The 1-D model with the mean slowness at each depth."""
    z = model.origin[2] + model.spacing[2] * np.arange(model.vp.shape[2])
    vp, vs = (1.0 / (1.0 / speeds).mean(axis=(0, 1)) for speeds in (model.vp, model.vs))
    rows = zip(z.tolist(), vp.tolist(), vs.tolist(), strict=True)
    return VelocityConfig(layers=tuple(VelocityLayer(depth_km=d, vp=p, vs=s) for d, p, s in rows), gradient=True)


def _lattice() -> tuple[tuple[int, int, int], tuple[float, float, float]]:
    low = np.array([*(LOWER[:2] - BEYOND_KM), TOP_KM])
    nx, ny, nz = ((np.ceil((UPPER + BEYOND_KM - low) / SPACING_KM)).astype(int) + 1).tolist()
    return (nx, ny, nz), (float(low[0]), float(low[1]), float(low[2]))


def network(seed: int) -> Network:
    """Stations at up to 1.6 km above sea level."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-22.0, 22.0, (2, STATIONS))
    return Network(x, y, -rng.uniform(0.0, 1.6, STATIONS))


def times_in(model: VelocityGrid | VelocityConfig, stations: Network) -> Times:
    """Travel times as the stage locate has them."""
    if isinstance(model, VelocityConfig):
        depths = float(stations.depth_km.min()), float(stations.depth_km.max())
        return travel_times(model, 75.0, LOWER[2], UPPER[2], depths)
    places = np.column_stack([stations.x_km, stations.y_km, stations.depth_km])
    return grid_times(model, Projection(PLANE), places, LOWER, UPPER)


def finer_times(model: VelocityGrid, stations: Network) -> GridTimes:
    """Travel times on lattices of other spacings, which no file keeps."""
    plane, grids = Projection(PLANE), []
    for place in np.column_stack([stations.x_km, stations.y_km, stations.depth_km]):
        step = np.array([0.41, 0.41, 0.23])
        below, above = (
            np.ceil(np.abs(limit - place) / step).astype(int) for limit in (np.minimum(LOWER, place), UPPER)
        )
        shape = below + above + 1
        lattice = Lattice(*(tuple(row.tolist()) for row in (place - below * step, step, shape, below)))
        x, y, depth = lattice.axes
        at = plane.to_lonlat(*np.meshgrid(x, y, indexing="ij"))
        p, s = (
            TimeGrid(lattice, place, eikonal.mean_slowness(model.slowness(*at, depth, is_s), lattice))
            for is_s in (False, True)
        )
        grids.append((p, s))
    return GridTimes(grids, *model.mean_speeds)


def made(stations: Network, times: Times, seed: int) -> Made:
    """Events with P and S at some of the stations."""
    rng = np.random.default_rng(seed)
    truth = np.column_stack([rng.uniform(-16.0, 16.0, (EVENTS, 2)), rng.uniform(3.0, 17.0, EVENTS)])
    chosen = np.stack([rng.permutation(STATIONS)[:STATIONS_OF_AN_EVENT] for _ in range(EVENTS)])
    station, is_s = np.repeat(chosen, 2, axis=1), np.tile([False, True], (EVENTS, STATIONS_OF_AN_EVENT))
    travel = predicted(truth[:, None, :], station, is_s, stations, times)[:, 0]
    grade = is_s.astype(int)
    time = travel + np.array(READING_SECONDS)[grade] * rng.standard_normal(travel.shape)
    nothing = np.zeros(time.shape)
    return Made(truth, Arrivals(time, station, is_s, grade, nothing == 0.0, nothing, np.zeros(EVENTS)), stations)
