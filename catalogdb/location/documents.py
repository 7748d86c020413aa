"""Origins of an association -> further origins of the same events, and station terms: documents in, documents out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from catalogdb.geo import Projection, Region, azimuthal_gap, distance_azimuth
from catalogdb.location.arrivals import Arrivals, Network, pad, residuals
from catalogdb.location.catalog import Located, locate_catalog
from catalogdb.location.config import METHOD, LocateConfig
from catalogdb.location.ellipsoid import confidence_ellipsoid
from catalogdb.location.locate import Locator
from catalogdb.location.solve import Earth
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.grid_times import Times, region_times, search_limits
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import VelocityGrid

FEWEST_ARRIVALS = 4
LEAST_PICKS = 40
"""Picks that a class of precision needs for a scale of its own."""
HYPO71_WEIGHTS = {f"weight {number}": max(1.0 - 0.25 * number, 0.0) for number in range(6)}
LIMIT_KM = 0.02
OUTSIDE_SHARE = 0.1
"""An event stands at the edge when so much of its density would lie beyond the sides of the search volume."""


@dataclass(frozen=True)
class Placed:
    """One arrival with what its pick and its sensor say.

    Args:
        pick_id, phase, net, sta, time: as in the origin's arrivals.
        precision: class of the pick's precision, any text: picks of one class have errors of one scale.
        latitude, longitude, elevation_km: of the sensor, degrees and km.
    """

    pick_id: str
    phase: str
    net: str
    sta: str
    time: float
    precision: str
    latitude: float
    longitude: float
    elevation_km: float


@dataclass(frozen=True)
class LocationResult:
    """Origins and station terms with the fields of their schemas, but for ids, and counts."""

    origins: list[dict[str, Any]] = field(default_factory=list)
    terms: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def locate_origins(
    origins: Sequence[Mapping[str, Any]],
    arrivals: Sequence[Sequence[Placed]],
    region: Region,
    margin_km: float,
    velocity: VelocityConfig | VelocityGrid,
    config: LocateConfig,
) -> LocationResult:
    """Locate the events of a catalog by the probability density of their places.

    Args:
        origins: with event_id, time, latitude, longitude and depth_km: further first guesses.
        arrivals: of each of them.
        region: where events may lie; limits left out come from the stations.
        margin_km: how far around the region they are looked for.
        velocity: model of the travel times.
        config: settings.
    """
    counts: Counter[str] = Counter()
    usable = [row for row in range(len(origins)) if not refused(arrivals[row], counts)]
    if not usable:
        return LocationResult(counts=dict(counts))
    origins, arrivals = [origins[row] for row in usable], [arrivals[row] for row in usable]
    if not config.elevations:
        arrivals = at_sea_level(arrivals)
    frame = Frame.of(arrivals, region, margin_km, velocity, LEAST_PICKS if config.errors == "estimated" else 1)
    own = frame.arrivals(arrivals)
    terms = config.terms if len(origins) >= config.min_events else "none"
    weight = frame.hypo71_weights() if config.errors == "hypo71" else None
    located = locate_catalog(Locator(frame.earth), own, frame.guesses(origins, own.reference), terms, weight)
    model = {"earth_model_id": velocity.earth_model_id}
    found = [_origin(row, origins[row], arrivals[row], frame, located) | model for row in range(len(origins))]
    counts["located"] = len(found)
    counts["bimodal"] = sum(bool(origin.get("bimodal")) for origin in found)
    for limit in (limit for origin in found for limit in origin.get("limits", ())):
        counts[f"events_at_{limit}"] += 1
    return LocationResult(
        found, [] if terms == "none" else frame.terms(located), {name: n for name, n in counts.items() if n}
    )


def at_sea_level(arrivals: Sequence[Sequence[Placed]]) -> list[list[Placed]]:
    """The arrivals at stations that stand at sea level, as `elevations: false` asks for."""
    return [[replace(arrival, elevation_km=0.0) for arrival in event] for event in arrivals]


def refused(arrivals: Sequence[Placed], counts: Counter[str]) -> bool:
    """Whether arrivals can't tell a place at all."""
    if len(arrivals) < FEWEST_ARRIVALS:
        counts["refused_too_few_arrivals"] += 1
    elif len({(arrival.latitude, arrival.longitude) for arrival in arrivals}) < 2:
        counts["refused_one_station"] += 1
    else:
        return False
    return True


