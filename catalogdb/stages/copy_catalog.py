"""A catalog as it is now, kept under another name: a copy of its events and picks that no run changes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import bson
from pymongo.database import Database

from catalogdb import logs
from catalogdb.comparisons.picked_waveforms import picked_spans
from catalogdb.database.lease import name_lease
from catalogdb.documents.data import Event, Magnitude, Origin, Pick
from catalogdb.documents.free import AnyDocument, Json
from catalogdb.errors import InputError, NameTaken
from catalogdb.exchange.documents import CatalogDocuments
from catalogdb.identity import content_id, milliseconds
from catalogdb.ledger.run_life import live_run
from catalogdb.names import checked_name
from catalogdb.stages.ingest_catalog import IngestCatalog, ledger_row
from catalogdb.stages.read_catalog import WholeCatalog, whole_catalog
from catalogdb.stages.results import check_not_moving, check_unused
from catalogdb.stages.write_catalog import write_catalog

KEPT_OF_A_NAME = ("kind", "config", "agency_id", "source", "licence")
KEPT_OF_A_CATALOG = ("starttime", "endtime", "periods")


@dataclass(frozen=True)
class _Copy:
    """What a copy is under its name."""

    name: str
    made_as: str
    config_id: str
    task_id: str

    def event_id(self, event_id: str) -> str:
        return content_id(self.config_id, event_id)

    def part_id(self, event_id: str, part_id: str) -> str:
        """Id of an origin or magnitude."""
        return content_id(self.config_id, event_id, part_id)


def copy_catalog(db: Database, name: str, new: str, replace: bool = False) -> Json:
    """Write a copy of a catalog, and of all picks of its pick set, as catalog and pick set `new`.

    Everything is read from one snapshot and written as an ingest writes it, with types and features of the events where
    there are some (`Stage.copied`). Ids are made anew, of the new name and what was copied: an event that has no
    `source_id` gets the id that it was copied from as such. Peaks, probabilities, tasks and comparisons are not copied,
    nor what relocation keeps of pairs and stations. The same again changes nothing. While a run works on the catalog,
    the copy is of what there is, and that is said.

    Args:
        name: the catalog.
        new: of catalog and pick set; it must stand for nothing but a copy.
        replace: write over another copy under that name.

    Returns:
        catalog, copied_from, config_id, changed, counts (events, picks).

    Raises:
        InputError: for an unknown catalog, a name that is none, or one in use.
        NameTaken: when the new name stands for something else.
    """
    checked_name(new, "catalog")
    if new == name:
        raise InputError(f"{name!r} can't be a copy of itself", hint="give the copy another name")
    with name_lease(db, "catalog", new, lambda holder: logs.notice(f"{new!r} is being written by {holder}")) as lease:
        check_not_moving(db, new)
        if run := live_run(db, "catalog", name):
            logs.notice(f"run {run} works on {name!r} now: the copy holds what is there at this moment, not its result")
        whole = whole_catalog(db, name)
        digest = _digest(whole)
        held = db.catalog.find_one({"_id": new})
        copy = _copy_as(new, held["made_as"] if held and "made_as" in held else new, digest)
        if held is None or held["config_id"] != copy.config_id:
            copy = _copy_as(new, new, digest)
        counts = {"events": len(whole.events), "picks": len(whole.picks)}
        result = {"catalog": new, "copied_from": name, "config_id": copy.config_id, "counts": counts}
        if held is not None and held["config_id"] == copy.config_id:
            return result | {"changed": False}
        _check_new(db, new, copy.config_id, replace)
        named = _named(db, copy, whole)
        ledger = ledger_row(copy.task_id, copy.config_id, new, named["catalog"], counts, [])
        write_catalog(db, new, _documents(copy, whole), named, ledger, lease)
        return result | {"changed": True}


def _copy_as(name: str, made_as: str, digest: str) -> _Copy:
    config_id = content_id("copy", made_as, digest)
    return _Copy(name, made_as, config_id, content_id(IngestCatalog.in_ledger, config_id, {"catalog": made_as}))


def _digest(whole: WholeCatalog) -> str:
    """Of everything that is copied, but for the times at which events were assembled."""
    digest = hashlib.sha256()
    for event in whole.events:
        digest.update(bson.encode({key: value for key, value in event.items() if key != "creation_info"}))
    for document in (*whole.picks, *(row for rows in whole.about.values() for row in rows)):
        digest.update(bson.encode(document))
    return digest.hexdigest()


def _check_new(db: Database, new: str, config_id: str, replace: bool) -> None:
    for kind in ("catalog", "pick_set"):
        words = kind.replace("_", " ")
        if renamed := db[kind].find_one({"config_id": config_id, "_id": {"$ne": new}}, {"_id": 1}):
            raise NameTaken(
                f"{words} {new!r} with this content was renamed to {renamed['_id']!r}", hint="give it another name"
            )
        found = db[kind].find_one({"_id": new}, {"copied_from": 1, "created": 1})
        if found is None:
            continue
        if "copied_from" not in found:
            raise NameTaken(f"there is a {words} {new!r} already, and it is no copy", hint="give the copy another name")
        if not replace:
            raise NameTaken(
                f"{words} {new!r} is a copy of {found['copied_from']!r} as it was at {found['created']:%Y-%m-%d %H:%M}",
                hint="--replace writes over it, another name keeps both",
            )
        check_unused(db, kind, new, {("catalog", new)})


def _named(db: Database, copy: _Copy, whole: WholeCatalog) -> dict[str, AnyDocument]:
    """The documents of the name, by collection."""
    own: AnyDocument = {
        **{"_id": copy.name, "config_id": copy.config_id, "copied_from": whole.catalog["_id"]},
        "created": db.client.admin.command("hello")["localTime"],
        **({"made_as": copy.made_as} if copy.made_as != copy.name else {}),
    }
    catalog = _those(whole.catalog, KEPT_OF_A_NAME + KEPT_OF_A_CATALOG) | own
    if whole.pick_set is None:
        return {"catalog": catalog}
    pick_set = _those(whole.pick_set, KEPT_OF_A_NAME) | own
    if (picked := picked_spans(db, whole.pick_set)) is not None:
        pick_set["picked"] = picked
    return {"catalog": catalog | {"pick_set": copy.name}, "pick_set": pick_set}


def _those(document: Mapping[str, Any], names: tuple[str, ...]) -> AnyDocument:
    return {name: document[name] for name in names if name in document}


def _documents(copy: _Copy, whole: WholeCatalog) -> CatalogDocuments:
    own = {"config_id": copy.config_id, "task_id": copy.task_id}
    of_picks = {pick["_id"]: _pick_id(copy, pick) for pick in whole.picks}
    picks = [cast(Pick, {**pick, **own, "_id": of_picks[pick["_id"]], "pick_set": copy.name}) for pick in whole.picks]
    known = {event["_id"] for event in whole.events}
    events = [_event(copy, event, own, of_picks, known) for event in whole.events]
    counts = Counter(events=len(events), picks=len(picks))
    about = {name: [_about(copy, row, own, known) for row in rows] for name, rows in whole.about.items()}
    return CatalogDocuments(events, picks, counts, about=about)


def _about(copy: _Copy, document: AnyDocument, own: dict[str, str], known: set[str]) -> AnyDocument:
    """What a stage says of an event, or of the catalog."""
    made = document | own | {"_id": content_id(copy.config_id, document["_id"]), "catalog": copy.name}
    if made.get("event_id") in known:
        made["event_id"] = copy.event_id(made["event_id"])
    return made


def _pick_id(copy: _Copy, pick: Pick) -> str:
    return content_id(copy.config_id, pick["channel_group"], pick["phase"], milliseconds(pick["time"]))


def _event(copy: _Copy, event: Event, own: dict[str, str], of_picks: Mapping[str, str], known: set[str]) -> Event:
    identity = event["_id"]
    made: AnyDocument = {"source_id": identity, **event, **own, "_id": copy.event_id(identity), "catalog": copy.name}
    for name in ("preferred_origin_id", "preferred_magnitude_id"):
        if name in made:
            made[name] = copy.part_id(identity, made[name])
    made["origins"] = [_origin(copy, identity, origin, of_picks, known) for origin in event["origins"]]
    made["magnitudes"] = [_magnitude(copy, identity, part) for part in event["magnitudes"]]
    return cast(Event, made)


def _magnitude(copy: _Copy, event_id: str, magnitude: Magnitude) -> Magnitude:
    made = magnitude | {"_id": copy.part_id(event_id, magnitude["_id"])}
    if "origin_id" in magnitude:
        made["origin_id"] = copy.part_id(event_id, magnitude["origin_id"])
    return made


def _origin(copy: _Copy, event_id: str, origin: Origin, of_picks: Mapping[str, str], known: set[str]) -> Origin:
    made = origin | {"_id": copy.part_id(event_id, origin["_id"])}
    if origin.get("cluster") in known:
        made["cluster"] = copy.event_id(origin["cluster"])
    if "arrivals" in origin:
        made["arrivals"] = [
            arrival | {"pick_id": of_picks.get(arrival["pick_id"], arrival["pick_id"])}
            for arrival in origin["arrivals"]
        ]
    return made
