"""What the scan asks of places: how the times at all stations lie behind a seed's there, and where most of them fit.

Of thousands of places few can have as many picks that fit as the best one. Places are kept in blocks of close ones with
the least and the largest delays of each, which say how many picks may fit anywhere in a block; places are looked at one
by one in those blocks alone that may have enough.
"""

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
ROUNDING_SECONDS = 1e-3
BLOCK = 16
# Delays behind seeds, and those of blocks, are kept for those to come where they are fewer than this.
MOST_KEPT = 16_000_000


class GridKey:
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
        return isinstance(other, GridKey) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)


class SearchGrid:
    """Places (x, y, depth in km), travel times (s) from each to every slot (station and phase: row 2 * station + is S),
    and the order of the stations' places by distance.

    `nodes_of` has the nodes that a seed at a place is searched at, in blocks of close ones: of each block the first
    node, then of each the second; the last node may be there several times.
    """

    def __init__(self, key: GridKey):
        stations, volume = key.stations, key.volume
        self.places = key.scales.places
        x, y, depth = self.places.T
        distance = np.hypot(stations.place_x_km[:, None] - x, stations.place_y_km[:, None] - y)
        order = np.argsort(distance, axis=0, kind="stable")
        rank = np.empty_like(order, dtype=np.int16)
        np.put_along_axis(rank, order, np.arange(len(distance), dtype=np.int16)[:, None], axis=0)
        self.rank = rank
        size = len(distance)
        self.reaches = np.unique(np.minimum(REACHES, size))
        ordered = np.take_along_axis(distance, order, axis=0)
        self.radius_km = np.stack([ordered[reach - 1] for reach in self.reaches])
        self.travel = np.stack(
            [
                key.times(
                    np.hypot(stations.x_km[number] - x, stations.y_km[number] - y),
                    depth,
                    np.float64(stations.depth_km[number]),
                    np.bool_(is_s),
                )
                for number in range(len(stations.codes))
                for is_s in (False, True)
            ]
        ).astype(np.float32)
        close = _closest_together(self.places)
        self.nodes_of = [_in_blocks(close[rank[number, close] < SEED_RANK]) for number in range(size)]
        self._behind: dict[int, NDArray[np.float32]] = {}
        self._of_blocks: dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
        delays = sum(self.nodes_of[own].size for own in stations.place) * 2 * len(self.travel)
        self._keeps_behind, self._keeps_blocks = delays <= MOST_KEPT, delays * 2 // BLOCK <= MOST_KEPT
        self._delays = self._extreme_delays(stations.place)
        place_x, place_y = stations.place_x_km, stations.place_y_km
        pair_km = np.hypot(place_x[:, None] - place_x, place_y[:, None] - place_y)
        neighbours = np.argsort(pair_km, axis=1, kind="stable")[:, :NEIGHBOURS]
        near, self.is_near = np.zeros((2, *pair_km.shape), dtype=bool)
        np.put_along_axis(near, neighbours, True, axis=1)
        np.put_along_axis(self.is_near, neighbours[:, : REACHES[2]], True, axis=1)
        self.pair_km = np.where(near | near.T, pair_km, np.inf)
        self.farthest_pair_km = float(pair_km[near].max())
        thickness_km = volume.region.maxdepth_km - volume.region.mindepth_km
        self.chance = ChanceTest(key.scales.area_km2, thickness_km, key.times.vp, size)

    def _extreme_delays(self, place: np.ndarray) -> NDArray[np.float32]:
        """Least and largest delay (s) of a slot (second axis) behind a seed's (first) over the seed's nodes."""
        delays = np.zeros((len(self.travel), len(self.travel), 2), dtype=np.float32)
        for station, nodes in enumerate(self.nodes_of[own] for own in place):
            if nodes.size == 0:
                continue
            times = self.travel[:, nodes]
            for seed in (2 * station, 2 * station + 1):
                behind = times - times[seed]
                delays[seed] = np.stack([behind.min(axis=1), behind.max(axis=1)], axis=1)
        return delays

    def behind(self, seed: int, place: int, slots: np.ndarray, columns: np.ndarray | slice) -> NDArray[np.float32]:
        """Delays (s) of slots behind a seed's slot at some nodes of its place: (slots, nodes)."""
        if self._keeps_behind:
            if seed not in self._behind:
                self._behind[seed] = self._all_behind(seed, place)
            kept = self._behind[seed]
            # Twice as quick as an index of rows and columns.
            return kept[slots] if isinstance(columns, slice) else kept.take(slots[:, None] * kept.shape[1] + columns)
        nodes = self.nodes_of[place][columns]
        return self.travel[slots[:, None], nodes] - self.travel[seed, nodes]

    def _all_behind(self, seed: int, place: int) -> NDArray[np.float32]:
        travel = self.travel[:, self.nodes_of[place]]
        return travel - travel[seed]

    def behind_in_blocks(
        self, seed: int, place: int, slots: np.ndarray
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Least and largest of these delays in each block: (slots, blocks); none where there are too many to keep."""
        if not self._keeps_blocks:
            return None
        if seed not in self._of_blocks:
            every = slice(None)
            behind = self.behind(seed, place, np.arange(len(self.travel)), every)
            by_block = behind.reshape(len(behind), BLOCK, -1)
            self._of_blocks[seed] = by_block.min(axis=1), by_block.max(axis=1)
        least, largest = self._of_blocks[seed]
        return least[slots], largest[slots]

    def beyond(self, seed: np.ndarray, slot: np.ndarray, delay: np.ndarray) -> np.ndarray:
        """How far (s) delays of slots behind seeds lie beyond what any of the seed's nodes has; 0 for possible ones."""
        least, largest = np.moveaxis(self._delays[seed, slot], -1, 0)
        return np.maximum(np.maximum(least - delay, delay - largest) - ROUNDING_SECONDS, 0.0)


class NodeHits:
    """How many slots are hit at the nodes of a seed's place, the seed's own one included: only where asked for.

    Args:
        grid: the places.
        seed, place: the seed's slot and place.
        slots: of the picks that may be hit, those of one place and phase after one another.
        delays: of these picks behind the seed, s.
        group: which place and phase each is of, numbered from 0.
        tolerance: residual allowed, s.
    """

    def __init__(
        self,
        grid: SearchGrid,
        seed: int,
        place: int,
        slots: np.ndarray,
        delays: np.ndarray,
        group: np.ndarray,
        tolerance: float,
    ):
        self._grid, self._seed, self._place, self._slots = grid, seed, place, slots
        self._delays, self._tolerance = delays[:, None].astype(np.float32), tolerance
        self.by_group = AnyByGroup(group)
        self._count = np.zeros(grid.nodes_of[place].size, dtype=int)
        in_blocks = grid.behind_in_blocks(seed, place, slots)
        if in_blocks is None:
            self._at_most = np.zeros(0, dtype=int)
            self._count = self._counted(slice(None))
        else:
            # Rounding keeps the order: what fits at a node of a block fits between its least and largest delay.
            least, largest = in_blocks
            may_fit = (least - self._delays <= tolerance) & (largest - self._delays >= -tolerance)
            self._at_most = count_hits(self.by_group(may_fit)).astype(int) + 1

    def most(self) -> int:
        """The largest number at any node."""
        if self._at_most.size:
            self._look_at(self._at_most >= self._at_most.max() - 1)
            self._look_at(self._at_most >= self._count.max())
        return int(self._count.max())

    def at_least(self, number: int) -> np.ndarray:
        """Columns of the nodes that have so many, or more."""
        self._look_at(self._at_most >= number)
        return np.flatnonzero(self._count >= number)

    def rows_hit(self, columns: np.ndarray | slice) -> np.ndarray:
        """Which picks are hit at some nodes: (picks, nodes)."""
        behind = self._grid.behind(self._seed, self._place, self._slots, columns)
        behind -= self._delays
        return np.asarray(np.abs(behind, out=behind) <= self._tolerance)

    def slots_hit(self, columns: np.ndarray | slice) -> np.ndarray:
        """Which places and phases are hit at some nodes: (groups, nodes)."""
        return self.by_group(self.rows_hit(columns))

    def _look_at(self, blocks: np.ndarray) -> None:
        """Count at the nodes of some blocks, but for those where it has been done."""
        numbers = np.flatnonzero(blocks)
        if numbers.size:
            self._at_most[numbers] = 0
            columns = (np.arange(BLOCK)[:, None] * self._at_most.size + numbers).ravel()
            self._count[columns] = self._counted(columns)

    def _counted(self, columns: np.ndarray | slice) -> np.ndarray:
        return count_hits(self.slots_hit(columns)).astype(int) + 1


class AnyByGroup:
    """Of rows in order of their group, numbered from 0: whether any of the group has a hit, (groups, nodes)."""

    def __init__(self, group: np.ndarray):
        self.starts = np.flatnonzero(np.diff(group, prepend=-1))
        rank = np.arange(group.size) - self.starts[group]
        later = (np.flatnonzero(rank == number) for number in range(1, int(rank.max()) + 1))
        self._later = [(group[rows], rows) for rows in later]

    def __call__(self, hit: np.ndarray) -> np.ndarray:
        any_hit = hit[self.starts]
        for group, rows in self._later:
            any_hit[group] |= hit[rows]
        return any_hit


def count_hits(hit: np.ndarray) -> np.ndarray:
    """How many rows have a hit, by column; in bytes, the quickest, as long as these and one more fit in."""
    dtype = np.uint8 if len(hit) < np.iinfo(np.uint8).max else np.int32
    return np.asarray(np.add.reduce(hit.view(np.uint8), axis=0, dtype=dtype))


def _closest_together(places: np.ndarray) -> np.ndarray:
    """Nodes in an order in which close ones follow one another: that of their coordinates' interleaved bits."""
    steps = (places - places.min(axis=0)) / max(float(np.ptp(places, axis=0).max()), 1e-9) * 1023.0
    bits = (steps.astype(np.int64)[:, :, None] >> np.arange(10)) & 1
    return np.argsort((bits << (3 * np.arange(10) + np.arange(3)[:, None])).sum(axis=(1, 2)), kind="stable")


def _in_blocks(nodes: np.ndarray) -> np.ndarray:
    whole = np.append(nodes, np.repeat(nodes[-1:], -nodes.size % BLOCK))
    return whole.reshape(-1, BLOCK).T.ravel()


@lru_cache(maxsize=4)
def search_grid(key: GridKey) -> SearchGrid:
    """Made once per process for each network."""
    return SearchGrid(key)
