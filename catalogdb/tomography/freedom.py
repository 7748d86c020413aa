"""How precise readings are, by what the model and the hypocentres have left of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from catalogdb.tomography.rays import Equations
from catalogdb.tomography.system import Posterior, System

PROBE_SEED = 0
LEAST_FREEDOM = 0.1
SMALLEST_SECONDS = 1e-4


def fitted_shares(system: System, posterior: Posterior, found: Equations, sigma: np.ndarray) -> np.ndarray:
    """How much of each grade of readings the unknowns fit whatever the readings say, 0 to 1: (grades,).

    It is what they fit of a probe of random signs (Girard, 1989, doi:10.1007/BF01395775), whose expectation is the
    trace of the matrix that makes predicted times of observed ones.

    Args:
        system, posterior: of the round.
        found: its equations.
        sigma: standard deviation of each arrival time in it, s.
    """
    signs = np.random.default_rng(PROBE_SEED).choice([-1.0, 1.0], len(sigma))
    weighted = signs / sigma
    own = np.zeros((len(system.blocks), 4))
    np.add.at(own, found.event, found.slopes * weighted[:, None])
    alone = np.linalg.solve(system.blocks, own[..., None]).ravel()
    right = system.unknowns.T @ weighted - system.mixed.T @ alone
    unknowns = posterior.of(right)
    shifts = replace(system, own=own.ravel()).shifts(unknowns)
    fitted = system.unknowns @ unknowns + (found.slopes * shifts[found.event]).sum(axis=1)
    counts = np.maximum(np.bincount(found.grade), 1)
    shares: np.ndarray = np.bincount(found.grade, signs * fitted / sigma) / counts
    return shares


def deviations(
    found: Equations, rest: np.ndarray, sigma: np.ndarray, deviation: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Standard deviations of the readings of each grade, s, from what is left of them.

    A step of the EM algorithm for Student's t (Lange, Little and Taylor, 1989, doi:10.1080/01621459.1989.10478852).

    Args:
        found: equations of the round.
        rest: what is left of each reading, s.
        sigma: its standard deviation in the round, wider for outliers, s.
        deviation: of each grade in the round, s.
        shares: of each grade that the unknowns have fitted, see `fitted_shares`.
    """
    own = deviation.copy()
    for grade in np.unique(found.grade):
        rows = found.grade == grade
        freedom = max(1.0 - float(shares[grade]), LEAST_FREEDOM)
        growth = float(np.sqrt(np.square(rest[rows] / sigma[rows]).mean() / freedom))
        own[grade] = max(deviation[grade] * growth, SMALLEST_SECONDS)
    return own
