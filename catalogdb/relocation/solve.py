"""The double-difference equations of a cluster, solved for all its events at once, again and again (Waldhauser and
Ellsworth, 2000, doi:10.1785/0120000006)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, vstack
from scipy.sparse.linalg import lsqr, svds

from catalogdb.relocation.config import WeightSet
from catalogdb.relocation.differences import NONE, Differences, Slots, predicted
from catalogdb.relocation.weights import scatter, share, trust, weights_by_set
from catalogdb.traveltimes.grid_times import Times

CUTOFFS: tuple[float | None, ...] = (None, None, None, 6.0, 6.0, 5.0, 5.0, 4.0, 4.0, 4.0)
MORE_ROUNDS = 15
LSQR_STEPS, LSQR_PRECISION = 400, 1e-4
SETTLED_KM = 1e-3
TO_KM = np.array([1.0, 1.0, 1.0, 6.0])
LEAST_WEIGHT = 1e-5
HELD = 1e-9
NEVER = 1e-12


@dataclass(frozen=True)
class Solution:
    """What became of the events of a cluster, and of its differential times.

    Args:
        models: (x, y, depth, time), km and s after the references.
        residual: of each differential time, s.
        factor: of each time's equation in the last solution, 1/s where it is by the scatter; 0 for those left out.
        slopes: derivatives of arrival times, as `predicted` gives them.
        is_at_top: events whose depth is held at the surface: air quakes.
        rounds: how many solutions there were.
    """

    models: np.ndarray
    residual: np.ndarray
    factor: np.ndarray
    slopes: np.ndarray
    is_at_top: np.ndarray
    rounds: int


@dataclass(frozen=True)
class Problem:
    """A cluster: its differential times, and what they are compared with.

    Args:
        differences: of all pairs of its events.
        slots: stations and phases.
        times: travel times.
        top_km: no event is shallower, km below sea level.
        condition: largest condition number of the system, by which the damping is chosen.
        is_held: the mean of its events stays where it was.
    """

    differences: Differences
    slots: Slots
    times: Times
    top_km: float
    condition: float = 100.0
    is_held: bool = True

    @property
    def is_s(self) -> np.ndarray:
        """Of each differential time."""
        return self.slots.is_s[self.differences.slot]

    def take(self, rows: np.ndarray) -> Problem:
        """The same of some of its differential times."""
        return replace(self, differences=self.differences.take(rows))

    def residuals(self, models: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Double differences (equation 3), s, and the slopes that `predicted` gives."""
        own = self.differences
        at, slopes = predicted(models, self.slots, self.times)
        return own.time - (at[own.first, own.slot] - at[own.second, own.slot]), slopes

    def separation(self, models: np.ndarray) -> np.ndarray:
        """Of the events of each differential time, km."""
        own = self.differences
        apart = models[own.first, :3] - models[own.second, :3]
        return np.where(own.second == NONE, 0.0, np.sqrt((apart**2).sum(axis=1)))

    def matrix(self, slopes: np.ndarray, factor: np.ndarray, held: np.ndarray) -> csr_matrix:
        """Left side of equation 10: a row for each differential time, four columns for each event; the depths of `held`
        events have none."""
        own, events = self.differences, len(held)
        slopes = slopes.copy()
        slopes[:-1][held, :, 2] = 0.0
        one, other = slopes[own.first, own.slot], -slopes[own.second, own.slot]
        values = np.concatenate([one, other], axis=1) * factor[:, None]
        second = np.where(own.second == NONE, own.first, own.second)  # there the slopes are zeros
        columns = np.concatenate([4 * own.first[:, None] + np.arange(4), 4 * second[:, None] + np.arange(4)], axis=1)
        rows = np.arange(0, values.size + 1, 8)
        return csr_matrix((values.ravel(), columns.ravel(), rows), shape=(len(own), 4 * events))


