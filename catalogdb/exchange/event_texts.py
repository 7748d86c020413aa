"""Events as lines of text that other programs read: FDSN text, ZMAP, CSEP's csv.

Sources: fdsnws-event 1.2 (format=text); Wiemer (2001), A software package to analyze seismicity: ZMAP, SRL 72(3); the
documentation of pyCSEP (Savran et al., 2022, JOSS 7(69), Catalogs: csep-csv).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import BinaryIO

from catalogdb.documents.data import Event, Pick
from catalogdb.exchange.event_parts import preferred_origin
from catalogdb.exchange.quakeml_elements import xml_text
from catalogdb.exchange.writer_words import NO_DEPTH, NO_MAGNITUDE, UNLOCATED
from catalogdb.times import format_time, utc_datetime

Events = Iterable[tuple[Event, list[Pick]]]
FDSN_HEADER = (
    "#EventID|Time|Latitude|Longitude|Depth/km|Author|Catalog|Contributor|ContributorID|MagType|Magnitude|MagAuthor|"
    "EventLocationName|EventType"
)
CSEP_HEADER = ("lon", "lat", "mag", "time_string", "depth", "catalog_id", "event_id")


def write_fdsn_text(events: Events, stream: BinaryIO, left_out: Counter[str]) -> int:
    """Lines of fdsnws-event's text format; events without a location are left out."""
    stream.write(f"{FDSN_HEADER}\n".encode())
    number = 0
    for event, _ in events:
        if "latitude" not in event:
            left_out[UNLOCATED] += 1
            continue
        info = event.get("creation_info", {})
        agency = info.get("agency_id") or ""
        cells = (
            event["_id"],
            utc(event["time"]),
            f"{event['latitude']:.6f}",
            f"{event['longitude']:.6f}",
            _number(event.get("depth_km"), 4),
            info.get("author") or agency,
            event.get("catalog", ""),
            agency,
            event.get("source_id", ""),
            event.get("magnitude_type", ""),
            _number(event.get("magnitude"), 3),
            agency if "magnitude" in event else "",
            event.get("place", ""),
            event.get("event_type", ""),
        )
        stream.write(("|".join(" ".join(xml_text(cell).replace("|", "/").split()) for cell in cells) + "\n").encode())
        number += 1
    return number


def write_zmap(events: Events, stream: BinaryIO, left_out: Counter[str]) -> int:
    """ZMAP's thirteen columns, separated by tabs: longitude, latitude, decimal year, month, day, magnitude, depth (km),
    hour, minute, second, and uncertainties of place (km), depth (km) and magnitude; NaN where not known."""
    number = 0
    for event, _ in events:
        if "latitude" not in event:
            left_out[UNLOCATED] += 1
            continue
        origin = preferred_origin(event)
        moment = utc_datetime(event["time"])
        magnitude_error = next(
            (
                item.get("uncertainty")
                for item in event["magnitudes"]
                if item["_id"] == event.get("preferred_magnitude_id")
            ),
            None,
        )
        cells = (
            f"{event['longitude']:.6f}",
            f"{event['latitude']:.6f}",
            f"{decimal_year(moment):.13f}",
            str(moment.month),
            str(moment.day),
            _number(event.get("magnitude"), 3, "NaN"),
            _number(event.get("depth_km"), 4, "NaN"),
            str(moment.hour),
            str(moment.minute),
            f"{moment.second + moment.microsecond / 1e6:.6f}",
            _number(origin.get("horizontal_uncertainty_km"), 4, "NaN"),
            _number(origin.get("depth_uncertainty_km"), 4, "NaN"),
            _number(magnitude_error, 3, "NaN"),
        )
        stream.write(("\t".join(cells) + "\n").encode())
        number += 1
    return number


def write_csep(events: Events, stream: BinaryIO, left_out: Counter[str]) -> int:
    """pyCSEP's csv (`csep.load_catalog(FILE, type="csep-csv")`): times without a zone are UTC, all is catalog 0.

    pyCSEP takes no event without a magnitude or a depth: they are left out. A file of no event has its header alone.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSEP_HEADER)
    number = 0
    for event, _ in events:
        reasons = {UNLOCATED: "latitude", NO_MAGNITUDE: "magnitude", NO_DEPTH: "depth_km"}
        if reason := next((reason for reason, name in reasons.items() if name not in event), None):
            left_out[reason] += 1
            continue
        place = (f"{event['longitude']:.6f}", f"{event['latitude']:.6f}")
        values = (f"{event['magnitude']:.3f}", utc(event["time"]), f"{event['depth_km']:.4f}")
        writer.writerow((*place, *values, 0, event["_id"]))
        number += 1
    text.detach()
    return number


def utc(time: float) -> str:
    """ISO 8601 with microseconds and without a zone."""
    return format_time(time).removesuffix("Z")


def decimal_year(moment: datetime) -> float:
    """The year and the part of it that has passed."""
    start = datetime(moment.year, 1, 1, tzinfo=UTC)
    return moment.year + (moment - start) / (datetime(moment.year + 1, 1, 1, tzinfo=UTC) - start)


def _number(value: float | None, digits: int, absent: str = "") -> str:
    return absent if value is None else f"{value:.{digits}f}"
