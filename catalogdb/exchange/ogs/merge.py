"""Several files of the same events -> one catalog in which each event stands once. The rule is in `link`.

What is preferred, in this order of files: `.hpl`, `.pun`, QuakeML, csv, `.txt`, `.dat`; within these, as given.

- Origins: one per file that locates the event; the preferred one is that of the first file.
- Magnitudes: values that differ by no more than their rounding are one, that with the most decimals; others stay beside
  each other. Each is of the origin that its own file gives. The preferred one is the first of Mw, ML, Ms, mb, M, MD.
- Place and type are those of `.txt` where it has them, else of the first file that does.
- Picks: readings of one phase at one station within 0.1 s are one (listings print some rounded), with time and marks of
  `.dat`, else of QuakeML, csv, `.hpl`; readings that differ by more all stay.
- The event's id is that of `.txt`, else QuakeML or csv, else `.hpl`, else `.dat`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, cast

from catalogdb.documents.data import EventSource, Origin, OriginArrival, TimeFrom
from catalogdb.exchange.event_parts import add_arrival_counts, arrival_of, event_from_parts, present
from catalogdb.exchange.file_log import line_list
from catalogdb.exchange.file_names import distinct_names
from catalogdb.exchange.ogs.link import Group, Record, link, make_record
from catalogdb.exchange.ogs.merge_magnitudes import merged_magnitudes, name_origins
from catalogdb.exchange.reference_catalog import ReadEvent, ReadPick, ReferenceCatalog
from catalogdb.geo import distance_azimuth
from catalogdb.phases import phase_type

ORIGIN_ORDER = ("ogs-hpl", "ogs-pun", "quakeml", "csv", "ogs-txt", "ogs-dat")
WORDS_ORDER = ("ogs-txt", "quakeml", "csv", "ogs-hpl", "ogs-pun", "ogs-dat")
ID_ORDER = ("ogs-txt", "quakeml", "csv", "ogs-hpl", "ogs-dat", "ogs-pun")
PICK_ORDER = ("ogs-dat", "quakeml", "csv", "ogs-hpl", "ogs-pun", "ogs-txt")
MAGNITUDE_ORDER = ("Mw", "ML", "Ms", "mb", "M", "MD")
SAME_READING = 0.1 + 1e-6  # seconds
SAME_TIME = 0.005  # seconds: the files give hundredths
FAR_SECONDS, FAR_KM = 2.0, 8.0  # origins of one event further apart are said
SHIFTS_NAMED = 3


@dataclass
class Part:
    """What one file gave."""

    name: str
    format: str
    catalog: ReferenceCatalog


def merge(parts: list[Part]) -> ReferenceCatalog:
    """Make one catalog of several files' events and picks.

    Args:
        parts: what each file gave, in the order given.

    Returns:
        The merged catalog. `notes` says how the files were linked, by how much their numbers differ, and what stands in
        one file only.
    """
    parts = sorted(parts, key=lambda part: _rank(part.format, ORIGIN_ORDER))
    result = ReferenceCatalog()
    for part in parts:
        result.rejected += part.catalog.rejected
        result.repaired += part.catalog.repaired
        result.files += part.catalog.files
    _tell_picks_apart(parts)
    records_by_part = [list(_records(number, part)) for number, part in enumerate(parts)]
    groups = link(records_by_part)
    counts: Counter[str] = Counter()
    keys: set[str] = set()
    for group in groups:
        _add(result, group, parts, keys, counts)
    _add_loose_picks(result, parts, counts)
    result.notes += _notes(groups, parts, counts)
    return result


def _rank(format: str, order: tuple[str, ...]) -> int:
    return order.index(format) if format in order else len(order)


def _tell_picks_apart(parts: list[Part]) -> None:
    """Give every pick a `source_id` that no other file's pick has."""
    taken: set[str] = set()
    for number, part in enumerate(parts):
        renamed: dict[str, str] = {}
        for place, pick in enumerate(part.catalog.picks, 1):
            own = pick.get("source_id") or f"{part.name}:pick {place}"
            name = own if own not in taken else f"{own} ({number}/{place})"
            if "source_id" in pick:
                renamed[own] = name
            pick["source_id"] = name
            taken.add(name)
        for event in part.catalog.events:
            for origin in event["origins"]:
                for arrival in origin.get("arrivals", []):
                    arrival["pick_id"] = renamed.get(arrival["pick_id"], arrival["pick_id"])


