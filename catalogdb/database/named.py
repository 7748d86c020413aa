"""Named results: finding the document of a pick set or catalog, or saying which there are."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database

from catalogdb.errors import InputError


def require_pick_set(db: Database, name: str) -> dict[str, Any]:
    """The pick set's document.

    Raises:
        InputError: naming the pick sets that there are.
    """
    return _require(db, "pick_set", name)


def require_catalog(db: Database, name: str) -> dict[str, Any]:
    """The catalog's document.

    Raises:
        InputError: naming the catalogs that there are.
    """
    return _require(db, "catalog", name)


def require_model(db: Database, name: str) -> dict[str, Any]:
    """The model's document.

    Raises:
        InputError: naming the models that there are.
    """
    return _require(db, "model", name)


def _require(db: Database, collection: str, name: str) -> dict[str, Any]:
    document = db[collection].find_one({"_id": {"$eq": name}})
    words = collection.replace("_", " ")
    if document is None:
        known = sorted(row["_id"] for row in db[collection].find({}, {"_id": 1}))
        raise InputError(
            f"no {words} {name!r} in database {db.name!r}",
            hint=f"there are: {', '.join(known) or 'none'}",
        )
    if "renamed_from" in document:
        raise InputError(
            f"{words} {name!r} is being renamed, or its renaming from {document['renamed_from']!r} was broken off",
            hint=f"to end it: catalogdb rename {words.replace(' ', '-')} {document['renamed_from']} {name}",
        )
    return document
