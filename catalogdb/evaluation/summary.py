"""`evaluate`: bring a comparison up to date and give its overall figures as one JSON object."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database

from catalogdb.database.named import require_catalog
from catalogdb.errors import InputError
from catalogdb.evaluation.columns import read_events
from catalogdb.evaluation.gates import Gates
from catalogdb.evaluation.job import compare
from catalogdb.evaluation.left_out import left_out_notes
from catalogdb.evaluation.links import EARLIEST_ARRIVAL_S, LATEST_ARRIVAL_S
from catalogdb.evaluation.pairing import pair_events
from catalogdb.evaluation.pipelines import filled_pipeline
from catalogdb.evaluation.scores import residuals
from catalogdb.event_types import EXISTS, wanted_types
from catalogdb.schema import views

DAY_S = 86400.0
SHARES = ("recall", "recall_with_no_data", "precision", "f1", "fdr")
EVENT_COUNTS = ("matched", "missed", "proposed")
PICK_COUNTS = (*EVENT_COUNTS, "wrong_phase", "wrong_phase_found", "no_data")
EVENT_RESIDUALS = {
    "dt": "dt",
    "distance_km": "distance_km",
    "depth_km": "depth_difference_km",
    "magnitude": "magnitude_difference",
}


def evaluate(
    db: Database,
    catalog: str,
    reference: str,
    min_magnitude: float | None = None,
    max_dt: float = 2.0,
    max_km: float = 8.0,
    max_pick_dt: float = 0.5,
    starttime: float | None = None,
    endtime: float | None = None,
    refresh: bool = False,
    event_types: Iterable[str] = (),
) -> dict[str, Any]:
    """Compare two catalogs and their pick sets over a period; the comparison is stored, and reused while it is current.

    Args:
        db: the database.
        catalog, reference: names of the catalog that is judged and of the one it is judged by.
        min_magnitude: events count from this magnitude on, matched and missed ones by that of the reference, proposed
            ones by their own. All take part in the matching, so that the catalog's detection of a smaller one isn't
            `proposed`. Proposed events without magnitude are left out.
        max_dt, max_km: largest difference of origin times (s) and distance of epicentres (km); depth is ignored.
        max_pick_dt: largest difference of pick times (s).
        starttime, endtime: the period [starttime, endtime) in epoch seconds; none: that of the job that made the
            catalog, else that of the job that made the reference, else all of the reference, in whole UTC days
            (`comparison_period`). A catalog made of several disjoint periods has only their envelope on record: what
            the reference has between them would count as missed, so give the periods one by one.
        refresh: compute anew even where the stored comparison seems current.
        event_types: types of events that count, of a pair the reference's; none: all events that exist. An event
            without a type counts as an earthquake. Events that are rejected, not existing or not reported never count,
            and their picks don't.

    Returns:
        One JSON object: comparison (its `_id`), catalog, reference, period, in_period (number of events of each, of any
        magnitude, with or without position), notes (what a reader of the figures has to know, in words), gates, events,
        picks (P and S) and both_phases (P and S picks together) with matched, missed, proposed, recall,
        recall_with_no_data, precision, f1, fdr and residuals (mean, median, the unscaled median absolute deviation
        `mad`, and `p95`, which 95 % of the absolute values stay below; catalog minus reference). What is undefined is
        null. Events without a position take no part; those of the reference are counted as `unlocated`, the catalog's
        as `catalog_unlocated`. With min_magnitude, events have proposed_without_magnitude, too; where no proposed event
        has a magnitude, their precision, f1 and fdr are null.
        A pair belongs to the period that its reference event or pick lies in.
        Each pick of the reference is `matched`, `missed`, `wrong_phase` (of this phase, found as the other one) or
        `no_data` (missed at a time without waveforms of its station, or which the pick set has not picked, where it
        was made from waveforms); each of the catalog `matched`, `proposed` or `wrong_phase_found` (of this phase, on a
        reference pick of the other one). recall is matched / (matched + missed + wrong_phase), precision matched /
        (matched + proposed + wrong_phase_found), fdr, the false discovery rate of OGS, proposed over the same. Without
        two pick sets to compare nothing of `picks` is matched and its scores are null.

    Raises:
        InputError: for an unknown catalog or event type, an empty period or a gate that is not positive.
    """
    documents = {name: require_catalog(db, name) for name in (catalog, reference)}
    types = known_types(db, event_types, (catalog, reference))
    gates = Gates(max_dt=max_dt, max_km=max_km, max_pick_dt=max_pick_dt, event_types=types)
    period = comparison_period(db, documents[catalog], documents[reference], starttime, endtime)
    identity = compare(db, documents[catalog], documents[reference], gates, period, refresh)
    state = _computed(db, identity)
    counts = state.get("counts", {})
    in_period = {"catalog": counts.get("events_in_period"), "reference": counts.get("reference_events_in_period")}
    unlocated = {
        "unlocated": counts.get("reference_events_without_position"),
        "catalog_unlocated": counts.get("events_without_position"),
    }
    result = {
        "comparison": identity,
        "catalog": catalog,
        "reference": reference,
        "period": dict(zip(("starttime", "endtime"), period, strict=True)),
        "in_period": in_period,
        "notes": _notes({reference: in_period["reference"], catalog: in_period["catalog"]}, unlocated)
        + left_out_notes(counts, (catalog, reference), types),
        "gates": gates.document() | {"min_magnitude": min_magnitude},
        "events": _events(db, identity, min_magnitude) | unlocated,
        **_picks(db, identity),
    }
    if state.get("status") == "done" and _computed(db, identity) == state:
        return result
    # another process computed it again while it was read: its documents were not whole
    return evaluate(db, catalog, reference, min_magnitude, max_dt, max_km, max_pick_dt, starttime, endtime)


def _computed(db: Database, comparison: str) -> dict[str, Any]:
    return db.comparison.find_one({"_id": comparison}, {"status": 1, "ended": 1, "counts": 1, "lease.token": 1}) or {}


def known_types(db: Database, event_types: Iterable[str], catalogs: tuple[str, ...]) -> tuple[str, ...]:
    """Types of events that are to count, as `wanted_types` checks them, with those that the catalogs have."""
    wanted = list(event_types)
    if not wanted:
        return ()
    found = {kind for name in catalogs for kind in db.event.distinct("event_type", {"catalog": name})}
    return wanted_types(wanted, found)


def _notes(in_period: dict[str, int | None], unlocated: dict[str, int | None]) -> list[str]:
    """What the figures leave out, in words; `in_period` has each catalog's name with its number of events."""
    notes = [f"no events of {name} in the period" for name, number in in_period.items() if number == 0]
    of_reference, of_catalog = unlocated["unlocated"], unlocated["catalog_unlocated"]
    if of_reference or of_catalog:
        events = "event" if of_reference == 1 else "events"
        notes.append(
            f"{of_reference} {events} of the reference and {of_catalog} of the catalog in the period have no position "
            "and take no part"
        )
    return notes


