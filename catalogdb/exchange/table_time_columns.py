"""Whether the columns of a table that have a meaning say all of a time: what an unused column says is never lost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice

from catalogdb.errors import InputError
from catalogdb.exchange.csv_columns import text
from catalogdb.exchange.table_rows import Table
from catalogdb.exchange.table_times import CLOCK

ROWS_LOOKED_AT = 1000
ZONES = ("timezone", "time_zone", "tz", "tzone", "utc_offset", "gmt_offset")
_NO_OFFSET = re.compile(r"(Z|UTC?|GMT|TU)?([+-]?0+(:?0+)?(\.0+)?)?", re.IGNORECASE)
_OWN_OFFSET = re.compile(r".*:.*(Z|UTC?|GMT|[+-]\d\d:?\d\d)", re.IGNORECASE)
_NO_CLOCK = re.compile(r"\d{5}|\d{8}|(?!\d+([.,]\d*)?$|.*\dT\d)[^:]*|.*[T ]0?0:00(:00([.,]0*)?)?Z?", re.ASCII)
"""Dates, Excel's whole days too, and dates with a midnight behind as spreadsheets write them."""


def check_times(table: Table, times: Mapping[str, int], unused: Mapping[str, int]) -> list[str]:
    """What is to be noted about times that are coarser than a second.

    Args:
        table: the table.
        times: positions of the columns of times by their meaning, as in `csv_columns.TIME_PARTS`.
        unused: positions of the columns that have no meaning, by their name.

    Raises:
        InputError: naming the file and the column, where a part of the times or their zone stands in an unused column.
    """
    for finer, coarser in (("minute", "hour"), ("second", "minute")):
        if finer in times and coarser not in times and "year" in times:
            raise InputError(
                f"{table.path}: it has a column of the {finer} and none of the {coarser}", hint=_names(coarser, unused)
            )
    _check_zones(table, times, unused)
    written = [times[name] for name in ("date", "time") if name in times]
    if written:
        _check_clocks(table, written, unused)
        return []
    missing = next((part for part in ("hour", "minute", "second") if part not in times), None)
    if "year" not in times or missing is None:
        return []
    if missing == "hour":
        _check_clocks(table, [], unused)
    return [f"{table.path}: no column of the {missing}, so it is taken as 0"]


def _check_clocks(table: Table, written: list[int], unused: Mapping[str, int]) -> None:
    """Refuse a table whose times are dates, where an unused column has clocks."""
    clocks = dict.fromkeys(unused, 0)
    for _, row in islice(table.rows(), ROWS_LOOKED_AT):
        if len(row) < len(table.header):
            continue
        if any(not _NO_CLOCK.fullmatch(row[at].strip()) for at in written):
            return
        for name, at in unused.items():
            clocks[name] += CLOCK.fullmatch(row[at].strip()) is not None
    found = [name for name, times in clocks.items() if times]
    if found:
        raise InputError(
            f"{table.path}: its times are dates alone, and clocks stand in a column that is not used: "
            f"{', '.join(found)}",
            hint=f"if it is UTC, call {found[0]} time; else write times in UTC, or with their offset behind",
        )


def _check_zones(table: Table, times: Mapping[str, int], unused: Mapping[str, int]) -> None:
    """Refuse a table with a column of zones that are not UTC, where the times don't say their own."""
    zones = [name for name in ZONES if name in unused]
    if not zones:
        return
    for line, row in table.rows():
        if len(row) < len(table.header) or any(_OWN_OFFSET.fullmatch(row[at].strip()) for at in times.values()):
            continue
        for name in zones:
            zone = text(row[unused[name]])
            if zone is not None and not _NO_OFFSET.fullmatch(zone):
                raise InputError(
                    f"{table.path}: line {line}: its time is of the zone {zone!r}, by the column {name}, which is not "
                    "used: times would be taken as UTC",
                    hint="write times in UTC, or with the offset behind them (2024-03-27T18:19:36-05:00)",
                )


def _names(part: str, unused: Mapping[str, int]) -> str:
    return f"call the column {part}; those that are not used are {', '.join(unused) or 'none'}"
