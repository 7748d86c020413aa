"""How well an origin is known, as QuakeML has it: a radius; with a covariance the ellipse and the ellipsoid too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

CONFIDENCE_PERCENT = 68.0
ELLIPSOID_DEVIATIONS = 1.8724
"""An ellipsoid of so many standard deviations holds 68 % of a normal distribution, see `CONFIDENCE_PERCENT`."""
ELLIPSE_DEVIATIONS = math.sqrt(-2.0 * math.log(1.0 - CONFIDENCE_PERCENT / 100.0))


def origin_uncertainty(origin: Mapping[str, Any]) -> Any:
    """The `OriginUncertainty` (of ObsPy) of an origin document; None where nothing is known of it.

    `horizontalUncertainty` is the largest horizontal standard deviation, as for origins that have no more; axes are
    those that hold `CONFIDENCE_PERCENT`.
    """
    from obspy.core.event import ConfidenceEllipsoid, OriginUncertainty

    horizontal, ellipsoid = origin.get("horizontal_uncertainty_km"), origin.get("ellipsoid")
    if horizontal is None:
        return None
    largest = round(horizontal * 1000.0, 6)
    if ellipsoid is None:
        return OriginUncertainty(horizontal_uncertainty=largest, preferred_description="horizontal uncertainty")
    axes = {
        name: ellipsoid[f"{name}_km"] * 1000.0 * ELLIPSOID_DEVIATIONS for name in ("major", "intermediate", "minor")
    }
    smaller, larger, azimuth = _ellipse(origin["covariance_km2"])
    return OriginUncertainty(
        horizontal_uncertainty=largest,
        min_horizontal_uncertainty=smaller * 1000.0 * ELLIPSE_DEVIATIONS,
        max_horizontal_uncertainty=larger * 1000.0 * ELLIPSE_DEVIATIONS,
        azimuth_max_horizontal_uncertainty=azimuth,
        confidence_ellipsoid=ConfidenceEllipsoid(
            semi_major_axis_length=axes["major"],
            semi_intermediate_axis_length=axes["intermediate"],
            semi_minor_axis_length=axes["minor"],
            major_axis_azimuth=ellipsoid["azimuth"],
            major_axis_plunge=ellipsoid["plunge"],
            major_axis_rotation=ellipsoid["rotation"],
        ),
        confidence_level=CONFIDENCE_PERCENT,
        preferred_description="confidence ellipsoid",
    )


def _ellipse(covariance: list[list[float]]) -> tuple[float, float, float]:
    """Standard deviations along the smaller and the larger horizontal axis (km), and the azimuth of the larger one."""
    (east, both, _), (_, north, _), _ = covariance
    middle, half = (east + north) / 2.0, math.hypot((east - north) / 2.0, both)
    azimuth = math.degrees(0.5 * math.atan2(2.0 * both, north - east)) % 180.0
    return math.sqrt(max(middle - half, 0.0)), math.sqrt(middle + half), azimuth
