"""Compare a catalog with a reference: what both have, what one alone has, and how far those of both differ.

The pairing is done by the database, with the pipelines `event_match` and `pick_match` of `schemas/views/`. Where
events of a swarm compete for each other, the pipeline's candidate pairs are settled here: connected component by
component, the one-to-one assignment of largest total weight. Terms as OGS has them: matched, missed and *proposed*,
since an event that no analyst listed is not thereby false.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from catalogdb.database.named import require_catalog
from catalogdb.errors import InputError
from catalogdb.schema import views

# what lies this many gates outside the period takes part in the matching, so that its borders make no misses
MARGIN_GATES = 10

Residuals = dict[str, float | None]


def filled_pipeline(name: str, **parameters: Any) -> list[dict[str, Any]]:
    """The pipeline of a view of `schemas/views/` with every `{"$param": "name"}` in it replaced by its value.

    Raises:
        ValueError: for parameters missing or not known.
    """
    view = views()[name]
    if set(parameters) != set(view.parameters):
        raise ValueError(f"{name} takes the parameters {sorted(view.parameters)}, not {sorted(parameters)}")
    return _filled(view.pipeline, parameters)


def _filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$param"}:
            return parameters[value["$param"]]
        return {key: _filled(item, parameters) for key, item in value.items()}
    return [_filled(item, parameters) for item in value] if isinstance(value, list) else value


def evaluate(
    db: Any,
    catalog: str,
    reference: str,
    min_magnitude: float | None = None,
    max_dt: float = 2.0,
    max_km: float = 8.0,
    max_pick_dt: float = 0.5,
    starttime: float | None = None,
    endtime: float | None = None,
) -> dict[str, Any]:
    """Compare two catalogs and their pick sets over a period.

    Args:
        db: the database.
        catalog, reference: names of the catalog that is judged and of the one it is judged by.
        min_magnitude: reference events from this magnitude on count as matched or missed; all take part in the
            matching, so that the catalog's detection of a smaller one isn't `proposed`.
        max_dt, max_km: largest difference of origin times (s) and distance of epicentres (km); depth is ignored.
        max_pick_dt: largest difference of pick times (s).
        starttime, endtime: the period [starttime, endtime) in epoch seconds; none: the catalog's own, else what both
            cover. A catalog made of several disjoint periods has only their envelope on record: what the reference has
            between them would count as missed, so give the periods one by one.

    Returns:
        One JSON object: catalog, reference, period, gates, events and picks (P, S) with matched, missed, proposed,
        recall, precision and residuals (mean, median, and the median absolute deviation `mad`, unscaled; catalog minus
        reference). What is undefined is null. Events without a position take no part; the reference's are
        counted as `unlocated`. A pair belongs to the period that its reference event or pick lies in.
        Each pick of the reference is `matched`, `missed`, `wrong_phase` (of this phase, found as the other one) or
        `no_data`; each of the catalog `matched`, `proposed` or `wrong_phase_found` (of this phase, on a reference pick
        of the other one), and precision is matched / (matched + proposed + wrong_phase_found).
        Without two pick sets to compare nothing of `picks` is matched and its scores are null. `missed` leaves out
        `no_data`: picks at times without waveforms of their station, where the catalog's were made from waveforms.

    Raises:
        InputError: for an unknown catalog, an empty period or a gate that is not positive.
    """
    for gate, width in (("max_dt", max_dt), ("max_km", max_km), ("max_pick_dt", max_pick_dt)):
        if not 0 < width < float("inf"):
            raise InputError(f"{gate} {width:g} is not a positive number")
    documents = {name: require_catalog(db, name) for name in (catalog, reference)}
    start, end = _period(db, documents[catalog], documents[reference], starttime, endtime)
    pick_sets = [documents[name].get("pick_set") for name in (catalog, reference)]
    return {
        "catalog": catalog,
        "reference": reference,
        "period": {"starttime": start, "endtime": end},
        "gates": {"max_dt": max_dt, "max_km": max_km, "max_pick_dt": max_pick_dt, "min_magnitude": min_magnitude},
        "events": _compare_events(db, catalog, reference, start, end, max_dt, max_km, min_magnitude),
        "picks": _compare_picks(db, *pick_sets, start, end, max_pick_dt),
    }


def match_events(
    db: Any, catalog: str, reference: str, starttime: float, endtime: float, max_dt: float, max_km: float
) -> list[dict[str, Any]]:
    """Pair the reference's events of [starttime, endtime) with the catalog's, one to one.

    Returns:
        Rows as `event_match` gives them.
    """
    pipeline = filled_pipeline(
        "event_match",
        catalog=catalog,
        reference=reference,
        starttime=starttime,
        endtime=endtime,
        max_dt=max_dt,
        max_km=max_km,
    )
    return one_to_one(list(db.event.aggregate(pipeline, allowDiskUse=True)))


def one_to_one(pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Choose, of candidate pairs, the one-to-one assignment of largest total weight (Crouse 2016, as SciPy has it).

    Args:
        pairs: rows with `reference_id`, `catalog_id` and `weight` >= 0; their order decides nothing.
    """
    if not pairs:
        return []
    import numpy as np
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = sorted(pairs, key=lambda pair: (pair["reference_id"], pair["catalog_id"]))
    rows = {identity: row for row, identity in enumerate(dict.fromkeys(pair["reference_id"] for pair in pairs))}
    columns = {identity: column for column, identity in enumerate(sorted({pair["catalog_id"] for pair in pairs}))}
    edges = np.array([(rows[pair["reference_id"]], len(rows) + columns[pair["catalog_id"]]) for pair in pairs])
    size = len(rows) + len(columns)
    _, labels = connected_components(coo_array((np.ones(len(pairs)), edges.T), shape=(size, size)), directed=False)
    components: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for pair, edge in zip(pairs, edges, strict=True):
        components[labels[edge[0]]].append(pair)

    chosen = []
    for component in components.values():
        if len(component) == 1:
            chosen += component
            continue
        references = list(dict.fromkeys(pair["reference_id"] for pair in component))
        candidates = sorted({pair["catalog_id"] for pair in component})
        weights = np.zeros((len(references), len(candidates)))
        known = {}
        for pair in component:
            place = references.index(pair["reference_id"]), candidates.index(pair["catalog_id"])
            weights[place] = pair["weight"] + 1e-9  # a pair on the very gate is better than none
            known[place] = pair
        chosen += [
            known[place] for place in zip(*linear_sum_assignment(weights, maximize=True), strict=True) if place in known
        ]
    return sorted(chosen, key=lambda pair: (pair["reference_time"], pair["reference_id"]))