def _records(number: int, part: Part) -> Iterator[Record]:
    picks_of: dict[str, list[ReadPick]] = defaultdict(list)
    for pick in part.catalog.picks:
        if "event_key" in pick:
            picks_of[pick["event_key"]].append(pick)
    for event in part.catalog.events:
        key = event.get("source_id")
        source = present({"file": part.name, "format": part.format, "id": key})
        event.setdefault("sources", [cast(EventSource, source)])
        for origin in event["origins"]:
            origin.setdefault("source_file", part.name)
            origin.setdefault("source_format", part.format)
        for magnitude in event["magnitudes"]:
            magnitude.setdefault("source_file", part.name)
        yield make_record(number, event, picks_of.pop(key, []) if key is not None else [], key)
    for key, picks in picks_of.items():
        yield make_record(number, None, picks, key)


def _add(result: ReferenceCatalog, group: Group, parts: list[Part], keys: set[str], counts: Counter[str]) -> None:
    """Add the event of a group, or its picks alone where no file has more of it."""

    def ordered(order: tuple[str, ...]) -> list[Record]:
        return sorted(group.records, key=lambda record: _rank(parts[record.part].format, order))

    picks, renamed = _picks(ordered(PICK_ORDER), counts)
    events = [record.event for record in group.records if record.event is not None]
    if not events:
        key = f"{parts[group.records[0].part].name}:{group.records[0].key}"
        counts["picks whose event stands in no file, kept without one"] += len(picks)
    else:
        key = next(
            (
                record.key
                for record in ordered(ID_ORDER)
                if record.event is not None and record.key and not record.key.startswith(f"{parts[record.part].name}:")
            ),
            None,
        ) or next(
            (record.key for record in group.records if record.key),
            f"{parts[group.records[0].part].name}:event {len(keys) + 1}",
        )
    if key in keys:
        key = next(name for number in range(2, len(keys) + 3) if (name := f"{key}#{number}") not in keys)
    keys.add(key)
    for pick in picks:
        pick["event_key"] = key
    result.picks += picks
    if events:
        worded = [record.event for record in ordered(WORDS_ORDER) if record.event is not None]
        result.events.append(_event(events, worded, group, picks, renamed, key, parts, counts))


def _picks(records: list[Record], counts: Counter[str]) -> tuple[list[ReadPick], dict[str, str]]:
    """One pick per reading, and whose `source_id` became which."""
    kept: list[tuple[int, ReadPick]] = []
    by_phase: dict[tuple[str, str | None], list[tuple[int, ReadPick]]] = defaultdict(list)
    renamed: dict[str, str] = {}
    for record in records:
        for pick in record.picks:
            others = by_phase[pick["sta"], phase_type(pick["phase"])]
            same = [
                other
                for part, other in others
                if part != record.part and abs(other["time"] - pick["time"]) <= SAME_READING
            ]
            if same:
                first = same[0]
                if first.get("hypo71_weight") != pick.get("hypo71_weight") and "hypo71_weight" in pick:
                    counts["readings whose weights differ between files"] += "hypo71_weight" in first
                if abs(first["time"] - pick["time"]) > SAME_TIME:
                    counts["readings whose times differ by up to 0.1 s between files"] += 1
                pick.pop("assumed", None)  # it is of its own values, which give way
                first |= pick | first
                renamed[pick["source_id"]] = first["source_id"]
                continue
            if any(part != record.part for part, _ in others):
                counts["readings whose times differ by more between files, all kept"] += 1
            kept.append((record.part, pick))
            others.append((record.part, pick))
    return sorted((pick for _, pick in kept), key=lambda pick: (pick["time"], pick["sta"])), renamed


