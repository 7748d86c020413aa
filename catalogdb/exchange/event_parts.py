"""An event document put together from its origins, magnitudes and arrivals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from catalogdb.documents.data import Magnitude, Origin, OriginArrival, PickFields
from catalogdb.documents.free import AnyDocument
from catalogdb.exchange.positions import geojson_point
from catalogdb.exchange.reference_catalog import ReadEvent
from catalogdb.phases import is_seismic, phase_type


def present(document: Mapping[str, Any]) -> AnyDocument:
    """The document without its absent (None) fields: what is not known is not written."""
    return {key: value for key, value in document.items() if value is not None}


def arrival_counts(arrivals: Iterable[OriginArrival]) -> dict[str, int]:
    """`n_picks`, `n_p`, `n_s` (first arrivals) and `n_stations` of arrivals, without amplitudes and T."""
    arrivals = [arrival for arrival in arrivals if is_seismic(arrival["phase"])]
    classes = [phase_type(arrival["phase"]) for arrival in arrivals]
    return {
        "n_picks": len(arrivals),
        "n_p": classes.count("P"),
        "n_s": classes.count("S"),
        "n_stations": len({(arrival.get("net", ""), arrival["sta"]) for arrival in arrivals}),
    }


def arrival_of(pick: PickFields, pick_id: str) -> OriginArrival:
    """An arrival of which nothing but its pick is known."""
    return {"pick_id": pick_id, "phase": pick["phase"], "net": pick["net"], "sta": pick["sta"], "time": pick["time"]}


def add_arrival_counts(origin: Origin) -> None:
    """Count an origin's arrivals where its source does not: its own counts are of what its locator used, and stay."""
    for name, value in arrival_counts(origin.get("arrivals", [])).items():
        cast(AnyDocument, origin).setdefault(name, value)


def event_from_parts(
    time: float,
    origins: list[Origin],
    magnitudes: list[Magnitude],
    preferred_origin: Origin | None,
    preferred_magnitude: Magnitude | None,
    **fields: Any,
) -> ReadEvent:
    """Assemble an event document with the preferred origin and magnitude flat in it."""
    event: AnyDocument = {"time": float(time)}
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
    return cast(ReadEvent, present(event | fields | {"origins": origins, "magnitudes": magnitudes}))
