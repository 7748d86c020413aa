"""What the report shows of a catalog against a reference: read from the views of evaluation, with intervals added."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pymongo.database import Database

from catalogdb.database.named import require_catalog
from catalogdb.documents.free import Json, Row
from catalogdb.evaluation.classes import day_text
from catalogdb.report.catalog import describe
from catalogdb.report.places import EVENT_FIELDS, EVENTS_SHOWN, map_box
from catalogdb.report.rows import only, rows_of
from catalogdb.schema import views

Z95 = 1.959964

SHARES = ("recall", "recall_with_no_data", "precision", "f1", "fdr")
PICK_COUNTS = ("matched", "missed", "wrong_phase", "wrong_phase_found", "no_data", "proposed")
DIFFERENCES = ("dt", "distance_km", "depth_difference_km", "magnitude_difference")
MISSED_FIELDS = (
    *(*EVENT_FIELDS, "reason", "picks", "picks_no_data", "picks_missed", "picks_not_associated"),
    *("picks_associated_elsewhere", "availability", "stations_recording"),
)
PICK_FIELDS = ("net", "sta", "phase", "time", "outcome", "found_phase", "dt", "probability", "distance_km")


def wilson(successes: int, trials: int, z: float = Z95) -> tuple[float, float] | None:
    """Interval of a share at 95 % (Wilson 1927); None for no trials."""
    if not trials:
        return None
    share, square = successes / trials, z * z
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2)) / (1 + square / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


def gather(db: Database, evaluation: Json, missed_shown: int = 50) -> Json:
    """All that the report shows.

    Args:
        evaluation: what `catalogdb.comparisons.evaluate` gave, whose stored comparison is read.
        missed_shown: most missed events with their picks, the largest first.

    Returns:
        One JSON object: catalog, reference, period, in_period, notes, gates, events, picks (as in `evaluation`, with PS
        for both phases), and events_by, picks_by
        (by class, with intervals of recall at 95 %), confusion, residuals, precision_recall, daily, reasons, stations,
        map (events by outcome, with `total` and those shown), map_box (its region, degrees),
        missed_events (each with its `picks_of_event`), and `of_catalog`: the catalog's own figures over the period.
    """
    names = {key: evaluation[key] for key in ("catalog", "reference", "comparison")}
    rows = [_with_interval(row) for row in rows_of(db, "scores", names)]
    picks = [row for row in rows if row["of"] == "pick"]
    events = [row for row in rows if row["of"] == "event"]
    overall = {row.get("phase"): row for row in picks if row["by"] == "overall"}
    shown = {outcome: _map_events(db, names, outcome) for outcome in ("matched", "missed", "proposed")}
    return {
        **{key: evaluation[key] for key in (*names, "period", "in_period", "notes", "gates", "events")},
        "picks": evaluation["picks"] | {"PS": evaluation["both_phases"]},
        "events_overall": next((_plain(row) for row in events if row["by"] == "overall"), None),
        "events_by": _by_class(events, ("magnitude", "depth", "month", "hour", "availability", "stations")),
        "picks_by": _by_class(picks, ("distance", "magnitude", "hour", "month", "network")),
        "confusion": _confusion(overall),
        "residuals": {"picks": _drawn(overall), "events": _drawn({None: _overall(events)}).get("events", {})},
        "precision_recall": [_plain(row) for row in rows_of(db, "precision_recall", names)],
        "daily": [only(row, ("day", "in_reference", "in_catalog", "matched", "missed", "proposed")) for row in
                  rows_of(db, "daily_counts", names)],
        "reasons": [only(row, ("reason", "events")) for row in rows_of(db, "missing_reasons", names)],
        "stations": _stations(db, [row for row in picks if row["by"] == "station"]),
        "map": shown,
        "map_box": map_box(row for group in shown.values() for row in group["events"]),
        "missed_events": _missed(db, names, missed_shown),
        "of_catalog": describe(db, require_catalog(db, names["catalog"]), evaluation["period"]),
    }  # fmt: skip


def _with_interval(row: Row) -> Json:
    return row | {"recall_interval": wilson(row["matched"], row["wanted"])}


def _plain(row: Row) -> Json:
    keys = (
        "value",
        "low",
        "high",
        "phase",
        "source",
        *PICK_COUNTS,
        "unlocated",
        "wanted",
        "found",
        *SHARES,
        "recall_interval",
    )
    return only(row, keys)


def _overall(rows: list[Row]) -> Json:
    return next((row for row in rows if row["by"] == "overall"), {})


def _by_class(rows: list[Row], groupings: Iterable[str]) -> dict[str, list[Json]]:
    found = {}
    for by in groupings:
        own = [row for row in rows if row["by"] == by]
        own.sort(key=lambda row: (row.get("low", -math.inf), row["value"], row.get("phase", "")))
        found[by] = [_plain(row) for row in own]
    return found


def _confusion(overall: dict[str | None, Json]) -> dict[str, dict[str, int]]:
    """What the catalog has (inner keys) for the reference's picks of a phase (outer keys)."""
    if not {"P", "S"} & set(overall):
        return {}
    nothing = dict.fromkeys(PICK_COUNTS, 0)
    p, s = overall.get("P", nothing), overall.get("S", nothing)
    return {
        "P": {"P": p["matched"], "S": p["wrong_phase"], "none": p["missed"], "no data": p["no_data"]},
        "S": {"P": s["wrong_phase"], "S": s["matched"], "none": s["missed"], "no data": s["no_data"]},
        "none": {"P": p["proposed"], "S": s["proposed"]},
    }


