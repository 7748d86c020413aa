"""Networks from SeisBench, used through their own hooks so that the metadata of the weights is obeyed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from catalogdb.errors import InputError
from catalogdb.picking.config import PickConfig
from catalogdb.picking.records import SLOTS
from catalogdb.picking.weights import WeightsFiles
from catalogdb.picking.windows import overlap_samples
from catalogdb.picking.zoo import model_class

_STAND_IN = {"1": "N", "2": "E"}


@dataclass
class Network:
    """A loaded network and how windows are to be put to it.

    Attributes:
        module: the SeisBench model, in evaluation mode.
        window: samples per window.
        stride: samples from one window to the next.
        stacking: ``avg`` or ``max``.
        rate: samples per second that the network was trained for.
        rows: for each component that the network expects, its row in a run, or None where runs never have it.
        outputs: index of the P and of the S probability among the network's outputs.
        arguments: SeisBench's ``argdict`` (defaults of the weights).
    """

    module: Any
    window: int
    stride: int
    stacking: str
    rate: float
    rows: tuple[int | None, ...]
    outputs: tuple[int, int]
    arguments: dict[str, Any]

    def probabilities(self, windows: np.ndarray) -> np.ndarray:
        """Probability of P and S for each sample of each window.

        Args:
            windows: float32 array (windows, components in the network's order, samples).

        Returns:
            float32 array (windows, samples, 2); NaN where the weights' blinding discards the edges of a window.
        """
        import torch

        with torch.inference_mode():
            batch = self.module.annotate_batch_pre(torch.from_numpy(windows), argdict=self.arguments)
            batch, piggyback = batch if isinstance(batch, tuple) else (batch, None)
            output = self.module.annotate_batch_post(self.module(batch), piggyback=piggyback, argdict=self.arguments)
            return output[:, :, list(self.outputs)].numpy()

    def filtered(self, data: np.ndarray) -> np.ndarray:
        """Apply the filter that the weights ask for, if any, to rows of samples at the network's rate."""
        if self.module.filter_args is None and self.module.filter_kwargs is None:
            return data
        import obspy

        stream = obspy.Stream(
            obspy.Trace((row - row.mean(dtype=np.float64)), {"sampling_rate": self.rate, "channel": f"HH{letter}"})
            for row, letter in zip(data, SLOTS, strict=True)
        )
        self.module._filter_stream(stream)  # per-channel filters and all, as SeisBench's annotate does it
        return np.stack([trace.data.astype(np.float32) for trace in stream])


def load_network(files: WeightsFiles, config: PickConfig) -> Network:
    """Build the network from its files.

    Raises:
        InputError: if SeisBench can't load the weights, or they can't be used the way that the configuration asks for.
    """
    module_class = model_class(files.picker)
    base = files.pt.with_name(files.name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = module_class.load(base, version_str=files.version, map_location="cpu")
    except Exception as error:  # torch and SeisBench raise anything from KeyError to UnpicklingError
        raise InputError(f"{files.pt}: SeisBench can't load these weights: {error}") from error
    module.eval()
    window = config.window_samples or module.in_samples
    if window != module.in_samples and files.picker != "phasenet":
        raise InputError(f"{files.picker} takes windows of {module.in_samples} samples only, not {window}")
    arguments = dict(module.default_args)
    overlap = config.overlap if config.overlap is not None else _argument(module, arguments, "overlap")
    try:
        stride = window - overlap_samples(overlap, window)
    except ValueError as error:
        raise InputError(str(error)) from error
    labels = list(module.labels or "")
    if not {"P", "S"} <= set(labels):
        raise InputError(f"{files.pt}: the network's outputs are {labels}, P and S are needed")
    network = Network(
        module=module,
        window=window,
        stride=stride,
        stacking=config.stacking or str(_argument(module, arguments, "stacking")).lower(),
        rate=float(module.sampling_rate),
        rows=tuple(_row(letter) for letter in module.component_order),
        outputs=(labels.index("P"), labels.index("S")),
        arguments=arguments,
    )
    shape = network.probabilities(np.zeros((1, len(network.rows), window), dtype=np.float32)).shape
    if shape != (1, window, 2):
        raise InputError(f"{files.pt}: windows of {window} samples give {shape[1]} probabilities, not one a sample")
    return network


def _argument(module: Any, arguments: dict[str, Any], name: str) -> Any:
    return arguments.get(name, module._annotate_args[name][1])


def _row(letter: str) -> int | None:
    letter = _STAND_IN.get(letter, letter)
    return SLOTS.index(letter) if letter in SLOTS else None
