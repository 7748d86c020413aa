"""Hypocentres, delays of stations and slownesses together, in rounds, with scales that the arrivals choose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from catalogdb.errors import InputError
from catalogdb.geo import Projection
from catalogdb.location.arrivals import Arrivals, Network
from catalogdb.tomography.model import Model
from catalogdb.tomography.nodes import Nodes
from catalogdb.tomography.prior import Scales, covariance, expected, resolution
from catalogdb.tomography.rays import Equations, equations
from catalogdb.tomography.system import System
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import RESOLVED

ROUNDS = 6
CHOOSING_ROUND, TRIALS = 1, 30
"""Scales are chosen in the second round, when residuals are no longer those of the 1-D model."""
TRIAL_STEP = 0.4
DEGREES = 4.0
"""Of freedom of Student's t of readings, as in location."""
NORMAL = 1.4826
CLOSEST_KM = 4.0
"""Nodes are so far apart, or farther where rays would pass too many, unless a spacing is given."""
MOST_PASSED = 2500
"""Nodes that rays pass: matrices of twice as many rows and columns are solved."""
FARTHEST_SHIFT_KM = 3.0
FLATTER = 3.0
"""Nodes are closer in depth by this factor."""
AROUND = 2
"""Nodes beyond the outermost stations and events."""


class TooManyNodes(InputError):
    """Rays pass more nodes than are solved for; `spacing_km` apart they would be few enough."""

    def __init__(self, passed: int, spacing_km: float):
        self.spacing_km = float(np.ceil(11.0 * spacing_km * (passed / MOST_PASSED) ** (1 / 3)) / 10.0)
        super().__init__(
            f"tomography: rays pass {passed} nodes {spacing_km:g} km apart, more than {MOST_PASSED}",
            hint=f"put them farther apart: --spacing {self.spacing_km:.1f}, or leave it out",
        )


@dataclass(frozen=True)
class Inverted:
    """What it came to.

    Args:
        model: slownesses at nodes, and how well they are resolved.
        places: (x, y, depth, time) of the events, km and s after the references.
        passed: how many nodes rays pass.
        resolved: part of the nodes where more than half of the prior variance of P, and of S, is gone.
        scales: that the arrivals chose.
        before, after: median absolute residual of P and of S, s, in the 1-D model and in this one.
    """

    model: Model
    places: np.ndarray
    passed: int
    resolved: tuple[float, float]
    scales: Scales
    before: tuple[float, float]
    after: tuple[float, float]

    @property
    def spacing_km(self) -> float:
        """Of its nodes, horizontally."""
        return float(self.model.nodes.spacing[0])


def nodes_around(network: Network, places: np.ndarray, limits_km: tuple[float, float], spacing_km: float) -> Nodes:
    """Nodes over all stations and events.

    Args:
        limits_km: shallowest and deepest events.
        spacing_km: horizontal one.
    """
    stations = np.column_stack([network.x_km, network.y_km, network.depth_km])
    everything = np.concatenate([stations, places[:, :3]])
    spacing = spacing_km / np.array([1.0, 1.0, FLATTER])
    lower, upper = everything.min(axis=0) - AROUND * spacing, everything.max(axis=0) + AROUND * spacing
    lower[2], upper[2] = min(limits_km[0], everything[:, 2].min()), max(limits_km[1], everything[:, 2].max())
    return Nodes.over(lower, upper, spacing)


