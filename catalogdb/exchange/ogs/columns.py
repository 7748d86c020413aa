"""How the bulletin's column files are read: lines, columns (1-based, inclusive), numbers, times to the microsecond."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from catalogdb.decoding import GUESSED, decode, encoding_of, read_bytes
from catalogdb.exchange.file_log import FileLog

MICROSECONDS = 1_000_000
STRAY_ZEROS = 8  # zero bytes in a text file; binary files have more
OLDEST_YEAR = "60"  # of the network's bulletins; a blank century with years before 1960 is suspicious
MISSING_ONE = "taken as of 19xx, as a blank before the year says: is its 1 missing?"
NO_CENTURIES = "its dates have no century: years are taken as of the last hundred"
_EPOCH = date(1970, 1, 1).toordinal()
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
_MISSING = re.compile(r"[-*.]*", re.ASCII)
_BOTH_DECIMALS = re.compile(r"\.\d\d", re.ASCII)
_ANGLE = re.compile(r"(\d{1,3})\s*([-NSEWnsew: ])\s*(\d{1,2}(?:\.\d*)?)", re.ASCII)


def read_lines(path: Path, log: FileLog) -> list[tuple[int, str]]:
    """The file's lines that hold anything, with their numbers; line ends of any system, tabs as blanks to the next
    multiple of 8, trailing blanks gone. Packed files are unpacked; an encoding that was guessed is noted.

    Raises:
        InputError: when the file can't be read.
    """
    content = read_bytes(path)
    if content.count(b"\0") <= STRAY_ZEROS:
        content = content.replace(b"\0", b"\x1a")  # which fits no value: it costs its line, and not the file
    encoding = encoding_of(path, [content])
    text = decode(path, content)
    if encoding in GUESSED:
        log.note(f"not UTF-8, read as {GUESSED[encoding]}")
    lines = []
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if "\t" in line:
            line = line.expandtabs(8)
            if line.strip():
                log.repair(number, "tabs taken as blanks up to the next multiple of 8 columns")
        line = line.rstrip(" \x1a\0\f")
        if line.strip():
            lines.append((number, line))
    return lines


def cut(line: str, first: int, last: int | None = None) -> str:
    """Columns `first` to `last` of a line, blank where it is shorter."""
    last = first if last is None else last
    return line[first - 1 : last].ljust(last - first + 1)


def ends_inside(line: str, first: int, last: int) -> bool:
    """True where a line ends inside a value's columns, so that digits may be missing; not after two decimals."""
    return first <= len(line) < last and not _BOTH_DECIMALS.fullmatch(line[-3:])


def refuse_cut(line: str, first: int, last: int, what: str) -> None:
    """Let no line pass that ends inside the columns of a value that its record can't do without.

    Raises:
        ValueError: naming the value and what there is of it.
    """
    if ends_inside(line, first, last):
        raise ValueError(f"the line ends inside its {what}, after {line[first - 1 :].strip()!r}")


def without_cut_value(line: str, columns: Mapping[str, tuple[int, int]]) -> tuple[str, str | None]:
    """The line without the value that it ends inside, and what to say of that.

    Args:
        columns: first and last column of each value, by its name.
    """
    for what, (first, last) in columns.items():
        if ends_inside(line, first, last):
            return line[: first - 1], f"the line ends inside its {what}: left out"
    return line, None


def number(text: str, what: str) -> float | None:
    """A number; None for blanks and for the marks of a missing value (`-----`, `*****`). `-0.0` keeps its sign.

    Raises:
        ValueError: naming what it is no number of.
    """
    text = text.strip()
    if _MISSING.fullmatch(text):
        return None
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{what} {text!r} is not a number")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{what} {text[:20]!r}... is too large")
    return value


def integer(text: str, what: str) -> int | None:
    """A whole number, as `number` reads them.

    Raises:
        ValueError: naming what it is no whole number of.
    """
    value = number(text, what)
    if value is not None and not value.is_integer():
        raise ValueError(f"{what} {text.strip()!r} is not a whole number")
    return None if value is None else int(value)


def microseconds(text: str, what: str, implied_decimals: int = 0) -> int | None:
    """Seconds as microseconds, exactly; None for blanks.

    Without a decimal point the last `implied_decimals` digits are decimals and blanks after the first digit are zeros,
    as Fortran reads F5.2.

    Raises:
        ValueError: naming what it is no number of.
    """
    field = text.lstrip()
    if not field.strip():
        return None
    if implied_decimals and "." not in field:
        field = field.replace(" ", "0").rjust(implied_decimals + 1, "0")
        field = f"{field[:-implied_decimals]}.{field[-implied_decimals:]}"
    field = field.strip()
    if not re.fullmatch(r"\d{1,5}(\.\d*)?|\.\d+", field, re.ASCII):
        raise ValueError(f"{what} {text.strip()!r} are no seconds")
    whole, _, decimals = field.partition(".")
    return int(whole or 0) * MICROSECONDS + int(decimals[:6].ljust(6, "0") or 0)


def two_digit_year(digits: str) -> int:
    """The year of two digits without a century: of the last hundred years, this one included."""
    latest = datetime.now(UTC).year
    return latest - (latest - int(digits)) % 100


