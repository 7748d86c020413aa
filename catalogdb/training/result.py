"""What training is given, and what one seed leads to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalogdb.picking.weights import WeightsFiles
from catalogdb.training.config import TrainConfig
from catalogdb.training.loop import Batches, Loop, Save, Trained, unsaved
from catalogdb.training.networks import Weights
from catalogdb.training.records import LabelledRecord, Part
from catalogdb.training.split import share_of_events

Parts = Mapping[Part, Sequence[LabelledRecord]]


@dataclass(frozen=True)
class Training:
    """One training, of whatever kind of network.

    Attributes:
        parent: files of the weights that it begins with.
        config: how.
        seed: of windows, order and dropout; also which events a `share` of them is.
        resume, save: see `Loop.run`.
    """

    parent: WeightsFiles
    config: TrainConfig
    seed: int
    resume: bytes | None = None
    save: Save = unsaved

    def chosen(self, parts: Parts) -> list[LabelledRecord]:
        """The records of the training part that it learns from."""
        return share_of_events(parts["train"], self.config.share, self.seed)

    def run(self, module: Any, training: Batches, validation: Batches) -> Trained:
        """Train a module in place."""
        return Loop(module, training, validation, self.config, self.seed).run(self.resume, self.save)

    @property
    def about(self) -> dict[str, Any]:
        """What made the weights, for whoever finds the files alone."""
        config = self.config
        names = {"model": config.name, "parent": self.parent.name, "training_set": config.set_name}
        return names | {"seed": self.seed, "task": config.task}

    def docstring(self, what: str) -> str:
        """The same as a sentence, with the licence.

        Args:
            what: kind of network.
        """
        config = self.config
        beginning = self.parent.name if config.parent else "nothing"
        licence = f" Licence: {config.licence}." if config.licence else ""
        return f"{what} {config.name}, seed {self.seed}, trained from {beginning} on {config.set_name}.{licence}"


@dataclass(frozen=True)
class Result:
    """What one seed led to.

    Attributes:
        weights: SeisBench's files.
        trained: the loop's account.
        calibration: of the times of its picks, where the validation part holds enough of them.
        records: that trained and validated.
        problems: records that gave no window ("record: reason").
    """

    weights: Weights
    trained: Trained
    calibration: dict[str, Any] | None
    records: dict[str, int]
    problems: list[str]
