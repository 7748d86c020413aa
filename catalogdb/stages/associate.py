"""Association: picks of one window -> origins with arrivals. One task is the core of one association window."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

from pymongo.database import Database

from catalogdb.association.config import AssociateConfig
from catalogdb.association.windows import AssociationWindow, association_windows
from catalogdb.database.named import require_pick_set
from catalogdb.documents.data import Origin, Pick
from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.geo import distance_azimuth
from catalogdb.identity import content_id, installed_versions
from catalogdb.jobs import Job
from catalogdb.ledger.parts import Change, Parts, digest, fingerprint
from catalogdb.ledger.stage import Inputs, Output, Reads, Shard, Stage
from catalogdb.stages import registry
from catalogdb.stages.association_notes import association_notes, association_outcome, time_notes
from catalogdb.stages.periods import Interval, covered, inside
from catalogdb.stages.pick_selection import PickSelection
from catalogdb.stages.recording import Recording
from catalogdb.stages.station_notes import require_picks
from catalogdb.stages.station_places import read_places
from catalogdb.stations.places import PlacedPick, StationPlaces, StationRow

PICK_FIELDS = (
    *("net", "sta", "phase", "time", "probability", "quality", "uncertainty", "hypo71_weight"),
    *("loc", "chan"),
)
PART_FIELDS = ("_id", "phase", "time", "probability", "quality", "uncertainty", "hypo71_weight", "place")
ASSOCIATOR_PACKAGES = {"gamma": ("GMMA", "scikit-learn"), "pyocto": ("pyocto",)}


def _tell_picks(change: Change) -> tuple[str, str]:
    before, now = (state.split()[0] if state else "none" for state in (change.before, change.now))
    return "picks", f"{change.name} {before} -> {now}" if before != now else f"{change.name} {now} others"


def _tell_station(change: Change) -> tuple[str, str]:
    if change.before is None:
        return "new station", change.name
    if change.now is None:
        return "station gone", change.name
    old, new = ([float(value) for value in state.split()] for state in (change.before, change.now))
    km = float(distance_azimuth(*old[:2], *new[:2])[0])
    moved = f"{km:.3f} km" if km else f"{(new[2] - old[2]) * 1000:+.0f} m of elevation"
    return "coordinates", f"{change.name} moved {moved}"


def _tell_period(change: Change) -> tuple[str, str]:
    start, end = (f"{datetime.fromtimestamp(float(value), UTC):%Y-%m-%dT%H:%M:%S}" for value in change.name.split())
    return "other period", f"{start} to {end}{change.how}"


class AssociateStage(Stage):
    """Origins of one catalog."""

    name = "associate"
    kind = "catalog"
    reads = (
        Reads(
            "pick",
            "picks",
            padding=lambda stage: stage.job.associate.overlap_seconds,
            takes=lambda stage, key: stage.job.stations.takes(key["net"], key["sta"]),
        ),
        Reads("site", "stations"),
        Reads("wf_miniseed", "waveforms", padding=lambda stage: stage.job.associate.overlap_seconds),
    )
    collections = ("origin",)
    settings = AssociateConfig
    words = {"pick": _tell_picks, "station": _tell_station, "period": _tell_period}
    verb = "associated"
    notes = staticmethod(association_notes)
    outcome = staticmethod(association_outcome)

    @classmethod
    def identity(cls, job: Job) -> Json:
        """The settings without those of associators that aren't used, and versions of the associator's packages."""
        used = job.associate.associator
        return {
            cls.name: job.associate.model_dump(mode="json", exclude=set(ASSOCIATOR_PACKAGES) - {used}),
            "versions": installed_versions(ASSOCIATOR_PACKAGES.get(used, ())),
        }

    def check(self, db: Database) -> None:
        """Refuse a job without coordinates of its stations, or without picks where it makes none.

        Raises:
            InputError: naming what to do.
        """
        if not any(self.job.stations.takes(row["net"], row["sta"]) for row in db.site.find({}, {"net": 1, "sta": 1})):
            raise InputError(
                f"job {self.job.name}: database {db.name!r} has no coordinates of its stations",
                hint="catalogdb ingest stations FILE; then check the job's stations",
            )
        if not registry.makes(self.job.stages, "pick_set"):
            require_pick_set(db, self.job.pick_set_name)
            require_picks(db, self.job)

    def before(self, to_do: int) -> list[str]:
        """Say where a quicker associator would do."""
        return time_notes(self.job.associate.associator, to_do)

    def parts(self, db: Database) -> Iterator[tuple[Shard, Parts]]:
        """Windows that have picks, or had some, with the picks of each station, the stations' coordinates, and where
        the period cuts them.

        Stations with data but without a pick take part too: what is derived from the network depends on them.
        """
        known = {
            (row["starttime"], row["endtime"])
            for row in db.task.find({"stage": self.name, "config_id": self.config_id}, {"starttime": 1, "endtime": 1})
        }
        windows, places = self._windows(db, known), read_places(db, takes=self.job.stations.takes)
        recording, period = Recording(db, self.job.pick_set_name, whole=True), self._period(db)
        for window, picks in zip(windows, self._picks_by_window(db, windows), strict=True):
            if picks or (window.starttime, window.endtime) in known:
                yield _shard(window), self._inputs(window, picks, places, recording, period).parts

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Fetch the picks of the window and its margins, and the stations that have data then."""
        window = self._window(shard)
        picks = list(self._picks(db, window.read_starttime, window.read_endtime))
        codes = {pick["sta"] for pick in picks}
        places = read_places(db, window.read_starttime, window.read_endtime, codes, self.job.stations.takes)
        return self._inputs(window, picks, places, Recording(db, self.job.pick_set_name), self._period(db))

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Associate, keep the events whose origin time lies in the core and in the period, and give them identities."""
        picks, stations, intervals, silent = inputs.data
        if not picks:
            return Output({"origin": []})
        from catalogdb.association.associate import associate

        core = shard.starttime, shard.endtime
        result = associate(picks, stations, self.job.region, self.job.associate, core)
        origins = [
            cast(Origin, origin)
            for origin in result.origins
            if any(start <= origin["time"] < end for start, end in intervals)
        ]
        for origin in origins:
            pick_ids = sorted(arrival["pick_id"] for arrival in origin["arrivals"])
            origin["event_id"] = content_id(self.config_id, pick_ids)
            origin["_id"] = content_id(self.config_id, origin["event_id"])
            origin["catalog"] = self.result
        counts = result.counts | {"events": len(origins)}
        if outside := len(result.origins) - len(origins):
            counts["events_outside_period"] = outside
        limits = Counter(limit for origin in origins for limit in origin.get("limits", ()))
        counts |= {f"events_at_{limit}": number for limit, number in limits.items()}
        return Output(
            {"origin": origins}, counts, problems=[*result.problems, *_of_other_networks(picks, stations, silent)]
        )

    def _period(self, db: Database) -> list[Interval] | None:
        """What the catalog covers, this job's period included; None where the job has none: all that there is."""
        if self.job.period is None:
            return None
        own = self.job.period.starttime.timestamp(), self.job.period.endtime.timestamp()
        held = db.catalog.find_one({"_id": self.result, "config_id": self.config_id}, {"periods": 1}) or {}
        return covered([*held.get("periods", ()), own])

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

    def _picks(self, db: Database, starttime: float, endtime: float) -> Iterator[Pick]:
        """The job's picks of [starttime, endtime), by time."""
        return job_picks(db, self.job, starttime, endtime)

    def _picks_by_window(self, db: Database, windows: list[AssociationWindow]) -> Iterator[list[Pick]]:
        """The picks that each window reads, for windows in order of time, from one pass over all picks."""
        if not windows:
            return
        picks = self._picks(db, windows[0].read_starttime, windows[-1].read_endtime)
        held: deque[Pick] = deque()
        ahead = next(picks, None)
        for window in windows:
            while ahead is not None and ahead["time"] < window.read_endtime:
                held.append(ahead)
                ahead = next(picks, None)
            while held and held[0]["time"] < window.read_starttime:
                held.popleft()
            yield list(held)

    def _inputs(
        self,
        window: AssociationWindow,
        picks: list[Pick],
        places: StationPlaces,
        recording: Recording,
        period: list[Interval] | None,
    ) -> Inputs:
        core = window.starttime, window.endtime
        in_operation, placed = places.rows(picks, *core) if picks else ([], [])
        stations = recording.take(in_operation, placed, window.read_starttime, window.read_endtime)
        silent = [station for station in in_operation if station not in stations]
        intervals = [core] if period is None else inside(period, *core)
        parts = {"pick": _pick_parts(placed), "station": _station_parts(stations)}
        if intervals != [core]:
            parts["period"] = {f"{start!r} {end!r}": "" for start, end in intervals}
        return Inputs((placed, stations, intervals, silent), fingerprint(parts), parts)


