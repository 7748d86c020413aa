"""Located events -> origins of the same events by double differences, and their differential times: documents in,
documents out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from catalogdb.geo import EARTH_RADIUS_KM, Projection, Region, azimuthal_gap, distance_azimuth
from catalogdb.phases import phase_type
from catalogdb.relocation.bootstrap import bootstrap
from catalogdb.relocation.config import BY_CORRELATION, BY_PICKS, METHOD, RelocateConfig
from catalogdb.relocation.differences import Differences, Slots, arrivals_themselves, catalog_differences, predicted
from catalogdb.relocation.pairs import clusters, neighbour_pairs
from catalogdb.relocation.solve import Problem, Solution, relocate_cluster
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.grid_times import GridTimes, Times, region_times
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import VelocityGrid

TABLE_STEP_KM = 0.2
"""Of travel times: differences of near events need finer tables than locations."""
ROUND_KM = 50.0
"""Distances that tables reach are rounded up to it, so that clusters share them."""

Sensor = tuple[str, str, float, float, float]
SlotKey = tuple[Sensor, str]


@dataclass(frozen=True)
class Arrival:
    """One arrival with what its pick and its sensor say.

    Args:
        pick_id, phase, net, sta, time: as in the origin's arrivals.
        quality: weight beforehand, 0..1.
        latitude, longitude, elevation_km: of the sensor, degrees and km.
        channel_group: the sensor that was picked; empty where that is not known.
    """

    pick_id: str
    phase: str
    net: str
    sta: str
    time: float
    quality: float
    latitude: float
    longitude: float
    elevation_km: float
    channel_group: str = ""

    @property
    def slot(self) -> SlotKey | None:
        """The sensor and the phase; None where it is neither P nor S."""
        phase = phase_type(self.phase)
        return (
            None if phase is None else ((self.net, self.sta, self.latitude, self.longitude, self.elevation_km), phase)
        )


@dataclass(frozen=True)
class Correlated:
    """A differential time by cross-correlation, of two events by their numbers: arrival time of the first one minus
    that of the second one, both after their origin times, s. Of kind `catalog`, one of picks that a file has; `cc` is
    its weight."""

    first: int
    second: int
    net: str
    sta: str
    phase: str
    time: float
    cc: float
    kind: str = BY_CORRELATION

    @property
    def is_cc(self) -> bool:
        """Whether it is by cross-correlation."""
        return self.kind == BY_CORRELATION


@dataclass(frozen=True)
class Relocation:
    """Origins and pairs of events with the fields of their schemas, but for ids, and counts."""

    origins: list[dict[str, Any]] = field(default_factory=list)
    pairs: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def linked_pairs(
    origins: Sequence[Mapping[str, Any]], arrivals: Sequence[Sequence[Arrival]], config: RelocateConfig
) -> np.ndarray:
    """Pairs of events that are linked, rows of two numbers."""
    return _pairs(origins, _Table.of(origins, arrivals), config)


def linked_events(
    origins: Sequence[Mapping[str, Any]], arrivals: Sequence[Sequence[Arrival]], config: RelocateConfig
) -> list[list[int]]:
    """Numbers of the events of each cluster: those that are linked, over others too; events without any pair are in
    none."""
    if not origins:
        return []
    table = _Table.of(origins, arrivals)
    return [cluster.tolist() for cluster in clusters(len(origins), _pairs(origins, table, config))]


def relocate_origins(
    origins: Sequence[Mapping[str, Any]],
    arrivals: Sequence[Sequence[Arrival]],
    region: Region,
    velocity: VelocityConfig | VelocityGrid,
    config: RelocateConfig,
    correlated: Sequence[Correlated] = (),
    margin_km: float = 0.0,
) -> Relocation:
    """Relocate the events of one cluster.

    Args:
        origins: with event_id, time, latitude, longitude and depth_km, where the events start from.
        arrivals: of each of them.
        region: no event is shallower than its upper limit.
        velocity: model of the travel times.
        config: settings.
        correlated: differential times of waveforms, and of files; where there are some of picks, these take the place
            of those of the arrivals.
        margin_km: around the region, that travel times of a 3-D model reach over, where the model does.

    Raises:
        InputError: for a 3-D model that doesn't reach over the region and the stations.
    """
    table = _Table.of(origins, arrivals)
    pairs = _pairs(origins, table, config)
    if not len(pairs):
        return Relocation(counts={"no_pairs": len(origins)})
    frame = _Frame.of(origins, table, region, velocity, margin_km)
    is_given = not all(time.is_cc for time in correlated)
    own = [] if is_given else [catalog_differences(pairs, table.times, table.quality)]
    if correlated:
        own.append(_correlated(correlated, table))
    found = Differences.joined(own)
    measured = [*own, arrivals_themselves(table.times, table.quality)] if config.centroid == "arrivals" else own
    problem = Problem(
        Differences.joined(measured), frame.slots, frame.times, region.mindepth_km, config.condition,
        config.centroid == "held",
    )  # fmt: skip
    solution = relocate_cluster(problem, frame.start, config.sets)
    links = _links(found, solution, len(origins))
    covariance = bootstrap(problem, solution, config.bootstrap) if config.bootstrap else None
    kept = np.flatnonzero(links.sum(axis=1) > 0)
    documents = [_origin(row, origins, arrivals, table, frame, solution, links, covariance) for row in kept.tolist()]
    counts = {
        "relocated": len(kept),
        "lost_all_links": len(origins) - len(kept),
        "events_at_mindepth": int(solution.is_at_top[kept].sum()),
        "pairs": len(pairs),
        "differential_times": int((~found.is_cc).sum()),
        "correlated_times": int(found.is_cc.sum()),
        "times_left_out": int((solution.factor[: len(found)] == 0).sum()),
    }
    pair_documents = _pair_documents(found, solution, origins, table, correlated)
    return Relocation(documents, pair_documents, {name: n for name, n in counts.items() if n})


@dataclass(frozen=True)
class _Table:
    """Arrivals of all events by sensor and phase: times (s after the origin's) and quality, (events, slots)."""

    keys: list[SlotKey]
    number: dict[SlotKey, int]
    times: np.ndarray
    quality: np.ndarray

    @classmethod
    def of(cls, origins: Sequence[Mapping[str, Any]], arrivals: Sequence[Sequence[Arrival]]) -> _Table:
        keys = sorted({arrival.slot for event in arrivals for arrival in event if arrival.slot})
        number = {key: column for column, key in enumerate(keys)}
        times = np.full((len(origins), len(keys)), np.nan)
        quality = np.zeros(times.shape)
        for row, (origin, event) in enumerate(zip(origins, arrivals, strict=True)):
            for arrival in sorted(event, key=lambda arrival: -arrival.time):  # of several, the first arrival stays
                if arrival.slot:
                    column = number[arrival.slot]
                    times[row, column] = arrival.time - origin["time"]
                    quality[row, column] = arrival.quality
        return cls(keys, number, times, quality)


@dataclass(frozen=True)
class _Frame:
    """Map plane, stations and start of one cluster."""

    projection: Projection
    slots: Slots
    times: Times
    start: np.ndarray

    @classmethod
    def of(
        cls,
        origins: Sequence[Mapping[str, Any]],
        table: _Table,
        region: Region,
        velocity: VelocityConfig | VelocityGrid,
        margin_km: float,
    ) -> _Frame:
        sensors = [sensor for sensor, _ in table.keys]
        region = region.completed(
            [{"latitude": latitude, "longitude": longitude} for _, _, latitude, longitude, _ in sensors]
        )
        projection = region.map_projection()
        x, y = projection.to_xy([sensor[3] for sensor in sensors], [sensor[2] for sensor in sensors])
        depth = np.array([-sensor[4] for sensor in sensors])
        slots = Slots(np.asarray(x), np.asarray(y), depth, np.array([phase == "S" for _, phase in table.keys]))
        east, north = projection.to_xy(
            [origin["longitude"] for origin in origins], [origin["latitude"] for origin in origins]
        )
        start = np.column_stack(
            [east, north, [origin.get("depth_km") or 0.0 for origin in origins], np.zeros(len(origins))]
        )
        if isinstance(velocity, VelocityGrid):
            own = [sensors[row] for row in slots.sensors[0]]
            longitude, latitude, below = (np.array(column) for column in zip(
                *((sensor[3], sensor[2], -sensor[4]) for sensor in own), strict=True
            ))  # fmt: skip
            names = [f"{net}.{sta}".lstrip(".") for net, sta, *_ in own]
            of_grid, _ = region_times(velocity, region, projection, margin_km, names, longitude, latitude, below)
            return cls(projection, slots, of_grid, start)
        farthest = np.hypot(slots.x_km[:, None] - east, slots.y_km[:, None] - north).max()
        times = travel_times(
            velocity, float(np.ceil(farthest / ROUND_KM + 0.1) * ROUND_KM), region.mindepth_km, region.maxdepth_km,
            (float(depth.min()), float(depth.max())), TABLE_STEP_KM,
        )  # fmt: skip
        return cls(projection, slots, times, start)


def _pairs(origins: Sequence[Mapping[str, Any]], table: _Table, config: RelocateConfig) -> np.ndarray:
    """Pairs of neighbours, by their places in space."""
    latitude, longitude = (np.radians([origin[name] for origin in origins]) for name in ("latitude", "longitude"))
    radius = EARTH_RADIUS_KM - np.array([origin.get("depth_km") or 0.0 for origin in origins])
    flat = radius * np.cos(latitude)
    places = np.column_stack([flat * np.cos(longitude), flat * np.sin(longitude), radius * np.sin(latitude)])
    is_present = np.isfinite(table.times) & (table.quality > 0)
    return neighbour_pairs(places, is_present, config.max_separation_km, config.min_links, config.max_neighbours)


def _correlated(correlated: Sequence[Correlated], table: _Table) -> Differences:
    """Correlated times of sensors that both events were picked at, or at least one of them."""
    number: dict[tuple[str, str, str], list[int]] = {}
    for column, ((net, sta, *_), phase) in enumerate(table.keys):
        number.setdefault((net, sta, phase), []).append(column)
    present = np.isfinite(table.times)
    slot = []
    for time in correlated:
        columns = number[time.net, time.sta, time.phase]
        both = [column for column in columns if present[time.first, column] and present[time.second, column]]
        slot.append((both or columns)[0])
    return Differences(
        np.array([time.first for time in correlated]), np.array([time.second for time in correlated]), np.array(slot),
        np.array([time.time for time in correlated]),
        np.array([time.cc ** (2 if time.is_cc else 1) for time in correlated]),
        np.array([time.is_cc for time in correlated]),
    )  # fmt: skip


def _links(found: Differences, solution: Solution, events: int) -> np.ndarray:
    """Differential times that each event was relocated by, of picks and correlated: (events, 2)."""
    used = solution.factor[: len(found)] > 0
    links = np.zeros((events, 2), dtype=int)
    for kind in (False, True):
        own = used & (found.is_cc == kind)
        links[:, int(kind)] = np.bincount(found.first[own], minlength=events) + np.bincount(
            found.second[own], minlength=events
        )
    return links


def _origin(
    row: int,
    origins: Sequence[Mapping[str, Any]],
    arrivals: Sequence[Sequence[Arrival]],
    table: _Table,
    frame: _Frame,
    solution: Solution,
    links: np.ndarray,
    covariance: np.ndarray | None,
) -> dict[str, Any]:
    """The document of one event."""
    before, event, model = origins[row], arrivals[row], solution.models[row]
    longitude, latitude = (float(value) for value in frame.projection.to_lonlat(model[0], model[1]))
    distance_km, azimuth = distance_azimuth(
        latitude, longitude, [arrival.latitude for arrival in event], [arrival.longitude for arrival in event]
    )
    time = before["time"] + float(model[3])
    travel = _predicted(model, frame)
    left = [
        arrival.time - time - float(travel[table.number[arrival.slot]]) if arrival.slot else None for arrival in event
    ]
    known = np.array([value for value in left if value is not None])
    n_s = sum(phase_type(arrival.phase) == "S" for arrival in event)
    origin: dict[str, Any] = {
        "event_id": before["event_id"],
        "method": METHOD,
        "time": time,
        "latitude": latitude,
        "longitude": longitude,
        "depth_km": float(model[2]),
        "rms": float(np.sqrt(np.mean(known**2))),
        "azimuthal_gap": azimuthal_gap(np.unique(azimuth)),
        "minimum_distance_km": float(distance_km.min()),
        "n_picks": len(event),
        "n_p": len(event) - n_s,
        "n_s": n_s,
        "n_stations": len({(arrival.net, arrival.sta) for arrival in event}),
        "cluster": origins[0]["event_id"],
        "cluster_events": len(origins),
        "n_differences": int(links[row, 0]),
        "n_correlated": int(links[row, 1]),
    }
    if solution.is_at_top[row]:
        origin["limits"] = ["mindepth"]
    if covariance is not None:
        own = covariance[row]
        origin |= {
            "time_uncertainty": float(np.sqrt(own[3, 3])),
            "horizontal_uncertainty_km": float(np.sqrt(np.linalg.eigvalsh(own[:2, :2]).max())),
            "covariance_km2": own[:3, :3].tolist(),
        }
        if not solution.is_at_top[row]:
            origin["depth_uncertainty_km"] = float(np.sqrt(own[2, 2]))
    origin["arrivals"] = [
        {name: getattr(arrival, name) for name in ("pick_id", "phase", "net", "sta", "time")}
        | ({} if residual is None else {"residual": residual})
        | {"distance_km": float(far), "azimuth": float(angle)}
        for arrival, residual, far, angle in zip(event, left, distance_km, azimuth, strict=True)
    ]
    return origin


def _predicted(model: np.ndarray, frame: _Frame) -> np.ndarray:
    """Travel times of all slots from one place, s."""
    slots = frame.slots
    if isinstance(frame.times, GridTimes):
        return predicted(model[None], slots, frame.times)[0][0] - model[3]
    distance = np.hypot(model[0] - slots.x_km, model[1] - slots.y_km)
    return frame.times(distance, model[2], slots.depth_km, slots.is_s)


def _pair_documents(
    found: Differences,
    solution: Solution,
    origins: Sequence[Mapping[str, Any]],
    table: _Table,
    correlated: Sequence[Correlated],
) -> list[dict[str, Any]]:
    """Documents of `differential_time`: one for each pair of events, with all its times."""
    factor = solution.factor[: len(found)]
    weight = np.square(factor / max(float(factor.max(initial=0.0)), 1e-300))
    coefficient = iter([time.cc for time in correlated if time.is_cc])
    pairs: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in range(len(found)):
        (net, sta, *_), phase = table.keys[found.slot[row]]
        entry: dict[str, Any] = {
            "net": net, "sta": sta, "phase": phase, "kind": BY_CORRELATION if found.is_cc[row] else BY_PICKS,
            "dt": float(found.time[row]), "weight": float(weight[row]), "residual": float(solution.residual[row]),
        }  # fmt: skip
        if found.is_cc[row]:
            entry["cc"] = float(next(coefficient))
        pairs.setdefault((int(found.first[row]), int(found.second[row])), []).append(entry)
    documents = []
    for (first, second), times in pairs.items():
        apart = solution.models[first, :3] - solution.models[second, :3]
        documents.append(
            {
                "first_event_id": origins[first]["event_id"],
                "second_event_id": origins[second]["event_id"],
                "separation_km": float(np.sqrt((apart**2).sum())),
                "n_times": len(times),
                "times": times,
            }
        )
    return documents
