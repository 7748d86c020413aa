"""Windows made like the demo's days, for training loops: earthquakes, stations and noise of a seed of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from catalogdb.demo.training_windows import Pool, Windows, build_pool, make_windows
from catalogdb.training.windows import Batch

SAMPLES = 3001


def pool_of(seed: int, earthquakes: int, noise_sites: int) -> Pool:
    """Earthquakes and noise that no other seed has."""
    return build_pool(seed, earthquakes=earthquakes, noise_sites=noise_sites)


def fixed_windows(pool: Pool, seed: int, count: int) -> Windows:
    """So many windows of a pool, always the same."""
    return make_windows(pool, np.random.default_rng([seed, 13]), count)


def _batch(windows: Windows, rows: Sequence[int] | np.ndarray) -> Batch:
    labels = np.zeros((len(rows), 3, SAMPLES), np.float32)
    labels[:, :2] = windows.labels[rows][:, 1:]
    return Batch(windows.data[rows], labels, np.ones((len(rows), 2), bool))


class FixedWindows:
    """Labelled windows that the loop goes through again and again.

    Args:
        windows: all of them.
        count: how many of the first are used.
    """

    def __init__(self, windows: Windows, count: int):
        self.windows, self.count = windows, count

    def batches(self, batch: int, seed: Sequence[int], per_example: int = 1, shuffled: bool = True) -> Iterator[Batch]:
        """As `catalogdb.training.windows.Windows.batches`; without shuffling each window comes once."""
        numbers = np.tile(np.arange(self.count), per_example) if shuffled else np.arange(self.count)
        if shuffled:
            numbers = np.random.default_rng([*seed, 0]).permutation(numbers)
        for first in range(0, len(numbers), batch):
            yield _batch(self.windows, numbers[first : first + batch])


class FreshWindows:
    """Windows that are made once and never seen again.

    Args:
        pool: what they are made from.
        count: of an epoch.
    """

    def __init__(self, pool: Pool, count: int):
        self.pool, self.count = pool, count

    def batches(self, batch: int, seed: Sequence[int], per_example: int = 1, shuffled: bool = True) -> Iterator[Batch]:
        """As `catalogdb.training.windows.Windows.batches`."""
        random = np.random.default_rng([*seed, 0])
        for first in range(0, self.count, batch):
            size = min(batch, self.count - first)
            yield _batch(make_windows(self.pool, random, size), np.arange(size))
