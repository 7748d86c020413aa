"""Which P arrivals of a catalog's events spectrograms are made of, and why the others are not."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from catalogdb.features.config import FeaturesConfig
from catalogdb.features.spectrograms import Arrival
from catalogdb.phases import phase_type
from catalogdb.station_patterns import matches_station

Station = tuple[str, str]


def wanted_arrivals(events: Sequence[Mapping[str, Any]], config: FeaturesConfig) -> tuple[list[Arrival], Counter[str]]:
    """The first P of each event at each station.

    Args:
        events: each with `event_id`, `time` and `arrivals` (`net`, `sta`, `phase`, `time`).
        config: settings; stations that it doesn't name are passed over.

    Returns:
        Arrivals by time, and counts: `event_stations`, of which `no_p` and, where such are left out, `overlapping`.
    """
    counts: Counter[str] = Counter()
    found: list[Arrival] = []
    of_station: dict[Station, list[tuple[float, str]]] = defaultdict(list)
    for event in events:
        firsts: dict[Station, float] = {}
        seen: set[Station] = set()
        for arrival in event["arrivals"]:
            station = arrival.get("net", ""), arrival["sta"]
            phase = phase_type(arrival["phase"])
            if phase is None or not matches_station(config.stations, *station):
                continue
            seen.add(station)
            of_station[station].append((arrival["time"], event["event_id"]))
            if phase == "P":
                firsts[station] = min(arrival["time"], firsts.get(station, arrival["time"]))
        counts["event_stations"] += len(seen)
        counts["no_p"] += len(seen - firsts.keys())
        found += [Arrival(event["event_id"], event["time"], *station, time) for station, time in firsts.items()]
    found.sort(key=lambda one: (one.p_time, one.event_id, one.net, one.sta))
    if config.overlapping:
        return found, counts
    for times in of_station.values():
        times.sort()
    alone = [one for one in found if not _is_disturbed(one, of_station[one.net, one.sta], config)]
    counts["overlapping"] = len(found) - len(alone)
    return alone, counts


def _is_disturbed(one: Arrival, times: Sequence[tuple[float, str]], config: FeaturesConfig) -> bool:
    """Whether an arrival of another event lies in the window."""
    first = bisect_left(times, (one.p_time - config.before_seconds, ""))
    end = one.p_time + config.after_seconds
    for time, event_id in times[first:]:
        if time > end:
            return False
        if event_id != one.event_id:
            return True
    return False
