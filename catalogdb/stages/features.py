"""Spectral features: the events of a catalog and the waveforms around their P arrivals -> fingerprints and clusters.

One task is the whole catalog: patterns and states are learned from all of its spectrograms, and clusters are of all of
its events.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from pymongo.database import Database

from catalogdb.features.config import REVISION, FeaturesConfig
from catalogdb.identity import content_id
from catalogdb.ledger.parts import Parts, fingerprint, named
from catalogdb.ledger.stage import Inputs, Output, Reads, Shard, Stage
from catalogdb.stages.feature_inputs import feature_inputs, read_spectrograms
from catalogdb.times import ALWAYS

LEFT_OUT = {
    "no_p": "without a P arrival",
    "overlapping": "with another event's arrival in the window (features.overlapping)",
    "no_waveform": "without waveforms",
    "unreadable": "in files that can't be read now (the next run tries again)",
    "other_channels": "on channels that features.channel_priority doesn't name",
    "no_component": "without the components that features.components asks for",
    "low_rate": "sampled too slowly for features.freqmax",
    "gap": "with a gap in the window",
    "dead": "with a constant value, or none, in a frame",
    "clipped": "clipped",
    "low_snr": "too close to the noise (features.min_snr)",
    "few_spectrograms": "on sensors with too few others (features.min_events)",
}
"""Counts of stations of events that gave no fingerprint, in words."""


def _whole(stage: Any) -> float:
    """Whatever of the catalog changes, all of it is learned from."""
    return math.inf


class FeaturesStage(Stage):
    """Fingerprints and clusters of one catalog's events."""

    name = "features"
    kind = "catalog"
    reads = (Reads("event", "events", padding=_whole), Reads("wf_miniseed", "waveforms", padding=_whole))
    collections = ("feature_model", "feature", "fingerprint")
    copied = ("feature_model", "feature")
    beside = ("fingerprint",)  # of a thousand events at twenty stations 30 MB, and a transaction takes some 250
    settings = FeaturesConfig
    revision = REVISION
    words = {"event": named("events"), "waveform": named("waveforms")}
    verb = "described"

    @property
    def config(self) -> FeaturesConfig:
        """Its block of the job."""
        return cast(FeaturesConfig, self.job.block(self.name))

    @property
    def _of_catalog(self) -> dict[str, Any]:
        return {"catalog": self.result, "config_id": self.config_id}

    def parts(self, db: Database) -> Iterator[tuple[Shard, Parts]]:
        """The catalog, where it has events or features of an earlier run."""
        row = {"stage": self.name, "config_id": self.config_id}
        if db.event.find_one(self._of_catalog, {"_id": 1}) or db.task.find_one(row, {"_id": 1}):
            yield Shard({}, *ALWAYS), feature_inputs(db, self._of_catalog, self.config).parts

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Fetch the arrivals, and make spectrograms of the waveforms around them, which are too large to be kept.

        Raises:
            WaveformUnavailable: where files can't be read, and nothing else is there; earlier features stay.
        """
        inputs = feature_inputs(db, self._of_catalog, self.config)
        found = read_spectrograms(db, inputs, self.config)
        return Inputs(found, fingerprint(inputs.parts), inputs.parts)

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Learn from the spectrograms, and describe the events by them."""
        from catalogdb.features.extract import extract_features

        spectrograms, counts, problems = inputs.data
        found = extract_features(spectrograms, self.config)
        for feature in found.features:
            feature |= {"_id": content_id(self.config_id, feature["event_id"]), "catalog": self.result}
        models = []
        if found.model:
            models = [found.model | {"_id": content_id(self.config_id, "feature_model"), "catalog": self.result}]
        kept = {name: number for name, number in (counts + Counter(found.counts)).items() if number}
        documents = {"feature_model": models, "feature": found.features}
        return Output(documents, kept, problems=problems, beside={"fingerprint": self._identified(found.fingerprints)})

    def _identified(self, fingerprints: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for one in fingerprints:
            identity = content_id(self.config_id, one["event_id"], one["net"], one["sta"])
            yield one | {"_id": identity, "catalog": self.result}

    @staticmethod
    def outcome(counts: Mapping[str, int]) -> tuple[str, list[str]]:
        """Events with fingerprints, and what took stations of events away."""
        if not counts.get("event_stations"):
            return "", []
        reasons = [f"{counts[name]} {words}" for name, words in LEFT_OUT.items() if counts.get(name)]
        found = f"{counts.get('events_with_features', 0)} events have spectral features"
        if counts.get("clusters"):
            found += f", in {counts['clusters']} clusters"
        return found, [f"stations of events: {', '.join(reasons)}"] if reasons else []

    @staticmethod
    def notes(counts: Mapping[str, int], done: int, planned: int) -> list[str]:
        """Say why there are no features at all."""
        if not counts.get("event_stations") or counts.get("events_with_features"):
            return []
        few = counts.get("too_few_events", 0)
        why = "too few to learn from (features.min_events, clusters)"
        return [f"no spectral features: {few} events with spectrograms are {why}"]

    def report(self, db: Database) -> tuple[dict[str, Any] | None, list[str]]:
        """Say how far apart the clusters are, and whether they are of loudness."""
        fields = {"silhouettes": 1, "clusters.cluster": 1, "snr_correlation": 1}
        model = db.feature_model.find_one(self._of_catalog, fields)
        if model is None:
            return None, []
        from catalogdb.features.judgement import loudness_words, silhouette_words

        number, by_number = len(model["clusters"]), {row["clusters"]: row["silhouette"] for row in model["silhouettes"]}
        if number not in by_number:
            return None, ["features: no clusters, for too few of the events differ"]
        value = by_number[number]
        notes = [f"features: {number} clusters of mean silhouette {value:.2f}: {silhouette_words(value)}"]
        return None, notes + loudness_words(model.get("snr_correlation", 0.0))
