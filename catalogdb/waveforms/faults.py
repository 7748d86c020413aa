"""What makes samples unfit for measurements: a channel too slow, a constant value, a clipped amplitude."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalogdb.spans import true_spans

FLAT_SAMPLES = 5
FLAT_LEAST_COUNTS = 1e4
"""A flat top: this many equal samples in a row at an extreme that lies this far (counts) from the median."""
RATE_TOLERANCE = 1e-3
"""The rate of a trace follows its recorder's clock, so it may lie this part below the nominal one."""


def is_slower(rate: float, least: float) -> bool:
    """Whether a sampling rate (1/s) is below another, by more than a clock is off."""
    return rate < least * (1.0 - RATE_TOLERANCE)


def is_clipped(data: NDArray[Any], full_scale: float = math.inf) -> bool:
    """True when samples (n,) reach the full scale (counts), or an extreme is flat."""
    low, high = float(data.min()), float(data.max())
    if max(-low, high) >= full_scale:
        return True
    middle = float(np.median(data))
    return any(
        abs(extreme - middle) >= FLAT_LEAST_COUNTS and _longest_span(data == extreme) >= FLAT_SAMPLES
        for extreme in (low, high)
    )


def is_constant(data: NDArray[Any], samples: int) -> bool:
    """True when so many samples in a row, two or more, have one value, as where a gap was filled up."""
    return _longest_span(data[1:] == data[:-1]) >= samples - 1


def _longest_span(mask: NDArray[np.bool_]) -> int:
    return int(np.diff(true_spans(mask), axis=1).max(initial=0))
