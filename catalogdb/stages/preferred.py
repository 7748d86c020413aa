"""Several origins of one event: which are one event's, and which of them is preferred."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database

from catalogdb.location.config import METHOD

FURTHER = frozenset({METHOD})
"""Methods that make further origins of events that are there."""
UNSURE = frozenset({"edge", "maxdepth"})
"""Limits at which a location has no uncertainty."""
RULE_FIELDS = ("method", "limits")
"""What preferred origins are chosen by."""
RULE = "covariance"
"""Of origins that have a covariance the last one made, unless it stands at the edge or at the largest depth."""
MOVED_SECONDS = 120.0
"""Origins of one event lie no farther apart in time than this."""


def preferred_origin(origins: list[dict[str, Any]]) -> dict[str, Any]:
    """The preferred one of an event's origins, which stand as `events_of` gives them."""
    sure = [origin for origin in origins[1:] if UNSURE.isdisjoint(origin.get("limits", ()))]
    return sure[-1] if sure else origins[0]


def events_of(
    db: Database, catalog: str, config_id: str, starttime: float, endtime: float, fields: dict[str, int]
) -> list[list[dict[str, Any]]]:
    """Origins of each event, the associator's first; events in order of its time, which lies in [starttime, endtime).

    Args:
        fields: what is read of an origin, as MongoDB's projection: `event_id`, `time` and `RULE_FIELDS` among them.
    """
    of_catalog = {"catalog": catalog, "config_id": config_id}
    around = {"$gte": starttime - MOVED_SECONDS, "$lt": endtime + MOVED_SECONDS}
    found: dict[str, list[dict[str, Any]]] = {}
    rows = db.origin.find(of_catalog | {"time": around}, fields).sort([("time", 1), ("_id", 1)])
    further = []
    for origin in rows:
        if origin["method"] in FURTHER:
            further.append(origin)
        elif starttime <= origin["time"] < endtime:
            found[origin["event_id"]] = [origin]
    for origin in further:
        if origin["event_id"] in found:
            found[origin["event_id"]].append(origin)
    return list(found.values())
