"""The network as an event sees it: distances of the stations' places, their order, and how long waves take."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from catalogdb.association.locate import Hypocentre
from catalogdb.association.prepared import PreparedStations
from catalogdb.traveltimes.first_arrivals import TravelTimes


class NetworkView:
    """Of one hypocentre; each part is computed where it is asked for, and once."""

    def __init__(self, here: Hypocentre, stations: PreparedStations, times: TravelTimes):
        self.here, self._stations, self._times = here, stations, times

    @cached_property
    def distance_km(self) -> np.ndarray:
        """To each place, km."""
        return np.hypot(self._stations.place_x_km - self.here.x_km, self._stations.place_y_km - self.here.y_km)

    @cached_property
    def order(self) -> np.ndarray:
        """Places from the nearest on."""
        return np.argsort(self.distance_km, kind="stable")

    @cached_property
    def rank(self) -> np.ndarray:
        """Of each place in that order, from 0."""
        rank = np.empty(self.order.size, dtype=int)
        rank[self.order] = np.arange(self.order.size)
        return rank

    @cached_property
    def travel(self) -> np.ndarray:
        """Travel times (s) to each slot: row 2 * station + is S."""
        stations, here = self._stations, self.here
        distance = np.hypot(stations.x_km - here.x_km, stations.y_km - here.y_km)[:, None]
        depth_km, is_s = stations.depth_km[:, None], np.array([False, True])
        return np.ravel(self._times(distance, np.float64(here.depth_km), depth_km, is_s))
