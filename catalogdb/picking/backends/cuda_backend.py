"""Networks run by torch on an NVIDIA GPU: large batches, copied from pinned memory while the batch before computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from catalogdb.picking.backends import Fill
from catalogdb.picking.seisbench_network import load_network
from catalogdb.picking.weights import WeightsFiles

BATCH_SIZE = 512
IN_FLIGHT = 3


class CudaBackend:
    """See `catalogdb.picking.backends.Backend`."""

    def __init__(self, files: WeightsFiles, window: int, batch_size: int | None, precision: str):
        self.description, network = load_network(
            files, window, fold=False
        )  # in half precision the folded one is less exact
        self.network = network.cuda()
        self.batch_size = batch_size or BATCH_SIZE
        self.precision = None if precision == "float32" else getattr(torch, precision)
        torch.backends.cudnn.allow_tf32 = False  # else convolutions of float32 keep 10 bits of each factor
        self.name = f"torch {torch.cuda.get_device_name()} {precision}"

    def run(self, fill: Fill) -> Iterator[np.ndarray]:
        """Probabilities of each batch, in order."""
        shape = self.batch_size, len(self.description.component_order), self.description.window
        stream = torch.cuda.Stream()
        waiting: deque[tuple[Any, ...]] = deque()
        while count := fill((pinned := torch.empty(shape, pin_memory=True)).numpy()):
            waiting.append(self._submit(pinned[:count], stream))
            if len(waiting) >= IN_FLIGHT:
                yield _finished(*waiting.popleft())
        while waiting:
            yield _finished(*waiting.popleft())

    def _submit(self, pinned: torch.Tensor, stream: torch.cuda.Stream) -> tuple[torch.Tensor, torch.cuda.Event]:
        with torch.inference_mode(), torch.cuda.stream(stream):
            on_device = pinned.to("cuda", non_blocking=True)
            with torch.autocast("cuda", dtype=self.precision, enabled=self.precision is not None):
                output = self.network(on_device).float()
            host = torch.empty(output.shape, dtype=torch.float32, pin_memory=True)
            host.copy_(output, non_blocking=True)
            done = torch.cuda.Event()
            done.record(stream)
        return host, done


def _finished(host: torch.Tensor, done: torch.cuda.Event) -> np.ndarray:
    done.synchronize()
    return host.numpy()
