"""What else the database knows of picks: places and networks of their stations, and the events that use them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pymongo.database import Database

from catalogdb.documents.free import Query
from catalogdb.evaluation.columns import Codes, Events
from catalogdb.evaluation.sites import Sites

LATEST_ARRIVAL_S = 1800.0
"""Arrivals are looked for this long after the origin time; the slowest first S of the Earth takes less."""
EARLIEST_ARRIVAL_S = 60.0
"""And this long before it, since a location may put the origin after its first pick."""


def read_sites(db: Database, stations: Codes, networks: Codes) -> Sites:
    """Places and networks of all stations; `stations` and `networks` number the codes."""
    fields = dict.fromkeys(("net", "sta", "loc", "lat", "lon", "elev", "starttime", "endtime"), 1)
    rows = list(db.site.find({}, fields).sort("starttime", 1))
    # sorted as an index is, so that each pair is looked up once instead of reading all segments
    pairs: list[Query] = [{"$sort": {"net": 1, "sta": 1}}, {"$group": {"_id": {"net": "$net", "sta": "$sta"}}}]
    recorded = ((row["_id"]["net"], row["_id"]["sta"]) for row in db.wf_miniseed.aggregate(pairs))
    return Sites.of(rows, recorded, stations, networks)


def events_of_picks(
    db: Database, catalog: str, events: Events, identity: NDArray[np.object_], time: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Position in `events` of the event that uses each pick, -1 where none does; shape (n,).

    Args:
        events: the catalog's, by time and id.
        identity, time: ids and times (s) of the picks.
    """
    found = np.full(len(identity), -1, np.int64)
    if not len(identity) or not len(events):
        return found
    earliest, latest = time.min() - LATEST_ARRIVAL_S, time.max() + EARLIEST_ARRIVAL_S
    first, last = np.searchsorted(events.time, [earliest, latest])
    position = {events.identity[at]: at for at in range(first, last)}
    arrivals: list[Query] = [
        {"$match": {"catalog": catalog, "time": {"$gte": earliest, "$lt": latest}}},
        {"$project": {"picks": "$origins.arrivals.pick_id"}},
    ]
    event_of: dict[str, int] = {}
    of_others: dict[str, int] = {}  # of events that don't count: a pick of one that does, too, counts with that
    for row in db.event.aggregate(arrivals, batchSize=20_000):
        if (at := position.get(row["_id"])) is not None:
            for picks in row["picks"]:  # one list per origin
                (event_of if events.counts[at] else of_others).update(dict.fromkeys(picks, at))
    if event_of or of_others:
        of_all = of_others | event_of
        found[:] = [of_all.get(key, -1) for key in identity]
    return found
