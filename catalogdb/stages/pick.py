"""Picking: waveforms of one station and shard -> picks. One task is one station for `shard_hours` of a UTC day."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

from pymongo.database import Database

from catalogdb.identity import content_id, milliseconds
from catalogdb.jobs import Job
from catalogdb.ledger.parts import DIGITS, Parts, digest, fingerprint
from catalogdb.ledger.stage import Inputs, Output, PlannedTask, Shard
from catalogdb.picking.picker import Picker, load_picker
from catalogdb.probability.documents import hour_documents
from catalogdb.profile import timed
from catalogdb.stages.file_states import add_content
from catalogdb.stages.shards import pieces_by_shard
from catalogdb.stages.waveform_pieces import read_pieces

REVISION = 4
LEAST_COVERAGE = 0.5
"""A sensor is picked only where it covers at least this part of what the best-covered sensor does."""
FILES_NAMED = 300
"""A shard of more files than this doesn't keep a state of each in the ledger."""
PIECE_FIELDS = (
    *("net", "sta", "loc", "chan", "channel_group", "starttime", "endtime", "delta", "sampling_rate", "npts"),
    *("dir", "dfile", "foff", "nbytes", "file_id", "content"),
)
PLANNED_FIELDS = tuple(name for name in PIECE_FIELDS if name not in ("sampling_rate", "dir", "dfile"))
PIECES_TOGETHER = 10_000


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
        known = self._known_shards(db)
        for start, by_station in pieces_by_shard(
            self._pieces(db), known, self.shard_seconds, self.picker.padding_seconds, self._within()
        ):
            for (net, sta), (pieces, is_known) in sorted(by_station.items()):
                shard = Shard({"net": net, "sta": sta}, start, start + self.shard_seconds)
                if is_known or self._inside(pieces, shard):
                    yield shard, self._parts(pieces, shard)

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Decode and align the chosen sensor's waveforms, padded on both sides by what the picker needs.

        Raises:
            WaveformUnavailable: when a file can't be read or isn't what was indexed; the task fails, and earlier picks
            stay.
        """
        self.picker.preload()
        pad = self.picker.padding_seconds
        query = {
            "net": shard.key["net"],
            "sta": shard.key["sta"],
            "starttime": {"$lt": shard.endtime + pad},
            "endtime": {"$gte": shard.starttime - pad},
        }
        found = list(db.wf_miniseed.find(query, _projection(PIECE_FIELDS)))
        add_content(db, found)
        parts = self._parts(found, shard)
        pieces, choices = self._choose(found, shard)
        with timed("decode"):
            traces, problems = read_pieces(db, pieces, shard.starttime - pad, shard.endtime + pad)
        records = self.picker.prepare(traces, overwrite=True)
        return Inputs((records, choices, problems), fingerprint(parts), parts)

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Pick, keep what the configuration says of peaks and probability, and give everything its identity."""
        records, choices, problems = inputs.data
        result = self.picker.pick_records(records, shard.starttime, shard.endtime)
        findings = result.findings
        documents: dict[str, list[dict[str, Any]]] = {
            "pick": identified_picks(result.picks, self.config_id, self.result),
            "detection": self._of_sensor(findings.detections, findings.channel_group, "starttime"),
            "peak": [],
            "probability": [],
        }
        settings = self.job.pick
        if settings.probability != "none" and findings.channel_group is not None:
            with timed("encode"):
                peaks = {"starttime": shard.starttime, "endtime": shard.endtime, **findings.peaks.to_document()}
                documents["peak"] = self._of_sensor([peaks], findings.channel_group, "starttime")
                floor = settings.probability_floor if settings.probability == "sparse" else 0.0
                hours = hour_documents(findings.probability, shard.starttime, shard.endtime, floor)
                documents["probability"] = self._of_sensor(hours, findings.channel_group, "starttime")
        counts = dict(result.counts)
        if seconds := round(choices["seconds_on_other_sensors"]):
            counts["seconds_on_other_sensors"] = seconds
        if choices["channel_group"] is None and choices["not_in_priority"]:
            counts["no_sensor_in_priority"] = 1
            seen = ", ".join(choices["not_in_priority"])
            name = f"{shard.key['net']}.{shard.key['sta']}"
            problems = [*problems, f"{name}: not picked: channel_priority has none of its sensors: {seen}"]
        return Output(documents, counts, choices, [*problems, *result.problems], self.picker.backend_name)

    def _of_sensor(self, documents: list[dict[str, Any]], channel_group: str | None, time: str) -> list[dict[str, Any]]:
        """The documents with their identity, by sensor and the time in the field named."""
        if channel_group is None:
            return []
        net, sta, loc, _ = channel_group.split(".")
        common = {"pick_set": self.result, "channel_group": channel_group, "net": net, "sta": sta, "loc": loc}
        return [
            {"_id": content_id(self.config_id, channel_group, milliseconds(document[time])), **common, **document}
            for document in documents
        ]

    # -- which waveforms

    def _pieces(self, db: Database) -> Iterator[dict[str, Any]]:
        """Pieces of the job's stations and period, by start."""
        query: dict[str, Any] = {}
        pad = self.picker.padding_seconds
        if self.job.period:
            first, last = self._period()
            query = {"starttime": {"$lt": last + pad}, "endtime": {"$gte": first - pad}}
        rows = db.wf_miniseed.find(query, _projection(PLANNED_FIELDS)).sort("starttime", 1).batch_size(PIECES_TOGETHER)
        takes = self._taken()
        while batch := list(islice(rows, PIECES_TOGETHER)):
            taken = [piece for piece in batch if takes(piece["net"], piece["sta"])]
            add_content(db, taken)
            yield from taken

    def _known_shards(self, db: Database) -> Iterator[tuple[str, str, float]]:
        """Selected shards that are in the ledger, by start: they are planned even when their waveforms are gone."""
        query = {"stage": self.name, "config_id": self.config_id}
        takes = self._taken()
        fields = {"_id": 0, "shard.net": 1, "shard.sta": 1, "starttime": 1}
        for row in db.task.find(query, fields).sort("starttime", 1).batch_size(PIECES_TOGETHER):
            shard = row["shard"]
            if self._in_period(row["starttime"]) and takes(shard["net"], shard["sta"]):
                yield shard["net"], shard["sta"], row["starttime"]

    def _taken(self) -> Callable[[str, str], bool]:
        """Whether the job takes a station, looked up once for each."""
        return lru_cache(maxsize=None)(self.job.stations.takes)

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

    def _within(self) -> tuple[float, float]:
        """First and end of the shards' starts."""
        return self._period() if self.job.period else (-math.inf, math.inf)

    @staticmethod
    def _inside(pieces: list[dict], shard: Shard) -> list[dict]:
        """Pieces with samples in the shard's own period, padding left out."""
        return [piece for piece in pieces if piece["starttime"] < shard.endtime and piece["endtime"] >= shard.starttime]

    def _choose(self, pieces: list[dict], shard: Shard) -> tuple[list[dict], dict[str, Any]]:
        """The pieces of the one sensor that is picked, and how it was chosen.

        Of the sensors with data inside the shard those that cover at least `LEAST_COVERAGE` of what the best-covered
        one does; of these the best by channel priority, then by location code. Sensors that the priority does not name
        are not picked. A sensor covers what its best-covered component does.
        """
        inside: dict[str, list[dict]] = defaultdict(list)
        for piece in self._inside(pieces, shard):
            inside[piece["channel_group"]].append(piece)
        named = {name for name in inside if self._rank(name)[0] < len(self.job.pick.channel_priority)}
        coverage = {name: _coverage(inside[name], shard) for name in sorted(named, key=self._rank)}
        seconds = {name: _seconds(spans) for name, spans in coverage.items()}
        enough = LEAST_COVERAGE * max(seconds.values(), default=0.0)
        chosen = next((name for name in seconds if seconds[name] >= enough), None)
        choices = {
            "channel_group": chosen,
            "candidates": [{"channel_group": name, "seconds": round(seconds[name], 3)} for name in seconds],
            "not_in_priority": sorted(set(inside) - named),
            "seconds_on_other_sensors": 0.0,
        }
        if chosen:
            any_sensor = _seconds(_union(span for spans in coverage.values() for span in spans))
            choices["seconds_on_other_sensors"] = round(any_sensor - seconds[chosen], 3)
        order = ("chan", "starttime", "file_id", "foff")
        of_chosen = [piece for piece in pieces if piece["channel_group"] == chosen]
        return sorted(of_chosen, key=lambda piece: [piece[key] for key in order]), choices

    def _parts(self, pieces: list[dict], shard: Shard) -> Parts:
        """What of the chosen sensor's files is read, and the choice of the sensor where there is one."""
        groups = {piece["channel_group"] for piece in pieces}
        named = len(groups) == 1 and self._rank(*groups)[0] < len(self.job.pick.channel_priority)
        if named and self._inside(pieces, shard):  # nothing to choose: the sensor's pieces are all that decides
            return {"file": _file_parts(pieces)}
        chosen, choices = self._choose(pieces, shard)
        return {"file": _file_parts(chosen), "sensor": {"choice": digest(choices)}}

    def _rank(self, channel_group: str) -> tuple[int, str]:
        _, _, location, family = channel_group.split(".")
        priority = self.job.pick.channel_priority
        return (priority.index(family) if family in priority else len(priority), location)


