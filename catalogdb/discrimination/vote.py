"""Stations' probabilities -> those of the event: votes, and whether they are enough to say what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalogdb.discrimination.classes import CLASSES, ClassName


@dataclass(frozen=True)
class Calibration:
    """How sure stations are, alone and together; fitted on events that took no part in training.

    Attributes:
        temperature: the network's log-probabilities are divided by it.
        together: 1 where stations are independent of one another, 0 where many say no more than one.
    """

    temperature: float = 1.0
    together: float = 0.5


@dataclass(frozen=True)
class Vote:
    """What the stations of one event say.

    Attributes:
        probabilities: of the event, in the order of `CLASSES`.
        stations: of each station, (stations, classes), without the prior.
        votes: how many stations hold each class for the most probable.
    """

    probabilities: np.ndarray
    stations: np.ndarray
    votes: dict[ClassName, int]

    @property
    def best(self) -> ClassName:
        """The most probable class."""
        return CLASSES[int(np.argmax(self.probabilities))]

    @property
    def probability(self) -> float:
        """Of the most probable class."""
        return float(self.probabilities.max())


def combined(log_probabilities: np.ndarray, calibration: Calibration, prior: Sequence[float] = (1.0, 1.0, 1.0)) -> Vote:
    """Put the stations together: the sum of log-probabilities over stations ** (1 - together), with the prior.

    Args:
        log_probabilities: of each station, (stations, classes), from a network that has seen as much of each class.
        prior: how common each class is, in any unit.
    """
    calm = log_probabilities / calibration.temperature
    calm = calm - _log_sum(calm)
    count = len(calm)
    evidence = calm.sum(axis=0) * count ** (calibration.together - 1.0)
    posterior = evidence + np.log(np.array(prior, dtype=float))
    winners = np.bincount(calm.argmax(axis=1), minlength=len(CLASSES))
    votes = {name: int(number) for name, number in zip(CLASSES, winners, strict=True)}
    return Vote(np.exp(posterior - _log_sum(posterior)), np.exp(calm), votes)


def _log_sum(values: np.ndarray) -> np.ndarray:
    top = values.max(axis=-1, keepdims=True)
    result: np.ndarray = top + np.log(np.exp(values - top).sum(axis=-1, keepdims=True))
    return result


def fit_calibration(events: Mapping[str, tuple[np.ndarray, int]]) -> Calibration:
    """The calibration under which the true classes of events are most probable, each class counting alike.

    Args:
        events: log-probabilities of the stations (stations, classes), and the number of the true class, by event.
    """
    numbers = np.array([truth for _, truth in events.values()])
    weight = 1.0 / np.bincount(numbers, minlength=len(CLASSES))[numbers]
    best = (np.inf, Calibration())
    for temperature in np.round(np.geomspace(0.5, 8.0, 25), 3):
        for together in np.round(np.linspace(0.0, 1.0, 11), 2):
            tried = Calibration(float(temperature), float(together))
            chance = [combined(rows, tried).probabilities[truth] for rows, truth in events.values()]
            loss = float(-(weight * np.log(np.maximum(chance, 1e-12))).sum())
            if loss < best[0] - 1e-9:
                best = (loss, tried)
    return best[1]
