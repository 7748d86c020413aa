"""Times in QuakeML that ISO 8601 has no place for: seconds and minutes of 60 are what rounding makes of 59.99."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)


def carried(text: str) -> str | None:
    """The same time with seconds and minutes below 60 and hours below 24; None where nothing is to be carried.

    23:59:60, a leap second, becomes the next day's first, as in the seconds of Unix. More than 60 seconds or minutes,
    or 24 hours, are no rounding and stay.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    hour, minute, second = int(found[2]), int(found[3]), int(found[4] or 0)
    if (hour, minute, second) == (24, 0, 0) or (
        hour < 24 and (minute == 60 or second == 60) and max(minute, second) <= 60
    ):
        try:
            time = datetime.fromisoformat(found[1]) + timedelta(hours=hour, minutes=minute, seconds=second)
        except (ValueError, OverflowError):
            return None
        return time.isoformat(timespec="seconds") + (found[5] or "") + (found[6] or "")
    return None
