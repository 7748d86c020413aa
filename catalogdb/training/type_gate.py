"""The gate for event types: the figures of `gate`, by events that are called right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from catalogdb.discrimination.classes import CLASSES
from catalogdb.identity import content_id
from catalogdb.training.config import GateConfig
from catalogdb.training.gate import GateRow, row_of
from catalogdb.training.type_score import TypeOutcome

FEWEST_EVENTS = 10
"""Of a class, for its figure to be judged."""


def compared_types(
    on: str, parent: TypeOutcome | None, candidates: Sequence[TypeOutcome], config: GateConfig
) -> list[GateRow]:
    """Candidate and parent on one set of events: of each class the share that is called so, and over all the mean
    logarithm of the true class's probability, each class counting alike. The logarithm is what makes it costly to be
    sure and wrong; the share of wrong ones would favour who says nothing.

    Args:
        on: its name.
        parent: None where the candidate began with nothing: it is compared with knowing nothing.
        candidates: one for each seed.
    """
    before = candidates[0].without_knowledge() if parent is None else parent
    names, truth = before.events, before.truth
    counts = np.bincount(truth, minlength=len(CLASSES))
    judged = [number for number in range(len(CLASSES)) if counts[number] >= FEWEST_EVENTS]
    if not judged:
        return []
    rng = np.random.default_rng(int(content_id("gate", on)[:8], 16))
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=config.resamples)
    weight = np.vstack([np.ones(len(names)), drawn])  # all of them first, then the draws
    of_class = [weight * (truth == number) for number in judged]

    def share(values: np.ndarray, parts: Sequence[np.ndarray]) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            result: np.ndarray = np.mean([part @ values / part.sum(axis=1) for part in parts], axis=0)
        return result

    def row(
        figure: str, values: Sequence[tuple[np.ndarray, np.ndarray]], parts: Sequence[np.ndarray], **about: Any
    ) -> GateRow:
        measured = [(share(first, parts), share(second, parts)) for first, second in values]
        return row_of(figure, measured, config, on=on, **about)

    right = [(before.is_right, each.is_right) for each in candidates]
    loss = [(before.log_loss, each.log_loss) for each in candidates]
    rows = []
    for number, part in zip(judged, of_class, strict=True):
        size = int(counts[number])
        rows.append(row(f"right_{CLASSES[number]}", right, [part], onsets=size, events=size))
    every = {"onsets": len(names), "events": len(names)}
    return [*rows, row("log_loss", loss, of_class, **every)]
