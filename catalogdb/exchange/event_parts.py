"""An event document put together from its origins, magnitudes and arrivals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from catalogdb.exchange.positions import geojson_point
from catalogdb.phases import is_seismic, phase_type


def present(document: dict[str, Any]) -> dict[str, Any]:
    """The document without its absent (None) fields: what is not known is not written."""
    return {key: value for key, value in document.items() if value is not None}


def arrival_counts(arrivals: Iterable[dict[str, Any]]) -> dict[str, int]:
    """`n_picks`, `n_p`, `n_s` (first arrivals) and `n_stations` of arrivals, without amplitudes and T."""
    arrivals = [arrival for arrival in arrivals if is_seismic(arrival["phase"])]
    classes = [phase_type(arrival["phase"]) for arrival in arrivals]
    return {
        "n_picks": len(arrivals),
        "n_p": classes.count("P"),
        "n_s": classes.count("S"),
        "n_stations": len({(arrival.get("net", ""), arrival["sta"]) for arrival in arrivals}),
    }


def event_from_parts(
    time: float,
    origins: list[dict[str, Any]],
    magnitudes: list[dict[str, Any]],
    preferred_origin: dict[str, Any] | None,
    preferred_magnitude: dict[str, Any] | None,
    **fields: Any,
) -> dict[str, Any]:
    """Assemble an event document with the preferred origin and magnitude flat in it."""
    event: dict[str, Any] = {"time": float(time)}
    if preferred_origin is not None:
        event |= {
            "latitude": preferred_origin["latitude"],
            "longitude": preferred_origin["longitude"],
            "depth_km": preferred_origin.get("depth_km"),
            "point": geojson_point(preferred_origin["latitude"], preferred_origin["longitude"]),
            "preferred_origin_id": preferred_origin["_id"],
        }
        event |= {key: preferred_origin.get(key) for key in ("n_picks", "n_p", "n_s", "rms", "azimuthal_gap", "limits")}
    if preferred_magnitude is not None:
        event |= {
            "magnitude": preferred_magnitude["value"],
            "magnitude_type": preferred_magnitude["type"],
            "preferred_magnitude_id": preferred_magnitude["_id"],
        }
    return present(event | fields | {"origins": origins, "magnitudes": magnitudes})
