"""Times and numbers as MsPASS keeps them in `site` and `channel`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from obspy import UTCDateTime

ALWAYS = 0.0
"""Start of an epoch whose start nobody wrote down, as MsPASS has it (epoch seconds)."""
OPEN_END = 2556144000.0
"""End of an epoch that is still open: 2051-01-01, as MsPASS has it (epoch seconds)."""


def finite(name: str, value: Any, factor: float = 1.0) -> dict[str, float]:
    """{name: value * factor}, or nothing where the value is none or not finite."""
    return {} if value is None or not math.isfinite(float(value)) else {name: float(value) * factor}


def epoch_start(time: UTCDateTime | None) -> float:
    """Epoch seconds of a start, `ALWAYS` where there is none."""
    return ALWAYS if time is None else time.timestamp


def epoch_end(time: UTCDateTime | None) -> float:
    """Epoch seconds of an end, `OPEN_END` at most."""
    return OPEN_END if time is None else min(time.timestamp, OPEN_END)
