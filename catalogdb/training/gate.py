"""The gate: is a candidate better than its parent, and nothing worse? Bootstrap by event, over all seeds.

Both pick the same records. The events are drawn with replacement (Efron, 1979), since the records of one event are
alike; each draw gives the difference of a figure between candidate and parent, averaged over the seeds, and its
quantiles are the interval. A figure is worse where the whole interval says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from catalogdb.identity import content_id
from catalogdb.training.config import GateConfig
from catalogdb.training.records import PHASES
from catalogdb.training.score import Outcome

Verdict = Literal["better", "same", "worse"]
FEWEST_ONSETS = 10
"""Of a phase, for its figures to be judged."""


@dataclass(frozen=True)
class GateRow:
    """One figure of candidate and parent on one set of records.

    Attributes:
        on: name of the training set whose test part it is.
        figure: ``f1_p``, ``f1_s``, ``error_p`` or ``error_s`` (mean absolute time error of right picks, s).
        parent, candidate: the figure; the candidate's is the mean over the seeds.
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
    if parent is None:
        first = candidates[0]
        nothing = np.zeros_like(first.matched)
        parent = Outcome(nothing, first.onsets, nothing, nothing)
    names, of_event = np.unique(np.array(events), return_inverse=True)
    rng = np.random.default_rng(int(content_id("gate", on)[:8], 16))
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=config.resamples)
    rows = []
    for row, phase in enumerate(PHASES):
        onsets = int(parent.onsets[:, row].sum())
        if onsets < FEWEST_ONSETS:
            continue
        for figure in ("f1", "error"):
            measured = [_figures(outcome, figure, row, drawn, of_event) for outcome in (parent, *candidates)]
            rows.append(_row(on, f"{figure}_{phase.lower()}", measured, onsets, len(names), config))
    return rows


def _figures(
    outcome: Outcome, figure: str, row: int, drawn: np.ndarray, of_event: np.ndarray
) -> tuple[float, np.ndarray]:
    """The figure of a phase, and that of each draw."""
    measure = outcome.f1 if figure == "f1" else outcome.mean_error
    draws = np.array([measure(weights[of_event].astype(np.float64))[row] for weights in drawn])
    return float(measure()[row]), draws


def _row(
    on: str, figure: str, measured: list[tuple[float, np.ndarray]], onsets: int, events: int, config: GateConfig
) -> GateRow:
    (parent, parents), *others = measured
    candidate = float(np.mean([value for value, _ in others]))
    differences = np.mean([draws for _, draws in others], axis=0) - parents
    differences = differences[np.isfinite(differences)]
    tail = (1 - config.confidence) / 2
    low, high = np.quantile(differences, [tail, 1 - tail]) if differences.size else (float("-inf"), float("inf"))
    sign = 1 if figure.startswith("f1") else -1
    verdict: Verdict = "better" if sign * low > 0 and sign * high > 0 else "same"
    if sign * low < 0 and sign * high < 0:
        verdict = "worse"
    rounded = [round(float(value), 5) if np.isfinite(value) else None for value in (parent, candidate, low, high)]
    before, now, lower, upper = (0.0 if value is None else value for value in rounded)
    return GateRow(on, figure, before, now, round(now - before, 5), (lower, upper), verdict, onsets, events)


def decide(rows: Sequence[GateRow], own: str) -> Decision:
    """Accepted only if no figure is worse anywhere, and an F1 on the model's own test part is better.

    Args:
        own: name of the training set that it was trained on.
    """
    reasons = [_said(row) for row in rows if row.verdict == "worse"]
    mine = [row for row in rows if row.on == own and row.figure.startswith("f1")]
    if not mine:
        reasons.append(f"{own}: fewer than {FEWEST_ONSETS} onsets of P and of S in the test part, so nothing is known")
    elif not reasons and not any(row.verdict == "better" for row in mine):
        seen = "; ".join(_said(row) for row in mine)
        reasons.append(f"no better than its parent: {seen}")
    return Decision(list(rows), reasons)


def _said(row: GateRow) -> str:
    low, high = row.interval
    unit = "" if row.figure.startswith("f1") else " s"
    return (
        f"{row.figure} on {row.on} {row.parent:.3f} -> {row.candidate:.3f}{unit} "
        f"({row.difference:+.3f}, interval {low:+.3f} to {high:+.3f})"
    )


def as_mapping(row: GateRow) -> Mapping[str, object]:
    """A row as plain data."""
    return {**vars(row), "interval": list(row.interval)}
