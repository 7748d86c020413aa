"""Picking: waveforms of one station and shard -> picks. One task is one station for `shard_hours` of a UTC day."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pymongo.database import Database

from catalogdb.components import SLOTS, Axis
from catalogdb.identity import content_id, milliseconds
from catalogdb.jobs import Job
from catalogdb.ledger.parts import Parts, digest, fingerprint
from catalogdb.ledger.stage import Inputs, Output, PlannedTask, Shard
from catalogdb.picking.peak_table import joined
from catalogdb.picking.picker import Findings, Picker, load_picker
from catalogdb.picking.records import Records
from catalogdb.picking.selection import once_per_arrival
from catalogdb.picking.sensors import SensorChoice, Terms, Visit, choose_sensors, turned_axes
from catalogdb.probability.documents import hour_documents
from catalogdb.profile import timed
from catalogdb.stages.file_states import file_states
from catalogdb.waveforms.index import channel_group

REVISION = 4
FILES_NAMED = 300
"""A shard of more files than this doesn't keep a state of each in the ledger."""
PIECE_FIELDS = (
    *("net", "sta", "loc", "chan", "channel_group", "starttime", "endtime", "delta", "sampling_rate", "npts"),
    *("dir", "dfile", "foff", "nbytes", "file_id"),
)

Axes = Mapping[str, Sequence[Axis]]
"""Where channels point, by sensor."""


