"""Rows of views and collections, for `catalogdb query` and for tables in Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pymongo.database import Database

from catalogdb.database.short_ids import SHORT_ID, full_id
from catalogdb.documents.free import AnyDocument, Query, Row
from catalogdb.filters import Filter, fields_of, unknown_field
from catalogdb.schema import SchemaField, views
from catalogdb.selection import Selection, select
from catalogdb.times import format_time
from catalogdb.view_fields import field_at, is_time

IDS = {"event_id": "event", "pick_id": "pick", "task_id": "task", "run_id": "run", "partner_id": "event"}
"""Fields that hold the id of a document of another collection."""
MOST_VALUES = 20


def rows(
    db: Database[AnyDocument], name: str, filters: Sequence[Filter] = (), sort: str | None = None, limit: int = 0
) -> Iterator[Row]:
    """Rows of a view or collection, read as they are used.

    Args:
        name: a name that `catalogdb.filters.readable_name` knows.
        sort: fields separated by commas, `-` before those that descend; none: the view's own order.
        limit: at most so many; 0 for all.

    Raises:
        InputError: for an unknown field, a value of the wrong type, or a short id that several documents have.
    """
    selection = select(name, with_full_ids(db, name, filters))
    pipeline = selection.pipeline()
    if order := sort_keys(name, sort or ""):
        pipeline.append({"$sort": order})
    if limit:
        pipeline.append({"$limit": limit})
    return iter(db[selection.collection].aggregate(pipeline, allowDiskUse=True))


def count(db: Database[AnyDocument], name: str, filters: Sequence[Filter] = ()) -> int:
    """The number of rows.

    Raises:
        InputError: as `rows`.
    """
    return _count(db, select(name, with_full_ids(db, name, filters)))


def sort_keys(name: str, text: str) -> dict[str, int]:
    """MongoDB's order of "-magnitude,time".

    Raises:
        InputError: for an unknown field.
    """
    fields, open_ended = fields_of(name)
    order = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key = part.lstrip("+-")
        if "$" in key or not key or (not open_ended and key.split(".")[0] not in fields):
            raise unknown_field(name, key, fields, "sort")
        order[key] = -1 if part.startswith("-") else 1
    return order


def with_full_ids(db: Database[AnyDocument], name: str, filters: Sequence[Filter]) -> list[Filter]:
    """The filters with beginnings of ids made whole.

    Raises:
        InputError: where several ids begin so.
    """
    own = views()[name].on if name in views() else name
    made = []
    for one in filters:
        holder = own if one.key == "_id" else IDS.get(one.key.rpartition(".")[2])
        if holder and one.operator == "=" and any(map(SHORT_ID.fullmatch, one.values)):
            one = one._replace(values=tuple(full_id(db, holder, value) for value in one.values))
        made.append(one)
    return made


def what_there_is(db: Database[AnyDocument], name: str, filters: Sequence[Filter]) -> str:
    """Why nothing was found: the first condition that nothing fits, and what there is instead."""
    fitting: list[Filter] = []
    for one in with_full_ids(db, name, filters):
        if _count(db, select(name, [*fitting, one]), 1):
            fitting.append(one)
            continue
        if not _count(db, select(name, fitting), 1):
            break
        so_far = " ".join(f"{part.key}{part.operator}{','.join(part.values)}" for part in fitting)
        there = _values(db, select(name, fitting), one.key)
        return f"nothing of {name}{' with ' if so_far else ''}{so_far} has {str(one)[1:-1]}{there}"
    on = f" (made from {views()[name].on})" if name in views() else ""
    return f"{name}{on} is empty"


def _values(db: Database[AnyDocument], selection: Selection, key: str) -> str:
    """What a field's values are, in words."""
    fields = fields_of(selection.name)[0]
    if key.split(".")[0] not in fields:
        return ""
    field = field_at(fields, key)
    pipeline = selection.pipeline()
    source = db[selection.collection]
    if is_time(key, field) or (field is not None and field.type in ("double", "int")):
        ends: Query = {"_id": None, "low": {"$min": f"${key}"}, "high": {"$max": f"${key}"}}
        for row in source.aggregate([*pipeline, {"$group": ends}]):
            if row["low"] is not None:
                return f"; {key} goes from {_shown(key, field, row['low'])} to {_shown(key, field, row['high'])}"
        return f"; none has {key}"
    groups: list[Query] = [{"$group": {"_id": f"${key}"}}, {"$sort": {"_id": 1}}, {"$limit": MOST_VALUES + 1}]
    found = [str(row["_id"]) for row in source.aggregate([*pipeline, *groups]) if row["_id"] is not None]
    more = ", ..." if len(found) > MOST_VALUES else ""
    return f"; {key} is one of: {', '.join(found[:MOST_VALUES])}{more}" if found else f"; none has {key}"


def _shown(key: str, field: SchemaField | None, value: Any) -> str:
    if is_time(key, field):
        return format_time(value) if isinstance(value, float | int) else str(value.isoformat())
    return f"{value:g}"


def _count(db: Database[AnyDocument], selection: Selection, most: int = 0) -> int:
    limit = [{"$limit": most}] if most else []
    counted = db[selection.collection].aggregate([*selection.pipeline(), *limit, {"$count": "n"}], allowDiskUse=True)
    return next((row["n"] for row in counted), 0)
