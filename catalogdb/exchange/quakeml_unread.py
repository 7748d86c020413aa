"""Which elements of a QuakeML file nothing is made of: they are counted by name, so that nothing is lost in silence."""

from __future__ import annotations

from collections import Counter
from typing import Any

from catalogdb.exchange.quakeml_notes import NOTE_PREFIX

_OF_ALL = {"comment", "creationInfo", "evaluationMode", "evaluationStatus"}
# children by parent; what has no line here is read whole or, as amplitudes, counted by itself
_READ = {
    "eventParameters": {"event", "origin", "magnitude", "stationMagnitude", "pick", "amplitude", "focalMechanism"}
    | {"arrival", "reading"},  # those beside the events are looked for, and counted where no event names them
    "event": {"preferredOriginID", "preferredMagnitudeID", "preferredFocalMechanismID", "type", "typeCertainty"}
    | {"origin", "magnitude", "stationMagnitude", "pick", "amplitude", "focalMechanism", "description"}
    | {"originReference", "magnitudeReference", "pickReference", "comment", "creationInfo"},
    "origin": {"time", "latitude", "longitude", "depth", "depthType", "methodID", "earthModelID", "quality"}
    | {"originUncertainty", "arrival"}
    | _OF_ALL,
    "quality": {"usedPhaseCount", "usedStationCount", "standardError", "azimuthalGap", "minimumDistance"},
    "arrival": {"pickID", "phase", "timeCorrection", "azimuth", "distance", "takeoffAngle", "timeResidual"}
    | {"timeWeight"},
    "magnitude": {"mag", "type", "originID", "stationCount", "stationMagnitudeContribution"} | _OF_ALL,
    "stationMagnitudeContribution": {"stationMagnitudeID", "weight"},
    "stationMagnitude": {"originID", "mag", "type", "waveformID"},
    "pick": {"time", "waveformID", "onset", "phaseHint", "polarity"} | _OF_ALL,
}


def unread_elements(element: Any) -> Counter[str]:
    """How often an element, and what is read of it, has parts that are not read: by "parent/name"."""
    from lxml import etree

    found: Counter[str] = Counter()
    waiting = [element]
    while waiting:
        parent = waiting.pop()
        name = etree.QName(parent)
        if (read := _READ.get(name.localname)) is None:
            continue
        for part in parent.iterchildren("*"):
            own = etree.QName(part)
            if own.namespace != name.namespace:
                found[f"{name.localname}/{own.localname} of another namespace"] += 1
            elif own.localname in read:
                waiting += [part] if name.localname != "eventParameters" else []
            elif not _is_own(part):
                found[f"{name.localname}/{own.localname}"] += 1
    return found


def _is_own(element: Any) -> bool:
    """True for comments that catalogdb wrote."""
    return any((text or "").startswith(NOTE_PREFIX) for text in element.itertext())


def unread_line(found: Counter[str]) -> list[str]:
    """What is to be said of them, one line; none for none."""
    named = ", ".join(f"{name} ({number})" for name, number in sorted(found.items()))
    return [f"elements of QuakeML that are not stored: {named}"] if named else []
