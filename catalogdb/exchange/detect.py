"""Which of the bulletin's formats a file is in: the one that most of its lines fit strictly; none for tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Literal

from catalogdb.exchange.csv_catalog import is_header as is_csv_header
from catalogdb.exchange.ogs.bulletin_txt import is_header as is_txt_header
from catalogdb.exchange.ogs.columns import century_of
from catalogdb.exchange.ogs.listing_lines import EVENT_LINE, is_head, is_station_line, may_be_a_place
from catalogdb.exchange.ogs.phases_dat import END
from catalogdb.exchange.ogs.summary_pun import is_header as is_pun_header
from catalogdb.file_formats import START

OgsFormat = Literal["ogs-dat", "ogs-hpl", "ogs-pun", "ogs-txt"]
SUFFIXES: dict[str, OgsFormat] = {
    ".dat": "ogs-dat",
    ".hpl": "ogs-hpl",
    ".hpc": "ogs-hpl",
    ".pun": "ogs-pun",
    ".txt": "ogs-txt",
}
LINES_LOOKED_AT = 400


_DATE = r"\d\d(?:0\d| \d|1[0-2])(?:[0-2]\d| \d|3[01])"
_CLOCK = r"(?:[01 ]\d|2[0-4])(?:[0-5 ]\d|60)"
_CARD = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9 _-]{3}(?:[ A-Za-z?+][Pp][ A-Za-z+-][ 0-9]|[ A-Za-z?+] [ A-Za-z+-][ 0-9](?=.{28}[Ss]))"
    rf"[1 ]{_DATE}{_CLOCK}[ \d.]{{1,5}}(?![^\s\d.])",
    re.ASCII,
)
_SUMMARY = re.compile(rf"[1 ]{_DATE}{_CLOCK} [ \d]\d\.\d\d [ \d]{{2}}\d?.[ \d]\d\.\d\d", re.ASCII)
_ALIGNED = re.compile(r"\s*\d{1,5}\s+\d{4}_\d+\s+\d{4}-\d\d-\d\d[T ]", re.ASCII)
_SEPARATED = re.compile(r"\s*\d{1,5}\s*;\s*\d{4}_\d+\s*;\s*\d{4}-\d\d-\d\d[T ]", re.ASCII)

# whether a line is one of a format's, and whether it is one that only an event of that format has
_FITS: dict[OgsFormat, tuple[Callable[[str], object], Callable[[str], object]]] = {
    "ogs-txt": (
        lambda line: is_txt_header(line) or _ALIGNED.match(line) or _SEPARATED.match(line),
        lambda line: is_txt_header(line) or _ALIGNED.match(line) or _SEPARATED.match(line),
    ),
    "ogs-hpl": (
        lambda line: _is_event_line(line) or is_head(line) or is_station_line(line) or line[0] in "^*"
        or may_be_a_place(line),
        lambda line: _is_event_line(line),
    ),
    "ogs-pun": (
        lambda line: is_pun_header(line) or _SUMMARY.match(line),
        lambda line: is_pun_header(line) or _SUMMARY.match(line),
    ),
    "ogs-dat": (lambda line: _CARD.match(line) or END.fullmatch(line), _CARD.match),
}  # fmt: skip
_CENTURY_COLUMNS: dict[OgsFormat, int] = {"ogs-hpl": 6, "ogs-pun": 0, "ogs-dat": 8}


def detect(path: PurePath, start: bytes) -> OgsFormat | None:
    """The bulletin's format that a file is in; None where most of its lines are of none.

    A table with a header that names its columns between delimiters is of none of them. The suffix decides only between
    formats that as many lines fit.

    Args:
        path: its name.
        start: its first few thousand bytes.
    """
    lines = first_lines(start)
    # the bulletin's edition with semicolons has a header that is a table's as well
    if not lines or (is_csv_header(lines[0]) and not (is_txt_header(lines[0]) and ";" in lines[0])):
        return None
    fitting = {format: sum(bool(fits(line)) for line in lines) for format, (fits, _) in _FITS.items()}
    candidates = [format for format, (_, begins) in _FITS.items() if any(map(begins, lines))]
    by_suffix = SUFFIXES.get(path.suffix.lower())
    best = max(candidates, key=lambda format: (fitting[format], format == by_suffix), default=None)
    return best if best is not None and 2 * fitting[best] > len(lines) else None


def has_no_centuries(format: OgsFormat, start: bytes) -> bool:
    """Whether a file's dates have no century at all although some must be of 20xx: HYPO71's own output and cards."""
    column = _CENTURY_COLUMNS.get(format)
    if column is None:
        return False
    begins = _FITS[format][1]
    dates = [line[column : column + 7] for line in first_lines(start) if begins(line) and not is_pun_header(line)]
    return not any(date[:1] == "1" for date in dates) and any(
        century_of(date[:1], date[1:], is_plain=True)[0] == "1" for date in dates
    )


def first_lines(start: bytes) -> list[str]:
    """Lines with anything in them at a file's beginning, without one that may be cut."""
    text = start.decode("utf-8-sig", errors="replace")
    lines = re.split(r"\r\n|\n|\r", text)
    if len(start) >= START and len(lines) > 1:
        lines.pop()
    return [line.expandtabs(8).rstrip(" \x1a\0\f") for line in lines if line.strip(" \t\x1a\0\f")][:LINES_LOOKED_AT]


def _is_event_line(line: str) -> bool:
    return bool(EVENT_LINE.match(line) and not _SUMMARY.match(line))
