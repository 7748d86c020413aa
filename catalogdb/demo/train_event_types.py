"""Trains the packaged network for types of events on made records: ``python -m catalogdb.demo.train_event_types``.

By the code of ``catalogdb train`` with ``task: event_type``. No recorded data are used: earthquakes, blasts and slides
are all made by :mod:`catalogdb.demo.typed_records`, so that the network can't learn to tell what is recorded from what
is made.
"""

import argparse
import tempfile
from pathlib import Path

from catalogdb.demo.typed_records import typed_records
from catalogdb.discrimination.classifier import ARCHITECTURE, PACKAGED_FILE
from catalogdb.training.config import OptimiseConfig, TrainConfig
from catalogdb.training.networks import written
from catalogdb.training.records import LabelledRecord, Part
from catalogdb.training.result import Training
from catalogdb.training.type_network import new_type_weights
from catalogdb.training.types import train_types

TRAINING_SEED, VALIDATION_SEED = 30_001, 30_002
"""Of the made records; demo days, scores and benchmarks must use neither."""
EVENTS = 480
MOST_TOGETHER = 0.5
"""Made stations differ independently of one another, recorded ones share source and path: they may count less."""
LEAST_TEMPERATURE = 1.2
"""Of recorded events the network may not be as sure as of made ones. Of 0.9, 1.2, 1.5 and 2 this is the smallest at
which no recorded earthquake of those that were looked at (`benchmarks.event_types`) is called something else."""
VALIDATION_SHARE = 0.4


def train(*, events: int = EVENTS, seed: int = 1, path: Path = PACKAGED_FILE) -> dict[str, float]:
    """Train and save to ``path``; returns epochs, loss and calibration.

    Parameters
    ----------
    events : that train; four tenths as many validate
    seed : of the weights that it begins with, and of the order
    """
    config = TrainConfig(
        name=path.name.split(".")[0],
        task="event_type",
        parent=None,
        training_set="made-records",
        optimise=OptimiseConfig(batch=64, epochs=80, patience=12, learning_rate=2e-3),
        device="cpu",
        licence="the project's own",
    )
    parts: dict[Part, list[LabelledRecord]] = {
        "train": list(typed_records(TRAINING_SEED, events)),
        "validation": list(typed_records(VALIDATION_SEED, round(VALIDATION_SHARE * events))),
    }
    with tempfile.TemporaryDirectory() as folder:
        untrained = written(new_type_weights(seed), ARCHITECTURE, Path(folder), "untrained")
        result = train_types(parts, Training(untrained, config, seed))
    own = result.weights.metadata["catalogdb"]
    calm = own["type_calibration"]
    calm["together"] = min(calm["together"], MOST_TOGETHER)
    calm["temperature"] = max(calm["temperature"], LEAST_TEMPERATURE)
    own["training"] |= {"command": f"python -m catalogdb.demo.train_event_types --events {events} --seed {seed}"}
    result.weights.metadata["docstring"] = (
        "Earthquake, explosion or surface event from features of one station, trained by catalogdb on made waveforms "
        "only. See docs/how-to/event-types.md for what that is worth."
    )
    result.weights.write(path.parent, path.name.split(".")[0])
    return {
        "epochs": result.trained.best_epoch,
        "validation_loss": round(result.trained.best_loss, 4),
        **calm,
        **result.records,
    }


def main() -> None:
    """Command line: every option of :func:`train`."""
    parser = argparse.ArgumentParser(description="Train the packaged network for types of events on made records.")
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--path", type=Path, default=PACKAGED_FILE)
    print(train(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
