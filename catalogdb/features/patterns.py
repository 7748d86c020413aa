"""Non-negative factors of spectrograms: each frame is a sum of a few spectral patterns (Lee and Seung, 1999).

The Kullback-Leibler divergence is what is made small, by scikit-learn's multiplicative steps. It is that of counts
(Poisson), which the published method supposes too.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import non_negative_factorization
from sklearn.exceptions import ConvergenceWarning

Array = NDArray[np.float64]

ITERATIONS = 300
TOLERANCE = 1e-4
LEAST = 1e-6
"""A pattern is nowhere quite 0: steps multiply, so 0 would stay."""
BATCH_FRAMES = 200_000
ACTIVATION_STEPS = 60


def learn_patterns(frames: NDArray[np.floating], number: int, seed: int) -> Array:
    """Find patterns that frames are sums of.

    Args:
        frames: not negative, shape (frames, frequencies).
        number: of patterns.
        seed: of what is drawn.

    Returns:
        Patterns with mean 1, so that activations are in the frames' unit, by the frequency that they are centred on;
        shape (number, frequencies).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # so many steps are enough; more change little
        _, patterns, _ = non_negative_factorization(
            np.asarray(frames, dtype=np.float64),
            n_components=number,
            init="nndsvda",
            solver="mu",
            beta_loss="kullback-leibler",
            max_iter=ITERATIONS,
            tol=TOLERANCE,
            random_state=seed,
        )
    patterns = np.maximum(patterns, LEAST * patterns.max())
    patterns /= patterns.mean(axis=1, keepdims=True)
    centres = patterns @ np.arange(patterns.shape[1])
    ordered: Array = patterns[np.argsort(centres, kind="stable")]
    return ordered


def activations(frames: NDArray[np.floating], patterns: Array) -> Array:
    """How much of each pattern is in each frame, shape (frames, patterns)."""
    parts = [
        _batch(np.asarray(frames[first : first + BATCH_FRAMES], dtype=np.float64), patterns)
        for first in range(0, len(frames), BATCH_FRAMES)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, len(patterns)))


def _batch(frames: Array, patterns: Array) -> Array:
    """Multiplicative steps with the patterns held, from equal shares on. Each frame has so many steps whatever others
    there are, so that it gives the same in any company."""
    found = np.repeat(frames.mean(axis=1, keepdims=True) / len(patterns), len(patterns), axis=1)
    total = patterns.sum(axis=1)
    for _ in range(ACTIVATION_STEPS):
        ratio = frames / np.maximum(found @ patterns, 1e-12)
        found *= (ratio @ patterns.T) / total
    return found
