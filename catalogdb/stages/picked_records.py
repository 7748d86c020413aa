"""Labelled records of the database's own picks and waveforms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pymongo.database import Database

from catalogdb.channels import SENSOR_PRIORITY, sensor_rank
from catalogdb.database.named import require_pick_set
from catalogdb.documents.data import Pick
from catalogdb.documents.free import Query
from catalogdb.errors import CatalogdbError, InputError
from catalogdb.event_types import EXISTS, UNTYPED
from catalogdb.identity import content_id
from catalogdb.stages.file_states import content_of, file_states
from catalogdb.stages.waveform_segments import SEGMENT_FIELDS, read_segments
from catalogdb.station_patterns import matches_station
from catalogdb.training.config import TrainingSetConfig
from catalogdb.training.formats import FIRST_ARRIVALS, bytes_for_records
from catalogdb.training.records import PHASES, LabelledRecord, Onset, known_phases

NEVER_AUTOMATIC = ("reference", "reviewed")
SAME_ONSET_SECONDS = 0.5
"""Picks of one phase of a station, of several pick sets, that lie so close are of one onset."""


@dataclass(frozen=True)
class Span:
    """What one record is to cover: a station, the onsets, the phases that labels say something of, and the waveforms'
    period."""

    net: str
    sta: str
    event: str
    onsets: tuple[Onset, ...]
    starttime: float
    endtime: float
    known: str = PHASES
    event_type: str = ""
    origin_time: float | None = None


def read_picked(db: Database, config: TrainingSetConfig) -> tuple[list[LabelledRecord], list[str], str]:
    """The records of a set, why others are none, and the digest of what they are made from.

    Raises:
        InputError: for pick sets that aren't there, and for automatic ones: a network that learns from a network learns
            its faults.
    """
    if not config.pick_sets:
        raise InputError(f"training set {config.name!r}: no pick_sets", hint="name reference or reviewed pick sets")
    for name in config.pick_sets:
        kind = require_pick_set(db, name)["kind"]
        if kind not in NEVER_AUTOMATIC:
            raise InputError(
                f"pick set {name!r} is {kind}: labels come from {' or '.join(NEVER_AUTOMATIC)} pick sets",
                hint="catalogdb ingest catalog FILE --name NAME reads a bulletin with its picks",
            )
    found = list(spans(db, config))
    found += list(_between(found, config))
    records: list[LabelledRecord] = []
    rejected, digests = [], []
    held, room = 0, bytes_for_records()
    for span in found:
        try:
            record, content = record_of(db, span, config)
        except CatalogdbError as error:
            rejected.append(f"{span.net}.{span.sta} {span.starttime + config.before_seconds:.2f}: {error}")
            continue
        held += sum(trace.data.nbytes for trace in record.traces)
        if held > room:
            raise InputError(
                f"training set {config.name!r}: {len(records)} of {len(found)} records fill the memory that there is "
                f"for them ({room / 1e9:.1f} GB)",
                hint="name a shorter period or fewer stations (starttime, endtime, stations)",
            )
        records.append(record)
        about: list[Any] = [record.name, [[onset.phase, onset.time] for onset in record.onsets], content]
        if record.event_type not in ("", UNTYPED):
            about.append(record.event_type)
        if record.origin_time is not None and len({onset.phase for onset in record.onsets}) < len(PHASES):
            about.append(record.origin_time)  # it stands for the other phase
        digests.append(about)
    return records, rejected, content_id(sorted(digests))


def spans(db: Database, config: TrainingSetConfig) -> Iterator[Span]:
    """Picks of each station, those that follow one another closely together."""
    query: Query = {"pick_set": {"$in": list(config.pick_sets)}, "is_counted": {"$ne": False}}
    bounds = {"$gte": config.starttime, "$lt": config.endtime}
    if times := {key: value.timestamp() for key, value in bounds.items() if value}:
        query["time"] = times
    fields = {"net": 1, "sta": 1, "phase": 1, "time": 1, "event_key": 1, "pick_set": 1}
    by_station: dict[tuple[str, str], list[Pick]] = defaultdict(list)
    for pick in db.pick.find(query, fields):
        if pick["phase"].lower() in FIRST_ARRIVALS and matches_station(config.stations, pick["net"], pick["sta"]):
            by_station[pick["net"], pick["sta"]].append(pick)
    known = _events_of(db, config)
    for (net, sta), picks in sorted(by_station.items()):
        close: list[Pick] = []
        for pick in sorted(_once(picks, config.pick_sets), key=lambda pick: (pick["time"], pick["phase"])):
            if close and pick["time"] - close[-1]["time"] > config.event_gap_seconds:
                yield _span(net, sta, close, config, known)
                close = []
            close.append(pick)
        yield _span(net, sta, close, config, known)


def _once(picks: Sequence[Pick], pick_sets: Sequence[str]) -> list[Pick]:
    """The picks without those of an onset that a pick set named before has too."""
    kept: list[Pick] = []
    for name in pick_sets:
        before: dict[str, list[float]] = {phase: [] for phase in PHASES}
        for pick in kept:
            before[FIRST_ARRIVALS[pick["phase"].lower()]].append(pick["time"])
        times = {phase: np.sort(np.array(of_phase)) for phase, of_phase in before.items()}
        kept += [
            pick
            for pick in picks
            if pick["pick_set"] == name and not _near(times[FIRST_ARRIVALS[pick["phase"].lower()]], pick["time"])
        ]
    return kept


def _near(times: np.ndarray, time: float) -> bool:
    first, end = np.searchsorted(times, [time - SAME_ONSET_SECONDS, time + SAME_ONSET_SECONDS])
    return bool(end > first)


def _known_of_events(picks: Sequence[Pick], unpicked: str) -> str:
    """Phases that labels say something of: where a pick set has two events in one record, and an S of one of them
    alone, S is unknown. Picks without an event may be of any."""
    by_set: dict[str, dict[str, list[Onset]]] = defaultdict(lambda: defaultdict(list))
    for pick in picks:
        onset = Onset(FIRST_ARRIVALS[pick["phase"].lower()], pick["time"])
        by_set[pick["pick_set"]][pick.get("event_key") or ""].append(onset)
    known = set()
    for by_event in by_set.values():
        of_any = by_event.pop("", [])
        of_events = [known_phases([*onsets, *of_any], unpicked) for onsets in by_event.values() or [[]]]
        known |= {phase for phase in PHASES if all(phase in of_event for of_event in of_events)}
    return "".join(phase for phase in PHASES if phase in known)


def _events_of(db: Database, config: TrainingSetConfig) -> dict[str, tuple[str, float]]:
    """Type and origin time of the pick sets' events by their keys; those without a type count as earthquakes, as
    everywhere. Events that don't exist are left out."""
    query: Query = {"catalog": {"$in": list(config.pick_sets)}, "source_id": {"$exists": True}} | EXISTS
    fields = {"source_id": 1, "event_type": 1, "time": 1}
    return {
        event["source_id"]: (event.get("event_type", UNTYPED), event["time"]) for event in db.event.find(query, fields)
    }


