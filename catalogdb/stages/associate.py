"""Association: picks of one window -> origins with arrivals. One task is the core of one association window."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pymongo.database import Database

from catalogdb.association.associate import associate
from catalogdb.association.windows import AssociationWindow, association_windows, owned
from catalogdb.identity import content_id
from catalogdb.jobs import Job
from catalogdb.stages.stage import Inputs, Output, PlannedTask, Shard

PICK_FIELDS = ("net", "sta", "phase", "time", "probability", "quality", "uncertainty", "hypo71_weight")


class AssociateStage:
    """Origins of one catalog.

    Args:
        job: the job.
        config_id: the catalog's config_id.
    """

    name = "associate"
    collections = ("origin",)

    def __init__(self, job: Job, config_id: str):
        self.job = job
        self.result = job.catalog
        self.config_id = config_id

    def plan(self, db: Database) -> Iterable[PlannedTask]:
        """One task per window that has picks, or had some."""
        known = {
            (row["starttime"], row["endtime"])
            for row in db.task.find({"stage": self.name, "config_id": self.config_id}, {"starttime": 1, "endtime": 1})
        }
        for window in self._windows(db, known):
            inputs = self._read_window(db, window)
            if inputs.data[0] or (window.starttime, window.endtime) in known:
                yield PlannedTask(_shard(window), inputs.fingerprint)

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Fetch the picks of the window and its margins, and the stations in operation then."""
        return self._read_window(db, self._window(shard))

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Associate, keep the events whose origin time lies in the core, and give them their identities."""
        picks, stations = inputs.data
        if not picks:
            return Output({"origin": []})
        result = associate(picks, stations, self.job.region, self.job.associate)
        origins = owned(result.origins, self._window(shard))
        for origin in origins:
            pick_ids = sorted(arrival["pick_id"] for arrival in origin["arrivals"])
            origin["event_id"] = content_id(self.config_id, pick_ids)
            origin["_id"] = content_id(self.config_id, origin["event_id"])
            origin["catalog"] = self.result
        counts = result.counts | {"events_outside_core": len(result.origins) - len(origins), "events": len(origins)}
        return Output({"origin": origins}, counts)

    def _windows(self, db: Database, known: set[tuple[float, float]]) -> list[AssociationWindow]:
        """Windows of the period; without one those that are known and all that may read a pick, so that the ledger of a
        finished run asks for just the windows that are in it."""
        config = self.job.associate
        lengths = config.window_seconds, config.overlap_seconds
        if self.job.period:
            extent = self.job.period.starttime.timestamp(), self.job.period.endtime.timestamp()
            return association_windows(*extent, *lengths)
        windows = {window for edges in known for window in association_windows(*edges, *lengths)}
        picks = db.pick.find({"pick_set": self.job.pick_set_name}, {"time": 1})
        ends = [pick["time"] for order in (1, -1) for pick in picks.clone().sort("time", order).limit(1)]
        if ends:
            first, last = ends[0] - config.overlap_seconds, ends[-1] + config.overlap_seconds + 1e-6
            windows.update(association_windows(first, last, *lengths))
        return sorted(windows)

    def _window(self, shard: Shard) -> AssociationWindow:
        overlap = self.job.associate.overlap_seconds
        return AssociationWindow(shard.starttime, shard.endtime, shard.starttime - overlap, shard.endtime + overlap)

    def _read_window(self, db: Database, window: AssociationWindow) -> Inputs:
        query = {
            "pick_set": self.job.pick_set_name,
            "time": {"$gte": window.read_starttime, "$lt": window.read_endtime},
        }
        fields = {name: 1 for name in PICK_FIELDS}
        picks = [
            pick
            for pick in db.pick.find(query, fields).sort([("time", 1), ("_id", 1)])
            if self.job.stations.takes(pick["net"], pick["sta"])
        ]
        stations = [
            station
            for station in (stations_in_operation(db, window.starttime, window.endtime) if picks else [])
            if self.job.stations.takes(station["net"], station["sta"])
        ]
        fingerprint = content_id([[pick.get(name) for name in ("_id", *PICK_FIELDS[3:])] for pick in picks], stations)
        return Inputs((picks, stations), fingerprint)


def stations_in_operation(db: Database, starttime: float, endtime: float) -> list[dict[str, Any]]:
    """Stations with an epoch that meets `[starttime, endtime)`, one row each, as the science modules take them.

    Of several epochs, or locations, of a station the first by start of epoch and location code counts.
    """
    rows = db.site.find(
        {"starttime": {"$lt": endtime}, "endtime": {"$gt": starttime}},
        {"_id": 0, "net": 1, "sta": 1, "loc": 1, "lat": 1, "lon": 1, "elev": 1, "starttime": 1},
    )
    stations: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["net"], row["sta"], row["starttime"], row.get("loc", ""))):
        station = {
            "net": row["net"],
            "sta": row["sta"],
            "latitude": row["lat"],
            "longitude": row["lon"],
            "elevation_km": row["elev"],
        }
        stations.setdefault((row["net"], row["sta"]), station)
    return list(stations.values())


def _shard(window: AssociationWindow) -> Shard:
    return Shard({}, window.starttime, window.endtime)
