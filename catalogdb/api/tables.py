"""Documents -> pandas tables: times with their zone, numbers that may be missing, units beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from bson import ObjectId

from catalogdb.batches import batches
from catalogdb.documents.free import Row
from catalogdb.filters import fields_of
from catalogdb.schema import SchemaField, views
from catalogdb.view_fields import Fields, field_at, is_time

TIME_TYPE = "datetime64[ns, UTC]"
PLUMBING = ("config_id", "task_id")
"""Fields that a table leaves out unless they are asked for."""


def table(name: str, documents: Iterable[Row], columns: Sequence[str] = ()) -> pd.DataFrame:
    """A table of a view's or collection's documents.

    Args:
        columns: fields, of which dots lead into objects; none: all that the schema names, and what else there is.

    Returns:
        Times as datetime64[ns, UTC] to the microsecond, integers and booleans as pandas' types that may be missing;
        `attrs["units"]` has the units by column, `attrs["name"]` the view. A `date` beside a `time` is left out, since
        it is the same moment in milliseconds.
    """
    documents = list(documents)
    fields, _ = fields_of(name)
    wanted = list(columns) or _all_columns(name, fields, documents)
    series = {column: _series([value_at(row, column) for row in documents], column, fields) for column in wanted}
    frame = pd.DataFrame(series, columns=wanted)
    units = {column: field.unit for column in wanted if (field := field_at(fields, column)) and field.unit}
    frame.attrs = {"name": name, "units": {key: unit for key, unit in units.items() if frame[key].dtype != TIME_TYPE}}
    return frame


def tables(name: str, documents: Iterable[Row], columns: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
    """Tables of so many rows each, made as they are used."""
    return (table(name, batch, columns) for batch in batches(documents, rows))


def value_at(row: Row, column: str) -> Any:
    """The value that a dotted name leads to; None where there is none."""
    found: Any = row
    for part in column.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _all_columns(name: str, fields: Fields, documents: list[Row]) -> list[str]:
    """All fields, those first that the view shows in a terminal, with the time for its date."""
    shown = [key for key in views()[name].columns if key in fields] if name in views() else []
    if "time" in fields:
        shown = ["time" if key == "date" else key for key in shown]
    present = dict.fromkeys([*shown, *fields, *(key for row in documents for key in row)])
    left_out = {*PLUMBING, *(["date"] if "time" in present else [])}
    return [key for key in present if key not in left_out]


def _series(values: list[Any], column: str, fields: Fields) -> pd.Series:
    field = field_at(fields, column)
    if is_time(column, field) or any(hasattr(value, "tzinfo") for value in values):
        return _times(values)
    kind = _kind(field, values)
    if kind is not None:
        return pd.Series([None if value is None else value for value in values], dtype=kind)
    return pd.Series([str(value) if isinstance(value, ObjectId) else value for value in values], dtype=object)


def _kind(field: SchemaField | None, values: list[Any]) -> str | None:
    if field is None:
        known = [value for value in values if value is not None]
        is_number = known and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known)
        return "float64" if is_number else None
    return {"double": "float64", "int": "Int64", "bool": "boolean"}.get(field.type)


def _times(values: list[Any]) -> pd.Series:
    """Epoch seconds and dates; a double holds no more than a quarter of a microsecond."""
    nanoseconds = np.full(len(values), np.iinfo(np.int64).min)  # NaT
    for at, value in enumerate(values):
        if value is None:
            continue
        seconds = value if isinstance(value, int | float) else pd.Timestamp(value).tz_localize(None).value / 1e9
        if abs(seconds) < 9.2e9:  # what nanoseconds hold: 1678 to 2261; open ends of epochs lie beyond
            nanoseconds[at] = round(seconds * 1e6) * 1000
    return pd.Series(nanoseconds.view("M8[ns]")).dt.tz_localize("UTC")
