"""Which seconds of a station's record an event's amplitude is read from.

In order of time: margin, noise window, amplitude window (from just before P to some seconds after S), margin. The
amplitude window ends early where the first arrival of another event comes. Nothing is done about the coda of an earlier
event: it lies in the noise window, so the signal-to-noise ratio tells.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from catalogdb.documents.data import Origin
from catalogdb.magnitude.config import MagnitudeConfig
from catalogdb.phases import phase_type


@dataclass(frozen=True)
class StationWindow:
    """One event at one station; times are epoch seconds UTC.

    Attributes:
        event_id: the event.
        net, sta: the station.
        p_time, s_time: arrivals, one of them estimated where the event has only the other.
        epicentral_km: epicentral distance as the origin gives it, km.
        data_start, data_end: the data needed, margins included.
        noise_start: start of the noise window, which ends at `start`.
        start, end: the amplitude window.
        overlapped: true when another event arrives too soon for the S waves to be read.
    """

    event_id: str
    net: str
    sta: str
    p_time: float
    s_time: float
    epicentral_km: float | None
    data_start: float
    noise_start: float
    start: float
    end: float
    data_end: float
    overlapped: bool


def station_windows(
    origins: Iterable[Origin], config: MagnitudeConfig, neighbours: Iterable[Origin] = ()
) -> list[StationWindow]:
    """List the windows of all stations that have an arrival of an event.

    Args:
        origins: origin documents with `event_id`, `time` and `arrivals`.
        config: lengths of the windows.
        neighbours: further origins, which only cut the windows of others short.
    """
    arrivals = [(origin["event_id"], key, times) for origin in origins for key, times in _arrivals(origin, config)]
    first_arrivals: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
    for event_id, key, (p_time, _, _) in arrivals:
        first_arrivals[key].append((p_time, event_id))
    for origin in neighbours:
        for key, (p_time, _, _) in _arrivals(origin, config):
            first_arrivals[key].append((p_time, origin["event_id"]))
    for entries in first_arrivals.values():
        entries.sort()
    return [
        _window(event_id, key, times, _next_arrival(first_arrivals[key], times[0], event_id), config)
        for event_id, key, times in arrivals
    ]


def _arrivals(
    origin: Origin, config: MagnitudeConfig
) -> list[tuple[tuple[str, str], tuple[float, float, float | None]]]:
    """P time, S time and epicentral distance (km) by (net, sta); the first arrival of each phase counts."""
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for arrival in sorted(origin.get("arrivals", ()), key=lambda arrival: arrival["time"]):
        if phase := phase_type(arrival["phase"]):
            station = found[arrival.get("net", ""), arrival["sta"]]
            station.setdefault(phase, arrival["time"])
            if "distance_km" in arrival:
                station.setdefault("distance_km", arrival["distance_km"])
    complete = []
    for key, station in sorted(found.items()):
        origin_time: float = origin["time"]
        if "P" in station:
            p_time = station["P"]
            s_time = station.get("S", -math.inf)
            if s_time < p_time:
                s_time = max(p_time, origin_time + (p_time - origin_time) * config.vp_vs)
        else:
            s_time = station["S"]
            p_time = min(s_time, origin_time + (s_time - origin_time) / config.vp_vs)
        complete.append((key, (p_time, s_time, station.get("distance_km"))))
    return complete


def _next_arrival(entries: list[tuple[float, str]], p_time: float, event_id: str) -> float | None:
    """First arrival of another event at the station, at `p_time` or later."""
    for time, other in entries[bisect_left(entries, (p_time, "")) :]:
        if other != event_id:
            return time
    return None


def _window(
    event_id: str,
    key: tuple[str, str],
    times: tuple[float, float, float | None],
    next_arrival: float | None,
    config: MagnitudeConfig,
) -> StationWindow:
    p_time, s_time, epicentral_km = times
    start, end = p_time - config.before_p_seconds, s_time + config.after_s_seconds
    overlapped = False
    if next_arrival is not None and next_arrival - config.before_p_seconds < end:
        end = next_arrival - config.before_p_seconds
        overlapped = end < s_time + config.min_after_s_seconds
    noise_start = start - config.noise_seconds
    return StationWindow(
        event_id,
        *key,
        p_time,
        s_time,
        epicentral_km,
        data_start=noise_start - config.margin_seconds,
        noise_start=noise_start,
        start=start,
        end=end,
        data_end=end + config.margin_seconds,
        overlapped=overlapped,
    )
