"""Networks to be trained, and what is kept of one that was: SeisBench's own files, as bytes."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from catalogdb.errors import InputError
from catalogdb.picking.config import MemberConfig
from catalogdb.picking.network import Network, network_for
from catalogdb.picking.seisbench_network import load_module, load_network
from catalogdb.picking.weights import OWN_METADATA, WeightsFiles, resolve
from catalogdb.picking.zoo import model_class

VERSION = "1"
NEW: dict[str, dict[str, Any]] = {
    "phasenet": {"phases": "NPS", "component_order": "ZNE", "norm": "std", "sampling_rate": 100},
    "eqtransformer": {"component_order": "ZNE", "sampling_rate": 100},
    "seislm": {"size": "small", "phases": "NPS", "component_order": "ZNE", "norm": "std", "sampling_rate": 100},
}
"""Arguments of a network that begins with nothing."""
DEFAULT_ARGS = {
    "phasenet": {"blinding": [250, 250], "overlap": 1500},
    "eqtransformer": {"overlap": 3000},
    "seislm": {"blinding": [250, 250], "overlap": 1500},
}


@dataclass(frozen=True)
class Weights:
    """A network's weights as SeisBench keeps them.

    Attributes:
        pt: content of the file of tensors.
        metadata: of the JSON file.
    """

    pt: bytes
    metadata: dict[str, Any]

    @property
    def sha256(self) -> str:
        """Of the tensors' file."""
        return hashlib.sha256(self.pt).hexdigest()

    def write(self, folder: Path, name: str) -> Path:
        """Write both files; returns the path of the tensors, which SeisBench loads by ``load(folder / name, "1")``."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.pt.v{VERSION}"
        (folder / f"{name}.json.v{VERSION}").write_text(json.dumps(self.metadata, indent=2) + "\n", encoding="utf-8")
        path.write_bytes(self.pt)
        return path


def new_weights(picker: str, seed: int, size: str | None = None) -> Weights:
    """Weights of a network that knows nothing yet.

    Args:
        size: of a SeisLM.
    """
    arguments = NEW[picker] | ({"size": size} if size else {})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = model_class(picker)(**arguments)
    metadata = {"docstring": "Not trained.", "model_args": arguments, "default_args": DEFAULT_ARGS[picker]}
    return Weights(_tensors(module), metadata | {"seisbench_requirement": "0.4.0"})


def open_parent(files: WeightsFiles) -> tuple[Any, Network]:
    """SeisBench's module with the weights, which may be trained, and how windows are put to it.

    Raises:
        InputError: where SeisBench can't load them.
    """
    description, _ = load_network(files, files.window_samples(), fold=False)
    return load_module(files), network_for(description, MemberConfig(picker=_checked(files.picker)))


def _checked(picker: str) -> Any:
    if picker not in NEW:
        raise InputError(f"{picker} can't be trained; {' and '.join(NEW)} can")
    return picker


def weights_of(module: Any, parent: WeightsFiles, docstring: str, training: dict[str, Any]) -> Weights:
    """What is kept of a trained module: its tensors, and its parent's metadata with what is new.

    Args:
        training: what made it, for whoever finds the files alone.
    """
    own = {"window_samples": parent.window_samples(), "training": training}
    metadata = {
        key: value for key, value in parent.metadata().items() if key not in ("docstring", "training", "version")
    }
    return Weights(_tensors(module), {"docstring": docstring} | metadata | {OWN_METADATA: own, "version": VERSION})


def with_calibration(weights: Weights, calibration: dict[str, Any]) -> Weights:
    """The weights with a calibration of their picks' times in the metadata."""
    own = weights.metadata[OWN_METADATA] | {"time_calibration": calibration}
    return Weights(weights.pt, weights.metadata | {OWN_METADATA: own})


def written(weights: Weights, picker: str, folder: Path, name: str) -> WeightsFiles:
    """The weights as files that a picker takes."""
    return resolve(picker, str(weights.write(folder, name)))


def _tensors(module: Any) -> bytes:
    stream = io.BytesIO()
    torch.save({name: tensor.detach().cpu().clone() for name, tensor in module.state_dict().items()}, stream)
    return stream.getvalue()


def loaded_difference(weights: Weights, picker: str) -> float:
    """Largest difference between the tensors, and those that SeisBench loads from their files; 0 where all is well.
    Where SeisBench has no such network, they are read as they are."""
    kept = torch.load(io.BytesIO(weights.pt), weights_only=True)
    with tempfile.TemporaryDirectory() as folder:
        files = written(weights, picker, Path(folder), "check")
        loaded = load_module(files).state_dict() if picker in NEW else torch.load(files.pt, weights_only=True)
    return max(float((kept[name].double() - loaded[name].double()).abs().max()) for name in kept)
