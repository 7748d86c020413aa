"""Networks from SeisBench, through their own hooks, so that the metadata of the weights is obeyed. Imports torch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch

from catalogdb.errors import InputError
from catalogdb.picking.folded_eqtransformer import fold_decoders
from catalogdb.picking.folded_phasenet import folded
from catalogdb.picking.network import DETECTION, NetworkDescription
from catalogdb.picking.weights import WeightsFiles
from catalogdb.picking.zoo import model_class


class WindowProbabilities(torch.nn.Module):
    """Windows of counts -> probabilities: SeisBench's normalisation, the network and its outputs, in one module.

    Input float32 (windows, components, samples), output (windows, labels, samples); nothing is blinded.

    Args:
        module: SeisBench's model, which has the normalisation and says how outputs are read.
        outputs: positions of the labels in its output.
        network: what computes the module's output, if not the module itself.
    """

    def __init__(self, module: Any, outputs: list[int], network: torch.nn.Module | None = None):
        super().__init__()
        self.module = module
        self.network = network or module
        self.outputs = outputs

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        batch = self.module.annotate_batch_pre(windows, argdict=self.module.default_args)
        batch, piggyback = batch if isinstance(batch, tuple) else (batch, None)
        seen = {**self.module.default_args, "blinding": (0, 0)}
        output = self.module.annotate_batch_post(self.network(batch), piggyback=piggyback, argdict=seen)
        return output.transpose(1, 2)[:, self.outputs]


def load_network(files: WeightsFiles, window: int, fold: bool = True) -> tuple[NetworkDescription, WindowProbabilities]:
    """Build the network from its files.

    Args:
        files: the weights.
        window: samples per window.
        fold: rearrange it for a processor's vector units, where that is known to give the same.

    Raises:
        InputError: if SeisBench can't load the weights, or they don't give P and S for each sample of such a window.
    """
    module = load_module(files).eval().requires_grad_(False)
    if window != module.in_samples and files.picker != "phasenet":
        raise InputError(f"{files.picker} takes windows of {module.in_samples} samples only, not {window}")
    names = output_names(module)
    if not {"P", "S"} <= set(names):
        raise InputError(f"{files.pt}: the network's outputs are {names}, P and S are needed")
    labels = tuple(label for label in ("P", "S", DETECTION) if label in names)
    other = folded(module, window) if fold else None
    if fold:
        fold_decoders(module, window)
    network = WindowProbabilities(module, [names.index(label) for label in labels], other)
    zeros = torch.zeros(1, len(module.component_order), window)
    with torch.inference_mode():
        shape = tuple(network(zeros).shape)
        if shape != (1, len(labels), window):
            raise InputError(
                f"{files.pt}: windows of {window} samples give {shape[-1]} probabilities, not one a sample"
            )
        batch = module.annotate_batch_pre(zeros.clone(), argdict=module.default_args)
        batch, piggyback = batch if isinstance(batch, tuple) else (batch, None)
        blinded = module.annotate_batch_post(module(batch), piggyback=piggyback, argdict=module.default_args)
        valid = np.flatnonzero(~np.isnan(blinded.numpy()[0, :, names.index("P")]))
    return (
        NetworkDescription(
            window=window,
            rate=float(module.sampling_rate),
            component_order=str(module.component_order),
            labels=labels,
            first_valid=int(valid[0]),
            end_valid=int(valid[-1]) + 1,
            overlap=float(_argument(module, "overlap")),
            stacking=str(_argument(module, "stacking")).lower(),
            filter_args=module.filter_args,
            filter_kwargs=module.filter_kwargs,
        ),
        network,
    )


def output_names(module: Any) -> list[str]:
    """What each output of SeisBench's model is of, in order: a phase, N for noise, or `DETECTION`."""
    return [DETECTION if name.lower().startswith("detect") else name for name in module.labels or ""]


def load_module(files: WeightsFiles) -> Any:
    """SeisBench's model with these weights.

    Raises:
        InputError: if SeisBench can't load them.
    """
    base = files.pt.with_name(files.name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model_class(files.picker).load(base, version_str=files.version, map_location="cpu")
    except Exception as error:  # torch and SeisBench raise anything from KeyError to UnpicklingError
        raise InputError(f"{files.pt}: SeisBench can't load these weights: {error}") from error


def _argument(module: Any, name: str) -> Any:
    return module.default_args.get(name, module._annotate_args[name][1])