def _period(
    db: Any, catalog: dict[str, Any], reference: dict[str, Any], starttime: float | None, endtime: float | None
) -> tuple[float, float]:
    if starttime is None or endtime is None:
        own = _extent(db, catalog)
        if own is None or "starttime" not in catalog or "endtime" not in catalog:
            extents = [extent for extent in (own, _extent(db, reference)) if extent]
            if not extents:
                raise InputError(
                    f"neither {catalog['_id']!r} nor {reference['_id']!r} has events",
                    hint="give --starttime and --endtime",
                )
            own = max(extent[0] for extent in extents), min(extent[1] for extent in extents)
        starttime = own[0] if starttime is None else starttime
        endtime = own[1] if endtime is None else endtime
    if starttime >= endtime:
        raise InputError(
            f"{catalog['_id']!r} and {reference['_id']!r} have no period in common",
            hint="give --starttime and --endtime",
        )
    return float(starttime), float(endtime)


def _extent(db: Any, catalog: dict[str, Any]) -> tuple[float, float] | None:
    """Period of a catalog: its document's own, else from its first to just behind its last event."""
    if "starttime" in catalog and "endtime" in catalog:
        return catalog["starttime"], catalog["endtime"]
    ends = [db.event.find_one({"catalog": catalog["_id"]}, {"time": 1}, sort=[("time", order)]) for order in (1, -1)]
    return (ends[0]["time"], ends[1]["time"] + 0.001) if ends[0] and ends[1] else None


# -- events


def _compare_events(
    db: Any,
    catalog: str,
    reference: str,
    start: float,
    end: float,
    max_dt: float,
    max_km: float,
    min_magnitude: float | None,
) -> dict[str, Any]:
    margin = MARGIN_GATES * max_dt
    pairs = match_events(db, catalog, reference, start - margin, end + margin, max_dt, max_km)
    wanted: dict[str, Any] = {"catalog": reference, "time": {"$gte": start, "$lt": end}}
    if min_magnitude is not None:
        wanted["magnitude"] = {"$gte": min_magnitude}
    located = {"latitude": {"$exists": True}}
    counted = {row["_id"] for row in db.event.find(wanted | located, {"_id": 1})}
    unlocated = db.event.count_documents(wanted | {"latitude": {"$exists": False}})
    matched = [pair for pair in pairs if pair["reference_id"] in counted]
    of_catalog = db.event.count_documents({"catalog": catalog, "time": {"$gte": start, "$lt": end}} | located)
    proposed = of_catalog - sum(start <= pair["catalog_time"] < end for pair in pairs)
    return {
        **_scores(len(matched), len(counted) - len(matched), proposed),
        "unlocated": unlocated,
        "residuals": {
            name: residuals(pair[field] for pair in matched if pair.get(field) is not None)
            for name, field in (
                ("dt", "dt"),
                ("distance_km", "distance_km"),
                ("depth_km", "depth_difference_km"),
                ("magnitude", "magnitude_difference"),
            )
        },
    }