def job_picks(db: Database, job: Job, starttime: float, endtime: float) -> Iterator[Pick]:
    """The picks of [starttime, endtime) that a job takes, by time, with the networks that bulletins leave out."""
    selection = PickSelection(db, job.stations)
    query = {"pick_set": job.pick_set_name, "time": {"$gte": starttime, "$lt": endtime}}
    for pick in db.pick.find(query, dict.fromkeys(PICK_FIELDS, 1)).sort([("time", 1), ("_id", 1)]):
        if selection.takes(pick["net"], pick["sta"]):
            yield selection.networks.named(pick)


def _of_other_networks(picks: list[PlacedPick], stations: list[StationRow], silent: list[StationRow]) -> list[str]:
    """Problems of picks whose station has no coordinates, though one of its code without data has some."""
    from catalogdb.association.associate import other_network

    networks: dict[str, list[str]] = defaultdict(list)
    for station in silent:
        networks[station["sta"]].append(station["net"])
    placed = {(station["net"], station["sta"]) for station in stations}
    codes = sorted({(pick["net"], pick["sta"]) for pick in picks if pick["net"]} - placed)
    return [
        other_network(net, sta, networks[sta]) for net, sta in codes if sta in networks and net not in networks[sta]
    ]


def _pick_parts(picks: list[PlacedPick]) -> dict[str, str]:
    """Number and content of the picks by station, with the row of the place that each was recorded at."""
    values: dict[str, list[str]] = defaultdict(list)
    for pick in picks:
        values[f"{pick['net']}.{pick['sta']}"] += [repr(pick.get(name)) for name in PART_FIELDS]
    number = len(PART_FIELDS)
    return {station: f"{len(of_station) // number} {digest(*of_station)}" for station, of_station in values.items()}


def _station_parts(stations: list[StationRow]) -> dict[str, str]:
    """Latitude, longitude (degrees) and elevation (km) by station, of all places that it has in the window."""
    places: dict[str, list[str]] = defaultdict(list)
    for station in stations:
        places[f"{station['net']}.{station['sta']}"] += [
            repr(station[name]) for name in ("latitude", "longitude", "elevation_km")
        ]
    return {station: " ".join(values) for station, values in places.items()}


def _shard(window: AssociationWindow) -> Shard:
    return Shard({}, window.starttime, window.endtime)
