"""Whether the stations that a job names are there: said before it runs, refused where nothing would be left."""

from __future__ import annotations

from collections.abc import Iterable

from pymongo.database import Database

from catalogdb.errors import InputError
from catalogdb.jobs import Job, StationSelection
from catalogdb.stages import registry
from catalogdb.stages.pick_selection import PickSelection
from catalogdb.wording import first_few

NAMED = 10


def require_picks(db: Database, job: Job) -> None:
    """Refuse a job that only reads picks, where its pick set has none of the job's stations.

    Raises:
        InputError: naming the stations that the pick set has.
    """
    selection = PickSelection(db, job.stations)
    codes = _of_picks(db, job.pick_set_name)
    if codes and not any(selection.takes(*code) for code in codes):
        raise InputError(
            f"job {job.name}: pick set {job.pick_set_name!r} has none of the job's stations, but {_listed(codes)}",
            hint="check stations.include and stations.exclude",
        )


def station_notes(db: Database, job: Job) -> list[str]:
    """Notes on patterns of `stations` that no station meets, or none that has data."""
    places = {(row["net"], row["sta"]) for row in db.site.find({}, {"_id": 0, "net": 1, "sta": 1})}
    picks = registry.makes(job.stages, "pick_set")
    with_data = _of_waveforms(db) if picks else _of_picks(db, job.pick_set_name)
    what = "waveforms" if picks else f"picks in {job.pick_set_name}"
    notes = []
    for key in ("include", "exclude"):
        for pattern in getattr(job.stations, key):
            only = StationSelection(include=(pattern,))
            known = {code for code in places if only.takes(*code)}
            heard = {code for code in with_data if only.takes(*code)}
            heard |= {code for code in with_data if not code[0] and any(code[1] == sta for _, sta in known)}
            if not known and not heard:
                notes.append(f"stations.{key}: {pattern}: there is no such station")
            elif key == "include" and not heard:
                notes.append(f"stations.include: {pattern}: no {what}")
            elif key == "include" and not known and not any(code[1] == sta for _, sta in heard for code in places):
                notes.append(f"stations.include: {pattern}: no coordinates; catalogdb ingest stations FILE")
    return notes


def _of_waveforms(db: Database) -> set[tuple[str, str]]:
    return {tuple(group.split(".")[:2]) for group in db.wf_miniseed.distinct("channel_group")}


def _of_picks(db: Database, pick_set: str) -> set[tuple[str, str]]:
    rows = db.pick.aggregate([{"$match": {"pick_set": pick_set}}, {"$group": {"_id": {"net": "$net", "sta": "$sta"}}}])
    return {(row["_id"].get("net") or "", row["_id"]["sta"]) for row in rows}


def _listed(codes: Iterable[tuple[str, str]]) -> str:
    return first_few(sorted(f"{net}.{sta}" for net, sta in codes), NAMED)
