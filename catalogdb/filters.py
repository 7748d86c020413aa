"""`key=value` filters of the command line -> MongoDB filters; no operator can be passed in as a value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from catalogdb.errors import InputError
from catalogdb.schema import CollectionSchema, collections, views

OPERATORS = {">=": "$gte", "<=": "$lte", "!=": "$ne", "=": "$eq", ">": "$gt", "<": "$lt"}
FORM = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)(>=|<=|!=|=|>|<)(.*)$", re.DOTALL)


def parse_filters(name: str, filters: Sequence[str]) -> dict[str, Any]:
    """Make one MongoDB filter of several `key=value`, `key>=value`, ... that must all hold.

    Times may be ISO dates or epoch seconds; values of collections' fields take the type that the schema gives them.

    Args:
        name: collection or view that the filter is for.

    Raises:
        InputError: for a filter of another form, an unknown field of a collection, or a value of the wrong type.
    """
    schema = collections().get(name)
    conditions: list[dict[str, Any]] = []
    for text in filters:
        match = FORM.match(text)
        if not match:
            raise InputError(
                f"filter {text!r}: not of the form key=value", hint="also >=, <=, >, <, !=; for example magnitude>=2.5"
            )
        key, operator, value = match.groups()
        if schema and schema.owner == "catalogdb" and key.split(".")[0] not in schema.fields:
            raise InputError(
                f"filter {text!r}: {name} has no field {key!r}", hint=f"fields: {', '.join(schema.fields)}"
            )
        conditions.append({key: {OPERATORS[operator]: _value(schema, key, value)}})
    return {"$and": conditions} if conditions else {}


def readable_name(name: str) -> str:
    """Return the name of a collection or view of the schema.

    Raises:
        InputError: listing the names there are.
    """
    known = [*collections(), *(view for view, schema in views().items() if not schema.parameters)]
    if name not in known:
        raise InputError(f"no collection or view {name!r}", hint=f"there are {', '.join(known)}")
    return name


def _value(schema: CollectionSchema | None, key: str, text: str) -> Any:
    kind = _type_of(schema, key)
    if kind == "string":
        return text
    if text in ("true", "false"):
        return text == "true"
    for parse in (int, float):
        try:
            return parse(text)
        except ValueError:
            continue
    moment = _moment(text)
    if moment is not None:
        return moment if kind == "date" else moment.timestamp()
    if kind in ("double", "int", "date"):
        raise InputError(f"filter {key}: {text!r} is not a {'time' if kind == 'date' else 'number'}")
    return text


def _type_of(schema: CollectionSchema | None, key: str) -> str | None:
    fields = schema.fields if schema else None
    kind = None
    for part in key.split("."):
        if part.isdigit():
            continue
        field = (fields or {}).get(part)
        kind, fields = (field.type, field.fields) if field else (None, None)
    return kind


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
