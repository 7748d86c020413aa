"""Errors of relocated events by the bootstrap: the last system solved again for residuals drawn from its own
(Waldhauser and Ellsworth, 2000, page 1362; Efron, 1982).

Differential times share the readings that they are made of, correlated ones too, whose residuals close around three
events. So it is errors of readings that are drawn: drawn difference by difference they would seem to average out over
an event's pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, identity
from scipy.sparse.linalg import splu

from catalogdb.relocation.differences import NONE
from catalogdb.relocation.solve import Problem, Solution, unit_columns

WEAKEST = 1e-6
"""Damping of the normal equations, of columns of length 1: what the times don't tell doesn't grow without limit."""
MOST_FITTED = 0.99
"""Part of the errors' standard deviation that hypocentres may have taken away: no more is told by what is left."""


def bootstrap(problem: Problem, solution: Solution, samples: int, seed: int = 0) -> np.ndarray:
    """Covariance of each event's (x, y, depth, time) relative to its cluster, km and s: (events, 4, 4).

    Residuals are smaller than errors, since hypocentres fit a part of these: by how much, drawn errors themselves say.
    What the velocity model is off alike for all events of a pair is not in it.

    Args:
        problem, solution: of a cluster.
        samples: how many.
        seed: of the draws.
    """
    used = np.flatnonzero(solution.factor > 0)
    part, factor = problem.take(used), solution.factor[used][:, None]
    matrix, length = unit_columns(part.matrix(solution.slopes, solution.factor[used], solution.is_at_top))
    normal = splu((matrix.T @ matrix + WEAKEST * identity(matrix.shape[1])).tocsc())

    def moved(drawn: np.ndarray) -> np.ndarray:
        return normal.solve(np.asarray(matrix.T @ (drawn * factor)))

    rng, drawn = np.random.default_rng(seed), np.zeros((len(used), samples))
    groups = list(_groups(part, solution.slopes.shape[1]))
    for group in groups:
        drawn[group.rows] = group.drawn(solution.residual[used[group.rows]], samples, rng)
    left = drawn - matrix @ moved(drawn) / factor
    for group in groups:
        before, after = (np.sqrt((group.errors(times[group.rows]) ** 2).mean()) for times in (drawn, left))
        if before > 0:
            drawn[group.rows] /= max(after / before, 1.0 - MOST_FITTED)
    events = (moved(drawn) / length[:, None]).T.reshape(samples, -1, 4)
    events -= events.mean(axis=1, keepdims=True)
    return np.einsum("sei,sej->eij", events, events) / max(samples, 1)


@dataclass(frozen=True)
class _Readings:
    """Readings of one kind and phase, each of an event at a station.

    Args:
        rows: differential times that are made of them.
        sign: (times, readings), 1 where it is of the first event, -1 of the second.
        count: of how many times each is part.
    """

    rows: np.ndarray
    sign: csr_matrix
    count: np.ndarray

    def errors(self, residual: np.ndarray) -> np.ndarray:
        """Of the readings, as residuals (times, samples) tell them: (readings, samples).

        The mean over n times holds the reading's own error, and 1/n of the variance of its neighbours'.
        """
        found: np.ndarray = (self.sign.T @ residual) / (self.count * np.sqrt(1.0 + 1.0 / self.count))[:, None]
        return found

    def drawn(self, residual: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
        """Residuals (times,) as they might have been, (times, samples)."""
        pool = self.errors(residual[:, None])[:, 0]
        found: np.ndarray = self.sign @ rng.choice(pool - pool.mean(), (len(pool), samples))
        return found


def _groups(part: Problem, slots: int) -> Iterator[_Readings]:
    """Readings of picks and of correlated times, P and S."""
    own = part.differences
    kind = 2 * own.is_cc + part.is_s
    for number in np.unique(kind):
        rows = np.flatnonzero(kind == number)
        one, other = (events[rows] * slots + own.slot[rows] for events in (own.first, own.second))
        is_pair = np.flatnonzero(own.second[rows] != NONE)
        column = np.concatenate([one, other[is_pair]])
        known, column = np.unique(column, return_inverse=True)
        values = np.concatenate([np.ones(len(rows)), -np.ones(len(is_pair))])
        row = np.concatenate([np.arange(len(rows)), is_pair])
        sign = csr_matrix((values, (row, column)), (len(rows), len(known)))
        yield _Readings(rows, sign, np.bincount(column))
