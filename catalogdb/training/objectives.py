"""What a network is to learn: its loss on a batch. One class for each task, found by the task's name."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch.nn import functional

from catalogdb.picking.network import DETECTION
from catalogdb.picking.seisbench_network import output_names
from catalogdb.seislm.quantiser import temperature
from catalogdb.training.type_table import TypeBatch
from catalogdb.training.windows import Batch


class Objective(Protocol):
    """One task.

    `loss` takes SeisBench's module and a batch on its device; it normalises the windows as the picker does.

    Attributes:
        keeps_last: whether the last epoch's weights are taken, though an earlier one had a smaller validation loss.
        measured: what else there is to say of the last batch.
    """

    keeps_last: bool
    measured: dict[str, float]

    def loss(self, module: Any, batch: Any, progress: float = 0.0) -> torch.Tensor:
        """Mean loss of the batch's windows, a scalar.

        Args:
            progress: share of the epochs that are done.
        """


class PickObjective:
    """Cross entropy between labels and probabilities of P and S for each sample.

    A phase of which nothing is known takes no part. Where outputs exclude one another (PhaseNet: noise, P, S add up to
    one), it may be noise as well as the phase, so the two stand together as one class; where each output has a
    probability of its own (EQTransformer), its output is left out, and that of detections where either is unknown.
    """

    keeps_last = False

    def __init__(self) -> None:
        self.measured: dict[str, float] = {}

    def loss(self, module: Any, batch: Batch, progress: float = 0.0) -> torch.Tensor:
        """See `Objective`."""
        device = next(module.parameters()).device
        windows = torch.from_numpy(batch.data).to(device)
        labels = torch.from_numpy(batch.labels).to(device)
        known = torch.from_numpy(batch.known).to(device)
        prepared = module.annotate_batch_pre(windows, argdict=module.default_args)
        outputs = module(prepared[0] if isinstance(prepared, tuple) else prepared, logits=True)
        names = output_names(module)
        if isinstance(outputs, tuple):
            return _apart(dict(zip(names, outputs, strict=True)), labels, known)
        return _exclusive(outputs.float(), [names.index(name) for name in "NPS"], labels, known)


def _exclusive(logits: torch.Tensor, rows: list[int], labels: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Of classes that exclude one another.

    Args:
        logits: (windows, classes, samples).
        rows: which of the classes are noise, P and S.
        labels: (windows, 3, samples) of `Batch`.
        known: (windows, 2).
    """
    noise, *phases = (torch.log_softmax(logits, dim=1)[:, row] for row in rows)
    of_phases = labels[:, :2] * known[:, :, None]
    rest = noise
    for number, phase in enumerate(phases):
        rest = torch.where(known[:, number, None], rest, torch.logaddexp(rest, phase))
    labelled = sum(of_phases[:, number] * phase for number, phase in enumerate(phases))
    return -(labelled + (1 - of_phases.sum(dim=1)) * rest).mean()


def _apart(outputs: dict[str, torch.Tensor], labels: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Of outputs that each have a probability of their own, logits (windows, samples) by name."""
    takes_part = {"P": known[:, 0], "S": known[:, 1], DETECTION: known.all(dim=1)}
    total, windows = labels.new_zeros(()), 0
    for row, name in enumerate(("P", "S", DETECTION)):
        if name in outputs:
            each = functional.binary_cross_entropy_with_logits(outputs[name].float(), labels[:, row], reduction="none")
            total = total + (each.mean(dim=1) * takes_part[name]).sum()
            windows += len(labels)
    return total / max(windows, 1)


class PretrainObjective:
    """SeisLM's: masked frames are to be guessed; labels are not looked at (`catalogdb.seislm.loss`).

    The loss of the validation part rises where more words come into use, so the last weights are taken. Masks and
    negatives are drawn from torch's generator in training, and always the same in validation.
    """

    keeps_last = True

    def __init__(self) -> None:
        self.measured: dict[str, float] = {}

    def loss(self, module: Any, batch: Batch, progress: float = 0.0) -> torch.Tensor:
        """See `Objective`."""
        windows = torch.from_numpy(batch.data).to(next(module.parameters()).device)
        prepared = module.annotate_batch_pre(windows, argdict=module.default_args)
        seed = int(torch.randint(2**62, (1,))) if module.training else 0
        found = module.pretraining_loss(prepared, np.random.default_rng(seed), temperature(progress))
        self.measured = {"accuracy": found.accuracy.item(), "words_in_use": found.perplexity.item()}
        return found.total


class EventTypeObjective:
    """Cross entropy of the classes of events, each class counting as much as another whatever its number of records."""

    keeps_last = False

    def __init__(self) -> None:
        self.measured: dict[str, float] = {}

    def loss(self, module: Any, batch: TypeBatch, progress: float = 0.0) -> torch.Tensor:
        """See `Objective`."""
        device = next(module.parameters()).device
        logits = module(torch.from_numpy(batch.data).to(device)).float()
        each = functional.cross_entropy(logits, torch.from_numpy(batch.classes).to(device), reduction="none")
        return (each * torch.from_numpy(batch.weight).to(device)).mean()


OBJECTIVES: dict[str, type[Objective]] = {
    "pick": PickObjective,
    "pretrain": PretrainObjective,
    "event_type": EventTypeObjective,
}
"""By `TrainConfig.task`."""
