"""Events of a period that a comparison leaves out: how many, and why."""

from __future__ import annotations

from pymongo.database import Database

from catalogdb.documents.free import Json
from catalogdb.event_types import EXISTS, UNTYPED

UNKNOWN = "without a type"


def left_out(db: Database, names: tuple[str, str], period: tuple[float, float], event_types: tuple[str, ...]) -> Json:
    """Counts for the document of a comparison.

    Args:
        names: of the catalog and the reference.
        period: [start, end) in epoch seconds.
        event_types: types that count; none: all.

    Returns:
        For each side, with `reference_` before those of the reference: events_that_never_count, and where types are
        chosen events_of_other_types (type -> number) and events_without_type.
    """
    counts: Json = {}
    for side, name in zip(("", "reference_"), names, strict=True):
        during = {"catalog": name, "time": {"$gte": period[0], "$lt": period[1]}}
        existing = db.event.count_documents(during | EXISTS)
        counts[f"{side}events_that_never_count"] = db.event.count_documents(during) - existing
        if event_types:
            types = [{"$match": during | EXISTS}, {"$group": {"_id": "$event_type", "number": {"$sum": 1}}}]
            numbers = {row["_id"]: row["number"] for row in db.event.aggregate(types)}
            counts[f"{side}events_without_type"] = numbers.get(None, 0)
            others = {kind: number for kind, number in numbers.items() if (kind or UNTYPED) not in event_types}
            counts[f"{side}events_of_other_types"] = {kind or UNKNOWN: others[kind] for kind in sorted(others, key=str)}
    return counts


def left_out_notes(counts: Json, names: tuple[str, str], event_types: tuple[str, ...]) -> list[str]:
    """What `left_out` counted, in words."""
    notes = []
    for side, name in zip(("", "reference_"), names, strict=True):
        if number := counts.get(f"{side}events_that_never_count"):
            notes.append(
                f"{number} {_events(number)} of {name} in the period {'is' if number == 1 else 'are'} rejected, not "
                "existing or not reported, and never count"
            )
        if others := counts.get(f"{side}events_of_other_types"):
            said = ", ".join(f"{number} {kind}" for kind, number in others.items())
            notes.append(f"{name}: events of other types are matched but not counted: {said}")
        if UNTYPED in event_types and (number := counts.get(f"{side}events_without_type")):
            notes.append(f"{name}: {number} {_events(number)} without a type count as {UNTYPED}")
    return notes


def _events(number: int) -> str:
    return "event" if number == 1 else "events"
