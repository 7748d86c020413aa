"""Depths of events that can be, and the GeoJSON point."""

from __future__ import annotations

from catalogdb.documents.free import Json


def depth_in_range(depth_km: float | None) -> float | None:
    """Check a depth in km below sea level.

    Raises:
        ValueError: when no earthquake can be there, as with metres taken for kilometres.
    """
    if depth_km is not None and not -10 <= depth_km <= 800:
        raise ValueError(f"depth {depth_km:g} km is outside -10..800 km")
    return depth_km


def geojson_point(latitude: float, longitude: float) -> Json:
    """GeoJSON point of a position."""
    return {"type": "Point", "coordinates": [float(longitude), float(latitude)]}
