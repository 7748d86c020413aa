"""A model that is being made: a 1-D model, and by how much slowness differs from it at nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalogdb.geo import Projection
from catalogdb.tomography.nodes import Nodes
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import VelocityGrid

SAMPLES = 21
"""Of the 1-D model within the interval around each depth."""
FINER = 4
"""Nodes of a grid are closer in depth than those of the inversion by this factor: the 1-D model varies faster."""


@dataclass(frozen=True)
class Model:
    """Slownesses of P and S.

    Args:
        velocity: the 1-D model.
        nodes: of the inversion.
        change: logarithm of slowness over that of the 1-D model: (2, nodes), P and S.
        resolution: part of the prior variance of these that arrivals have taken away, likewise; None before.
    """

    velocity: VelocityConfig
    nodes: Nodes
    change: np.ndarray
    resolution: np.ndarray | None = None

    def slowness(self, places: np.ndarray, is_s: bool) -> np.ndarray:
        """At places (places, 3), s/km."""
        own = one_dimensional(self.velocity, places[:, 2], self.nodes.spacing[2] / FINER)[int(is_s)]
        return own * np.exp(self.nodes.at(self.change[int(is_s)], places))

    def grid(self, plane: Projection, lower: np.ndarray, upper: np.ndarray) -> VelocityGrid:
        """As a velocity model over a volume.

        Beyond the nodes it differs from the 1-D model as it does at their ends, and its resolution is 0.

        Args:
            plane: map plane of the nodes.
            lower, upper: (x, y, depth) of the volume's limits, km.
        """
        spacing = self.nodes.spacing / np.array([1.0, 1.0, FINER])
        first = self.nodes.origin + np.floor((lower - self.nodes.origin) / spacing + 1e-6) * spacing
        at = Nodes.over(first, upper, spacing)
        vp, vs = (1.0 / self.slowness(at.places, is_s).reshape(at.shape) for is_s in (False, True))
        origin, step = ((float(x), float(y), float(z)) for x, y, z in (at.origin, at.spacing))
        vp, vs = (speeds.astype(np.float32).astype(np.float64) for speeds in (vp, vs))  # as documents keep them
        resolution = None
        if self.resolution is not None:
            inside = self.nodes.holds(at.places)
            resolution = np.stack([self.nodes.at(own, at.places) * inside for own in self.resolution])
            resolution = resolution.reshape(2, *at.shape)
        return VelocityGrid(plane.definition, 0.0, (0.0, 0.0), False, origin, step, vp, vs, resolution)


def one_dimensional(velocity: VelocityConfig, depth_km: np.ndarray, interval_km: float) -> np.ndarray:
    """Mean slowness of P and of S in the intervals around depths, s/km: (2, depths)."""
    if velocity.layers is None:
        speeds = np.array(velocity.homogeneous)[:, None]
        return np.repeat(1.0 / speeds, len(depth_km), axis=1)
    tops = np.array([layer.depth_km for layer in velocity.layers])
    table = np.array([[layer.vp for layer in velocity.layers], [layer.vs for layer in velocity.layers]])
    offset = ((np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5) * interval_km
    depth = np.asarray(depth_km)[:, None] + offset
    if velocity.gradient:
        return np.stack([(1.0 / np.interp(depth, tops, speeds)).mean(axis=1) for speeds in table])
    row = np.maximum(np.searchsorted(tops, depth, side="right") - 1, 0)
    found: np.ndarray = (1.0 / table[:, row]).mean(axis=2)
    return found
