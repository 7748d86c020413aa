"""Times as text: ISO 8601 and numbers of seconds since 1970, to epoch seconds in UTC and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

# unit -> its number in a second, and the least and most of it that a time may be: 1973..2100, for seconds 1900..2100
EPOCH_UNITS: dict[str, tuple[int, float, float]] = {
    "seconds": (1, 1e8, 4.102e9),
    "milliseconds": (10**3, 1e11, 4.102e12),
    "microseconds": (10**6, 1e14, 4.102e15),
    "nanoseconds": (10**9, 1e17, 4.102e18),
}
OLDEST_SECONDS = -2.209e9  # 1900
ALWAYS = (0.0, 4102444800.0)
"""1970 to 2100, where a period is wanted and all of it is meant."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?", re.ASCII | re.IGNORECASE)
_DAY = re.compile(r"(19|20)\d{6}", re.ASCII)  # ISO 8601's basic format


def parse_time(text: str) -> float:
    """ISO 8601 time -> epoch seconds UTC, to the microsecond; without a zone it is UTC.

    Raises:
        ValueError: when the text is no time, or a number other than a day's yyyymmdd.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text) and not _DAY.fullmatch(text):
        raise ValueError("a number, not an ISO 8601 time")  # as one, 1711081501230 is of the year 1711
    stamp = datetime.fromisoformat(text.replace("/", "-"))
    if stamp.tzinfo is None:
        stamp = stamp.replace(tzinfo=UTC)
    since = stamp - _EPOCH
    return (since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds) / 1e6


def parse_time_or_number(text: str) -> tuple[float, str | None]:
    """ISO 8601 time, or a number that can be but one time since 1970 -> epoch seconds, to the microsecond.

    Returns:
        Epoch seconds, and for a number its unit, by its size: seconds, milliseconds, microseconds or nanoseconds.

    Raises:
        ValueError: when the text is no time, or a number that is too small or too large to tell.
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text) or _DAY.fullmatch(text):
        return parse_time(text), None
    value = float(text)
    for unit, (parts, least, most) in EPOCH_UNITS.items():
        if least <= value <= most or (unit == "seconds" and OLDEST_SECONDS <= value <= -least):
            return round(Decimal(text) * 1_000_000 / parts) / 1e6, unit
    raise ValueError("a number that is not plausible as epoch seconds, milli-, micro- or nanoseconds")


def in_utc(moment: datetime) -> datetime:
    """The same time in UTC; without a zone it is UTC.

    Raises:
        OverflowError: where it lies in no year of the calendar there.
    """
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def utc_datetime(time: float) -> datetime:
    """Epoch seconds -> date and time in UTC, to the microsecond."""
    return _EPOCH + timedelta(microseconds=round(time * 1e6))


def format_time(time: float) -> str:
    """Epoch seconds -> ISO 8601 with microseconds and Z."""
    stamp = datetime(1970, 1, 1) + timedelta(microseconds=round(time * 1e6))
    return stamp.isoformat(timespec="microseconds") + "Z"
