"""Nodes of a regular lattice, between which a field varies linearly along each axis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from catalogdb.traveltimes.eikonal import axes_of

BEYOND = 1e-6  # of a spacing, for rounding


@dataclass(frozen=True)
class Nodes:
    """A lattice on the map plane.

    Args:
        origin: (x, y, depth) of the first node, km.
        spacing: along these, km.
        shape: number of nodes along these.
    """

    origin: np.ndarray
    spacing: np.ndarray
    shape: tuple[int, int, int]

    @classmethod
    def over(cls, lower: np.ndarray, upper: np.ndarray, spacing: np.ndarray) -> Nodes:
        """The lattice that begins at `lower` and reaches over `upper`, km."""
        nx, ny, nz = (np.ceil(np.round((upper - lower) / spacing, 6)).astype(int) + 1).clip(2).tolist()
        return cls(lower, spacing, (nx, ny, nz))

    def __len__(self) -> int:
        nx, ny, nz = self.shape
        return nx * ny * nz

    @property
    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, y and depth of the nodes, km."""
        return axes_of(self.origin, self.spacing, self.shape)

    @cached_property
    def places(self) -> np.ndarray:
        """(x, y, depth) of each node, km: (nodes, 3)."""
        return np.stack([axis.ravel() for axis in np.meshgrid(*self.axes, indexing="ij")], axis=1)

    def holds(self, places: np.ndarray) -> np.ndarray:
        """Whether each place lies between the first and the last nodes: (places,)."""
        position = (places - self.origin) / self.spacing
        found: np.ndarray = ((position > -BEYOND) & (position < np.array(self.shape) - 1 + BEYOND)).all(axis=1)
        return found

    def weights(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The eight nodes around each place, and their weights: (places, 8); beyond the ends as at the ends."""
        last = np.array(self.shape) - 1
        position = np.clip((places - self.origin) / self.spacing, 0.0, last)
        first = np.minimum(position.astype(np.int64), last - 1)
        part = position - first
        rows, shares = [], []
        for corner in product((0, 1), repeat=3):
            i, j, k = (first + np.array(corner)).T
            rows.append((i * self.shape[1] + j) * self.shape[2] + k)
            shares.append(np.where(corner, part, 1.0 - part).prod(axis=1))
        return np.stack(rows, axis=1), np.stack(shares, axis=1)

    def at(self, values: np.ndarray, places: np.ndarray) -> np.ndarray:
        """A field at places, (places,), from its values at the nodes."""
        rows, shares = self.weights(places)
        found: np.ndarray = (values[rows] * shares).sum(axis=1)
        return found
