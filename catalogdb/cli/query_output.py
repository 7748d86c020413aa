"""Rows of a query as a table, csv, JSON or Parquet, on standard output or in a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from catalogdb.cli import common
from catalogdb.documents.free import Row
from catalogdb.errors import InputError

SUFFIXES = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".pq": "parquet"}
PLUMBING = ("config_id", "task_id")
ROWS_AT_ONCE = 10_000
OPEN_END = 2.5e11
"""Epoch seconds later than any year of four digits."""

Rows = Iterable[Row]


def format_of(format: str | None, output: Path | None) -> str:
    """The format that was asked for, else that of the file's ending.

    Raises:
        InputError: for a file of unknown ending, and for Parquet without a file.
    """
    chosen = format or (SUFFIXES.get(output.suffix.lower()) if output else "table")
    if chosen is None:
        raise InputError(f"{output}: no known format for the suffix", hint=f"use one of {', '.join(SUFFIXES)}")
    if chosen == "parquet" and output is None:
        raise InputError("Parquet is for files", hint="give --output FILE.parquet")
    return chosen


def write(name: str, rows: Rows, columns: list[str], format: str, output: Path | None) -> int:
    """Write the rows, a file whole or not at all; returns their number.

    A file of csv is written as it is read; of the others all rows are held in memory.
    """
    counted = _Counted(rows)
    if format == "table" and output is None:
        if documents := list(counted):
            common.print_rows(_cells(name, documents, columns))
    elif format == "csv":
        _send(output, lambda stream: _write_csv(name, counted, columns, stream))
    elif format == "parquet":
        _send(output, lambda stream: _write_parquet(name, counted, columns, stream))
    elif format == "json":
        _send(output, lambda stream: _write_json(name, counted, columns, stream))
    else:
        raise InputError("a table is for the terminal", hint="--format csv, json or parquet for a file")
    return counted.number


class _Counted:
    """Rows and how many of them were taken."""

    def __init__(self, rows: Rows):
        self._rows, self.number = rows, 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.number += 1
            yield row


def _send(output: Path | None, fill: Callable[[BinaryIO], Any]) -> None:
    from catalogdb.output_file import write_atomically

    if output is None:
        import io

        stream = io.BytesIO()
        fill(stream)
        print(stream.getvalue().decode(), end="")
    else:
        write_atomically(output, fill)


def _write_csv(name: str, rows: Rows, columns: list[str], stream: BinaryIO) -> None:
    from catalogdb.api.tables import tables

    for number, table in enumerate(tables(name, rows, columns, ROWS_AT_ONCE)):
        if number:
            table = table.reindex(columns=columns)
        else:
            columns = list(table.columns)
        table.to_csv(stream, index=False, header=not number, date_format="%Y-%m-%dT%H:%M:%S.%fZ", encoding="utf-8")


def _write_parquet(name: str, rows: Rows, columns: list[str], stream: BinaryIO) -> None:
    from catalogdb.api.tables import table

    frame = table(name, rows, columns)
    for column in frame.select_dtypes(object):
        frame[column] = [
            json.dumps(value, default=str) if isinstance(value, dict | list) else value for value in frame[column]
        ]
    frame.to_parquet(stream, index=False)


def _write_json(name: str, rows: Rows, columns: list[str], stream: BinaryIO) -> None:
    from catalogdb.api.tables import value_at

    documents = list(rows)
    if columns:
        documents = [{column: value_at(row, column) for column in columns} for row in documents]
    stream.write(f"{common.json_text({'name': name, 'documents': documents})}\n".encode())


def _cells(name: str, rows: list[Row], columns: list[str]) -> list[Row]:
    """The rows with the columns asked for, else those of the view, else every field that is a plain value."""
    from catalogdb.api.tables import value_at
    from catalogdb.filters import fields_of
    from catalogdb.schema import views
    from catalogdb.times import format_time
    from catalogdb.view_fields import field_at, is_time

    columns = columns or (views()[name].columns if name in views() else [])
    if not columns:
        columns = [
            key
            for row in rows
            for key, value in row.items()
            if not isinstance(value, (dict, list, bytes)) and key not in PLUMBING
        ]
    fields, _ = fields_of(name)
    times = {column for column in columns if is_time(column, field_at(fields, column))}

    def shown(row: Row, column: str) -> Any:
        value = value_at(row, column)
        is_epoch = column in times and isinstance(value, int | float) and abs(value) < OPEN_END
        return format_time(value).rstrip("Z") if is_epoch else value

    present = {column for row in rows for column in columns if value_at(row, column) is not None}
    return [{column: shown(row, column) for column in dict.fromkeys(columns) if column in present} for row in rows]
