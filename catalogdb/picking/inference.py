"""Stretches -> probability at each sample, by windows that are stacked where they overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from catalogdb.picking.backends import Backend
from catalogdb.picking.network import Network
from catalogdb.picking.stretches import Stretch
from catalogdb.picking.window_grid import window_starts
from catalogdb.profile import timed, timed_each

BLOCK_SECONDS = 3600.0
"""Data are filtered in blocks of about this length, so that memory doesn't grow with the length of a stretch."""
FINISHED_TOGETHER = 100
"""Windows after which the samples that no later one covers are finished, while they are in the processor's cache."""


def annotate_stretches(
    backend: Backend, network: Network, stretches: Sequence[Stretch], filter_settle_seconds: float
) -> Iterator[np.ndarray | None]:
    """Probability traces of stretches, one after the other. Batches go over their borders: gaps waste no work.

    Args:
        backend: what runs the network.
        network: how windows are put to it.
        stretches: aligned components at the network's rate.
        filter_settle_seconds: how much more data either side a block needs for the weights' filter.

    Yields:
        For each stretch a float32 array (labels, samples), rows as `Network.labels`, NaN where no window says anything;
        None for a stretch shorter than a window.
    """
    grids = [
        window_starts(stretch.start_ns, stretch.rate, stretch.samples, network.window, network.stride, network.rate)
        for stretch in stretches
    ]
    windows = _windows(network, stretches, grids, filter_settle_seconds)

    def fill(batch: np.ndarray) -> int:
        with timed("windows"):
            count = 0
            for row, window in zip(batch, islice(windows, len(batch)), strict=False):
                for component, samples in zip(row, window, strict=True):
                    component[:] = samples
                count += 1
        return count

    outputs = (window for output in timed_each("network", backend.run(fill)) for window in output)
    for stretch, starts in zip(stretches, grids, strict=True):
        if starts.size:
            with timed("stack"):
                traces = _stacked(network, stretch, starts, outputs)
            yield traces
        else:
            yield None


def _stacked(network: Network, stretch: Stretch, starts: np.ndarray, outputs: Iterator[np.ndarray]) -> np.ndarray:
    """Probability traces of one stretch from the outputs (labels, samples) of its windows."""
    first, end = network.description.first_valid, network.description.end_valid
    total = np.zeros((len(network.labels), stretch.samples), dtype=np.float32)
    covered = _windows_over(starts + first, end - first, stretch.samples)
    finished = 0
    for number, start in enumerate(starts.tolist()):
        if number % FINISHED_TOGETHER == 0:  # while the network works on the next ones
            _finish(network, total[:, finished : start + first], covered[finished : start + first])
            finished = start + first
        part = total[:, start + first : start + end]
        window = next(outputs)[:, first:end]
        if network.stacking == "max":
            np.maximum(part, window, out=part)
        else:
            part += window
    _finish(network, total[:, finished:], covered[finished:])
    return total


def _finish(network: Network, total: np.ndarray, covered: np.ndarray) -> None:
    """Make probabilities, in place, of what windows say together (labels, samples)."""
    if network.stacking == "avg":
        np.divide(total, np.maximum(covered, 1, dtype=np.float32), out=total)
    if not covered.all():
        total[:, covered == 0] = np.nan


def _windows_over(starts: np.ndarray, length: int, samples: int) -> np.ndarray:
    """Number of windows over each sample, uint8 where that is enough."""
    borders = np.sort(np.concatenate([[0], starts, starts + length, [samples]]))
    begun, over = (np.searchsorted(edges, borders[:-1], side="right") for edges in (starts, starts + length))
    number = begun - over
    return np.repeat(number.astype(np.uint8 if number.max() < 256 else np.uint16), np.diff(borders))


def _windows(
    network: Network, stretches: Sequence[Stretch], grids: Sequence[np.ndarray], filter_settle_seconds: float
) -> Iterator[list[np.ndarray | float]]:
    """The samples of each component of each window, in the network's order; 0 for an absent one.

    Windows of an hour are cut from a block of filtered data.
    """
    settle = int(filter_settle_seconds * network.rate)
    for stretch, starts in zip(stretches, grids, strict=True):
        borders = np.flatnonzero(np.diff(starts // int(BLOCK_SECONDS * network.rate))) + 1
        for block in np.split(starts, borders) if starts.size else ():
            begin = max(0, int(block[0]) - settle)
            data = network.filtered(stretch, begin, min(stretch.samples, int(block[-1]) + network.window + settle))
            rows = [None if row is None else data[row] for row in network.rows]
            for start in (block - begin).tolist():
                window = slice(start, start + network.window)
                yield [0.0 if samples is None else samples[window] for samples in rows]
