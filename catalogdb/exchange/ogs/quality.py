"""HYPO71's quality of a solution (Lee and Lahr, 1975, USGS Open-File Report 75-311)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

GRADES = "ABCD"


LISTED_IN = ("ogs-pun", "ogs-hpl")
"""Formats of solutions that HYPO71 has graded, or chose not to."""


def is_listed_solution(origin: Mapping[str, Any]) -> bool:
    """Whether an origin was read from HYPO71's own output."""
    return origin.get("source_format") in LISTED_IN


def quality_letters(origin: Mapping[str, Any]) -> tuple[str, str]:
    """Quality and SQD to be written for an origin: its own, or by `hypo71_quality` where HYPO71 has never seen it."""
    if "quality" in origin or is_listed_solution(origin):
        return origin.get("quality") or "", origin.get("quality_sqd", "")
    return hypo71_quality(origin) or ("", "")


def hypo71_quality(origin: Mapping[str, Any]) -> tuple[str, str] | None:
    """Quality letter and SQD of an origin; None where it lacks rms, gap, nearest station or number of readings.

    S grades the solution by rms and errors (one that is not known counts as 0, as HYPO71 has it), D the distribution of
    stations; the quality is the mean of both, the worse one where it lies between two letters.
    """
    rms, gap, nearest_km, readings = (
        origin.get(name) for name in ("rms", "azimuthal_gap", "minimum_distance_km", "n_picks")
    )
    if rms is None or gap is None or nearest_km is None or readings is None:
        return None
    erh, erz = origin.get("horizontal_uncertainty_km", 0.0), origin.get("depth_uncertainty_km", 0.0)
    depth_km = origin.get("depth_km") or 0.0
    solution = next(
        (
            grade
            for grade, (most_rms, most_erh, most_erz) in enumerate(
                ((0.15, 1.0, 2.0), (0.30, 2.5, 5.0), (0.50, 5.0, math.inf))
            )
            if rms < most_rms and erh <= most_erh and erz <= most_erz
        ),
        3,
    )
    stations = next(
        (
            grade
            for grade, (most_gap, most_km) in enumerate(
                ((90, max(depth_km, 5.0)), (135, max(2 * depth_km, 10.0)), (180, 50.0))
            )
            if readings >= 6 and gap <= most_gap and nearest_km <= most_km
        ),
        3,
    )
    return GRADES[(solution + stations + 1) // 2], f"{GRADES[solution]}/{GRADES[stations]}"