def invert_apart(
    velocity: VelocityConfig,
    plane: Projection,
    network: Network,
    arrivals: Arrivals,
    start: np.ndarray,
    reading: np.ndarray,
    limits_km: tuple[float, float],
    spacing_km: float | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Inverted:
    """Invert the arrivals of a catalog at nodes over all of them.

    Args:
        spacing_km: of nodes, horizontally; left out: 4 km, or as many more as their number asks for.

    Others as of `invert`.

    Raises:
        TooManyNodes: where rays pass more nodes of the spacing given than can be solved for.
    """
    apart = spacing_km or CLOSEST_KM
    while True:
        nodes = nodes_around(network, start, limits_km, apart)
        try:
            return invert(velocity, nodes, plane, network, arrivals, start, reading, limits_km, progress)
        except TooManyNodes as error:
            if spacing_km is not None:
                raise
            apart = error.spacing_km


def invert(
    velocity: VelocityConfig,
    nodes: Nodes,
    plane: Projection,
    network: Network,
    arrivals: Arrivals,
    start: np.ndarray,
    reading: np.ndarray,
    limits_km: tuple[float, float],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Inverted:
    """Invert the arrivals of a catalog.

    Args:
        velocity: 1-D model to begin with.
        nodes: see `nodes_around`.
        plane: map plane.
        network, arrivals: of the catalog.
        start: (x, y, depth, time) of its events in the 1-D model.
        reading: standard deviation of the readings of each grade, s, a first guess.
        limits_km: shallowest and deepest events.
        progress: called with the rounds done, and how many there are.

    Raises:
        TooManyNodes: where rays pass more than can be solved for.
    """
    model, places, scales = Model(velocity, nodes, np.zeros((2, len(nodes)))), start.copy(), Scales()
    delays = np.zeros(2 * len(network.x_km))
    deviation = reading.copy()
    before: tuple[float, float] | None = None
    for number in range(ROUNDS):
        progress(number, ROUNDS)
        found = equations(model, plane, network, arrivals, places)
        before = before or _misfit(found, found.residual)
        passed = _passed(found, len(nodes), nodes.spacing[0])
        columns = np.concatenate([passed, passed + len(nodes)])
        left = found.residual - delays[2 * found.station + found.is_s]
        sigma = deviation[found.grade]
        sigma = sigma * np.sqrt((DEGREES + (left / sigma) ** 2) / (DEGREES + 1.0))
        data = found.residual + found.rays @ model.change.ravel()
        system = System.of(found, columns, data, sigma, len(arrivals))
        known = nodes.places[passed]
        if number == CHOOSING_ROUND:
            scales = _chosen(system, known, scales)
        unknowns, _ = system.solve(covariance(scales, known))
        shifts = system.shifts(unknowns)
        rest = data - system.unknowns @ unknowns - (found.slopes * shifts[found.event]).sum(axis=1)
        delays = np.zeros_like(delays)
        delays[: len(unknowns) - len(columns)] = unknowns[len(columns) :]
        deviation = _deviations(found, rest, deviation, len(arrivals))
        places = _moved(places, shifts, nodes, limits_km)
        model = replace(model, change=expected(scales, known, unknowns[: len(columns)], nodes.places))
    taken = resolution(scales, known, system.posterior(covariance(scales, known)), nodes.places)
    p, s = (taken > RESOLVED).mean(axis=1).tolist()
    model = replace(model, resolution=taken)
    return Inverted(model, places, len(passed), (p, s), scales, before or (0.0, 0.0), _misfit(found, rest))


def _passed(found: Equations, count: int, spacing_km: float) -> np.ndarray:
    """Nodes that rays of P or S pass."""
    weight = np.asarray(found.rays.sum(axis=0)).reshape(2, count)
    passed = np.flatnonzero(weight.any(axis=0))
    if len(passed) > MOST_PASSED:
        raise TooManyNodes(len(passed), spacing_km)
    return passed


def _chosen(system: System, known: np.ndarray, scales: Scales) -> Scales:
    """The scales under which the arrivals are most probable."""
    first = scales.logarithms
    corners = np.vstack([first, first + TRIAL_STEP * np.eye(len(first))])
    answer = minimize(
        lambda tried: system.solve(covariance(Scales.of(tried), known))[1], first, method="Nelder-Mead",
        options={"maxfev": TRIALS, "initial_simplex": corners},
    )  # fmt: skip
    return Scales.of(answer.x)


def _deviations(found: Equations, rest: np.ndarray, deviation: np.ndarray, events: int) -> np.ndarray:
    """Standard deviations of the readings of each grade from what is left, s: four unknowns of each event have fitted
    it."""
    freedom = np.sqrt(max(1.0 - 4.0 * events / len(rest), 0.1))
    own = deviation.copy()
    for grade in np.unique(found.grade):
        own[grade] = max(NORMAL * float(np.median(np.abs(rest[found.grade == grade]))) / freedom, 1e-4)
    return own


def _moved(places: np.ndarray, shifts: np.ndarray, nodes: Nodes, limits_km: tuple[float, float]) -> np.ndarray:
    """Events after a step, not too far and within the nodes."""
    far = np.sqrt((shifts[:, :3] ** 2).sum(axis=1, keepdims=True))
    moved = places + shifts * np.minimum(1.0, FARTHEST_SHIFT_KM / np.maximum(far, 1e-9))
    lower, upper = nodes.places[0].copy(), nodes.places[-1].copy()
    lower[2], upper[2] = limits_km
    moved[:, :3] = np.clip(moved[:, :3], lower, upper)
    return moved


def _misfit(found: Equations, left: np.ndarray) -> tuple[float, float]:
    """Median absolute residuals of P and of S, s."""
    p, s = (float(np.median(np.abs(left[found.is_s == is_s]))) if (found.is_s == is_s).any() else 0.0
            for is_s in (False, True))  # fmt: skip
    return p, s
