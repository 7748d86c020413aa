"""Names of results: a pick set or catalog stands for one configuration, and is never overwritten in silence."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from catalogdb.database.lease import name_holder, server_now
from catalogdb.documents.free import AnyDocument, Json, Query
from catalogdb.errors import InputError, NameTaken
from catalogdb.identity import content_id
from catalogdb.ledger.run_life import live_run
from catalogdb.names import checked_name
from catalogdb.stages.periods import covered
from catalogdb.stages.registry import outputs, run_stages


@dataclass(frozen=True)
class ResultName:
    """A name that a result is to stand under, with what decides the result.

    Args:
        kind: `pick_set` or `catalog`.
        fields: further fields of the document.
        extent: period covered (epoch seconds); the document's own is widened by it.
        period: bounds of what the result may hold (epoch seconds), joined to those that the document has.
        is_period_given: whether the job names it, so that a replacement takes away what lies outside.
    """

    kind: str
    name: str
    config_id: str
    config: Json
    fields: AnyDocument = field(default_factory=dict)
    extent: tuple[float, float] | None = None
    period: tuple[float, float] | None = None
    is_period_given: bool = False


def claim_names(db: Database, names: list[ResultName], replace: bool, check_only: bool = False) -> None:
    """Enter results under their names, or find them there with the same configuration; all of them or none.

    Args:
        replace: remove what stands under a name if another configuration made it.
        check_only: write nothing.

    Raises:
        NameTaken: when a name stands for another configuration.
        InputError: when what is to be replaced is in use, see `check_unused`.
    """
    for result in names:
        checked_name(result.name, result.kind.replace("_", " "))
        check_not_moving(db, result.name)
        _check_under_no_other_name(db, result)
    taken = [result for result in names if _is_taken(db, result, replace)]
    besides = {(result.kind, result.name) for result in names}
    for result in taken:
        check_unused(db, result.kind, result.name, besides)
    if check_only:
        return
    for result in reversed(taken):  # catalogs before the pick sets that they are made from
        _replace(db, result)
    for result in names:
        _enter(db, result)


def check_not_moving(db: Database, name: str) -> None:
    """Refuse a name whose documents are being moved by a rename, or were left half moved by one.

    Raises:
        NameTaken: naming the command that ends it.
    """
    for kind in ("catalog", "pick_set"):
        if found := db[kind].find_one(
            {"renamed_from": {"$exists": True}, "$or": [{"_id": name}, {"renamed_from": name}]}
        ):
            old, new = found["renamed_from"], found["_id"]
            raise NameTaken(
                f"{kind.replace('_', ' ')} {old!r} is being renamed to {new!r}, or that was broken off",
                hint=f"to end it: catalogdb rename {kind.replace('_', '-')} {old} {new}",
            )


def _check_under_no_other_name(db: Database, result: ResultName) -> None:
    """What was renamed keeps its identity, which is what its old name would have again with the same settings."""
    renamed = {"config_id": result.config_id, "_id": {"$ne": result.name}, "made_as": {"$exists": True}}
    other = db[result.kind].find_one(renamed, {"_id": 1})
    if other is not None:
        words = result.kind.replace("_", " ")
        raise NameTaken(
            f"{words} {result.name!r} with these settings was renamed to {other['_id']!r}",
            hint=f"use that name (--name {other['_id']}), or another one than both",
        )


def name_of_identity(db: Database, kind: str, name: str) -> str:
    """The name that the identity of what stands under a name was made with: its own, unless it was renamed."""
    held = db[kind].find_one({"_id": name, "made_as": {"$exists": True}}, {"made_as": 1})
    return str(held["made_as"]) if held else name


def as_made(db: Database, kind: str, name: str, config: Json) -> tuple[Json, str]:
    """A configuration with its identity, as of the name that it was made with where a rename has left it under this.

    Args:
        config: with the name in the field `kind`.
    """
    held = db[kind].find_one({"_id": name, "made_as": {"$exists": True}}, {"made_as": 1, "config_id": 1})
    if held is not None:
        of_before = config | {kind: held["made_as"]}
        if content_id(of_before) == held["config_id"]:
            return of_before, held["config_id"]
    return config, content_id(config)


def _is_taken(db: Database, result: ResultName, replace: bool) -> bool:
    held = db[result.kind].find_one({"_id": result.name})
    if held is None:
        return False
    if held["config_id"] == result.config_id:
        return replace and _covers_more(held, result)
    if replace:
        return True
    words = result.kind.replace("_", " ")
    difference = _difference(held.get("config", {}), result.config)
    raise NameTaken(
        f"{words} {result.name!r} was made with other settings than these{difference}",
        hint="give this result a name of its own (--name NEW_NAME), or write over the old one (--replace)",
    )


def _covers_more(held: AnyDocument, result: ResultName) -> bool:
    """True where the document covers what the job's period does not."""
    if result.period is None or not result.is_period_given or not held.get("periods"):
        return False
    return covered([*held["periods"], result.period]) != [result.period]


