"""Which picks of a pick set a job takes."""

from __future__ import annotations

from pymongo.database import Database

from catalogdb.jobs import StationSelection
from catalogdb.stages.station_places import StationNetworks


class PickSelection:
    """Which picks a job takes by its selection of stations.

    A pick without a network is taken where the job takes a station of its code in any network. Where `site` knows no
    network of the code, it is taken if the station part of the patterns fits: association counts it as without station.

    Args:
        db: where `site` is, which is read for the first pick without a network, if patterns name networks.
        stations: the job's selection.
    """

    def __init__(self, db: Database, stations: StationSelection):
        self._stations, self.networks = stations, StationNetworks(db)
        self._names_networks = any("." in pattern for pattern in (*stations.include, *stations.exclude))
        codes = tuple(pattern.rpartition(".")[2] for pattern in stations.include)
        self._of_unknown_network = stations.model_copy(update={"include": codes})
        self._taken: dict[str, bool] = {}

    def takes(self, net: str, sta: str) -> bool:
        """True for a pick that takes part; `net` is empty where it is not known."""
        if net or not self._names_networks:
            return self._stations.takes(net, sta)
        if sta not in self._taken:
            self._taken[sta] = any(
                (self._stations if known else self._of_unknown_network).takes(known, sta)
                for known in self.networks.known(sta) or {""}
            )
        return self._taken[sta]
