"""One training of the network that tells types of events apart."""

from __future__ import annotations

from dataclasses import replace

from catalogdb.discrimination.classes import CLASSES
from catalogdb.discrimination.classifier import Classifier, read_tensors
from catalogdb.discrimination.vote import Calibration, fit_calibration
from catalogdb.errors import InputError
from catalogdb.picking.weights import WeightsFiles
from catalogdb.training.config import TrainConfig
from catalogdb.training.loop import Loop, Save
from catalogdb.training.result import Parts, Result
from catalogdb.training.split import share_of_events
from catalogdb.training.type_network import open_network, type_weights
from catalogdb.training.type_score import station_rows
from catalogdb.training.type_table import TypeTable, type_table


def train_types(
    parts: Parts,
    parent: WeightsFiles,
    config: TrainConfig,
    seed: int,
    resume: bytes | None = None,
    save: Save | None = None,
) -> Result:
    """Train the network with one seed, and calibrate its probabilities on the validation part.

    Args: see `train.train`.

    Raises:
        InputError: where the training part has fewer than two classes, or the validation part no record.
    """
    chosen = share_of_events(parts["train"], config.share, seed) if config.share < 1 else parts["train"]
    training, problems = type_table(chosen)
    validation, others = type_table(parts["validation"])
    found = [name for number, name in enumerate(CLASSES) if number in training.classes]
    if len(found) < 2 or not len(validation.classes):
        why = f"; the first that can't be used: {problems[0]}" if problems else ""
        raise InputError(
            f"training set {config.set_name!r}: its training part has {' and '.join(found) or 'no class'}, its "
            f"validation part {len(validation.classes)} records: too little to tell types apart{why}",
            hint="the events need types (QuakeML's) of two classes or more; other split.fractions share them out "
            "otherwise",
        )
    result = train_tables(training, validation, parent, config, seed, resume, save)
    return replace(result, problems=[*problems, *others])


def train_tables(
    training: TypeTable,
    validation: TypeTable,
    parent: WeightsFiles,
    config: TrainConfig,
    seed: int,
    resume: bytes | None = None,
    save: Save | None = None,
) -> Result:
    """The same from features that were measured before."""
    network = open_network(parent.pt.read_bytes())
    if config.parent is None:
        network.standardise(training.features)
    network.set_limit(training.features)
    loop = Loop(network, training, validation, config, seed)
    trained = loop.run(resume, save or (lambda epoch, state: None))
    about = {"model": config.name, "seed": seed, "parent": parent.name, "training_set": config.set_name}
    about["task"] = config.task
    licence = f" Licence: {config.licence}." if config.licence else ""
    beginning = f"from {parent.name}" if config.parent else "from nothing"
    docstring = f"Types of events, {config.name}, seed {seed}, trained {beginning} on {config.set_name}.{licence}"
    bare = type_weights(network.cpu(), docstring, about, Calibration())
    calm = fit_calibration(station_rows(Classifier(read_tensors(bare.pt), Calibration()), validation))
    weights = type_weights(network, docstring, about, calm)
    records = {"train": len(training.classes), "validation": len(validation.classes)}
    return Result(weights, trained, None, records, [])