@dataclass(frozen=True)
class Frame:
    """Stations, map plane and classes of picks of one catalog."""

    projection: Projection
    earth: Earth
    stations: list[tuple[str, str, float, float, float]]
    grades: dict[tuple[bool, str], int]

    @classmethod
    def of(
        cls,
        arrivals: Sequence[Sequence[Placed]],
        region: Region,
        margin_km: float,
        velocity: VelocityConfig | VelocityGrid,
        least_picks: int,
    ) -> Frame:
        """The frame that holds all sensors and the whole search volume."""
        everything = [arrival for event in arrivals for arrival in event]
        stations = sorted({_sensor(arrival) for arrival in everything})
        region = region.completed([{"latitude": row[2], "longitude": row[3]} for row in stations])
        projection = region.map_projection()
        x, y = projection.to_xy([row[3] for row in stations], [row[2] for row in stations])
        network = Network(np.asarray(x), np.asarray(y), np.array([-row[4] for row in stations]))
        times: Times
        if isinstance(velocity, VelocityGrid):
            names = [".".join(part for part in row[:2] if part) for row in stations]
            longitude, latitude = np.array([row[3] for row in stations]), np.array([row[2] for row in stations])
            times, margin_km = region_times(
                velocity, region, projection, margin_km, names, longitude, latitude, network.depth_km
            )
        lower, upper = search_limits(region, projection, margin_km)
        if not isinstance(velocity, VelocityGrid):
            farthest = np.hypot(
                np.maximum(np.abs(network.x_km - lower[0]), np.abs(network.x_km - upper[0])),
                np.maximum(np.abs(network.y_km - lower[1]), np.abs(network.y_km - upper[1])),
            ).max()
            depths = float(network.depth_km.min()), float(network.depth_km.max())
            times = travel_times(velocity, float(farthest), region.mindepth_km, region.maxdepth_km, depths)
        return cls(projection, Earth(network, times, lower, upper), stations, _grades(everything, least_picks))

    def arrivals(self, arrivals: Sequence[Sequence[Placed]]) -> Arrivals:
        """Arrays of the arrivals, times after the first one of each event."""
        number = {station: row for row, station in enumerate(self.stations)}
        reference = np.array([min(arrival.time for arrival in event) for event in arrivals])
        rows = list(zip(arrivals, reference, strict=True))
        time = pad([np.array([arrival.time - first for arrival in event]) for event, first in rows], 0.0)
        return Arrivals(
            time,
            pad([np.array([number[_sensor(arrival)] for arrival in event]) for event in arrivals], 0),
            pad([np.array([arrival.phase == "S" for arrival in event]) for event in arrivals], False),
            pad([np.array([self._grade(arrival) for arrival in event]) for event in arrivals], 0),
            pad([np.ones(len(event), dtype=bool) for event in arrivals], False),
            np.zeros_like(time),
            reference,
        )

    def guesses(self, origins: Sequence[Mapping[str, Any]], reference: np.ndarray) -> np.ndarray:
        """The origins as first guesses, (x, y, depth, time)."""
        x, y = self.projection.to_xy(
            [origin["longitude"] for origin in origins], [origin["latitude"] for origin in origins]
        )
        depth = [origin.get("depth_km") or 0.0 for origin in origins]
        return np.column_stack([x, y, depth, np.array([origin["time"] for origin in origins]) - reference])

    def hypo71_weights(self) -> np.ndarray:
        """Hypo71's weight of each class of precision, 0 to 1; 1 where the picks have none."""
        found = np.ones(len(set(self.grades.values())))
        for (_, precision), number in self.grades.items():
            found[number] = HYPO71_WEIGHTS.get(precision, 1.0)
        return found

    def terms(self, located: Located) -> list[dict[str, Any]]:
        """What was taken off arrival times, by station and phase; of all places of a station together."""
        arrivals = located.arrivals
        models = located.density.best
        left = residuals(models, arrivals, self.earth.network, self.earth.times)
        found = []
        codes = [(net, sta) for net, sta, *_ in self.stations]
        for net, sta in dict.fromkeys(codes):
            rows = [row for row, code in enumerate(codes) if code == (net, sta)]
            of_station = arrivals.present & np.isin(arrivals.station, rows)
            for phase, is_s in (("P", False), ("S", True)):
                own = of_station & (arrivals.is_s == is_s)
                if not own.any():
                    continue
                value = float(np.median(arrivals.correction[own]))
                total = left[own] + arrivals.correction[own]
                mad = float(np.median(np.abs(total - np.median(total))))
                found.append(
                    {"net": net, "sta": sta, "phase": phase, "value": value, "count": int(own.sum()), "mad": mad}
                )
        return found

    def _grade(self, arrival: Placed) -> int:
        return self.grades[arrival.phase == "S", arrival.precision]


def _sensor(arrival: Placed) -> tuple[str, str, float, float, float]:
    return arrival.net, arrival.sta, arrival.latitude, arrival.longitude, arrival.elevation_km


def _grades(arrivals: Sequence[Placed], least_picks: int) -> dict[tuple[bool, str], int]:
    """Numbers of the classes of precision of each phase; classes of few picks share one."""
    size = Counter((arrival.phase == "S", arrival.precision) for arrival in arrivals)
    numbers: dict[tuple[bool, str], int] = {}
    for key in sorted(size):
        kept = key if size[key] >= least_picks else (key[0], "")
        numbers[key] = numbers.setdefault(kept, len(set(numbers.values())))
    return numbers


