"""What differs between two catalogs, or two pick sets: events, picks and the settings that made them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymongo.database import Database

from catalogdb.comparisons.readers import PickReader, read_events
from catalogdb.database.named import require_catalog, require_pick_set
from catalogdb.documents.free import Json, Row
from catalogdb.documents.records import Catalog, PickSet
from catalogdb.evaluation import Gates
from catalogdb.evaluation.columns import PHASES, Codes, Events, Picks, joined, merged_batches
from catalogdb.evaluation.pairing import EventPairs, pair_events, pair_picks, unfinished

ALL_TIME = (-np.inf, np.inf)
SAME = {"dt": 5e-4, "distance_km": 5e-4, "depth_difference_km": 5e-4, "magnitude_difference": 5e-3}
"""Differences below these are none: half a unit of what is printed of times (s), places (km) and magnitudes."""
OUTCOMES = ("same", "moved", "other_phase", "only_a", "only_b")
STATIONS_LISTED = 50


def diff_catalogs(
    db: Database,
    a: str,
    b: str,
    gates: Gates | None = None,
    period: tuple[float, float] = ALL_TIME,
    rows: int = 50,
    with_settings: bool = True,
) -> Json:
    """What differs between two catalogs. Nothing is stored.

    Args:
        a, b: names of catalogs.
        gates: how far an event or pick may have moved to be still the same one.
        period: [start, end) in epoch seconds.
        rows: most rows of each kind; 0 for all. Counts are always of all.
        with_settings: other settings make catalogs differ, too.

    Returns:
        kind, a, b, pick_sets, equal; events: `a`, `b` (numbers), same, moved, only_a, only_b, and rows of the latter
        three; picks as `diff_pick_sets` has them, or None where both catalogs are made from one pick set or one of them
        from none; settings and pick_settings: keys with their value in a and in b.

    Raises:
        InputError: for a catalog that isn't there.
    """
    documents = [require_catalog(db, name) for name in (a, b)]
    gates = gates or Gates()
    pick_sets = [document.get("pick_set") for document in documents]
    ours, theirs = pick_sets
    picks: Json | None = None
    pick_settings: list[Json] = []
    if ours and theirs and ours != theirs:
        picks = _diff_picks(db, ours, theirs, gates.max_pick_dt, period)
        pick_settings = _settings(require_pick_set(db, ours), require_pick_set(db, theirs))
    result = {
        "kind": "catalogs",
        "a": a,
        "b": b,
        "pick_sets": pick_sets,
        "events": _diff_events(db, a, b, gates, period, rows),
        "picks": picks,
        "settings": _settings(*documents),
        "pick_settings": pick_settings,
    }
    return result | {"equal": _is_equal(result, with_settings)}


def diff_pick_sets(
    db: Database,
    a: str,
    b: str,
    max_dt: float = 0.5,
    period: tuple[float, float] = ALL_TIME,
    with_settings: bool = True,
) -> Json:
    """What differs between two pick sets. Nothing is stored.

    Args:
        a, b: names of pick sets.
        max_dt: how far (s) a pick may have moved to be still the same one.
        period: [start, end) in epoch seconds.
        with_settings: other settings make pick sets differ, too.

    Returns:
        kind, a, b, equal, settings, and picks: by phase the numbers of `a` and `b`, same, moved, other_phase (paired
        with a pick of the other phase), only_a and only_b; `stations` with the most that aren't the same, and
        `not_compared`, picks of phases that are neither P nor S.

    Raises:
        InputError: for a pick set that isn't there.
    """
    documents = [require_pick_set(db, name) for name in (a, b)]
    picks = _diff_picks(db, a, b, Gates(max_pick_dt=max_dt).max_pick_dt, period)
    result = {"kind": "pick sets", "a": a, "b": b, "picks": picks, "settings": _settings(*documents)}
    return result | {"equal": _is_equal(result, with_settings)}


def _is_equal(result: Json, with_settings: bool) -> bool:
    compared = list((result["picks"] or {}).get("phases", {}).values())
    if "events" in result:
        compared.append(result["events"])
    differs = any(row.get(outcome) for row in compared for outcome in OUTCOMES[1:])
    others = with_settings and (result["settings"] or result.get("pick_settings"))
    return not (differs or others)


# -- events


def _diff_events(db: Database, a: str, b: str, gates: Gates, period: tuple[float, float], rows: int) -> Json:
    events = [read_events(db, name, *period, selection={}) for name in (a, b)]  # rejected ones, too
    pairs = pair_events(events[0], events[1], gates)
    pairs = _with_unlocated(events[0], events[1], pairs)
    counted = [_counted(db, name, period) for name in (a, b)]
    moved = 0
    kept: list[Json] = []
    for row in _pair_rows(events[0], events[1], pairs):
        before, now = counted[0].get(row["a_id"]), counted[1].get(row["b_id"])
        row = {key: value for key, value in row.items() if value == value}  # without what neither knows
        if before == now and all(abs(row.get(key, 0.0)) < least for key, least in SAME.items()):
            continue
        moved += 1
        if not rows or len(kept) < rows:
            finite = {key: None if value in (np.inf, -np.inf) else value for key, value in row.items()}
            kept.append(finite | {"picks_a": before, "picks_b": now})
    alone = [_alone(side, used) for side, used in zip(events, (pairs.reference, pairs.catalog), strict=True)]
    limit = rows or None
    return {
        "a": len(events[0]),
        "b": len(events[1]),
        "same": len(pairs.reference) - moved,
        "moved": moved,
        "only_a": len(alone[0]),
        "only_b": len(alone[1]),
        "moved_rows": kept,
        "only_a_rows": [_event_row(events[0], at) for at in alone[0][:limit]],
        "only_b_rows": [_event_row(events[1], at) for at in alone[1][:limit]],
    }


def _with_unlocated(a: Events, b: Events, pairs: EventPairs) -> EventPairs:
    """The pairs, and those of events without a position, which the matching leaves out: of one time, in order."""
    lists: list[dict[float, list[int]]] = []
    for events in (a, b):
        at: dict[float, list[int]] = {}
        for position in np.flatnonzero(np.isnan(events.latitude)).tolist():
            at.setdefault(events.time[position], []).append(position)
        lists.append(at)
    found = [pair for time in lists[0].keys() & lists[1].keys() for pair in zip(lists[0][time], lists[1][time])]  # noqa: B905
    first, second = np.array(sorted(found), np.int64).reshape(-1, 2).T
    nothing = np.zeros(len(first))
    return EventPairs(
        np.r_[pairs.reference, first],
        np.r_[pairs.catalog, second],
        np.r_[pairs.dt, nothing],
        np.r_[pairs.distance_km, nothing],
        np.r_[pairs.weight, nothing],
    )


def _pair_rows(a: Events, b: Events, pairs: EventPairs) -> Iterator[Row]:
    """The pairs by time of a; the difference of what is known in one alone is infinite, of what neither knows NaN."""
    order = np.argsort(pairs.reference, kind="stable")
    first, second = pairs.reference[order], pairs.catalog[order]
    columns = {
        "a_id": a.identity[first],
        "b_id": b.identity[second],
        "time": a.time[first],
        "dt": pairs.dt[order],
        "distance_km": pairs.distance_km[order],
        "depth_difference_km": _difference(b.depth_km[second], a.depth_km[first]),
        "magnitude_difference": _difference(b.magnitude[second], a.magnitude[first]),
    }
    for values in zip(*(column.tolist() for column in columns.values()), strict=True):
        yield dict(zip(columns, values, strict=True))


def _difference(now: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences; NaN where neither is known, infinite where one alone is."""
    return np.where(np.isnan(now) != np.isnan(before), np.inf, now - before)


