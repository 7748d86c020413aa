"""Which frames are masked, and which others each is to be told from. Both depend on a seeded generator alone."""

from __future__ import annotations

import numpy as np

NEGATIVES = 100


def span_mask(windows: int, frames: int, share: float, length: int, random: np.random.Generator) -> np.ndarray:
    """Masked frames, bool (windows, frames): spans that may overlap, as many of them in each window.

    Args:
        share: of the frames, those at which a span starts; no two start at the same.
        length: of a span (frames).
        random: what they are drawn with.

    Raises:
        ValueError: where a window has no room for a span.
    """
    if frames < length:
        raise ValueError(f"{frames} frames have no room for a masked span of {length}")
    places = frames - length + 1
    spans = min(places, max(2, int(share * frames + random.random())))
    mask = np.zeros((windows, frames), dtype=bool)
    for row in mask:
        starts = random.choice(places, size=spans, replace=False)
        row[(starts[:, None] + np.arange(length)).ravel()] = True
    return mask


def negative_frames(mask: np.ndarray, random: np.random.Generator, count: int = NEGATIVES) -> np.ndarray:
    """For each masked frame others of the same window that are masked, too.

    Args:
        mask: bool (windows, frames), at least two masked frames in each window.

    Returns:
        int64 (masked frames, count): numbers of frames in their window, for the masked frames in the order of
        ``mask.nonzero()``; never the frame itself; one may come more than once.
    """
    rows = []
    for row in mask:
        masked = np.flatnonzero(row)
        others = random.integers(0, masked.size - 1, size=(masked.size, count))
        others += others >= np.arange(masked.size)[:, None]
        rows.append(masked[others])
    return np.concatenate(rows)
