"""Places and networks of stations from the database; `catalogdb.stations.places` says what they are at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any

from pymongo.database import Database

from catalogdb.documents.data import Pick
from catalogdb.stations.places import StationPlaces, StationRow

FIELDS = dict.fromkeys(("net", "sta", "loc", "lat", "lon", "elev", "starttime", "endtime"), 1) | {"_id": 0}


def read_places(
    db: Database,
    starttime: float = -math.inf,
    endtime: float = math.inf,
    codes: Collection[str] | None = None,
    takes: Callable[[str, str], bool] = lambda net, sta: True,
) -> StationPlaces:
    """Places of the stations with an epoch that meets `[starttime, endtime)` (epoch seconds).

    Args:
        codes: station codes whose channels are read too, so that their picks have the places of their own sensors; all
            of them unless given.
        takes: says of network and station code whether the station counts.
    """
    meets = {"starttime": {"$lt": endtime}, "endtime": {"$gt": starttime}}
    of_channels = meets if codes is None else meets | {"sta": {"$in": sorted(codes)}}
    found = db.site.find(meets, FIELDS), db.channel.find(of_channels, FIELDS | {"chan": 1})
    return StationPlaces(*([row for row in rows if takes(row["net"], row["sta"])] for rows in found))


def stations_in_operation(db: Database, starttime: float, endtime: float) -> list[StationRow]:
    """Stations with an epoch that meets `[starttime, endtime)`, one row each, as the science modules take them, at the
    place that each kept longest then."""
    rows, _ = read_places(db, starttime, endtime, ()).rows([], starttime, endtime)
    return rows


class StationNetworks:
    """The network of a station code that comes without one, as bulletins have them.

    Args:
        db: where `site` is, which is read at the first question, and where waveforms and picks are.
    """

    def __init__(self, db: Database):
        self._db = db
        self._only: dict[str, str] = {}

    def known(self, sta: str) -> set[str]:
        """Networks that `site` has the code in; empty where it has none."""
        return self._networks.get(sta, set())

    def only(self, sta: str) -> str:
        """The one network that `site` has the code in; of several the one that has waveforms, else the one that has
        picks; empty where none is the only one."""
        if sta not in self._only:
            networks = self.known(sta) - {""}
            for with_data in (self._recorded, self._picked):
                if len(networks) > 1:
                    networks = with_data(sta, networks) or networks
            self._only[sta] = next(iter(networks)) if len(networks) == 1 else ""
        return self._only[sta]

    def named(self, pick: Pick) -> Pick:
        """The pick with the network of its station, where it has none and just one can be meant."""
        if pick.get("net") or len(self.known(pick["sta"])) < 2:
            return pick  # of one network, or none, the code decides
        net = self.only(pick["sta"])
        return {**pick, "net": net} if net else pick

    def _recorded(self, sta: str, networks: set[str]) -> set[str]:
        return networks & self._with_waveforms.get(sta, set())

    def _picked(self, sta: str, networks: set[str]) -> set[str]:
        found: set[str] = set()
        for name in self._db.pick_set.distinct("_id"):
            for net in networks - found:
                if self._db.pick.find_one({"pick_set": name, "sta": sta, "net": net}, {"_id": 1}):
                    found.add(net)
        return found

    @cached_property
    def _networks(self) -> Mapping[str, set[str]]:
        return _grouped(self._db.site)

    @cached_property
    def _with_waveforms(self) -> Mapping[str, set[str]]:
        return _grouped(self._db.wf_miniseed)


def _grouped(collection: Any) -> dict[str, set[str]]:
    """Networks by station code; sorted as an index is, so that each pair is looked up once."""
    pairs = [{"$sort": {"net": 1, "sta": 1}}, {"$group": {"_id": {"net": "$net", "sta": "$sta"}}}]
    networks: dict[str, set[str]] = {}
    for row in collection.aggregate(pairs):
        networks.setdefault(row["_id"]["sta"], set()).add(row["_id"]["net"])
    return networks
