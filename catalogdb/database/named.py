"""Named results: finding the document of a catalog, or saying which there are."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database

from catalogdb.errors import InputError


def require_catalog(db: Database, name: str) -> dict[str, Any]:
    """The catalog's document.

    Raises:
        InputError: naming the catalogs that there are.
    """
    document = db.catalog.find_one({"_id": {"$eq": name}})
    if document is None:
        known = sorted(row["_id"] for row in db.catalog.find({}, {"_id": 1}))
        raise InputError(
            f"no catalog {name!r} in database {db.name!r}", hint=f"there are: {', '.join(known) or 'none'}"
        )
    return document
