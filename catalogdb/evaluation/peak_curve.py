"""Scores of picks at other thresholds, chosen and paired again from the peaks that a pick set kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalogdb.documents.comparisons import ScoreFields
from catalogdb.evaluation.classes import THRESHOLDS
from catalogdb.evaluation.columns import PHASES, Codes
from catalogdb.evaluation.coverage import Coverage
from catalogdb.evaluation.gates import MARGIN_GATES
from catalogdb.evaluation.pairing import pair_picks
from catalogdb.evaluation.scores import threshold_document
from catalogdb.picking.peak_table import PEAK
from catalogdb.picking.peaks import picks_at, separated

APART_US = 10**12
"""Longer than any stretch (11 days), so that stretches can stand one behind the other."""

COUNTS = ("matched", "missed", "wrong_phase", "wrong_phase_found", "no_data", "proposed")


@dataclass
class StationPicks:
    """Picks of one station as columns of shape (n,), as `pair_picks` takes them."""

    time: NDArray[np.float64]
    phase: NDArray[np.int8]
    probability: NDArray[np.float64]

    @property
    def station(self) -> NDArray[np.int32]:
        """One number for all."""
        return np.zeros(len(self.time), np.int32)


class PhasePeaks:
    """Peaks of one phase of one station, of any number of shards and stretches.

    Args:
        peaks: arrays `peak_table.PEAK` with (shard start, shard end) in epoch seconds.
    """

    def __init__(self, peaks: list[tuple[np.ndarray, float, float]]):
        joined = np.concatenate([np.empty(0, PEAK), *(part for part, _, _ in peaks)])
        number = [len(part) for part, _, _ in peaks]
        shard = np.repeat(np.arange(len(peaks)), number)
        self._time = joined["time_us"] / 1e6
        self._probability = joined["probability"]
        self._near_edge = joined["near_edge"] > 0
        starts, ends = (np.repeat(np.array([row[at] for row in peaks], float), number) for at in (1, 2))
        self._in_shard = (self._time >= starts) & (self._time < ends)
        # peaks of two stretches are never one, and none suppresses one of another stretch
        first = np.r_[True, (np.diff(shard) != 0) | (np.diff(joined["stretch"].astype(np.int64)) != 0)][: len(joined)]
        self._saddle = np.where(first, np.float32(0), joined["saddle"])
        start_us = joined["time_us"][first]
        since_us = joined["time_us"] - np.repeat(start_us, np.diff(np.r_[np.flatnonzero(first), len(joined)]))
        self._place_us = since_us + (np.cumsum(first) - 1) * APART_US

    def picks(self, threshold: float, separation_seconds: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times (epoch seconds) and probabilities of the picks at a threshold, as a run with it would choose them."""
        chosen = picks_at(self._probability, self._saddle, threshold)
        chosen = chosen[~self._near_edge[chosen]]
        stay = separated(self._place_us[chosen], self._probability[chosen], separation_seconds * 1e6)
        chosen = chosen[stay & self._in_shard[chosen]]
        return self._time[chosen], self._probability[chosen].astype(float)


def with_margin(period: tuple[float, float], max_dt: float) -> tuple[float, float]:
    """The period widened by what takes part in the matching, [start, end) in epoch seconds.

    max_dt: the gate of pick times, s.
    """
    margin = MARGIN_GATES * max_dt
    return period[0] - margin, period[1] + margin