def _origin(
    row: int, before: Mapping[str, Any], arrivals: Sequence[Placed], frame: Frame, located: Located
) -> dict[str, Any]:
    """The document of one event."""
    density, own = located.density, located.arrivals.take(np.array([row]))
    model, covariance = density.best[row], density.covariance[row]
    count = len(arrivals)
    left = residuals(model[None], own, frame.earth.network, frame.earth.times)[0, :count]
    weight = _weights(left, own, located)[:count]
    longitude, latitude = (float(value) for value in frame.projection.to_lonlat(model[0], model[1]))
    mean_longitude, mean_latitude = (
        float(value) for value in frame.projection.to_lonlat(density.expected[row, 0], density.expected[row, 1])
    )
    distance_km, azimuth = distance_azimuth(
        latitude, longitude, [arrival.latitude for arrival in arrivals], [arrival.longitude for arrival in arrivals]
    )
    reference = float(own.reference[0])
    n_s = sum(arrival.phase == "S" for arrival in arrivals)
    limits = _limits(row, frame, located, arrivals)
    origin: dict[str, Any] = {
        "event_id": before["event_id"],
        "method": METHOD,
        "time": reference + float(model[3]),
        "latitude": latitude,
        "longitude": longitude,
        "depth_km": float(model[2]),
        "limits": sorted(limits),
        "rms": float(np.sqrt(np.mean(left**2))),
        "azimuthal_gap": azimuthal_gap(np.unique(azimuth)),
        "minimum_distance_km": float(distance_km.min()),
        "bimodal": bool(density.is_bimodal[row]),
        "n_picks": count,
        "n_p": count - n_s,
        "n_s": n_s,
        "n_stations": len({(arrival.net, arrival.sta) for arrival in arrivals}),
        "expected": {
            "time": reference + float(density.expected[row, 3]),
            "latitude": mean_latitude,
            "longitude": mean_longitude,
            "depth_km": float(density.expected[row, 2]),
        },
    }
    if not limits & {"edge", "maxdepth"}:
        origin |= {
            "time_uncertainty": float(np.sqrt(covariance[3, 3])),
            "horizontal_uncertainty_km": float(np.sqrt(np.linalg.eigvalsh(covariance[:2, :2]).max())),
            "depth_uncertainty_km": float(np.sqrt(covariance[2, 2])),
            "covariance_km2": covariance[:3, :3].tolist(),
            "ellipsoid": confidence_ellipsoid(covariance[:3, :3]),
            "depth_68_km": density.depth_68[row].tolist(),
            "depth_90_km": density.depth_90[row].tolist(),
            "epicentre_68_km": float(density.radius_68[row]),
            "epicentre_90_km": float(density.radius_90[row]),
        }
    origin["arrivals"] = [
        {
            "pick_id": arrival.pick_id,
            "phase": arrival.phase,
            "net": arrival.net,
            "sta": arrival.sta,
            "time": arrival.time,
            "residual": float(left[number]),
            "distance_km": float(distance_km[number]),
            "azimuth": float(azimuth[number]),
            "station_delay": float(own.correction[0, number]),
            "weight": float(weight[number]),
        }
        for number, arrival in enumerate(arrivals)
    ]
    return {name: value for name, value in origin.items() if value is not False and value != []}  # 0.0 is a depth


def _weights(left: np.ndarray, own: Arrivals, located: Located) -> np.ndarray:
    """Weight of each arrival, 0..1: the most precise reading's variance over its own, less for outliers."""
    errors = located.errors
    deviation = errors.deviation(own)[0]
    best = deviation[own.present[0]].min()
    trust = 1.0 / (1.0 + np.square(left) / (errors.degrees * deviation[: left.size] ** 2))
    return (best / deviation[: left.size]) ** 2 * trust


def _limits(row: int, frame: Frame, located: Located, arrivals: Sequence[Placed]) -> set[str]:
    """What besides the arrivals has set the location, see schemas/origin.yaml."""
    earth, density = frame.earth, located.density
    place = density.best[row, :3]
    sideways = density.outside[row, 0]
    highest = min(-arrival.elevation_km for arrival in arrivals)
    at_side = bool((place[:2] <= earth.lower[:2] + LIMIT_KM).any() or (place[:2] >= earth.upper[:2] - LIMIT_KM).any())
    limits = {
        "mindepth": place[2] - earth.lower[2] <= LIMIT_KM,
        "maxdepth": earth.upper[2] - place[2] <= LIMIT_KM,
        "edge": at_side or sideways > OUTSIDE_SHARE,
        "above_stations": place[2] < highest - LIMIT_KM,
    }
    return {name for name, is_met in limits.items() if is_met}