def _counted(db: Database, name: str, period: tuple[float, float]) -> dict[str, tuple[int | None, int | None]]:
    """Numbers of P and of S arrivals by event."""
    query = {"catalog": name, "time": {"$gte": period[0], "$lt": period[1]}}
    rows = db.event.find(query, {"n_p": 1, "n_s": 1}).batch_size(20_000)
    return {row["_id"]: (row.get("n_p"), row.get("n_s")) for row in rows}


def _alone(events: Events, used: NDArray[np.int64]) -> list[int]:
    mask = np.ones(len(events), bool)
    mask[used] = False
    return np.flatnonzero(mask).tolist()


def _event_row(events: Events, at: int) -> Row:
    row = {name: float(getattr(events, name)[at]) for name in Events.NUMBERS}
    return {"event_id": events.identity[at]} | {name: value for name, value in row.items() if value == value}


# -- picks


def _diff_picks(db: Database, a: str, b: str, max_dt: float, period: tuple[float, float]) -> Json:
    stations, networks = Codes(), Codes()
    readers = [PickReader(db, name, *period, stations, networks, selection={}) for name in (a, b)]
    phases = {phase: dict.fromkeys(("a", "b", *OUTCOMES), 0) for phase in PHASES}
    by_station = np.zeros((0, len(OUTCOMES)), np.int64)
    try:
        for chunk in _chunks(readers[0], readers[1], max_dt):
            counts = np.zeros((len(stations), len(OUTCOMES)), np.int64)
            counts[: len(by_station)] = by_station
            by_station = counts
            _count(*chunk, max_dt, phases, by_station)
    finally:
        for reader in readers:
            reader.close()
    differing = by_station[:, 1:].sum(axis=1)
    names = list(stations)
    order = sorted(np.flatnonzero(differing).tolist(), key=lambda at: (-differing[at], names[at]))
    return {
        "phases": phases,
        "stations": [
            {"station": names[at]} | dict(zip(OUTCOMES, by_station[at].tolist(), strict=True))
            for at in order[:STATIONS_LISTED]
        ],
        "not_compared": {"a": readers[0].other_phases, "b": readers[1].other_phases},
    }


