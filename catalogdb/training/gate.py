"""The gate: is a candidate better than its parent, and nothing worse? Bootstrap by event, over all seeds.

Both pick the same records. The events are drawn with replacement (Efron, 1979), since the records of one event are
alike; each draw gives the difference of a figure between candidate and parent, averaged over the seeds, and its
quantiles are the interval. A figure is worse where the whole interval says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from catalogdb.identity import content_id
from catalogdb.training.config import GateConfig
from catalogdb.training.records import PHASES
from catalogdb.training.score import Outcome

Verdict = Literal["better", "same", "worse"]
FEWEST_ONSETS = 10
"""Of a phase, for its figures to be judged."""
GAINS = ("f1_", "right_")
"""Figures that are the better the larger they are; of the others the smaller."""
MAKES_BETTER = ("f1_", "right_", "log_loss")
"""Figures of which one must be better."""


@dataclass(frozen=True)
class GateRow:
    """One figure of candidate and parent on one set of records.

    Attributes:
        on: name of the training set whose test part it is.
        figure: ``f1_p``, ``f1_s``, ``error_p`` or ``error_s``: mean absolute time error (s) of the onsets that
            both have picked right, since those that one alone has found are the harder ones. Of event types
            ``right_CLASS`` and ``log_loss``, see `type_gate`.
        parent, candidate: the figure, the mean over the seeds.
        difference: candidate less parent.
        interval: of the difference.
        onsets, events: how many labels and events it is from.
    """

    on: str
    figure: str
    parent: float
    candidate: float
    difference: float
    interval: tuple[float, float]
    verdict: Verdict
    onsets: int
    events: int


@dataclass(frozen=True)
class Decision:
    """What the gate says: the rows, and why the candidate is refused (empty: it is accepted)."""

    rows: list[GateRow]
    reasons: list[str]

    @property
    def status(self) -> Literal["accepted", "refused"]:
        return "refused" if self.reasons else "accepted"


def compared(
    on: str, events: Sequence[str], parent: Outcome | None, candidates: Sequence[Outcome], config: GateConfig
) -> list[GateRow]:
    """Candidate and parent on one set of records.

    Args:
        on: its name.
        events: of each record.
        parent: None where the candidate began with nothing: it is compared with no picks at all.
        candidates: one for each seed.
    """
    before = candidates[0].without_picks() if parent is None else parent
    names, of_event = np.unique(np.array(events), return_inverse=True)
    rng = np.random.default_rng(int(content_id("gate", on)[:8], 16))
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=config.resamples)
    weight = np.vstack([np.ones(len(events)), drawn[:, of_event]])  # all of them first, then the draws
    rows = []
    for number, phase in enumerate(PHASES):
        onsets = int(before.onsets[:, number].sum())
        if onsets < FEWEST_ONSETS:
            continue
        about = {"on": on, "onsets": onsets, "events": len(names)}
        f1 = [(before.f1(weight)[:, number], outcome.f1(weight)[:, number]) for outcome in candidates]
        rows.append(row_of(f"f1_{phase.lower()}", f1, config, **about))
        errors = [_errors(before, outcome, number, weight) for outcome in candidates]
        if np.isfinite([first[0] for first, _ in errors]).all():
            rows.append(row_of(f"error_{phase.lower()}", errors, config, **about))
    return rows


def _errors(before: Outcome, now: Outcome, phase: int, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean absolute time error of both, of the onsets that both have right, for each weighting of the records."""
    both = np.flatnonzero((before.phase == phase) & np.isfinite(before.error) & np.isfinite(now.error))
    of_onsets = weight[:, before.record[both]]
    total = of_onsets.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        first, second = (of_onsets @ np.abs(outcome.error[both]) / total for outcome in (before, now))
    return first, second


def row_of(figure: str, measured: Sequence[tuple[np.ndarray, np.ndarray]], config: GateConfig, **about: Any) -> GateRow:
    """A row from the figures of parent and candidate for each seed: first as they are, then of each draw."""
    parents, candidates = np.mean(measured, axis=0)
    differences = candidates[1:] - parents[1:]
    differences = differences[np.isfinite(differences)]
    tail = (1 - config.confidence) / 2
    low, high = np.quantile(differences, [tail, 1 - tail])
    sign = 1 if figure.startswith(GAINS) else -1
    verdict: Verdict = "same"
    if sign * low > 0 and sign * high > 0:
        verdict = "better"
    elif sign * low < 0 and sign * high < 0:
        verdict = "worse"
    parent, candidate, difference, lower, upper = (
        round(float(value), 5) for value in (parents[0], candidates[0], candidates[0] - parents[0], low, high)
    )
    return GateRow(
        figure=figure, parent=parent, candidate=candidate, difference=difference, interval=(lower, upper),
        verdict=verdict, **about,
    )  # fmt: skip


def decide(
    rows: Sequence[GateRow], own: str, also_on: Sequence[str] = (), unit: str = "onsets of P and of S"
) -> Decision:
    """Accepted only if no figure is worse anywhere, and an F1 on the model's own test part is better, or, of event
    types, what it says of them.

    Args:
        own: name of the training set that it was trained on.
        also_on: of others on which it must not be worse, which is not known where they have too few onsets.
        unit: what there must be enough of.
    """
    reasons = [_said(row) for row in rows if row.verdict == "worse"]
    mine = [row for row in rows if row.on == own and row.figure.startswith(MAKES_BETTER)]
    judged = {row.on for row in rows}
    if empty := [name for name in dict.fromkeys((own, *also_on)) if name not in judged]:
        few = f"fewer than {FEWEST_ONSETS} {unit} in the test part, so nothing is known"
        reasons += [f"{name}: {few}" for name in empty]
    elif not reasons and not any(row.verdict == "better" for row in mine):
        seen = "; ".join(_said(row) for row in mine)
        reasons.append(f"no better than its parent: {seen}")
    return Decision(list(rows), reasons)


def _said(row: GateRow) -> str:
    low, high = row.interval
    unit = " s" if row.figure.startswith("error_") else ""
    return (
        f"{row.figure} on {row.on} {row.parent:.3f} -> {row.candidate:.3f}{unit} "
        f"({row.difference:+.3f}, interval {low:+.3f} to {high:+.3f})"
    )


def as_mapping(row: GateRow) -> Mapping[str, object]:
    """A row as plain data."""
    return {**vars(row), "interval": list(row.interval)}