def _events(db: Database, comparison: str, min_magnitude: float | None) -> dict[str, Any]:
    known: dict[str, Any] = {}
    if min_magnitude is None:
        row = next(_view(db, "event_scores", comparison), {})
        statistics = row.get("residuals", {})
    else:
        pipeline = filled_pipeline("event_scores_from_magnitude", comparison=comparison, min_magnitude=min_magnitude)
        row = next(db.event_match.aggregate(pipeline), {})
        of_matched = {"comparison": comparison, "outcome": "matched", "magnitude": {"$gte": min_magnitude}}
        rows = list(
            db.event_match.find(_by_names(db, comparison) | of_matched, dict.fromkeys(EVENT_RESIDUALS.values(), 1))
        )
        statistics = {
            name: residuals(match[field] for match in rows if field in match) for name, field in EVENT_RESIDUALS.items()
        }
    known |= {name: row.get(name, 0) for name in EVENT_COUNTS} | {name: row.get(name) for name in SHARES}
    if min_magnitude is not None:
        known["proposed_without_magnitude"] = row.get("proposed_without_magnitude", 0)
    del known["recall_with_no_data"]
    return known | {"residuals": {name: statistics.get(name, residuals([])) for name in EVENT_RESIDUALS}}


def _picks(db: Database, comparison: str) -> dict[str, Any]:
    rows = {row["phase"]: row for row in _view(db, "pick_scores", comparison)}
    figures = {
        phase: {name: row.get(name, 0) for name in PICK_COUNTS}
        | {name: row.get(name) for name in SHARES}
        | {"residuals": {"dt": row.get("residuals", {}).get("dt", residuals([]))}}
        for phase, row in ((phase, rows.get(phase, {})) for phase in ("P", "S", "PS"))
    }
    both = figures.pop("PS")
    return {"picks": figures, "both_phases": both}


