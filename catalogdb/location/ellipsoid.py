"""Confidence ellipsoids as QuakeML has them."""

from __future__ import annotations

import numpy as np


def confidence_ellipsoid(covariance: np.ndarray) -> dict[str, float]:
    """The ellipsoid of one standard deviation along each axis, of a covariance of (east, north, down) in km2.

    Angles are the Tait-Bryan angles of QuakeML 1.2 (Basic Event Description, ConfidenceEllipsoid), in a right-handed
    system of x north, y east and z down: the major axis points to the azimuth and down by the plunge, and the rotation
    about it takes the horizontal direction on its right to the minor axis.
    """
    order = [1, 0, 2]
    values, vectors = np.linalg.eigh(covariance[np.ix_(order, order)])
    deviations = np.sqrt(np.maximum(values, 0.0))
    major, minor = vectors[:, 2], vectors[:, 0]
    if major[2] < 0:
        major = -major
    azimuth = np.arctan2(major[1], major[0])
    plunge = np.arcsin(np.clip(major[2], -1.0, 1.0))
    side = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])  # the new y axis
    below = np.cross(major, side)
    rotation = np.arctan2(minor @ below, minor @ side)
    return {
        "major_km": float(deviations[2]),
        "intermediate_km": float(deviations[1]),
        "minor_km": float(deviations[0]),
        "azimuth": float(np.degrees(azimuth) % 360.0),
        "plunge": float(np.degrees(plunge)),
        "rotation": float(np.degrees(rotation) % 180.0),
    }
