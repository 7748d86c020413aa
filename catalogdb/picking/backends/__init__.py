"""What runs a network: OpenVINO or torch, behind one small interface."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from catalogdb.errors import InputError
from catalogdb.picking.network import NetworkDescription
from catalogdb.picking.weights import WeightsFiles

Fill = Callable[[np.ndarray], int]
"""Puts windows of counts, as many as there is room for, into a float32 array (windows, components, samples), and says
how many; 0 where none are left."""


class Backend(Protocol):
    """A network that is ready to run.

    Attributes:
        name: what is stored with the results, for example ``openvino cpu float32``.
        description: the network.
        batch_size: windows that one batch of `run` has room for; only the last may hold fewer.
    """

    name: str
    description: NetworkDescription
    batch_size: int

    def run(self, fill: Fill) -> Iterator[np.ndarray]:
        """Probabilities of each batch, in order, with few batches in memory at a time.

        Args:
            fill: is given memory that the network reads from, batch by batch, until it has no more windows.

        Yields:
            float32 arrays (windows, labels, samples).
        """


def available_threads() -> int:
    """``OMP_NUM_THREADS``, or the number of cores that this process may use."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdigit() and int(threads) > 0:
        return int(threads)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chosen(backend: str) -> str:
    """What ``auto`` stands for on this machine: torch where there is a GPU, else OpenVINO if installed, else torch.

    Raises:
        InputError: for a backend that isn't installed.
    """
    installed = importlib.util.find_spec("openvino") is not None
    if backend == "openvino" and not installed:
        raise InputError("backend openvino is not installed", hint="pip install openvino, or backend: auto")
    if backend != "auto":
        return backend
    return "openvino" if installed and not gpu_at_hand() else "torch"


def gpu_at_hand() -> bool:
    """True where torch can use a GPU; torch is imported only where the driver shows one."""
    if not Path("/dev/nvidiactl").exists() or os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return False
    import torch

    return torch.cuda.is_available()


@lru_cache(maxsize=8)
def open_backend(
    backend: str, files: WeightsFiles, window: int, batch_size: int | None, threads: int | None, precision: str
) -> Backend:
    """Load a network once per process.

    Args:
        backend: ``auto``, ``openvino`` or ``torch``.
        files: the weights.
        window: samples per window.
        batch_size: windows per forward pass; none: what suits the backend.
        threads: forward passes at a time on a CPU; none: `available_threads`.
        precision: of the arithmetic on a GPU; of OpenVINO's, where it is bfloat16 or int8.

    Raises:
        InputError: for a backend that isn't installed, or int8 without OpenVINO.
    """
    threads = threads or available_threads()
    if chosen(backend) == "openvino":
        from catalogdb.picking.backends.openvino_backend import OpenvinoBackend

        return OpenvinoBackend(files, window, batch_size, threads, precision)
    if precision == "int8":
        raise InputError(
            "pick.precision int8 is OpenVINO's alone, and torch would run the network here",
            hint="pick.backend: openvino, or pick.precision: float32",
        )
    if gpu_at_hand():
        from catalogdb.picking.backends.cuda_backend import CudaBackend

        return CudaBackend(files, window, batch_size, precision)
    from catalogdb.picking.backends.torch_backend import TorchBackend

    return TorchBackend(files, window, batch_size, threads)
