"""Where windows lie: on a grid fixed to 1970, so that they don't depend on where data or reads begin."""

from __future__ import annotations

import numpy as np


def overlap_samples(overlap: float, window: int) -> int:
    """Overlap in samples: below 1 it is a fraction of the window, else samples (as in SeisBench).

    Raises:
        ValueError: if windows would not move on.
    """
    samples = int(overlap * window) if overlap < 1 else int(overlap)
    if samples >= window:
        raise ValueError(f"an overlap of {samples} samples leaves windows of {window} samples no stride")
    return samples


def window_starts(
    start_ns: int, rate: float, samples: int, window: int, stride: int, nominal_rate: float
) -> np.ndarray:
    """First samples of the windows of one stretch, ascending.

    Windows start at the samples nearest to whole multiples of `stride` / `nominal_rate` seconds since 1970. One more
    lies flush with the start of the stretch and one flush with its end, so that all of it is covered.

    Args:
        start_ns: time of the stretch's sample 0 (nanoseconds since 1970).
        rate: samples per second by the stretch's own clock.
        samples: length of the stretch.
        window, stride: in samples.
        nominal_rate: the model's samples per second, which turns the stride into seconds.

    Returns:
        int64 array; empty where the stretch is shorter than a window.
    """
    if samples < window:
        return np.empty(0, dtype=np.int64)
    stride_ns = round(stride / nominal_rate * 1e9)
    first = -(-start_ns // stride_ns)
    last = (start_ns + int(samples * 1e9 / rate)) // stride_ns
    multiples = np.arange(first, last + 1, dtype=np.int64) * stride_ns - start_ns
    # Not at the half sample, where a clock's jitter would decide, but a little before it.
    on_grid = np.ceil(multiples * (rate / 1e9) - 0.47).astype(np.int64)
    on_grid = on_grid[(on_grid >= 0) & (on_grid <= samples - window)]
    return np.unique(np.concatenate([[0], on_grid, [samples - window]]))
