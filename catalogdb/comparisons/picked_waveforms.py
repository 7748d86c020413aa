"""What a pick set was made from: waveforms that are indexed, in the shards that the ledger says are picked."""

from __future__ import annotations

import math
from collections import defaultdict

from pymongo.database import Database

from catalogdb.documents.free import Query
from catalogdb.documents.records import PickSet, PickSetPicked
from catalogdb.evaluation.columns import Codes
from catalogdb.evaluation.coverage import Coverage, PickedWaveforms, Span, Station


def picked_waveforms(db: Database, pick_set: str | None, period: Span) -> PickedWaveforms | None:
    """What a pick set was made from in a period; None where it was not made from waveforms, or none are indexed.

    Only stations that have tasks of the pick set count, in the shards whose picks are stored: one that is still to do,
    failed at the first attempt, or has no sensor that the job takes was not picked.
    """
    made = db.pick_set.find_one({"_id": pick_set}, {"kind": 1, "config_id": 1, "picked": 1}) if pick_set else None
    if not made or made["kind"] != "automatic":
        return None
    meets = {"starttime": {"$lt": period[1]}, "endtime": {"$gte": period[0]}}
    fields = {"_id": 0, "net": 1, "sta": 1, "starttime": 1, "endtime": 1}
    rows = db.wf_miniseed.find(meets, fields).sort("starttime", 1).batch_size(20_000)
    segments = [(row["net"], row["sta"], row["starttime"], row["endtime"]) for row in rows]
    if not segments:
        return None
    shards = _picked_shards(db, made, period)
    return PickedWaveforms([segment for segment in segments if shards is None or segment[:2] in shards], shards)


def picked_spans(db: Database, pick_set: PickSet) -> list[PickSetPicked] | None:
    """Spans of time that a pick set was made from, by station, for the `picked` of a copy; None where nothing is known.

    Args:
        pick_set: its document.
    """
    if pick_set["kind"] != "automatic":
        return None
    shards = _picked_shards(db, pick_set, (-math.inf, math.inf))
    if shards is None:
        return None
    return [{"net": net, "sta": sta, "spans": [*map(list, spans)]} for (net, sta), spans in sorted(shards.items())]


def _picked_shards(db: Database, pick_set: PickSet, period: Span) -> dict[Station, list[Span]] | None:
    if "picked" in pick_set:  # a copy, which has no tasks
        known = {(row["net"], row["sta"]): [(start, end) for start, end in row["spans"]] for row in pick_set["picked"]}
        cut = {code: [span for span in spans if _meet(span, period)] for code, spans in known.items()}
        return {code: spans for code, spans in cut.items() if spans}
    # any stage: the index begins with it; tasks of ingested picks are of no station
    tasks = {"stage": {"$gt": ""}, "config_id": pick_set["config_id"], "shard.sta": {"$exists": True}}
    if db.task.find_one(tasks, {"_id": 1}) is None:
        return None
    # a task to be done again keeps the picks that it made before
    stored: Query = {"$or": [{"status": "done"}, {"outputs": {"$exists": True}}]}
    stored["choices.channel_group"] = {"$not": {"$type": "null"}}
    meets = {"starttime": {"$lt": period[1]}, "endtime": {"$gt": period[0]}}
    shards: dict[Station, list[Span]] = defaultdict(list)
    fields = {"shard": 1, "starttime": 1, "endtime": 1}
    for row in sorted(db.task.find(tasks | meets | stored, fields), key=lambda row: row["starttime"]):
        spans = shards[row["shard"]["net"], row["shard"]["sta"]]
        if spans and row["starttime"] <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], row["endtime"])
        else:
            spans.append((row["starttime"], row["endtime"]))
    return dict(shards)


def _meet(one: Span, other: Span) -> bool:
    return one[0] < other[1] and one[1] > other[0]


def read_coverage(db: Database, pick_set: str | None, period: Span, stations: Codes) -> Coverage | None:
    """The coverage that a pick set was made from; None as for `picked_waveforms`."""
    picked = picked_waveforms(db, pick_set, period)
    return None if picked is None else picked.coverage(stations)
