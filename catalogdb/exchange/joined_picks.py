"""Tables of picks that name the events of another file by id -> picks of those events, where times agree with the ids.

Event tables and pick tables of one source are at times numbered apart by one, and then each event would get its
neighbour's picks. An id is believed where the first of its picks lies within `FIRST_ARRIVAL` of the event's origin, and
no other event begins between the two, `SAME_EVENT` after the origin or later.

- Where that is not so for most events, no id is believed: events and picks are linked by time, as files of the bulletin
  are (`catalogdb.exchange.ogs.link`).
- Where that is not so for a tenth of the events, and two at least, the same is done for those.
- Either only if it finds other events for half of them or more, and, where most of them are in doubt for an event that
  begins between, if the times from origin to first pick then scatter by less than half and nearly all ids differ by
  one number. Never where they then scatter by more, but for ids whose picks lie beyond `OF_EVENT`. A table
  of distant earthquakes has right ids and late arrivals, and stays as it is.

After that, a pick further than `OF_EVENT` from the origin of its event is of no event.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from statistics import median

from catalogdb.exchange.file_log import line_list
from catalogdb.exchange.ogs.link import link, make_record
from catalogdb.exchange.ogs.merge import Part
from catalogdb.exchange.reference_catalog import FileReport, ReadEvent, ReadPick, ReferenceCatalog

FIRST_ARRIVAL = (-5.0, 180.0)  # seconds after the origin
SAME_EVENT = 10.0  # seconds: origins that near to each other may be of one event
OF_EVENT = (-60.0, 3600.0)  # seconds after the origin; the latest phases of distant earthquakes take less
FEW = 10  # where no more than one event in so many disagrees, the ids are right and those events are wrong
ONE_SHIFT_TIMES, ONE_SHIFT_SHARE = 5, 0.8
LINES_NAMED = 5
_NUMBER = re.compile(r"(.*?)(\d+)", re.ASCII | re.DOTALL)


@dataclass(eq=False)
class PickSet:
    """The picks that a file puts in one event."""

    key: str
    picks: list[ReadPick]

    @property
    def first_arrival(self) -> float:
        return min(pick["time"] for pick in self.picks)


def join_picks(parts: list[Part]) -> ReferenceCatalog:
    """One catalog of files of which one at most holds events; their picks are linked by id where times allow it.

    Args:
        parts: what each file gave, in the order given. Its picks' `event_key` is changed.

    Returns:
        The catalog. `notes` says of which files the ids are not those of the events, and by how much they differ;
        `repaired` names the picks that lie too far from their event.
    """
    catalog = ReferenceCatalog()
    for part in parts:
        catalog.extend(part.catalog)
    own = next((number for number, part in enumerate(parts) if part.catalog.events), None)
    if own is None:
        return catalog
    events: dict[str, ReadEvent] = {}
    for event in catalog.events:
        if "source_id" in event:
            events.setdefault(event["source_id"], event)
    for number, part in enumerate(parts):
        if number != own:
            sets = _sets(part)
            _link(sets, events, part, parts[own], catalog)
            _leave_out_far_picks(sets, events, catalog)
    return catalog


def take_source_ids(catalog: ReferenceCatalog) -> None:
    """Call the events of a table that catalogdb wrote as its source did, not by their ids in a database."""
    names = {
        event["source_id"]: event["read_from"].source_id
        for event in catalog.events
        if event.get("read_from") and event["read_from"].source_id
    }
    own_names = {event.get("source_id") for event in catalog.events}
    if len((own_names - names.keys()) | set(names.values())) < len(own_names):
        return  # two would have one name
    for event in catalog.events:
        if event.get("source_id") in names:
            event["source_id"] = names[event["source_id"]]
    for pick in catalog.picks:
        if pick.get("event_key") in names:
            pick["event_key"] = names[pick["event_key"]]


def _sets(part: Part) -> list[PickSet]:
    picks_of: dict[str, list[ReadPick]] = defaultdict(list)
    for pick in part.catalog.picks:
        if "event_key" in pick:
            picks_of[pick["event_key"]].append(pick)
    return [PickSet(key, picks) for key, picks in picks_of.items()]


def _link(sets: list[PickSet], events: dict[str, ReadEvent], part: Part, own: Part, catalog: ReferenceCatalog) -> None:
    """Put the id of their event in picks whose own is not believed, and a name of no event in those of none."""
    joined = [item for item in sets if item.key in events]
    origins = sorted(event["time"] for event in events.values())
    apart = {item for item in joined if not _agrees(item, events[item.key]["time"], origins)}
    out = [item for item in apart if not _is_in_span(item, events[item.key]["time"])]
    far = [item for item in out if not _is_in_span(item, events[item.key]["time"], OF_EVENT)]
    is_mostly_apart = 2 * len(apart) > len(joined)
    linked: dict[str, str] = {}
    doubtful: list[PickSet] = []
    if is_mostly_apart or (len(apart) > 1 and FEW * len(apart) >= len(joined)):
        believed = set() if is_mostly_apart else {item.key for item in joined if item not in apart}
        doubtful = [item for item in sets if item.key not in believed]
        linked = _by_time(doubtful, {name: event for name, event in events.items() if name not in believed})
    moved = sum(picks != event for picks, event in linked.items())
    by_id = _scatter([item.first_arrival - events[item.key]["time"] for item in joined])
    by_time = _scatter([item.first_arrival - events[linked[item.key]]["time"] for item in sets if item.key in linked])
    if (
        2 * moved < len(apart)
        or (is_mostly_apart and moved <= len(joined) - len(apart))
        or (2 * len(far) < len(apart) and by_time > by_id)
        or (2 * len(out) < len(apart) and (2 * by_time >= by_id or not _is_one_shift(linked)))
    ):
        linked, doubtful = {}, []
    if doubtful:
        catalog.notes.append(_note(linked, len(doubtful), len(apart), len(joined), part, own))
    for item in doubtful:
        for pick in item.picks:
            pick["event_key"] = linked.get(item.key, f"{part.name}:{item.key}")


def _is_one_shift(linked: dict[str, str]) -> bool:
    """True where nearly all ids differ from those of their events by one number, seen often enough."""
    shifts = Counter(_shift(picks, event) for picks, event in linked.items())
    shift, times = shifts.most_common(1)[0] if shifts else (None, 0)
    return shift is not None and times >= ONE_SHIFT_TIMES and times >= ONE_SHIFT_SHARE * len(linked)


def _agrees(item: PickSet, origin: float, origins: list[float]) -> bool:
    begun = bisect_right(origins, item.first_arrival) > bisect_right(origins, origin + SAME_EVENT)
    return _is_in_span(item, origin) and not begun


def _is_in_span(item: PickSet, origin: float, span: tuple[float, float] = FIRST_ARRIVAL) -> bool:
    return span[0] <= item.first_arrival - origin <= span[1]


def _scatter(seconds: list[float]) -> float:
    """Median distance from the median."""
    middle = median(seconds or [0.0])
    return median([abs(value - middle) for value in seconds] or [0.0])


def _by_time(sets: list[PickSet], events: dict[str, ReadEvent]) -> dict[str, str]:
    """Key of each set of picks that is of an event -> the event's name."""
    of_events = [make_record(0, event, [], name) for name, event in events.items()]
    of_picks = [make_record(1, None, item.picks, item.key) for item in sets]
    linked = {}
    for group in link([of_events, of_picks]):
        if len(group.records) == 2:
            event, picks = sorted(group.records, key=lambda record: record.part)
            linked[str(picks.key)] = str(event.key)
    return linked


