"""Widths of confidence regions of a normal distribution, in standard deviations, by how many percent they hold.

Levels of 0, 1 and 100, which some files give, are none.
"""

from __future__ import annotations

import math
from statistics import NormalDist

ONE_DEVIATION_PERCENT = 68
"""Of a normal distribution within one standard deviation."""


def is_level(percent: float | None) -> bool:
    """Whether a confidence level can be meant, in percent."""
    return percent is not None and 1 < percent < 100


def interval_deviations(percent: float) -> float:
    """Half the width of an interval."""
    return 1.0 if round(percent) == ONE_DEVIATION_PERCENT else NormalDist().inv_cdf(0.5 + percent / 200)


def ellipse_deviations(percent: float) -> float:
    """Half axes of an ellipse, or a circle's radius: those of 68 % are 1.51 standard deviations long."""
    return math.sqrt(-2.0 * math.log(1.0 - percent / 100.0))


def ellipsoid_deviations(percent: float) -> float:
    """Half axes of an ellipsoid: those of 68 % are 1.87 standard deviations long."""
    from scipy.special import chdtri

    return math.sqrt(chdtri(3, 1.0 - percent / 100.0))
