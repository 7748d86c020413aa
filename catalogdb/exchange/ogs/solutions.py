"""What summaries, listings and bulletins say of one event -> an event document with one origin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack, cast

from catalogdb.documents.data import EventDraft, EventSource, Magnitude, MagnitudeDraft, Origin, OriginDraft
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.event_parts import event_of, magnitude_of, origin_of, present
from catalogdb.exchange.reference_catalog import ReadEvent

LEAST_MAGNITUDE, LARGEST_MAGNITUDE = -5.0, 11.0


def origin_method(path: Path, otherwise: str) -> str:
    """NonLinLoc for the editions that say so in their name (`onlyeq2024.nll1D.hpl`)."""
    return "nonlinloc" if "nll" in path.name.lower() else otherwise


def origin_document(**fields: Unpack[OriginDraft]) -> Origin | None:
    """Origin as `schemas/origin.yaml` has it; None without latitude and longitude.

    Raises:
        ValueError: naming the value that is missing or out of range.
    """
    return None if fields["latitude"] is None and fields["longitude"] is None else origin_of(**fields)


def magnitude_document(kind: str, value: float | None, /, **fields: Unpack[MagnitudeDraft]) -> Magnitude | None:
    """Magnitude as `schemas/magnitude.yaml` has it; None without a value.

    Raises:
        ValueError: when no earthquake can have it.
    """
    if value is None:
        return None
    if not LEAST_MAGNITUDE <= value <= LARGEST_MAGNITUDE:
        raise ValueError(f"{kind} {value:g} is outside {LEAST_MAGNITUDE:g}..{LARGEST_MAGNITUDE:g}")
    fields |= {"_id": kind, "type": kind, "value": value}
    return magnitude_of(**fields)


def event_document(
    time: float,
    origin: Origin | None,
    magnitudes: Sequence[Magnitude | None],
    /,
    *,
    mode: EvaluationMode,
    path: Path,
    format: str,
    line: int,
    own_id: str | None,
    own_number: int | None,
    **fields: Unpack[EventDraft],
) -> ReadEvent:
    """Event of one record; its first magnitude is preferred. Without an id of its own it is called after file and
    line."""
    kept = [magnitude for magnitude in magnitudes if magnitude is not None]
    place = present({"file": path.name, "format": format, "line": line, "id": own_id, "number": own_number})
    if origin is not None:
        origin |= {"source_file": path.name, "source_format": format}
    for magnitude in kept:
        magnitude |= {"source_file": path.name, "given_as": {format: magnitude["value"]}}
    fields |= {"source_id": own_id or f"{path.name}:{line}", "sources": [cast(EventSource, place)]}
    fields["time"] = time
    return event_of(origin, kept, mode, **fields)
