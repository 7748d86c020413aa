"""Magnitudes: origins of one association window and the waveforms around their arrivals -> magnitudes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from pymongo.database import Database

from catalogdb.channels import channel_group
from catalogdb.components import SLOTS
from catalogdb.documents.data import Magnitude, Origin
from catalogdb.documents.free import Json
from catalogdb.identity import content_id
from catalogdb.jobs import Job
from catalogdb.ledger.parts import Change, Parts, digest, fingerprint, named
from catalogdb.ledger.stage import Inputs, Output, Reads, Shard, Stage
from catalogdb.magnitude.amplitude_windows import StationWindow, station_windows
from catalogdb.magnitude.config import DEEP_KM, MagnitudeConfig
from catalogdb.stages import registry
from catalogdb.stages.preferred import RULE_FIELDS, events_of, preferred_origin
from catalogdb.stages.waveform_segments import (
    Interval,
    find_segments,
    identify,
    joined,
    meeting,
    meets,
    read_intervals,
    waveform_parts,
)

NEIGHBOUR_SECONDS = 300.0
"""Origins this long before and after the window may disturb its events: about the S time at the largest distance."""
BATCH_SECONDS = 86400.0
"""Windows of this period are planned together, with one query per collection."""

ORIGIN_FIELDS = (
    *("event_id", "time", "latitude", "longitude", "depth_km"),
    *(f"arrivals.{name}" for name in ("net", "sta", "phase", "time", "distance_km")),
)
CHANNEL_FIELDS = ("net", "sta", "loc", "chan", "starttime", "endtime", "lat", "lon", "elev", "hang", "vang", "response")

Station = tuple[str, str]


@dataclass
class WindowInputs:
    """What one window's magnitudes are made from, waveforms still in their files.

    Attributes:
        origins: origins inside the window.
        neighbours: origins of the catalog just outside.
        channels: channel epochs of the stations, at the times needed, each with its `identity` and that of its
            response.
        intervals: times needed (epoch seconds) by station.
        segments: `wf_miniseed` documents of the stations, at the times needed, each with its `identity`.
    """

    origins: list[Origin] = field(default_factory=list)
    neighbours: list[Origin] = field(default_factory=list)
    channels: list[Any] = field(default_factory=list)
    intervals: dict[Station, list[Interval]] = field(default_factory=dict)
    segments: dict[Station, list[Any]] = field(default_factory=dict)

    def parts(self) -> Parts:
        """Identity of all of it, part by part."""
        places: dict[str, list[str]] = defaultdict(list)
        responses: dict[str, list[str]] = defaultdict(list)
        for epoch in self.channels:
            station = f"{epoch['net']}.{epoch['sta']}"
            places[station].append(epoch["identity"])
            responses[station].append(epoch["response_identity"])
        return {
            "origin": {origin["event_id"]: digest(origin) for origin in self.origins},
            "neighbour": {origin["event_id"]: digest(origin) for origin in self.neighbours},
            "channel": {station: digest(*identities) for station, identities in places.items()},
            "response": {station: digest(*identities) for station, identities in responses.items()},
            "waveform": waveform_parts({".".join(station): own for station, own in self.segments.items()}),
        }


NO_AMPLITUDE = {
    "no_response": "without an instrument response",
    "unusable_response": "with a response that can't be used",
    "no_waveform": "without waveforms",
    "other_channels": "on channels that magnitude.channel_priority doesn't name",
    "no_horizontal": "without a horizontal component",
    "gap": "with a gap",
    "clipped": "clipped",
    "low_rate": "sampled too slowly",
    "low_snr": "too close to the noise (magnitude.min_snr)",
    "overlapping": "with another event's waves",
    "too_near": "too near",
    "too_far": "too far",
}
"""Counts of stations of events that gave no station magnitude, in words."""


class MagnitudeStage(Stage):
    """Magnitudes of one catalog, by the windows of its association."""

    name = "magnitude"
    kind = "catalog"
    reads = (
        Reads("origin", "origins", padding=lambda stage: NEIGHBOUR_SECONDS),
        Reads("channel", "channel metadata"),
        Reads("wf_miniseed", "waveforms", padding=lambda stage: NEIGHBOUR_SECONDS),
    )
    collections = ("magnitude",)
    settings = MagnitudeConfig
    words = {
        "origin": named("origins"),
        "neighbour": named("neighbouring origins"),
        "channel": named("channel metadata"),
        "response": named("response"),
        "waveform": named("waveforms"),
    }
    verb = "measured"

    @classmethod
    def identity(cls, job: Job) -> Json:
        """The settings; none where the job makes no magnitudes."""
        return {cls.name: job.magnitude.model_dump(mode="json") if cls.name in job.stages else None}

    @staticmethod
    def outcome(counts: Mapping[str, int]) -> tuple[str, list[str]]:
        """Events with a magnitude, and what took stations away."""
        if not counts.get("events"):
            return "", []
        reasons = [f"{counts[name]} {words}" for name, words in NO_AMPLITUDE.items() if counts.get(name)]
        found = f"{counts.get('magnitudes', 0)} of {counts['events']} events have a magnitude"
        return found, [f"station amplitudes: {', '.join(reasons)}"] if reasons else []

    @staticmethod
    def notes(counts: Mapping[str, int], done: int, planned: int) -> list[str]:
        """Say why there are no magnitudes at all, and which the distance correction is not made for."""
        notes = []
        if counts.get("no_response") and not counts.get("magnitudes"):
            notes.append(
                "no magnitudes: the stations have no instrument response; catalogdb ingest stations with StationXML"
            )
        if deep := counts.get("deep"):
            notes.append(
                f"{deep} magnitudes are of events deeper than {DEEP_KM:g} km: ML's distance correction was made from "
                "crustal events, and these may be off by several tenths and more"
            )
        return notes

    @classmethod
    def telling(cls, changes: Sequence[Change]) -> Iterable[Change]:
        """Where an origin is another, the other stations and times that it brings with it go without saying."""
        if all(change.kind != "origin" for change in changes):
            return changes
        return (change for change in changes if not _follows_an_origin(change))

    def parts(self, db: Database) -> Iterator[tuple[Shard, Parts]]:
        """Windows that were associated, or that have magnitudes of an earlier run, with the origins, channels,
        responses and waveforms as the magnitudes take them."""
        either = [{"stage": {"$in": registry.makers("catalog")}, "status": "done"}, {"stage": self.name}]
        rows = db.task.find({"config_id": self.config_id, "$or": either}, {"starttime": 1, "endtime": 1})
        windows = sorted({(row["starttime"], row["endtime"]) for row in rows})
        for batch in _batches([Shard({}, *window) for window in windows]):
            for shard, inputs in zip(batch, self._gather(db, batch), strict=True):
                yield shard, inputs.parts()

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Fetch the window's origins and responses, and decode the waveforms around their arrivals.

        Raises:
            WaveformUnavailable: when a file can't be read; the task fails, and earlier magnitudes stay.
        """
        (inputs,) = self._gather(db, [shard])
        records: dict[Station, list] = {}
        problems: list[str] = []
        for station, segments in inputs.segments.items():
            records[station], failed = read_intervals(db, segments, inputs.intervals[station])
            problems += [problem for problem in failed if problem not in problems]
        parts = inputs.parts()
        return Inputs((inputs, records, problems), fingerprint(parts), parts)

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Compute the magnitudes, and give them their identities."""
        window, records, problems = inputs.data
        if not window.origins:
            return Output({"magnitude": []})
        from catalogdb.magnitude.local import local_magnitudes

        result = local_magnitudes(window.origins, records, window.channels, self.job.magnitude, window.neighbours)
        magnitudes = cast(list[Magnitude], result.magnitudes)
        for magnitude in magnitudes:
            magnitude["_id"] = content_id(self.config_id, magnitude["event_id"], magnitude["type"])
            magnitude["catalog"] = self.result
        return Output({"magnitude": magnitudes}, result.counts, problems=[*problems, *result.problems])

    def _gather(self, db: Database, shards: Sequence[Shard]) -> list[WindowInputs]:
        """Inputs of windows that follow one another, by one query per collection."""
        gathered = [WindowInputs() for _ in shards]
        first, last = shards[0].starttime - NEIGHBOUR_SECONDS, shards[-1].endtime + NEIGHBOUR_SECONDS
        fields = _projection((*ORIGIN_FIELDS, *RULE_FIELDS))
        events = events_of(db, self.result, self.config_id, first, last, fields)
        associated = {of_event[0]["event_id"]: of_event[0]["time"] for of_event in events}
        origins = sorted((_measured(of_event) for of_event in events), key=lambda origin: origin["time"])
        if not origins:
            return gathered
        for shard, inputs in zip(shards, gathered, strict=True):
            near = (shard.starttime - NEIGHBOUR_SECONDS, shard.endtime + NEIGHBOUR_SECONDS)
            for origin in origins:
                time = associated[origin["event_id"]]
                if shard.starttime <= time < shard.endtime:
                    inputs.origins.append(origin)
                elif near[0] <= time < near[1]:
                    inputs.neighbours.append(origin)
            windows = station_windows(inputs.origins, self.job.magnitude, inputs.neighbours)
            inputs.intervals = _intervals(windows)
        self._add_stations(db, gathered)
        return gathered

    def _add_stations(self, db: Database, gathered: list[WindowInputs]) -> None:
        """Find the waveforms and responses of the stations and times that the windows need."""
        intervals = [interval for inputs in gathered for pairs in inputs.intervals.values() for interval in pairs]
        if not intervals:
            return
        codes = sorted({sta for inputs in gathered for _, sta in inputs.intervals})
        order = ("net", "sta", "loc", "chan", "starttime")
        epochs = list(db.channel.find({"sta": {"$in": codes}} | meets(intervals), _projection(CHANNEL_FIELDS)))
        channels = _by_station(epochs, order)
        # a channel without metadata has no response, so it is of no use here; by its groups the index does all the work
        groups = sorted(
            {channel_group(epoch["net"], epoch["sta"], epoch.get("loc") or "", epoch["chan"]) for epoch in epochs}
        )
        found = find_segments(db, {"channel_group": {"$in": groups}}, intervals)
        identify(db, found)  # once for all windows of the batch
        for epoch in epochs:
            response = content_id(epoch.get("response"))
            no_part = {"response", "hang", "vang"} if epoch["chan"][-1:] in SLOTS else {"response"}
            epoch["identity"] = content_id({key: value for key, value in epoch.items() if key not in no_part})
            epoch["response_identity"] = response
        segments = _by_station(found, (*order, "dir", "dfile", "foff"))
        for inputs in gathered:
            for station, pairs in sorted(inputs.intervals.items()):
                inputs.channels += meeting(channels.get(station, ()), pairs)
                inputs.segments[station] = _useful(meeting(segments.get(station, ()), pairs), self.job.magnitude)


def _measured(origins: list[Origin]) -> Origin:
    """The preferred one of an event's origins, without what it was chosen by."""
    origin = preferred_origin(origins)
    return cast(Origin, {name: value for name, value in origin.items() if name not in RULE_FIELDS})


