"""What an inversion begins with: arrivals, and events where they lie in a 1-D model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalogdb.geo import Projection
from catalogdb.location.arrivals import Arrivals, Network
from catalogdb.location.catalog import locate_catalog
from catalogdb.location.locate import Locator
from catalogdb.location.solve import Earth
from catalogdb.tomography.nodes import Nodes
from catalogdb.traveltimes.velocity import VelocityConfig

FLATTER = 3.0
"""Nodes are closer in depth by this factor."""
AROUND = 2
"""Nodes beyond the outermost stations and events."""
PATHS_AT_ONCE = 1000


@dataclass(frozen=True)
class Given:
    """A catalog's arrivals, and what is known before they are inverted.

    Args:
        velocity: 1-D model to begin with.
        plane: map plane.
        network, arrivals: of the catalog.
        start: (x, y, depth, time) of its events in the 1-D model, km and s after the references.
        reading: standard deviation of the readings of each grade, s, a first guess.
        limits_km: shallowest and deepest events.
    """

    velocity: VelocityConfig
    plane: Projection
    network: Network
    arrivals: Arrivals
    start: np.ndarray
    reading: np.ndarray
    limits_km: tuple[float, float]

    @classmethod
    def located(
        cls,
        velocity: VelocityConfig,
        plane: Projection,
        earth: Earth,
        arrivals: Arrivals,
        guesses: np.ndarray | None = None,
    ) -> Given:
        """The events where they lie in the 1-D model, without station terms.

        Args:
            velocity: that of the travel times of `earth`.
            plane: map plane.
            earth: stations and limits.
            arrivals: of the catalog.
            guesses: (x, y, depth, time) of the events, where there are some.
        """
        found = locate_catalog(Locator(earth), arrivals, guesses, "none")
        reading, limits = np.asarray(found.errors.reading), (float(earth.lower[2]), float(earth.upper[2]))
        return cls(velocity, plane, earth.network, arrivals, found.density.best, reading, limits)

    def nodes(self, spacing_km: float) -> Nodes:
        """Nodes over all stations and events, so far apart horizontally."""
        network, limits = self.network, self.limits_km
        stations = np.column_stack([network.x_km, network.y_km, network.depth_km])
        everything = np.concatenate([stations, self.start[:, :3]])
        spacing = spacing_km / np.array([1.0, 1.0, FLATTER])
        lower, upper = everything.min(axis=0) - AROUND * spacing, everything.max(axis=0) + AROUND * spacing
        lower[2], upper[2] = min(limits[0], everything[:, 2].min()), max(limits[1], everything[:, 2].max())
        return Nodes.over(lower, upper, spacing)

    def straight_rays_pass(self, nodes: Nodes) -> int:
        """How many nodes the straight lines from events to their stations pass, by points half a spacing apart."""
        network, (event, column) = self.network, np.nonzero(self.arrivals.present)
        stations = np.column_stack([network.x_km, network.y_km, network.depth_km])
        paths = np.unique(np.column_stack([event, self.arrivals.station[event, column]]), axis=0)
        passed = np.zeros(len(nodes), dtype=bool)
        for first in range(0, len(paths), PATHS_AT_ONCE):
            event, station = paths[first : first + PATHS_AT_ONCE].T
            begin, way = self.start[event, :3], stations[station] - self.start[event, :3]
            points = np.ceil(2.0 * np.abs(way / nodes.spacing).max(axis=1)).astype(int) + 1
            of = np.repeat(np.arange(len(points)), points)
            share = (np.arange(len(of)) - np.repeat(np.cumsum(points) - points, points) + 0.5) / points[of]
            passed[nodes.weights(begin[of] + share[:, None] * way[of])[0]] = True
        return int(passed.sum())
