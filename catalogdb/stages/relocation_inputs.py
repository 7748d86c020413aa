"""What relocation is given of a catalog: its clusters, each with events, arrivals and the places of their sensors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pymongo.database import Database

from catalogdb.batches import batches
from catalogdb.ledger.parts import Parts, digest
from catalogdb.relocation.config import CorrelateConfig, RelocateConfig
from catalogdb.stages.relocation_files import GivenTimes, read_given
from catalogdb.stages.relocation_waveforms import Needed, Segments, read_waveforms, segments_needed
from catalogdb.stages.station_places import read_places

if TYPE_CHECKING:
    from catalogdb.relocation.documents import Arrival

PICK_FIELDS = dict.fromkeys(("loc", "chan", "uncertainty", "hypo71_weight", "channel_group"), 1)
BATCH_PICKS = 10_000
LONGEST_TRAVEL_SECONDS = 3600.0
WORST_WEIGHT = 4
"""Hypo71's weights run from 0, full weight, to 4, none."""


@dataclass(frozen=True)
class Cluster:
    """Events that are linked, by time, each with its arrivals; `parts` are what they are made from. With correlation
    also the times and segments that it reads, the waveforms of one that is processed, and what they lack; `given` are
    times that were brought in."""

    origins: list[dict[str, Any]] = field(default_factory=list)
    arrivals: list[list[Arrival]] = field(default_factory=list)
    parts: Parts = field(default_factory=dict)
    needed: Needed = field(default_factory=dict)
    segments: Segments = field(default_factory=dict)
    given: GivenTimes = field(default_factory=GivenTimes)
    waveforms: Any = None
    problems: list[str] = field(default_factory=list)


def with_waveforms(db: Database, cluster: Cluster, config: CorrelateConfig) -> Cluster:
    """The cluster with the samples that correlation reads."""
    own = read_waveforms(db, cluster.arrivals, cluster.needed, cluster.segments, config)
    return replace(cluster, waveforms=own[0], problems=own[1])


def clusters_of(db: Database, origins: Sequence[dict[str, Any]], config: RelocateConfig) -> dict[str, Cluster]:
    """The clusters of located events, by the ids of their first events."""
    from catalogdb.relocation.documents import linked_events

    origins = sorted(origins, key=lambda origin: (origin["time"], origin["event_id"]))
    arrivals = list(_arrivals(db, origins))
    given = read_given(config.dt_cc, origins)
    found = {}
    for rows in linked_events(origins, arrivals, config):
        own = [origins[row] for row in rows], [arrivals[row] for row in rows]
        parts = _parts(*own)
        needed: Needed = {}
        segments: Segments = {}
        if config.correlate is not None:
            needed, segments, parts["waveform"] = segments_needed(db, own[1], config.correlate)
        if given.times:
            parts["given"] = given.identity(origin["event_id"] for origin in own[0])
        found[own[0][0]["event_id"]] = Cluster(*own, parts, needed, segments, given)
    return found


def _parts(origins: Sequence[Mapping[str, Any]], arrivals: Sequence[Sequence[Arrival]]) -> Parts:
    sensors: dict[str, set[str]] = defaultdict(set)
    for arrival in (arrival for event in arrivals for arrival in event):
        place = f"{arrival.latitude!r} {arrival.longitude!r} {arrival.elevation_km!r}"
        sensors[f"{arrival.net}.{arrival.sta}"].add(place)
    return {
        "origin": {
            origin["event_id"]: digest(origin, [arrival.quality for arrival in event])
            for origin, event in zip(origins, arrivals, strict=True)
        },
        "station": {station: digest(*sorted(places)) for station, places in sensors.items()},
    }


def _arrivals(db: Database, origins: Sequence[Mapping[str, Any]]) -> Iterator[list[Arrival]]:
    """Arrivals of each event at sensors whose places are known."""
    from catalogdb.relocation.documents import Arrival

    own = [arrival for origin in origins for arrival in origin["arrivals"]]
    picks = _picks(db, [arrival["pick_id"] for arrival in own])
    uncertainties = sorted(pick["uncertainty"] for pick in picks.values() if pick.get("uncertainty"))
    usual = uncertainties[len(uncertainties) // 2] if uncertainties else None
    times = [arrival["time"] for arrival in own] or [0.0]
    places = read_places(db, min(times), max(times) + LONGEST_TRAVEL_SECONDS, {arrival["sta"] for arrival in own})
    for origin in origins:
        event = []
        for arrival in origin["arrivals"]:
            pick, net, sta = picks.get(arrival["pick_id"], {}), arrival.get("net") or "", arrival["sta"]
            place = places.at(net, sta, arrival["time"], pick.get("loc"), pick.get("chan")) or places.latest(net, sta)
            if place is not None:
                quality = _quality(pick, usual)
                group = pick.get("channel_group") or ""
                own_time = arrival["time"]
                event.append(Arrival(arrival["pick_id"], arrival["phase"], net, sta, own_time, quality, *place, group))
        yield event


def _picks(db: Database, ids: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for batch in batches(ids, BATCH_PICKS):
        found |= {row["_id"]: row for row in db.pick.find({"_id": {"$in": batch}}, PICK_FIELDS)}
    return found


def _quality(pick: Mapping[str, Any], usual_uncertainty: float | None) -> float:
    """Weight of a pick, 0..1: the analyst's, else by its uncertainty against the usual one."""
    if pick.get("hypo71_weight") is not None:
        return max(1.0 - float(pick["hypo71_weight"]) / WORST_WEIGHT, 0.0)
    uncertainty = pick.get("uncertainty")
    if not uncertainty or not usual_uncertainty:
        return 1.0
    return min((usual_uncertainty / float(uncertainty)) ** 2, 1.0)
