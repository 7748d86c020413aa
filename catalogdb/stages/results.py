"""Names of results: a pick set or catalog stands for one configuration, and is never overwritten in silence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from catalogdb.errors import InputError, NameTaken

OUTPUTS = {"pick_set": ("pick", "peak", "probability", "detection"), "catalog": ("origin", "magnitude", "event")}


@dataclass(frozen=True)
class ResultName:
    """A name that a result is to stand under, with what decides the result.

    Args:
        kind: `pick_set` or `catalog`.
        fields: further fields of the document.
        extent: period covered (epoch seconds); the document's own is widened by it.
    """

    kind: str
    name: str
    config_id: str
    config: dict[str, Any]
    fields: dict[str, Any] = field(default_factory=dict)
    extent: tuple[float, float] | None = None


def claim_names(db: Database, names: list[ResultName], replace: bool, check_only: bool = False) -> None:
    """Enter results under their names, or find them there with the same configuration; all of them or none.

    Args:
        replace: remove what stands under a name if another configuration made it.
        check_only: write nothing.

    Raises:
        NameTaken: when a name stands for another configuration.
    """
    taken = [result for result in names if _is_taken(db, result, replace)]
    if check_only:
        return
    for result in reversed(taken):  # catalogs before the pick sets that they are made from
        remove_result(db, result.kind, result.name)
    for result in names:
        _enter(db, result)


def _is_taken(db: Database, result: ResultName, replace: bool) -> bool:
    held = db[result.kind].find_one({"_id": result.name})
    if held is None or held["config_id"] == result.config_id:
        return False
    if replace:
        return True
    words = result.kind.replace("_", " ")
    difference = _difference(held.get("config", {}), result.config)
    raise NameTaken(
        f"{words} {result.name!r} was made with other settings than these{difference}",
        hint="give this result a name of its own (--name NEW_NAME), or write over the old one (--replace)",
    )


def _enter(db: Database, result: ResultName) -> None:
    document = {"kind": "automatic", "config": result.config} | result.fields
    update: dict[str, Any] = {"$setOnInsert": document}
    if result.extent:
        update |= {"$min": {"starttime": result.extent[0]}, "$max": {"endtime": result.extent[1]}}
    collection = db[result.kind]
    if collection.find_one({"_id": result.name}, {"_id": 1}) is None:
        update["$currentDate"] = {"created": True}
    query = {"_id": result.name, "config_id": result.config_id}
    for is_last in (False, True):  # another worker of the same run may enter it at the same moment
        try:
            collection.update_one(query, update, upsert=True)
            return
        except DuplicateKeyError as error:
            if is_last:
                raise NameTaken(f"{result.name!r}: another run has just taken this name for other settings") from error


def remove_result(db: Database, kind: str, name: str) -> None:
    """Remove a pick set or catalog with all its documents and ledger rows.

    Raises:
        InputError: for a pick set that catalogs are made from.
    """
    held = db[kind].find_one({"_id": name})
    if held is None:
        return
    if kind == "pick_set":
        users = [row["_id"] for row in db.catalog.find({"pick_set": name}, {"_id": 1}) if row["_id"] != name]
        if users:
            raise InputError(f"pick set {name!r} can't be replaced: catalogs {', '.join(users)} are made from it")
    key = {"pick_set": name} if kind == "pick_set" else {"catalog": name}
    # the ledger first: without it a broken-off removal starts afresh
    db.task.delete_many({"config_id": held["config_id"]})
    for collection in OUTPUTS[kind]:
        db[collection].delete_many(key)
    db[kind].delete_one({"_id": name})


def _difference(old: dict[str, Any], new: dict[str, Any]) -> str:
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
