"""A small network on the features of a station: its weights, and what it says. `training.types` trains it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from catalogdb.discrimination.classes import CLASSES
from catalogdb.discrimination.features import NAMES
from catalogdb.discrimination.vote import Calibration
from catalogdb.errors import InputError
from catalogdb.picking.weights import MODEL_PREFIX, WeightsFiles, resolve

ARCHITECTURE = "event_type"
"""In place of the kind of network, where weights and models are named."""
PACKAGED = "packaged"
HIDDEN = 24
MOST_SPREADS = 5.0
"""A feature counts as no farther from the training's mean than so many of its standard deviations."""
TENSORS = ("mean", "scale", "limit", "first.weight", "first.bias", "second.weight", "second.bias")
PACKAGED_FILE = Path(__file__).parent / "weights" / "event_type.pt.v1"


@dataclass(frozen=True)
class Classifier:
    """The network as arrays.

    Attributes:
        tensors: by the names of `TENSORS`; `limit` is the mean square of the standardised features that one in a
            thousand records of the training surpasses.
    """

    tensors: dict[str, np.ndarray]
    calibration: Calibration

    def spread(self, features: np.ndarray) -> np.ndarray:
        """Features (n, features) in standard deviations of the training's; 0 where one is not known."""
        return np.nan_to_num((features - self.tensors["mean"]) / self.tensors["scale"])

    def is_unlike(self, features: np.ndarray) -> np.ndarray:
        """Which rows are unlike anything that the network has learned from; bool (n,)."""
        result: np.ndarray = (self.spread(features) ** 2).mean(axis=1) > self.tensors["limit"]
        return result

    def log_probabilities(self, features: np.ndarray) -> np.ndarray:
        """Of each class by station, (n, classes), not calibrated."""
        inputs = np.clip(self.spread(features), -MOST_SPREADS, MOST_SPREADS)
        hidden = np.maximum(inputs @ self.tensors["first.weight"].T + self.tensors["first.bias"], 0.0)
        logits = hidden @ self.tensors["second.weight"].T + self.tensors["second.bias"]
        result: np.ndarray = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        return result


def find_weights(name: str) -> WeightsFiles:
    """Files of weights: `packaged`, the path of a .pt file, or model:NAME (see `picking.weights.provide_model`).

    Raises:
        InputError: where there are none.
    """
    if name == PACKAGED:
        return resolve(ARCHITECTURE, str(PACKAGED_FILE))
    if "/" not in name and not name.startswith(MODEL_PREFIX) and not name.endswith((".pt", ".pt.v1")):
        raise InputError(
            f"no weights {name!r} for types of events",
            hint=f"{PACKAGED}, {MODEL_PREFIX}NAME, or the path of a .pt file",
        )
    return resolve(ARCHITECTURE, name)


def check_weights(files: WeightsFiles) -> None:
    """Refuse weights of another kind of network, or of other features.

    Raises:
        InputError: naming them.
    """
    own = files.own_metadata()
    if own.get("features") != list(NAMES) or own.get("classes") != list(CLASSES):
        raise InputError(
            f"{files.pt}: not weights for types of events, or of another version of catalogdb",
            hint="train them again: catalogdb train, with task: event_type",
        )


def load_classifier(files: WeightsFiles) -> Classifier:
    """The network of some weights.

    Raises:
        InputError: as `check_weights`.
    """
    check_weights(files)
    found = files.own_metadata().get("type_calibration", {})
    return Classifier(read_tensors(files.pt.read_bytes()), Calibration(**found))


def read_tensors(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a file of tensors."""
    import torch

    state: dict[str, Any] = torch.load(io.BytesIO(content), weights_only=True)
    return {name: state[name].numpy().astype(np.float64) for name in TENSORS}
