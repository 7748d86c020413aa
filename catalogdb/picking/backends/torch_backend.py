"""Networks run by torch on the processor's cores.

Batches run side by side, each on one thread. That beats splitting every layer among threads: the layers are so small
that waiting for each other costs more than it gains, several times over on a busy machine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch

from catalogdb.picking.backends import Fill
from catalogdb.picking.seisbench_network import load_network
from catalogdb.picking.weights import WeightsFiles

BATCH_SIZE = 32


class TorchBackend:
    """See `catalogdb.picking.backends.Backend`."""

    name = "torch cpu float32"

    def __init__(self, files: WeightsFiles, window: int, batch_size: int | None, threads: int):
        self.description, self.network = load_network(files, window)
        self.batch_size = batch_size or BATCH_SIZE
        self.threads = threads

    def run(self, fill: Fill) -> Iterator[np.ndarray]:
        """Probabilities of each batch, in order."""
        shape = self.batch_size, len(self.description.component_order), self.description.window
        before = torch.get_num_threads()
        waiting: deque[Future[np.ndarray]] = deque()
        try:
            with ThreadPoolExecutor(self.threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                while count := fill(windows := np.empty(shape, dtype=np.float32)):
                    waiting.append(pool.submit(self._forward, windows[:count]))
                    if len(waiting) > self.threads:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
        finally:
            torch.set_num_threads(before)

    def _forward(self, windows: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return self.network(torch.from_numpy(windows)).numpy()
