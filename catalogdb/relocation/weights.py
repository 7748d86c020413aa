"""Weights of differential times: by how far they scatter themselves, or as HypoDD's input file has them."""

from __future__ import annotations

import numpy as np

from catalogdb.relocation.config import WeightSet
from catalogdb.relocation.differences import NONE, Differences

LEAST_IN_BIN, MOST_BINS = 100, 12
NORMAL = 1.4826
"""Standard deviation of a normal distribution by its median absolute deviation."""
SMALLEST = (1e-4, 1e-5)
"""No scatter is smaller than this, s: of picks, and of correlated times."""
HUBER = 1.345


def scatter(residual: np.ndarray, separation_km: np.ndarray, differences: Differences, is_s: np.ndarray) -> np.ndarray:
    """Standard deviation of each differential time, s: of those of its kind and phase at its separation.

    Picks scatter alike at all separations; what the velocity model is off, the less the closer the events are. So the
    scatter is taken from the residuals in bins of separation, and never falls with it.

    Args:
        residual: observed minus predicted differential times, s.
        separation_km: of the events of each pair.
        differences: of which they are.
        is_s: whether each is of S.
    """
    deviation = np.empty(len(residual))
    group = np.where(differences.second == NONE, 4, 2 * differences.is_cc) + is_s
    for number in np.unique(group):
        own = np.flatnonzero(group == number)
        deviation[own] = _by_separation(np.abs(residual[own]), separation_km[own], SMALLEST[int(number) in (2, 3)])
    return deviation


def _by_separation(size: np.ndarray, separation_km: np.ndarray, smallest: float) -> np.ndarray:
    bins = int(np.clip(len(size) // LEAST_IN_BIN, 1, MOST_BINS))
    parts = np.array_split(np.argsort(separation_km, kind="stable"), bins)
    middle = [float(np.median(separation_km[part])) for part in parts]
    spread = np.maximum([NORMAL * float(np.median(size[part])) for part in parts], smallest)
    return np.interp(separation_km, middle, np.maximum.accumulate(spread))


def trust(scaled: np.ndarray, cutoff: float | None) -> np.ndarray:
    """Weight of each residual, 0..1.

    Args:
        scaled: residuals over their standard deviations.
        cutoff: residuals beyond so many get no weight, by the biweight function (Waldhauser and Ellsworth, 2000,
            equation 16); None: none is left out, large ones count less (Huber, 1964).
    """
    if cutoff is None:
        return 1.0 / np.maximum(np.abs(scaled) / HUBER, 1.0)
    return np.square(np.maximum(1.0 - np.square(scaled / cutoff), 0.0))


def share(differences: Differences) -> np.ndarray:
    """Weight of each differential time, by which picks count alike, however many differences each is part of.

    Of n equally good picks of one station and phase, and an unknown delay of all, the inverse covariance is that of all
    their differences with weights of 1 / n, by Sherman and Morrison (1950). Here these picks are those of a difference
    and all that they are compared with. The mean is 1: errors of correlated times are shared as well, so picks as a
    whole keep their weight against these.

    Args:
        differences: of a cluster; correlated times, and arrivals themselves, get 1.
    """
    weight = np.ones(len(differences))
    rows = np.flatnonzero((differences.second != NONE) & ~differences.is_cc)
    if rows.size:
        own = differences.take(rows)
        slots = int(own.slot.max()) + 1
        picks = np.array([own.first, own.second]) * slots + own.slot
        number = 1.0 + np.bincount(picks.ravel())[picks].mean(axis=0)
        weight[rows] = 1.0 / number / np.mean(1.0 / number)
    return weight


def weights_by_set(
    residual: np.ndarray, separation_km: np.ndarray, differences: Differences, is_s: np.ndarray, chosen: WeightSet
) -> np.ndarray:
    """Factor of each equation by HypoDD's weights: of phase and kind, of residuals beyond the cut-off and of separation
    (Waldhauser and Ellsworth, 2000, equations 15 and 16; both fall off as bicubes in the program)."""
    weight = differences.quality * np.where(
        differences.is_cc, np.where(is_s, chosen.cc_s, chosen.cc_p), np.where(is_s, chosen.ct_s, chosen.ct_p)
    )
    limits = ((True, chosen.cc_cutoff, chosen.cc_km), (False, chosen.ct_cutoff, chosen.ct_km))
    for is_cc, cutoff, farthest_km in limits:
        own = np.flatnonzero(differences.is_cc == is_cc)
        if cutoff is not None and own.size:
            spread = NORMAL * float(np.median(np.abs(residual[own] - np.median(residual[own]))))
            weight[own] *= _bicube(residual[own] / max(cutoff * spread, SMALLEST[is_cc]))
        if farthest_km is not None:
            weight[own] *= _bicube(separation_km[own] / farthest_km)
    return weight


def _bicube(share: np.ndarray) -> np.ndarray:
    return np.maximum(1.0 - np.abs(share) ** 3, 0.0) ** 3
