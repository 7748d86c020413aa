"""First arrivals from one point through a 3-D model, by fast marching of the factored eikonal equation.

The time is factored into the distance and a mean slowness, which has no cusp at the source (Treister and Haber, 2016,
doi:10.1016/j.jcp.2016.08.012). The solver wants the source on a node, so each station has a lattice of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from catalogdb.errors import InputError

CACHE_VERSION = 1
"""Part of the names of files: raise it when the same model gives other times, and they are made again."""
MOST_NODES = 1_500_000
"""A lattice is finer than its model as long as it has no more nodes."""
TOO_MANY_NODES = 30_000_000
FINEST_KM = 0.1
FLATNESS = 0.13
"""Nodes in depth are closer than horizontally by this factor, where their number allows it."""


def axes_of(
    origin: Sequence[float] | np.ndarray, spacing: Sequence[float] | np.ndarray, shape: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and depth of the nodes of a regular lattice, km, from its first node, its spacing (km) and their number."""
    x, y, depth = (first + step * np.arange(count) for first, step, count in zip(origin, spacing, shape, strict=True))
    return x, y, depth


@dataclass(frozen=True)
class Lattice:
    """Nodes around one station, which is one of them.

    Args:
        origin: (x, y, depth) of the first node, km.
        spacing: along these, km.
        shape: number of nodes along these.
        source: the station's node.
    """

    origin: tuple[float, float, float]
    spacing: tuple[float, float, float]
    shape: tuple[int, int, int]
    source: tuple[int, int, int]

    @classmethod
    def around(
        cls,
        station: np.ndarray,
        lower: np.ndarray,
        upper: np.ndarray,
        spacing: tuple[float, float, float],
        most_nodes: int | None = None,
    ) -> Lattice:
        """The lattice that reaches over a volume and its station.

        Args:
            station, lower, upper: (x, y, depth) of the station and of the volume's limits, km.
            spacing: of the model, km; the lattice's are halves, quarters ... of it.
            most_nodes: it is finer than the model as long as it has no more; left out: `MOST_NODES`.

        Raises:
            InputError: for a volume too large for this spacing.
        """
        lower, upper = np.minimum(lower, station), np.maximum(upper, station)
        step = np.array(spacing)
        count = _count(lower, upper, step)
        if count > TOO_MANY_NODES:
            raise InputError(
                f"velocity model: at its spacing of {' x '.join(f'{value:g}' for value in spacing)} km the search "
                f"volume has {count:.3g} nodes, more than {TOO_MANY_NODES:.3g}",
                hint="make the region or associate.search_margin_km smaller, or the model coarser",
            )
        most = MOST_NODES if most_nodes is None else most_nodes
        while _count(lower, upper, finer := _finer(step)) <= most and finer.min() >= FINEST_KM:
            step = finer
        below = np.ceil(np.round((station - lower) / step, 6)).astype(int)
        above = np.ceil(np.round((upper - station) / step, 6)).astype(int)
        shape = np.maximum(below + above + 1, 2)
        origin = station - below * step
        return cls(*(tuple(values.tolist()) for values in (origin, step, shape, below)))

    @property
    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, y and depth of the nodes, km."""
        return axes_of(self.origin, self.spacing, self.shape)


def _finer(step: np.ndarray) -> np.ndarray:
    """Half the spacing in depth, until it is small against the horizontal one: a horizontal interface within a cell
    costs oblique rays up to half a spacing's difference of vertical slownesses."""
    halved = [1.0, 1.0, 0.5] if step[2] > FLATNESS * step[:2].min() else [0.5, 0.5, 1.0]
    return step * np.array(halved)


def _count(lower: np.ndarray, upper: np.ndarray, step: np.ndarray) -> float:
    return float(np.prod(np.ceil((upper - lower) / step) + 2.0))


def mean_slowness(slowness: np.ndarray, lattice: Lattice) -> np.ndarray:
    """First-arrival times from the lattice's source over distance, s/km, float32.

    Args:
        slowness: at its nodes, s/km.
    """
    try:
        import eikonalfm
    except ImportError:
        raise InputError(
            "3-D velocity models need the package eikonalfm, which is not installed", hint="pip install eikonalfm"
        ) from None
    speed = np.ascontiguousarray(1.0 / slowness, dtype=np.float64)
    found: np.ndarray = eikonalfm.factored_fast_marching(speed, lattice.source, lattice.spacing, 2)
    return found.astype(np.float32)
