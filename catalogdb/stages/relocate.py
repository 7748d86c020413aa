"""Relocation: the located events of a catalog -> origins relative to their neighbours, and the differential times.

A task is one cluster: events that are linked by pairs. A new event makes the task of its own cluster stale, no other.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from pymongo.database import Database

from catalogdb.documents.data import Origin
from catalogdb.documents.free import Json
from catalogdb.identity import content_id
from catalogdb.ledger.parts import DIGITS, Parts, digest, fingerprint, named
from catalogdb.ledger.stage import Inputs, Output, Reads, Shard, Stage
from catalogdb.location.config import LocateConfig
from catalogdb.relocation.config import METHOD, RelocateConfig
from catalogdb.stages import registry
from catalogdb.stages.arrival_places import ORIGIN_FIELDS
from catalogdb.stages.preferred import FURTHER, RULE_FIELDS, events_of, preferred_origin
from catalogdb.stages.relocation_files import GivenTimes, file_stamps, read_given
from catalogdb.stages.relocation_inputs import Cluster, clusters_of, with_waveforms
from catalogdb.stages.velocity_models import model_id, velocity_model
from catalogdb.times import ALWAYS
from catalogdb.traveltimes.velocity import VelocityConfig

if TYPE_CHECKING:
    from catalogdb.relocation.documents import Correlated

REVISION = 2
KEPT_SECONDS = 300.0
"""Which events are together is looked up again after so long, or when tasks have made other origins or a file of given
times has changed: it takes all events."""


class RelocateStage(Stage):
    """Origins by method `double difference` of one catalog, by its clusters."""

    name = "relocate"
    kind = "catalog"
    reads = (
        Reads("origin", "origins"),
        Reads("pick", "picks"),
        Reads("site", "stations"),
        Reads("wf_miniseed", "waveforms", optional=True),
        Reads("velocity_model", "velocity models", optional=True),
    )
    collections = ("origin", "differential_time")
    settings = RelocateConfig
    revision = REVISION
    turn = 1
    words = {
        "origin": named("origins"),
        "station": named("coordinates"),
        "waveform": named("waveforms"),
        "given": named("times given"),
        "model": named("velocity model"),
    }
    verb = "relocated"

    def __init__(self, job: Any, config_id: str):
        super().__init__(job, config_id)
        self._kept = _Kept()

    @property
    def config(self) -> RelocateConfig:
        """Its block of the job."""
        return cast(RelocateConfig, self.job.block(self.name))

    def check(self, db: Database) -> None:
        """Refuse a job that names a velocity model that isn't there."""
        self._model(db)

    def parts(self, db: Database) -> Iterator[tuple[Shard, Parts]]:
        """The clusters, each with its events as they were located and the places of their sensors, and those that were
        once."""
        found = self._find(db)
        of_stage = {"stage": self.name, "config_id": self.config_id}
        before = {row["shard"]["cluster"] for row in db.task.find(of_stage, {"shard": 1})}
        for name in sorted(found.keys() | before):
            yield _shard(name), found.get(name, Cluster()).parts

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Fetch the events of one cluster; none where it is no cluster any more."""
        cluster = self._members(db, shard.key["cluster"])
        if self.config.correlate is not None and cluster.origins:
            cluster = with_waveforms(db, cluster, self.config.correlate)
        if cluster.origins and (name := self._model_name):
            cluster = replace(cluster, model=velocity_model(db, name))
        return Inputs(cluster, fingerprint(cluster.parts), cluster.parts)

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Relocate its events, and give origins and pairs their identities."""
        cluster: Cluster = inputs.data
        if not cluster.origins:
            return Output({"origin": [], "differential_time": []})
        from catalogdb.relocation.documents import relocate_origins

        correlated, counts = self._correlated(cluster)
        arrivals = cluster.arrivals
        if self._locate and not self._locate.elevations:  # stations stand where location had them
            arrivals = [[replace(arrival, elevation_km=0.0) for arrival in event] for event in arrivals]
        model = self._velocity() if cluster.model is None else cluster.model
        result = relocate_origins(
            cluster.origins,
            arrivals,
            self.job.region,
            model,
            self.config,
            correlated,
            self.job.associate.search_margin_km,
        )
        name = shard.key["cluster"]
        for origin in result.origins:
            identity = content_id(self.config_id, origin["event_id"], METHOD, name)
            origin |= {"_id": identity, "catalog": self.result, "earth_model_id": model.earth_model_id}
        for pair in result.pairs:
            identity = content_id(self.config_id, name, pair["first_event_id"], pair["second_event_id"])
            pair |= {"_id": identity, "catalog": self.result}
        documents: dict[str, list[Any]] = {"origin": result.origins, "differential_time": result.pairs}
        return Output(documents, result.counts | counts, problems=cluster.problems)

    @staticmethod
    def outcome(counts: Mapping[str, int]) -> tuple[str, list[str]]:
        """Events with an origin by double differences; the notes say of the others."""
        return (f"{counts['relocated']} events relocated" if counts.get("relocated") else ""), []

    @staticmethod
    def notes(counts: Mapping[str, int], done: int, planned: int) -> list[str]:
        """Say which events have no further origin, and which are held at the surface."""
        words = {
            "lost_all_links": "events keep their location: all their differential times are outliers",
            "events_at_mindepth": "relocated events are held at region.mindepth_km: their times would lift them higher",
        }
        return [f"{counts[name]} {text}" for name, text in words.items() if counts.get(name)]

    def report(self, db: Database) -> tuple[Json | None, list[str]]:
        """Say how many events have no neighbour, and how many times that were brought in fit none."""
        of_catalog = {"catalog": self.result}
        relocated = db.origin.count_documents(of_catalog | {"method": METHOD})
        alone = db.origin.count_documents(of_catalog | {"method": {"$nin": list(FURTHER)}}) - relocated
        config, notes = self.config, []
        neighbour = f"no neighbour within {config.max_separation_km:g} km with {config.min_links} arrivals in common"
        if alone:
            notes.append(f"{alone} events keep their location: {neighbour}, or no time that fits")
        words = {
            "of_other_events": "are of events that the catalog doesn't have within 2 s",
            "without_correction": "have no correction of origin times (OTC is -999)",
        }
        files = config.given_files
        given, apart = self._given(db) if any(files.values()) else (GivenTimes(), 0)
        if apart:
            notes.append(
                f"{apart} times of files are of events that are in no cluster together: {neighbour} links them"
            )
        counts = given.counts
        notes += [
            f"{counts[f'dt_{kind}_{name}']} times of dt_{kind} {text}"
            for kind in files
            for name, text in words.items()
            if counts.get(f"dt_{kind}_{name}")
        ]
        return None, notes

    def _correlated(self, cluster: Cluster) -> tuple[list[Correlated], dict[str, int]]:
        """Differential times that were brought in, and of the waveforms of linked events where the job correlates."""
        found, counts = cluster.given.among(cluster.origins, cluster.arrivals)
        if self.config.correlate is None or not cluster.waveforms:
            return found, counts
        from catalogdb.relocation.correlate import correlate_pairs
        from catalogdb.relocation.documents import linked_pairs

        pairs = linked_pairs(cluster.origins, cluster.arrivals, self.config)
        times = [origin["time"] for origin in cluster.origins]
        measured, more = correlate_pairs(pairs, cluster.waveforms, times, self.config.correlate)
        return [*found, *measured], counts | more

    def _velocity(self) -> VelocityConfig:
        """The model of the job, else that of the location that events start from."""
        associate, located = self.job.associate, self._locate and self._locate.velocity
        return self.config.velocity or located or associate.location_velocity or associate.velocity

    @property
    def _locate(self) -> LocateConfig | None:
        """How events were located that relocation starts from; None where the associator has done it."""
        return cast(LocateConfig, self.job.block("locate")) if "locate" in self.job.stages else None

    @property
    def _model_name(self) -> str | None:
        """Name of the model that events were located in; None where the job has another one here, or no named one."""
        return self._locate.velocity_model if self._locate and self.config.velocity is None else None

    def _model(self, db: Database) -> dict[str, str]:
        """Content id of that model by its name."""
        name = self._model_name
        return {name: model_id(db, name)[:DIGITS]} if name else {}

    def _find(self, db: Database) -> dict[str, Cluster]:
        """The clusters of the catalog by the ids of their first events."""
        state = self._state(db)
        origins = self._located(db)
        given = read_given(self.config.given_files, origins)
        found = clusters_of(db, origins, self.config, given, self._model(db))
        together = {name: frozenset(origin["event_id"] for origin in own.origins) for name, own in found.items()}
        self._kept = _Kept(state, time.monotonic(), together, given)
        return found

    def _members(self, db: Database, name: str) -> Cluster:
        """One cluster as it is now; of which events is known for a while."""
        if not self._kept.holds(self._state(db)):
            return self._find(db).get(name, Cluster())
        own = self._kept.together.get(name, frozenset())
        if not own:
            return Cluster()
        origins = self._located(db, own)
        found = clusters_of(db, origins, self.config, self._kept.given, self._model(db))
        return found.get(name, Cluster())

    def _given(self, db: Database) -> tuple[GivenTimes, int]:
        """The times that were brought in, and how many of them are of events in no cluster together."""
        held = db.catalog.find_one({"_id": self.result}, {"config_id": 1}) or {}
        stage = RelocateStage(self.job, held.get("config_id", ""))  # the stage that reports was built without it
        stage._find(db)
        given = stage._kept.given
        within = given.of_clusters(list(stage._kept.together.values()))
        return given, given.number - sum(own.number for own in within)

    def _located(self, db: Database, names: frozenset[str] | None = None) -> list[Origin]:
        """The origins that events start from: of all of them, or of some."""
        fields = dict.fromkeys((*ORIGIN_FIELDS, *RULE_FIELDS), 1) | {"_id": 0}
        events = events_of(db, self.result, self.config_id, *ALWAYS, fields, names)
        return [preferred_origin([origin for origin in event if origin["method"] != METHOD]) for event in events]

    def _state(self, db: Database) -> str:
        """Which tasks have made the origins that there are, and of what; and the files of given times."""
        writers = [name for name in registry.writers("origin") if name != self.name]
        query = {"config_id": self.config_id, "stage": {"$in": writers}}
        tasks = sorted((row["_id"], row.get("fingerprint")) for row in db.task.find(query, {"fingerprint": 1}))
        return digest(*tasks, *file_stamps(self.config.given_files))


@dataclass(frozen=True)
class _Kept:
    """Events of each cluster as they were at a time, with the state of the tasks whose origins they were found in, and
    the times that were brought in of all events."""

    state: str = ""
    at: float = 0.0
    together: dict[str, frozenset[str]] = field(default_factory=dict)
    given: GivenTimes = field(default_factory=GivenTimes)

    def holds(self, state: str) -> bool:
        return self.state == state and time.monotonic() - self.at < KEPT_SECONDS


def _shard(name: str) -> Shard:
    return Shard({"cluster": name}, *ALWAYS)