def _follows_an_origin(change: Change) -> bool:
    return change.kind == "waveform" or (change.kind in ("channel", "response") and not change.is_both)


def _batches(shards: list[Shard]) -> Iterator[list[Shard]]:
    """Cut a sorted list wherever a batch would cover more than `BATCH_SECONDS`."""
    batch: list[Shard] = []
    for shard in shards:
        if batch and shard.endtime - batch[0].starttime > BATCH_SECONDS:
            yield batch
            batch = []
        batch.append(shard)
    if batch:
        yield batch


def _intervals(windows: Iterable[StationWindow]) -> dict[Station, list[Interval]]:
    """Times whose waveforms are needed by station, with a second for what rounding to samples takes."""
    wanted = (window for window in windows if not window.overlapped)
    return joined(((own.net, own.sta), own.data_start - 1.0, own.data_end + 1.0) for own in wanted)


def _useful(segments: list[Any], config: MagnitudeConfig) -> list[Any]:
    """Leave out channels that no magnitude is made from; a station without others keeps all, so that it is seen why."""
    components = "NE123Z" if config.use_vertical else "NE123"
    useful = [
        segment
        for segment in segments
        if segment["chan"][:2] in config.channel_priority and segment["chan"][-1] in components
    ]
    return useful or segments


def _by_station(documents: Iterable[Any], order: Sequence[str]) -> dict[Station, list[Any]]:
    grouped: dict[Station, list[Any]] = defaultdict(list)
    for document in sorted(documents, key=lambda document: [document.get(name, "") for name in order]):
        grouped[document["net"], document["sta"]].append(document)
    return grouped


def _projection(fields: Iterable[str]) -> dict[str, int]:
    return {name: 1 for name in fields} | {"_id": 0}
