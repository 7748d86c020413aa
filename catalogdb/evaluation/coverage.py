"""When a picker had waveforms of stations, so that what it could not have seen is not counted as missed."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from math import nextafter

import numpy as np
from numpy.typing import NDArray
from pymongo.database import Database

from catalogdb.evaluation.columns import Codes

Span = tuple[float, float]
Station = tuple[str, str]


class Coverage:
    """Spans of time with waveforms, by station number.

    Args:
        pieces: station number -> (start, end) of pieces in epoch seconds, by start; any channel counts.
    """

    def __init__(self, pieces: dict[int, list[Span]]):
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


@dataclass(frozen=True)
class PickedWaveforms:
    """What a pick set was made from.

    Attributes:
        pieces: net, sta, start and end (epoch seconds) of pieces of waveforms, by start.
        shards: (net, sta) -> [start, end) of the shards whose picks are stored, by start and disjoint; None where the
            ledger doesn't tell, and all pieces count.
    """

    pieces: list[tuple[str, str, float, float]]
    shards: dict[Station, list[Span]] | None

    def spans(self) -> Iterator[tuple[str, Span]]:
        """Codes of stations, each with what of one piece was picked."""
        for net, sta, start, end in self.pieces:
            for span in [(start, end)] if self.shards is None else _common((start, end), self.shards[net, sta]):
                yield sta, span


def picked_waveforms(db: Database, pick_set: str | None, period: Span) -> PickedWaveforms | None:
    """What a pick set was made from in a period; None where it was not made from waveforms, or none are indexed.

    Only stations that have tasks of the pick set count, in the shards whose picks are stored: one that is still to do,
    failed at the first attempt, or has no sensor that the job takes was not picked.
    """
    made = db.pick_set.find_one({"_id": pick_set}, {"kind": 1, "config_id": 1}) if pick_set else None
    if not made or made["kind"] != "automatic":
        return None
    meets = {"starttime": {"$lt": period[1]}, "endtime": {"$gte": period[0]}}
    fields = {"_id": 0, "net": 1, "sta": 1, "starttime": 1, "endtime": 1}
    rows = db.wf_miniseed.find(meets, fields).sort("starttime", 1).batch_size(20_000)
    pieces = [(row["net"], row["sta"], row["starttime"], row["endtime"]) for row in rows]
    if not pieces:
        return None
    shards = _picked_shards(db, made["config_id"], period)
    return PickedWaveforms([piece for piece in pieces if shards is None or piece[:2] in shards], shards)


def _picked_shards(db: Database, config_id: str, period: Span) -> dict[Station, list[Span]] | None:
    tasks = {"stage": {"$gt": ""}, "config_id": config_id}
    if db.task.find_one(tasks, {"_id": 1}) is None:
        return None
    # a task to be done again keeps the picks that it made before
    stored = {"$or": [{"status": "done"}, {"outputs": {"$exists": True}}]}
    stored["choices.channel_group"] = {"$not": {"$type": "null"}}
    meets = {"starttime": {"$lt": period[1]}, "endtime": {"$gt": period[0]}}
    shards: dict[Station, list[Span]] = defaultdict(list)
    fields = {"shard": 1, "starttime": 1, "endtime": 1}
    for row in sorted(db.task.find(tasks | meets | stored, fields), key=lambda row: row["starttime"]):
        spans = shards[row["shard"]["net"], row["shard"]["sta"]]
        if spans and row["starttime"] <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], row["endtime"])
        else:
            spans.append((row["starttime"], row["endtime"]))
    return dict(shards)


def _common(piece: Span, spans: list[Span]) -> Iterator[Span]:
    """What a piece, ends included, has in common with disjoint [start, end) in ascending order; ends included."""
    for start, end in spans[bisect_right(spans, piece[0], key=lambda span: span[1]) :]:
        if start > piece[1]:
            break
        yield max(start, piece[0]), min(nextafter(end, start), piece[1])


def read_coverage(db: Database, pick_set: str | None, period: Span, stations: Codes) -> Coverage | None:
    """The coverage that a pick set was made from; None as for `picked_waveforms`.

    Stations go by their code alone, since bulletins know no networks.
    """
    picked = picked_waveforms(db, pick_set, period)
    if picked is None:
        return None
    pieces: dict[int, list[Span]] = defaultdict(list)
    for sta, span in picked.spans():
        pieces[stations[sta]].append(span)
    return Coverage({station: sorted(spans) for station, spans in pieces.items()})
