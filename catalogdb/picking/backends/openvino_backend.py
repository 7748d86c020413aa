"""Networks run by OpenVINO on the processor's cores, from an export that is made once for each set of weights.

With the export at hand neither torch nor SeisBench is imported, which saves a worker seconds and hundreds of megabytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import openvino

from catalogdb.picking.backends import Fill
from catalogdb.picking.backends.export import exported_network
from catalogdb.picking.weights import WeightsFiles

BATCH_SIZES = {"phasenet": 16, "eqtransformer": 8, "seislm": 4}
"""Small enough for what a batch needs between layers to stay in a core's cache."""
AHEAD = 8
"""Batches that wait beyond those being computed: the next ones may take a while to make, as where data are filtered."""


class _Request(NamedTuple):
    """A batch under way, with the memory that OpenVINO reads it from and writes to."""

    infer: openvino.InferRequest
    windows: np.ndarray
    probabilities: np.ndarray


class OpenvinoBackend:
    """See `catalogdb.picking.backends.Backend`."""

    def __init__(
        self, files: WeightsFiles, window: int, batch_size: int | None, threads: int, precision: str = "float32"
    ):
        used = precision if precision in ("bfloat16", "int8") else "float32"
        self.name = f"openvino cpu {used}"
        export = exported_network(files, window, used == "int8")
        self.description = export.description
        self.batch_size = batch_size or BATCH_SIZES[files.picker]
        core = openvino.Core()
        core.set_property({"CACHE_DIR": str(export.compiled)})
        model = core.read_model(export.model)
        # A fixed shape is faster, and makes a window's result independent of how many stand beside it.
        model.reshape([self.batch_size, len(self.description.component_order), window])
        settings = {
            "NUM_STREAMS": threads,
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "bf16" if used == "bfloat16" else "f32",
            "ENABLE_CPU_PINNING": False,  # workers side by side would all be pinned to the first cores
        }
        self.compiled = core.compile_model(model, "CPU", settings)
        self.at_a_time = threads + AHEAD
        self.spare: deque[_Request] = deque()

    def run(self, fill: Fill) -> Iterator[np.ndarray]:
        """Probabilities of each batch, in order. An array is good until the next one is asked for."""
        requests = [self._request() for _ in range(self.at_a_time)]
        free = deque(requests)
        busy: deque[tuple[_Request, int]] = deque()
        try:
            while count := fill(free[0].windows):
                request = free.popleft()
                request.windows[count:] = 0
                request.infer.start_async()
                busy.append((request, count))
                if not free:
                    yield self._finished(*busy[0])
                    free.append(busy.popleft()[0])
            while busy:
                yield self._finished(*busy[0])
                free.append(busy.popleft()[0])
        finally:
            for request, _ in busy:
                request.infer.wait()
            self.spare.extend(requests)

    def _request(self) -> _Request:
        """One that no other run uses: a worker may have several tasks at a time, each in a thread."""
        try:
            return self.spare.pop()
        except IndexError:
            infer = self.compiled.create_infer_request()
            return _Request(infer, infer.get_input_tensor(0).data, infer.get_output_tensor(0).data)

    @staticmethod
    def _finished(request: _Request, count: int) -> np.ndarray:
        request.infer.wait()
        return request.probabilities[:count]
