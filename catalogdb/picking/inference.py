"""Run -> probability of P and S at each sample, by windows that are stacked where they overlap.

Batches run side by side, each on one thread. That beats splitting every layer among threads: the layers are so small
that waiting for each other costs more than it gains, several times over on a busy machine.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from catalogdb.picking.model import Network
from catalogdb.picking.records import Run
from catalogdb.picking.windows import window_starts

BLOCK_SECONDS = 3600.0
"""Data are filtered in blocks of about this length, so that memory doesn't grow with the length of a run."""


def available_threads() -> int:
    """``OMP_NUM_THREADS``, or the number of cores that this process may use."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdigit() and int(told) > 0:
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def annotate_run(
    network: Network, run: Run, batch_size: int, threads: int, filter_settle_seconds: float
) -> np.ndarray | None:
    """Probability traces of one run.

    Args:
        network: what gives the probabilities.
        run: aligned components at the network's rate.
        batch_size: windows per forward pass.
        threads: forward passes at a time.
        filter_settle_seconds: how much more data either side a block needs for the weights' filter.

    Returns:
        float32 array (2, samples), rows P and S, NaN where no window says anything; None for a run shorter than a
        window.
    """
    starts = window_starts(run.start_ns, run.rate, run.samples, network.window, network.stride, network.rate)
    if starts.size == 0:
        return None
    total = np.zeros((2, run.samples), dtype=np.float32)
    if network.stacking == "max":
        total.fill(np.nan)
    covered = np.zeros(run.samples, dtype=np.uint16)
    batches = _batches(network, run, starts, batch_size, filter_settle_seconds)
    for batch_starts, windows in _side_by_side(network, batches, threads):
        for start, window in zip(batch_starts, windows, strict=True):
            part = slice(start, start + network.window)
            if network.stacking == "max":
                np.fmax(total[:, part], window.T, out=total[:, part])
            else:
                said = ~np.isnan(window[:, 0])
                covered[part] += said
                total[:, part] += np.where(said, window.T, np.float32(0))
    if network.stacking == "avg":
        with np.errstate(invalid="ignore"):
            total /= covered
    return total


def _side_by_side(
    network: Network, batches: Iterator[tuple[np.ndarray, np.ndarray]], threads: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Probabilities of each batch, in the order of the batches, with few of them in memory at a time."""
    import torch

    before = torch.get_num_threads()
    waiting: deque = deque()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for starts, windows in batches:
                waiting.append((starts, pool.submit(network.probabilities, windows)))
                if len(waiting) > threads:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
    finally:
        torch.set_num_threads(before)


def _batches(
    network: Network, run: Run, starts: np.ndarray, batch_size: int, filter_settle_seconds: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Windows in the network's component order: (first samples, float32 array (windows, components, samples))."""
    settle = int(filter_settle_seconds * network.rate)
    blocks = np.flatnonzero(np.diff(starts // int(BLOCK_SECONDS * network.rate))) + 1
    for block in np.split(starts, blocks):
        begin = max(0, int(block[0]) - settle)
        end = min(run.samples, int(block[-1]) + network.window + settle)
        data = network.filtered(run.data[:, begin:end])
        for first in range(0, block.size, batch_size):
            chosen = block[first : first + batch_size]
            windows = np.zeros((chosen.size, len(network.rows), network.window), dtype=np.float32)
            for index, start in enumerate(chosen - begin):
                for component, row in enumerate(network.rows):
                    if row is not None:
                        windows[index, component] = data[row, start : start + network.window]
            yield chosen, windows
