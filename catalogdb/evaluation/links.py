"""What else is known of picks and events: stations' places and networks, and which event uses a pick."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pymongo.database import Database

from catalogdb.evaluation.columns import Codes, Events
from catalogdb.evaluation.pairing import haversine_km
from catalogdb.stations.places import Place, StationPlaces

LATEST_ARRIVAL_S = 1800.0
"""Arrivals are looked for this long after the origin time; the slowest first S of the Earth takes less."""
EARLIEST_ARRIVAL_S = 60.0
"""And this long before it, since a location may put the origin after its first pick."""


@dataclass
class Sites:
    """Coordinates (degrees; NaN where unknown) and network numbers by station number, grown as stations come up."""

    stations: Codes
    networks: Codes
    _known: dict[str, tuple[float, float, str]]
    _moved: dict[str, Callable[[float], Place | None]] = field(default_factory=dict)

    @classmethod
    def read(cls, db: Database, stations: Codes, networks: Codes) -> Sites:
        """Stations go by their code alone, since bulletins know no networks; a code in several has none of its own."""
        fields = dict.fromkeys(("net", "sta", "loc", "lat", "lon", "elev", "starttime", "endtime"), 1)
        rows = list(db.site.find({}, fields).sort("starttime", 1))
        by_time = StationPlaces(rows)
        places, nets, moved = {}, defaultdict(set), {}
        for row in rows:
            places[row["sta"]] = (row["lat"], row["lon"])
            nets[row["sta"]].add(row["net"])
            if by_time.moves(row["net"], row["sta"]):
                moved[row["sta"]] = partial(by_time.at, row["net"], row["sta"])
        # sorted as an index is, so that each pair is looked up once instead of reading all pieces
        pairs = [{"$sort": {"net": 1, "sta": 1}}, {"$group": {"_id": {"net": "$net", "sta": "$sta"}}}]
        for row in db.wf_miniseed.aggregate(pairs):
            nets[row["_id"]["sta"]].add(row["_id"]["net"])
        known = {}
        for station, codes in nets.items():
            named = codes - {""}
            known[station] = (*places.get(station, (np.nan, np.nan)), named.pop() if len(named) == 1 else "")
        return cls(stations, networks, known, moved)

    def _table(self) -> list[tuple[float, float, str]]:
        return [self._known.get(station, (np.nan, np.nan, "")) for station in self.stations]

    def distances_km(self, station: NDArray[np.int32], events: Events, event: NDArray[np.int64]) -> NDArray:
        """Epicentral distance of each (station, position of its event or -1); NaN where either place is unknown."""
        places = np.array([row[:2] for row in self._table()], float).reshape(-1, 2)
        distance = np.full(len(station), np.nan)
        with_event = np.flatnonzero(event >= 0)
        at, place = event[with_event], places[station[with_event]]
        codes = list(self.stations)
        moving = [number for number, sta in enumerate(codes) if sta in self._moved]
        for number in np.flatnonzero(np.isin(station[with_event], moving)):
            then = self._moved[codes[station[with_event[number]]]](float(events.time[at[number]]))
            if then is not None:
                place[number] = then.latitude, then.longitude
        distance[with_event] = haversine_km(events.latitude[at], events.longitude[at], place[:, 0], place[:, 1])
        return distance

    def networks_of(self, station: NDArray[np.int32], network: NDArray[np.int32]) -> NDArray[np.int32]:
        """The network numbers, with that of the station's site or waveforms where a pick itself has none."""
        unknown = self.networks[""]
        own = np.array([self.networks[row[2]] for row in self._table()], np.int32)
        return np.where(network == unknown, own[station], network).astype(np.int32)


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
    arrivals = [
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
