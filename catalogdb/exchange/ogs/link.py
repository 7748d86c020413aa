"""Which records of several files are of one event: by origin time and place, and by first arrivals, not by number.

A record of one file joins at most one event, and an event takes at most one record of a file. Candidates are taken in
the order of how well they agree:

1. picks in common: half or more of the smaller record's readings, to the hundredth of a second;
2. origins within 5 s and 50 km of each other, the nearest first;
3. an origin time and picks: the first arrival from 1.5 s before to 30 s after it, the earliest first;
4. two sets of picks whose first arrivals are within 5 s;
5. a time known to the minute (an unlocated event of the bulletin): a first arrival or origin in that minute; the same
   first station counts before others.

What is left is linked up to 90 s apart where its number differs from that of the event as that of the nearest linked
event of the same two files does.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from catalogdb.exchange.reference_catalog import ReadEvent, ReadPick
from catalogdb.geo import distance_azimuth
from catalogdb.phases import phase_type

MOST_SECONDS = 5.0
MOST_KM = 50.0
FIRST_ARRIVAL = (-1.5, 30.0)  # seconds after the origin
FIRST_ARRIVAL_BY_NUMBER = (-5.0, 90.0)
_NUMBER_IN_ID = re.compile(r"(?:19|20)\d\d[_-]?(\d{4,7})(?:#.*)?", re.ASCII)


@dataclass
class Record:
    """What one file says of one event: an event document, picks, or both.

    origin_time: epoch seconds, where the file gives it. minute: epoch seconds of a time known to the minute only.
    """

    part: int
    event: ReadEvent | None
    picks: list[ReadPick]
    key: str | None
    number: int | None = None
    first_station: str | None = None
    origin_time: float | None = None
    position: tuple[float, float] | None = None
    minute: float | None = None
    first_arrival: float | None = None
    readings: frozenset[tuple[str, str | None, int]] = frozenset()

    @property
    def time(self) -> float:
        """The best time that there is, for sorting."""
        return next(t for t in (self.origin_time, self.first_arrival, self.minute) if t is not None)


@dataclass
class Group:
    """Records of one event, at most one of each file."""

    records: list[Record] = field(default_factory=list)

    @property
    def parts(self) -> set[int]:
        return {record.part for record in self.records}

    def first(self, name: str) -> Any:
        """The first value of a field that a record has."""
        return next((value for record in self.records if (value := getattr(record, name)) is not None), None)


def make_record(part: int, event: ReadEvent | None, picks: list[ReadPick], key: str | None) -> Record:
    """Record of an event document, of the picks that a file puts in one event, or of both."""
    record = Record(part, event, picks, key)
    if picks:
        record.first_arrival = min(pick["time"] for pick in picks)
        record.readings = frozenset(
            (pick["sta"], phase_type(pick["phase"]), round(pick["time"] * 100)) for pick in picks
        )
    if event is not None:
        time_from = event.get("time_from")
        if time_from == "minute":
            record.minute = event["time"]
        elif time_from is None:
            record.origin_time = event["time"]
        if "latitude" in event:
            record.position = (event["latitude"], event["longitude"])
        for source in event.get("sources", [])[:1]:
            record.first_station = source.get("first_station")
            record.number = source.get("number")
    if record.number is None and key and (match := _NUMBER_IN_ID.fullmatch(key)):
        record.number = int(match[1])
    return record


def link(records_by_part: list[list[Record]]) -> list[Group]:
    """Bring records of the same event together.

    Args:
        records_by_part: the records of each file, files in the order of preference.

    Returns:
        Groups by time; the records of each in the order of preference.
    """
    groups: list[Group] = []
    for records in records_by_part:
        left = _join(groups, records, _agreement)
        left = _join(groups, left, _NumberShifts(groups).agreement)
        groups += [Group([record]) for record in left]
    return sorted(groups, key=lambda group: group.records[0].time)


def _join(
    groups: list[Group], records: list[Record], agreement: Callable[[Group, Record], float | None]
) -> list[Record]:
    """Put each record into the event that it agrees with best; those that agree with none are returned."""
    index = _TimeIndex(groups)
    candidates = []
    for position, record in enumerate(records):
        for place in index.near(record):
            if record.part not in groups[place].parts:
                cost = agreement(groups[place], record)
                if cost is not None:
                    candidates.append((cost, position, place))
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, position, place in sorted(candidates):
        if position not in partner and place not in taken:
            partner[position] = place
            taken.add(place)
    for position, place in partner.items():
        groups[place].records.append(records[position])
    return [record for position, record in enumerate(records) if position not in partner]


class _TimeIndex:
    """Events by the times of their records."""

    def __init__(self, groups: list[Group]):
        self._entries = sorted((record.time, place) for place, group in enumerate(groups) for record in group.records)
        self._times = [time for time, _ in self._entries]

    def near(self, record: Record) -> list[int]:
        """Places of the events that a record could be of."""
        widest = FIRST_ARRIVAL_BY_NUMBER[1] + 60.0
        low = bisect_left(self._times, record.time - widest)
        high = bisect_right(self._times, record.time + widest)
        return sorted({place for _, place in self._entries[low:high]})


def _agreement(group: Group, record: Record) -> float | None:
    """How badly a record agrees with an event, in the order of the module's list; None where it is not of it."""
    readings = frozenset().union(*(other.readings for other in group.records))
    fewer = min(len(readings), len(record.readings))
    in_common = len(readings & record.readings)
    if in_common and 2 * in_common >= fewer:
        return -in_common / fewer
    origin_time = group.first("origin_time")
    if record.origin_time is not None and origin_time is not None:
        return _origins_apart(abs(record.origin_time - origin_time), group.first("position"), record.position)
    first_arrival = group.first("first_arrival")
    for origin, arrival in ((origin_time, record.first_arrival), (record.origin_time, first_arrival)):
        if origin is not None and arrival is not None:
            delay = arrival - origin
            return 2.0 + abs(delay) / 100 if FIRST_ARRIVAL[0] <= delay <= FIRST_ARRIVAL[1] else None
    if record.first_arrival is not None and first_arrival is not None:
        apart = abs(record.first_arrival - first_arrival)
        return 3.0 + apart / MOST_SECONDS if apart <= MOST_SECONDS else None
    return _in_the_minute(group, record)