def _event(
    events: list[ReadEvent],
    worded: list[ReadEvent],
    group: Group,
    picks: list[ReadPick],
    renamed: dict[str, str],
    key: str,
    parts: list[Part],
    counts: Counter[str],
) -> ReadEvent:
    origins, preferred_origin = _origins(events, renamed, {pick["source_id"]: pick["time"] for pick in picks})
    if preferred_origin is not None and picks:
        _complete_arrivals(preferred_origin, picks)
    if any(_are_far_apart(preferred_origin, origin) for origin in origins):
        counts[f"events whose origins are more than {FAR_SECONDS:g} s or {FAR_KM:g} km apart"] += 1
    given = [
        (parts[record.part].format, magnitude)
        for record in group.records
        for magnitude in (record.event["magnitudes"] if record.event else ())
    ]
    magnitudes = merged_magnitudes(given, None if preferred_origin is None else preferred_origin["_id"])
    kinds = {event["event_type"] for event in events if "event_type" in event}
    if len(kinds) > 1:
        counts["events whose types differ between files"] += 1
    time, time_from = _time(group, preferred_origin)
    remarks = list(dict.fromkeys(event["remarks"] for event in worded if "remarks" in event))
    merged = event_from_parts(
        time,
        origins,
        magnitudes,
        preferred_origin,
        min(magnitudes, key=lambda item: _rank(item["type"], MAGNITUDE_ORDER), default=None),
        time_from=time_from,
        source_id=key,
        place=_first(worded, "place"),
        descriptions=_first(worded, "descriptions"),
        comments=[comment for event in worded for comment in event.get("comments", [])] or None,
        assumed=events[0].get("assumed"),
        event_type=_first(worded, "event_type"),
        zone=_first(events, "zone"),
        remarks="; ".join(remarks) or None,
        evaluation_mode=events[0]["evaluation_mode"],
        evaluation_status=events[0]["evaluation_status"],
        creation_info=_first(events, "creation_info"),
        sources=[source for event in events for source in event["sources"]],
    )
    if preferred_origin is None and picks:
        counts["events without an origin in any file, kept as unlocated"] += 1
    return merged


def _first(events: Sequence[Mapping[str, Any]], name: str) -> Any:
    return next((event[name] for event in events if name in event), None)


def _time(group: Group, preferred_origin: Origin | None) -> tuple[float, TimeFrom | None]:
    if preferred_origin is not None:
        return preferred_origin["time"], None
    known: dict[str, TimeFrom | None] = {"origin_time": None, "first_arrival": "first_arrival", "minute": "minute"}
    for name, time_from in known.items():
        if (time := group.first(name)) is not None:
            return time, time_from
    raise AssertionError("a record has a time")


def _origins(
    events: list[ReadEvent], renamed: dict[str, str], times: dict[str, float]
) -> tuple[list[Origin], Origin | None]:
    """All origins under ids of their own, which their magnitudes name, and the first event's preferred one."""
    origins: list[Origin] = []
    preferred = None
    for event in events:
        names: dict[str, str] = {}
        for origin in event["origins"]:
            own = origin | {"_id": str(len(origins) + 1)}
            if "arrivals" in origin:
                own["arrivals"] = [_arrival(arrival, renamed, times) for arrival in origin["arrivals"]]
            origins.append(own)
            names[origin["_id"]] = own["_id"]
            if preferred is None and origin["_id"] == event.get("preferred_origin_id"):
                preferred = own
        name_origins(event, names)
    return origins, preferred


def _arrival(arrival: OriginArrival, renamed: dict[str, str], times: dict[str, float]) -> OriginArrival:
    """The arrival with the pick that its own became."""
    pick_id = renamed.get(arrival["pick_id"], arrival["pick_id"])
    return arrival | {"pick_id": pick_id, "time": times.get(pick_id, arrival["time"])}


