"""What summaries, listings and bulletins say of one event -> an event document with one origin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from catalogdb.documents.data import EventSource, Magnitude, Origin
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.event_parts import event_from_parts, present
from catalogdb.exchange.positions import coordinates, depth_in_range
from catalogdb.exchange.reference_catalog import ReadEvent

LEAST_MAGNITUDE, LARGEST_MAGNITUDE = -5.0, 11.0


def origin_method(path: Path, otherwise: str) -> str:
    """NonLinLoc for the editions that say so in their name (`onlyeq2024.nll1D.hpl`)."""
    return "nonlinloc" if "nll" in path.name.lower() else otherwise


def origin_document(
    latitude: float | None, longitude: float | None, time: float, depth_km: float | None, **fields: Any
) -> Origin | None:
    """Origin as `schemas/origin.yaml` has it; None without latitude and longitude.

    Raises:
        ValueError: naming the value that is missing or out of range.
    """
    if latitude is None and longitude is None:
        return None
    if latitude is None or longitude is None:
        raise ValueError(f"no {'latitude' if latitude is None else 'longitude'}")
    latitude, longitude = coordinates(latitude, longitude)
    origin = {
        "_id": "1",
        "time": time,
        "latitude": latitude,
        "longitude": longitude,
        "depth_km": depth_in_range(depth_km),
    }
    return cast(Origin, present(origin | fields))


def magnitude_document(kind: str, value: float | None, **fields: Any) -> Magnitude | None:
    """Magnitude as `schemas/magnitude.yaml` has it; None without a value.

    Raises:
        ValueError: when no earthquake can have it.
    """
    if value is None:
        return None
    if not LEAST_MAGNITUDE <= value <= LARGEST_MAGNITUDE:
        raise ValueError(f"{kind} {value:g} is outside {LEAST_MAGNITUDE:g}..{LARGEST_MAGNITUDE:g}")
    return cast(Magnitude, present({"_id": kind, "type": kind, "value": value} | fields))


def event_document(
    time: float,
    origin: Origin | None,
    magnitudes: Sequence[Magnitude | None],
    *,
    mode: EvaluationMode,
    path: Path,
    format: str,
    line: int,
    own_id: str | None,
    own_number: int | None,
    **fields: Any,
) -> ReadEvent:
    """Event of one record; ML is preferred to MD. Without an id of its own it is called after file and line."""
    kept = [magnitude for magnitude in magnitudes if magnitude is not None]
    source = cast(
        EventSource, present({"file": path.name, "format": format, "line": line, "id": own_id, "number": own_number})
    )
    if origin is not None:
        origin |= {"source_file": path.name, "source_format": format}
    for magnitude in kept:
        magnitude |= {"source_file": path.name, "given_as": {format: magnitude["value"]}}
    return event_from_parts(
        time,
        [] if origin is None else [origin],
        kept,
        origin,
        next((magnitude for magnitude in kept if magnitude["type"] == "ML"), kept[0] if kept else None),
        source_id=own_id or f"{path.name}:{line}",
        evaluation_mode=mode,
        evaluation_status="reviewed" if mode == "manual" else "preliminary",
        sources=[source],
        **fields,
    )
