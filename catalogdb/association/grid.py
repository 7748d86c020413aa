"""The places that the scan tries: travel times from each to all stations, and which stations are next to which."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from catalogdb.association.chance import ChanceTest
from catalogdb.association.prepared import PreparedStations, Volume
from catalogdb.association.scales import Scales
from catalogdb.traveltimes.first_arrivals import TravelTimes

# A seed stands at one of the stations nearest to the event, and these many stations around it are looked at.
SEED_RANK = 10
NEIGHBOURS = 40
REACHES = (6, 12, 24, 40)
NODES_AT_A_TIME = 4096
# S minus P at the seed's station, s, on top of the way between two stations.
S_MINUS_P_SECONDS = 12.0


class Grid:
    """Nodes, and what the scan asks of them. A slot is a station and phase: number 2 * station + is S.

    Attributes:
        nodes: rows of (x, y, depth), km.
        travel: times (s) from each node to every slot, (slots, nodes).
        rank: of the stations' places by distance from each node, (places, nodes).
        reaches: numbers of nearest places that hits are counted within.
        ranges_of: of each place, the nodes that it is one of the nearest to, as ranges: (first, one past the last).
        delays: least and largest delay (s) of a slot (second axis) behind a seed's (first) over the nodes of its place.
        longest_seconds: between picks of two places that one event could make; -1 where they aren't neighbours.
        is_near: which places (second axis) count as around each.
    """

    def __init__(self, stations: PreparedStations, volume: Volume, times: TravelTimes, scales: Scales):
        self.nodes = scales.places
        self._place_x_km, self._place_y_km = place_x, place_y = stations.place_x_km, stations.place_y_km
        x, y, depth = self.nodes.T
        self.rank = _ranks(place_x, place_y, x, y)
        self.reaches = np.unique(np.minimum(REACHES, place_x.size))
        self.travel = np.empty((2 * len(stations.codes), x.size), dtype=np.float32)
        for slot, of_slot in enumerate(self.travel):
            number, is_s = divmod(slot, 2)
            distance = np.hypot(stations.x_km[number] - x, stations.y_km[number] - y)
            of_slot[:] = times(distance, depth, np.float64(stations.depth_km[number]), np.bool_(is_s))
        self.ranges_of = [_ranges(rank < SEED_RANK) for rank in self.rank]
        self.delays = self._extreme_delays(stations.place)
        pair_km = np.hypot(place_x[:, None] - place_x, place_y[:, None] - place_y)
        nearest = np.argsort(pair_km, axis=1, kind="stable")
        near, self.is_near = np.zeros((2, *pair_km.shape), dtype=bool)
        np.put_along_axis(near, nearest[:, :NEIGHBOURS], True, axis=1)
        np.put_along_axis(self.is_near, nearest[:, : REACHES[2]], True, axis=1)
        self.longest_seconds = np.where(near | near.T, pair_km / times.vs + S_MINUS_P_SECONDS, -1.0)
        thickness_km = volume.region.maxdepth_km - volume.region.mindepth_km
        self.chance = ChanceTest(scales.area_km2, thickness_km, times.vp, place_x.size)

    def distances_km(self, node: int) -> NDArray[np.float64]:
        """Of the stations' places from a node, in order."""
        x_km, y_km, _ = self.nodes[node]
        return np.sort(np.hypot(self._place_x_km - x_km, self._place_y_km - y_km))

    def _extreme_delays(self, place: np.ndarray) -> NDArray[np.float32]:
        delays = np.zeros((len(self.travel), len(self.travel), 2), dtype=np.float32)
        for station, own in enumerate(place):
            nodes = np.flatnonzero(self.rank[own] < SEED_RANK)
            if nodes.size == 0:
                continue
            times = self.travel[:, nodes]
            for seed in (2 * station, 2 * station + 1):
                behind = times - times[seed]
                delays[seed] = np.stack([behind.min(axis=1), behind.max(axis=1)], axis=1)
        return delays


def _ranks(place_x: np.ndarray, place_y: np.ndarray, x: np.ndarray, y: np.ndarray) -> NDArray[np.int16]:
    """Of places by distance from each node, (places, nodes); some nodes at a time, since orders are large."""
    rank = np.empty((place_x.size, x.size), dtype=np.int16)
    number = np.arange(place_x.size, dtype=np.int16)[:, None]
    for first in range(0, x.size, NODES_AT_A_TIME):
        some = slice(first, first + NODES_AT_A_TIME)
        order = np.argsort(np.hypot(place_x[:, None] - x[some], place_y[:, None] - y[some]), axis=0, kind="stable")
        np.put_along_axis(rank[:, some], order, number, axis=0)
    return rank


def _ranges(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Of what is chosen, stretches of consecutive numbers: rows of (first, one past the last)."""
    return np.flatnonzero(np.diff(chosen, prepend=False, append=False)).reshape(-1, 2)


class _Key:
    """What a grid is made from, comparable by content, so that one process makes it once for all windows."""

    def __init__(self, stations: PreparedStations, volume: Volume, times: TravelTimes, scales: Scales):
        self.stations, self.volume, self.times, self.scales = stations, volume, times, scales
        self._content = (
            tuple(stations.codes), stations.x_km.tobytes(), stations.y_km.tobytes(), stations.depth_km.tobytes(),
            stations.place.tobytes(),
            volume.minx_km, volume.maxx_km, volume.miny_km, volume.maxy_km,
            volume.region.mindepth_km, volume.region.maxdepth_km, times.key,
            scales.spacing_km,
        )  # fmt: skip

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)


def search_grid(stations: PreparedStations, volume: Volume, times: TravelTimes, scales: Scales) -> Grid:
    """Give the grid of a network in a volume."""
    return _grid(_Key(stations, volume, times, scales))


@lru_cache(maxsize=4)
def _grid(key: _Key) -> Grid:
    return Grid(key.stations, key.volume, key.times, key.scales)
