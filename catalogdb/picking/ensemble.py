"""Probability traces of several networks -> one.

Yuan, C., Ni, Y., Lin, Y., & Denolle, M. (2023), Better together: ensemble learning for earthquake detection and phase
picking, IEEE TGRS 61, doi:10.1109/TGRS.2023.3320148, which weights the members' predictions by their semblance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

BLOCK = 500_000


def combined(members: Sequence[np.ndarray], how: Literal["maximum", "mean", "coherence"], window: int) -> np.ndarray:
    """Combine the members' probabilities at each sample.

    ``maximum`` and ``mean`` are those of the members that say something there. ``coherence`` is the maximum times the
    semblance of the members in a centred window, (sum over the window of (sum of members)^2) / (number of members x sum
    over the window of the sum of members^2): one where all agree, 1 / number where one stands alone.

    Args:
        members: float32 arrays (rows, samples), NaN where a member says nothing.
        how: see above.
        window: length of the window for the semblance (samples).

    Returns:
        float32 array (rows, samples), NaN where no member says anything.
    """
    output = np.empty_like(members[0])
    reach = window // 2
    samples = output.shape[1]
    for first in range(0, samples, BLOCK):
        end = min(samples, first + BLOCK)
        begin, stop = max(0, first - reach), min(samples, end + reach)
        stack = np.stack([member[:, begin:stop] for member in members])
        says = ~np.isnan(stack)
        known = np.where(says, stack, np.float32(0))
        value = known.sum(axis=0) / np.maximum(says.sum(axis=0), 1) if how == "mean" else known.max(axis=0)
        if how == "coherence":
            value = value * _semblance(known, reach)
        value = np.where(says.any(axis=0), value, np.float32(np.nan))
        output[:, first:end] = value[:, first - begin : end - begin]
    return output


def _semblance(members: np.ndarray, reach: int) -> np.ndarray:
    """Of members (members, rows, samples) in windows of 2 reach + 1 samples, 0..1; 0 where all are zero."""
    from scipy.ndimage import uniform_filter1d

    def smoothed(values: np.ndarray) -> np.ndarray:
        return uniform_filter1d(values.astype(np.float64), 2 * reach + 1, axis=-1, mode="constant")

    together = smoothed(members.sum(axis=0) ** 2)
    apart = members.shape[0] * smoothed((members**2).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(apart > 1e-12, np.clip(together / apart, 0, 1), 0.0)
