"""One training of the network that tells types of events apart."""

from __future__ import annotations

from catalogdb.discrimination.classes import CLASSES
from catalogdb.discrimination.classifier import Classifier, read_tensors
from catalogdb.discrimination.vote import Calibration, fit_calibration
from catalogdb.errors import InputError
from catalogdb.training.result import Parts, Result, Training
from catalogdb.training.type_network import open_network, type_weights
from catalogdb.training.type_score import station_rows
from catalogdb.training.type_table import type_table


def train_types(parts: Parts, training: Training) -> Result:
    """Train the network with one seed, and calibrate its probabilities on the validation part.

    Args: see `train.train`.

    Raises:
        InputError: where the training part has fewer than two classes, or the validation part no record.
    """
    config = training.config
    table, problems = type_table(training.chosen(parts))
    validation, others = type_table(parts["validation"])
    found = [name for number, name in enumerate(CLASSES) if number in table.classes]
    if len(found) < 2 or not len(validation.classes):
        why = f"; the first that can't be used: {problems[0]}" if problems else ""
        raise InputError(
            f"training set {config.set_name!r}: its training part has {' and '.join(found) or 'no class'}, its "
            f"validation part {len(validation.classes)} records: too little to tell types apart{why}",
            hint="the events need types (QuakeML's) of two classes or more; other split.fractions share them out "
            "otherwise",
        )
    network = open_network(training.parent.pt.read_bytes())
    if config.parent is None:
        network.standardise(table.features)
    network.set_limit(table.features)
    trained = training.run(network, table, validation)
    about = training.docstring("Types of events,"), training.about
    bare = type_weights(network.cpu(), *about, Calibration())
    calm = fit_calibration(station_rows(Classifier(read_tensors(bare.pt), Calibration()), validation))
    records = {"train": len(table.classes), "validation": len(validation.classes)}
    return Result(type_weights(network, *about, calm), trained, None, records, [*problems, *others])
