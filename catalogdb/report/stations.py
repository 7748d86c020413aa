"""The stations of a catalog: where they are, how much they recorded, what was picked there, and how well it fits."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from pymongo.database import Database

from catalogdb.documents.free import Json, Query
from catalogdb.documents.records import Catalog
from catalogdb.phases import phase_type
from catalogdb.report.rows import only, rows_of

DAY_S = 86400.0
EPOCH = date(1970, 1, 1).toordinal()
SHARES = 20
"""Parts of a day are rounded to one in so many, so that days of the same make one bar."""

Code = tuple[str, str]
Table = dict[Code, Json]


def station_rows(db: Database, catalog: Catalog, wanted: Query, period: dict[str, float]) -> Json:
    """Figures of all stations that have waveforms, picks or arrivals of the catalog in a period.

    Args:
        catalog: document of `catalog`.
        wanted: MongoDB filter of its events.
        period: starttime, endtime (epoch seconds UTC).

    Returns:
        `stations`: by code, one row each: net, sta, latitude, longitude, days, availability (part of the period's days
        with waveforms of any station), and for P and S: picks, arrivals, residual_median, residual_mad (s).
        `availability`: `first` and `last` day, and by station runs of days [day of the period, days, part of the day].
        `picks`: by phase, `picks`, `arrivals`; and `by_day`, picks of P and S by UTC day.
    """
    table: Table = defaultdict(dict)
    by_day = _add_picks(db, catalog, period, table)
    _add_residuals(db, wanted, table)
    availability = _add_availability(db, period, table)
    _add_places(db, table)
    rows = [{"net": net, "sta": sta} | table[net, sta] for net, sta in sorted(table, key=lambda code: code[::-1])]
    counts = {
        phase: {key: sum(row.get(phase, {}).get(key, 0) for row in table.values()) for key in ("picks", "arrivals")}
        for phase in "PS"
    }
    return {
        "stations": rows,
        "availability": availability,
        "picks": {phase: own for phase, own in counts.items() if any(own.values())} | {"by_day": by_day},
    }


def _add_picks(db: Database, catalog: Catalog, period: dict[str, float], table: Table) -> list[Json]:
    """Picks of the catalog's pick set by station, and by day."""
    if not catalog.get("pick_set"):
        return []
    within = {"$gte": period["starttime"], "$lt": period["endtime"]}
    days: dict[str, dict[str, int]] = defaultdict(lambda: {"P": 0, "S": 0})
    for row in rows_of(db, "picks_per_station_day", {"pick_set": catalog["pick_set"], "time": within}):
        if phase := phase_type(row["phase"]):
            own = table[row.get("net") or "", row["sta"]].setdefault(phase, {})
            own["picks"] = own.get("picks", 0) + row["picks"]
            days[row["day"]][phase] += row["picks"]
    return [{"day": day} | days[day] for day in sorted(days)]


def _add_residuals(db: Database, wanted: Query, table: Table) -> None:
    """Arrivals with their residuals; of phases of one kind (Pg, Pn) the one with most arrivals gives the residuals."""
    for row in rows_of(db, "station_quality", wanted):
        if not (phase := phase_type(row["phase"])):
            continue
        own = table[row.get("net") or "", row["sta"]].setdefault(phase, {})
        if row["arrivals"] > own.get("of_one", 0):
            own |= {"of_one": row["arrivals"]} | only(row, ("residual_median", "residual_mad"))
        own["arrivals"] = own.get("arrivals", 0) + row["arrivals"]
    for station in table.values():
        for phase in "PS":
            station.get(phase, {}).pop("of_one", None)


def _add_availability(db: Database, period: dict[str, float], table: Table) -> Json | None:
    """Waveforms of each station by day; None where there are none in the period."""
    wanted = {"starttime": {"$lt": period["endtime"]}, "endtime": {"$gt": period["starttime"]}}
    first = int(period["starttime"] // DAY_S)
    last = int((period["endtime"] - 1e-6) // DAY_S)
    days: dict[Code, dict[int, float]] = defaultdict(dict)
    for row in rows_of(db, "availability", wanted):
        day = date.fromisoformat(row["day"]).toordinal() - EPOCH - first
        if 0 <= day <= last - first:
            days[row["net"], row["sta"]][day] = row["fraction"]
    if not days:
        return None
    # the day of the period's ends is as long as the period is there
    lengths = [_part_of_day(first + day, period) for day in range(last - first + 1)]
    runs = []
    for code in sorted(days, key=lambda code: code[::-1]):
        parts = [min(1.0, days[code].get(day, 0.0) / length) for day, length in enumerate(lengths)]
        table[code] |= {"days": len(days[code]), "availability": sum(parts) / len(parts)}
        runs.append({"net": code[0], "sta": code[1], "runs": _runs(parts)})
    return {"first": first * DAY_S, "days": last - first + 1, "stations": runs}


def _part_of_day(day: int, period: dict[str, float]) -> float:
    """How much of a day (since 1970) lies in the period."""
    return (min((day + 1) * DAY_S, period["endtime"]) - max(day * DAY_S, period["starttime"])) / DAY_S


def _runs(parts: list[float]) -> list[tuple[int, int, float]]:
    """(first day, days, part) of neighbouring days with the same part with data; days without data are left out."""
    runs: list[tuple[int, int, float]] = []
    for day, part in enumerate(parts):
        rounded = max(1, round(part * SHARES)) / SHARES if part > 0 else 0.0
        if not rounded:
            continue
        if runs and runs[-1][0] + runs[-1][1] == day and runs[-1][2] == rounded:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1, rounded)
        else:
            runs.append((day, 1, rounded))
    return runs


def _add_places(db: Database, table: Table) -> None:
    """Places of the stations that are in the table; a code without a network may stand for that of any."""
    places = {(row["net"], row["sta"]): row for row in rows_of(db, "stations", {})}
    by_code = {row["sta"]: row for row in places.values()}
    for net, sta in table:
        if place := places.get((net, sta)) or (by_code.get(sta) if not net else None):
            table[net, sta] |= only(place, ("latitude", "longitude"))
