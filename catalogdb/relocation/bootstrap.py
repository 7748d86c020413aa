"""Errors of relocated events by the bootstrap: the last system solved again for residuals drawn from its own
(Waldhauser and Ellsworth, 2000, page 1362; Efron, 1982).

Differences of picks share their picks, so it is the picks' errors that are drawn: drawn difference by difference they
would seem to average out over an event's pairs.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import identity
from scipy.sparse.linalg import splu

from catalogdb.relocation.differences import NONE, Differences
from catalogdb.relocation.solve import Problem, Solution, unit_columns

WEAKEST = 1e-6
"""Damping of the normal equations, of columns of length 1: what the times don't tell doesn't grow without limit."""


def bootstrap(problem: Problem, solution: Solution, samples: int, seed: int = 0) -> np.ndarray:
    """Covariance of each event's (x, y, depth, time) relative to its cluster, km and s: (events, 4, 4).

    What the velocity model is off alike for all events of a pair is not in it.

    Args:
        problem, solution: of a cluster.
        samples: how many.
        seed: of the draws.
    """
    used = np.flatnonzero(solution.factor > 0)
    part = problem.take(used)
    matrix, length = unit_columns(part.matrix(solution.slopes, solution.factor[used], solution.is_at_top))
    normal = (matrix.T @ matrix + WEAKEST * identity(matrix.shape[1])).tocsc()
    drawn = _drawn(part.differences, part.is_s, solution.residual[used], solution.slopes.shape[:2], samples, seed)
    moved = splu(normal).solve(np.asarray(matrix.T @ (drawn * solution.factor[used][:, None])))
    moved = (moved / length[:, None]).T.reshape(samples, -1, 4)
    moved -= moved.mean(axis=1, keepdims=True)
    return np.einsum("sei,sej->eij", moved, moved) / max(samples, 1)


def _drawn(
    own: Differences, is_s: np.ndarray, residual: np.ndarray, shape: tuple[int, ...], samples: int, seed: int
) -> np.ndarray:
    """Residuals of each differential time as they might have been, s: (times, samples)."""
    rng = np.random.default_rng(seed)
    found = np.zeros((len(own), samples))
    for phase in (False, True):
        correlated = np.flatnonzero((is_s == phase) & own.is_cc)
        if correlated.size:
            found[correlated] = rng.choice(residual[correlated], (correlated.size, samples))
        picked = np.flatnonzero((is_s == phase) & ~own.is_cc)
        if picked.size:
            found[picked] = _of_picks(own.take(picked), residual[picked], shape, samples, rng)
    return found


def _of_picks(
    own: Differences, residual: np.ndarray, shape: tuple[int, ...], samples: int, rng: np.random.Generator
) -> np.ndarray:
    """The same of picks: an error is drawn for each pick, those of no event are 0."""
    size = shape[0] * shape[1]
    one, other = own.first * shape[1] + own.slot, (own.second % shape[0]) * shape[1] + own.slot
    is_pair = own.second != NONE
    count = np.bincount(one, minlength=size) + np.bincount(other[is_pair], minlength=size)
    total = np.bincount(one, residual, size) - np.bincount(other[is_pair], residual[is_pair], size)
    picks = np.flatnonzero(count)
    # The mean over n pairs holds the pick's own error, and 1/n of the variance of its neighbours'.
    pool = total[picks] / count[picks] / np.sqrt(1.0 + 1.0 / count[picks])
    errors = np.zeros((size, samples))
    errors[picks] = rng.choice(pool - pool.mean(), (picks.size, samples))
    return errors[one] - np.where(is_pair[:, None], errors[other], 0.0)
