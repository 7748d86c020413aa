"""The period that a comparison covers."""

from __future__ import annotations

from datetime import UTC, datetime

from pymongo.collection import Collection
from pymongo.database import Database

from catalogdb.comparisons.links import EARLIEST_ARRIVAL_S, LATEST_ARRIVAL_S
from catalogdb.documents.free import Query
from catalogdb.documents.records import Catalog
from catalogdb.errors import InputError
from catalogdb.event_types import EXISTS

DAY_S = 86400.0


def comparison_period(
    db: Database, catalog: Catalog, reference: Catalog, starttime: float | None, endtime: float | None
) -> tuple[float, float]:
    """The period [starttime, endtime) that a comparison covers (epoch seconds): what is given, else a default.

    A catalog made by a job covers the job's period, and no other has to be asked. One that was ingested is known by its
    events alone, and to end a period at its own first and last event would leave out all that it lacks before and
    behind them. The default is therefore the period of the catalog's job; for an ingested catalog that of the
    reference's job; where both were ingested all of the reference, in whole UTC days, so that pairs and arrivals at its
    ends count, and all catalogs that are judged by it are over one period. What has no events is known by its picks;
    where the reference has neither, the catalog's days count.

    Args:
        catalog, reference: documents of `catalog`.

    Raises:
        InputError: where there is no period, or it is empty.
    """
    if starttime is None or endtime is None:
        default = _of_job(catalog) or _of_job(reference) or _days(db, reference) or _days(db, catalog)
        if default is None:
            names = list(dict.fromkeys((catalog["_id"], reference["_id"])))
            none = f"neither {names[0]!r} nor {names[1]!r} has" if len(names) > 1 else f"{names[0]!r} has no"
            raise InputError(
                f"{none} events or picks",
                hint="give --starttime and --endtime",
            )
        starttime = default[0] if starttime is None else starttime
        endtime = default[1] if endtime is None else endtime
    if starttime >= endtime:
        raise InputError(
            f"the period {period_text(starttime, endtime)} is empty", hint="give a --starttime before --endtime"
        )
    return float(starttime), float(endtime)


def period_text(starttime: float, endtime: float) -> str:
    """Epoch seconds -> 2024-01-01 00:00:00 to 2024-07-01 00:00:00 UTC, with milliseconds where there are some."""
    stamps = (datetime.fromtimestamp(round(time, 3), UTC) for time in (starttime, endtime))
    start, end = (stamp.isoformat(sep=" ", timespec="milliseconds")[:-6].removesuffix(".000") for stamp in stamps)
    return f"{start} to {end} UTC"


def _of_job(catalog: Catalog) -> tuple[float, float] | None:
    """Period of the job that made a catalog; None where it was ingested, or nothing of a period is on record."""
    if "files" in catalog.get("config", {}) or "starttime" not in catalog or "endtime" not in catalog:
        return None
    return catalog["starttime"], catalog["endtime"]


def _days(db: Database, catalog: Catalog) -> tuple[float, float] | None:
    """Whole UTC days with all events of a catalog and their arrivals, or all its picks where it has no events."""
    name = {"catalog": catalog["_id"]} | EXISTS
    pick_set = {"pick_set": catalog.get("pick_set")}
    if ends := _ends(db.event, name):
        first, last = ends[0] - EARLIEST_ARRIVAL_S, ends[1] + LATEST_ARRIVAL_S  # of arrivals; wrong ones lie anywhere
        at_ends = [
            {"time": {"$lte": ends[0] + EARLIEST_ARRIVAL_S}},
            {"time": {"$gte": ends[1] - LATEST_ARRIVAL_S}},
        ]
        arrivals: list[Query] = [
            {"$match": name | {"$or": at_ends}},
            {"$unwind": "$origins"},
            {"$unwind": "$origins.arrivals"},
            {"$replaceWith": "$origins.arrivals"},
            {"$match": {"time": {"$gte": first, "$lte": last}}},
            {"$group": {"_id": None, "first": {"$min": "$time"}, "last": {"$max": "$time"}}},
        ]
        for row in db.event.aggregate(arrivals):
            ends = min(ends[0], row["first"]), max(ends[1], row["last"])
    elif pick_set["pick_set"] is not None:
        ends = _ends(db.pick, pick_set)
    return (ends[0] // DAY_S * DAY_S, (ends[1] // DAY_S + 1) * DAY_S) if ends else None


def _ends(collection: Collection, query: Query) -> tuple[float, float] | None:
    """First and last time of documents; None for none."""
    ends = [collection.find_one(query, {"time": 1}, sort=[("time", order)]) for order in (1, -1)]
    return (ends[0]["time"], ends[1]["time"]) if ends[0] and ends[1] else None