def _span(
    net: str,
    sta: str,
    picks: Sequence[Pick],
    config: TrainingSetConfig,
    events: Mapping[str, tuple[str, float]],
) -> Span:
    seen = {(FIRST_ARRIVALS[pick["phase"].lower()], pick["time"]) for pick in picks}
    onsets = tuple(Onset(phase, time) for phase, time in sorted(seen, key=lambda item: (item[1], item[0])))
    keys = list(dict.fromkeys(pick["event_key"] for pick in picks if pick.get("event_key")))
    event = keys[0] if keys else ""
    first, last = onsets[0].time - config.before_seconds, onsets[-1].time + config.after_seconds
    kind, origin = events.get(event, ("", None)) if len(keys) == 1 else ("", None)  # of several events it is of none
    return Span(net, sta, event, onsets, first, last, _known_of_events(picks, config.unpicked), kind, origin)


def _between(spans: Sequence[Span], config: TrainingSetConfig) -> list[Span]:
    """Windows without a pick, half-way between two records of a station that lie far from one another."""
    length = config.before_seconds + config.after_seconds
    free = []
    for before, after in zip(spans, spans[1:], strict=False):
        if (before.net, before.sta) == (after.net, after.sta) and after.starttime - before.endtime > 3 * length:
            middle = (before.endtime + after.starttime) / 2
            free.append(Span(before.net, before.sta, "", (), middle - length / 2, middle + length / 2))
    free.sort(key=lambda span: content_id("negative", span.net, span.sta, span.starttime))
    return free[: round(config.negatives * len(spans) / 10)]


def record_of(db: Database, span: Span, config: TrainingSetConfig) -> tuple[LabelledRecord, list[str]]:
    """The record, and the content of the files that it is read from.

    Raises:
        InputError: where the station's best sensor has no samples there, or not at its picks.
    """
    query: Query = {"sta": span.sta} | ({"net": span.net} if span.net else {})
    near = {"starttime": {"$lt": span.endtime}, "endtime": {"$gte": span.starttime}}
    by_sensor: dict[str, list[Any]] = defaultdict(list)
    for segment in db.wf_miniseed.find(query | near, dict.fromkeys(SEGMENT_FIELDS, 1)).sort("_id", 1):
        by_sensor[segment["channel_group"]].append(segment)
    if not by_sensor:
        raise InputError("no waveforms")
    sensor = min(by_sensor, key=lambda group: (sensor_rank(group, SENSOR_PRIORITY), group))
    segments = by_sensor[sensor]
    states = file_states(db, (segment["file_id"] for segment in segments))
    traces, _ = read_segments(db, segments, span.starttime, span.endtime, states)
    if not traces:
        raise InputError(f"no samples of {sensor}")
    net, sta = sensor.split(".")[:2]
    first = min(trace.stats.starttime.timestamp for trace in traces)
    last = max(trace.stats.endtime.timestamp for trace in traces)
    onsets = tuple(onset for onset in span.onsets if first <= onset.time <= last)
    if span.onsets and not onsets:
        raise InputError(f"its picks lie outside of the waveforms of {sensor}")
    name = f"{sensor} {span.starttime + config.before_seconds:.2f}"
    known = known_phases(onsets, config.unpicked)
    known = "".join(phase for phase in known if phase in span.known)
    content = sorted({content_of(states.get(segment["file_id"])) for segment in segments})
    about: dict[str, Any] = {"event": span.event, "event_type": span.event_type, "origin_time": span.origin_time}
    return LabelledRecord(name, f"{net}.{sta}", traces, onsets, known, **about), content
