"""Swarms made from the geometry of real networks: an event every few seconds, picked as a picker would; truth known."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalogdb.geo import Region, distance_azimuth
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.tuning.compare import Task

START = 1_700_002_800.0 - 1_700_002_800.0 % 3600.0 + 600.0
"""Of all swarms, epoch seconds: ten minutes into an hour, so that one of up to 50 minutes lies in one window."""
REACH_KM = 120.0
CLUSTERS, CLUSTER_KM, CLUSTER_DEPTH_KM = 3, 1.5, 1.0
DEAD_SECONDS = 1.5
B_VALUE = 1.0
# The chance that a pick is made: one half where the magnitude is that of detection at its distance.
DETECTION_WIDTH, DETECTION_BY_DISTANCE, S_SHARE = 0.25, 1.6, 0.85
FALSE_PER_STATION_HOUR = 40.0
DUPLICATED, DUPLICATE_SECONDS = 0.04, (0.3, 1.5)
WRONG_PHASE = 0.02
# A picker makes one of two picks of a phase that are closer.
SAME_PICK_SECONDS = 0.5
TIME_ERROR, TAIL = {False: 0.05, True: 0.10}, 2.5
STATION_TERM, MODEL_ERROR = 0.04, 0.03
# What an event must have to be asked for: the default minima of an association.
MIN_PICKS, MIN_P, MIN_S, MIN_STATIONS = 5, 2, 1, 3


@dataclass(frozen=True)
class Network:
    """Stations, what the waves do below them, and where a swarm lies.

    Args:
        stations: as in `associate`.
        velocity: the model that associators are given; the picks' own one differs by some per cent in each layer.
        latitude, longitude: centre of the swarm, degrees.
        depth_km: its mean depth.
        extent_km: how far the centres of its clusters scatter.
        magnitude: smallest, on a scale where a pick at 10 km is as likely as not at 0.
    """

    stations: Sequence[dict]
    velocity: VelocityConfig
    latitude: float
    longitude: float
    depth_km: float
    extent_km: float
    magnitude: float


def networks(folder: Path) -> dict[str, Network]:
    """Two networks of 20 km and two of 100 km, from `hengill_2018` and `ogs_2024_h1`."""
    hengill = _stations(folder / "hengill_2018" / "stations.csv", "elevation")
    with open(folder / "hengill_2018" / "velocity_model_nll.txt") as file:
        rows = [line.split() for line in file if not line.startswith("#")]
    layers = [{"depth_km": float(row[0]), "vp": float(row[1]), "vs": float(row[3])} for row in rows]
    iceland = VelocityConfig(layers=layers)
    ogs = _stations(folder / "ogs_2024_h1" / "stations.csv", "elevation_m")
    alps = VelocityConfig(
        layers=[{"depth_km": top, "vp": vp, "vs": vp / 1.78} for top, vp in ((0.0, 5.85), (22.0, 6.8), (39.5, 8.0))]
    )
    return {
        "hengill-20": Network(hengill, iceland, 64.04, -21.33, 4.5, 3.0, 0.0),
        "hengill-12": Network(_nearest(hengill, 64.03, -21.40, 20)[::5] + _nearest(hengill, 64.03, -21.40, 20)[1::5]
                              + _nearest(hengill, 64.03, -21.40, 20)[2::5], iceland, 64.05, -21.38, 5.0, 2.0, 0.0),
        "friuli-25": Network(_nearest(ogs, 46.40, 13.10, 25), alps, 46.38, 13.05, 9.0, 5.0, 0.6),
        "trentino-15": Network(_nearest(ogs, 45.90, 11.00, 15), alps, 45.85, 11.05, 8.0, 4.0, 0.6),
    }  # fmt: skip


def swarm(network: Network, seconds_between: float, duration: float, seed: int) -> Task:
    """Make the picks of a swarm, false ones among them, and the events that have enough of them to be found.

    Args:
        network: where.
        seconds_between: mean time from one event to the next; the times are random, but for a dead time.
        duration: s.
        seed: of the generator.
    """
    random = np.random.default_rng(seed)
    region = Region().completed(network.stations)
    projection = region.map_projection()
    longitude, latitude = (np.array([row[name] for row in network.stations]) for name in ("longitude", "latitude"))
    station_x, station_y = projection.to_xy(longitude, latitude)
    station_depth = -np.array([row["elevation_km"] for row in network.stations])
    times = travel_times(
        _perturbed(network.velocity, random), REACH_KM, 0.0, 30.0, (station_depth.min(), station_depth.max())
    )
    terms = random.normal(0.0, STATION_TERM, (len(network.stations), 2))
    gaps = DEAD_SECONDS + random.exponential(seconds_between - DEAD_SECONDS, int(2.0 * duration / seconds_between) + 20)
    origin_times = START + np.cumsum(gaps)
    origin_times = origin_times[origin_times < START + duration]
    places = _hypocentres(network, projection, origin_times.size, random)
    magnitudes = network.magnitude + random.exponential(1.0 / (B_VALUE * np.log(10.0)), origin_times.size)
    rows: list[tuple[float, int, bool, int]] = []
    for event, (x, y, depth) in enumerate(places):
        distance = np.hypot(station_x - x, station_y - y)
        path = np.hypot(distance, depth)
        for is_s in (False, True):
            travel = times(distance, np.float64(depth), station_depth, np.bool_(is_s))
            error = TIME_ERROR[is_s] * random.standard_t(TAIL, travel.size)
            threshold = DETECTION_BY_DISTANCE * np.log10(path / 10.0)
            seen = 1.0 / (1.0 + np.exp(-(magnitudes[event] - threshold) / DETECTION_WIDTH))
            made = random.random(travel.size) < seen * (S_SHARE if is_s else 1.0)
            arrival = origin_times[event] + travel + error + terms[:, int(is_s)]
            rows += [(arrival[station], int(station), is_s, event) for station in np.flatnonzero(made)]
    rows = _as_picked(rows, random)
    false = random.poisson(FALSE_PER_STATION_HOUR * duration / 3600.0 * len(network.stations))
    rows += [
        (random.uniform(START, START + duration), int(random.integers(len(network.stations))), bool(is_s), -1)
        for is_s in random.random(false) < 0.5
    ]
    return _task(network, region, projection, sorted(rows), origin_times, places, START + duration)


def _as_picked(rows: list[tuple], random: np.random.Generator) -> list[tuple]:
    """Some with the wrong phase, some twice, and of two close ones of a phase the first alone."""
    picked, last = [], {}
    for time, station, is_s, event in sorted(rows):
        if random.random() < WRONG_PHASE:
            is_s, event = not is_s, -1
        if time - last.get((station, is_s), -np.inf) < SAME_PICK_SECONDS:
            continue
        last[station, is_s] = time
        picked.append((time, station, is_s, event))
        if random.random() < DUPLICATED:
            picked.append((time + random.uniform(*DUPLICATE_SECONDS), station, is_s, -1))
    return picked


def _task(network, region, projection, rows, origin_times, places, endtime) -> Task:
    picks, own = [], {}
    for number, (time, station, is_s, event) in enumerate(rows):
        code = {name: network.stations[station][name] for name in ("net", "sta")}
        picks.append({"_id": f"{number:06d}", "phase": "S" if is_s else "P", "time": float(time)} | code)
        if event >= 0:
            own.setdefault(event, []).append((picks[-1]["_id"], station, is_s))
    reference = []
    for event, arrivals in sorted(own.items()):
        n_s = sum(is_s for _, _, is_s in arrivals)
        stations = len({station for _, station, _ in arrivals})
        if len(arrivals) < MIN_PICKS or len(arrivals) - n_s < MIN_P or n_s < MIN_S or stations < MIN_STATIONS:
            continue
        longitude, latitude = projection.to_lonlat(*places[event, :2])
        reference.append(
            {"time": float(origin_times[event]), "latitude": float(latitude), "longitude": float(longitude),
             "picks": [pick for pick, _, _ in arrivals]}
        )  # fmt: skip
    return Task(picks, network.stations, region, START, endtime, reference)


def _hypocentres(network: Network, projection, size: int, random: np.random.Generator) -> NDArray:
    """Rows of (x, y, depth), km: clusters that scatter around the centre, events that scatter around theirs."""
    centre = np.append(projection.to_xy(network.longitude, network.latitude), network.depth_km)
    centres = centre + random.normal(0.0, [network.extent_km, network.extent_km, CLUSTER_DEPTH_KM], (CLUSTERS, 3))
    scatter = random.normal(0.0, [CLUSTER_KM, CLUSTER_KM, CLUSTER_DEPTH_KM], (size, 3))
    places = centres[random.integers(CLUSTERS, size=size)] + scatter
    places[:, 2] = np.clip(places[:, 2], 1.0, 25.0)
    return places


def _perturbed(velocity: VelocityConfig, random: np.random.Generator) -> VelocityConfig:
    layers = [
        {"depth_km": layer.depth_km, "vp": layer.vp * factor, "vs": layer.vs * factor}
        for layer, factor in zip(velocity.layers, 1.0 + random.normal(0.0, MODEL_ERROR, len(velocity.layers)),
                                 strict=True)
    ]  # fmt: skip
    return VelocityConfig(layers=layers)


def _stations(path: Path, elevation: str) -> list[dict]:
    with open(path) as file:
        return [
            {"net": row.get("network", ""), "sta": row["station"], "latitude": float(row["latitude"]),
             "longitude": float(row["longitude"]), "elevation_km": float(row[elevation]) / 1000.0}
            for row in csv.DictReader(file)
            if row["latitude"]
        ]  # fmt: skip


def _nearest(stations: Sequence[dict], latitude: float, longitude: float, count: int) -> list[dict]:
    apart_km, _ = distance_azimuth(
        latitude, longitude, [row["latitude"] for row in stations], [row["longitude"] for row in stations]
    )
    return [stations[number] for number in np.argsort(apart_km, kind="stable")[:count]]