def wider_periods(db: Database, names: list[ResultName]) -> list[str]:
    """Notes on catalogs that cover more than a job's period, where the job's lies wholly inside: it narrows nothing."""
    notes = []
    for result in names:
        held = db[result.kind].find_one({"_id": result.name, "config_id": result.config_id}, {"periods": 1}) or {}
        if (
            result.period
            and _covers_more(held, result)
            and covered([*held["periods"], result.period]) == covered(held["periods"])
        ):
            spans = ", ".join(" to ".join(map(_moment, period)) for period in covered(held["periods"]))
            notes.append(
                f"{result.kind} {result.name} covers {spans}, more than the job's period, and keeps its events there; "
                "--replace makes it of the job's period alone"
            )
    return notes


def _moment(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds").removesuffix("+00:00")


def check_unused(db: Database, kind: str, name: str, besides: Collection[tuple[str, str]] = ()) -> None:
    """Refuse to take a pick set or catalog away while others stand on it, or a run makes or reads it.

    Args:
        besides: what is made again, too: kinds and names.

    Raises:
        InputError: naming the others, or the run.
    """
    words = f"{kind.replace('_', ' ')} {name!r}"
    check_not_moving(db, name)
    if kind == "pick_set":
        if users := _others(db, "catalog", {"pick_set": name}, besides):
            raise InputError(
                f"{words}: {_listed('catalog', users)} made from it", hint=f"first: catalogdb remove catalog {users[0]}"
            )
        if users := _others(db, "pick_set", {"repicked_from": name}, besides):
            raise InputError(
                f"{words}: {_listed('pick set', users)} chosen from the peaks that it keeps",
                hint=f"first: catalogdb remove pick-set {users[0]}",
            )
    if run := live_run(db, kind, name):
        raise InputError(
            f"{words}: run {run} works on it now",
            hint=f"end that run first, or wait for its end; catalogdb watch {run} shows it",
        )


def _others(db: Database, kind: str, query: Query, besides: Collection[tuple[str, str]]) -> list[str]:
    return sorted(row["_id"] for row in db[kind].find(query, {"_id": 1}) if (kind, row["_id"]) not in besides)


def own_tasks(db: Database, kind: str, document: Mapping[str, Any]) -> Query:
    """Filter of the tasks that go with a name: those of its configuration, but where a name of the other kind stands
    for the same content (as of ingested files), and those that another configuration left under it."""
    of_kind = [stage.name for stage in run_stages() if stage.kind == kind]
    under_name = {"result": document["_id"], "stage": {"$in": of_kind}}
    other = "catalog" if kind == "pick_set" else "pick_set"
    if db[other].find_one({"config_id": document["config_id"]}, {"_id": 1}):
        return under_name
    return {"$or": [under_name, {"stage": {"$gt": ""}, "config_id": document["config_id"]}]}


def _replace(db: Database, result: ResultName) -> None:
    """Remove all that stands under a name, and give the name to another configuration.

    Broken off, the name stands for nothing that a job makes, so the same call goes on with it. The order matters where
    a run has come up since `check_unused`: `tasks.commit` refuses its results from the first step on, and one that was
    being written then ends before the second, since both write its row in the ledger, and is removed by the third.
    """
    collection = db[result.kind]
    other = {"_id": result.name, "config_id": {"$ne": result.config_id}}
    held = collection.find_one({"_id": result.name, "config_id": result.config_id}, {"periods": 1})
    if held and _covers_more(held, result):
        other = held | {"config_id": result.config_id}
    nothing = uuid.uuid4().hex
    held = collection.find_one_and_update(other, {"$set": {"config_id": nothing}})
    if held is None:
        return
    own = own_tasks(db, result.kind, held)
    while db.task.delete_many(own).deleted_count:  # again for rows that moved in the index under it
        pass
    for name in outputs(result.kind):
        db[name].delete_many({result.kind: result.name})
    document = _document(result) | {"config_id": result.config_id, "created": server_now(db)}
    if not collection.replace_one({"_id": result.name, "config_id": nothing}, document).matched_count:
        raise _just_taken(result)


def _document(result: ResultName) -> AnyDocument:
    return {"kind": "automatic", "config": result.config} | result.fields


def _enter(db: Database, result: ResultName) -> None:
    update: Query = {"$setOnInsert": _document(result)}
    if result.extent:
        update |= {"$min": {"starttime": result.extent[0]}, "$max": {"endtime": result.extent[1]}}
    collection = db[result.kind]
    if collection.find_one({"_id": result.name}, {"_id": 1}) is None:
        _clear(db, result)
        update["$currentDate"] = {"created": True}
    query = {"_id": result.name, "config_id": result.config_id}
    for is_last in (False, True):  # another worker of the same run may enter it at the same moment
        try:
            collection.update_one(query, update, upsert=True)
            break
        except DuplicateKeyError as error:
            if is_last:
                raise _just_taken(result) from error
    while result.period:
        held = collection.find_one(query, {"periods": 1})
        if held is None:
            raise _just_taken(result)
        periods = [list(period) for period in covered([*held.get("periods", ()), result.period])]
        unchanged = query | {"periods": held.get("periods")}
        if collection.update_one(unchanged, {"$set": {"periods": periods}}).matched_count:
            return


def _clear(db: Database, result: ResultName) -> None:
    """Remove what an ingest that was broken off left under a name that nothing stands under.

    Raises:
        NameTaken: while an ingest goes on.
    """
    if (name := name_holder(db, result.name)) is not None:
        raise NameTaken(
            f"{result.name!r}: a catalog of this name is being ingested or removed by {name}",
            hint="wait for its end, or give this result another name (--name NEW_NAME)",
        )
    for collection in outputs(result.kind):
        db[collection].delete_many({result.kind: result.name, "config_id": {"$ne": result.config_id}})


def _just_taken(result: ResultName) -> NameTaken:
    return NameTaken(f"{result.name!r}: another run has just taken this name for other settings")


def _listed(what: str, names: list[str]) -> str:
    return f"{what}{'s' if names[1:] else ''} {', '.join(names)} {'are' if names[1:] else 'is'}"


def _difference(old: Json, new: Json) -> str:
    lines = _differences(old, new)
    return f" ({'; '.join(lines[:4])}{' ...' if len(lines) > 4 else ''})" if lines else ""


def _differences(old: Any, new: Any, path: str = "") -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for key in sorted(old.keys() | new.keys())
            for line in _differences(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
        ]
    same = list(old) == list(new) if isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)) else old == new
    return [] if same else [f"{path}: {old!r} there, {new!r} here"]
