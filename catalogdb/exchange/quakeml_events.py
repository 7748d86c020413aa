"""Take a QuakeML file apart into events and read each through ObsPy by itself: a bad one stops no other.

Each event is copied into a small QuakeML 1.2 document of its own. On the way values that are no finite numbers are left
out, and origins, magnitudes and picks that stand beside the events and belong to this one are put into it: QuakeML-RT
keeps them there, SeisComP and others the picks.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalogdb.event_types import quakeml_name
from catalogdb.exchange.quakeml_times import carried
from catalogdb.exchange.quakeml_unread import unread_elements

QUAKEML = "http://quakeml.org/xmlns/quakeml/1.2"
BED = "http://quakeml.org/xmlns/bed/1.2"
# elements whose text is no number whatever it looks like: a phase or an agency may be called INF
TEXT_ELEMENTS = {"text", "type", "author", "agencyID", "version", "phase", "phaseHint", "waveformID", "publicID"}


@dataclass
class EventRecord:
    """One event of a file.

    record: "file: event number (publicID)", for messages.
    event: ObsPy's `Event`; None when it can't be read, with the reason in `rejected`.
    digest: of its content; two events of one digest differ in nothing.
    unread: number of its elements that nothing is made of, by name.
    rejected, repaired: "record: what".
    """

    record: str
    event: Any = None
    digest: str = ""
    unread: Counter[str] = field(default_factory=Counter)
    rejected: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)


def read_events(path: Path, parameters: Any, said: list[str]) -> tuple[Iterator[EventRecord], list[str]]:
    """Read the events of QuakeML (1.0, 1.1, 1.2, or RT 1.2), one at a time.

    Args:
        path: of the file, for messages.
        parameters: its element `eventParameters`.
        said: "file: what" that was guessed of the file.

    Returns:
        The events in the file's order, and "file: what" of that which belongs to none of them.
    """
    own_events = [element for element in parameters if _name(element) == "event"]
    beside = {
        element.get("publicID"): element
        for element in parameters
        if _name(element) != "event" and element.get("publicID")
    }
    magnitudes = _magnitudes_by_origin(beside)
    belongings = [_belongings(element, beside, magnitudes) for element in own_events]
    used = {identity for identities in belongings for identity in identities}
    unused = Counter(_name(element) for identity, element in beside.items() if identity not in used)
    complaints = said + [
        f"{path}: {number} times {name} beside the events, which none of them names: not stored"
        for name, number in unused.items()
    ]

    def events() -> Iterator[EventRecord]:
        for number, (element, identities) in enumerate(zip(own_events, belongings, strict=True), 1):
            record = f"{path}: event {number} ({element.get('publicID') or 'no publicID'})"
            yield _read_event(record, element, [beside[identity] for identity in identities])

    return events(), complaints


def _belongings(event: Any, beside: Mapping[str, Any], magnitudes: dict[str, list[str]]) -> list[str]:
    """publicIDs of the elements beside the events that this event needs: named in it, or magnitudes of its origins."""
    if not beside:
        return []
    own = {part.get("publicID") for part in event.iter()}
    found: dict[str, None] = {}  # in the order of finding
    waiting = [event]
    while waiting:
        element = waiting.pop()
        named = {(part.text or "").strip() for part in element.iter()} & beside.keys()
        for origin in element.iter("{*}origin"):
            named.update(magnitudes.get(origin.get("publicID"), ()))
        new = sorted(named - own - found.keys())
        found |= dict.fromkeys(new)
        waiting += [beside[identity] for identity in new]
    return list(found)


def _magnitudes_by_origin(beside: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for identity, element in beside.items():
        if _name(element) in ("magnitude", "stationMagnitude"):
            for part in element:
                if _name(part) == "originID":
                    found[(part.text or "").strip()].append(identity)
    return found


def _read_event(record: str, element: Any, belongings: list[Any]) -> EventRecord:
    from lxml import etree
    from obspy.io.quakeml.core import Unpickler

    result = EventRecord(record)
    root = etree.Element(f"{{{QUAKEML}}}quakeml", nsmap={"q": QUAKEML, None: BED})
    parameters = etree.SubElement(root, f"{{{BED}}}eventParameters", publicID="smi:local/one")
    event = _copy(parameters, element, "event", "", result)
    for belonging in belongings:
        _copy(event, belonging, _name(belonging), "", result)
    _check_type(event, result)
    text = etree.tostring(root)
    result.digest = hashlib.sha256(text).hexdigest()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            events = list(Unpickler().loads(text))
        except Exception as error:  # ObsPy gives whatever the odd value met: its message is all there is to know
            result.rejected.append(f"{record}: cannot be read: {error}")
            return result
    complaints = [f"{record}: {text}" for text in dict.fromkeys(str(warning.message) for warning in caught)]
    if events:
        result.event = events[0]
        for part in (element, *belongings):
            result.unread += unread_elements(part)
        result.repaired += complaints
    else:
        result.rejected += complaints or [f"{record}: ObsPy reads no event in it"]
    return result


def _check_type(event: Any, result: EventRecord) -> None:
    """Leave out a type that QuakeML does not know: ObsPy would leave out the event."""
    for element in event.findall(f"{{{BED}}}type"):
        if not (element.text or "").strip():
            event.remove(element)
        elif (known := quakeml_name(element.text)) is not None:
            element.text = known
        else:
            result.repaired.append(
                f"{result.record}: event type {element.text.strip()!r} is none of QuakeML's: kept without a type"
            )
            event.remove(element)


def _copy(parent: Any, element: Any, owner: str, quantity: str, result: EventRecord) -> Any:
    """Copy an element into QuakeML's own namespace, without what belongs to others and without infinite numbers.

    Args:
        parent: of the copy.
        owner: name and publicID of the innermost element that has one.
        quantity: names of the elements between the owner and this one.
    """
    from lxml import etree

    copy = etree.SubElement(parent, f"{{{BED}}}{_name(element)}", dict(element.attrib))
    copy.text = element.text
    for part in element:
        name = _name(part)
        if etree.QName(part).namespace != etree.QName(element).namespace:
            continue  # an extension, which nothing reads
        identity = part.get("publicID")
        inner = f"{quantity} {name}".strip() if name != "value" else quantity
        if not len(part) and name not in TEXT_ELEMENTS and _is_not_finite(part.text):
            result.repaired.append(f"{result.record}: {owner}: {inner} {part.text.strip()} is not finite: left out")
            continue
        leaf = _copy(copy, part, f"{name} {identity}" if identity else owner, "" if identity else inner, result)
        if not len(part) and name not in TEXT_ELEMENTS and part.text and (time := carried(part.text)):
            result.repaired.append(f"{result.record}: {owner}: {inner} {part.text.strip()} read as {time}")
            leaf.text = time
    return copy


def _is_not_finite(text: str | None) -> bool:
    try:
        return text is not None and not math.isfinite(float(text))
    except ValueError:
        return False


def _name(element: Any) -> str:
    from lxml import etree

    return str(etree.QName(element).localname)
