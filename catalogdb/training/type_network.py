"""The network that tells types of events apart, as torch trains it."""

from __future__ import annotations

import io

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from catalogdb.discrimination.classes import CLASSES
from catalogdb.discrimination.classifier import ARCHITECTURE, HIDDEN, MOST_SPREADS
from catalogdb.discrimination.features import NAMES
from catalogdb.discrimination.vote import Calibration
from catalogdb.documents.free import Json
from catalogdb.picking.weights import OWN_METADATA
from catalogdb.training.networks import VERSION, Weights

_DROPOUT = 0.2
_RARE = 0.999
"""Of the records that train, so many are not unlike anything in the training."""


class TypeNetwork(nn.Module):
    """Standardised features, one hidden layer, a logit for each class; what is not known counts as the mean."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(len(NAMES), dtype=torch.float64))
        self.register_buffer("scale", torch.ones(len(NAMES), dtype=torch.float64))
        self.register_buffer("limit", torch.tensor(float("inf"), dtype=torch.float64))
        self.first = nn.Linear(len(NAMES), HIDDEN)
        self.second = nn.Linear(HIDDEN, len(CLASSES))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (rows, classes) of features (rows, features)."""
        spread = torch.nan_to_num((features - self.mean.float()) / self.scale.float())
        hidden = functional.relu(self.first(spread.clamp(-MOST_SPREADS, MOST_SPREADS)))
        logits: torch.Tensor = self.second(functional.dropout(hidden, _DROPOUT, self.training))
        return logits

    def standardise(self, features: np.ndarray) -> None:
        """Take mean and scale of what trains, so that the features are alike in size."""
        mean, scale = np.nanmean(features, axis=0), np.maximum(np.nanstd(features, axis=0), 1e-3)
        self.mean.copy_(torch.from_numpy(mean))
        self.scale.copy_(torch.from_numpy(scale))

    def set_limit(self, features: np.ndarray) -> None:
        """Take in what trains: only what lies outside of it, and of what the weights knew before, is unlike it."""
        spread = np.nan_to_num((features - self.mean.numpy()) / self.scale.numpy())
        own = float(np.quantile((spread**2).mean(axis=1), _RARE))
        before = float(self.limit)
        self.limit.fill_(max(own, before) if np.isfinite(before) else own)


def new_type_weights(seed: int) -> Weights:
    """Weights that know nothing yet."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return type_weights(TypeNetwork(), "Not trained.", {}, Calibration())


def type_weights(network: TypeNetwork, docstring: str, training: Json, calibration: Calibration) -> Weights:
    """What is kept of a network.

    Args:
        training: what made it, for whoever finds the files alone.
    """
    stream = io.BytesIO()
    torch.save({name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}, stream)
    own = {
        "architecture": ARCHITECTURE,
        "classes": list(CLASSES),
        "features": list(NAMES),
        "type_calibration": vars(calibration),
        "training": training,
    }
    return Weights(stream.getvalue(), {"docstring": docstring, "version": VERSION, OWN_METADATA: own})


def open_network(pt: bytes) -> TypeNetwork:
    """The network with the tensors of a file."""
    network = TypeNetwork()
    network.load_state_dict(torch.load(io.BytesIO(pt), weights_only=True))
    return network