def century_of(century: str, yymmdd: str, is_plain: bool) -> tuple[str, str | None]:
    """The mark of a date's century ('1' for 20xx, blank for 19xx), and what to say of it.

    Args:
        is_plain: of HYPO71's own files, in which no date has one.
    """
    digits = yymmdd[:2].replace(" ", "0")
    if century != " " or not yymmdd.strip() or not digits.isdecimal():
        return century, None
    if is_plain:
        return ("1" if two_digit_year(digits) >= 2000 else " "), None
    return century, MISSING_ONE if digits < OLDEST_YEAR else None


def day_number(century: str, yymmdd: str) -> int:
    """Days since 1970-01-01 of a date whose century is '1' for 20xx and blank for 19xx; blanks in it are zeros.

    Raises:
        ValueError: saying what is wrong with it.
    """
    if century not in ("1", " "):
        raise ValueError(f"century {century!r} is neither 1 (20xx) nor blank (19xx)")
    digits = yymmdd.replace(" ", "0")
    if not yymmdd.strip() or not re.fullmatch(r"\d{6}", digits, re.ASCII):
        raise ValueError(f"date {yymmdd.strip()!r} is not yymmdd")
    year = (2000 if century == "1" else 1900) + int(digits[:2])
    try:
        return date(year, int(digits[2:4]), int(digits[4:6])).toordinal() - _EPOCH
    except ValueError:
        raise ValueError(f"there is no day {year}-{digits[2:4]}-{digits[4:6]}") from None


def minute_of_day(hhmm: str) -> tuple[int, str | None]:
    """Minutes since midnight of HHMM, and what was repaired: minute 60 and hour 24 are carried on; blanks are zeros.

    Raises:
        ValueError: saying what is wrong with it.
    """
    digits = hhmm.replace(" ", "0")
    if not hhmm.strip() or not re.fullmatch(r"\d{4}", digits, re.ASCII):
        raise ValueError(f"hour and minute {hhmm.strip()!r} are not HHMM")
    hour, minute = int(digits[:2]), int(digits[2:])
    if hour > 24 or minute > 60:
        raise ValueError(f"hour and minute {hhmm!r} are not on the clock")
    carried = [name for name, is_past in (("minute 60", minute == 60), ("hour 24", hour == 24)) if is_past]
    return hour * 60 + minute, f"{' and '.join(carried)} carried on" if carried else None


def epoch_seconds(day: int, minute: int, second_microseconds: int = 0) -> float:
    """Epoch seconds: the double nearest to the microsecond that days, minutes and microseconds add up to."""
    return ((day * 1440 + minute) * 60 * MICROSECONDS + second_microseconds) / 1e6


def year_of(time: float) -> int:
    """The UTC year of epoch seconds."""
    return date.fromordinal(_EPOCH + int(time // 86400)).year


def angle(text: str, what: str) -> tuple[float | None, bool]:
    """Degrees and minutes (`46-21.00`; S or W in the place of the dash is negative) as degrees.

    Returns:
        The angle, None for blanks; and whether 60 minutes were carried into the next degree.

    Raises:
        ValueError: naming what it is no angle of.
    """
    field = text.strip()
    if _MISSING.fullmatch(field):
        return None, False
    match = _ANGLE.fullmatch(field)
    if not match or float(match[3]) > 60:
        raise ValueError(f"{what} {field!r} is not in degrees and minutes")
    value = int(match[1]) + float(match[3]) / 60.0
    return (-value if match[2].upper() in "SW" else value), float(match[3]) == 60


@dataclass(frozen=True)
class Hypocentre:
    """When and where an event line says its event was; both coordinates are None together with the seconds, or without.

    Args:
        day: days since 1970-01-01.
        minute: minutes since midnight.
        time: epoch seconds; of the minute's start where there are no seconds.
        repairs: whether each thing was repaired, and what to say of it.
    """

    day: int
    minute: int
    time: float
    has_seconds: bool
    latitude: float | None
    longitude: float | None
    repairs: list[tuple[bool, str]]


def hypocentre(
    century: str, yymmdd: str, hhmm: str, seconds: str, latitude: str, longitude: str, *, is_plain: bool
) -> Hypocentre:
    """Origin time and epicentre as HYPO71 writes them (Lee and Lahr, 1975), from the texts of their columns.

    is_plain: of a file without centuries.

    Raises:
        ValueError: saying what is wrong with which.
    """
    century, guessed = century_of(century, yymmdd, is_plain)
    day = day_number(century, yymmdd)
    minute, carried = minute_of_day(hhmm)
    offset = microseconds(seconds, "origin seconds")
    north, north_carried = angle(latitude, "latitude")
    east, east_carried = angle(longitude, "longitude")
    if offset is None and (north, east) != (None, None):
        raise ValueError("an origin without seconds")
    repairs = [
        (guessed is not None, guessed or ""),
        (carried is not None, carried or ""),
        (north_carried or east_carried, "60 minutes of arc carried into the next degree"),
        ((offset or 0) >= 60 * MICROSECONDS, "seconds of 60 or more carried on"),
    ]
    return Hypocentre(day, minute, epoch_seconds(day, minute, offset or 0), offset is not None, north, east, repairs)
