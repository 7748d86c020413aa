"""A stage in one file of its own, as docs/how-to/add-a-stage.md shows it: how many events a catalog has each day."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pymongo.database import Database

from catalogdb.identity import content_id
from catalogdb.ledger.parts import Parts, digest, fingerprint, named
from catalogdb.ledger.stage import Inputs, Output, Reads, Shard, Stage

DAY = 86400.0
EVENT_FIELDS = {"time": 1, "n_picks": 1}


class RateSettings(BaseModel):
    """The block `rate` of a job."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    min_picks: int = Field(1, ge=1, description="Events of fewer picks don't count.")


class RateStage(Stage):
    """Number of events of each UTC day."""

    name = "rate"
    kind = "catalog"
    reads = (Reads("event", "events"),)
    collections = ("rate",)
    settings = RateSettings
    words = {"event": named("events")}
    verb = "counted"

    def parts(self, db: Database) -> Iterator[tuple[Shard, Parts]]:
        """One shard for each day that has events, or had some."""
        own = {"config_id": self.config_id}
        days: dict[float, list[dict[str, Any]]] = defaultdict(list)
        for row in db.task.find(own | {"stage": self.name}, {"starttime": 1}):
            days[row["starttime"]] = []
        for event in db.event.find(own | {"catalog": self.result}, EVENT_FIELDS):
            days[event["time"] // DAY * DAY].append(event)
        for start, events in sorted(days.items()):
            yield Shard({}, start, start + DAY), event_parts(events)

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Fetch the day's events."""
        query = {"catalog": self.result, "config_id": self.config_id}
        query["time"] = {"$gte": shard.starttime, "$lt": shard.endtime}
        events = list(db.event.find(query, EVENT_FIELDS))
        parts = event_parts(events)
        return Inputs(events, fingerprint(parts), parts)

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Count them."""
        least = self.job.block(self.name).min_picks
        number = sum(event["n_picks"] >= least for event in inputs.data)
        rate = {"_id": content_id(self.config_id, shard.starttime), "catalog": self.result}
        rate |= {"starttime": shard.starttime, "events": number}
        return Output({"rate": [rate]}, {"events_counted": number})


def event_parts(events: Iterable[dict[str, Any]]) -> Parts:
    """State of each event, by its id."""
    return {"event": {event["_id"]: digest(event["time"], event["n_picks"]) for event in events}}
