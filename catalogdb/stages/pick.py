"""Picking: waveforms of one station and shard -> picks. One task is one station for `shard_hours` of a UTC day."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pymongo.database import Database

from catalogdb.batches import batches
from catalogdb.channels import channel_group, sensor_rank
from catalogdb.components import SLOTS, Axis
from catalogdb.documents.archive import WfMiniseed
from catalogdb.documents.data import PickFields
from catalogdb.documents.free import AnyDocument, Query
from catalogdb.errors import InputError
from catalogdb.identity import content_id, milliseconds
from catalogdb.jobs import Job, PickBlock
from catalogdb.ledger.parts import Change, Parts, digest, fingerprint, named
from catalogdb.ledger.stage import Inputs, Output, PlannedTask, Reads, Shard, Stage
from catalogdb.picking.findings import Findings
from catalogdb.picking.peak_table import joined
from catalogdb.picking.picker import Picker, load_picker
from catalogdb.picking.selection import once_per_arrival
from catalogdb.picking.sensors import SensorChoice, Terms, Visit, choose_sensors, turned_axes
from catalogdb.picking.stretches import Records
from catalogdb.picking.unpicked import picking_outcome
from catalogdb.probability.documents import hour_documents
from catalogdb.profile import timed
from catalogdb.stages import registry
from catalogdb.stages.file_states import add_extents, file_parts, file_states, tell_file
from catalogdb.stages.glance import NOTHING_SEEN, Place, Seen, glance, glances
from catalogdb.stages.pick_documents import identified_picks
from catalogdb.stages.shards import segments_by_shard
from catalogdb.stages.waveform_segments import read_segments

REVISION = 4
PLANNED_FIELDS = (
    *("_id", "net", "sta", "chan", "channel_group", "starttime", "endtime", "delta", "npts", "foff"),
    *("file_id", "extent", "extent_number"),
)
SEGMENT_FIELDS = (*PLANNED_FIELDS, "loc", "sampling_rate", "dir", "dfile", "nbytes", "format")
SEGMENTS_TOGETHER = 10_000
PERIODS_PER_QUERY = 100

Axes = Mapping[str, Sequence[Axis]]
"""Where channels point, by sensor."""


class PickStage(Stage):
    """Picks of one pick set."""

    name = "pick"
    kind = "pick_set"
    reads = (
        Reads("wf_miniseed", "waveforms", padding=lambda stage: stage.terms.reach_seconds),
        Reads("channel", "channel metadata"),
    )
    collections = ("pick", "peak", "probability", "detection")
    settings = PickBlock
    words = {
        "file": tell_file,
        "sensor": lambda change: ("other sensor", "what the station's sensors cover has changed"),
        "orientation": named("channel orientation"),
    }
    verb = "picked"
    outcome = staticmethod(picking_outcome)

    def __init__(self, job: Job, config_id: str | None = None):
        """`config_id` is left to the stage: it is that of its pick set."""
        super().__init__(job, "")
        self.picker: Picker = load_picker(job.pick)
        self.config = {
            "stage": self.name,
            "pick_set": self.result,
            "revision": REVISION,
            "settings": job.pick.scientific(),
            "channel_priority": job.pick.channel_priority,
            "shard_hours": job.pick.shard_hours,
            "picker": self.picker.identity(),
        }
        for other in registry.stages_of(job.stages, self.kind):
            if other is not PickStage:
                self.config |= other.identity(job)
        self.config_id = content_id(self.config)
        self.terms = Terms(
            job.pick.channel_priority,
            self.picker.shortest_stretch_seconds,
            job.pick.edge_guard_seconds,
            job.pick.min_separation_seconds,
            job.pick.bridge_samples,
            self.picker.padding_seconds,
        )

    @classmethod
    def telling(cls, changes: Sequence[Change]) -> Iterable[Change]:
        """Other files mean other seconds of each sensor, which goes without saying."""
        is_file = any(change.kind == "file" for change in changes)
        return [change for change in changes if not (is_file and change.kind == "sensor")]

    @property
    def shard_seconds(self) -> float:
        """Length of one shard."""
        return self.job.pick.shard_hours * 3600.0

    def check(self, db: Database) -> None:
        """Refuse a job of whose stations and period there are no waveforms, and have been none.

        Raises:
            InputError: naming what to do.
        """
        if next(self._segments(db), None) is None and not self._done(db):
            raise InputError(
                f"job {self.job.name}: no waveforms of its stations and period are indexed in database {db.name!r}",
                hint="catalogdb ingest waveforms PATH; then check the job's stations and period",
            )

    def plan(self, db: Database) -> Iterator[PlannedTask]:
        """One task per selected station and shard that has waveforms, or had some. Segments are looked at only where
        the index is not what it was when the task was done."""
        index, done = self._glances(db), self._done(db)
        for place in _unchanged(index, done):
            yield PlannedTask(self._shard(place), done[place][0] or "")
        for shard, parts in self._changed(db, index, done):
            place = shard.key["net"], shard.key["sta"], shard.starttime
            yield PlannedTask(shard, fingerprint(parts), index.get(place, NOTHING_SEEN).glance)

    def parts(self, db: Database) -> Iterator[tuple[Shard, Parts]]:
        """The same shards, with the files that each is picked from and the sensors that there are."""
        known = sorted(self._done(db), key=lambda place: place[2])
        return self._parts_of(db, self._segments(db), known, lambda place: True)

    def changed_parts(self, db: Database) -> Iterator[tuple[Shard, Parts]]:
        """Those of them where the index is not what it was when the task was done, or the task is not done."""
        index = self._glances(db)
        return self._changed(db, index, self._done(db))

    def _changed(
        self, db: Database, index: Mapping[Place, Seen], done: Mapping[Place, tuple[str | None, str | None]]
    ) -> Iterator[tuple[Shard, Parts]]:
        inside = {place for place, seen in index.items() if seen.inside}
        changed = (inside | done.keys()) - _unchanged(index, done)
        if not changed:
            return iter(())
        known = sorted(changed & done.keys(), key=lambda place: place[2])
        return self._parts_of(db, self._segments(db, changed), known, changed.__contains__)

    def _parts_of(
        self, db: Database, segments: Iterator[WfMiniseed], known: list[Place], wanted: Callable[[Place], bool]
    ) -> Iterator[tuple[Shard, Parts]]:
        axes = _axes(db)
        for start, by_station in segments_by_shard(
            segments, known, self.shard_seconds, self.terms.reach_seconds, self._within()
        ):
            for (net, sta), (of_shard, is_known) in sorted(by_station.items()):
                shard = self._shard((net, sta, start))
                if wanted((net, sta, start)) and (is_known or self._inside(of_shard, shard)):
                    yield shard, self._parts(of_shard, axes.get((net, sta), {}), shard)

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Decode and align the chosen sensors' waveforms, padded on both sides by what the picker needs.

        Raises:
            WaveformUnavailable: when a file can't be read or isn't what was indexed; the task fails, and earlier picks
            stay.
        """
        self.picker.preload()
        reach = self.terms.reach_seconds
        station = {"net": shard.key["net"], "sta": shard.key["sta"]}
        near = {"starttime": {"$lt": shard.endtime + reach}, "endtime": {"$gte": shard.starttime - reach}}
        axes = _axes(db, station).get((station["net"], station["sta"]), {})
        found = list(db.wf_miniseed.find(station | near, _projection(SEGMENT_FIELDS)))
        add_extents(db, found)
        choice = self._choose(found, axes, shard)
        states = file_states(db, (segment["file_id"] for segment in choice.segments))
        problems = list(choice.problems)
        visited: list[tuple[Visit, Records]] = []
        for visit in choice.visits:
            of_sensor = [segment for segment in choice.segments if segment["channel_group"] == visit.channel_group]
            with timed("decode"):
                traces, failed = read_segments(db, of_sensor, visit.starttime, visit.endtime, states)
            problems += [line for line in failed if line not in problems]
            records = self.picker.prepare(traces, True, axes.get(visit.channel_group, ()))
            visited.append((visit, records))
        parts = self._parts(found, axes, shard, choice)
        return Inputs((visited, choice, problems), fingerprint(parts), parts, glance(found, axes))

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Pick, keep what the configuration says of peaks and probability, and give everything its identity."""
        visited, choice, problems = inputs.data
        counts: Counter = Counter(choice.counts)
        picks: list[PickFields] = []
        found: dict[str, list[tuple[Visit, Findings]]] = defaultdict(list)
        for visit, records in visited:
            result = self.picker.pick_records(records, visit.times)
            counts.update(result.counts)
            problems += result.problems
            picks += result.picks
            if result.findings.channel_group is not None:
                found[visit.channel_group].append((visit, result.findings))
        picks, dropped = once_per_arrival(picks, self.job.pick)
        counts.update(dropped)
        documents: dict[str, list[Any]] = {
            "pick": identified_picks(picks, self.config_id, self.result),
            "detection": [],
            "peak": [],
            "probability": [],
        }
        for sensor, findings in found.items():
            for name, rows in self._of_findings(findings, shard).items():
                documents[name] += self._of_sensor(rows, sensor)
        return Output(documents, dict(counts), choice.choices, problems, self.picker.backend_name)

    def _of_findings(self, of_sensor: list[tuple[Visit, Findings]], shard: Shard) -> dict[str, list[Any]]:
        """What is kept of one sensor besides its picks."""
        settings = self.job.pick
        detections = [row for _, findings in of_sensor for row in findings.detections]
        documents: dict[str, list[Any]] = {"detection": detections}
        if settings.probability == "none":
            return documents
        with timed("encode"):
            times = [time for visit, _ in of_sensor for time in visit.times]
            whole = times == [(shard.starttime, shard.endtime)]
            table = joined([findings.peaks for _, findings in of_sensor], settings.peak_floor)
            peaks = table.to_document(shard.starttime, shard.endtime)
            documents["peak"] = [peaks]
            floor = settings.probability_floor if settings.probability == "sparse" else 0.0
            traces = [trace for _, findings in of_sensor for trace in findings.probability]
            if not whole:
                peaks["turns"] = [list(time) for time in times]
                traces = [trace.cut(*time) for trace in traces for time in times]
            documents["probability"] = hour_documents(traces, shard.starttime, shard.endtime, floor)
        return documents

    def _of_sensor(self, documents: list[Any], sensor: str) -> list[AnyDocument]:
        """The documents with their identity, by sensor and start."""
        net, sta, loc, _ = sensor.split(".")
        common = {"pick_set": self.result, "channel_group": sensor, "net": net, "sta": sta, "loc": loc}
        return [
            {"_id": content_id(self.config_id, sensor, milliseconds(document["starttime"])), **common, **document}
            for document in documents
        ]

    # -- which waveforms

    def _segments(self, db: Database, places: Collection[Place] = ()) -> Iterator[WfMiniseed]:
        """Segments of the job's stations and period, by start; with `places` few more than those that reach into these
        shards."""
        query = self._query() | (self._around(places) if places else {})
        rows = (
            db.wf_miniseed.find(query, _projection(PLANNED_FIELDS)).sort("starttime", 1).batch_size(SEGMENTS_TOGETHER)
        )
        takes = self._taken()
        for batch in batches(rows, SEGMENTS_TOGETHER):
            taken = [segment for segment in batch if takes(segment["net"], segment["sta"])]
            add_extents(db, taken)
            yield from taken

    def _query(self) -> Query:
        """Segments that reach into the job's period."""
        return self._reaching(*self._period()) if self.job.period else {}

    def _reaching(self, first: float, last: float) -> Query:
        """Segments that reach into shards from a first start to a last end."""
        reach = self.terms.reach_seconds
        return {"starttime": {"$lt": last + reach}, "endtime": {"$gte": first - reach}}

    def _around(self, places: Collection[Place]) -> Query:
        """Segments of the stations of shards, around their times."""
        length = self.shard_seconds
        starts = sorted({start for _, _, start in places})
        firsts = [start for before, start in zip([-math.inf, *starts], starts, strict=False) if start > before + length]
        lasts = [start for start, after in zip(starts, [*starts[1:], math.inf], strict=True) if after > start + length]
        periods = list(zip(firsts, lasts, strict=True))
        if len(periods) > PERIODS_PER_QUERY:
            periods = [(starts[0], starts[-1])]
        stations = {"sta": {"$in": sorted({sta for _, sta, _ in places})}}
        return stations | {"$or": [self._reaching(first, last + length) for first, last in periods]}

    def _glances(self, db: Database) -> dict[Place, Seen]:
        """What the index holds of each shard."""
        takes, length, reach = self._taken(), self.shard_seconds, self.terms.reach_seconds
        return {
            place: seen
            for place, seen in glances(db, self._query(), length, reach, _axes(db))
            if self._in_period(place[2]) and takes(*place[:2])
        }

    def _done(self, db: Database) -> dict[Place, tuple[str | None, str | None]]:
        """Selected shards that are in the ledger (they are planned even when their waveforms are gone), with
        fingerprint and glance of those that are done."""
        query = {"stage": self.name, "config_id": self.config_id}
        takes = self._taken()
        fields = ("shard.net", "shard.sta", "starttime", "status", "fingerprint", "glance")
        rows = {}
        for row in db.task.find(query, _projection(fields)).batch_size(SEGMENTS_TOGETHER):
            shard = row["shard"]
            if self._in_period(row["starttime"]) and takes(shard["net"], shard["sta"]):
                is_done = row["status"] == "done"
                seen = (row.get("fingerprint"), row.get("glance")) if is_done else (None, None)
                rows[shard["net"], shard["sta"], row["starttime"]] = seen
        return rows

    def _taken(self) -> Callable[[str, str], bool]:
        """Whether the job takes a station, looked up once for each."""
        return lru_cache(maxsize=None)(self.job.stations.takes)

    def _period(self) -> tuple[float, float]:
        """The job's period, rounded outward to whole shards."""
        length = self.shard_seconds
        first = math.floor(self.job.period.starttime.timestamp() / length) * length
        return first, math.ceil(self.job.period.endtime.timestamp() / length) * length

    def _shard(self, place: Place) -> Shard:
        net, sta, start = place
        return Shard({"net": net, "sta": sta}, start, start + self.shard_seconds)

    def _in_period(self, shard_start: float) -> bool:
        if self.job.period is None:
            return True
        first, last = self._period()
        return first <= shard_start < last

    def _within(self) -> tuple[float, float]:
        """First and end of the shards' starts."""
        return self._period() if self.job.period else (-math.inf, math.inf)

    @staticmethod
    def _inside(segments: list[WfMiniseed], shard: Shard) -> list[WfMiniseed]:
        """Segments with samples in the shard's own period, padding left out."""
        return [
            segment
            for segment in segments
            if segment["starttime"] < shard.endtime and segment["endtime"] >= shard.starttime
        ]

    def _choose(self, segments: list[WfMiniseed], axes: Axes, shard: Shard) -> SensorChoice:
        return choose_sensors(segments, axes, (shard.starttime, shard.endtime), self.terms)

    def _parts(self, segments: list[WfMiniseed], axes: Axes, shard: Shard, choice: SensorChoice | None = None) -> Parts:
        """What is read of the files; the choice of sensors, where there is one; and where channels point, where that
        decides which of them is what."""
        if self._leaves_no_choice(segments, shard):
            return {"file": file_parts(segments)}
        choice = choice or self._choose(segments, axes, shard)
        parts = {"file": file_parts(choice.segments), "sensor": {"choice": digest(choice.choices)}}
        pad = self.picker.padding_seconds
        if decisive := turned_axes(choice.segments, axes, shard.starttime - pad, shard.endtime + pad):
            parts["orientation"] = decisive
        return parts

    def _leaves_no_choice(self, segments: list[WfMiniseed], shard: Shard) -> bool:
        """True for one sensor that points up, north and east: its segments alone decide what is picked, and when."""
        names = {(segment["channel_group"], segment["chan"]) for segment in segments}
        if not self._inside(segments, shard):
            return False
        return self._are_plain(frozenset(names))

    @lru_cache(maxsize=100_000)  # noqa: B019  a stage lives as long as its run
    def _are_plain(self, names: frozenset[tuple[str, str]]) -> bool:
        """Whether channels (sensor, code) are of one sensor of the priorities, and all point up, north or east."""
        groups = {group for group, _ in names}
        if len(groups) != 1:
            return False
        is_named = sensor_rank(groups.pop(), self.terms.priority)[0] < len(self.terms.priority)
        return is_named and all(chan[-1:] in SLOTS for _, chan in names)


def _unchanged(index: Mapping[Place, Seen], done: Mapping[Place, tuple[str | None, str | None]]) -> set[Place]:
    """Shards that are done, of which the index holds what it held then."""
    return {
        place for place, (made, seen) in done.items() if made and seen and index.get(place, NOTHING_SEEN).glance == seen
    }


def _projection(fields: Iterable[str]) -> dict[str, int]:
    return {"_id": 0} | dict.fromkeys(fields, 1)


def _axes(db: Database, station: dict[str, str] | None = None) -> Mapping[tuple[str, str], Axes]:
    """Where the channels point whose codes don't say it, by station and sensor."""
    axes: dict[tuple[str, str], dict[str, list[Axis]]] = defaultdict(lambda: defaultdict(list))
    query = (station or {}) | {"chan": {"$not": {"$regex": f"[{''.join(SLOTS)}]$"}}}
    fields = dict.fromkeys(("net", "sta", "loc", "chan", "starttime", "endtime", "hang", "vang"), 1)
    for row in db.channel.find(query, fields):
        group = channel_group(row["net"], row["sta"], row.get("loc") or "", row["chan"])
        axes[row["net"], row["sta"]][group].append(Axis.of(row))
    return axes
