"""Assembly: origins, magnitudes and types of one window -> whole events, what people query and export."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from pymongo.database import Database

from catalogdb.batches import batches
from catalogdb.documents.data import Event, EventType, Magnitude, Origin
from catalogdb.documents.free import AnyDocument, Json
from catalogdb.jobs import Job
from catalogdb.ledger.parts import Parts, digest, fingerprint, named
from catalogdb.ledger.stage import Inputs, Output, Reads, Shard, Stage
from catalogdb.stages import registry
from catalogdb.stages.preferred import events_of, preferred_origin, rule_of
from catalogdb.stages.results import name_of_identity
from catalogdb.version import __version__

BATCH_WINDOWS = 100
"""So many windows are planned together, with one query per collection."""
TYPE_FIELDS = {"_id": 0, "event_id": 1, "type": 1, "probability": 1}
TYPE_RULE = "waveforms"
FROM_ORIGIN = ("time", "latitude", "longitude", "depth_km", "n_picks", "n_p", "n_s", "rms", "azimuthal_gap", "limits")


class AssembleStage(Stage):
    """Events of one catalog, by the windows of its association."""

    name = "assemble"
    kind = "catalog"
    reads = (
        Reads("origin", "origins"),
        Reads("magnitude", "magnitudes", optional=True),
        Reads("event_type", "event types", optional=True),
    )
    collections = ("event",)
    is_implied = True
    words = {"origin": named("origins"), "magnitude": named("magnitudes"), "event_type": named("event types")}
    verb = "assembled"

    @classmethod
    def identity(cls, job: Job) -> Json:
        """Nothing of its own: the catalog's revision stands for it."""
        return {}

    def parts(self, db: Database) -> Iterator[tuple[Shard, Parts]]:
        """Windows that were associated, with the origin and the magnitudes of each event."""
        query = {"config_id": self.config_id, "stage": {"$in": registry.makers("catalog")}, "status": "done"}
        rows = db.task.find(query, {"starttime": 1, "endtime": 1}).sort("starttime", 1)
        windows = (Shard({}, row["starttime"], row["endtime"]) for row in rows)
        for batch in batches(windows, BATCH_WINDOWS):
            for shard, inputs in zip(batch, self._gather(db, batch), strict=True):
                yield shard, inputs.parts

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Fetch the window's origins and their magnitudes."""
        (inputs,) = self._gather(db, [shard])
        return inputs

    def _gather(self, db: Database, shards: Sequence[Shard]) -> list[Inputs]:
        """Inputs of windows that follow one another, by one query per collection."""
        last = max(shard.endtime for shard in shards)
        events = events_of(db, self.result, self.config_id, shards[0].starttime, last, {"task_id": 0})
        magnitudes: dict[str, list[Magnitude]] = defaultdict(list)
        types: dict[str, EventType] = {}
        if events:
            query = {"event_id": {"$in": [origins[0]["event_id"] for origins in events]}}
            for magnitude in db.magnitude.find(query, {"task_id": 0}).sort("_id", 1):
                magnitudes[magnitude["event_id"]].append(magnitude)
            for decided in db.event_type.find(query | {"type": {"$exists": True}}, TYPE_FIELDS):
                types[decided["event_id"]] = decided
        times = [origins[0]["time"] for origins in events]
        name = name_of_identity(db, "catalog", self.result)
        return [
            _inputs(
                events[bisect_left(times, shard.starttime) : bisect_left(times, shard.endtime)], magnitudes, types, name
            )
            for shard in shards
        ]

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Put together each event."""
        of_events, magnitudes, types = inputs.data
        events = []
        for origins in of_events:
            name = origins[0]["event_id"]
            events.append(assemble_event(origins, magnitudes.get(name, []), types.get(name)))
        return Output(
            {"event": events}, {"events": len(events), "with_magnitude": sum("magnitude" in event for event in events)}
        )


def _inputs(
    events: list[list[Origin]], of_events: dict[str, list[Magnitude]], types: dict[str, EventType], name: str
) -> Inputs:
    """`name` stands in the digests in place of the catalog's own, which a rename changes."""
    named_so = {"catalog": name}
    names = [origins[0]["event_id"] for origins in events]
    magnitudes = {event: of_events[event] for event in names if event in of_events}
    own_types = {event: types[event] for event in names if event in types}
    parts = {
        "origin": {
            event: digest(*(origin | named_so for origin in origins))
            for event, origins in zip(names, events, strict=True)
        },
        "magnitude": {event: digest([row | named_so for row in rows]) for event, rows in magnitudes.items()},
    }
    if own_types:
        parts["event_type"] = {event: digest(found) for event, found in own_types.items()}
    return Inputs((events, magnitudes, own_types), fingerprint(parts), parts)


def assemble_event(origins: list[Origin], magnitudes: list[Magnitude], decided: EventType | None = None) -> Event:
    """Make an event document of its origins and its magnitudes, the first of which is preferred.

    Args:
        decided: what the waveforms say that it was, where they are sure enough (`TYPE_FIELDS` of `event_type`). Else an
            event of an associator counts as an earthquake, and nothing is said of how certain that is.
    """
    origin = preferred_origin(origins)
    event: AnyDocument = {
        "_id": origin["event_id"],
        "catalog": origin["catalog"],
        "event_type": "earthquake",
        "evaluation_mode": "automatic",
        "evaluation_status": "preliminary",
        "point": {"type": "Point", "coordinates": [origin["longitude"], origin["latitude"]]},
        "preferred_origin_id": origin["_id"],
        "origins": [_inner(origin) for origin in origins],
        "magnitudes": [_inner(magnitude) for magnitude in magnitudes],
        "creation_info": {"author": f"catalogdb {__version__}"},
    }
    fields: Mapping[str, Any] = origin
    event |= {name: fields[name] for name in FROM_ORIGIN if name in fields}
    if decided:
        event |= {"event_type": decided["type"], "event_type_certainty": "suspected", "event_type_rule": TYPE_RULE}
        event["event_type_probability"] = decided["probability"]
    if len(origins) > 1:
        event["preferred_origin_rule"] = rule_of(origins)
    if magnitudes:
        preferred = magnitudes[0]
        event |= {
            "magnitude": preferred["value"],
            "magnitude_type": preferred["type"],
            "preferred_magnitude_id": preferred["_id"],
        }
    return cast(Event, event)


def _inner(document: Mapping[str, Any]) -> AnyDocument:
    """What of an origin or magnitude is not said by the event that holds it."""
    return {key: value for key, value in document.items() if key not in ("catalog", "config_id", "event_id")}
