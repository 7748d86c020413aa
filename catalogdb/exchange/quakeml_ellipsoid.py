"""Confidence ellipsoids of QuakeML -> the ellipsoid and the covariance of an origin; what is left out is counted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from catalogdb.documents.free import Json
from catalogdb.exchange.confidence import ellipsoid_deviations, is_level
from catalogdb.exchange.quakeml_values import BOUNDS, Tally

_AXES = ("minor", "intermediate", "major")


def ellipsoid_of(uncertainty: Any, where: str, said: Tally) -> Json:
    """`ellipsoid` and `covariance_km2` of ObsPy's `OriginUncertainty`; nothing where it has no usable ellipsoid.

    Axes are converted from the confidence level to one standard deviation: without a level their scale is not known.
    """
    if uncertainty is None:
        return {}
    ellipsoid, percent = uncertainty.confidence_ellipsoid, uncertainty.confidence_level
    if ellipsoid:  # ObsPy gives one without values where the file has none
        if is_level(percent) and (found := _scaled(ellipsoid, ellipsoid_deviations(percent))):
            return {"ellipsoid": found, "covariance_km2": covariance_of(found)}
        said.add("confidence ellipsoids left out, as their level or their axes are not usable", where)
    least, largest = uncertainty.min_horizontal_uncertainty, uncertainty.max_horizontal_uncertainty
    if least is not None and largest is not None and least != largest:
        said.add("ellipses of which the larger axis alone is kept", where)
    return {}


def covariance_of(ellipsoid: Json) -> list[list[float]]:
    """Covariance of (east, north, down) in km2 whose ellipsoid this is; angles as in `schemas/origin.yaml`."""
    azimuth, plunge, rotation = (math.radians(ellipsoid[name]) for name in ("azimuth", "plunge", "rotation"))
    level = np.array([math.sin(azimuth), math.cos(azimuth), 0.0])
    major = level * math.cos(plunge) + np.array([0.0, 0.0, math.sin(plunge)])
    side = np.array([math.cos(azimuth), -math.sin(azimuth), 0.0])  # horizontal, on the right of the major axis
    below = np.array([0.0, 0.0, math.cos(plunge)]) - level * math.sin(plunge)
    minor = side * math.cos(rotation) + below * math.sin(rotation)
    intermediate = below * math.cos(rotation) - side * math.sin(rotation)
    axes = np.column_stack([minor, intermediate, major]) * [ellipsoid[f"{name}_km"] for name in _AXES]
    return [[float(value) for value in row] for row in axes @ axes.T]


def _scaled(ellipsoid: Any, deviations: float) -> Json | None:
    """In km and degrees; None where an angle is missing, or axes are no lengths in their order."""
    axes = [getattr(ellipsoid, f"semi_{name}_axis_length") for name in _AXES]
    angles = {name: getattr(ellipsoid, f"major_axis_{name}") for name in ("azimuth", "plunge", "rotation")}
    if None in axes or None in angles.values():
        return None
    lengths = [axis / 1000 / deviations for axis in axes]
    if not 0 < lengths[0] <= lengths[1] <= lengths[2] <= BOUNDS["horizontal_uncertainty_km"].largest:
        return None
    return {f"{name}_km": length for name, length in zip(_AXES, lengths, strict=True)} | angles
