"""Named results: finding the document of a pick set or catalog, or saying which there are."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database

from catalogdb.documents.records import Catalog, Model, PickSet
from catalogdb.errors import InputError

OTHER_DATABASE = "--database or CATALOGDB_DATABASE names another database (that of catalogdb demo is demo)"


def require_pick_set(db: Database, name: str) -> PickSet:
    """The pick set's document.

    Raises:
        InputError: naming the pick sets that there are.
    """
    return _require(db, "pick_set", name)


def require_catalog(db: Database, name: str) -> Catalog:
    """The catalog's document.

    Raises:
        InputError: naming the catalogs that there are.
    """
    return _require(db, "catalog", name)


def require_model(db: Database, name: str) -> Model:
    """The model's document.

    Raises:
        InputError: naming the models that there are.
    """
    return _require(db, "model", name)


def no_such(db: Database, collection: str, name: str, more: str = "") -> InputError:
    """The error that no document has a name; its hint says which names there are, and `more`; none: how to name another
    database."""
    known = sorted(row["_id"] for row in db[collection].find({}, {"_id": 1}))
    return InputError(
        f"no {collection.replace('_', ' ')} {name!r} in database {db.name!r}",
        hint=f"there are: {', '.join(known)}{more}" if known else f"there are: none; {OTHER_DATABASE}",
    )


def _require(db: Database, collection: str, name: str) -> Any:
    document = db[collection].find_one({"_id": {"$eq": name}})
    if document is None:
        raise no_such(db, collection, name)
    if "renamed_from" in document:
        words = collection.replace("_", " ")
        raise InputError(
            f"{words} {name!r} is being renamed, or its renaming from {document['renamed_from']!r} was broken off",
            hint=f"to end it: catalogdb rename {words.replace(' ', '-')} {document['renamed_from']} {name}",
        )
    return document
