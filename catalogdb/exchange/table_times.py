"""Times of a table, in the way of writing that its whole column has: ISO 8601, epoch numbers, Excel's days, dd/mm/yyyy.

Dates whose day and month could be changed round are never guessed by row: the column or the user says the order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from catalogdb.times import parse_time_or_number

DateOrder = Literal["dmy", "mdy"]

_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(:(?P<second>\d{1,2})([.,](?P<part>\d*))?)?\s*"
    r"(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|UTC|GMT|UT|[+-]\d\d:?\d\d)?"
)
CLOCK = re.compile(_CLOCK, re.ASCII | re.IGNORECASE)
_BEHIND = rf"([T ,]+{_CLOCK})?"
_YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})(?P<by>[-/. ])(?P<month>\d{{1,2}})(?P=by)(?P<day>\d{{1,2}}){_BEHIND}", re.ASCII | re.IGNORECASE
)
DAY_OR_MONTH_FIRST = re.compile(
    rf"(?P<one>\d{{1,2}})(?P<by>[-/.])(?P<other>\d{{1,2}})(?P=by)(?P<year>\d{{4}}){_BEHIND}", re.ASCII | re.IGNORECASE
)
_NAMED = re.compile(
    rf"(?P<day>\d{{1,2}})[-/ .]*(?P<name>[a-z]{{3,9}})[-/ .,]*(?P<year>\d{{4}}){_BEHIND}", re.ASCII | re.IGNORECASE
)
_SHORT_YEAR = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2}([T ,].*)?", re.ASCII)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            *(("jan", "gen"), ("feb",), ("mar",), ("apr",), ("may", "mag", "mai"), ("jun", "giu"), ("jul", "lug")),
            *(("aug", "ago"), ("sep", "set"), ("oct", "ott", "okt"), ("nov",), ("dec", "dic", "dez")),
        ),
        1,
    )
    for name in names
}
_NUMBER = re.compile(r"\d+([.,]\d*)?", re.ASCII)
SERIAL_DAYS = (18_264, 54_789)  # of Excel: 1950..2050
_SERIAL_START = date(1899, 12, 30).toordinal()
_EPOCH = date(1970, 1, 1).toordinal()
DAY = 86_400_000_000  # microseconds
YEARS = (1000, 2100)
LONGEST_DAY = len("2024-03-27")
DAY_ALONE = "times are dates alone, taken as 00:00"
OLDEST, LATEST = -30_610_224_000.0, 4_102_444_800.0  # the years 1000..2100 in epoch seconds


@dataclass(frozen=True)
class TimeFormat:
    """How the times of a table are written.

    date_order: of dates as 27/03/2024; None where the table has none such.
    is_serial: numbers are Excel's days since 1900.
    """

    date_order: DateOrder | None = None
    is_serial: bool = False

    def read(self, text: str) -> tuple[float, str | None]:
        """A time -> epoch seconds to the microsecond, and what is to be noted about how it is written.

        Raises:
            ValueError: when it is none, or of no year in `YEARS`.
        """
        if self.is_serial and _NUMBER.fullmatch(text):
            return _serial(text), "times are numbers, read as Excel's days since 1900, to the millisecond"
        try:
            time, unit = parse_time_or_number(text)
            note = DAY_ALONE if len(text) <= LONGEST_DAY else None
            if unit:
                note = f"times are numbers, read as epoch {unit}"
        except ValueError:
            time, note = self._by_parts(text)
        if not OLDEST <= time < LATEST:
            raise ValueError(f"its year is outside {YEARS[0]}..{YEARS[1]}")
        return time, note

    def _by_parts(self, text: str) -> tuple[float, str | None]:
        if match := _YEAR_FIRST.fullmatch(text):
            return _time(match, int(match["month"]), int(match["day"]))
        if match := DAY_OR_MONTH_FIRST.fullmatch(text):
            one, other = int(match["one"]), int(match["other"])
            if self.date_order is None and one != other:
                raise ValueError("day/month or month/day?")
            return _time(match, *((other, one) if self.date_order == "dmy" else (one, other)))
        if match := _NAMED.fullmatch(text):
            month = _MONTHS.get(match["name"][:3].lower())
            if month is None:
                raise ValueError(f"{match['name']!r} is no month")
            return _time(match, month, int(match["day"]))
        if _SHORT_YEAR.fullmatch(text):
            raise ValueError("its year has two digits")
        time, unit = parse_time_or_number(text)  # for its reason
        return time, f"times are numbers, read as epoch {unit}" if unit else None


def join(day: str | None, clock: str | None) -> str | None:
    """A date and a clock, or two of Excel's numbers, as one text; None where there is neither."""
    if day is None:
        return clock
    if clock is None:
        return day
    day, clock = day.strip(), clock.strip()
    if _NUMBER.fullmatch(clock) and float(clock.replace(",", ".")) < 1:  # Excel's part of a day
        part = Decimal(clock.replace(",", "."))
        if _NUMBER.fullmatch(day) and len(day.split(".")[0]) < 8:
            return str(Decimal(day.replace(",", ".")) + part)
        milliseconds = round(part * DAY / 1000)
        clock = f"{milliseconds // 3_600_000:02}:{milliseconds // 60_000 % 60:02}:{milliseconds % 60_000 / 1000:06.3f}"
    if ":" in day:  # a date with a midnight behind it
        day = re.split(r"[T ]", day, maxsplit=1)[0]
    if len(day) == 8 and day.isdigit():
        day = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    return f"{day} {clock}"


def _serial(text: str) -> float:
    value = Decimal(text.replace(",", "."))
    if not SERIAL_DAYS[0] <= value <= SERIAL_DAYS[1]:
        raise ValueError("a number that is no day of 1950..2050 as Excel counts them")
    return (round((value + _SERIAL_START - _EPOCH) * DAY / 1000)) / 1e3


def _time(match: re.Match[str], month: int, day: int) -> tuple[float, str | None]:
    microseconds = (date(int(match["year"]), month, day).toordinal() - _EPOCH) * DAY
    note: str | None = DAY_ALONE
    if match["hour"] is not None:
        note = None
        hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
        part = int(f"{match['part'] or '':0<6}"[:6])
        if match["half"]:
            if not 1 <= hour <= 12:
                raise ValueError(f"{hour} {match['half']} is no hour")
            hour = hour % 12 + (12 if match["half"][0] in "Pp" else 0)
        if hour > 24 or minute > 60 or second > 60 or (hour == 24 and (minute or second or part)):
            raise ValueError("its clock is out of range")
        if hour == 24 or minute == 60 or second == 60:
            note = "times with a second or minute of 60, or an hour of 24, are carried over"
        microseconds += ((hour * 60 + minute) * 60 + second) * 1_000_000 + part
        zone = match["zone"] or ""
        if zone[:1] in "+-" and zone:
            offset = datetime.strptime(zone, "%z").utcoffset()
            microseconds -= round(offset.total_seconds() * 1e6) if offset else 0
    return microseconds / 1e6, note
