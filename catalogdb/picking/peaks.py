"""Probability trace -> peaks: what every picker hands on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Onsets:
    """Arrivals of one phase in one run, ascending in time; arrays (onsets,).

    Attributes:
        samples: sample numbers in the run.
        probability: 0..1.
        uncertainty: one standard deviation (s).
        competing: the other phase's probability around each.
    """

    samples: np.ndarray
    probability: np.ndarray
    uncertainty: np.ndarray
    competing: np.ndarray


def peaks_above(probability: np.ndarray, threshold: float) -> np.ndarray:
    """One peak for each stretch where the probability reaches the threshold and stays at or above half of it.

    This is SeisBench's ``picks_from_annotations``: a trigger switched on at the threshold and off below half of it,
    with the pick at the (first) largest sample.

    Args:
        probability: array (samples,); NaN counts as below.
        threshold: in the units of the probability.

    Returns:
        int64 array of sample numbers, ascending.
    """
    above = np.flatnonzero(probability >= threshold)
    if above.size == 0:
        return np.empty(0, dtype=np.int64)
    half = probability >= threshold / 2
    edges = np.flatnonzero(np.diff(half, prepend=False, append=False))
    begins, ends = edges[0::2], edges[1::2]
    reached = np.unique(np.searchsorted(begins, above, side="right") - 1)
    return np.array([begins[i] + np.argmax(probability[begins[i] : ends[i]]) for i in reached], dtype=np.int64)


def separated(samples: np.ndarray, heights: np.ndarray, least: float) -> np.ndarray:
    """Non-maximum suppression: the highest peak stays, peaks closer to it than `least` go, and so on down.

    Args:
        samples: peak positions, ascending.
        heights: their heights; of equal ones the earlier is taken first.
        least: smallest distance that two kept peaks may have (samples).

    Returns:
        bool array, True for the peaks that stay.
    """
    keep = np.ones(samples.size, dtype=bool)
    if samples.size < 2 or not (np.diff(samples) < least).any():
        return keep
    done = np.zeros(samples.size, dtype=bool)
    for index in np.lexsort((samples, -heights)):
        if done[index]:
            continue
        near = slice(
            np.searchsorted(samples, samples[index] - least, side="right"),
            np.searchsorted(samples, samples[index] + least, side="left"),
        )
        keep[near], done[near] = False, True
        keep[index] = True
    return keep
