"""The linear problem of one round: slowness at nodes and delays of stations, whatever the hypocentres are.

Hypocentres are projected out event by event (Pavlis and Booker, 1980, doi:10.1029/JB085iB09p04801), which is the same
as solving for them together with the model. What then remains of the arrivals says how probable they are under a prior
(its marginal likelihood), so its scales are chosen without any damping to be tried.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.linalg.lapack import dpotri
from scipy.sparse import csr_matrix, diags, hstack

from catalogdb.tomography.rays import Equations

DELAY_SECONDS = 0.03
"""Expected delay of a station, besides what its surroundings delay."""
LEAST = 1e-6


@dataclass(frozen=True)
class System:
    """Normal equations of the nodes that rays pass, P and then S, and of the delays of stations, P and S in turn.

    Args:
        unknowns: derivatives of all arrival times by these, unweighted.
        normal, right: both sides, hypocentres projected out.
        square: weighted sum of squares that hypocentres alone leave.
        blocks: (events, 4, 4), normal equations of each hypocentre.
        mixed: (4 events, unknowns), hypocentres with the unknowns.
        own: (4 events,), right side of the hypocentres.
    """

    unknowns: csr_matrix
    normal: np.ndarray
    right: np.ndarray
    square: float
    blocks: np.ndarray
    mixed: np.ndarray
    own: np.ndarray

    @classmethod
    def of(cls, found: Equations, passed: np.ndarray, data: np.ndarray, deviation: np.ndarray, events: int) -> System:
        """Build it.

        Args:
            found: of the round.
            passed: columns of `rays` that are solved for.
            data: of each arrival, s: residuals, and what the model and delays so far account for.
            deviation: standard deviation of each arrival time, s.
            events: how many there are.
        """
        rows = len(data)
        slot = 2 * found.station + found.is_s
        delays = csr_matrix((np.ones(rows), (np.arange(rows), slot)), shape=(rows, 2 * (int(found.station.max()) + 1)))
        unknowns = hstack([found.rays[:, passed], delays]).tocsr()
        weighted, right = (diags(1.0 / deviation) @ unknowns).tocsr(), data / deviation
        slopes = found.slopes / deviation[:, None]
        columns = 4 * found.event[:, None] + np.arange(4)
        hypocentres = csr_matrix((slopes.ravel(), columns.ravel(), np.arange(0, 4 * rows + 1, 4)), (rows, 4 * events))
        blocks = np.zeros((events, 4, 4))
        np.add.at(blocks, found.event, slopes[:, :, None] * slopes[:, None, :])
        blocks += LEAST * np.eye(4)
        mixed, own = (hypocentres.T @ weighted).toarray(), hypocentres.T @ right
        root = np.linalg.inv(np.linalg.cholesky(blocks))
        taken = (root @ mixed.reshape(events, 4, -1)).reshape(4 * events, -1)
        taken_right = (root @ own.reshape(events, 4, 1)).ravel()
        normal = (weighted.T @ weighted).toarray() - taken.T @ taken
        square = float(right @ right - taken_right @ taken_right)
        return cls(unknowns, normal, weighted.T @ right - taken.T @ taken_right, square, blocks, mixed, own)

    def under(self, prior: np.ndarray) -> Posterior:
        """What the arrivals say under a prior covariance of the nodes."""
        nodes, delay = len(prior), DELAY_SECONDS**-2.0
        root = cholesky(prior, lower=True)
        size = 2.0 * float(np.log(np.diag(root)).sum())
        matrix = self.normal.copy()
        matrix[:nodes, :nodes] += dpotri(root, lower=True, overwrite_c=True)[0]  # its lower half, as all below
        matrix[np.arange(nodes, len(matrix)), np.arange(nodes, len(matrix))] += delay
        factor = cholesky(matrix, lower=True, overwrite_a=True)
        half = solve_triangular(factor, self.right, lower=True)
        unlikely = self.square - float(half @ half) + 2.0 * float(np.log(np.diag(factor)).sum()) + size
        return Posterior(factor, nodes, solve_triangular(factor, half, lower=True, trans=1), unlikely)

    def shifts(self, unknowns: np.ndarray) -> np.ndarray:
        """Of the hypocentres that go with them, (events, 4)."""
        right = (self.own - self.mixed @ unknowns).reshape(-1, 4, 1)
        return np.linalg.solve(self.blocks, right)[..., 0]


@dataclass(frozen=True)
class Posterior:
    """What the arrivals of a system say under a prior.

    Args:
        factor: of the normal equations with the prior (Cholesky), lower.
        nodes: how many rows are of nodes, P and S.
        unknowns: the most probable ones.
        unlikely: minus twice the logarithm of the marginal likelihood but for a constant.
    """

    factor: np.ndarray
    nodes: int
    unknowns: np.ndarray
    unlikely: float

    def of(self, right: np.ndarray) -> np.ndarray:
        """The most probable unknowns of another right side."""
        half = solve_triangular(self.factor, right, lower=True)
        found: np.ndarray = solve_triangular(self.factor, half, lower=True, trans=1)
        return found

    @property
    def covariance(self) -> np.ndarray:
        """Of the nodes, whatever hypocentres and delays are."""
        lower = dpotri(self.factor, lower=True)[0][: self.nodes, : self.nodes]
        found: np.ndarray = np.tril(lower) + np.tril(lower, -1).T
        return found
