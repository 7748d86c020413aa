"""Association: picks of one window -> origins with arrivals. One task is the core of one association window."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Any

from pymongo.database import Database

from catalogdb.association.associate import associate
from catalogdb.association.windows import AssociationWindow, association_windows, owned
from catalogdb.identity import content_id
from catalogdb.jobs import Job, StationSelection
from catalogdb.ledger.parts import Parts, digest, fingerprint
from catalogdb.ledger.stage import Inputs, Output, PlannedTask, Shard
from catalogdb.stages.station_places import StationNetworks, read_places
from catalogdb.stations.places import StationPlaces

PICK_FIELDS = (
    *("net", "sta", "phase", "time", "probability", "quality", "uncertainty", "hypo71_weight"),
    *("loc", "chan"),
)
PART_FIELDS = ("_id", "phase", "time", "probability", "quality", "uncertainty", "hypo71_weight", "place")


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
        for shard, parts in self.parts(db):
            yield PlannedTask(shard, fingerprint(parts))

    def parts(self, db: Database) -> Iterator[tuple[Shard, Parts]]:
        """The same windows, with the picks of each station and the stations' coordinates.

        Stations without a pick take part too: what the associators derive from the network depends on them.
        """
        known = {
            (row["starttime"], row["endtime"])
            for row in db.task.find({"stage": self.name, "config_id": self.config_id}, {"starttime": 1, "endtime": 1})
        }
        windows, places = self._windows(db, known), read_places(db, takes=self.job.stations.takes)
        for window, picks in zip(windows, self._picks_by_window(db, windows), strict=True):
            if picks or (window.starttime, window.endtime) in known:
                yield _shard(window), self._inputs(window, picks, places).parts

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Fetch the picks of the window and its margins, and the stations in operation then."""
        window = self._window(shard)
        picks = list(self._picks(db, window.read_starttime, window.read_endtime))
        codes = {pick["sta"] for pick in picks}
        places = read_places(db, window.read_starttime, window.read_endtime, codes, self.job.stations.takes)
        return self._inputs(window, picks, places)

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
        return Output({"origin": origins}, counts, problems=result.problems)

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

    def _picks(self, db: Database, starttime: float, endtime: float) -> Iterator[dict[str, Any]]:
        """The job's picks of [starttime, endtime), by time."""
        return job_picks(db, self.job, starttime, endtime)

    def _picks_by_window(self, db: Database, windows: list[AssociationWindow]) -> Iterator[list[dict[str, Any]]]:
        """The picks that each window reads, for windows in order of time, from one pass over all picks."""
        if not windows:
            return
        picks = self._picks(db, windows[0].read_starttime, windows[-1].read_endtime)
        held: deque[dict[str, Any]] = deque()
        ahead = next(picks, None)
        for window in windows:
            while ahead is not None and ahead["time"] < window.read_endtime:
                held.append(ahead)
                ahead = next(picks, None)
            while held and held[0]["time"] < window.read_starttime:
                held.popleft()
            yield list(held)

    def _inputs(self, window: AssociationWindow, picks: list[dict[str, Any]], places: StationPlaces) -> Inputs:
        stations, placed = places.rows(picks, window.starttime, window.endtime) if picks else ([], [])
        parts = {"pick": _pick_parts(placed), "station": _station_parts(stations)}
        return Inputs((placed, stations), fingerprint(parts), parts)


def job_picks(db: Database, job: Job, starttime: float, endtime: float) -> Iterator[dict[str, Any]]:
    """The picks of [starttime, endtime) that a job takes, by time, with the networks that bulletins leave out."""
    selection = PickSelection(db, job.stations)
    query = {"pick_set": job.pick_set_name, "time": {"$gte": starttime, "$lt": endtime}}
    for pick in db.pick.find(query, dict.fromkeys(PICK_FIELDS, 1)).sort([("time", 1), ("_id", 1)]):
        if selection.takes(pick["net"], pick["sta"]):
            yield selection.networks.named(pick)


class PickSelection:
    """Which picks a job takes by its selection of stations.

    A pick without a network is taken where the job takes a station of its code in any network. Where `site` knows no
    network of the code, it is taken if the station part of the patterns fits: association counts it as without station.

    Args:
        db: where `site` is, which is read for the first pick without a network, if patterns name networks.
        stations: the job's selection.
    """

    def __init__(self, db: Database, stations: StationSelection):
        self._stations, self.networks = stations, StationNetworks(db)
        self._names_networks = any("." in pattern for pattern in (*stations.include, *stations.exclude))
        codes = tuple(pattern.rpartition(".")[2] for pattern in stations.include)
        self._of_unknown_network = stations.model_copy(update={"include": codes})
        self._taken: dict[str, bool] = {}

    def takes(self, net: str, sta: str) -> bool:
        """True for a pick that takes part; `net` is empty where it is not known."""
        if net or not self._names_networks:
            return self._stations.takes(net, sta)
        if sta not in self._taken:
            self._taken[sta] = any(
                (self._stations if known else self._of_unknown_network).takes(known, sta)
                for known in self.networks.known(sta) or {""}
            )
        return self._taken[sta]


def _pick_parts(picks: list[dict[str, Any]]) -> dict[str, str]:
    """Number and content of the picks by station, with the row of the place that each was recorded at."""
    values: dict[str, list[str]] = defaultdict(list)
    for pick in picks:
        values[f"{pick['net']}.{pick['sta']}"] += [repr(pick.get(name)) for name in PART_FIELDS]
    number = len(PART_FIELDS)
    return {station: f"{len(of_station) // number} {digest(*of_station)}" for station, of_station in values.items()}


def _station_parts(stations: list[dict[str, Any]]) -> dict[str, str]:
    """Latitude, longitude (degrees) and elevation (km) by station, of all places that it has in the window."""
    places: dict[str, list[str]] = defaultdict(list)
    for station in stations:
        places[f"{station['net']}.{station['sta']}"] += [
            repr(station[name]) for name in ("latitude", "longitude", "elevation_km")
        ]
    return {station: " ".join(values) for station, values in places.items()}


def _shard(window: AssociationWindow) -> Shard:
    return Shard({}, window.starttime, window.endtime)
