"""How a picker does on labelled records: the product's own picks, matched as `evaluation` matches them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from catalogdb.errors import InputError
from catalogdb.evaluation.pairing import pair_picks
from catalogdb.picking.config import PickConfig
from catalogdb.picking.picker import load_picker
from catalogdb.picking.time_error import TimeCalibration, fit_errors, time_features
from catalogdb.training.records import PHASES, LabelledRecord

LEAST_PICKS = 30
"""Of a phase, for a calibration of its times."""


@dataclass(frozen=True)
class PickTable:
    """Picks as `pair_picks` takes them, shape (n,) each: number of the record, number of the phase (0 P, 1 S), time
    (epoch seconds UTC) and probability (NaN of labels)."""

    station: np.ndarray
    phase: np.ndarray
    time: np.ndarray
    probability: np.ndarray


@dataclass(frozen=True)
class Outcome:
    """What a picker came to on records. Phases of which nothing is known of a record count nothing.

    Attributes:
        matched: onsets with a pick of their phase within the gate, one to one; (records, 2), by phase P and S.
        onsets, picks: how many there are, likewise.
        record, phase: numbers of each onset's record and phase, (onsets,).
        error: of each onset the time of its pick less its own (s), NaN where it has none, (onsets,).
    """

    matched: np.ndarray
    onsets: np.ndarray
    picks: np.ndarray
    record: np.ndarray
    phase: np.ndarray
    error: np.ndarray

    def f1(self, weight: np.ndarray | None = None) -> np.ndarray:
        """F1 of P and S, (..., 2); NaN where there is neither an onset nor a pick.

        Args:
            weight: how often each record counts, (..., records); None: once.
        """
        weight = np.ones(len(self.matched)) if weight is None else weight
        with np.errstate(invalid="ignore", divide="ignore"):
            return 2 * (weight @ self.matched) / (weight @ (self.onsets + self.picks))

    def without_picks(self) -> Outcome:
        """What a picker comes to that picks nothing."""
        nothing = np.zeros_like(self.matched)
        return Outcome(nothing, self.onsets, nothing, self.record, self.phase, np.full_like(self.error, np.nan))


@dataclass(frozen=True)
class RightPicks:
    """Matched picks of one phase with what their time's uncertainty is estimated from; arrays (picks,)."""

    error: np.ndarray
    probability: np.ndarray
    snr: np.ndarray
    width: np.ndarray


@dataclass(frozen=True)
class Scored:
    """Outcome of a picker, its matched picks by phase, and records that could not be picked ("record: reason")."""

    outcome: Outcome
    right: dict[str, RightPicks]
    problems: list[str]


def score(records: Sequence[LabelledRecord], config: PickConfig, max_dt: float) -> Scored:
    """Pick records as a job would, and match the picks with the labels.

    Args:
        config: with the weights.
        max_dt: largest difference of times (s).
    """
    picker = load_picker(config)
    labels = _table(
        (number, PHASES.index(onset.phase), onset.time, np.nan)
        for number, record in enumerate(records)
        for onset in record.onsets
        if onset.phase in record.known
    )
    found: list[tuple[int, int, float, float]] = []
    measures: list[tuple[float, float]] = []
    problems = []
    for number, record in enumerate(records):
        try:
            result = picker.pick(list(record.traces), record.starttime, record.endtime + 1e-6)
        except (InputError, ValueError) as problem:
            problems.append(f"{record.name}: {problem}")
            continue
        peaks = result.findings.peaks.peaks
        place = {(PHASES[peak["phase"]], int(peak["time_us"])): peak for peak in peaks}
        for pick in result.picks:
            if pick["phase"] in record.known:
                peak = place.get((pick["phase"], round(pick["time"] * 1e6)))
                found.append((number, PHASES.index(pick["phase"]), pick["time"], pick["probability"]))
                measures.append((np.nan, np.nan) if peak is None else (float(peak["snr"]), float(peak["width"])))
    picks = _table(found)
    pairs = pair_picks(labels, picks, max_dt)
    same = labels.phase[pairs.reference] == picks.phase[pairs.catalog]
    first, second = pairs.reference[same], pairs.catalog[same]
    error = picks.time[second] - labels.time[first]
    size = len(records)
    of_onsets = np.full(len(labels.time), np.nan)
    of_onsets[first] = error
    counts = _counted(labels, first, size), _counted(labels, None, size), _counted(picks, None, size)
    outcome = Outcome(*counts, labels.station, labels.phase, of_onsets)
    return Scored(outcome, _right(picks, second, error, np.array(measures).reshape(-1, 2)), problems)


def _right(picks: PickTable, matched: np.ndarray, error: np.ndarray, measures: np.ndarray) -> dict[str, RightPicks]:
    right = {}
    for number, phase in enumerate(PHASES):
        chosen = (picks.phase[matched] == number) & ~np.isnan(measures[matched, 1])
        snr, width = measures[matched[chosen]].T
        right[phase] = RightPicks(error[chosen], picks.probability[matched[chosen]], snr, width)
    return right


def _table(rows: Iterable[tuple[int, int, float, float]]) -> PickTable:
    """Rows (record, phase, time, probability), ascending by record and time."""
    columns = np.array(list(rows), dtype=np.float64).reshape(-1, 4).T
    return PickTable(columns[0].astype(np.int64), columns[1].astype(np.int64), columns[2], columns[3])


def _counted(table: PickTable, chosen: np.ndarray | None, records: int) -> np.ndarray:
    """How many rows there are by record and phase."""
    rows = np.arange(len(table.time)) if chosen is None else chosen
    place = table.station[rows] * 2 + table.phase[rows]
    return np.bincount(place, minlength=2 * records).reshape(records, 2).astype(np.float64)


def time_calibration(
    right: dict[str, RightPicks], name: str, estimated_from: str, sha256: str, window: int
) -> TimeCalibration | None:
    """The calibration of the times of a picker's picks; None where a phase has fewer than `LEAST_PICKS`."""
    if min(len(picks.error) for picks in right.values()) < LEAST_PICKS:
        return None
    models = {
        phase: fit_errors(picks.error, time_features(picks.probability, picks.snr, picks.width))
        for phase, picks in right.items()
    }
    about = {"name": name, "estimated_from": estimated_from, "weights_sha256": sha256, "window_samples": window}
    return TimeCalibration.model_validate(about | models)
