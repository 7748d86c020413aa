"""Labelled and unlabelled records -> SeisLM's embeddings: one vector for the window around the first onset of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from catalogdb.errors import InputError
from catalogdb.picking.weights import WeightsFiles
from catalogdb.training import networks
from catalogdb.training.records import LabelledRecord
from catalogdb.training.windows import Example, examples_of

ONSET_AT = 1 / 3
"""Where in the window the first onset is; without one the window is the middle of the record."""
BATCH = 16


@dataclass(frozen=True)
class Embeddings:
    """Vectors of records.

    Attributes:
        records: those that gave a window.
        vectors: float32 (records, size).
        problems: the others ("record: reason").
    """

    records: list[LabelledRecord]
    vectors: np.ndarray
    problems: list[str]


def embed_records(records: Sequence[LabelledRecord], weights: WeightsFiles) -> Embeddings:
    """Embed a window of each record.

    Raises:
        InputError: where the weights are not of a SeisLM, and where no record gives a window.
    """
    if weights.picker != "seislm":
        raise InputError(f"{weights.picker} has no embeddings; seislm has")
    module, network = networks.open_parent(weights)
    module.eval()
    examples, problems = examples_of(records, network)
    long = [example for example in examples if example.data.shape[1] >= network.window]
    problems += [
        f"{example.name}: shorter than a window" for example in examples if example.data.shape[1] < network.window
    ]
    if not long:
        raise InputError(f"no record gives a window of {network.window} samples: {problems[:1]}")
    windows = np.stack([_window(example, network.window) for example in long])
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            parts = [
                module.embed(module.annotate_batch_pre(torch.from_numpy(windows[first : first + BATCH]), {}))
                for first in range(0, len(windows), BATCH)
            ]
    finally:
        torch.set_num_threads(before)
    by_name = {record.name: record for record in records}
    return Embeddings([by_name[example.name] for example in long], torch.cat(parts).numpy(), problems)


def _window(example: Example, length: int) -> np.ndarray:
    spare = example.data.shape[1] - length
    first = min((sample for _, sample in example.onsets), default=None)
    start = spare // 2 if first is None else int(np.clip(first - ONSET_AT * length, 0, spare))
    return example.data[:, start : start + length]