def _note(linked: dict[str, str], doubtful: int, apart: int, joined: int, part: Part, own: Part) -> str:
    shifts = Counter(shift for picks, event in linked.items() if (shift := _shift(picks, event)) is not None)
    said = ", ".join(f"{'-' if n < 0 else '+'} {abs(n)} ({times} of them)" for n, times in shifts.most_common(3))
    if len(shifts) > 3:
        said += f", and others from {min(shifts)} to {max(shifts)}"
    which = f"; its ids are those of {own.name} {said}" if said else ""
    span = f"{FIRST_ARRIVAL[0]:g}..{FIRST_ARRIVAL[1]:g} s"
    return (
        f"{part.name}: its event ids are not those of {own.name}: of {apart} of the {joined} ids in both, the first "
        f"pick is not within {span} of the origin, or follows another event's. Linked by time instead: the picks of "
        f"{len(linked)} ids of {doubtful}{which}"
    )


def _shift(picks: str, event: str) -> int | None:
    """By how much an id of a table of picks is larger than that of its event; None for ids that are not so alike."""
    one, other = _NUMBER.fullmatch(picks), _NUMBER.fullmatch(event)
    return int(one[2]) - int(other[2]) if one and other and one[1] == other[1] else None


def _leave_out_far_picks(sets: list[PickSet], events: dict[str, ReadEvent], catalog: ReferenceCatalog) -> None:
    lines_of: dict[str, set[int]] = defaultdict(set)
    for item in sets:
        name = item.picks[0]["event_key"]
        event = events.get(name)
        if event is None:
            continue
        far = [pick for pick in item.picks if not OF_EVENT[0] <= pick["time"] - event["time"] <= OF_EVENT[1]]
        if not far:
            continue
        for pick in far:
            del pick["event_key"]
        nearest = min((pick["time"] - event["time"] for pick in far), key=abs)
        places = [place for pick in far if (place := pick.get("read_from"))]
        lines = sorted({place.line for place in places if place.line is not None})
        where = f"{places[0].file}: " if places else ""
        where += f"{line_list(lines, LINES_NAMED)}: " if lines else ""
        catalog.repaired.append(
            f"{where}{len(far)} picks of event {name} are {_said(nearest)} its origin: kept as picks of no event"
        )
        for place in places:
            lines_of[place.file].update(lines)
    catalog.files = [_with_repaired(report, lines_of.get(report.file, set())) for report in catalog.files]


def _with_repaired(report: FileReport, lines: set[int]) -> FileReport:
    new = lines - set(report.repaired_lines)
    if not new:
        return report
    return replace(report, repaired=report.repaired + len(new), repaired_lines=sorted({*report.repaired_lines, *new}))


def _said(seconds: float) -> str:
    """`3.2 hours after`, `12 days before`: of the pick nearest to the origin."""
    size, unit = next(
        (abs(seconds) / parts, unit)
        for parts, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes"))
        if abs(seconds) >= parts
    )
    return f"{size:.1f} {unit} {'after' if seconds > 0 else 'before'}"
