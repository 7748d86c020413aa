"""Types of events, and which events count: those that an analyst says exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from catalogdb.documents.free import Query
from catalogdb.errors import InputError

NEVER_COUNTED = ("not existing", "not reported")
"""QuakeML's types of what is no event."""
EXISTS: Query = {"event_type": {"$nin": list(NEVER_COUNTED)}, "evaluation_status": {"$ne": "rejected"}}
"""MongoDB filter of events that exist; those of unknown type do. The queries in `schemas/views/` have the same."""
UNTYPED = "earthquake"
"""What an event without a type counts as: bulletins and associators name the others."""


def exists(event: Mapping[str, Any]) -> bool:
    """False for an event document that is rejected, not existing or not reported."""
    return event.get("event_type") not in NEVER_COUNTED and event.get("evaluation_status") != "rejected"


@cache
def quakeml_types() -> tuple[str, ...]:
    """The event types of QuakeML (BED 1.2), as ObsPy lists them."""
    from obspy.core.event.header import EventType

    return tuple(EventType)


def quakeml_name(text: str) -> str | None:
    """The event type of QuakeML that a text names, in any letter case, with spaces or underscores; None for others."""
    plain = " ".join(text.replace("_", " ").lower().split())
    return plain if plain in quakeml_types() else None


def wanted_types(names: Iterable[str], others: Iterable[str] = ()) -> tuple[str, ...]:
    """Check types of events that are to count: sorted, each once.

    Args:
        names: as users write them; several may stand in one text between commas.
        others: types beyond QuakeML's that the catalogs have.

    Raises:
        InputError: for a type that neither QuakeML nor the catalogs know, and for those that never count.
    """
    known = {other.lower(): other for other in others}
    found = set()
    for text in (part.strip() for name in names for part in name.split(",")):
        if not text:
            continue
        kind = quakeml_name(text) or known.get(text.lower())
        if kind is None:
            raise InputError(
                f"unknown event type {text!r}",
                hint=f"QuakeML's are {', '.join(quakeml_types())}"
                + (f"; the catalogs also have {', '.join(sorted(known.values()))}" if known else ""),
            )
        if kind in NEVER_COUNTED:
            raise InputError(
                f"events of type {kind!r} never count", hint="leave it out; without types all others count"
            )
        found.add(kind)
    return tuple(sorted(found))
