"""What relocation is given of a catalog: its clusters, each with events, arrivals and the places of their sensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pymongo.database import Database

from catalogdb.documents.data import Origin
from catalogdb.ledger.parts import Parts, digest
from catalogdb.relocation.config import CorrelateConfig, RelocateConfig
from catalogdb.stages.arrival_places import PlacedArrival, placed_arrivals, sensor_parts
from catalogdb.stages.relocation_files import GivenTimes
from catalogdb.stages.relocation_waveforms import Needed, Segments, read_waveforms, segments_needed

if TYPE_CHECKING:
    from catalogdb.relocation.documents import Arrival
    from catalogdb.traveltimes.velocity import VelocityConfig
    from catalogdb.traveltimes.velocity_grid import VelocityGrid

WORST_WEIGHT = 4
"""Hypo71's weights run from 0, full weight, to 4, none."""


@dataclass(frozen=True)
class Cluster:
    """Events that are linked, by time, each with its arrivals; `parts` are what they are made from. With correlation
    also the times and segments that it reads, the waveforms of one that is processed, and what they lack; `model` is
    its velocity model, where that has a name; `given` are times that were brought in."""

    origins: list[Origin] = field(default_factory=list)
    arrivals: list[list[Arrival]] = field(default_factory=list)
    parts: Parts = field(default_factory=dict)
    needed: Needed = field(default_factory=dict)
    segments: Segments = field(default_factory=dict)
    given: GivenTimes = field(default_factory=GivenTimes)
    waveforms: Any = None
    model: VelocityConfig | VelocityGrid | None = None
    problems: list[str] = field(default_factory=list)


def with_waveforms(db: Database, cluster: Cluster, config: CorrelateConfig) -> Cluster:
    """The cluster with the samples that correlation reads."""
    own = read_waveforms(db, cluster.arrivals, cluster.needed, cluster.segments, config)
    return replace(cluster, waveforms=own[0], problems=own[1])


def clusters_of(
    db: Database,
    origins: Sequence[Origin],
    config: RelocateConfig,
    given: GivenTimes,
    model: Mapping[str, str] | None = None,
) -> dict[str, Cluster]:
    """The clusters of located events, by the ids of their first events.

    Args:
        origins: where the events start from.
        config: settings.
        given: times that were brought in, of all events of the catalog.
        model: content id of a velocity model by its name.
    """
    from catalogdb.relocation.documents import linked_events

    origins = sorted(origins, key=lambda origin: (origin["time"], origin["event_id"]))
    placed = placed_arrivals(db, origins)
    linked = linked_events(origins, [_arrivals(event) for event in placed], config)
    of_clusters = given.of_clusters([[origins[row]["event_id"] for row in rows] for rows in linked])
    found = {}
    for rows, own_given in zip(linked, of_clusters, strict=True):
        events, at = [origins[row] for row in rows], [placed[row] for row in rows]
        usual = _usual_uncertainty(at)  # of the cluster: what others are made of must not make it stale
        arrivals = [_arrivals(event, usual) for event in at]
        parts: Parts = {
            "origin": {
                origin["event_id"]: digest(origin, [arrival.quality for arrival in event])
                for origin, event in zip(events, arrivals, strict=True)
            },
            "station": sensor_parts(own for event in at for own in event),
        }
        needed: Needed = {}
        segments: Segments = {}
        if config.correlate is not None:
            needed, segments, parts["waveform"] = segments_needed(db, arrivals, config.correlate)
        if given.times:
            parts["given"] = own_given.identity()
        if model:
            parts["model"] = dict(model)
        found[events[0]["event_id"]] = Cluster(events, arrivals, parts, needed, segments, own_given)
    return found


def _arrivals(event: Sequence[PlacedArrival], usual_uncertainty: float | None = None) -> list[Arrival]:
    """Arrivals of one event."""
    from catalogdb.relocation.documents import Arrival

    return [
        Arrival(
            own.arrival["pick_id"], own.arrival["phase"], own.net, own.sta, own.arrival["time"],
            _quality(own.pick, usual_uncertainty), *own.place, own.pick.get("channel_group") or "",
        )
        for own in event
    ]  # fmt: skip


def _usual_uncertainty(events: Sequence[Sequence[PlacedArrival]]) -> float | None:
    """Median uncertainty of the picks of some events, s; None where they have none."""
    known = sorted(own.pick["uncertainty"] for event in events for own in event if own.pick.get("uncertainty"))
    return known[len(known) // 2] if known else None


def _quality(pick: Mapping[str, Any], usual_uncertainty: float | None) -> float:
    """Weight of a pick, 0..1: the analyst's, else by its uncertainty against the usual one."""
    if pick.get("hypo71_weight") is not None:
        return max(1.0 - float(pick["hypo71_weight"]) / WORST_WEIGHT, 0.0)
    uncertainty = pick.get("uncertainty")
    if not uncertainty or not usual_uncertainty:
        return 1.0
    return min((usual_uncertainty / float(uncertainty)) ** 2, 1.0)
