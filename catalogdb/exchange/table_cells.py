"""Cells of a table's rows by what they mean, within the bounds of their columns; what is left out is counted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from sys import intern
from typing import Any

from catalogdb.exchange.csv_columns import MODES, Column, code, text
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.table_judgement import Judgement
from catalogdb.exchange.table_times import join

NUMBERS_KNOWN = 20_000  # cells whose number is held once for all rows: few digits, many rows


class Cells:
    """The row at hand.

    Args:
        positions: meaning -> where its column stands.
        columns: the meanings.
        judgement: how the table's cells are to be read.
    """

    def __init__(self, positions: Mapping[str, int], columns: Mapping[str, Column], judgement: Judgement):
        self.positions, self.columns, self.judgement = positions, columns, judgement
        self.row: list[str] = []
        self.line = 0
        self.is_repaired = False
        self.said: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.places: dict[tuple[str, ...], tuple[str, ...]] = {}  # codes of stations by the cells that give them
        self._known: dict[tuple[str, str], float] = {}
        self._left_out: dict[tuple[str, str], list[Any]] = {}  # number of rows, first cell, its line

    def take(self, line: int, row: list[str]) -> None:
        """Go to another row."""
        self.row, self.line, self.is_repaired = row, line, False

    def say(self, what: str, is_repair: bool = False) -> None:
        """Count something that is to be said of the table; a repair is the row's."""
        self.said[what] += 1
        self.is_repaired = self.is_repaired or is_repair

    def messages(self, path: Path) -> list[str]:
        """What was repaired, left out and otherwise to be said."""
        messages = [f"{path}: {times} {what}" for what, times in self.said.items()]
        for (what, reason), (times, cell, line) in self._left_out.items():
            messages.append(f"{path}: {what} left out of {times} rows: {cell!r} {reason}, first in line {line}")
        return messages

    def cells(self, *names: str) -> tuple[str, ...]:
        """Cells as they are written, of the columns that there are."""
        return tuple(self.row[self.positions[name]] for name in names if name in self.positions)

    def text(self, name: str) -> str | None:
        """A text without blanks around; None where nothing is known."""
        position = self.positions.get(name)
        return None if position is None else text(self.row[position])

    def code(self, name: str) -> str:
        """A code; "" where there is none. Equal codes are one object."""
        position = self.positions.get(name)
        return "" if position is None else intern(code(self.row[position], name == "station") or "")

    def mode(self) -> EvaluationMode | None:
        """The evaluation mode; what is none is left out and counted."""
        given = self.text("evaluation_mode")
        mode = MODES.get(given.lower()) if given else None
        if given and mode is None:
            self.leave_out("evaluation mode", given, "is neither automatic nor manual")
        return mode

    def number(self, name: str) -> float | None:
        """A number that a row can do without: what is none, or outside its column's bounds, is left out and counted."""
        cell = self.text(name)
        if cell is None:
            return None
        known = self._known.get((name, cell))
        if known is not None:
            return known
        try:
            value = self._bounded(name, cell)
        except ValueError as error:
            self.leave_out(name, cell, str(error))
            return None
        if len(self._known) < NUMBERS_KNOWN:
            self._known[name, cell] = value
        return value

    def number_or_error(self, name: str, unknown: tuple[float, ...] = ()) -> float | None:
        """A number that a row can't do without; None where the cell is empty or stands for not known.

        Raises:
            ValueError: naming the value.
        """
        cell = self.text(name)
        if cell is None:
            return None
        try:
            return self._bounded(name, cell)
        except ValueError as error:
            value = self._value(name, cell)
            if value in unknown:
                self.leave_out(name, cell, "stands for not known")
                return None
            shown = repr(cell) if value is None or not math.isfinite(value) else f"{value:g}"
            raise ValueError(f"{name} {shown} {error}") from None

    def count(self, name: str) -> int | None:
        """A whole number (`41.0` is one) that a row can do without."""
        value = self.number(name)
        if value is not None and not value.is_integer():
            self.leave_out(name, self.text(name) or "", "is not a whole number")
            return None
        return None if value is None else int(value)

    def decimal(self, name: str) -> str | None:
        """The text of a number, with a decimal point."""
        cell = self.text(name)
        is_comma = cell is not None and self.positions[name] in self.judgement.commas
        return cell.replace(",", ".") if cell is not None and is_comma else cell

    def time(self, name: str = "time") -> float:
        """Epoch seconds.

        Raises:
            ValueError: where there is no time, or none that can be read.
        """
        value = self._whole_time() if name == "time" else self.text(name)
        if value is None:
            raise ValueError("no time")
        try:
            time, note = self.judgement.times.read(value)
        except ValueError as error:
            raise ValueError(f"bad time {value!r}: {error}") from error
        if note:
            self.notes[note] += 1
        return time

    def leave_out(self, name: str, cell: str, reason: str) -> None:
        """Count a value that its row does without."""
        self._left_out.setdefault((name.replace("_", " "), reason), [0, cell, self.line])[0] += 1
        self.is_repaired = True

    def _whole_time(self) -> str | None:
        positions = self.positions
        if "date" in positions and (self.judgement.is_clock or "time" not in positions):
            return join(self.text("date"), self.text("time"))
        if "time" in positions or "year" not in positions:
            return self.text("time")
        year, month, day = (self.decimal(name) for name in ("year", "month", "day"))
        if year is None or month is None or day is None:
            return None
        hour, minute, second = (self.decimal(name) or "0" for name in ("hour", "minute", "second"))
        whole = [part.removesuffix(".0") for part in (year, month, day, hour, minute)]
        return "{}-{}-{} {}:{}:".format(*whole) + second

    def _value(self, name: str, cell: str) -> float | None:
        if self.positions[name] in self.judgement.commas:
            cell = cell.replace(",", ".")
        try:
            return float(cell)
        except ValueError:
            return None

    def _bounded(self, name: str, cell: str) -> float:
        value = self._value(name, cell)
        if value is None:
            raise ValueError("is not a number")
        if not math.isfinite(value):
            raise ValueError("is not finite")
        column = self.columns[name]
        if value in column.unknown:
            raise ValueError("stands for not known")
        if not column.least <= value <= column.most:
            raise ValueError(f"is outside {column.least:g}..{column.most:g}")
        return value
