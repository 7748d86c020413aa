"""`key=value` filters of the command line -> MongoDB filters; no operator can be passed in as a value."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, NamedTuple

from catalogdb.documents.free import Query
from catalogdb.errors import InputError
from catalogdb.schema import collections, views
from catalogdb.times import in_utc
from catalogdb.view_fields import Fields, field_at, fields_of_collection, fields_of_view

OPERATORS = {">=": "$gte", "<=": "$lte", "!=": "$ne", "=": "$eq", ">": "$gt", "<": "$lt"}
FORM = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)(>=|<=|!=|=|>|<)(.*)$", re.DOTALL)
CODES = {"net", "sta", "loc", "chan", "catalog", "pick_set", "phase"}  # text even where they look like numbers
CODE_LIST = re.compile(r"[\w.*?-]+(,[\w.*?-]+)*", re.ASCII)
"""Values that may be a list with commas and have wildcards; whatever has other letters is taken as it is."""
LONGEST_PATTERN = 500
LONGEST_NAME = 60
"""Of what was typed, letters that are compared with the names there are."""
YEAR_OR_MONTH = re.compile(r"^\d{4}(-\d{2})?$")


class Filter(NamedTuple):
    """One condition as people write it: several values stand for any of them (=) or none (!=)."""

    key: str
    operator: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return repr(f"{self.key}{self.operator}{','.join(self.values)}")


def read_filter(text: str) -> Filter:
    """`key=value` and its like in parts.

    Raises:
        InputError: for another form.
    """
    if not _is_unicode(text):
        raise InputError(f"filter {text!a}: not UTF-8 text")
    match = FORM.match(text)
    if not match:
        raise InputError(
            f"filter {text!r}: not of the form key=value", hint="also >=, <=, >, <, !=; for example magnitude>=2.5"
        )
    key, operator, value = match.groups()
    is_list = operator in ("=", "!=") and CODE_LIST.fullmatch(value)
    return Filter(key, operator, tuple(value.split(",")) if is_list else (value,))


def condition(fields: Fields, one: Filter) -> Query:
    """The MongoDB condition of one filter.

    Raises:
        InputError: for a value of the wrong type.
    """
    key, operator, values = one
    field = field_at(fields, key)
    if operator in ("=", "!="):
        if _is_text(key, field) and any(_has_wildcard(value) for value in values):
            matches = {"$regex": _pattern(key, values)}
            return {key: matches if operator == "=" else {"$not": matches}}
        if len(values) > 1:
            return {key: {"$in" if operator == "=" else "$nin": [_value(fields, key, value) for value in values]}}
    return {key: {OPERATORS[operator]: _value(fields, key, values[0])}}


def _is_text(key: str, field: Any) -> bool:
    return key.rpartition(".")[2] in CODES or (field is not None and field.type == "string")


def _has_wildcard(text: str) -> bool:
    return ("*" in text or "?" in text) and CODE_LIST.fullmatch(text) is not None


def _pattern(key: str, values: Sequence[str]) -> str:
    """The regular expression of codes of which * stands for any letters and ? for one; it begins as they do."""
    if sum(map(len, values)) > LONGEST_PATTERN:
        raise InputError(f"filter {key}: more than {LONGEST_PATTERN} letters with wildcards")
    made = ["".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in value) for value in values]
    return f"^{made[0]}$" if len(made) == 1 else f"^(?:{'|'.join(made)})$"


def parse_columns(name: str, text: str) -> list[str]:
    """Fields of a collection or view, given separated by commas; dots lead into objects.

    Raises:
        InputError: for an unknown field.
    """
    fields, open_ended = fields_of(name)
    columns = [column.strip() for column in text.split(",") if column.strip()]
    for column in columns:
        _check_field(name, column, fields, open_ended, "--fields")
    return columns


def _check_field(name: str, key: str, fields: Fields, open_ended: bool, where: str) -> None:
    if not open_ended and key.split(".")[0] not in fields:
        raise unknown_field(name, key, fields, where)


def unknown_field(name: str, key: str, fields: Iterable[str], where: str) -> InputError:
    """The error that names the fields there are, the likeliest first."""
    names = list(fields)
    alike = get_close_matches(key[:LONGEST_NAME], names, 1)
    meant = f"did you mean {alike[0]}? " if alike else ""
    return InputError(f"{where}: {name} has no field {key!r}", hint=f"{meant}fields: {', '.join(names)}")


def readable_name(name: str) -> str:
    """Return the name of a collection or view of the schema.

    Raises:
        InputError: listing the names there are.
    """
    known = [*collections(), *(view for view, schema in views().items() if not schema.parameters)]
    if name not in known:
        alike = get_close_matches(name[:LONGEST_NAME], known, 1)
        meant = f"did you mean {alike[0]}? " if alike else ""
        raise InputError(f"no collection or view {name!r}", hint=f"{meant}there are {', '.join(known)}")
    return name


def fields_of(name: str) -> tuple[Fields, bool]:
    """Fields of a collection or view, and whether there may be others, as in MsPASS's own collections."""
    if name in views():
        return fields_of_view(views()[name]), False
    schema = collections().get(name)
    return (fields_of_collection(name), schema.owner != "catalogdb") if schema else ({}, True)


def _value(fields: Fields, key: str, text: str) -> Any:
    field = field_at(fields, key)
    kind, unit = (field.type, field.unit) if field else (None, None)
    name = key.rpartition(".")[2]
    if kind == "string" or name in CODES:
        return text
    if kind == "bool" or (kind is None and text in ("true", "false")):
        if text not in ("true", "false"):
            raise InputError(f"filter {key}: {text!r} is neither true nor false")
        return text == "true"
    if kind == "objectid":
        return _object_id(key, text)
    in_seconds = kind is None or (kind == "double" and unit == "s")  # of an array's items nothing is known
    is_time = kind == "date" or (in_seconds and name.endswith("time"))
    if is_time and YEAR_OR_MONTH.match(text):
        text = f"{text}-01-01"[:10]
    number, moment = _number(text), _moment(text)
    if number is not None and kind == "date":
        try:
            return datetime.fromtimestamp(number, UTC)
        except (OverflowError, ValueError, OSError):
            raise InputError(f"filter {key}: {text!r} is not a time") from None
    if number is not None:
        return number
    if moment is not None and (kind is None or is_time):
        return moment if kind == "date" else moment.timestamp()
    if kind in ("double", "int", "date"):
        hint = "for example 2024, 2024-03-20, 2024-03-20T12:00:00 or epoch seconds" if is_time else None
        raise InputError(f"filter {key}: {text!r} is not a {'time' if is_time else 'number'}", hint=hint)
    return text


def _number(text: str) -> int | float | None:
    if "_" in text:  # Python reads 1_000 as a number
        return None
    for parse in (int, float):
        try:
            number = parse(text)
        except ValueError:
            continue
        if isinstance(number, int):
            return number if -(2**63) <= number < 2**63 else None  # BSON's largest
        return number if math.isfinite(number) else None
    return None


def _object_id(key: str, text: str) -> Any:
    from bson import ObjectId
    from bson.errors import InvalidId

    try:
        return ObjectId(text)
    except InvalidId:
        raise InputError(f"filter {key}: {text!r} is not an ObjectId of 24 hexadecimal digits") from None


def _moment(text: str) -> datetime | None:
    try:
        return in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def _is_unicode(text: str) -> bool:
    """False for bytes of the command line that are no UTF-8; Python carries them as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
