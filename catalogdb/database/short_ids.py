"""The beginning of an id stands for it where just one document's id begins so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pymongo.database import Database

from catalogdb.errors import InputError

LEAST_LETTERS = 4
SHORT_ID = re.compile(rf"[0-9a-f]{{{LEAST_LETTERS},31}}", re.ASCII)
MOST_NAMED = 10


def ids_that_begin(db: Database, collection: str, text: str, query: Mapping[str, Any] | None = None) -> list[str]:
    """Ids that begin with a text, in order, ten at most; none for what can't be the beginning of an id.

    Args:
        query: what else their documents must fit.
    """
    if not SHORT_ID.fullmatch(text):
        return []
    wanted = {"_id": {"$gte": text, "$lt": text + "\uffff"}} | dict(query or {})
    return [row["_id"] for row in db[collection].find(wanted, {"_id": 1}).sort("_id", 1).limit(MOST_NAMED)]


def id_that_begins(db: Database, collection: str, text: str, query: Mapping[str, Any] | None = None) -> str | None:
    """The one id that begins with a text; none where none does.

    Args:
        query: what else its document must fit.

    Raises:
        InputError: naming the ids where several begin so.
    """
    found = ids_that_begin(db, collection, text, query)
    if len(found) > 1:
        raise InputError(f"{collection} {text!r}: several ids begin so", hint=f"one of {', '.join(found)}")
    return found[0] if found else None


def full_id(db: Database, collection: str, text: str) -> str:
    """The id that a text begins; the text itself where it is an id, or none begins so.

    Raises:
        InputError: naming the ids where several begin so.
    """
    if not SHORT_ID.fullmatch(text) or db[collection].find_one({"_id": {"$eq": text}}, {"_id": 1}):
        return text
    return id_that_begins(db, collection, text) or text
