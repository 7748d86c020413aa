"""What a reader finds in a file -> picks, and events put together from their origins, magnitudes and arrivals.

Readers give the fields as keywords, None for what the file does not say: a field that is not known is not written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack, cast

from catalogdb.channels import channel_group
from catalogdb.documents.data import (
    EvaluationStatus,
    Event,
    EventDraft,
    Magnitude,
    MagnitudeDraft,
    Origin,
    OriginArrival,
    OriginDraft,
    PickFields,
)
from catalogdb.documents.free import AnyDocument
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.pick_uncertainty import DEFAULT_PICK_UNCERTAINTY, HYPO71_UNCERTAINTY
from catalogdb.exchange.positions import depth_in_range, geojson_point
from catalogdb.exchange.reference_catalog import ReadEvent, ReadPick, ReadPickDraft
from catalogdb.geo import coordinates
from catalogdb.phases import is_seismic, phase_type

SENSOR = ("net", "sta", "loc", "chan")


def present(document: Mapping[str, Any]) -> AnyDocument:
    """The document without its absent (None) fields: what is not known is not written."""
    return {key: value for key, value in document.items() if value is not None}


def pick_of(**fields: Unpack[ReadPickDraft]) -> ReadPick:
    """A pick; codes that are not given are empty, and an uncertainty that is not given is that of the weight."""
    codes = {name: fields.get(name) or "" for name in SENSOR}
    weight = fields.get("hypo71_weight")
    uncertainty = DEFAULT_PICK_UNCERTAINTY if weight is None else HYPO71_UNCERTAINTY[weight]
    own = {"channel_group": channel_group(*map(str, codes.values())), **codes, "uncertainty": uncertainty}
    return cast(ReadPick, own | present(fields))


def origin_of(**fields: Unpack[OriginDraft]) -> Origin:
    """An origin at a place that can be, longitudes brought to -180..180; its id is `1` where none is given.

    Raises:
        ValueError: naming the value that is missing or out of range.
    """
    latitude, longitude = fields.get("latitude"), fields.get("longitude")
    if latitude is None or longitude is None:
        raise ValueError(f"no {'latitude' if latitude is None else 'longitude'}")
    latitude, longitude = coordinates(latitude, longitude)
    place = {"latitude": latitude, "longitude": longitude, "depth_km": depth_in_range(fields.get("depth_km"))}
    return cast(Origin, present({"_id": "1", **fields, **place}))


def magnitude_of(**fields: Unpack[MagnitudeDraft]) -> Magnitude:
    """A magnitude; its id is `1` where none is given."""
    return cast(Magnitude, present({"_id": "1", **fields}))


def status_of(mode: EvaluationMode) -> EvaluationStatus:
    """The evaluation status of what is known by its mode alone."""
    return "reviewed" if mode == "manual" else "preliminary"


def event_of(
    origin: Origin | None, magnitudes: Sequence[Magnitude], mode: EvaluationMode, /, **fields: Unpack[EventDraft]
) -> ReadEvent:
    """An event of one origin, or of none and a `time`; of its magnitudes the first is preferred.

    Args:
        mode: decides the evaluation status, where none is given.
    """
    time = origin["time"] if origin is not None else fields["time"]
    preferred = magnitudes[0] if magnitudes else None
    fields = {"evaluation_mode": mode, "evaluation_status": status_of(mode), **fields}
    return event_from_parts(time or 0.0, [origin] if origin else [], list(magnitudes), origin, preferred, **fields)


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


def preferred_origin(event: Event | ReadEvent | Mapping[str, Any]) -> Mapping[str, Any]:
    """The preferred origin of an event document; empty for an unlocated event."""
    return next((origin for origin in event["origins"] if origin["_id"] == event.get("preferred_origin_id")), {})


def event_from_parts(
    time: float,
    origins: list[Origin],
    magnitudes: list[Magnitude],
    preferred_origin: Origin | None,
    preferred_magnitude: Magnitude | None,
    /,
    **fields: Unpack[EventDraft],
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
    return cast(ReadEvent, present({**event, **fields, "origins": origins, "magnitudes": magnitudes}))
