"""Events as placemarks for Google Earth and other maps: KML 2.2 (OGC 07-147r2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import BinaryIO

from lxml import etree

from catalogdb.documents.data import Event, Pick
from catalogdb.exchange.quakeml_elements import add, add_texts
from catalogdb.exchange.writer_words import UNLOCATED
from catalogdb.times import format_time

KML = "http://www.opengis.net/kml/2.2"


def write_kml(events: Iterable[tuple[Event, list[Pick]]], stream: BinaryIO, left_out: Counter[str]) -> int:
    """Write one placemark an event, with its time for the time slider; events without a location are left out."""
    number = 0
    with etree.xmlfile(stream, encoding="utf-8") as file:
        file.write_declaration()
        with file.element(f"{{{KML}}}kml", nsmap={None: KML}), file.element(f"{{{KML}}}Document"):
            for event, _ in events:
                if "latitude" not in event:
                    left_out[UNLOCATED] += 1
                    continue
                file.write(_placemark(event), pretty_print=True)
                number += 1
    return number


def _placemark(event: Event) -> etree._Element:
    element = etree.Element("Placemark", id=f"event-{event['_id']}")
    time, magnitude, depth_km = format_time(event["time"]), event.get("magnitude"), event.get("depth_km")
    kind = event.get("magnitude_type", "M")
    known = [f"{kind} {magnitude:.2f}"] if magnitude is not None else []
    known += [f"{depth_km:.1f} km deep"] if depth_km is not None else []
    add(element, "name", f"{time[:19]} {' '.join(known[:1])}".strip())
    add(element, "description", ", ".join([time, *known, *([event["place"]] if event.get("place") else [])]))
    add(etree.SubElement(element, "TimeStamp"), "when", time)
    add_texts(etree.SubElement(element, "Point"), coordinates=f"{event['longitude']:.6f},{event['latitude']:.6f},0")
    return element