def _chunks(a: PickReader, b: PickReader, max_dt: float) -> Iterator[tuple[Picks, Picks]]:
    """Picks of both, chunk by chunk; none that may be paired are parted."""
    none = Picks(np.zeros(0, object), *(np.zeros(0, kind) for kind in (np.int32, np.int32, np.int8, float, float)))
    waiting = [none, none]
    for of_a, of_b, known_until in merged_batches(a, b):
        for side, batch in enumerate((of_a, of_b)):
            if batch is not None:
                waiting[side] = joined([waiting[side], batch])
        later = unfinished(waiting[0], waiting[1], known_until, max_dt)
        yield waiting[0][~later[0]], waiting[1][~later[1]]
        waiting = [picks[wait] for picks, wait in zip(waiting, later, strict=True)]


def _count(a: Picks, b: Picks, max_dt: float, phases: dict[str, dict[str, int]], by_station: NDArray[np.int64]) -> None:
    pairs = pair_picks(a, b, max_dt)
    of_a, of_b = a[pairs.reference], b[pairs.catalog]
    same_phase = of_a.phase == of_b.phase
    unmoved = np.abs(of_b.time - of_a.time) < SAME["dt"]
    outcome = np.where(same_phase, np.where(unmoved, 0, 1), 2)
    only_a, only_b = np.ones(len(a), bool), np.ones(len(b), bool)
    only_a[pairs.reference] = only_b[pairs.catalog] = False
    alone = [(a[only_a], np.full(only_a.sum(), 3)), (b[only_b], np.full(only_b.sum(), 4))]
    for picks, number in ((of_a, outcome), *alone):
        np.add.at(by_station, (picks.station, number), 1)
        for phase, row in enumerate(phases.values()):
            for at, name in enumerate(OUTCOMES):
                row[name] += int(np.count_nonzero((picks.phase == phase) & (number == at)))
    for side, picks in (("a", a), ("b", b)):
        for phase, row in enumerate(phases.values()):
            row[side] += int(np.count_nonzero(picks.phase == phase))


# -- settings


def _settings(a: Catalog | PickSet, b: Catalog | PickSet) -> list[Json]:
    """Keys of the configurations whose values differ; the names, under which they stand, are none of them."""
    first, second = (dict(_flat(row.get("config", {}), "")) for row in (a, b))
    names = {"catalog", "pick_set"}
    return [
        {"key": key, "a": first.get(key), "b": second.get(key)}
        for key in sorted((first.keys() | second.keys()) - names)
        if first.get(key) != second.get(key) or (key in first) != (key in second)
    ]


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict) or (not value and path):
        yield path, value
        return
    for key, item in value.items():
        yield from _flat(item, f"{path}.{key}".lstrip("."))