def peak_scores(
    peaks: Iterable[tuple[str, list[PhasePeaks]]],
    floor: float,
    separation_seconds: float,
    reference: tuple[NDArray[np.int32], NDArray[np.int8], NDArray[np.float64], NDArray[np.bool_]],
    stations: Codes,
    coverage: Coverage | None,
    max_dt: float,
    period: tuple[float, float],
) -> Iterator[ScoreFields]:
    """Documents of `score` by threshold, from the floor of the peaks on, without what all of them have in common.

    The picks of each threshold are paired like those of the pick set itself.

    Args:
        peaks: codes of stations, each with its peaks by phase, of the period and its margin.
        floor: least probability of the peaks.
        separation_seconds: least time between picks of the set that is judged.
        reference: station number, phase and time (s) of the reference's picks and whether they count, of the period
            and its margin.
        stations: numbers of the stations' codes.
        coverage: when stations had waveforms.
        max_dt: the gate of pick times, s.
        period: [start, end) in epoch seconds.
    """
    order = np.argsort(reference[0], kind="stable")
    station, phase, time, counts = reference
    station, phase, time, counts = station[order], phase[order], time[order], counts[order]
    thresholds = [threshold for threshold in THRESHOLDS if np.float32(threshold) >= np.float32(floor)]
    tables = np.zeros((len(thresholds), len(PHASES), len(COUNTS)), np.int64)
    reach = with_margin(period, max_dt)
    for code, of_station in peaks:
        number = stations[code]
        wanted = slice(*np.searchsorted(station, [number, number + 1]))
        own = StationPicks(time[wanted], phase[wanted], np.full(len(time[wanted]), np.nan))
        recorded = np.ones(len(own.time), bool)
        if coverage is not None:
            recorded = coverage.has_data(np.full(len(own.time), number, np.int32), own.time)
        for table, threshold in zip(tables, thresholds, strict=True):
            found = _at_threshold(of_station, threshold, separation_seconds, reach)
            table += _counted(own, found, recorded, counts[wanted], max_dt, period)
    for by_phase, threshold in zip(tables.tolist(), thresholds, strict=True):
        rows = {name: dict(zip(COUNTS, row, strict=True)) for name, row in zip(PHASES, by_phase, strict=True)}
        both = {name: sum(row[name] for row in rows.values()) for name in COUNTS}
        for name, numbers in (rows | {PHASES: both}).items():
            if any(numbers.values()):
                yield threshold_document(name, threshold, "peaks", numbers)


def _at_threshold(
    peaks: list[PhasePeaks], threshold: float, separation_seconds: float, reach: tuple[float, float]
) -> StationPicks:
    chosen = [of_phase.picks(threshold, separation_seconds) for of_phase in peaks]
    time, probability = (np.concatenate([row[at] for row in chosen]) for at in (0, 1))
    phase = np.repeat(np.arange(len(PHASES), dtype=np.int8), [len(row[0]) for row in chosen])
    inside = (time >= reach[0]) & (time < reach[1])
    return StationPicks(time[inside], phase[inside], probability[inside])


def _counted(
    reference: StationPicks,
    catalog: StationPicks,
    recorded: NDArray[np.bool_],
    counts: NDArray[np.bool_],
    max_dt: float,
    period: tuple[float, float],
) -> NDArray[np.int64]:
    """Numbers of outcomes, shape (phases, COUNTS); a pair belongs to the period that its reference pick lies in."""
    pairs = pair_picks(reference, catalog, max_dt)
    ours, theirs = ((picks.time >= period[0]) & (picks.time < period[1]) for picks in (reference, catalog))
    paired, found_phase = np.zeros(len(reference.time), bool), np.full(len(reference.time), -1, np.int8)
    paired[pairs.reference] = True
    found_phase[pairs.reference] = catalog.phase[pairs.catalog]
    theirs[pairs.catalog] = False
    ours &= counts
    same = paired & (found_phase == reference.phase)

    def of_phases(chosen: NDArray[np.bool_], phase: NDArray[np.int8]) -> NDArray[np.int64]:
        return np.bincount(phase[chosen], minlength=len(PHASES))

    columns = {
        "matched": of_phases(ours & same, reference.phase),
        "missed": of_phases(ours & ~paired & recorded, reference.phase),
        "wrong_phase": of_phases(ours & paired & ~same, reference.phase),
        "wrong_phase_found": of_phases(ours & paired & ~same, found_phase),
        "no_data": of_phases(ours & ~paired & ~recorded, reference.phase),
        "proposed": of_phases(theirs, catalog.phase),
    }
    return np.stack([columns[name] for name in COUNTS], axis=1)
