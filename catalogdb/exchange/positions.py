"""Positions and depths of events: what is in range, and the GeoJSON point."""

from __future__ import annotations

from catalogdb.documents.free import Json


def coordinates(latitude: float, longitude: float) -> tuple[float, float]:
    """Check a position in degrees; longitudes of 180..360 are brought to -180..180.

    Raises:
        ValueError: naming the value that is out of range.
    """
    if not -90 <= latitude <= 90:
        raise ValueError(f"latitude {latitude:g} is outside -90..90")
    if not -180 <= longitude <= 360:
        raise ValueError(f"longitude {longitude:g} is outside -180..360")
    return latitude, longitude - 360 if longitude > 180 else longitude


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