def _drawn(rows: dict[str | None, Json]) -> Json:
    """Statistics and histogram of each quantity, by phase."""
    return {
        phase or "events": {
            name: statistics | {"histogram": row.get("histograms", {}).get(name)}
            for name, statistics in row.get("residuals", {}).items()
        }
        for phase, row in rows.items()
        if row
    }


def _stations(db: Database, rows: list[Row]) -> list[Json]:
    """One row per station: its place where known, and scores and residuals by phase."""
    sites = db.site.find({}, {"_id": 0, "net": 1, "sta": 1, "lat": 1, "lon": 1}).sort("starttime", 1)
    places = {row["sta"]: row for row in sites}  # the latest of each
    table: dict[str, Json] = {}
    for row in rows:
        station = table.setdefault(row["value"], {"sta": row["value"]})
        station[row["phase"]] = only(row, (*PICK_COUNTS, *SHARES, "recall_interval"))
        station[row["phase"]] |= row.get("residuals", {}).get("dt", {})
    for code, place in places.items():
        table.setdefault(code, {"sta": code})
        table[code] |= {"net": place["net"], "latitude": place["lat"], "longitude": place["lon"]}
    return [table[code] for code in sorted(table)]


def _map_events(db: Database, names: dict[str, str], outcome: str) -> Json:
    """The events of one outcome, the largest first where not all are given; those without magnitude come last."""
    wanted = names | {"outcome": outcome, "latitude": {"$exists": True}}
    fields = dict.fromkeys((*EVENT_FIELDS, *DIFFERENCES), 1)
    found = db.event_match.find(wanted, fields).sort("magnitude", -1).limit(EVENTS_SHOWN)
    shown = [only(row, fields) for row in found]
    total = len(shown) if len(shown) < EVENTS_SHOWN else db.event_match.count_documents(wanted)
    return {"total": total, "events": sorted(shown, key=lambda row: row["time"])}


def _missed(db: Database, names: dict[str, str], limit: int) -> list[Json]:
    if not limit:
        return []
    fields = dict.fromkeys((*MISSED_FIELDS, "day"), 1)
    found = db.event_match.find(names | {"outcome": "missed"}, fields).sort([("magnitude", -1)]).limit(limit)
    return [only(row, MISSED_FIELDS) | {"picks_of_event": _picks_of(db, names, row)} for row in found]


def _picks_of(db: Database, names: dict[str, str], event: Json) -> list[Json]:
    """What became of the picks of one event of the reference, by time."""
    document = db.event.find_one({"_id": event["event_id"]}, {"origins.arrivals": 1}) or {}
    arrivals = [arrival for origin in document.get("origins", []) for arrival in origin.get("arrivals", [])]
    if not arrivals:
        return []
    days = sorted({day_text(int(arrival["time"] // 86400)) for arrival in arrivals})
    buckets = names | {"sta": {"$in": sorted({arrival["sta"] for arrival in arrivals})}, "day": {"$in": days}}
    own = {"event_id": event["event_id"], "outcome": {"$ne": "proposed"}}
    pipeline = [{"$match": buckets}, *views()["pick_matches"].pipeline, {"$match": own}, {"$sort": {"time": 1}}]
    return [only(row, PICK_FIELDS) for row in db.pick_match.aggregate(pipeline)]
