"""Event types: origins of one association window and the waveforms of their stations -> what kind of event each was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pymongo.database import Database

from catalogdb.batches import batches
from catalogdb.channels import SENSOR_PRIORITY, sensor_rank
from catalogdb.discrimination.config import REVISION, EventTypeConfig
from catalogdb.documents.data import Origin
from catalogdb.identity import content_id
from catalogdb.ledger.parts import DIGITS, Parts, digest, fingerprint, named
from catalogdb.ledger.stage import Inputs, Output, Reads, Shard, Stage
from catalogdb.phases import phase_type
from catalogdb.stages import registry
from catalogdb.stages.models import provide_weights
from catalogdb.stages.preferred import RULE_FIELDS, events_of, preferred_origin
from catalogdb.stages.waveform_segments import find_segments, identify, overlaps, read_intervals, waveform_parts

if TYPE_CHECKING:
    from catalogdb.discrimination.decide import StationRecord
    from catalogdb.picking.weights import WeightsFiles

REACH_SECONDS = 200.0
"""Waveforms are read so long after an origin: travel time of S at the largest distance, and what follows."""
BATCH_WINDOWS = 24
ORIGIN_FIELDS = (
    *("event_id", "time"),
    *(f"arrivals.{name}" for name in ("net", "sta", "phase", "time", "distance_km")),
)

Station = tuple[str, str]


@dataclass
class _Event:
    """One event with the stations that are asked, nearest first, each with the segments of its sensors, best first."""

    origin: Origin
    stations: list[StationRecord]
    segments: dict[Station, list[list[Any]]] = field(default_factory=dict)


class EventTypeStage(Stage):
    """Types of events of one catalog, by the windows of its association."""

    name = "event_type"
    kind = "catalog"
    reads = (
        Reads("origin", "origins"),
        Reads("wf_miniseed", "waveforms", padding=lambda stage: REACH_SECONDS),
    )
    collections = copied = ("event_type",)
    settings = EventTypeConfig
    revision = REVISION
    words = {
        "origin": named("origins"),
        "waveform": named("waveforms"),
        "weights": named("other weights for event types"),
    }
    verb = "classified"

    def check(self, db: Database) -> None:
        """Refuse a job whose weights aren't there, or are of another kind of network."""
        from catalogdb.discrimination.classifier import check_weights

        check_weights(self._weights(db))

    def parts(self, db: Database) -> Iterator[tuple[Shard, Parts]]:
        """Windows that were associated, or that have types of an earlier run, with their origins and waveforms."""
        either = [{"stage": {"$in": registry.makers("catalog")}, "status": "done"}, {"stage": self.name}]
        rows = db.task.find({"config_id": self.config_id, "$or": either}, {"starttime": 1, "endtime": 1})
        windows = sorted({(row["starttime"], row["endtime"]) for row in rows})
        weights = self._weights(db)
        for batch in batches((Shard({}, *window) for window in windows), BATCH_WINDOWS):
            for shard, events in zip(batch, self._gather(db, batch), strict=True):
                yield shard, self._parts(events, weights)

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Fetch the window's origins, and decode the waveforms of their stations.

        Raises:
            WaveformUnavailable: when a file can't be read; the task fails, and earlier types stay.
        """
        weights = self._weights(db)
        (events,) = self._gather(db, [shard])
        problems: list[str] = []
        for event in events:
            for record in event.stations:
                sensors = []
                for segments in event.segments.get((record.net, record.sta), []):
                    traces, failed = read_intervals(db, segments, [record.interval])
                    sensors.append(traces)
                    problems += [problem for problem in failed if problem not in problems]
                record.traces, *record.others = sensors or [[]]
        parts = self._parts(events, weights)
        return Inputs((events, weights, problems), fingerprint(parts), parts)

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Classify each event, and give the documents their identities."""
        events, weights, problems = inputs.data
        if not events:
            return Output({"event_type": []})
        from catalogdb.discrimination.classifier import load_classifier
        from catalogdb.discrimination.decide import decide

        classifier = load_classifier(weights)
        about = {"name": self._config.weights, "sha256": weights.identity()["weights_sha256"]}
        documents, counts = [], defaultdict(int, {"events": len(events)})
        for event in events:
            found = decide(classifier, event.origin, event.stations, self._config)
            counts[found.document["decision"]] += 1
            if name := found.document.get("most_probable") if found.document["decision"] == "decided" else None:
                counts[f"found_{name}"] += 1
            for reason, number in found.reasons.items():
                counts[reason] += number
            identity = content_id(self.config_id, event.origin["event_id"], self.name)
            documents.append(found.document | {"_id": identity, "catalog": self.result, "weights": about})
        return Output({"event_type": documents}, dict(counts), {}, problems)

    @staticmethod
    def outcome(counts: Mapping[str, int]) -> tuple[str, list[str]]:
        """What the events were found to be, and what took votes away."""
        if not counts.get("events"):
            return "", []
        from catalogdb.discrimination.classes import CLASSES
        from catalogdb.discrimination.features import REASONS

        words = dict(zip(CLASSES, ("earthquakes", "explosions", "surface events"), strict=True))
        found = [f"{counts[f'found_{name}']} {words[name]}" for name in CLASSES if counts.get(f"found_{name}")]
        left = f"{counts['events'] - counts.get('decided', 0)} of {counts['events']} left open"
        said = f"types: {', '.join([*found, left])}"
        lost = [f"{counts[name]} {words}" for name, words in REASONS.items() if counts.get(name)]
        return said, [f"stations that don't vote on event types: {', '.join(lost)}"] if lost else []

    @property
    def _config(self) -> EventTypeConfig:
        return cast(EventTypeConfig, self.job.block(self.name))

    def _weights(self, db: Database) -> WeightsFiles:
        from catalogdb.discrimination.classifier import find_weights

        provide_weights(db, [self._config.weights])
        return find_weights(self._config.weights)

    def _gather(self, db: Database, shards: Sequence[Shard]) -> list[list[_Event]]:
        """Events of windows that follow one another, by one query per collection."""
        from catalogdb.discrimination.decide import station_records

        fields = dict.fromkeys((*ORIGIN_FIELDS, *RULE_FIELDS), 1) | {"_id": 0}
        first, last = shards[0].starttime, max(shard.endtime for shard in shards)
        found: list[tuple[float, _Event]] = []
        for origins in events_of(db, self.result, self.config_id, first, last, fields):
            origin = preferred_origin(origins)
            picked: dict[Station, dict[str, float]] = {}
            distances: dict[Station, float] = {}
            for arrival in origin.get("arrivals", []):
                if phase := phase_type(arrival["phase"]):
                    station = arrival.get("net", ""), arrival["sta"]
                    times = picked.setdefault(station, {})
                    times[phase] = min(arrival["time"], times.get(phase, arrival["time"]))
                    distances[station] = arrival.get("distance_km", float("inf"))
            stations = station_records(origin["time"], picked, distances, self._config.max_stations)
            found.append((origins[0]["time"], _Event(origin, stations)))
        self._add_segments(db, [event for _, event in found])
        return [[event for time, event in found if shard.starttime <= time < shard.endtime] for shard in shards]

    def _add_segments(self, db: Database, events: Sequence[_Event]) -> None:
        """Find what the sensors of the stations have recorded."""
        intervals = [record.interval for event in events for record in event.stations]
        if not intervals:
            return
        codes = sorted({record.sta for event in events for record in event.stations})
        nets = sorted({record.net for event in events for record in event.stations})
        rows = find_segments(db, {"net": {"$in": nets}, "sta": {"$in": codes}}, intervals)
        found = sorted(rows, key=lambda row: (row["channel_group"], row["chan"], row["starttime"], row["foff"]))
        identify(db, found)
        by_station: dict[Station, list[Any]] = defaultdict(list)
        for segment in found:
            by_station[segment["net"], segment["sta"]].append(segment)
        for event in events:
            for record in event.stations:
                sensors: dict[str, list[Any]] = defaultdict(list)
                for one in by_station[record.net, record.sta]:
                    if overlaps(one, *record.interval):
                        sensors[one["channel_group"]].append(one)
                order = sorted(sensors, key=lambda group: (sensor_rank(group, SENSOR_PRIORITY), group))
                event.segments[record.net, record.sta] = [sensors[group] for group in order]

    def _parts(self, events: Sequence[_Event], weights: WeightsFiles) -> Parts:
        if not events:
            return {"origin": {}}
        recorded: dict[str, list[Any]] = defaultdict(list)
        for event in events:
            for (net, sta), sensors in event.segments.items():
                recorded[f"{net}.{sta}"] += [segment for segments in sensors for segment in segments]
        return {
            "origin": {event.origin["event_id"]: digest(event.origin) for event in events},
            "waveform": waveform_parts(recorded),
            "weights": {self._config.weights: weights.digest[:DIGITS]},
        }
