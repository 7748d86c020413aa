"""Probability trace -> its peaks, in a form from which the picks of any threshold follow without the trace.

A pick at threshold T is the largest sample of a span that reaches T and stays at or above T / 2 (SeisBench's
``picks_from_annotations``: a trigger switched on at T and off below T / 2). Which spans belong together depends on
T: they part where the saddle between two peaks is lower than T / 2. So the peaks above a floor, each with the saddle
before it, hold the picks of every threshold from the floor on. A peak whose saddle to a higher neighbour is at least
half its own height is never a pick of its own and is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BLOCK = 500_000


@dataclass
class Peaks:
    """Peaks of one phase in one stretch, ascending in time; arrays (peaks,).

    Attributes:
        samples: sample numbers in the stretch.
        probability: height, 0..1.
        saddle: lowest probability between the peak before and this one, 0 where it falls below half the floor.
        width: of the peak (s), see `quality`.
        competing: the other phase's probability around each.
    """

    samples: np.ndarray
    probability: np.ndarray
    saddle: np.ndarray
    width: np.ndarray
    competing: np.ndarray


def peaks_and_saddles(probability: np.ndarray, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """Peaks of a probability trace that can be picks of a threshold from the floor on.

    Args:
        probability: float32 array (samples,); NaN counts as below everything.
        floor: lowest threshold.

    Returns:
        Sample numbers (int64, ascending; the first sample of a flat top) and saddles (float32), as in `Peaks`.
    """
    near = _at_least(probability, floor / 2)
    reaching = near[probability[near] >= np.float32(floor)]
    if reaching.size == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    begins, ends = near[np.diff(near, prepend=-2) > 1], near[np.diff(near, append=probability.size + 1) > 1] + 1
    reached = np.unique(np.searchsorted(begins, reaching, side="right") - 1)
    # the spans that reach the floor, one after the other, each behind a sample that counts as zero
    lengths = ends[reached] - begins[reached] + 1
    firsts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    places = np.arange(lengths.sum()) + np.repeat(begins[reached] - 1 - firsts, lengths)
    values = probability[np.maximum(places, 0)]
    values[firsts] = 0
    chosen, saddles = _independent(values, floor)
    return places[chosen], saddles


def _at_least(probability: np.ndarray, level: float) -> np.ndarray:
    """Samples that reach a level, ascending; by blocks, to save memory."""
    blocks = [
        first + np.flatnonzero(probability[first : first + BLOCK] >= np.float32(level))
        for first in range(0, probability.size, BLOCK)
    ]
    return np.concatenate([np.empty(0, dtype=np.int64), *blocks])


def _independent(values: np.ndarray, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the peaks that aren't shoulders of higher ones, and the saddle before each; values without NaN."""
    levels = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])  # first samples of what may be flat
    heights = values[levels]
    highest = (np.diff(heights, prepend=-1) > 0) & (np.diff(heights, append=-1) < 0)
    tops = levels[highest & (heights >= np.float32(floor))]
    lowest_after = np.minimum.reduceat(values, tops)
    parted = np.concatenate([[True], lowest_after == 0])  # at these saddles no peak is a shoulder of another
    alone = parted[:-1] & parted[1:]
    numbers, saddles = _without_shoulders(tops[~alone], values[tops[~alone]], lowest_after[~alone])
    numbers = np.concatenate([tops[alone], numbers])
    order = np.argsort(numbers)
    saddles = np.concatenate([np.zeros(alone.sum()), saddles])[order]
    # below half the floor peaks are apart at every threshold
    return numbers[order], np.where(saddles < np.float32(floor / 2), 0, saddles).astype(np.float32)


def _without_shoulders(
    tops: np.ndarray, heights: np.ndarray, lowest_after: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Those of the tops (sample numbers) that aren't shoulders of higher ones, and the saddle before each."""
    kept: list[tuple[int, float, float]] = []
    saddle = 0.0
    for top, height, lowest in zip(tops.tolist(), heights.tolist(), lowest_after.tolist(), strict=True):
        while kept and height > kept[-1][1] and saddle >= kept[-1][1] / 2:  # the last is a shoulder of this one
            saddle = min(saddle, kept.pop()[2])
        if kept and saddle >= height / 2 and height <= kept[-1][1]:  # this one is a shoulder of the last
            saddle = min(saddle, lowest)
            continue
        kept.append((top, height, saddle))
        saddle = lowest
    return np.array([top for top, _, _ in kept], dtype=np.int64), np.array([low for _, _, low in kept], dtype=float)


def picks_at(probability: np.ndarray, saddle: np.ndarray, threshold: float) -> np.ndarray:
    """Which peaks are picks at a threshold.

    Args:
        probability, saddle: as in `Peaks`, (peaks,).
        threshold: not below the floor that the peaks were made with.

    Returns:
        int64 array of peak numbers, ascending: the highest (of equals the first) of each span that reaches it.
    """
    if probability.size == 0:
        return np.empty(0, dtype=np.int64)
    parted = saddle < np.float32(threshold / 2)
    parted[0] = True
    begins = np.flatnonzero(parted)
    highest = np.maximum.reduceat(probability, begins)
    span = np.cumsum(parted) - 1
    top = np.flatnonzero(probability == highest[span])
    _, first = np.unique(span[top], return_index=True)
    found = top[first]
    return found[probability[found] >= np.float32(threshold)]


def separated(samples: np.ndarray, heights: np.ndarray, least: float) -> np.ndarray:
    """Non-maximum suppression: the highest peak stays, peaks closer to it than `least` go, and so on down.

    Args:
        samples: peak positions, ascending.
        heights: their heights; of equal ones the earlier is taken first.
        least: smallest distance that two kept peaks may have (in the unit of the positions).

    Returns:
        bool array, True for the peaks that stay.
    """
    keep = np.ones(samples.size, dtype=bool)
    near = np.diff(samples) < least
    contested = np.append(near, False) | np.append(False, near)
    if not near.any():
        return keep
    numbers = np.flatnonzero(contested)
    rivals, heights = samples[numbers], heights[numbers]
    firsts = np.searchsorted(rivals, rivals - least, side="right").tolist()
    ends = np.searchsorted(rivals, rivals + least, side="left").tolist()
    stays = np.ones(rivals.size, dtype=bool)
    done = np.zeros(rivals.size, dtype=bool)
    for index in np.lexsort((rivals, -heights)).tolist():
        if not done[index]:
            around = slice(firsts[index], ends[index])
            stays[around], done[around] = False, True
            stays[index] = True
    keep[numbers] = stays
    return keep
