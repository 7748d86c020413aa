"""What is expected of a model before any arrival: how much slowness differs from a 1-D model, and how far alike."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

NUGGET = 0.02
"""Of the standard deviation, between a node and itself."""
NUGGET_OF_LAYERS = 1e-3
"""The same of whole depths, which keeps matrices regular where arrivals ask for these alone."""
RATIO_OF_LAYERS = 0.7
BATCH_NODES = 4000
RESOLVED_AT_ONCE = 1000


@dataclass(frozen=True)
class Scales:
    """Standard deviations of the logarithm of slowness, and reaches.

    Args:
        common: of P and S alike.
        ratio: of S over P.
        layers: of whole depths, P and S alike.
        reach_km: over which the first two stay alike horizontally.
        reach_depth_km: over which all stay alike in depth.
    """

    common: float = 0.05
    ratio: float = 0.03
    layers: float = 0.03
    reach_km: float = 10.0
    reach_depth_km: float = 4.0

    @property
    def logarithms(self) -> np.ndarray:
        """Of all of them."""
        return np.log(astuple(self))

    @classmethod
    def of(cls, logarithms: np.ndarray) -> Scales:
        """From their logarithms."""
        return cls(*np.exp(logarithms).tolist())


def covariance(scales: Scales, places: np.ndarray) -> np.ndarray:
    """Prior covariance of the logarithms of slowness at nodes, of P and then of S: (2 nodes, 2 nodes)."""
    found = between(scales, places, places)
    found[np.diag_indices(len(found))] += (NUGGET * scales.common) ** 2 + (NUGGET_OF_LAYERS * scales.layers) ** 2
    return found


def between(scales: Scales, places: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Prior covariance of the nodes at some places with those at others: (2 places, 2 others)."""
    reach = np.array([scales.reach_km, scales.reach_km, scales.reach_depth_km])
    near = np.exp(-cdist(places / reach, others / reach))
    of_depth = np.exp(-np.abs(places[:, None, 2] - others[None, :, 2]) / scales.reach_depth_km)
    alike = scales.common**2 * near + scales.layers**2 * of_depth
    apart = scales.ratio**2 * near + (RATIO_OF_LAYERS * scales.layers) ** 2 * of_depth
    return np.block([[alike, alike], [alike, alike + apart]])


def expected(scales: Scales, known: np.ndarray, values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Most probable logarithms of slowness at all places, (2, places), from those at known ones, (2 known,)."""
    share = cho_solve(cho_factor(covariance(scales, known), lower=True), values)
    batches = [places[first : first + BATCH_NODES] for first in range(0, len(places), BATCH_NODES)]
    return np.concatenate([(between(scales, batch, known) @ share).reshape(2, -1) for batch in batches], axis=1)


def resolution(scales: Scales, known: np.ndarray, posterior: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Part of the prior variance of the logarithms of slowness that the arrivals have taken away: (2, places), 0 to 1.

    Args:
        known: places of the nodes that rays pass.
        posterior: covariance of these after the inversion, of P and then of S: (2 known, 2 known).
        places: where to tell it, from the known ones as in `expected`.
    """
    prior = covariance(scales, known)
    factor, taken = cho_factor(prior, lower=True), prior - posterior
    own = scales.common**2 + scales.layers**2
    variance = np.array([own, own + scales.ratio**2 + (RATIO_OF_LAYERS * scales.layers) ** 2])
    found = []
    for first in range(0, len(places), RESOLVED_AT_ONCE):
        share = cho_solve(factor, between(scales, known, places[first : first + RESOLVED_AT_ONCE]))
        found.append((share * (taken @ share)).sum(axis=0).reshape(2, -1) / variance[:, None])
    return np.clip(np.concatenate(found, axis=1), 0.0, 1.0)