def _view(db: Database, name: str, comparison: str):
    return db.score.aggregate([{"$match": _by_names(db, comparison)}, *views()[name].pipeline])


def _by_names(db: Database, comparison: str) -> dict[str, Any]:
    """Filter for the documents of a comparison that an index serves: indexes begin with the names."""
    row = db.comparison.find_one({"_id": comparison}, {"catalog": 1, "reference": 1})
    return {"catalog": row["catalog"], "reference": row["reference"], "comparison": comparison}


def match_events(
    db: Database, catalog: str, reference: str, starttime: float, endtime: float, max_dt: float, max_km: float
) -> list[dict[str, Any]]:
    """Pair the events of two catalogs of [starttime, endtime) one to one, without storing anything.

    Returns:
        Rows by time of the reference: reference_id, catalog_id, reference_time, catalog_time, reference_magnitude, dt,
        distance_km, depth_difference_km, magnitude_difference, weight; what is not known is left out.
    """
    gates = Gates(max_dt=max_dt, max_km=max_km)
    first = read_events(db, reference, starttime, endtime)
    second = read_events(db, catalog, starttime - max_dt, endtime + max_dt)
    pairs = pair_events(first, second, gates)
    columns = {
        "reference_id": first.identity[pairs.reference],
        "catalog_id": second.identity[pairs.catalog],
        "reference_time": first.time[pairs.reference],
        "catalog_time": second.time[pairs.catalog],
        "reference_magnitude": first.magnitude[pairs.reference],
        "dt": pairs.dt,
        "distance_km": pairs.distance_km,
        "depth_difference_km": second.depth_km[pairs.catalog] - first.depth_km[pairs.reference],
        "magnitude_difference": second.magnitude[pairs.catalog] - first.magnitude[pairs.reference],
        "weight": pairs.weight,
    }
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    return [
        {name: value for name, value in zip(columns, row, strict=True) if isinstance(value, str) or value == value}
        for row in rows
    ]


def comparison_period(
    db: Database, catalog: dict[str, Any], reference: dict[str, Any], starttime: float | None, endtime: float | None
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
            raise InputError(
                f"neither {catalog['_id']!r} nor {reference['_id']!r} has events or picks",
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


def _of_job(catalog: dict[str, Any]) -> tuple[float, float] | None:
    """Period of the job that made a catalog; None where it was ingested, or nothing of a period is on record."""
    if "files" in catalog.get("config", {}) or "starttime" not in catalog or "endtime" not in catalog:
        return None
    return catalog["starttime"], catalog["endtime"]


def _days(db: Database, catalog: dict[str, Any]) -> tuple[float, float] | None:
    """Whole UTC days with all events of a catalog and their arrivals, or all its picks where it has no events."""
    name = {"catalog": catalog["_id"]} | EXISTS
    pick_set = {"pick_set": catalog.get("pick_set")}
    if ends := _ends(db.event, name):
        first, last = ends[0] - EARLIEST_ARRIVAL_S, ends[1] + LATEST_ARRIVAL_S  # of arrivals; wrong ones lie anywhere
        at_ends = [
            {"time": {"$lte": ends[0] + EARLIEST_ARRIVAL_S}},
            {"time": {"$gte": ends[1] - LATEST_ARRIVAL_S}},
        ]
        arrivals = [
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


def _ends(collection: Collection, query: dict[str, Any]) -> tuple[float, float] | None:
    """First and last time of documents; None for none."""
    ends = [collection.find_one(query, {"time": 1}, sort=[("time", order)]) for order in (1, -1)]
    return (ends[0]["time"], ends[1]["time"]) if ends[0] and ends[1] else None
