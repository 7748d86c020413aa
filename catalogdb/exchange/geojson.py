"""GeoJSON of events as the USGS writes it, out and in (https://earthquake.usgs.gov/earthquakes/feed/v1.0/geojson.php).

A feature's coordinates are longitude, latitude (degrees) and depth (km); times are milliseconds since 1970.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from catalogdb.decoding import decode, read_bytes
from catalogdb.documents.data import Event, Pick
from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.event_types import quakeml_name
from catalogdb.exchange.csv_columns import MAGNITUDE_TYPE_NAMES
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.event_parts import event_of, magnitude_of, origin_of, preferred_origin, present
from catalogdb.exchange.positions import depth_in_range
from catalogdb.exchange.quakeml_elements import degrees
from catalogdb.exchange.quakeml_values import EARLIEST, LATEST, Tally
from catalogdb.exchange.reference_catalog import ReadEvent, ReferenceCatalog
from catalogdb.exchange.writer_words import UNLOCATED
from catalogdb.geo import KM_PER_DEGREE, coordinates

MODES: dict[str, EvaluationMode] = {"automatic": "automatic", "reviewed": "manual", "manual": "manual"}
DELETED = "deleted"
ONLY_THE_USGS = ("tz", "url", "detail", "felt", "cdi", "mmi", "alert", "tsunami", "sig")
"""Properties that have no value here; they are there for programs that look them up."""
GET_AGAIN = "get the same search with format=geojson, or as QuakeML"


def write_geojson(events: Iterable[tuple[Event, list[Pick]]], stream: BinaryIO, left_out: Counter[str]) -> int:
    """Write a FeatureCollection; events without a location are left out."""
    stream.write(b'{"type": "FeatureCollection", "metadata": {"title": "catalogdb", "api": "1.0"}, "features": [')
    number = 0
    for event, _ in events:
        if "latitude" not in event:
            left_out[UNLOCATED] += 1
            continue
        text = json.dumps(_feature(event), ensure_ascii=False, allow_nan=False)
        stream.write((",\n" if number else "\n").encode() + text.encode())
        number += 1
    stream.write(b"\n]}\n")
    return number


def _feature(event: Event) -> Json:
    origin, info = preferred_origin(event), event.get("creation_info", {})
    magnitude, place = event.get("magnitude"), event.get("place")
    net = (info.get("agency_id") or "catalogdb").lower()
    title = f"M {'?' if magnitude is None else f'{magnitude:.1f}'} - {place or 'unknown place'}"
    properties = {
        "mag": magnitude,
        "place": place,
        "time": round(event["time"] * 1000.0),
        "updated": round(info["creation_time"] * 1000.0) if info.get("creation_time") is not None else None,
        "status": "reviewed" if event.get("evaluation_mode") == "manual" else "automatic",
        "net": net,
        "code": event["_id"],
        "ids": f",{event['_id']},",
        "sources": f",{net},",
        "types": ",origin,",
        "nst": origin.get("n_stations"),
        "dmin": degrees(origin.get("minimum_distance_km")),
        "rms": event.get("rms"),
        "gap": event.get("azimuthal_gap"),
        "magType": event.get("magnitude_type"),
        "type": event.get("event_type"),
        "title": title,
        **dict.fromkeys(ONLY_THE_USGS),
    }
    where = [event["longitude"], event["latitude"], *([event["depth_km"]] if "depth_km" in event else [])]
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Point", "coordinates": where},
        "id": event["_id"],
    }


def read_geojson(path: Path, evaluation_mode: EvaluationMode = "manual") -> ReferenceCatalog:
    """Read events of a FeatureCollection or of a single Feature; those that the USGS deleted are rejected.

    Raises:
        InputError: naming the file and the reason, when it is no GeoJSON of events.
    """
    try:
        content = json.loads(decode(path, read_bytes(path)))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not GeoJSON: {error}", hint=GET_AGAIN) from error
    features = content.get("features", [content]) if isinstance(content, dict) else None
    if not isinstance(features, list):
        raise InputError(f"{path}: not GeoJSON of events: it has no features", hint=GET_AGAIN)
    result, said = ReferenceCatalog(), Tally(str(path))
    for number, feature in enumerate(features, 1):
        name = feature.get("id") if isinstance(feature, dict) else None
        try:
            result.events.append(_event(feature, evaluation_mode, f"feature {number} ({name or 'no id'})", said))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error)
            result.rejected.append(f"{path}: feature {number} ({name or 'no id'}): {reason}")
    result.repaired = said.lines()
    return result


def _event(feature: Json, mode: EvaluationMode, where: str, said: Tally) -> ReadEvent:
    properties = feature["properties"]
    if properties.get("status") == DELETED:
        raise ValueError("deleted by its source")
    time = _finite(properties["time"], "time") / 1000.0
    if not EARLIEST <= time < LATEST:
        raise ValueError(f"time {properties['time']} is not in the years 100 to 2099; it is milliseconds since 1970")
    longitude, latitude, *rest = feature["geometry"]["coordinates"]
    latitude, longitude = coordinates(_finite(latitude, "latitude"), _finite(longitude, "longitude"))
    depth_km = depth_in_range(_finite(rest[0], "depth")) if rest and rest[0] is not None else None

    def number(key: str, name: str, unit: float = 1.0) -> float | None:
        value = _optional(properties, key)
        return said.bounded(name, None if value is None else value * unit, where)

    n_stations = number("nst", "n_stations")
    origin = origin_of(
        method="unknown",
        time=time,
        latitude=latitude,
        longitude=longitude,
        depth_km=depth_km,
        rms=number("rms", "rms"),
        azimuthal_gap=number("gap", "azimuthal_gap"),
        n_stations=None if n_stations is None else round(n_stations),
        minimum_distance_km=number("dmin", "minimum_distance_km", KM_PER_DEGREE),
    )
    value = number("mag", "magnitude")
    kind = _text(properties.get("magType")) or "M"
    kind = MAGNITUDE_TYPE_NAMES.get(kind.lower(), kind)
    magnitudes = [] if value is None else [magnitude_of(type=kind, value=value)]
    own_mode = MODES.get(str(properties.get("status", "")).lower(), mode)
    given = _text(properties.get("type"))
    event_type = quakeml_name(given) if given else None
    if given and event_type is None:
        said.add(f"events of type {given!r}, which QuakeML has not, kept as it is", where)
    updated = _optional(properties, "updated")
    info = {"agency_id": _text(properties.get("net")), "creation_time": None if updated is None else updated / 1000.0}
    identity = feature.get("id")
    return event_of(
        origin,
        magnitudes,
        own_mode,
        source_id=_text(properties.get("code") if identity in (None, "") else identity),
        place=_text(properties.get("place")),
        event_type=event_type or given,
        creation_info=present(info) or None,
    )


def _finite(value: Any, what: str) -> float:
    """A number; of a text that is one, too, as other programs than the USGS write them.

    Raises:
        ValueError: naming what it is of.
    """
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{what} {value!r} is no number")
    return number


def _optional(properties: Json, name: str) -> float | None:
    value = properties.get(name)
    return None if value is None else _finite(value, name)


def _text(value: Any) -> str | None:
    """A text, or a number as one; None for nothing, and for what is neither."""
    return str(value).strip() or None if isinstance(value, str | int | float) else None
