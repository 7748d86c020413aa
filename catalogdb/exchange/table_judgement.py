"""What a column as a whole says that no cell does: its unit, its decimal mark, the order of day and month.

One pass over the rows; nothing of them is kept but the depths.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from catalogdb.errors import InputError
from catalogdb.exchange.csv_columns import DEPTH_BOUNDS_KM, DEPTH_UNKNOWN
from catalogdb.exchange.table_rows import Table
from catalogdb.exchange.table_times import CLOCK, DAY_OR_MONTH_FIRST, SERIAL_DAYS, DateOrder, TimeFormat, join

MOST_OUT_OF_RANGE = 0.2  # share of the depths, from which on a column is not in km
DEEP_KM = 70.0  # where half of the others are deeper than this, one depth out of range is enough
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
_NUMBER = re.compile(r"\d+([.,]\d*)?", re.ASCII)


@dataclass(frozen=True)
class TableOptions:
    """What a user says of tables that they don't say themselves.

    date_order: of dates such as 05/03/2024.
    depth_unit: of columns of depths whose name has none.
    """

    date_order: DateOrder | None = None
    depth_unit: Literal["m", "km"] | None = None


@dataclass(frozen=True)
class Judgement:
    """How the cells of a table are to be read.

    commas: positions of the columns whose decimal mark is the comma.
    is_depth_in_metres: of a column whose name does not say it.
    is_clock: the column of the time holds clocks, and that of the date the rest.
    notes: what of it is to be said.
    """

    times: TimeFormat
    commas: frozenset[int] = frozenset()
    is_depth_in_metres: bool = False
    is_clock: bool = False
    notes: tuple[str, ...] = ()


def judge(
    table: Table, times: Mapping[str, int], numbers: Iterable[int], depth: int | None, options: TableOptions
) -> Judgement:
    """Judge the columns of a table.

    Args:
        table: the table.
        times: positions of the columns of times by their meaning, `time` and `date` among them.
        numbers: positions of the columns of numbers.
        depth: position of the column of depths that are to be in km.
        options: what the user says.

    Raises:
        InputError: naming the file and the way out, when depths can't be in km, or day and month could be changed
            round.
    """
    look = _Look()
    at_time, at_date = times.get("time"), times.get("date")
    parts = [position for name, position in times.items() if name not in ("time", "date")]
    positions = tuple(numbers)
    for line, row in table.rows():
        if len(row) < len(table.header):
            continue
        look.at_times(line, *(None if at is None else row[at] for at in (at_time, at_date)))
        for position in positions:
            cell = row[position]
            if "," in cell:
                look.commas[position] += _DECIMAL_COMMA.fullmatch(cell.strip()) is not None
            elif "." in cell:
                look.dots[position] += 1
        if depth is not None:
            look.at_depth(line, row[depth])
        for position in parts:
            look.commas[position] += _DECIMAL_COMMA.fullmatch(row[position].strip()) is not None
    commas = frozenset(position for position, times in look.commas.items() if times and not look.dots[position])
    notes = []
    if commas:
        named = ", ".join(table.header[position] for position in sorted(commas))
        notes.append(f"{table.path}: decimal commas in the columns {named}")
    is_in_metres = options.depth_unit == "m" and depth is not None and not _says_km(table, depth)
    if depth is not None and not is_in_metres:
        notes += look.judge_depths(table, _says_km(table, depth))
    elif is_in_metres:
        notes.append(f"{table.path}: depths taken as metres, as was asked for")
    order = options.date_order or look.date_order(table)
    if order and look.dates:
        notes.append(f"{table.path}: dates read as {'day/month' if order == 'dmy' else 'month/day'}/year")
    is_serial = look.serial > 0 and look.serial == look.numbers
    return Judgement(TimeFormat(order, is_serial), commas, is_in_metres, look.clocks > 0, tuple(notes))


def _says_km(table: Table, depth: int) -> bool:
    return "km" in table.header[depth]


@dataclass
class _Look:
    """What is seen of the columns."""

    commas: Counter[int] = field(default_factory=Counter)
    dots: Counter[int] = field(default_factory=Counter)
    depths: array[float] = field(default_factory=lambda: array("d"))
    depth_lines: array[int] = field(default_factory=lambda: array("q"))
    dates: int = 0
    one: int = 0  # the largest first part of dates such as 27/03/2024, and the largest second one
    other: int = 0
    ambiguous: tuple[int, str] | None = None
    numbers: int = 0
    serial: int = 0
    clocks: int = 0

    def at_times(self, line: int, time: str | None, day: str | None) -> None:
        """Take in a row's time; most are ISO 8601 and say nothing more."""
        if time is not None and time[4:5] == "-":
            return
        time = None if time is None else time.strip()
        if day is not None and time is not None:
            if not CLOCK.fullmatch(time) and not (_NUMBER.fullmatch(time) and float(time.replace(",", ".")) < 1):
                day = None
            else:
                self.clocks += 1
        text = join(day and day.strip(), time) if day is not None else time
        if not text:
            return
        if match := DAY_OR_MONTH_FIRST.fullmatch(text):
            one, other = int(match["one"]), int(match["other"])
            self.dates += 1
            self.one, self.other = max(self.one, one), max(self.other, other)
            if one != other:
                self.ambiguous = self.ambiguous or (line, text)
        elif _NUMBER.fullmatch(text):
            self.numbers += 1
            self.serial += SERIAL_DAYS[0] <= float(text.replace(",", ".")) <= SERIAL_DAYS[1]

    def at_depth(self, line: int, cell: str) -> None:
        """Take in a row's depth."""
        try:
            value = float(cell.replace(",", "."))
        except ValueError:
            return
        if value not in DEPTH_UNKNOWN and abs(value) < 1e9:
            self.depths.append(value)
            self.depth_lines.append(line)

    def judge_depths(self, table: Table, is_said: bool) -> list[str]:
        """Refuse depths that are no km; give what is to be noted of the others."""
        least, most = DEPTH_BOUNDS_KM
        out = [(value, line) for value, line in zip(self.depths, self.depth_lines, strict=True) if value > most]
        above = [(value, line) for value, line in zip(self.depths, self.depth_lines, strict=True) if value < least]
        others = [value for value in self.depths if least <= value <= most]
        middle = median(others) if others else 0.0
        many = MOST_OUT_OF_RANGE * len(self.depths)
        if out and (len(out) + len(above) >= many or middle > DEEP_KM):
            value, line = max(out)
            raise InputError(
                f"{table.path}: its depths can't be km: {len(out)} of {len(self.depths)} are below {most:g} km, "
                f"{value:g} in line {line} for example",
                hint="are they metres? " + ("" if is_said else "--depth-unit m, or ") + "call the column depth_m",
            )
        if above and len(above) >= many:
            value, line = min(above)
            raise InputError(
                f"{table.path}: its depths are heights: {len(above)} of {len(self.depths)} are above {-least:g} km, "
                f"{value:g} in line {line} for example",
                hint="depths are positive downwards, in km: turn their signs; for metres, --depth-unit m as well",
            )
        if others and middle < -2:
            return [f"{table.path}: half of its depths are more than 2 km above sea level: are they heights?"]
        return []

    def date_order(self, table: Table) -> DateOrder | None:
        """The order that the dates of the whole column have."""
        if self.one > 12 and self.other > 12:
            raise InputError(
                f"{table.path}: some of its dates are day/month, others month/day",
                hint="write them as year-month-day",
            )
        if self.one > 12:
            return "dmy"
        if self.other > 12:
            return "mdy"
        if self.ambiguous:
            line, text = self.ambiguous
            raise InputError(
                f"{table.path}: line {line}: {text!r} may be day/month or month/day, and no other row tells",
                hint="--date-order dmy or --date-order mdy says it",
            )
        return None
