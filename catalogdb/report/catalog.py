"""What the report shows of one catalog alone, as one JSON object: read from the views."""

from __future__ import annotations

from array import array
from collections import defaultdict

from pymongo.database import Database

from catalogdb.comparisons.period import comparison_period
from catalogdb.database.named import require_catalog
from catalogdb.documents.free import Json, Query
from catalogdb.documents.records import Catalog
from catalogdb.event_types import EXISTS
from catalogdb.phases import phase_type
from catalogdb.report.places import EVENT_FIELDS, EVENTS_SHOWN, map_box
from catalogdb.report.rows import only, rows_of, statistics
from catalogdb.report.stations import station_rows

DAY_S = 86400.0
DAYS_BY_HOUR = 3.0
"""Periods up to this long have their events counted by hour."""
FEWEST_COMPLETE = 50
"""With fewer events above the completeness the slope b is hardly known, and the page says so."""

UNCERTAINTIES = {
    "horizontal_uncertainty_km": "Epicentre uncertainty (km)",
    "depth_uncertainty_km": "Depth uncertainty (km)",
    "time_uncertainty": "Origin time uncertainty (s)",
    "rms": "Residuals, rms (s)",
    "azimuthal_gap": "Azimuthal gap (degrees)",
    "minimum_distance_km": "Nearest station (km)",
}
"""Quantities of location_quality, as the page heads them; uncertainties are one standard deviation."""


def gather_catalog(db: Database, name: str, starttime: float | None = None, endtime: float | None = None) -> Json:
    """All that the report shows of a catalog without a reference.

    Args:
        starttime, endtime: of the period [starttime, endtime) (epoch seconds UTC); left out, that of the catalog's job,
            or all days with events of a catalog that was ingested.

    Returns:
        One JSON object: catalog, period, map_box (the map's region, degrees), and `of_catalog` as `describe` gives it.

    Raises:
        InputError: for an unknown catalog, an empty period, or a catalog without events and without a period.
    """
    catalog = require_catalog(db, name)
    start, end = comparison_period(db, catalog, catalog, starttime, endtime)
    period = {"starttime": start, "endtime": end}
    own = describe(db, catalog, period)
    return {"catalog": name, "period": period, "map_box": map_box(own["map"]["events"]), "of_catalog": own}


def describe(db: Database, catalog: Catalog, period: dict[str, float]) -> Json:
    """A catalog's own figures over a period.

    Args:
        catalog: document of `catalog`.
        period: starttime, endtime (epoch seconds UTC).

    Returns:
        kind, method; events (total, located, with_magnitude, largest_magnitude, picks); map (`total` and the `events`
        shown, the largest first where not all are); rates (`unit` day or hour, `rows`); gutenberg_richter and
        magnitude_distribution; residuals by phase; uncertainties by quantity; stations, availability and picks as
        `catalogdb.report.stations` gives them. What there is nothing of is empty.
    """
    name = catalog["_id"]
    within = {"$gte": period["starttime"], "$lt": period["endtime"]}
    wanted = {"catalog": name, "time": within}
    return {
        "kind": catalog["kind"],
        "events": _counts(db, wanted),
        "map": _map_events(db, wanted),
        "rates": _rates(db, wanted, period),
        "gutenberg_richter": _gutenberg_richter(db, wanted),
        "magnitude_distribution": [
            only(row, ("magnitude", "events", "from_here")) for row in rows_of(db, "magnitude_distribution", wanted)
        ],
        "residuals": _residuals(db, wanted),
        "uncertainties": _uncertainties(db, wanted),
        **station_rows(db, catalog, wanted, period),
    }


def _counts(db: Database, wanted: Query) -> Json:
    days = list(rows_of(db, "events_per_day", wanted))
    existing = wanted | EXISTS
    largest = [row["largest_magnitude"] for row in days if row.get("largest_magnitude") is not None]
    return {
        "total": sum(row["events"] for row in days),
        "located": db.event.count_documents(existing | {"latitude": {"$exists": True}}),
        "with_magnitude": db.event.count_documents(existing | {"magnitude": {"$exists": True}}),
        "picks": sum(row["picks"] for row in days),
        "days": len(days),
        **({"largest_magnitude": max(largest)} if largest else {}),
    }


def _map_events(db: Database, wanted: Query) -> Json:
    order = {"$sort": {"magnitude": -1, "n_picks": -1, "time": 1}}
    fields = (*EVENT_FIELDS, "n_picks", "horizontal_uncertainty_km", "depth_uncertainty_km")
    found = rows_of(db, "location_quality", wanted, order, {"$limit": EVENTS_SHOWN})
    shown = sorted((only(row, fields) for row in found), key=lambda row: row["time"])
    total = len(shown)
    if total == EVENTS_SHOWN:
        total = db.event.count_documents(wanted | EXISTS | {"latitude": {"$exists": True}})
    return {"total": total, "events": shown}


def _rates(db: Database, wanted: Query, period: dict[str, float]) -> Json:
    if period["endtime"] - period["starttime"] <= DAYS_BY_HOUR * DAY_S:
        rows = [
            {"start": row["hour"].isoformat()[:19] + "Z"} | only(row, ("events", "largest_magnitude"))
            for row in rows_of(db, "event_rates", wanted)
        ]
        return {"unit": "hour", "rows": rows}
    rows = [
        {"start": row["day"] + "T00:00:00Z"} | only(row, ("events", "largest_magnitude"))
        for row in rows_of(db, "events_per_day", wanted)
    ]
    return {"unit": "day", "rows": rows}


def _gutenberg_richter(db: Database, wanted: Query) -> Json | None:
    row = next(iter(rows_of(db, "gutenberg_richter", wanted)), None)
    if row is None:
        return None
    keys = ("events", "largest_bin", "completeness", "events_complete", "mean_magnitude", "b", "b_error", "a")
    return only(row, keys) | {"is_uncertain": row["events_complete"] < FEWEST_COMPLETE}


def _residuals(db: Database, wanted: Query) -> Json:
    """Statistics of residuals of arrivals by phase, first arrivals of P and S alone."""
    found: dict[str, array[float]] = defaultdict(lambda: array("d"))
    fields = {"$project": {"phase": 1, "residual": 1}}
    known = {"$match": {"residual": {"$type": "number"}}}
    for row in rows_of(db, "arrivals", wanted | EXISTS, known, fields):
        if phase := phase_type(row["phase"]):
            found[phase].append(row["residual"])
    return {phase: statistics(found[phase], signed=True) for phase in sorted(found)}


def _uncertainties(db: Database, wanted: Query) -> Json:
    """Statistics of each quantity of `UNCERTAINTIES` that any event has, with its name in words."""
    found: dict[str, array[float]] = {key: array("d") for key in UNCERTAINTIES}
    for row in rows_of(db, "location_quality", wanted, {"$project": dict.fromkeys(UNCERTAINTIES, 1)}):
        for key, value in row.items():
            if isinstance(value, (int, float)):
                found[key].append(value)
    return {
        key: {"name": UNCERTAINTIES[key]} | drawn
        for key, values in found.items()
        if (drawn := statistics(values)) is not None
    }
