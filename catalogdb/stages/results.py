"""Names of results: a pick set or catalog stands for one configuration, and is never overwritten in silence."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database

from catalogdb.errors import InputError, NameTaken

OUTPUTS = {"pick_set": ("pick",), "catalog": ("origin", "magnitude", "event")}


def claim_name(
    db: Database, kind: str, name: str, config_id: str, config: dict[str, Any], replace: bool, **fields: Any
) -> None:
    """Enter a pick set or catalog under its name, or find it there with the same configuration.

    Args:
        kind: `pick_set` or `catalog`.
        replace: remove what stands under the name if another configuration made it.
        fields: further fields of the document.

    Raises:
        NameTaken: when the name stands for another configuration, or the configuration stands under another name.
    """
    held = db[kind].find_one({"_id": name})
    if held and held["config_id"] == config_id:
        return
    words = kind.replace("_", " ")
    if held and not replace:
        raise NameTaken(
            f"{words} {name!r} was made with other settings than these{_difference(held.get('config', {}), config)}",
            hint="give this result a name of its own (--name NEW_NAME), or write over the old one (--replace)",
        )
    twin = db[kind].find_one({"config_id": config_id}, {"_id": 1})
    if twin:
        raise NameTaken(
            f"{words} {twin['_id']!r} was already made with just these settings",
            hint="use that name, or change a setting",
        )
    if held:
        remove_result(db, kind, name)
    document = {"_id": name, "kind": "automatic", "config_id": config_id, "config": config} | fields
    db[kind].update_one({"_id": name}, {"$setOnInsert": document, "$currentDate": {"created": True}}, upsert=True)


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
    db.task.delete_many(
        {"config_id": held["config_id"]}
    )  # first: without the ledger a broken-off removal starts afresh
    for collection in OUTPUTS[kind]:
        db[collection].delete_many(key)
    db[kind].delete_one({"_id": name})


def _difference(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> str:
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
