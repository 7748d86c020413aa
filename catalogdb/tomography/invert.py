"""Hypocentres, delays of stations and slownesses together, in rounds, with scales that the arrivals choose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from catalogdb.errors import InputError
from catalogdb.geo import Projection
from catalogdb.tomography.freedom import deviations, fitted_shares
from catalogdb.tomography.given import FLATTER, Given
from catalogdb.tomography.model import FINER, Model
from catalogdb.tomography.nodes import Nodes
from catalogdb.tomography.prior import Scales, covariance, expected, resolution
from catalogdb.tomography.rays import Equations, equations
from catalogdb.tomography.system import System
from catalogdb.traveltimes.velocity_grid import RESOLVED

Progress = Callable[[int, int], None]
ROUNDS = 6
CHOOSING_ROUND, TRIALS = 1, 30
"""Scales are chosen in the second round, when residuals are no longer those of the 1-D model."""
TRIAL_STEP = 0.4
DEGREES = 4.0
"""Of freedom of Student's t of readings, as in location."""
CLOSEST_KM = 4.0
"""Nodes are so far apart, or farther where rays would pass too many, unless a spacing is given."""
MOST_PASSED = 2500
"""Nodes that rays pass: matrices of twice as many rows and columns are solved."""
BENT = 1.7
"""Rays passed 1.1 to 1.7 times as many nodes as straight lines in made catalogs, at Ridgecrest and of OGS; along an
interface they might pass fewer."""
MOST_GRID_NODES = 1_500_000
"""Of the model that is written: its document holds that many, and times of each station take seconds."""
FARTHEST_SHIFT_KM = 3.0


class TooManyNodes(InputError):
    """Rays pass more nodes than are solved for; `spacing_km` apart they would be few enough."""

    def __init__(self, passed: int, spacing_km: float):
        self.spacing_km = _wider(spacing_km, passed)
        super().__init__(
            f"tomography: rays pass {passed} nodes {spacing_km:g} km apart, more than {MOST_PASSED}",
            hint=f"put them farther apart: --spacing {self.spacing_km:.1f}, or leave it out",
        )


def _wider(spacing_km: float, passed: float) -> float:
    """The spacing at which rays pass few enough nodes, by how many they pass at a closer one."""
    return float(np.ceil(11.0 * spacing_km * (passed / MOST_PASSED) ** (1 / 3)) / 10.0)


class ImpossibleSpeeds(InputError):
    """A round ends in speeds that no rock has.

    Args:
        reason: what is wrong with them.
        station: whose arrivals fit least in the 1-D model, its row in the network.
        median_s: median of their absolute residuals, s.
    """

    def __init__(self, reason: str, station: int, median_s: float):
        self.reason, self.station, self.median_s = reason, station, median_s
        super().__init__(f"tomography: the arrivals lead to speeds that no rock has ({reason})")


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


def closest_spacing(lower: np.ndarray, upper: np.ndarray, spacing_km: float | None = None) -> float:
    """The spacing given, or the closest from 4 km on at which a model over a volume isn't too large for a document.

    Args:
        lower, upper: (x, y, depth) of the volume's limits, km.
        spacing_km: horizontal one.

    Raises:
        InputError: where the model would be too large at the spacing given.
    """

    def size(apart_km: float) -> float:
        return float(np.prod(np.ceil((upper - lower) * [1.0, 1.0, FLATTER * FINER] / apart_km) + 2.0))

    closest_km = CLOSEST_KM if spacing_km is None else spacing_km
    while size(closest_km) > MOST_GRID_NODES:
        closest_km = round(1.05 * closest_km + 0.05, 1)
    if spacing_km is not None and closest_km > spacing_km:
        raise InputError(
            f"tomography: with nodes {spacing_km:g} km apart the model of the search volume has {size(spacing_km):.3g} "
            f"values, more than {MOST_GRID_NODES:.3g}",
            hint=f"put them farther apart: --spacing {closest_km:.1f}, or leave it out",
        )
    return closest_km


