"""Records with the type of their event -> rows of features, as the training loop and the gate take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from catalogdb.discrimination.classes import CLASSES, class_of
from catalogdb.discrimination.features import NAMES, REASONS, NoFeatures, Onsets, expected_onsets, station_features
from catalogdb.training.records import LabelledRecord

JITTER = 0.6
"""Noise on the features of what trains, in their standard deviations: features of other regions and instruments lie
elsewhere, and a network that has seen sharp borders is sure of them. Chosen on recorded earthquakes (the half of
`benchmarks.event_types` that was looked at), where 0 calls 1 to 9 in 100 something else, 0.6 calls 1 to 3."""


@dataclass(frozen=True)
class TypeBatch:
    """Rows of records.

    Attributes:
        data: float32 (rows, features); NaN where a feature is not known.
        classes: int64 (rows,), numbers in `CLASSES`.
        weight: float32 (rows,), so that each class counts alike.
    """

    data: np.ndarray
    classes: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class TypeTable:
    """Features of records, with the class and the name of their events; arrays and list of length (rows,)."""

    features: np.ndarray
    classes: np.ndarray
    events: list[str]

    @property
    def weight(self) -> np.ndarray:
        """Of each row, so that each class counts alike; the mean is 1."""
        counts = np.bincount(self.classes, minlength=len(CLASSES))
        result: np.ndarray = len(self.classes) / (np.count_nonzero(counts) * counts[self.classes])
        return result

    def batches(
        self, batch: int, seed: Sequence[int], per_example: int = 1, shuffled: bool = True
    ) -> Iterator[TypeBatch]:
        """All rows of an epoch, as `loop.Batches`; where they are shuffled, to train, with noise (`JITTER`)."""
        numbers = np.tile(np.arange(len(self.classes)), per_example if shuffled else 1)
        rng = np.random.default_rng([*seed, 0])
        spread = JITTER * np.nanstd(self.features, axis=0) if shuffled else np.zeros(self.features.shape[1])
        if shuffled:
            numbers = rng.permutation(numbers)
        weight = self.weight.astype(np.float32)
        for first in range(0, len(numbers), batch):
            own = numbers[first : first + batch]
            features = self.features[own] + spread * rng.standard_normal((len(own), len(spread)))
            yield TypeBatch(features.astype(np.float32), self.classes[own], weight[own])


def type_table(records: Sequence[LabelledRecord]) -> tuple[TypeTable, list[str]]:
    """Measure records.

    Returns:
        The table, and why records are not in it ("record: reason").
    """
    rows, classes, events, problems = [], [], [], []
    for record in records:
        kind = class_of(record.event_type)
        if kind is None:
            what = (
                f"events of type {record.event_type!r} are of no class" if record.event_type else "no type of its event"
            )
            problems.append(f"{record.name}: {what}")
            continue
        onsets = onsets_of(record)
        if onsets is None:
            problems.append(f"{record.name}: neither P and S, nor one of them and the origin time")
            continue
        try:
            row = station_features(record.traces, onsets)
        except NoFeatures as reason:
            problems.append(f"{record.name}: {REASONS[str(reason)]}")
            continue
        rows.append(row)
        classes.append(CLASSES.index(kind))
        events.append(record.event or record.name)
    table = np.array(rows, dtype=np.float64).reshape(-1, len(NAMES))
    return TypeTable(table, np.array(classes, dtype=np.int64), events), problems


def onsets_of(record: LabelledRecord) -> Onsets | None:
    """P and S of a record: picked ones, or one of them and the origin time; None where these are not known."""
    first = {onset.phase: onset.time for onset in reversed(record.onsets)}
    return expected_onsets(first.get("P"), first.get("S"), record.origin_time)
