"""What a comparison is made from, part by part, told without reading the catalogs: what changed makes it stale."""

from __future__ import annotations

from pymongo.database import Database

from catalogdb.comparisons.peaks import peak_source
from catalogdb.comparisons.picked_waveforms import picked_waveforms
from catalogdb.documents.free import Query
from catalogdb.documents.records import Catalog
from catalogdb.evaluation.gates import with_arrivals
from catalogdb.evaluation.revision import REVISION
from catalogdb.identity import content_id


def comparison_inputs(
    db: Database, catalog: Catalog, reference: Catalog, period: tuple[float, float]
) -> dict[str, str]:
    """State of each input of a comparison, by what it is; equal states give equal comparisons.

    A catalog made by a job is told by what the ledger says of the documents that its tasks wrote: made again with the
    same documents it is the same. One that was ingested is told by its files.

    Args:
        catalog, reference: documents of `catalog`.
        period: [start, end) in epoch seconds.
    """
    inputs = {"revision": str(REVISION), "period": f"{period[0]!r} {period[1]!r}"}
    for role, row in (("catalog", catalog), ("reference", reference)):
        inputs[role] = _result(db, row["config_id"], "event", {"catalog": row["_id"]})
        if pick_set := row.get("pick_set"):
            inputs[f"{role} picks"] = _of_pick_set(db, pick_set, "pick")
    if peaks := peak_source(db, catalog.get("pick_set")):
        inputs["catalog peaks"] = _of_pick_set(db, peaks.pick_set, "peak")
    inputs["stations"] = _stations(db)
    inputs["waveforms"] = _waveforms(db, catalog.get("pick_set"), period)
    return inputs


def _of_pick_set(db: Database, name: str, collection: str) -> str:
    made = db.pick_set.find_one({"_id": name}, {"config_id": 1}) or {}
    return _result(db, made.get("config_id", ""), collection, {"pick_set": name})


def _result(db: Database, config_id: str, collection: str, query: Query) -> str:
    """Documents of a result: how many, and what the tasks that wrote them say of them."""
    written = []
    fields = {f"outputs.{collection}": 1, "updated": 1, "stage": 1, "status": 1}
    for row in db.task.find({"result": {"$in": list(query.values())}, "config_id": config_id}, fields):
        if "outputs" in row:
            state = row["outputs"].get(collection)
        else:  # ingested, or made before digests were kept
            state = str(row.get("updated")) if row["status"] == "done" else None
        if state:
            written.append(f"{row['_id']} {state}")
    return f"{db[collection].count_documents(query)} {content_id(config_id, *sorted(written))}"


def _stations(db: Database) -> str:
    """Places of all stations, and the networks that sites and waveforms name for their codes."""
    fields = {"_id": 0, "net": 1, "sta": 1, "lat": 1, "lon": 1, "starttime": 1, "endtime": 1}
    sites = sorted(
        f"{row['starttime']!r} {row['endtime']!r} {row['net']}.{row['sta']} {row['lat']!r} {row['lon']!r}"
        for row in db.site.find({}, fields)
    )
    # sorted as an index is, so that each pair is looked up once instead of reading all segments
    pairs: list[Query] = [{"$sort": {"net": 1, "sta": 1}}, {"$group": {"_id": {"net": "$net", "sta": "$sta"}}}]
    named = sorted(f"{row['_id']['net']}.{row['_id']['sta']}" for row in db.wf_miniseed.aggregate(pairs))
    return f"{len(sites)} {content_id(*sites, '', *named)}"


def _waveforms(db: Database, pick_set: str | None, period: tuple[float, float]) -> str:
    """When each station that the pick set was made from had waveforms, and when it was picked."""
    picked = picked_waveforms(db, pick_set, with_arrivals(period))
    if picked is None:
        return ""
    # the same data twice are no more of it
    segments = sorted({f"{net}.{sta} {start!r} {end!r}" for net, sta, start, end in picked.segments})
    shards = [f"{net}.{sta} {spans!r}" for (net, sta), spans in sorted((picked.shards or {}).items())]
    return f"{len(segments)} {content_id(*segments, '', *shards)}"
