"""One training: parts of a set, a parent and a seed -> weights with all that is known of them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from catalogdb.errors import InputError
from catalogdb.picking.config import PickConfig
from catalogdb.picking.weights import WeightsFiles
from catalogdb.training import networks
from catalogdb.training.config import TrainConfig
from catalogdb.training.loop import Loop, Save
from catalogdb.training.records import LabelledRecord
from catalogdb.training.result import Parts, Result
from catalogdb.training.score import score, time_calibration
from catalogdb.training.split import share_of_events
from catalogdb.training.types import train_types
from catalogdb.training.windows import Windows, examples_of


def train(
    parts: Parts,
    parent: WeightsFiles,
    config: TrainConfig,
    seed: int,
    resume: bytes | None = None,
    save: Save | None = None,
) -> Result:
    """Train a network.

    Args:
        parts: of the training set; the test part is not looked at.
        parent: files of the weights that it begins with.
        config: how.
        seed: of windows, order and dropout; also which events a `share` of them is.
        resume, save: see `Loop.run`.

    Raises:
        InputError: where a part gives no window, and where there is nothing to learn picks from.
    """
    if config.task == "event_type":
        return train_types(parts, parent, config, seed, resume, save)
    if config.task == "pick" and not any(record.known for part in ("train", "validation") for record in parts[part]):
        raise InputError(
            f"training set {config.set_name!r} has no labels, so no network learns to pick from it",
            hint="task: pretrain, with picker: seislm",
        )
    module, network = networks.open_parent(parent)
    rate, width = network.rate, config.optimise.label_width_seconds
    chosen = share_of_events(parts["train"], config.share, seed) if config.share < 1 else parts["train"]
    training, problems = examples_of(chosen, network)
    validation, others = examples_of(parts["validation"], network)
    if not training or not validation:
        raise InputError(f"no window to {'train' if not training else 'validate'} with: {[*problems, *others][:1]}")
    loop = Loop(
        module,
        Windows(training, network.window, rate, width, config.augment),
        Windows(validation, network.window, rate, width, None),
        config,
        seed,
    )
    trained = loop.run(resume, save or (lambda epoch, state: None))
    about = {"model": config.name, "seed": seed, "parent": parent.name, "training_set": config.set_name}
    about["task"] = config.task
    licence = f" Licence: {config.licence}." if config.licence else ""
    docstring = f"{config.picker} {config.name}, seed {seed}, trained from {parent.name} on {config.set_name}.{licence}"
    weights = networks.weights_of(loop.module.cpu(), parent, docstring, about)
    calibration = _calibration(weights, parts["validation"], config, seed) if config.task == "pick" else None
    if calibration:
        weights = networks.with_calibration(weights, calibration)
    records = {"train": len(training), "validation": len(validation)}
    return Result(weights, trained, calibration, records, [*problems, *others])


def _calibration(
    weights: networks.Weights, records: Sequence[LabelledRecord], config: TrainConfig, seed: int
) -> dict[str, Any] | None:
    with tempfile.TemporaryDirectory() as folder:
        files = networks.written(weights, config.picker, Path(folder), "candidate")
        found = score(records, pick_config(config, str(files.pt)), config.gate.max_dt)
        name, source = f"{config.name}-{seed}", f"validation part of {config.set_name}"
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
