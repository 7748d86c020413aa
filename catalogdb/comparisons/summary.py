"""`evaluate`: bring a comparison up to date and give its overall figures as one JSON object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pymongo.database import Database

from catalogdb.comparisons.compare import compare
from catalogdb.comparisons.left_out import left_out_notes
from catalogdb.comparisons.period import comparison_period
from catalogdb.comparisons.pipelines import filled_pipeline
from catalogdb.database.named import require_catalog
from catalogdb.documents.free import Json, Row
from catalogdb.errors import InputError
from catalogdb.evaluation.gates import Gates
from catalogdb.evaluation.scores import residuals
from catalogdb.event_types import wanted_types
from catalogdb.schema import views

SHARES = ("recall", "recall_with_no_data", "precision", "f1", "fdr")
EVENT_COUNTS = ("matched", "missed", "proposed")
PICK_COUNTS = (*EVENT_COUNTS, "wrong_phase", "wrong_phase_found", "no_data")
COMPUTED = dict.fromkeys(("catalog", "reference", "period", "gates", "status", "ended", "counts", "lease.token"), 1)
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
) -> Json:
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
        refresh: compute again even where the stored comparison seems current.
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
    found = figures(db, identity, min_magnitude)
    if found is None:  # another process computed it again while it was read: its documents were not whole
        return evaluate(db, catalog, reference, min_magnitude, max_dt, max_km, max_pick_dt, starttime, endtime)
    return found


def figures(db: Database, comparison: str, min_magnitude: float | None = None) -> Json | None:
    """Overall figures of a stored comparison, as `evaluate` gives them; None where it is not whole."""
    state = _computed(db, comparison)
    if state.get("status") != "done":
        return None
    names, counts, gates = (state["catalog"], state["reference"]), state.get("counts", {}), Gates(**state["gates"])
    in_period = {"catalog": counts.get("events_in_period"), "reference": counts.get("reference_events_in_period")}
    unlocated = {
        "unlocated": counts.get("reference_events_without_position"),
        "catalog_unlocated": counts.get("events_without_position"),
    }
    result = {
        "comparison": comparison,
        "catalog": names[0],
        "reference": names[1],
        "period": state["period"],
        "in_period": in_period,
        "notes": _notes({names[1]: in_period["reference"], names[0]: in_period["catalog"]}, unlocated)
        + left_out_notes(counts, names, gates.event_types),
        "gates": gates.document() | {"min_magnitude": min_magnitude},
        "events": _events(db, comparison, min_magnitude) | unlocated,
        **_picks(db, comparison),
    }
    return result if _computed(db, comparison) == state else None


def _computed(db: Database, comparison: str) -> Json:
    return db.comparison.find_one({"_id": comparison}, COMPUTED) or {}


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


def _events(db: Database, comparison: str, min_magnitude: float | None) -> Json:
    known: Json = {}
    if min_magnitude is None:
        row: Row = next(_view(db, "event_scores", comparison), {})
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


def _picks(db: Database, comparison: str) -> Json:
    rows = {row["phase"]: row for row in _view(db, "pick_scores", comparison)}
    figures = {
        phase: {name: row.get(name, 0) for name in PICK_COUNTS}
        | {name: row.get(name) for name in SHARES}
        | {"residuals": {"dt": row.get("residuals", {}).get("dt", residuals([]))}}
        for phase, row in ((phase, rows.get(phase, {})) for phase in ("P", "S", "PS"))
    }
    both = figures.pop("PS")
    return {"picks": figures, "both_phases": both}


def _view(db: Database, name: str, comparison: str) -> Iterator[Json]:
    return db.score.aggregate([{"$match": _by_names(db, comparison)}, *views()[name].pipeline])


def _by_names(db: Database, comparison: str) -> Json:
    """Filter for the documents of a comparison that an index serves: indexes begin with the names."""
    row = db.comparison.find_one({"_id": comparison}, {"catalog": 1, "reference": 1})
    if row is None:
        raise InputError("the comparison was removed meanwhile", hint="catalogdb evaluate makes it again")
    return {"catalog": row["catalog"], "reference": row["reference"], "comparison": comparison}