def _origins_apart(seconds: float, one: tuple[float, float] | None, other: tuple[float, float] | None) -> float | None:
    if seconds > MOST_SECONDS:
        return None
    if one is None or other is None:
        return 1.0 + seconds / MOST_SECONDS
    kilometres = float(distance_azimuth(*one, *other)[0])
    return None if kilometres > MOST_KM else seconds / MOST_SECONDS + kilometres / MOST_KM


def _in_the_minute(group: Group, record: Record) -> float | None:
    minute, named = record.minute, record.first_station
    other: Group | Record = group
    if minute is None:
        minute, named, other = group.first("minute"), group.first("first_station"), record
    if minute is None:
        return None
    if isinstance(other, Group):
        time = next(t for name in ("first_arrival", "origin_time", "minute") if (t := other.first(name)) is not None)
        station = _first_station(other.records)
    else:
        time, station = other.time, _first_station([other])
    after = time - minute
    if not -30.0 <= after < 75.0:
        return None
    is_same_station = named is not None and named == station
    return 5.0 + (0.0 if 0 <= after < 60 else 1.0) - (0.5 if is_same_station else 0.0)


def _first_station(records: list[Record]) -> str | None:
    picks = [pick for record in records for pick in record.picks]
    if picks:
        return min(picks, key=lambda pick: pick["time"])["sta"]
    return next((record.first_station for record in records if record.first_station), None)


class _NumberShifts:
    """What the numbers of two files differ by, along time."""

    def __init__(self, groups: list[Group]):
        self._shifts: dict[tuple[int, int], list[tuple[float, int]]] = {}
        for group in groups:
            for later in group.records:
                for earlier in group.records:
                    if earlier is not later and earlier.number is not None and later.number is not None:
                        self._shifts.setdefault((later.part, earlier.part), []).append(
                            (earlier.time, later.number - earlier.number)
                        )
        for shifts in self._shifts.values():
            shifts.sort()

    def agreement(self, group: Group, record: Record) -> float | None:
        if record.number is None:
            return None
        for other in group.records:
            shifts = self._shifts.get((record.part, other.part))
            if shifts is None or other.number is None:
                continue
            place = bisect_left(shifts, (other.time, 0))
            _, shift = min(shifts[max(place - 1, 0) : place + 1], key=lambda entry: abs(entry[0] - other.time))
            if record.number - other.number == shift and self._is_near(group, record):
                return abs(record.time - other.time)
        return None

    @staticmethod
    def _is_near(group: Group, record: Record) -> bool:
        origin_time: float | None = group.first("origin_time")
        if origin_time is not None and record.first_arrival is not None:
            return FIRST_ARRIVAL_BY_NUMBER[0] <= record.first_arrival - origin_time <= FIRST_ARRIVAL_BY_NUMBER[1]
        return abs(record.time - group.records[0].time) <= FIRST_ARRIVAL_BY_NUMBER[1]
