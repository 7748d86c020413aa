"""Peaks that a pick set kept, and those that a comparison at other thresholds may use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from numpy.typing import NDArray
from pymongo.database import Database

from catalogdb.documents.free import Json
from catalogdb.documents.records import PickSet
from catalogdb.evaluation.columns import PHASES
from catalogdb.evaluation.peak_curve import PhasePeaks
from catalogdb.picking.peak_table import PeakTable, turns_of

SELECTION = ("p_threshold", "s_threshold", "station_thresholds", "min_separation_seconds", "probability")
"""Settings that say which peaks become picks and what is kept; all others decide the peaks themselves."""


@dataclass(frozen=True)
class PeakSource:
    """Where peaks come from.

    Attributes:
        pick_set: the set that kept them.
        floor: least probability kept.
        separation_seconds: least time between picks of the set that is judged.
    """

    pick_set: str
    floor: float
    separation_seconds: float


def peak_source(db: Database, pick_set: str | None) -> PeakSource | None:
    """Peaks of a pick set, or of the one that it was chosen from, as long as that one is still made in the same way;
    None where neither kept any.
    """
    fields = {"repicked_from": 1, "config": 1}
    made = db.pick_set.find_one({"_id": pick_set}, fields) if pick_set else None
    if made is None:
        return None
    names = pick_set, made.get("repicked_from")
    for held in filter(None, (db.pick_set.find_one({"_id": name}, fields) for name in names if name)):
        peaks = db.peak.find_one({"pick_set": held["_id"]}, {"floor": 1})
        if peaks and _origin_of_peaks(held) == _origin_of_peaks(made):
            separation = made["config"]["settings"]["min_separation_seconds"]
            return PeakSource(held["_id"], peaks["floor"], float(separation))
    return None


def _origin_of_peaks(made: PickSet) -> Json:
    """What of a pick set's configuration decides its peaks: the picker with its weights, and how it was run."""
    config = made.get("config", {})
    settings = {key: value for key, value in config.get("settings", {}).items() if key not in SELECTION}
    return {key: value for key, value in config.items() if key != "pick_set"} | {"settings": settings}


def peaks_by_station(
    db: Database, pick_set: str, stations: Iterable[str], starttime: float, endtime: float, confirm: Callable[[], None]
) -> Iterator[tuple[str, list[PhasePeaks]]]:
    """Peaks of [starttime, endtime) of the stations given and of all that have some; one station is held at a time.

    Args:
        confirm: called before each station; raises where the lease is lost.
    """
    for sta in {*stations, *db.peak.distinct("sta", {"pick_set": pick_set})}:
        confirm()
        yield sta, _read_peaks(db, pick_set, sta, starttime, endtime)


def _read_peaks(db: Database, pick_set: str, sta: str, starttime: float, endtime: float) -> list[PhasePeaks]:
    """Peaks of one station by phase, with those of shards that meet [starttime, endtime)."""
    query = {"pick_set": pick_set, "sta": sta, "starttime": {"$lt": endtime}, "endtime": {"$gt": starttime}}
    by_phase: list[list[tuple[NDArray, float, float]]] = [[] for _ in PHASES]
    for row in db.peak.find(query).sort([("starttime", 1), ("net", 1), ("_id", 1)]):
        peaks = PeakTable.from_document(row).peaks
        for number, rows in enumerate(by_phase):
            rows += [(peaks[peaks["phase"] == number], *turn) for turn in turns_of(row)]
    return [PhasePeaks(rows) for rows in by_phase]