def relocate_cluster(problem: Problem, start: np.ndarray, sets: Sequence[WeightSet] = ()) -> Solution:
    """Relocate the events of a cluster.

    Weights come from the residuals of the round before: first none is left out, then the cut-off of outliers shrinks.

    Args:
        problem: its differential times.
        start: (x, y, depth, time) of its events.
        sets: weights of HypoDD, instead.
    """
    models = start.copy()
    models[:, 2] = np.maximum(models[:, 2], problem.top_km)
    centre = models.mean(axis=0)
    number = 0
    while True:
        residual, slopes = problem.residuals(models)
        factor, damping = _weighted(problem, models, residual, number, sets)
        used = np.flatnonzero(factor > LEAST_WEIGHT * factor.max(initial=NEVER))
        if not used.size:
            break
        own = problem.take(used)
        held = _rising(own, models, slopes, residual[used] * factor[used] ** 2)
        matrix = own.matrix(slopes, factor[used], held)
        shift = centre - models.mean(axis=0) if problem.is_held else None
        step = _solved(matrix, residual[used] * factor[used], problem.condition, damping, shift)
        models = models + step
        models[:, 2] = np.maximum(models[:, 2], problem.top_km)
        number += 1
        if _is_last(number, sets) or (number >= len(CUTOFFS) and not sets and np.abs(step * TO_KM).max() < SETTLED_KM):
            break
    residual, slopes = problem.residuals(models)
    factor, _ = _weighted(problem, models, residual, max(number - 1, 0), sets)
    factor = np.where(factor > LEAST_WEIGHT * factor.max(initial=NEVER), factor, 0.0)
    return Solution(models, residual, factor, slopes, models[:, 2] <= problem.top_km + HELD, number)


def _is_last(number: int, sets: Sequence[WeightSet]) -> bool:
    return number >= (sum(chosen.rounds for chosen in sets) if sets else len(CUTOFFS) + MORE_ROUNDS)


def _weighted(
    problem: Problem, models: np.ndarray, residual: np.ndarray, number: int, sets: Sequence[WeightSet]
) -> tuple[np.ndarray, float | None]:
    """Factors of the equations in one round, and a damping that is given."""
    apart = problem.separation(models)
    if sets:
        chosen = [own for own in sets for _ in range(own.rounds)][number]
        return weights_by_set(residual, apart, problem.differences, problem.is_s, chosen), chosen.damping
    deviation = scatter(residual, apart, problem.differences, problem.is_s)
    cutoff = CUTOFFS[min(number, len(CUTOFFS) - 1)]
    weight = problem.differences.quality * share(problem.differences) * trust(residual / deviation, cutoff)
    return np.sqrt(weight) / deviation, None


def _rising(problem: Problem, models: np.ndarray, slopes: np.ndarray, weighted: np.ndarray) -> np.ndarray:
    """Events at the surface that their times would lift into the air: their depth stays."""
    own = problem.differences
    pull = np.bincount(own.first, weighted * slopes[own.first, own.slot, 2], len(models))
    second = np.where(own.second == NONE, own.first, own.second)
    pull -= np.bincount(second, weighted * slopes[own.second, own.slot, 2], len(models))
    return (models[:, 2] <= problem.top_km + HELD) & (pull < 0)


def _solved(
    matrix: csr_matrix, right: np.ndarray, condition: float, damping: float | None, shift: np.ndarray | None
) -> np.ndarray:
    """One damped step of all events, (events, 4), by LSQR (Paige and Saunders, 1982) with columns of equal length.

    Damped by d, the singular values s of the system become sqrt(s^2 + d^2), so their ratio is below the condition
    number c where d = s_max / sqrt(c^2 - 1).

    Args:
        damping: as HypoDD has it, instead: for columns whose mean square is 1.
        shift: by how much the events shall move on average, as four more equations (equation 10, last row); None: it
            is free.
    """
    scaled, length = unit_columns(matrix)
    if damping is None or shift is not None:
        largest = float(svds(scaled, k=1, return_singular_vectors=False, tol=1e-2, random_state=0)[0])
    damp = largest / np.sqrt(condition**2 - 1.0) if damping is None else damping / np.sqrt(matrix.shape[0])
    if shift is not None:
        means = np.zeros((4, matrix.shape[1]))
        for axis in range(4):
            means[axis, axis::4] = 1.0 / length[axis::4]
        size = largest / max(np.sqrt((means**2).sum(axis=1)).max(), NEVER)
        scaled = vstack([scaled, csr_matrix(means * size)]).tocsr()
        right = np.concatenate([right, shift * (matrix.shape[1] // 4) * size])
    found = lsqr(scaled, right, damp=damp, atol=LSQR_PRECISION, btol=LSQR_PRECISION, iter_lim=LSQR_STEPS)[0]
    return (found / length).reshape(-1, 4)


def unit_columns(matrix: csr_matrix) -> tuple[csr_matrix, np.ndarray]:
    """The matrix with columns of length 1, and the lengths that they had: infinite for columns of zeros, which stay."""
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel())
    length = np.where(length > 0, length, np.inf)
    scaled = matrix.copy()
    scaled.data = scaled.data / length[scaled.indices]
    return scaled, length