# -- picks


def _compare_picks(
    db: Any, catalog: str | None, reference: str | None, start: float, end: float, max_dt: float
) -> dict[str, Any]:
    if catalog is None or reference is None or catalog == reference:
        return {
            phase: _scores(0, 0, 0)
            | {"wrong_phase": 0, "wrong_phase_found": 0, "no_data": 0, "residuals": {"dt": residuals([])}}
            for phase in "PS"
        }
    margin = MARGIN_GATES * max_dt
    pipeline = filled_pipeline(
        "pick_match",
        catalog=catalog,
        reference=reference,
        starttime=start - margin,
        endtime=end + margin,
        max_dt=max_dt,
    )
    pipeline.append({"$match": {"time": {"$gte": start, "$lt": end}}})
    outcomes: Counter[tuple[str, str]] = Counter()
    differences: dict[str, list[float]] = defaultdict(list)
    missed: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for row in db.pick.aggregate(pipeline, allowDiskUse=True):
        outcomes[row["phase"], row["outcome"]] += 1
        if row["outcome"] == "matched":
            differences[row["phase"]].append(row["dt"])
        elif row["outcome"] == "missed":
            missed[row["sta"]].append((row["time"], row["phase"]))
    no_data = _without_data(db, catalog, missed, start, end)
    return {
        phase: {
            **_scores(
                outcomes[phase, "matched"],
                outcomes[phase, "missed"] - no_data[phase],
                outcomes[phase, "proposed"],
                outcomes[phase, "wrong_phase"],
                outcomes[other, "wrong_phase"],
            ),
            "wrong_phase": outcomes[phase, "wrong_phase"],
            "wrong_phase_found": outcomes[other, "wrong_phase"],
            "no_data": no_data[phase],
            "residuals": {"dt": residuals(differences[phase])},
        }
        for phase, other in ("PS", "SP")
    }


def _without_data(
    db: Any, pick_set: str, missed: dict[str, list[tuple[float, str]]], start: float, end: float
) -> Counter[str]:
    """Count the missed picks, by phase, at times without waveforms of their station.

    Only a pick set made from waveforms has such.
    """
    counts: Counter[str] = Counter()
    made = db.pick_set.find_one({"_id": pick_set}, {"kind": 1})
    overlapping = {"starttime": {"$lt": end}, "endtime": {"$gte": start}}
    if not made or made["kind"] != "automatic" or not db.wf_miniseed.find_one(overlapping, {"_id": 1}):
        return counts
    pieces: dict[str, list[tuple[float, float]]] = defaultdict(list)
    query = overlapping | {"sta": {"$in": list(missed)}}
    for row in db.wf_miniseed.find(query, {"_id": 0, "sta": 1, "starttime": 1, "endtime": 1}).sort("starttime", 1):
        spans = pieces[row["sta"]]
        if spans and row["starttime"] <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], row["endtime"])
        else:
            spans.append((row["starttime"], row["endtime"]))
    for station, picks in missed.items():
        spans = iter(pieces[station])
        span = next(spans, None)
        for time, phase in sorted(picks):
            while span and span[1] < time:
                span = next(spans, None)
            if span is None or time < span[0]:
                counts[phase] += 1
    return counts


# -- figures


def _scores(
    matched: int, missed: int, proposed: int, wrong_phase: int = 0, wrong_phase_found: int = 0
) -> dict[str, Any]:
    """Recall and precision; a pick under the wrong phase counts against its own phase's recall, as OGS has it, and
    against the precision of the phase that it was taken for.
    """
    wanted, found = matched + missed + wrong_phase, matched + proposed + wrong_phase_found
    return {
        "matched": matched,
        "missed": missed,
        "proposed": proposed,
        "recall": matched / wanted if wanted else None,
        "precision": matched / found if found else None,
    }


def residuals(values: Iterable[float]) -> Residuals:
    """Mean, median and median absolute deviation (unscaled) in the values' own unit; null for no values."""
    import numpy as np

    array = np.fromiter(values, float)
    if not len(array):
        return {"mean": None, "median": None, "mad": None}
    median = float(np.median(array))
    return {"mean": float(array.mean()), "median": median, "mad": float(np.median(np.abs(array - median)))}
