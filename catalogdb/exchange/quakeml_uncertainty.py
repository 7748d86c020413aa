"""How well an origin is known, as QuakeML has it: a radius; with a covariance the ellipse and the ellipsoid too.

`confidenceLevel` is of all that an `originUncertainty` says (QuakeML 1.2, Basic Event Description, OriginUncertainty).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lxml import etree

from catalogdb.exchange.confidence import ellipse_deviations
from catalogdb.exchange.quakeml_elements import add_texts, metres

CONFIDENCE_PERCENT = 68.0
ELLIPSOID_DEVIATIONS = 1.8724
"""An ellipsoid of so many standard deviations holds 68 % of a normal distribution, see `CONFIDENCE_PERCENT`."""
ELLIPSE_DEVIATIONS = ellipse_deviations(CONFIDENCE_PERCENT)


def add_origin_uncertainty(parent: Any, origin: Mapping[str, Any]) -> None:
    """Add the `originUncertainty` of an origin document to its element; nothing where nothing is known of it.

    Without an ellipsoid `horizontalUncertainty` is the largest horizontal standard deviation, and no level is stated;
    else radius and axes are those that hold `CONFIDENCE_PERCENT`, the radius as if no direction were surer.
    """
    horizontal = origin.get("horizontal_uncertainty_km")
    ellipsoid = origin.get("ellipsoid") if "covariance_km2" in origin else None
    if horizontal is None:
        return
    element = etree.SubElement(parent, "originUncertainty")
    if ellipsoid is None:
        add_texts(element, preferredDescription="horizontal uncertainty", horizontalUncertainty=metres(horizontal))
        return
    radius = metres(horizontal * ELLIPSE_DEVIATIONS)
    add_texts(element, preferredDescription="confidence ellipsoid", horizontalUncertainty=radius)
    smaller, larger, azimuth = _ellipse(origin["covariance_km2"])
    add_texts(
        element,
        minHorizontalUncertainty=smaller * 1000.0 * ELLIPSE_DEVIATIONS,
        maxHorizontalUncertainty=larger * 1000.0 * ELLIPSE_DEVIATIONS,
        azimuthMaxHorizontalUncertainty=azimuth,
        confidenceLevel=CONFIDENCE_PERCENT,
    )
    axes = {
        name: ellipsoid[f"{name}_km"] * 1000.0 * ELLIPSOID_DEVIATIONS for name in ("major", "minor", "intermediate")
    }
    add_texts(
        etree.SubElement(element, "confidenceEllipsoid"),
        semiMajorAxisLength=axes["major"],
        semiMinorAxisLength=axes["minor"],
        semiIntermediateAxisLength=axes["intermediate"],
        majorAxisPlunge=ellipsoid["plunge"],
        majorAxisAzimuth=ellipsoid["azimuth"],
        majorAxisRotation=ellipsoid["rotation"],
    )


def _ellipse(covariance: list[list[float]]) -> tuple[float, float, float]:
    """Standard deviations along the smaller and the larger horizontal axis (km), and the azimuth of the larger one."""
    (east, both, _), (_, north, _), _ = covariance
    middle, half = (east + north) / 2.0, math.hypot((east - north) / 2.0, both)
    azimuth = math.degrees(0.5 * math.atan2(2.0 * both, north - east)) % 180.0
    return math.sqrt(max(middle - half, 0.0)), math.sqrt(max(middle + half, 0.0)), azimuth