class PickStage:
    """Picks of one pick set."""

    name = "pick"
    collections = ("pick", "peak", "probability", "detection")

    def __init__(self, job: Job):
        self.job = job
        self.result = job.pick_set_name
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
        self.config_id = content_id(self.config)

        self.terms = Terms(
            job.pick.channel_priority,
            self.picker.shortest_run_seconds,
            job.pick.edge_guard_seconds,
            job.pick.min_separation_seconds,
            job.pick.bridge_samples,
            self.picker.padding_seconds,
        )

    @property
    def shard_seconds(self) -> float:
        """Length of one shard."""
        return self.job.pick.shard_hours * 3600.0

    def has_waveforms(self, db: Database) -> bool:
        """True when there are waveforms of the job's stations and period, or have been."""
        return next(self._pieces(db), None) is not None or next(self._known_shards(db), None) is not None

    def plan(self, db: Database) -> Iterable[PlannedTask]:
        """One task per selected station and shard that has waveforms, or had some."""
        for shard, parts in self.parts(db):
            yield PlannedTask(shard, fingerprint(parts))

    def parts(self, db: Database) -> Iterator[tuple[Shard, Parts]]:
        """The same shards, with the files that each is picked from and the sensors that there are."""
        pieces_by_shard: dict[tuple[str, str, float], list[dict]] = defaultdict(list)
        for piece in self._pieces(db):
            for start in self._shard_starts(piece["starttime"], piece["endtime"]):
                pieces_by_shard[piece["net"], piece["sta"], start].append(piece)
        known = set(self._known_shards(db))
        for key in known:
            pieces_by_shard.setdefault(key, [])
        states = file_states(db, (piece["file_id"] for pieces in pieces_by_shard.values() for piece in pieces))
        axes = _axes(db)
        for net, sta, start in sorted(pieces_by_shard, key=lambda key: (key[2], key[0], key[1])):
            pieces = pieces_by_shard[net, sta, start]
            shard = Shard({"net": net, "sta": sta}, start, start + self.shard_seconds)
            if self._inside(pieces, shard) or (net, sta, start) in known:
                choice = self._choose(pieces, axes.get((net, sta), {}), shard)
                yield shard, self._parts(choice, axes.get((net, sta), {}), states, shard)

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Decode and align the chosen sensors' waveforms, padded on both sides by what the picker needs.

        Raises:
            WaveformUnavailable: when a file can't be read; the task fails, and earlier picks stay.
        """
        from catalogdb.waveforms import read_traces

        self.picker.preload()
        reach = self.terms.reach_seconds
        station = {"net": shard.key["net"], "sta": shard.key["sta"]}
        near = {"starttime": {"$lt": shard.endtime + reach}, "endtime": {"$gte": shard.starttime - reach}}
        axes = _axes(db, station).get((station["net"], station["sta"]), {})
        choice = self._choose(list(db.wf_miniseed.find(station | near, _projection())), axes, shard)
        states = file_states(db, (piece["file_id"] for piece in choice.pieces))
        problems = list(choice.problems)
        visited: list[tuple[Visit, Records]] = []
        for visit in choice.visits:
            of_sensor = [piece for piece in choice.pieces if piece["channel_group"] == visit.channel_group]
            with timed("decode"):
                traces, failed = read_traces(of_sensor, visit.starttime, visit.endtime)
            problems += [line for line in failed if line not in problems]
            records = self.picker.prepare(traces, True, axes.get(visit.channel_group, ()))
            visited.append((visit, records))
        parts = self._parts(choice, axes, states, shard)
        return Inputs((visited, choice, problems), fingerprint(parts), parts)

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Pick, keep what the configuration says of peaks and probability, and give everything its identity."""
        visited, choice, problems = inputs.data
        counts: Counter = Counter(choice.counts)
        picks: list[dict[str, Any]] = []
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
        documents: dict[str, list[dict[str, Any]]] = {
            "pick": identified_picks(picks, self.config_id, self.result),
            "detection": [],
            "peak": [],
            "probability": [],
        }
        for sensor, findings in found.items():
            for name, rows in self._of_findings(findings, shard).items():
                documents[name] += self._of_sensor(rows, sensor)
        return Output(documents, dict(counts), choice.choices, problems, self.picker.backend_name)

    def _of_findings(self, of_sensor: list[tuple[Visit, Findings]], shard: Shard) -> dict[str, list[dict[str, Any]]]:
        """What is kept of one sensor besides its picks."""
        settings = self.job.pick
        documents = {"detection": [row for _, findings in of_sensor for row in findings.detections]}
        if settings.probability == "none":
            return documents
        with timed("encode"):
            times = [time for visit, _ in of_sensor for time in visit.times]
            whole = times == [(shard.starttime, shard.endtime)]
            table = joined([findings.peaks for _, findings in of_sensor], settings.peak_floor)
            peaks = {"starttime": shard.starttime, "endtime": shard.endtime, **table.to_document()}
            documents["peak"] = [peaks if whole else peaks | {"turns": [list(time) for time in times]}]
            floor = settings.probability_floor if settings.probability == "sparse" else 0.0
            traces = [trace for _, findings in of_sensor for trace in findings.probability]
            if not whole:
                traces = [trace.cut(*time) for trace in traces for time in times]
            documents["probability"] = hour_documents(traces, shard.starttime, shard.endtime, floor)
        return documents

    def _of_sensor(self, documents: list[dict[str, Any]], sensor: str) -> list[dict[str, Any]]:
        """The documents with their identity, by sensor and start."""
        net, sta, loc, _ = sensor.split(".")
        common = {"pick_set": self.result, "channel_group": sensor, "net": net, "sta": sta, "loc": loc}
        return [
            {
                "_id": content_id(self.config_id, sensor, milliseconds(document["starttime"])),
                **common,
                **document,
            }
            for document in documents
        ]

    # -- which waveforms

    def _pieces(self, db: Database) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {}
        reach = self.terms.reach_seconds
        if self.job.period:
            first, last = self._period()
            query = {"starttime": {"$lt": last + reach}, "endtime": {"$gte": first - reach}}
        for piece in db.wf_miniseed.find(query, _projection()):
            if self.job.stations.takes(piece["net"], piece["sta"]):
                yield piece

    def _known_shards(self, db: Database) -> Iterator[tuple[str, str, float]]:
        """Selected shards that are in the ledger: they are planned even when their waveforms are gone."""
        for row in db.task.find({"stage": self.name, "config_id": self.config_id}, {"shard": 1, "starttime": 1}):
            shard = row["shard"]
            if self.job.stations.takes(shard["net"], shard["sta"]) and self._in_period(row["starttime"]):
                yield shard["net"], shard["sta"], row["starttime"]

    def _period(self) -> tuple[float, float]:
        """The job's period, rounded outward to whole shards."""
        length = self.shard_seconds
        first = math.floor(self.job.period.starttime.timestamp() / length) * length
        return first, math.ceil(self.job.period.endtime.timestamp() / length) * length

    def _in_period(self, shard_start: float) -> bool:
        if self.job.period is None:
            return True
        first, last = self._period()
        return first <= shard_start < last

    def _shard_starts(self, starttime: float, endtime: float) -> Iterator[float]:
        """Shards in which the piece has a say."""
        reach, length = self.terms.reach_seconds, self.shard_seconds
        start = math.floor((starttime - reach) / length) * length
        while start <= endtime + reach:
            if self._in_period(start):
                yield start
            start += length

    @staticmethod
    def _inside(pieces: list[dict], shard: Shard) -> list[dict]:
        """Pieces with samples in the shard's own period, padding left out."""
        return [piece for piece in pieces if piece["starttime"] < shard.endtime and piece["endtime"] >= shard.starttime]

    def _choose(self, pieces: list[dict], axes: Axes, shard: Shard) -> SensorChoice:
        return choose_sensors(pieces, axes, (shard.starttime, shard.endtime), self.terms)

    def _parts(self, choice: SensorChoice, axes: Axes, states: dict[str, list[Any]], shard: Shard) -> Parts:
        """Files with size, digest and what of them is read; the choice of sensors; and where channels point, where
        that decides which of them is what."""
        read: dict[str, list[Any]] = defaultdict(list)
        for piece in choice.pieces:
            read[piece["file_id"]] += [piece["chan"], repr(piece["starttime"]), repr(piece["endtime"])]
            read[piece["file_id"]] += [piece["foff"], piece["nbytes"]]
        files = {}
        for file, extents in read.items():
            size, content = states.get(file, ("?", "?"))
            files[file] = f"{size} {content} {digest(*extents)}"
        if len(files) > FILES_NAMED:
            files = {"all": f"{len(files)} files {digest(files)}"}
        parts = {"file": files, "sensor": {"choice": digest(choice.choices)}}
        pad = self.picker.padding_seconds
        if decisive := turned_axes(choice.pieces, axes, shard.starttime - pad, shard.endtime + pad):
            parts["orientation"] = decisive
        return parts


def identified_picks(picks: list[dict[str, Any]], config_id: str, pick_set: str) -> list[dict[str, Any]]:
    """Picks as the `pick` collection wants them, but for what every stage's documents are given."""
    for pick in picks:
        pick["_id"] = content_id(config_id, pick["channel_group"], pick["phase"], milliseconds(pick["time"]))
        pick["pick_set"] = pick_set
    return picks


def _projection() -> dict[str, int]:
    return {name: 1 for name in PIECE_FIELDS} | {"_id": 0}


def _axes(db: Database, station: dict[str, str] | None = None) -> dict[tuple[str, str], Axes]:
    """Where the channels point whose codes don't say it, by station and sensor."""
    axes: dict[tuple[str, str], Axes] = defaultdict(lambda: defaultdict(list))
    query = (station or {}) | {"chan": {"$not": {"$regex": f"[{''.join(SLOTS)}]$"}}}
    fields = dict.fromkeys(("net", "sta", "loc", "chan", "starttime", "endtime", "hang", "vang"), 1)
    for row in db.channel.find(query, fields):
        group = channel_group(row["net"], row["sta"], row.get("loc") or "", row["chan"])
        axes[row["net"], row["sta"]][group].append(Axis.of(row))
    return axes
