"""Write QuakeML 1.2, event by event: memory holds one event, whatever the catalog's size.

Elements stand in the order in which ObsPy writes them, and have its texts of numbers and times.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, cast

from lxml import etree

from catalogdb.documents import data
from catalogdb.documents.free import Json
from catalogdb.event_types import quakeml_types
from catalogdb.exchange.event_parts import present
from catalogdb.exchange.quakeml_elements import add, add_quantity, add_texts, degrees, metres, xml_text
from catalogdb.exchange.quakeml_notes import (
    LIMITS,
    ORIGIN_NOTES,
    PICK_NOTES,
    STATION_MAGNITUDE_NOTES,
    note_text,
)
from catalogdb.exchange.quakeml_texts import REGION
from catalogdb.exchange.quakeml_uncertainty import add_origin_uncertainty
from catalogdb.times import format_time
from catalogdb.version import __version__

OWN_PREFIX = "smi:local/catalogdb"
AUTHOR = f"catalogdb {__version__}"
QUAKEML = "http://quakeml.org/xmlns/quakeml/1.2"
BED = "http://quakeml.org/xmlns/bed/1.2"

UNKNOWN_METHOD = "unknown"

_RESOURCE_ID = re.compile(r"(smi|quakeml):[\w][\w\-.*()~']{2,}/[\w\-.*()~'][\w\-.*()+?~'=,;#/&]*", re.ASCII)
_NOT_IN_A_RESOURCE_ID = re.compile(r"[^\w\-.*()+?~'=,;#/&]", re.ASCII)
# of types that QuakeML has not; None: it has no word for what is not known ("not reported" is no event at all)
_EVENT_TYPES = {"suspected slide": "landslide", "blast": "quarry blast", "unknown": None}


def write_quakeml(events: Iterable[tuple[data.Event, list[data.Pick]]], stream: BinaryIO, name: str = "catalog") -> int:
    """Write events as QuakeML 1.2 (valid by its RelaxNG schema, https://quake.ethz.ch/quakeml/).

    Args:
        events: pairs of an event document and its pick documents, in arrivals or not. An arrival whose pick is not
            given gets one made from the arrival itself.
        stream: binary stream to write to.
        name: of the catalog, for its publicID.

    Returns:
        Number of events written. The text depends on the documents alone: equal documents, equal bytes.
    """
    number = 0
    with etree.xmlfile(stream, encoding="utf-8") as file:
        file.write_declaration()
        with (
            file.element(f"{{{QUAKEML}}}quakeml", nsmap={"q": QUAKEML, None: BED}),
            file.element(f"{{{BED}}}eventParameters", publicID=resource_id("catalog", name)),
        ):
            file.write("\n")
            for event, picks in events:
                file.write(_event(event, picks), pretty_print=True)
                number += 1
    return number


def resource_id(kind: str, identity: str) -> str:
    """Stable QuakeML resource identifier of one of our documents (BED 1.2, section 3.1)."""
    return f"{OWN_PREFIX}/{kind}/{_NOT_IN_A_RESOURCE_ID.sub('_', identity)}"


def _named(kind: str, name: str) -> str:
    """The identifier of a method or a model: of others as they name it."""
    return name if _RESOURCE_ID.fullmatch(name) else resource_id(kind, name)


def quakeml_type(event_type: str | None) -> str | None:
    """The event type of QuakeML that comes nearest."""
    nearest = _EVENT_TYPES.get(event_type or "", event_type)
    return nearest if nearest is None or nearest in quakeml_types() else "other event"


def _event(event: data.Event, picks: list[data.Pick]) -> Any:
    """The element of an event. Its names are without a namespace: they take that of the element they are written in."""
    element = etree.Element("event", publicID=resource_id("event", event["_id"]))
    if origin_id := event.get("preferred_origin_id"):
        add(element, "preferredOriginID", resource_id("origin", origin_id))
    if magnitude_id := event.get("preferred_magnitude_id"):
        add(element, "preferredMagnitudeID", resource_id("magnitude", magnitude_id))
    add(element, "type", quakeml_type(event.get("event_type")))
    add(element, "typeCertainty", event.get("event_type_certainty"))
    for text, kind in _descriptions(event):
        add_texts(etree.SubElement(element, "description"), text=text, type=kind)
    _add_note(element, _event_note(event))
    _add_comments(element, event)
    _add_creation_info(element, _creation_info(event))
    for origin in event["origins"]:
        _add_origin(element, origin, event)
    for magnitude in event["magnitudes"]:
        _add_magnitude(element, magnitude, event)
    for magnitude in event["magnitudes"]:
        _add_station_magnitudes(element, magnitude, event)
    for pick in _picks(event, picks):
        _add_pick(element, pick)
    return element


def _picks(event: data.Event, picks: list[data.Pick]) -> list[data.Pick]:
    """Those of the arrivals in their order, then the others by time."""
    known = {pick["_id"]: pick for pick in picks}
    used: dict[str, data.Pick] = {}
    for origin in event["origins"]:
        for arrival in origin.get("arrivals", []):
            identity = arrival["pick_id"]
            if identity not in used:
                used[identity] = known.get(identity) or cast(data.Pick, arrival | {"_id": identity})
    others = [pick for pick in picks if pick["_id"] not in used]
    return [*used.values(), *sorted(others, key=lambda pick: (pick["time"], pick["_id"]))]


def _descriptions(event: data.Event) -> list[tuple[str, str | None]]:
    """Texts with their types; the place is among them."""
    found = [(one["text"], one.get("type")) for one in event.get("descriptions", [])]
    place = event.get("place")
    if place and all(text != place for text, _ in found):
        found.insert(0, (place, REGION))
    return found


def _event_note(event: data.Event) -> Json:
    own_type = event.get("event_type")
    names = ("source_id", "remarks", "zone", "is_no_event", "event_type_rule", "event_type_probability")
    note = {name: event.get(name) for name in (*names, "preferred_origin_rule")}
    is_said = own_type != quakeml_type(own_type) or note["event_type_rule"]  # which is of this type and of no other
    note["event_type"] = own_type if is_said else None
    if not event["origins"]:
        note |= _said(event, ("time", "time_from", "evaluation_mode", "evaluation_status"))
        note["is_located"] = any(source.get("is_located") for source in event.get("sources", [])) or None
    return note


def _add_origin(parent: Any, origin: data.Origin, event: data.Event) -> None:
    element = etree.SubElement(parent, "origin", publicID=resource_id("origin", origin["_id"]))
    add_quantity(element, "time", format_time(origin["time"]), origin.get("time_uncertainty"))
    add_quantity(element, "latitude", float(origin["latitude"]))
    add_quantity(element, "longitude", float(origin["longitude"]))
    add_quantity(element, "depth", metres(origin.get("depth_km")), metres(origin.get("depth_uncertainty_km")))
    add(element, "depthType", origin.get("depth_type"))
    if origin["method"] != UNKNOWN_METHOD:
        add(element, "methodID", _named("method", origin["method"]))
    if origin.get("earth_model_id"):
        add(element, "earthModelID", _named("earth_model", origin["earth_model_id"]))
    quality = present(
        {
            "usedPhaseCount": origin.get("n_picks"),
            "usedStationCount": origin.get("n_stations"),
            "standardError": origin.get("rms"),
            "azimuthalGap": origin.get("azimuthal_gap"),
            "minimumDistance": degrees(origin.get("minimum_distance_km")),
        }
    )
    if quality:
        add_texts(etree.SubElement(element, "quality"), **quality)
    _add_evaluation(element, event if origin["_id"] == event.get("preferred_origin_id") else origin)
    _add_note(element, {name: origin.get(name) for name in ORIGIN_NOTES})
    for name in origin.get("limits", []):  # the same as the note says, for readers of other programs
        if name in LIMITS:
            add(etree.SubElement(element, "comment"), "text", LIMITS[name])
    _add_comments(element, origin)
    _add_creation_info(element, origin.get("creation_info") or _creation_info(event))
    add_origin_uncertainty(element, origin)
    for arrival in origin.get("arrivals", []):
        _add_arrival(element, arrival, origin["_id"])


def _add_arrival(parent: Any, arrival: data.OriginArrival, origin_id: str) -> None:
    identity = resource_id("arrival", f"{origin_id}/{arrival['pick_id']}")
    element = etree.SubElement(parent, "arrival", publicID=identity)
    add_texts(
        element,
        pickID=resource_id("pick", arrival["pick_id"]),
        phase=arrival["phase"],
        timeCorrection=arrival.get("station_delay"),
        azimuth=arrival.get("azimuth"),
        distance=degrees(arrival.get("distance_km")),
    )
    add_quantity(element, "takeoffAngle", arrival.get("takeoff_angle"))
    add_texts(element, timeResidual=arrival.get("residual"), timeWeight=arrival.get("weight"))


def _add_pick(parent: Any, pick: data.Pick) -> None:
    element = etree.SubElement(parent, "pick", publicID=resource_id("pick", pick["_id"]))
    add_quantity(element, "time", format_time(pick["time"]), _said(pick, ("uncertainty",))["uncertainty"])
    _add_waveform_id(element, pick)
    add_texts(element, onset=pick.get("onset"), phaseHint=pick["phase"], polarity=pick.get("polarity"))
    _add_evaluation(element, pick)
    _add_note(element, {name: pick.get(name) for name in PICK_NOTES})
    _add_comments(element, pick)
    if "creation_info" in pick:
        _add_creation_info(element, pick["creation_info"])


def _add_magnitude(parent: Any, magnitude: data.Magnitude, event: data.Event) -> None:
    element = etree.SubElement(parent, "magnitude", publicID=resource_id("magnitude", magnitude["_id"]))
    add_quantity(element, "mag", float(magnitude["value"]), magnitude.get("uncertainty"))
    origin = _origin_of(magnitude, event)
    add_texts(
        element,
        type=magnitude["type"],
        originID=None if "origin_id" in magnitude.get("assumed", ()) else origin,
        stationCount=magnitude.get("n_stations"),
    )
    _add_evaluation(element, magnitude)
    for number, part in enumerate(magnitude.get("station_magnitudes", []) if origin else []):
        contribution = etree.SubElement(element, "stationMagnitudeContribution")
        add(contribution, "stationMagnitudeID", _station_magnitude_id(magnitude, number))
        add(contribution, "weight", part.get("weight"))
    _add_comments(element, magnitude)
    _add_creation_info(element, magnitude.get("creation_info") or _creation_info(event))


def _add_station_magnitudes(parent: Any, magnitude: data.Magnitude, event: data.Event) -> None:
    origin = _origin_of(magnitude, event)
    if not origin:  # QuakeML wants an origin for each
        return
    for number, part in enumerate(magnitude.get("station_magnitudes", [])):
        element = etree.SubElement(parent, "stationMagnitude", publicID=_station_magnitude_id(magnitude, number))
        add(element, "originID", origin)
        add_quantity(element, "mag", float(part["value"]))
        add(element, "type", magnitude["type"])
        _add_waveform_id(element, part)
        _add_note(element, {name: part.get(name) for name in STATION_MAGNITUDE_NOTES})


def _origin_of(magnitude: data.Magnitude, event: data.Event) -> str | None:
    """Identifier of the origin that a magnitude is of, or is taken for where its source names none."""
    origin_id = magnitude.get("origin_id") or event.get("preferred_origin_id")
    return resource_id("origin", origin_id) if origin_id else None


def _station_magnitude_id(magnitude: data.Magnitude, number: int) -> str:
    return resource_id("station_magnitude", f"{magnitude['_id']}/{number}")


def _add_waveform_id(parent: Any, codes: Mapping[str, Any]) -> None:
    """The schema wants a network code, and takes an empty one."""
    element = etree.SubElement(parent, "waveformID")
    element.set("networkCode", xml_text(codes.get("net", "")))
    element.set("stationCode", xml_text(codes["sta"]))
    for name, attribute in (("loc", "locationCode"), ("chan", "channelCode")):
        if codes.get(name):
            element.set(attribute, xml_text(codes[name]))
    element.text = ""


def _add_evaluation(parent: Any, document: Mapping[str, Any]) -> None:
    said = _said(document, ("evaluation_mode", "evaluation_status"))
    add_texts(parent, evaluationMode=said["evaluation_mode"], evaluationStatus=said["evaluation_status"])


def _said(document: Mapping[str, Any], names: tuple[str, ...]) -> Json:
    """Fields of a document; None where the source does not give them."""
    return {name: None if name in document.get("assumed", ()) else document.get(name) for name in names}


def _add_comments(parent: Any, document: Mapping[str, Any]) -> None:
    for comment in document.get("comments", []):
        element = etree.SubElement(parent, "comment")
        add(element, "text", comment["text"])
        if "creation_info" in comment:
            _add_creation_info(element, comment["creation_info"])


def _add_note(parent: Any, note: Json) -> None:
    if note := present(note):
        add(etree.SubElement(parent, "comment"), "text", note_text(note))


def _creation_info(event: data.Event) -> Mapping[str, Any]:
    """Who made an event: where nobody is known, who writes it."""
    return event.get("creation_info") or {"author": AUTHOR}


def _add_creation_info(parent: Any, info: Mapping[str, Any]) -> None:
    created = info.get("creation_time")
    add_texts(
        etree.SubElement(parent, "creationInfo"),
        agencyID=info.get("agency_id") or None,
        author=info.get("author") or None,
        creationTime=None if created is None else format_time(created),
        version=info.get("version") or None,
    )
