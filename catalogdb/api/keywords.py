"""Keyword arguments of Python -> the filters that the command line reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalogdb.errors import InputError
from catalogdb.filters import CODE_LIST, Filter, fields_of
from catalogdb.schema import views
from catalogdb.selection import NEAR
from catalogdb.view_fields import field_at, fields_of_collection, is_time


def filters_of(name: str, keywords: Mapping[str, Any]) -> list[Filter]:
    """Filters of a view or collection.

    Args:
        keywords: by field. A text is compared as on the command line: it may have wildcards, and commas between
            several. A list holds values of which any will do. A pair (low, high) is a range, of which either end may be
            None: a number may equal both ends, a time is before the second. None on its own says nothing.

    Raises:
        InputError: for a value of a type that can't be compared.
    """
    found: list[Filter] = []
    for key, value in keywords.items():
        if value is None:
            continue
        if key == NEAR and not isinstance(value, str):
            found.append(Filter(key, "=", tuple(_text(key, part) for part in value)))
        elif isinstance(value, tuple):
            found += _range(name, key, value)
        elif isinstance(value, (list, set, frozenset)):
            if not value:
                raise InputError(f"{key}: an empty list fits nothing")
            found.append(Filter(key, "=", tuple(_text(key, item) for item in value)))
        else:
            text = _text(key, value)
            found.append(Filter(key, "=", tuple(text.split(",")) if CODE_LIST.fullmatch(text) else (text,)))
    return found


def _range(name: str, key: str, ends: tuple[Any, ...]) -> list[Filter]:
    if len(ends) != 2:
        raise InputError(f"{key}={ends}: a range is (low, high), of which one may be None", hint="a list is any of")
    below = "<" if _is_time(name, key) else "<="
    pairs = zip((">=", below), ends, strict=True)
    return [Filter(key, operator, (_text(key, end),)) for operator, end in pairs if end is not None]


def _is_time(name: str, key: str) -> bool:
    fields = fields_of(name)[0]
    if key not in fields and name in views():
        fields = fields_of_collection(views()[name].on)
    return is_time(key, field_at(fields, key))


def _text(key: str, value: Any) -> str:
    """The value as the command line has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, float):
        return repr(float(value))  # NumPy's too
    if hasattr(value, "isoformat"):  # datetime, pandas' Timestamp, ObsPy's UTCDateTime
        return str(value.isoformat())
    if type(value).__module__ in ("numpy", "bson.objectid"):
        return str(value)
    raise InputError(f"{key}: {type(value).__name__} can't be compared with", hint="text, number, time, list or range")