def invert_apart(
    given: Given, closest_km: float = CLOSEST_KM, is_fixed: bool = False, progress: Progress = lambda done, total: None
) -> Inverted:
    """Invert the arrivals of a catalog at nodes over all of them.

    Args:
        given: what the inversion begins with.
        closest_km: horizontal spacing of nodes; they are farther apart where their number asks for it.
        is_fixed: they are not.
        progress: called with the rounds done, and how many there are.

    Raises:
        TooManyNodes: where rays pass more nodes of a fixed spacing than can be solved for.
        ImpossibleSpeeds: as of `invert`.
    """
    apart = closest_km if is_fixed else _spacing(given, closest_km)
    while True:
        try:
            return invert(given, given.nodes(apart), progress)
        except TooManyNodes as error:
            if is_fixed:
                raise
            apart = error.spacing_km


def _spacing(given: Given, closest_km: float) -> float:
    """The closest spacing, unless straight lines alone pass so many nodes that rays are sure to pass too many: then one
    at which they pass few enough by what the lines pass. It needs no travel times."""
    apart, passed = closest_km, given.straight_rays_pass(given.nodes(closest_km))
    if passed > BENT * MOST_PASSED:
        while BENT * passed > MOST_PASSED:
            apart = _wider(apart, BENT * passed)
            passed = given.straight_rays_pass(given.nodes(apart))
    return apart


def invert(given: Given, nodes: Nodes, progress: Progress = lambda done, total: None) -> Inverted:
    """Invert the arrivals of a catalog.

    Args:
        given: what the inversion begins with.
        nodes: that hold all stations and events.
        progress: called with the rounds done, and how many there are.

    Raises:
        TooManyNodes: where rays pass more than can be solved for.
        ImpossibleSpeeds: where arrivals can't be those of one model, as of a station with wrong coordinates.
    """
    model, places, scales = Model(given.velocity, nodes, np.zeros((2, len(nodes)))), given.start.copy(), Scales()
    delays = np.zeros(2 * len(given.network.x_km))
    deviation = given.reading.copy()
    first: Equations | None = None
    before: tuple[float, float] | None = None
    for number in range(ROUNDS):
        progress(number, ROUNDS)
        found = equations(model, given.plane, given.network, given.arrivals, places)
        first, before = first or found, before or _misfit(found, found.residual)
        passed = _passed(found, len(nodes), nodes.spacing[0])
        columns = np.concatenate([passed, passed + len(nodes)])
        left = found.residual - delays[2 * found.station + found.is_s]
        sigma = deviation[found.grade]
        sigma = sigma * np.sqrt((DEGREES + (left / sigma) ** 2) / (DEGREES + 1.0))
        data = found.residual + found.rays @ model.change.ravel()
        system = System.of(found, columns, data, sigma, len(places))
        known = nodes.places[passed]
        if number == CHOOSING_ROUND:
            scales = _chosen(system, known, scales)
        posterior = system.under(covariance(scales, known))
        unknowns, shifts = posterior.unknowns, system.shifts(posterior.unknowns)
        rest = data - system.unknowns @ unknowns - (found.slopes * shifts[found.event]).sum(axis=1)
        delays = np.zeros_like(delays)
        delays[: len(unknowns) - len(columns)] = unknowns[len(columns) :]
        deviation = deviations(found, rest, sigma, deviation, fitted_shares(system, posterior, found, sigma))
        places = _moved(places, shifts, nodes, given.limits_km)
        model = replace(model, change=expected(scales, known, unknowns[: len(columns)], nodes.places))
        _check_speeds(model, given.plane, first)
    taken = resolution(scales, known, posterior.covariance, nodes.places)
    p, s = (taken > RESOLVED).mean(axis=1).tolist()
    model = replace(model, resolution=taken)
    return Inverted(model, places, len(passed), (p, s), scales, before or (0.0, 0.0), _misfit(found, rest))


def _check_speeds(model: Model, plane: Projection, first: Equations) -> None:
    """Refuse speeds that no rock has, naming the station that fits least in the equations of the first round."""
    try:
        model.grid(plane, model.nodes.places[0], model.nodes.places[-1])
    except InputError as error:
        medians = [float(np.median(np.abs(first.residual[first.station == row]))) for row in np.unique(first.station)]
        worst = int(np.argmax(medians))
        raise ImpossibleSpeeds(str(error), int(np.unique(first.station)[worst]), medians[worst]) from None


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
        lambda tried: system.under(covariance(Scales.of(tried), known)).unlikely, first, method="Nelder-Mead",
        options={"maxfev": TRIALS, "initial_simplex": corners},
    )  # fmt: skip
    return Scales.of(answer.x)


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
