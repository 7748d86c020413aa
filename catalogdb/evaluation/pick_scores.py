"""Scores of compared picks: overall and by station, network, distance, magnitude, time and threshold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from catalogdb.documents.comparisons import ScoreFields
from catalogdb.evaluation.classes import (
    DISTANCE_EDGES_KM,
    THRESHOLDS,
    Label,
    Labeller,
    class_fields,
    day_text,
    days_of,
    edge_classes,
    edge_label,
    hours_of,
    magnitude_classes,
    magnitude_label,
    month_text,
)
from catalogdb.evaluation.columns import PHASES, Codes
from catalogdb.evaluation.picks import Rows
from catalogdb.evaluation.scores import (
    MATCHED,
    MISSED,
    NO_DATA,
    PROPOSED,
    WRONG_PHASE,
    counted,
    grouped,
    histogram,
    residuals,
    score_document,
    threshold_document,
)

BOTH = "PS"
COUNTS = ("matched", "missed", "wrong_phase", "wrong_phase_found", "no_data", "proposed")
WITHOUT_RESIDUALS = ("hour", "day")
"""Groups that nobody asks residuals of, and which are many."""


class PickTally:
    """What the scores need of each compared pick, in 24 bytes.

    Args:
        stations, networks: numbers of the codes in the rows.
        max_dt: the gate of pick times, s.
    """

    COLUMNS = {
        "station": np.int32,
        "network": np.int16,
        "day": np.int32,
        "hour": np.int8,
        "distance": np.int16,
        "magnitude": np.int16,
        "phase": np.int8,
        "outcome": np.int8,
        "dt": np.float32,
        "probability": np.float32,
    }

    def __init__(self, stations: Codes, networks: Codes, max_dt: float):
        self._max_dt = max_dt
        self._names = {"station": stations, "network": networks}
        self._parts: dict[str, list[np.ndarray]] = defaultdict(list)

    def add(self, rows: Rows) -> None:
        """Take in a chunk."""
        columns: dict[str, np.ndarray] = {
            "station": rows.station,
            "network": rows.network,
            "day": days_of(rows.time),
            "hour": hours_of(rows.time),
            "distance": edge_classes(rows.distance_km, DISTANCE_EDGES_KM),
            "magnitude": magnitude_classes(rows.magnitude),
            "phase": rows.phase,
            "outcome": rows.outcome,
            "dt": rows.dt,
            "probability": rows.probability,
        }
        for name, kind in self.COLUMNS.items():
            self._parts[name].append(columns[name].astype(kind))

    def _column(self, name: str) -> np.ndarray:
        parts = self._parts[name]
        if len(parts) != 1:
            self._parts[name] = parts = [np.concatenate(parts) if parts else np.zeros(0, self.COLUMNS[name])]
        return parts[0]

    def scores(self) -> Iterator[ScoreFields]:
        """Documents of `score` but those by threshold, without what all of them have in common."""
        phase, outcome, dt = self._column("phase"), self._column("outcome"), self._column("dt")
        for by, groups, label in self._groupings():
            yield from _scores(by, groups, label, phase, outcome, dt, self._max_dt)

    def threshold_scores(self) -> Iterator[ScoreFields]:
        """Those by threshold, from the probabilities of the picks alone."""
        yield from _by_threshold(self._column("phase"), self._column("outcome"), self._column("probability"))

    def _groupings(self) -> Iterator[tuple[str, np.ndarray, Labeller]]:
        day = self._column("day")
        yield "overall", np.zeros(len(day), np.int8), lambda number: Label("all")
        for name in ("station", "network"):
            yield name, self._column(name), _named(list(self._names[name]))
        yield "distance", self._column("distance"), edge_label(DISTANCE_EDGES_KM)
        yield "magnitude", self._column("magnitude"), magnitude_label
        yield "hour", self._column("hour"), lambda number: Label(f"{number:02d}", number, number + 1)
        months = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int32)
        yield "month", months, lambda number: Label(month_text(number))
        yield "day", day, lambda number: Label(day_text(number))


def _named(names: list[str]) -> Labeller:
    return lambda number: Label(names[number])


def _scores(
    by: str,
    groups: np.ndarray,
    label: Labeller,
    phase: np.ndarray,
    outcome: np.ndarray,
    dt: np.ndarray,
    max_dt: float,
) -> Iterator[ScoreFields]:
    key = groups.astype(np.int64) * 2 + phase
    table: dict[tuple[int, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
    for number, counts in counted(key, outcome):
        for of in (PHASES[number % 2], BOTH):
            row = table[number // 2, of]
            for name in set(COUNTS) & set(counts):
                row[name] += counts[name]
            # a pick of one phase that was taken for the other is a find of the other
            found_as = BOTH if of == BOTH else PHASES[1 - number % 2]
            table[number // 2, found_as]["wrong_phase_found"] += counts["wrong_phase"]
    differences = {}
    if by not in WITHOUT_RESIDUALS:
        matched = outcome == MATCHED
        differences = grouped(key[matched], dt[matched].astype(float))
    for (number, of), counts in sorted(table.items()):
        if not any(counts.values()):
            continue
        document = score_document({"of": "pick", "by": by, "phase": of}, class_fields(label, number), counts)
        if by not in WITHOUT_RESIDUALS:
            wanted = [number * 2 + at for at in range(2) if of in (PHASES[at], BOTH)]
            values = [differences[at] for at in wanted if at in differences]
            if values:
                document["residuals"] = {"dt": residuals(np.concatenate(values))}
            if values and by == "overall":
                document["histograms"] = {"dt": histogram(np.concatenate(values), -max_dt, max_dt)}
        yield document


def _by_threshold(phase: np.ndarray, outcome: np.ndarray, probability: np.ndarray) -> Iterator[ScoreFields]:
    """Scores had only the catalog's picks from a probability on been kept, without pairing again: a pick below the
    threshold leaves its partner missed.
    """
    with_probability = np.isfinite(probability) & (outcome != MISSED) & (outcome != NO_DATA)
    if not with_probability.any():
        return
    for of in (*PHASES, BOTH):
        own = np.ones(len(phase), bool) if of == BOTH else phase == PHASES.index(of)
        of_reference = own & (outcome != PROPOSED)
        total = int(np.count_nonzero(of_reference & (outcome != NO_DATA)))
        no_data = int(np.count_nonzero(of_reference & (outcome == NO_DATA)))
        taken_for = outcome == WRONG_PHASE if of == BOTH else (outcome == WRONG_PHASE) & ~own
        values = {
            name: np.sort(probability[chosen & with_probability])
            for name, chosen in (
                ("matched", own & (outcome == MATCHED)),
                ("wrong_phase", own & (outcome == WRONG_PHASE)),
                ("wrong_phase_found", taken_for),
                ("proposed", own & (outcome == PROPOSED)),
            )
        }
        for threshold in THRESHOLDS:
            # a float32 of 0.3 lies above the double 0.3
            counts = {
                name: int(len(row) - np.searchsorted(row, np.float32(threshold), "left"))
                for name, row in values.items()
            }
            counts |= {"missed": total - counts["matched"] - counts["wrong_phase"], "no_data": no_data}
            if any(counts[name] for name in values):
                yield threshold_document(of, threshold, "picks", counts)
