"""Rows of a table, read as often as wanted and never held: csv in any encoding, packed or not, and Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from catalogdb.decoding import CHUNK, GUESSED, encoding_of, open_unpacked
from catalogdb.errors import InputError
from catalogdb.table_header import column_name
from catalogdb.times import format_time, parse_time

DELIMITERS = ",;\t|"
PARQUET = b"PAR1"
PARQUET_BATCH_ROWS = 5_000
PREAMBLE_LINES = 60  # with anything in them, that may stand before the header
END_LINE = ["STOP"]  # of the ISC's answers

Row = tuple[int, list[str]]


class Table:
    """A table in a file.

    header: its columns' names, as `table_header.column_name` writes them.
    delimiter: None for Parquet.
    notes: what is to be said of how the file is read.

    Args:
        path: the file.
        is_header: whether names of columns are those of a table; lines before the first that are, are passed over.

    Raises:
        InputError: naming the file and the reason.
    """

    def __init__(self, path: Path, is_header: Callable[[list[str]], bool]):
        self.path = path
        self.notes: list[str] = []
        self.delimiter: str | None = None
        with open_unpacked(path) as stream:
            is_parquet = stream.read(len(PARQUET)) == PARQUET
        if is_parquet:
            self.format = "parquet"
            self._rows: Callable[[], Iterator[Row]] = self._parquet_rows
            self.header = [column_name(name) for name in self._parquet().schema_arrow.names]
            return
        self.format = "csv"
        self._rows = self._csv_rows
        with open_unpacked(path) as stream:
            self._encoding = encoding_of(path, iter(lambda: stream.read(CHUNK), b""))
        if self._encoding in GUESSED:
            self.notes.append(f"{path}: not UTF-8, read as {GUESSED[self._encoding]}")
        self._skipped = 0
        self.header = self._csv_header(is_header)

    def rows(self) -> Iterator[Row]:
        """Line number, counted from 1, and cells of each row behind the header that is not blank.

        Raises:
            InputError: naming the file and the reason.
        """
        return self._rows()

    def _csv_header(self, is_header: Callable[[list[str]], bool]) -> list[str]:
        first: tuple[str, list[str]] | None = None
        with self._text() as stream:
            seen = 0
            for number, line in enumerate(stream):
                if not line.strip():
                    continue
                seen += 1
                if seen > PREAMBLE_LINES:
                    break
                self.delimiter = delimiter_of(line)
                header = self._cells_of(line)
                if is_header(header):
                    self._skipped = number
                    if first:
                        self.notes.append(f"{self.path}: {number} lines before the header passed over")
                    return header
                first = first or (self.delimiter, header)
        self.delimiter, header = first or (",", [])
        return header

    def _cells_of(self, line: str) -> list[str]:
        try:
            cells = next(csv.reader([line], delimiter=self.delimiter or ","), [])
        except csv.Error as error:
            raise InputError(f"{self.path}: not csv: {error}") from error
        return [column_name(name) for name in cells]

    def _csv_rows(self) -> Iterator[Row]:
        with self._text() as stream:
            for _ in range(self._skipped):
                stream.readline()
            reader = csv.reader(stream, delimiter=self.delimiter or ",")
            is_first = True
            while True:
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    line = self._skipped + reader.line_num
                    raise InputError(f"{self.path}: line {line}: not csv: {error}") from error
                if row == END_LINE:
                    return
                if not any(cell.strip(" \0\t") for cell in row):
                    continue
                if is_first:
                    is_first = False
                    continue
                yield self._skipped + reader.line_num, row

    def _text(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(open_unpacked(self.path), encoding=self._encoding, errors="replace", newline="")

    def _parquet(self) -> Any:
        try:
            import pyarrow.parquet
        except ImportError as error:
            raise InputError(
                f"{self.path}: Parquet needs pyarrow: {error}", hint="pip install 'catalogdb[parquet]'"
            ) from error
        try:
            return pyarrow.parquet.ParquetFile(self.path)
        except (OSError, ValueError) as error:  # pyarrow's own errors are of these
            raise InputError(f"{self.path}: cannot be read as Parquet: {error}") from error

    def _parquet_rows(self) -> Iterator[Row]:
        number = 0
        file = self._parquet()
        try:
            for batch in file.iter_batches(batch_size=PARQUET_BATCH_ROWS):
                columns = [_cells(column) for column in batch.columns]
                for row in zip(*columns, strict=True):
                    number += 1
                    yield number, list(row)
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path}: cannot be read as Parquet: {error}") from error


def delimiter_of(header: str) -> str:
    """The one of the usual delimiters that a header has most of."""
    return max(DELIMITERS, key=header.count)


def _cells(column: Any) -> list[str]:
    """A column of Parquet as cells of a csv have it."""
    import pyarrow

    if pyarrow.types.is_timestamp(column.type):  # nanoseconds are more than a datetime holds
        column = column.cast(pyarrow.timestamp("us", tz=column.type.tz), safe=False)
    return [_cell(value) for value in column.to_pylist()]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return format_time(parse_time(value.isoformat()))
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
