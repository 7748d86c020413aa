"""One training: parts of a set, a parent and a seed -> weights with all that is known of them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from catalogdb.errors import InputError
from catalogdb.picking.config import PickConfig
from catalogdb.training import networks
from catalogdb.training.config import TrainConfig
from catalogdb.training.records import LabelledRecord
from catalogdb.training.result import Parts, Result, Training
from catalogdb.training.score import score, time_calibration
from catalogdb.training.types import train_types
from catalogdb.training.windows import Windows, examples_of


def train(parts: Parts, training: Training) -> Result:
    """Train a network.

    Args:
        parts: of the training set; the test part is not looked at.
        training: from which weights, how, and by which seed.

    Raises:
        InputError: where a part gives no window, and where there is nothing to learn picks from.
    """
    config = training.config
    if config.task == "event_type":
        return train_types(parts, training)
    if config.task == "pick" and not any(record.known for part in ("train", "validation") for record in parts[part]):
        raise InputError(
            f"training set {config.set_name!r} has no labels, so no network learns to pick from it",
            hint="task: pretrain, with picker: seislm",
        )
    module, network = networks.open_parent(training.parent)
    examples, problems = examples_of(training.chosen(parts), network)
    validation, others = examples_of(parts["validation"], network)
    if not examples or not validation:
        raise InputError(f"no window to {'train' if not examples else 'validate'} with: {[*problems, *others][:1]}")
    of_network = network.window, network.rate, config.optimise.label_width_seconds
    windows = Windows(examples, *of_network, config.augment), Windows(validation, *of_network, None)
    trained = training.run(module, *windows)
    weights = networks.weights_of(module.cpu(), training.parent, training.docstring(config.picker), training.about)
    calibration = _calibration(weights, parts["validation"], training) if config.task == "pick" else None
    if calibration:
        weights = networks.with_calibration(weights, calibration)
    records = {"train": len(examples), "validation": len(validation)}
    return Result(weights, trained, calibration, records, [*problems, *others])


def _calibration(
    weights: networks.Weights, records: Sequence[LabelledRecord], training: Training
) -> dict[str, Any] | None:
    config = training.config
    with tempfile.TemporaryDirectory() as folder:
        files = networks.written(weights, config.picker, Path(folder), "candidate")
        found = score(records, pick_config(config, str(files.pt)), config.gate.max_dt)
        name, source = f"{config.name}-{training.seed}", f"validation part of {config.set_name}"
        calibration = time_calibration(found.right, name, source, weights.sha256, files.window_samples())
    return calibration.model_dump(mode="json") if calibration else None


def pick_config(config: TrainConfig, weights: str) -> PickConfig:
    """The product's own picking, as the gate judges by it."""
    return PickConfig(
        picker=config.picker,
        weights=weights,
        p_threshold=config.gate.p_threshold,
        s_threshold=config.gate.s_threshold,
        threads=config.threads,
        backend="torch",
        probability="none",
    )
