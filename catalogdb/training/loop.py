"""The training loop: epochs, early stop, and checkpoints from which it goes on to the very same weights."""

from __future__ import annotations

import copy
import io
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from catalogdb import logs
from catalogdb.errors import CatalogdbError
from catalogdb.training.config import TrainConfig
from catalogdb.training.objectives import OBJECTIVES, Objective

TRAINING, VALIDATION = 0, 1
GRADIENT_LIMIT = 1.0
VALIDATION_WINDOWS = 2
"""Of each record: always the same ones."""

Save = Callable[[int, Callable[[], bytes]], None]
"""Takes the epochs done, and what gives all that the loop needs to go on after them."""


def unsaved(epoch: int, state: Callable[[], bytes]) -> None:
    """Keep no checkpoint."""


class Batches(Protocol):
    """What a part of a training set is to the loop: batches with `data`, whose first axis numbers the windows."""

    def batches(self, batch: int, seed: Sequence[int], per_example: int = 1, shuffled: bool = True) -> Iterator[Any]:
        """All windows of an epoch, as `windows.Windows` gives them."""


@dataclass
class Curve:
    """Losses by epoch (from 1 on), learning rates, and what the objective measured on the validation part."""

    training: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    measured: list[dict[str, float]] = field(default_factory=list)


@dataclass
class Trained:
    """What the loop came to.

    Attributes:
        best_epoch: the one whose weights the module has now; 0 is the parent itself.
        best_loss: on the validation part, after it.
        is_early: it stopped before the last epoch, since the loss on the validation part rose.
    """

    curve: Curve
    best_epoch: int
    best_loss: float
    is_early: bool


def device_for(config: TrainConfig) -> torch.device:
    """Where to train.

    Raises:
        CatalogdbError: where a GPU is asked for and there is none.
    """
    has_gpu = torch.cuda.is_available()
    if config.device == "cuda" and not has_gpu:
        raise CatalogdbError("device: cuda, and torch sees no GPU here", hint="device: auto, or cpu")
    if config.precision == "float16" and not has_gpu:
        raise CatalogdbError("precision: float16 needs a GPU", hint="precision: bfloat16 or float32")
    return torch.device("cuda" if has_gpu and config.device != "cpu" else "cpu")


class Loop:
    """Training of one module with one seed.

    Args:
        module: SeisBench's or another of torch, with the parent's weights; it is trained in place.
        training, validation: windows of these parts.
        config: how to train.
        seed: of windows, order and dropout.
    """

    def __init__(self, module: Any, training: Batches, validation: Batches, config: TrainConfig, seed: int):
        self.config, self.seed = config, seed
        self.training, self.validation = training, validation
        self.device = device_for(config)
        self.module = module.to(self.device)
        if config.freeze_encoder:
            self.module.encoder.requires_grad_(False)
        self.objective: Objective = OBJECTIVES[config.task]()
        options = config.optimise
        self.optimizer = torch.optim.Adam(module.parameters(), lr=options.learning_rate)
        self.schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimizer, factor=0.5, patience=max(1, options.patience // 2)
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=config.precision == "float16")
        self.curve = Curve()
        self.best = float("inf")
        self.best_epoch = 0
        self.best_state: dict[str, Any] = copy.deepcopy(self.module.state_dict())

    def run(self, resume: bytes | None = None, save: Save = unsaved) -> Trained:
        """Train until the validation loss no longer falls, and give the module the best epoch's weights.

        Args:
            resume: what `save` was given in a training that was broken off.
            save: called after each epoch.
        """
        before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        torch.set_num_threads(self.config.threads)
        torch.use_deterministic_algorithms(True, warn_only=self.device.type != "cpu")
        try:
            if resume:
                self._restore(resume)
            else:
                self.best, _ = self._validate()
            while not self._is_over():
                self._epoch(len(self.curve.training) + 1)
                save(len(self.curve.training), self._state)
        finally:
            torch.set_num_threads(before[0])
            torch.use_deterministic_algorithms(before[1])
        self.module.load_state_dict(self.best_state)
        self.module.eval()
        epochs = len(self.curve.training)
        return Trained(self.curve, self.best_epoch, self.best, epochs < self.config.optimise.epochs)

    def _is_over(self) -> bool:
        epochs, options = len(self.curve.training), self.config.optimise
        return epochs >= options.epochs or epochs - self.best_epoch >= options.patience

    def _epoch(self, number: int) -> None:
        options = self.config.optimise
        torch.manual_seed(self.seed * 1_000_003 + number)  # dropout
        self.module.train()
        total, windows = 0.0, 0
        seed = [self.seed, TRAINING, number]
        for batch in self.training.batches(options.batch, seed, options.windows_per_record):
            with self._precision():
                loss = self.objective.loss(self.module, batch, (number - 1) / options.epochs)
            if not torch.isfinite(loss):
                raise CatalogdbError(
                    f"the loss is {loss.item()} in epoch {number}", hint="a smaller optimise.learning_rate"
                )
            self.optimizer.zero_grad()
            self.scaler.scale(loss).backward()
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.module.parameters(), GRADIENT_LIMIT)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            total += loss.item() * len(batch.data)
            windows += len(batch.data)
        rate = float(self.optimizer.param_groups[0]["lr"])
        validation, measured = self._validate()
        if not self.objective.keeps_last:
            self.schedule.step(validation)
        self.curve.training.append(total / windows)
        self.curve.validation.append(validation)
        self.curve.learning_rate.append(rate)
        self.curve.measured.append(measured)
        if validation < self.best or self.objective.keeps_last:
            self.best, self.best_epoch = validation, number
            self.best_state = copy.deepcopy(self.module.state_dict())
        losses = {"training_loss": round(total / windows, 6), "validation_loss": round(validation, 6)}
        logs.event("epoch", logging.INFO, epoch=number, seed=self.seed, learning_rate=rate, **losses, **measured)

    def _validate(self) -> tuple[float, dict[str, float]]:
        """Mean loss of the validation part, and the means of what the objective measured."""
        self.module.eval()
        total, windows = 0.0, 0
        measured: defaultdict[str, float] = defaultdict(float)
        batches = self.validation.batches(self.config.optimise.batch, [0, VALIDATION], VALIDATION_WINDOWS, False)
        with torch.no_grad():
            for batch in batches:
                total += float(self.objective.loss(self.module, batch, 1.0)) * len(batch.data)
                windows += len(batch.data)
                for name, value in self.objective.measured.items():
                    measured[name] += value * len(batch.data)
        return total / windows, {name: round(value / windows, 6) for name, value in measured.items()}

    def _precision(self) -> torch.autocast:
        kinds = {"bfloat16": torch.bfloat16, "float16": torch.float16}
        kind = kinds.get(self.config.precision)
        return torch.autocast(self.device.type, dtype=kind or torch.bfloat16, enabled=kind is not None)

    def _state(self) -> bytes:
        state = {
            "module": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "curve": vars(self.curve),
            "best": self.best,
            "best_epoch": self.best_epoch,
            "best_state": self.best_state,
        }
        stream = io.BytesIO()
        torch.save(state, stream)
        return stream.getvalue()

    def _restore(self, content: bytes) -> None:
        state = torch.load(io.BytesIO(content), map_location=self.device, weights_only=True)
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.scaler.load_state_dict(state["scaler"])
        self.curve = Curve(**state["curve"])
        self.best, self.best_epoch, self.best_state = state["best"], state["best_epoch"], state["best_state"]
