"""Inputs of the association benchmark: false picks to add to real ones, and real events pushed together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from catalogdb.geo import distance_azimuth

Pattern = Literal["uniform", "bursts", "hours"]

BURST_STATIONS = (4, 12)
BURST_SPREAD_SECONDS = 4.0
BURST_SHARE = 0.5
NIGHT_LEVEL = 0.2


def false_picks(
    stations: Sequence[Mapping], starttime: float, endtime: float, per_station_day: float, pattern: Pattern, seed: int
) -> list[dict]:
    """Draw false picks, P and S alike.

    Args:
        stations: dicts with `net`, `sta`, `latitude`, `longitude`.
        starttime, endtime: epoch seconds UTC.
        per_station_day: mean number for each station and day.
        pattern: `uniform` in time; `bursts`: half of them hit 4 to 12 neighbouring stations within some 4 s (traffic,
            weather, a distant earthquake), the others are uniform; `hours`: the rate follows the hour of the day (UTC),
            nine times as high at noon as at midnight.
        seed: of the generator.
    """
    random = np.random.default_rng(seed)
    days = (endtime - starttime) / 86400.0
    wanted = random.poisson(per_station_day * days * len(stations))
    if pattern == "bursts":
        station, time = _bursts(random, stations, starttime, endtime, int(wanted * BURST_SHARE))
        rest = max(wanted - station.size, 0)
        station = np.concatenate([station, random.integers(len(stations), size=rest)])
        time = np.concatenate([time, random.uniform(starttime, endtime, rest)])
    else:
        station = random.integers(len(stations), size=wanted)
        time = random.uniform(starttime, endtime, wanted)
        if pattern == "hours":
            time = _by_the_hour(random, time)
    is_s = random.random(time.size) < 0.5
    order = np.argsort(time, kind="stable")
    return [
        {
            "_id": f"false{number:08d}",
            "net": stations[station[row]].get("net", ""),
            "sta": stations[station[row]]["sta"],
            "phase": "S" if is_s[row] else "P",
            "time": float(time[row]),
        }
        for number, row in enumerate(order)
    ]


def _bursts(random, stations, starttime, endtime, wanted):
    latitude = np.array([station["latitude"] for station in stations])
    longitude = np.array([station["longitude"] for station in stations])
    apart_km, _ = distance_azimuth(latitude[:, None], longitude[:, None], latitude, longitude)
    nearest = np.argsort(apart_km, axis=1, kind="stable")
    station, time = [], []
    made = 0
    while made < wanted:
        size = int(random.integers(BURST_STATIONS[0], BURST_STATIONS[1] + 1))
        centre = int(random.integers(len(stations)))
        station.append(nearest[centre, :size])
        time.append(
            random.uniform(starttime, endtime) + random.uniform(0.0, BURST_SPREAD_SECONDS, min(size, len(stations)))
        )
        made += station[-1].size
    return (np.concatenate(station), np.concatenate(time)) if station else (np.zeros(0, dtype=int), np.zeros(0))


def _by_the_hour(random, time):
    """Move times within their own day so that their density follows the hour: least at 0 h, most at 12 h."""
    fine = np.linspace(0.0, 86400.0, 1441)
    level = NIGHT_LEVEL + (2.0 - NIGHT_LEVEL - NIGHT_LEVEL) * np.sin(np.pi * fine / 86400.0) ** 2
    share = np.concatenate([[0.0], np.cumsum((level[1:] + level[:-1]) / 2.0)])
    day = np.floor(time / 86400.0) * 86400.0
    return day + np.interp((time - day) / 86400.0, share / share[-1], fine)


def pushed_together(
    picks: Sequence[Mapping],
    event_of: Mapping[str, object],
    origin_time: Mapping[object, float],
    seed: int,
    gap_seconds: tuple[float, float] = (5.0, 30.0),
) -> tuple[list[dict], dict[object, float]]:
    """Shift every second event in time, picks and all, so that it starts 5 to 30 s after the one before it.

    Args:
        picks: dicts with `_id` and `time`.
        event_of: event of each pick, by `_id`; picks of no event stay out.
        origin_time: of each event, epoch seconds UTC.
        seed: of the generator that draws the gaps.

    Returns:
        the shifted picks in order of time, and how far each event was shifted, s.
    """
    random = np.random.default_rng(seed)
    order = sorted(origin_time, key=lambda event: (origin_time[event], str(event)))
    shift = {event: 0.0 for event in order}
    for first, second in zip(order[::2], order[1::2], strict=False):
        shift[second] = origin_time[first] + float(random.uniform(*gap_seconds)) - origin_time[second]
    moved = [
        dict(pick) | {"time": pick["time"] + shift[event_of[pick["_id"]]]}
        for pick in picks
        if event_of.get(pick["_id"]) in shift
    ]
    return sorted(moved, key=lambda pick: (pick["time"], pick["_id"])), shift
