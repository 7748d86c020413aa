"""How a classifier of events does on records: event by event, as a job would decide."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from catalogdb.discrimination.classes import CLASSES
from catalogdb.discrimination.classifier import Classifier
from catalogdb.discrimination.config import EventTypeConfig
from catalogdb.discrimination.vote import combined
from catalogdb.training.type_table import TypeTable


@dataclass(frozen=True)
class TypeOutcome:
    """What a classifier came to on events.

    Attributes:
        events: their names, sorted.
        truth: number of each one's class, (events,).
        probabilities: of each class, (events, classes); all alike where no station votes.
    """

    events: list[str]
    truth: np.ndarray
    probabilities: np.ndarray

    @property
    def decided(self) -> np.ndarray:
        """Whether it is sure enough to say what an event was; bool (events,)."""
        config = EventTypeConfig()
        least = np.array([config.least(name) for name in CLASSES])
        result: np.ndarray = self.probabilities.max(axis=1) >= least[self.probabilities.argmax(axis=1)]
        return result

    @property
    def is_right(self) -> np.ndarray:
        """Whether it says so, and rightly; bool (events,)."""
        result: np.ndarray = self.decided & (self.probabilities.argmax(axis=1) == self.truth)
        return result

    @property
    def log_loss(self) -> np.ndarray:
        """Minus the logarithm of the true class's probability, (events,)."""
        chance = self.probabilities[np.arange(len(self.truth)), self.truth]
        result: np.ndarray = -np.log(np.maximum(chance, 1e-6))
        return result

    def without_knowledge(self) -> TypeOutcome:
        """What one comes to that knows nothing: each class is as probable as another."""
        return TypeOutcome(self.events, self.truth, np.full_like(self.probabilities, 1 / len(CLASSES)))


def station_rows(classifier: Classifier, table: TypeTable) -> dict[str, tuple[np.ndarray, int]]:
    """Log-probabilities of the stations that vote, (stations, classes), and the number of the true class, by event;
    without events of which no station votes."""
    rows = classifier.log_probabilities(table.features)
    votes = ~classifier.is_unlike(table.features)
    found: dict[str, list[int]] = defaultdict(list)
    for number, event in enumerate(table.events):
        if votes[number]:
            found[event].append(number)
    return {event: (rows[numbers], int(table.classes[numbers[0]])) for event, numbers in found.items()}


def score_types(classifier: Classifier, table: TypeTable) -> TypeOutcome:
    """Classify the events of a table."""
    truth = dict(zip(table.events, table.classes, strict=True))
    names = sorted(truth)
    found = station_rows(classifier, table)
    nothing = np.full(len(CLASSES), 1 / len(CLASSES))
    each = [
        combined(found[name][0], classifier.calibration).probabilities if name in found else nothing for name in names
    ]
    probabilities = np.array(each).reshape(-1, len(CLASSES))
    return TypeOutcome(names, np.array([truth[name] for name in names], dtype=np.int64), probabilities)
