"""When stations had waveforms, so that what nobody could have seen is not counted as missed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pymongo.database import Database

from catalogdb.evaluation.columns import Codes


class Coverage:
    """Spans of time with waveforms, by station number.

    Args:
        pieces: station number -> (start, end) of pieces in epoch seconds, by start; any channel counts.
    """

    def __init__(self, pieces: dict[int, list[tuple[float, float]]]):
        self._spans = {}
        for station, spans in pieces.items():
            starts, ends = np.array(spans, float).T
            reach = np.maximum.accumulate(ends)
            first = np.r_[True, starts[1:] > reach[:-1]]
            self._spans[station] = starts[first], reach[np.r_[np.flatnonzero(first)[1:] - 1, len(ends) - 1]]

    def has_data(self, station: NDArray[np.int32], time: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell for each (station, time) whether the station has waveforms then; shape (n,)."""
        found = np.zeros(len(time), bool)
        order = np.argsort(station, kind="stable")
        begins = np.flatnonzero(np.r_[True, np.diff(station[order]) != 0]) if len(order) else []
        for rows in np.split(order, begins[1:]) if len(begins) else []:
            if (spans := self._spans.get(int(station[rows[0]]))) is not None:
                found[rows] = _inside(*spans, time[rows])
        return found

    def stations_at(self, time: NDArray[np.float64]) -> NDArray[np.int64]:
        """Number of stations with waveforms at each time, shape (n,)."""
        number = np.zeros(len(time), np.int64)
        for spans in self._spans.values():
            number += _inside(*spans, time)
        return number


def _inside(starts, ends, time) -> NDArray[np.bool_]:
    at = np.searchsorted(starts, time, "right") - 1
    return (at >= 0) & (time <= ends[np.maximum(at, 0)])


def read_coverage(
    db: Database, pick_set: str | None, starttime: float, endtime: float, stations: Codes
) -> Coverage | None:
    """The coverage that a pick set was made from; None where it was not made from waveforms, or none are indexed.

    Stations go by their code alone, since bulletins know no networks.
    """
    made = db.pick_set.find_one({"_id": pick_set}, {"kind": 1}) if pick_set else None
    if not made or made["kind"] != "automatic":
        return None
    pieces: dict[int, list[tuple[float, float]]] = {}
    query = {"starttime": {"$lt": endtime}, "endtime": {"$gte": starttime}}
    rows = db.wf_miniseed.find(query, {"_id": 0, "sta": 1, "starttime": 1, "endtime": 1}).sort("starttime", 1)
    for row in rows.batch_size(20_000):
        pieces.setdefault(stations[row["sta"]], []).append((row["starttime"], row["endtime"]))
    return Coverage(pieces) if pieces else None
