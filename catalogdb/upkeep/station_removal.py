"""Removing stations from the metadata; picks and results stay, and what stood on the stations goes stale."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo.database import Database

from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.jobs import StationSelection

COLLECTIONS = ("site", "channel")


def stations_matching(db: Database, patterns: Sequence[str]) -> list[Json]:
    """Stations that patterns of `NET.STA` mean (`*` and `?`; `.STA` has no network, `STA` alone means any).

    Returns:
        by code: net, sta, and the number of `site` and `channel` documents.

    Raises:
        InputError: for a pattern that means no station.
    """
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for name in COLLECTIONS:
        pairs = {"$group": {"_id": {"net": "$net", "sta": "$sta"}, "number": {"$sum": 1}}}
        for row in db[name].aggregate([pairs]):
            counts.setdefault((row["_id"]["net"], row["_id"]["sta"]), {})[name] = row["number"]
    found: set[tuple[str, str]] = set()
    for pattern in patterns:
        selection = StationSelection(include=(pattern,))
        meant = {station for station in counts if selection.takes(*station)}
        if not meant:
            raise InputError(
                f"no station {pattern!r} in database {db.name!r}", hint="catalogdb query stations lists them"
            )
        found |= meant
    return [
        {"net": net, "sta": sta} | {name: counts[net, sta].get(name, 0) for name in COLLECTIONS}
        for net, sta in sorted(found)
    ]


def remove_stations(db: Database, stations: Sequence[Json]) -> dict[str, int]:
    """Remove the metadata of stations, as `stations_matching` gives them; returns documents removed by collection."""
    counts = dict.fromkeys(COLLECTIONS, 0)
    with db.client.start_session() as session, session.start_transaction():
        for station in stations:
            codes = {"net": station["net"], "sta": station["sta"]}
            for name in COLLECTIONS:
                counts[name] += db[name].delete_many(codes, session=session).deleted_count
    return counts
