"""Several origins of one event: which are one event's, and which of them is preferred."""

from __future__ import annotations

from collections.abc import Collection

from pymongo.database import Database

from catalogdb.documents.data import Origin
from catalogdb.documents.free import Query
from catalogdb.location.config import METHOD as NONLINEAR
from catalogdb.relocation.config import METHOD as DOUBLE_DIFFERENCE

FURTHER = (NONLINEAR, DOUBLE_DIFFERENCE)
"""Methods that make further origins of events that are there, in the order in which they do."""
UNSURE = frozenset({"edge", "maxdepth"})
"""Limits at which a location has no uncertainty."""
RULE_FIELDS = ("method", "limits")
"""What preferred origins are chosen by."""
RULE = "covariance"
"""Of origins that have a covariance the last one made, unless it stands at the edge or at the largest depth."""
RELATIVE_RULE = DOUBLE_DIFFERENCE
"""The same, where one of them is relative to the event's neighbours."""
MOVED_SECONDS = 120.0
"""Origins of one event lie no farther apart in time than this."""


def preferred_origin(origins: list[Origin]) -> Origin:
    """The preferred one of an event's origins, which stand as `events_of` gives them."""
    sure = [origin for origin in origins[1:] if UNSURE.isdisjoint(origin.get("limits", ()))]
    return sure[-1] if sure else origins[0]


def rule_of(origins: list[Origin]) -> str:
    """By which rule that one is preferred."""
    return RELATIVE_RULE if any(origin["method"] == DOUBLE_DIFFERENCE for origin in origins) else RULE


def events_of(
    db: Database,
    catalog: str,
    config_id: str,
    starttime: float,
    endtime: float,
    fields: dict[str, int],
    names: Collection[str] | None = None,
) -> list[list[Origin]]:
    """Origins of each event, the associator's first; events in order of its time, which lies in [starttime, endtime).

    Args:
        fields: what is read of an origin, as MongoDB's projection: `event_id`, `time` and `RULE_FIELDS` among them.
        names: ids of the events that are read; none: all.
    """
    of_catalog: Query = {"catalog": catalog, "config_id": config_id}
    if names is not None:
        of_catalog["event_id"] = {"$in": sorted(names)}
    around = {"$gte": starttime - MOVED_SECONDS, "$lt": endtime + MOVED_SECONDS}
    found: dict[str, list[Origin]] = {}
    rows = db.origin.find(of_catalog | {"time": around}, fields).sort([("time", 1), ("_id", 1)])
    further = []
    for origin in rows:
        if origin["method"] in FURTHER:
            further.append(origin)
        elif starttime <= origin["time"] < endtime:
            found[origin["event_id"]] = [origin]
    for origin in sorted(further, key=lambda origin: FURTHER.index(origin["method"])):
        if origin["event_id"] in found:
            found[origin["event_id"]].append(origin)
    return list(found.values())
