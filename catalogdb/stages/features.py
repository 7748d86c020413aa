"""Spectral features: the events of a catalog and the waveforms around their P arrivals -> fingerprints and clusters.

One task is the whole catalog: patterns and states are learned from all of its spectrograms, and clusters are of all of
its events.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from pymongo.database import Database

from catalogdb.errors import CatalogdbError
from catalogdb.features.config import REVISION, FeaturesConfig
from catalogdb.identity import content_id
from catalogdb.ledger.parts import Parts, fingerprint, named
from catalogdb.ledger.stage import Inputs, Output, Reads, Shard, Stage
from catalogdb.stages.feature_inputs import feature_inputs, read_spectrograms
from catalogdb.times import ALWAYS

if TYPE_CHECKING:
    from catalogdb.features.spectrograms import Spectrogram

LEFT_OUT = {
    "no_p": "without a P arrival",
    "overlapping": "with another event's arrival in the window (features.overlapping)",
    "no_waveform": "without waveforms",
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


MOST_BYTES = 200_000_000
"""Of what is written in one transaction, which has to fit into the server's cache: of one of 4 GB 250 MB were taken and
400 MB were not."""
MOST_EVENT_BYTES = 15_000_000
"""Of one document; MongoDB takes 16 MiB."""
NUMBER_BYTES = 15
"""Of a number in an array, with its key."""


def _check_size(spectrograms: Sequence[Spectrogram], config: FeaturesConfig) -> None:
    """Say before anything is learned that its documents can't be written."""
    each = NUMBER_BYTES * (config.states**2 + config.patterns + 10)
    of_event = Counter(one.arrival.event_id for one in spectrograms)
    most, total = each * max(of_event.values(), default=0), each * len(spectrograms)
    if total > MOST_BYTES or most > MOST_EVENT_BYTES:
        raise CatalogdbError(
            f"features: fingerprints of {len(spectrograms)} spectrograms by {config.states} states take "
            f"{total / 1e6:.0f} MB, of one event {most / 1e6:.1f} MB; written can be {MOST_BYTES / 1e6:.0f} and "
            f"{MOST_EVENT_BYTES / 1e6:.0f} MB: take fewer features.states or features.stations, or make a catalog of a "
            "shorter period"
        )


def _whole(stage: Any) -> float:
    """Whatever of the catalog changes, all of it is learned from."""
    return math.inf


class FeaturesStage(Stage):
    """Fingerprints and clusters of one catalog's events."""

    name = "features"
    kind = "catalog"
    reads = (Reads("event", "events", padding=_whole), Reads("wf_miniseed", "waveforms", padding=_whole))
    collections = copied = ("feature_model", "feature")
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
            WaveformUnavailable: when a file can't be read; the task fails, and earlier features stay.
        """
        inputs = feature_inputs(db, self._of_catalog, self.config)
        return Inputs(read_spectrograms(db, inputs, self.config), fingerprint(inputs.parts), inputs.parts)

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Learn from the spectrograms, and describe the events by them.

        Raises:
            CatalogdbError: where their documents would be too large for the database.
        """
        from catalogdb.features.extract import extract_features

        spectrograms, counts, problems = inputs.data
        _check_size(spectrograms, self.config)
        found = extract_features(spectrograms, self.config)
        for feature in found.features:
            feature |= {"_id": content_id(self.config_id, feature["event_id"]), "catalog": self.result}
        models = []
        if found.model:
            models = [found.model | {"_id": content_id(self.config_id, "feature_model"), "catalog": self.result}]
        kept = {name: number for name, number in (counts + Counter(found.counts)).items() if number}
        return Output({"feature_model": models, "feature": found.features}, kept, problems=problems)

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
