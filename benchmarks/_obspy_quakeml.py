"""QuakeML by ObsPy's own objects and writer, to compare ours with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, cast

from catalogdb.documents import data
from catalogdb.exchange.event_parts import present
from catalogdb.exchange.quakeml_notes import LIMITS, ORIGIN_NOTES, PICK_NOTES, STATION_MAGNITUDE_NOTES, note_text
from catalogdb.exchange.quakeml_uncertainty import (
    CONFIDENCE_PERCENT,
    ELLIPSE_DEVIATIONS,
    ELLIPSOID_DEVIATIONS,
    _ellipse,
)
from catalogdb.exchange.quakeml_writer import AUTHOR, OWN_PREFIX, quakeml_type, resource_id
from catalogdb.geo import KM_PER_DEGREE

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_HEAD = """<?xml version='1.0' encoding='utf-8'?>
<q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2" xmlns="http://quakeml.org/xmlns/bed/1.2">
  <eventParameters publicID="{public_id}">
"""
_TAIL = """  </eventParameters>
</q:quakeml>
"""


def write_by_obspy(
    events: Iterable[tuple[data.Event, list[data.Pick]]], stream: BinaryIO, name: str = "catalog"
) -> int:
    """Write events as QuakeML 1.2 (valid by its RelaxNG schema).

    Args:
        events: pairs of an event document and its pick documents, in arrivals or not.
        stream: binary stream to write to.
        name: of the catalog, for its publicID.

    Returns:
        Number of events written. The text depends on the documents alone: equal documents, equal bytes.
    """
    from obspy.core.event import Catalog
    from obspy.io.quakeml.core import Pickler

    stream.write(_HEAD.format(public_id=resource_id("catalog", name)).encode())
    number = 0
    for event, picks in events:
        catalog = Catalog([quakeml_event(event, picks)], resource_id=OWN_PREFIX)
        text = Pickler().dumps(catalog)
        start, end = text.index(b"<event "), text.rindex(b"</event>") + len(b"</event>")
        stream.write(b"    " + text[start:end] + b"\n")
        number += 1
    stream.write(_TAIL.encode())
    return number


def quakeml_event(event: data.Event, picks: list[data.Pick]) -> Any:
    """ObsPy Event of an event document with all its picks.

    An arrival whose pick is not given gets one made from the arrival itself.
    """
    from obspy.core.event import Event, EventDescription

    known = {pick["_id"]: pick for pick in picks}
    arrivals = [arrival for origin in event["origins"] for arrival in origin.get("arrivals", [])]
    for arrival in arrivals:
        known.setdefault(arrival["pick_id"], cast(data.Pick, arrival | {"_id": arrival["pick_id"]}))
    used = dict.fromkeys(arrival["pick_id"] for arrival in arrivals)
    others = [pick for pick in picks if pick["_id"] not in used]
    used |= dict.fromkeys(pick["_id"] for pick in sorted(others, key=lambda pick: (pick["time"], pick["_id"])))
    return Event(
        resource_id=resource_id("event", event["_id"]),
        event_type=quakeml_type(event.get("event_type")),
        event_descriptions=[EventDescription(text=_text(event["place"]), type="region name")]
        if event.get("place")
        else [],
        comments=_comments(**_event_note(event)),
        creation_info=_creation_info(event),
        origins=[_origin(origin, event) for origin in event["origins"]],
        magnitudes=[_magnitude(magnitude, event) for magnitude in event["magnitudes"]],
        station_magnitudes=[
            part for magnitude in event["magnitudes"] for part in _station_magnitudes(magnitude, event)
        ],
        picks=[_pick(known[identity]) for identity in used],
        preferred_origin_id=event.get("preferred_origin_id") and resource_id("origin", event["preferred_origin_id"]),
        preferred_magnitude_id=event.get("preferred_magnitude_id")
        and resource_id("magnitude", event["preferred_magnitude_id"]),
        force_resource_id=False,
    )


def _event_note(event: data.Event) -> dict[str, Any]:
    own_type = event.get("event_type")
    note = {name: event.get(name) for name in ("source_id", "remarks", "zone")}
    note["event_type"] = own_type if own_type != quakeml_type(own_type) else None
    if not event["origins"]:
        note |= {name: event.get(name) for name in ("time", "time_from", "evaluation_mode", "evaluation_status")}
        note["is_located"] = any(source.get("is_located") for source in event.get("sources", [])) or None
    return note


def _origin(origin: data.Origin, event: data.Event) -> Any:
    from obspy.core.event import Origin, OriginQuality

    preferred = origin["_id"] == event.get("preferred_origin_id")
    quality = {
        "used_phase_count": origin.get("n_picks"),
        "used_station_count": origin.get("n_stations"),
        "standard_error": origin.get("rms"),
        "azimuthal_gap": origin.get("azimuthal_gap"),
        "minimum_distance": _degrees(origin.get("minimum_distance_km")),
    }
    return Origin(
        resource_id=resource_id("origin", origin["_id"]),
        time=_time(origin["time"]),
        time_errors=_errors(origin.get("time_uncertainty")),
        latitude=origin["latitude"],
        longitude=origin["longitude"],
        depth=_metres(origin.get("depth_km")),
        depth_errors=_errors(_metres(origin.get("depth_uncertainty_km"))),
        method_id=resource_id("method", origin["method"]),
        quality=OriginQuality(**present(quality)) if present(quality) else None,
        origin_uncertainty=_origin_uncertainty(origin),
        **(_evaluation(event) if preferred else _evaluation(origin)),
        comments=[*_comments(**{name: origin.get(name) for name in ORIGIN_NOTES}), *_limits(origin)],
        creation_info=_creation_info(event),
        arrivals=[_arrival(arrival, origin) for arrival in origin.get("arrivals", [])],
        force_resource_id=False,
    )


def _limits(origin: data.Origin) -> list[Any]:
    """The same as the note says, for readers of other programs."""
    from obspy.core.event import Comment

    return [Comment(text=LIMITS[name], force_resource_id=False) for name in origin.get("limits", []) if name in LIMITS]


def _arrival(arrival: data.OriginArrival, origin: data.Origin) -> Any:
    from obspy.core.event import Arrival

    return Arrival(
        resource_id=resource_id("arrival", f"{origin['_id']}/{arrival['pick_id']}"),
        pick_id=resource_id("pick", arrival["pick_id"]),
        phase=_text(arrival["phase"]),
        time_residual=arrival.get("residual"),
        distance=_degrees(arrival.get("distance_km")),
        azimuth=arrival.get("azimuth"),
        takeoff_angle=arrival.get("takeoff_angle"),
        time_correction=arrival.get("station_delay"),
        time_weight=arrival.get("weight"),
        force_resource_id=False,
    )


def _pick(pick: data.Pick) -> Any:
    from obspy.core.event import Pick, WaveformStreamID

    return Pick(
        resource_id=resource_id("pick", pick["_id"]),
        time=_time(pick["time"]),
        time_errors=_errors(pick.get("uncertainty")),
        waveform_id=WaveformStreamID(
            # the schema wants a network code, and takes an empty one
            network_code=_text(pick.get("net", "")),
            station_code=_text(pick["sta"]),
            location_code=pick.get("loc") or None,
            channel_code=pick.get("chan") or None,
        ),
        phase_hint=_text(pick["phase"]),
        polarity=pick.get("polarity"),
        onset=pick.get("onset"),
        **_evaluation(pick),
        comments=_comments(**{name: pick.get(name) for name in PICK_NOTES}),
        force_resource_id=False,
    )


def _magnitude(magnitude: data.Magnitude, event: data.Event) -> Any:
    from obspy.core.event import Magnitude, StationMagnitudeContribution

    origin = event.get("preferred_origin_id")
    return Magnitude(
        resource_id=resource_id("magnitude", magnitude["_id"]),
        mag=magnitude["value"],
        mag_errors=_errors(magnitude.get("uncertainty")),
        magnitude_type=_text(magnitude["type"]),
        station_count=magnitude.get("n_stations"),
        origin_id=origin and resource_id("origin", origin),
        **_evaluation(magnitude),
        creation_info=_creation_info(event),
        station_magnitude_contributions=[
            StationMagnitudeContribution(
                station_magnitude_id=_station_magnitude_id(magnitude, number), weight=part.get("weight")
            )
            for number, part in enumerate(magnitude.get("station_magnitudes", []))
        ]
        if event.get("preferred_origin_id")
        else [],
        force_resource_id=False,
    )


def _station_magnitudes(magnitude: data.Magnitude, event: data.Event) -> list[Any]:
    from obspy.core.event import StationMagnitude, WaveformStreamID

    origin = event.get("preferred_origin_id")
    if not origin:  # QuakeML wants an origin for each
        return []
    return [
        StationMagnitude(
            resource_id=_station_magnitude_id(magnitude, number),
            origin_id=resource_id("origin", origin),
            mag=part["value"],
            station_magnitude_type=_text(magnitude["type"]),
            waveform_id=WaveformStreamID(network_code=_text(part.get("net", "")), station_code=_text(part["sta"])),
            comments=_comments(**{name: part.get(name) for name in STATION_MAGNITUDE_NOTES}),
            force_resource_id=False,
        )
        for number, part in enumerate(magnitude.get("station_magnitudes", []))
    ]


def _station_magnitude_id(magnitude: data.Magnitude, number: int) -> str:
    return resource_id("station_magnitude", f"{magnitude['_id']}/{number}")


def _creation_info(event: data.Event) -> Any:
    from obspy.core.event import CreationInfo

    info = event.get("creation_info") or {"author": AUTHOR}
    created = info.get("creation_time")
    return CreationInfo(
        agency_id=_text(info["agency_id"]) if info.get("agency_id") else None,
        author=_text(info["author"]) if "author" in info else None,
        creation_time=_time(created) if created is not None else None,
        version=_text(info["version"]) if info.get("version") else None,
    )


def _evaluation(document: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: document.get(name) for name in ("evaluation_mode", "evaluation_status")}


def _comments(**note: Any) -> list[Any]:
    from obspy.core.event import Comment

    if not (note := present(note)):
        return []
    return [Comment(text=_text(note_text(note)), force_resource_id=False)]


def _errors(uncertainty: float | None) -> Any:
    from obspy.core.event import QuantityError

    return QuantityError(uncertainty=uncertainty)


def _time(time: float) -> Any:
    from obspy import UTCDateTime

    return UTCDateTime(ns=round(time * 1e6) * 1000)


def _text(text: str) -> str:
    return _NOT_IN_XML.sub(" ", str(text))


def _metres(kilometres: float | None) -> float | None:
    return None if kilometres is None else round(kilometres * 1000.0, 6)


def _degrees(kilometres: float | None) -> float | None:
    return None if kilometres is None else kilometres / KM_PER_DEGREE


def _origin_uncertainty(origin: Mapping[str, Any]) -> Any:
    """The `OriginUncertainty` (of ObsPy) of an origin document; None where nothing is known of it.

    Without an ellipsoid `horizontalUncertainty` is the largest horizontal standard deviation; else radius and axes are
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
        horizontal_uncertainty=round(horizontal * ELLIPSE_DEVIATIONS * 1000.0, 6),
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