def identified_picks(picks: list[dict[str, Any]], config_id: str, pick_set: str) -> list[dict[str, Any]]:
    """Picks as the `pick` collection wants them, but for what every stage's documents are given."""
    for pick in picks:
        pick["_id"] = content_id(config_id, pick["channel_group"], pick["phase"], milliseconds(pick["time"]))
        pick["pick_set"] = pick_set
    return picks


def _projection(fields: Iterable[str]) -> dict[str, int]:
    return {name: 1 for name in fields} | {"_id": 0}


def _coverage(pieces: list[dict], shard: Shard) -> list[tuple[float, float]]:
    """What the best-covered component of one sensor covers inside the shard: [start, end) in epoch seconds."""
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for piece in pieces:
        start, end = piece["starttime"], piece["endtime"] + piece["delta"]
        spans[piece["chan"]].append((max(start, shard.starttime), min(end, shard.endtime)))
    return max((_union(spans[chan]) for chan in sorted(spans)), key=_seconds)


def _union(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _seconds(spans: list[tuple[float, float]]) -> float:
    return sum(end - start for start, end in spans)


def _file_parts(pieces: list[dict]) -> dict[str, str]:
    """Files with size, digest and what of them is read."""
    extents: dict[str, list[str]] = defaultdict(list)
    for piece in pieces:
        if "extent" not in piece:  # a piece takes part in several shards
            piece["extent"] = _extent(piece)
        extents[piece["file_id"]].append(piece["extent"])
    files = {
        file: of_file[0] if len(of_file) == 1 else f"{of_file[0].rpartition(' ')[0]} {digest(*sorted(of_file))}"
        for file, of_file in extents.items()
    }
    if len(files) > FILES_NAMED:
        contents = sorted(set(files.values()))
        files = {"all": f"{len(contents)} files {digest(*contents)}"}
    return files


def _extent(piece: dict) -> str:
    place = f"{piece['channel_group']} {piece['chan']} {piece['foff']} {piece['nbytes']} {piece['npts']}"
    place += f" {piece['starttime']!r} {piece['endtime']!r} {piece['delta']!r}"
    return f"{piece['content']} {hashlib.sha256(place.encode()).hexdigest()[:DIGITS]}"