def _complete_arrivals(origin: Origin, picks: list[ReadPick]) -> None:
    """Let the preferred origin name all picks of the event; those that its own file lacks have no residual."""
    arrivals = origin.setdefault("arrivals", [])
    named = {arrival["pick_id"] for arrival in arrivals}
    arrivals += [arrival_of(pick, pick["source_id"]) for pick in picks if pick["source_id"] not in named]
    add_arrival_counts(origin)


def _are_far_apart(one: Origin | None, other: Origin) -> bool:
    if one is None or one is other:
        return False
    kilometres = distance_azimuth(one["latitude"], one["longitude"], other["latitude"], other["longitude"])[0]
    return abs(one["time"] - other["time"]) > FAR_SECONDS or float(kilometres) > FAR_KM


def _add_loose_picks(result: ReferenceCatalog, parts: list[Part], counts: Counter[str]) -> None:
    """Keep the picks that no file puts in an event, once, unless they are readings of an event too."""
    known = {(pick["sta"], phase_type(pick["phase"]), round(pick["time"] * 100)) for pick in result.picks}
    for part in parts:
        for pick in part.catalog.picks:
            if "event_key" in pick:
                continue
            reading = (pick["sta"], phase_type(pick["phase"]), round(pick["time"] * 100))
            if reading in known:
                counts["picks of no event that another file has as well, kept once"] += 1
            else:
                known.add(reading)
                result.picks.append(pick)


def _notes(groups: list[Group], parts: list[Part], counts: Counter[str]) -> list[str]:
    sizes = Counter(len(group.records) for group in groups if any(record.event for record in group.records))
    named = ", ".join(f"{number} in {size} of them" for size, number in sorted(sizes.items(), reverse=True))
    notes = [f"{sum(sizes.values())} events of {len(parts)} files: {named}"]
    paths = [part.catalog.files[0].file if part.catalog.files else part.name for part in parts]
    names = distinct_names(paths)
    labels = [names[path] for path in paths]
    notes += _shift_notes(groups, parts, labels)
    for number, label in enumerate(labels):
        alone = [
            record.event["sources"][0].get("line")
            for group in groups
            if len(group.records) == 1
            for record in group.records
            if record.part == number and record.event
        ]
        if alone and len(parts) > 1:
            lines = sorted(line for line in alone if line is not None)
            where = f" ({line_list(lines, 20)})" if lines else ""
            notes.append(f"{label}: events that stand in no other file: {len(alone)}{where}")
    return notes + [f"{what}: {number}" for what, number in counts.items() if number]


def _shift_notes(groups: list[Group], parts: list[Part], labels: list[str]) -> list[str]:
    """By how much a file's numbers differ from another's: from those of the first file that numbers the same event."""

    def rank(number: int) -> tuple[int, int]:
        return _rank(parts[number].format, ID_ORDER), number

    shifts: dict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    told = set()
    for group in groups:
        numbers = {record.part: record.number for record in group.records if record.number is not None}
        ordered = sorted(numbers, key=rank)
        told |= {(other, ordered[0]) for other in ordered[1:]}
        for first, other in combinations(ordered, 2):
            shifts[other, first][numbers[other] - numbers[first]] += 1
    return [
        f"{labels[other]}: its event numbers are those of {labels[first]} {_said(shifts[other, first])}"
        for other, first in sorted(told, key=lambda pair: [rank(number) for number in pair])
    ]


def _said(shifts: Counter[int]) -> str:
    """`- 1 (all 20)`, or `- 1 (12 of 20), + 0 (5), - 3 (2), and others from - 9 to + 4`."""
    total = shifts.total()
    if len(shifts) == 1:
        (shift,) = shifts
        return f"{_signed(shift)} (all {total})"
    common = shifts.most_common(SHIFTS_NAMED)
    said = ", ".join(f"{_signed(shift)} ({times} of {total})" for shift, times in common)
    more = f", and others from {_signed(min(shifts))} to {_signed(max(shifts))}" if len(shifts) > len(common) else ""
    return said + more


def _signed(shift: int) -> str:
    return f"{'-' if shift < 0 else '+'} {abs(shift)}"
