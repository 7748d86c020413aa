"""Times and numbers as MsPASS keeps them in `site` and `channel`."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from catalogdb.times import format_time, parse_time_or_number

if TYPE_CHECKING:
    from obspy import UTCDateTime

ALWAYS = 0.0
"""Start of an epoch whose start nobody wrote down, as MsPASS has it (epoch seconds)."""
OPEN_END = 2556144000.0
"""End of an epoch that is still open: 2051-01-01, as MsPASS has it (epoch seconds)."""
EARLIEST_YEAR = 1800
"""Seismometers are younger."""

_SECONDS = re.compile(r"-?\d{9,11}(\.\d*)?|-?0(\.0*)?", re.ASCII)
_THIRTEEN_DIGITS = re.compile(r"\d{13}(\.\d*)?", re.ASCII)
"""A compact date has 12 or 14 (yyyymmddhhmmss); ObsPy takes some of 13 for one."""
_ABSENT = {"", "nan", "nat", "none", "null", "na", "n/a", "-", "--"}


def finite(name: str, value: Any, factor: float = 1.0) -> dict[str, float]:
    """{name: value * factor}, or nothing where the value is none or not finite."""
    return {} if value is None or not math.isfinite(float(value)) else {name: float(value) * factor}


def is_absent(text: str) -> bool:
    """True for the usual ways to say that nothing is known."""
    return text.strip().lower() in _ABSENT


def epoch_start(time: UTCDateTime | None) -> float:
    """Epoch seconds of a start, `ALWAYS` where there is none."""
    return ALWAYS if time is None else time.timestamp


def epoch_end(time: UTCDateTime | None) -> float:
    """Epoch seconds of an end, `OPEN_END` at most."""
    return OPEN_END if time is None else min(time.timestamp, OPEN_END)


def parse_time(text: str | None) -> UTCDateTime | None:
    """A date as station files have it: ISO 8601, `2015/06/01`, `20150601`, `2015,152`, a year, or epoch seconds.

    Raises:
        ValueError: for what is no date from 1800 on.
    """
    from obspy import UTCDateTime

    if text is None or is_absent(text):
        return None
    text = text.strip()
    try:
        if _THIRTEEN_DIGITS.fullmatch(text):
            raise ValueError
        if re.fullmatch(r"\d{4}(\.0*)?", text):
            time = UTCDateTime(int(text[:4]), 1, 1)
        elif _SECONDS.fullmatch(text):
            time = UTCDateTime(float(text))
        else:
            time = UTCDateTime(text)
    except Exception as error:  # ObsPy's parser has no error of its own
        raise ValueError(f"{text[:40]!r} is no date{_as_number(text)}") from error
    if time.year < EARLIEST_YEAR:
        raise ValueError(f"{text[:40]!r} is before {EARLIEST_YEAR}{_as_number(text)}")
    return time


def _as_number(text: str) -> str:
    """What a number that is no date looks like, and what to write for it; empty for any other text."""
    try:
        time, unit = parse_time_or_number(text)
    except ValueError:
        return ""
    return f": it looks like {unit} since 1970; write {format_time(time)}" if unit else ""
