"""Location: origins of a whole catalog -> a further origin of each event by its probability density, station terms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from pymongo.database import Database

from catalogdb.documents.data import Origin, StationTerm
from catalogdb.identity import content_id
from catalogdb.ledger.parts import DIGITS, Parts, digest, fingerprint, named
from catalogdb.ledger.stage import Inputs, Output, Reads, Shard, Stage
from catalogdb.location.config import METHOD, LocateConfig
from catalogdb.stages.arrival_places import associated_origins, described, sensor_parts
from catalogdb.stages.velocity_models import model_id, velocity_model
from catalogdb.times import ALWAYS

REVISION = 3
WHOLE_CATALOG = Shard({}, *ALWAYS)  # errors and terms are of the catalog, whatever is added


class LocateStage(Stage):
    """Origins by method `nonlinear` of one catalog, and its station terms; one task for all of it."""

    name = "locate"
    kind = "catalog"
    reads = (
        Reads("origin", "origins"), Reads("pick", "picks"), Reads("site", "stations"),
        Reads("velocity_model", "velocity models", optional=True),
    )  # fmt: skip
    collections = ("origin", "station_term")
    settings = LocateConfig
    revision = REVISION
    words = {"origin": named("origins"), "station": named("coordinates"), "model": named("velocity model")}
    verb = "located"

    def parts(self, db: Database) -> Iterator[tuple[Shard, Parts]]:
        """The catalog as a whole, with its events of each day as they were associated, and the places of its
        sensors."""
        inputs = self._inputs(db)
        if inputs.data[0] or db.task.find_one({"stage": self.name, "config_id": self.config_id}, {"_id": 1}):
            yield WHOLE_CATALOG, inputs.parts

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Fetch the events as they were associated, with what their picks and sensors say."""
        inputs, name = self._inputs(db), self._config.velocity_model
        model = velocity_model(db, name) if name else None
        return Inputs((*inputs.data, model), inputs.fingerprint, inputs.parts)

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Locate all events, and give the origins and terms their identities."""
        origins, arrivals, model = inputs.data
        if not origins:
            return Output({"origin": [], "station_term": []})
        from catalogdb.location.documents import Placed, locate_origins

        associate, config = self.job.associate, self._config
        given = config.velocity or associate.location_velocity or associate.velocity
        result = locate_origins(
            origins,
            [[Placed(**arrival) for arrival in event] for event in arrivals],
            self.job.region,
            associate.search_margin_km,
            given if model is None else model,
            config,
        )
        for origin in result.origins:
            origin |= {"_id": content_id(self.config_id, origin["event_id"], METHOD), "catalog": self.result}
        for term in result.terms:
            identity = content_id(self.config_id, term["net"], term["sta"], term["phase"])
            term |= {"_id": identity, "catalog": self.result}
        documents: dict[str, list[Any]] = {
            "origin": cast(list[Origin], result.origins),
            "station_term": cast(list[StationTerm], result.terms),
        }
        return Output(documents, result.counts)

    @staticmethod
    def outcome(counts: Mapping[str, int]) -> tuple[str, list[str]]:
        """Events with an origin of their own by probability density; the notes say of the others."""
        return (f"{counts['located']} events located" if counts.get("located") else ""), []

    @staticmethod
    def notes(counts: Mapping[str, int], done: int, planned: int) -> list[str]:
        """Say which events have no further origin, and why."""
        reasons = {"too_few_arrivals": "fewer than 4 arrivals", "one_station": "arrivals of one station alone"}
        return [
            f"{counts[f'refused_{name}']} events keep their associator's location: {words}"
            for name, words in reasons.items()
            if counts.get(f"refused_{name}")
        ]

    def check(self, db: Database) -> None:
        """Refuse a job that names a velocity model that isn't there."""
        if name := self._config.velocity_model:
            model_id(db, name)

    @property
    def _config(self) -> LocateConfig:
        return cast(LocateConfig, self.job.block(self.name))

    def _inputs(self, db: Database) -> Inputs:
        origins, placed = associated_origins(db, {"catalog": self.result, "config_id": self.config_id})
        arrivals = [[described(own) for own in event] for event in placed]
        of_day: dict[str, list[str]] = defaultdict(list)  # a part for each event is more than a row of `task` holds
        for origin, event in zip(origins, arrivals, strict=True):
            of_day[_day(origin["time"])].append(digest(origin, [arrival["precision"] for arrival in event]))
        parts: Parts = {
            "origin": {day: digest(*sorted(found)) for day, found in of_day.items()},
            "station": sensor_parts(own for event in placed for own in event),
        }
        if name := self._config.velocity_model:
            parts["model"] = {name: model_id(db, name)[:DIGITS]}
        return Inputs((origins, arrivals), fingerprint(parts), parts)


def _day(time: float) -> str:
    """UTC day of a time (epoch seconds)."""
    return datetime.fromtimestamp(time, UTC).date().isoformat()
