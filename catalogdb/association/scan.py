"""Scan: an associator that starts from single picks and asks which places would make their neighbours agree.

Every pick in turn, the one with most neighbours first, is taken for one of the nearest observations of an event. For
all places of a grid around its station the origin time follows, and with it the times at all other stations. The place
where the picks agree least by chance is the first guess of a location that collects its picks itself (`fit`). Accepted
events take their picks away, so what is left is searched as if they weren't there.

Starting a grid search from single picks is the idea of REAL (Zhang et al., 2019, doi:10.1785/0220190052); the test of
what it finds is `chance`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from catalogdb.association.chance import ChanceTest
from catalogdb.association.chance_kernels import RING_SECONDS, Event, rate
from catalogdb.association.config import AssociateConfig
from catalogdb.association.fit import BACKGROUND_SECONDS, EventFitter
from catalogdb.association.prepared import Candidate, PreparedPicks, PreparedStations, Volume
from catalogdb.association.scales import Scales
from catalogdb.traveltimes.first_arrivals import TravelTimes

# A seed stands at one of the stations nearest to the event, and these many stations around it are looked at.
SEED_RANK = 10
NEIGHBOURS = 40
REACHES = (6, 12, 24, 40)
# S minus P at the seed's station, s, on top of the way between two stations.
S_MINUS_P_SECONDS = 12.0
MAXIMUM_TRIES = 6
# The grid is coarse, and what it lets through, so many times more than is allowed, is tested again.
COARSE_PER_DAY = 1e4
COARSE_SHARE = 1e6
COARSE_SHARE_IN_BURSTS = 3e3
ROUNDING_SECONDS = 1e-3
# An event of so many picks is that many powers rarer by chance where fewer picks are around.
SHARES_IN_CHANCE = 10
# Delays behind seeds are kept for those to come where they are fewer than this.
MOST_KEPT = 16_000_000


class Search:
    """Gives first guesses, as often as it is asked: what accepted events have taken away by then is passed over.

    Picks must be in order of time. Seeds that led to nothing are tried again where picks around were taken since, or
    where more is allowed than chance makes of what they led to.
    """

    def __init__(
        self,
        picks: PreparedPicks,
        stations: PreparedStations,
        volume: Volume,
        times: TravelTimes,
        config: AssociateConfig,
        fitter: EventFitter,
    ) -> None:
        self._picks, self._config, self._fitter = picks, config, fitter
        self._grid = grid = _grid(_Key(stations, volume, times, fitter.scales))
        self._slot = slot = picks.station * 2 + picks.is_s
        self._place = place = stations.place[picks.station]
        first, second = _pairs(picks, place, grid, fitter.free, times.vs)
        count = np.bincount(first, minlength=len(picks))
        beyond = grid.beyond(slot[first], slot[second], picks.time[second] - picks.time[first])
        order = np.flatnonzero(beyond <= RING_SECONDS)
        order = order[np.lexsort((second[order], (place * 2 + picks.is_s)[second[order]], first[order]))]
        first, self._neighbours = first[order], second[order]
        self._may_hit = beyond[order] <= fitter.scales.tolerance
        self._starts = np.searchsorted(first, np.arange(len(picks) + 1))
        seeds = np.flatnonzero(np.bincount(first[self._may_hit], minlength=len(picks)) >= config.min_picks - 1)
        self._seeds = seeds[np.argsort(-count[seeds], kind="stable")]
        window = picks.time[:, None] + [-BACKGROUND_SECONDS, BACKGROUND_SECONDS]
        self._window = np.searchsorted(picks.time, window)
        self._tried = np.full(len(picks), -1)
        self._left = np.ones(len(picks), dtype=int)
        self._chance = np.full(len(picks), np.inf)
        self._failed: dict[tuple[int, ...], tuple[int, float]] = {}

    def candidates(self, allowed: Callable[[float], float]) -> Generator[Candidate, float | None]:
        """Yield first guesses; where the caller takes their picks away (`fitter.free`), it goes on without them.

        Args:
            allowed: how many such events chance may make per day, at a time (epoch seconds).

        The caller sends back how many it would make of what the guess led to; the same isn't asked again before.
        """
        free, picks_needed = self._fitter.free, self._config.min_picks - 1
        for seed in map(int, self._seeds):
            own = slice(self._starts[seed], self._starts[seed + 1])
            around, possible = self._neighbours[own], self._neighbours[own][self._may_hit[own]]
            for _ in range(MAXIMUM_TRIES):
                around, possible = around[free[around]], possible[free[possible]]
                if not free[seed] or possible.size < picks_needed:
                    break
                left = self._count_left(seed)
                limit = allowed(self._picks.time[seed])
                if possible.size == self._tried[seed] and not self._may_be_rare(
                    self._chance[seed], left / self._left[seed], limit
                ):
                    break
                self._tried[seed], self._left[seed], self._chance[seed] = possible.size, left, np.inf
                candidate = _best_place(
                    seed, possible, around, slice(*self._window[seed]), self._slot, self._place, self._picks,
                    self._grid, self._fitter, self._config, limit,
                )  # fmt: skip
                if not isinstance(candidate, Candidate):
                    self._chance[seed] = candidate
                    break
                left = self._count_left(candidate.picks[0])
                then, chance_per_day = self._failed.get(candidate.picks, (left, 0.0))
                if not self._may_be_rare(chance_per_day, left / then, limit):
                    self._chance[seed] = chance_per_day
                    break
                before = np.count_nonzero(free[around])
                chance_per_day = (yield candidate) or 0.0
                if np.count_nonzero(free[around]) == before:
                    self._chance[seed] = chance_per_day
                    self._failed[candidate.picks] = left, chance_per_day
                    break

    def _count_left(self, row: int) -> int:
        """Free picks in the minutes around one that is free."""
        return int(np.count_nonzero(self._fitter.free[slice(*self._window[row])]))

    @staticmethod
    def _may_be_rare(chance_per_day: float, share: float, limit: float) -> bool:
        """Whether what chance made so often may meet the limit now that a share of the picks around is left."""
        return chance_per_day * share**SHARES_IN_CHANCE < limit


def _best_place(
    seed: int,
    possible: np.ndarray,
    around: np.ndarray,
    window: slice,
    slot: np.ndarray,
    place: np.ndarray,
    picks: PreparedPicks,
    grid: _Grid,
    fitter: EventFitter,
    config: AssociateConfig,
    allowed: float,
) -> Candidate | float:
    """The place around the seed's station where picks agree least by chance; else how much would have to be allowed.

    Args:
        possible: rows of neighbours, by place and phase, that fit at one place or another.
        around: those that come near it.
        window: rows of the minutes around the seed.
        slot, place: of all picks, station and phase, and the place of the station.
        allowed: how many events like it chance may make in a day.
    """
    nodes, tolerance, free = grid.nodes_of[place[seed]], fitter.scales.tolerance, fitter.free
    # Of one place and phase one pick counts.
    place_slot = place * 2 + picks.is_s
    is_first = _is_first(place_slot[possible])
    starts = np.flatnonzero(is_first)
    if nodes.size == 0 or starts.size + 1 < config.min_picks:
        return np.inf
    hit = _misfit(seed, possible, grid.behind(slot[seed], place[seed], slot[possible]), picks) <= tolerance
    slot_hit = _any_by_group(hit, starts, np.cumsum(is_first) - 1)
    slots_hit = _count(slot_hit) + 1
    most = int(slots_hit.max())
    if most < config.min_picks:
        return np.inf
    background = _background(place[window], free[window], grid.is_near[place[seed]], most)
    by_hits = grid.chance.at_any_time(np.arange(most + 1), 2 * grid.reaches[:, None], tolerance, background)
    by_hits[:, : config.min_picks] = np.inf
    at_best = by_hits.min(axis=0)  # of all hits within one reach
    enough = min(allowed * COARSE_SHARE, COARSE_PER_DAY)
    if (needed := at_best[most]) >= enough:
        return float(needed) / COARSE_SHARE
    places_possible, each_reach = place[possible[starts]], np.arange(len(by_hits))[:, None]

    def quick(columns: np.ndarray) -> np.ndarray:
        ranks = grid.rank[places_possible[:, None], nodes[columns]]
        hit_there, own_rank = slot_hit[:, columns], grid.rank[place[seed], nodes[columns]]
        within = [
            np.add.reduce(hit_there & (ranks < reach), axis=0, dtype=int) + (own_rank < reach) for reach in grid.reaches
        ]
        return by_hits[each_reach, within].min(axis=0)

    promising = np.flatnonzero(slots_hit == most)
    quickly = quick(promising)
    # Places with fewer hits are looked at where these could be as rare as the best so far.
    if (fewer := int(np.argmax((at_best < enough) & (at_best <= quickly.min())))) < most:
        promising = np.flatnonzero(slots_hit >= fewer)
        quickly = quick(promising)
    best = int(quickly.argmin())
    if quickly[best] >= enough:
        return float(quickly[best]) / COARSE_SHARE
    column = promising[best]
    node = nodes[column]
    own = grid.travel[slot[seed], node]
    misfit = _misfit(seed, around, (grid.travel[slot[around], node] - own)[:, None], picks)[:, 0]
    fitting = possible[hit[:, column]]
    rows = np.sort(np.append(fitting, seed))
    # Of a place and phase one pick is the event's.
    counted = np.append(fitting[_is_first(place_slot[fitting])], seed)
    ring = around[(misfit <= RING_SECONDS) & (around[:, None] != counted).all(axis=1)]
    event = Event(
        np.zeros(counted.size), grid.rank[place[counted], node], picks.is_s[counted], picks.time[counted],
        np.full(counted.size, background), grid.rank[place[ring], node], picks.time[ring], grid.distances_km(node),
    )  # fmt: skip
    in_burst = grid.chance.least_in_bursts(event, tolerance, background, fitter.bursts(*picks.time[rows[[0, -1]]]))
    if (needed := in_burst / COARSE_SHARE_IN_BURSTS) >= allowed:
        return float(needed)
    x, y, z = grid.places[node]
    return Candidate(
        time=float(picks.time[seed] - own), x_km=float(x), y_km=float(y), depth_km=float(z),
        picks=tuple(rows.tolist()),
    )  # fmt: skip


def _misfit(seed: int, rows: np.ndarray, behind: NDArray[np.float32], picks: PreparedPicks) -> NDArray[np.float32]:
    """Absolute difference (s) of each row's delay behind the seed from that of each node: (rows, nodes).

    Args:
        behind: what the delays are at each node, overwritten.
    """
    behind -= (picks.time[rows] - picks.time[seed])[:, None].astype(np.float32)
    return np.abs(behind, out=behind)


def _any_by_group(hit: np.ndarray, starts: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Of rows in order of their group, whether any of the group has a hit: (groups, nodes)."""
    any_hit = hit[starts]
    rank = np.arange(group.size) - starts[group]
    for number in range(1, int(rank.max()) + 1):
        rows = np.flatnonzero(rank == number)
        any_hit[group[rows]] |= hit[rows]
    return any_hit


def _count(hit: np.ndarray) -> np.ndarray:
    """How many rows have a hit, by column; in bytes, the quickest, as long as these and one more fit in."""
    dtype = np.uint8 if len(hit) < np.iinfo(np.uint8).max else np.int32
    return np.asarray(np.add.reduce(hit.view(np.uint8), axis=0, dtype=dtype))


def _is_first(values: np.ndarray) -> NDArray[np.bool_]:
    """Which of some values in order differ from the one before."""
    is_first = np.ones(values.size, dtype=bool)
    np.not_equal(values[1:], values[:-1], out=is_first[1:])
    return is_first


def _background(place: np.ndarray, free: np.ndarray, is_near: np.ndarray, hits: int) -> float:
    """Picks per slot (place and phase) and second around the seed's place, but for as many as the event has.

    Args:
        place, free: of the picks in the minutes around, and whether each belongs to no event.
        is_near: of each place.
    """
    count = max(int(np.count_nonzero(is_near[place] & free)) - hits, 0)
    return float(rate(count, 4.0 * BACKGROUND_SECONDS * min(REACHES[2], is_near.size)))


def _pairs(
    picks: PreparedPicks, place: np.ndarray, grid: _Grid, free: np.ndarray, vs: float
) -> tuple[np.ndarray, np.ndarray]:
    """Give pairs of rows of neighbouring places that one event could make, each pair both ways."""
    rows = np.flatnonzero(free)
    time, place = picks.time[rows], place[rows]
    slot = place * 2 + picks.is_s[rows]
    firsts, seconds = [], []
    reach = grid.farthest_pair_km / vs + S_MINUS_P_SECONDS
    left = np.arange(rows.size)
    for offset in range(1, rows.size):
        left = left[left + offset < rows.size]
        left = left[time[left + offset] - time[left] <= reach]
        if left.size == 0:
            break
        right = left + offset
        apart = grid.pair_km[place[left], place[right]]  # infinite where they aren't neighbours
        together = (time[right] - time[left] <= apart / vs + S_MINUS_P_SECONDS) & np.isfinite(apart)
        together &= slot[left] != slot[right]
        firsts += [rows[left[together]], rows[right[together]]]
        seconds += [rows[right[together]], rows[left[together]]]
    if not firsts:
        return np.zeros(0, dtype=int), np.zeros(0, dtype=int)
    return np.concatenate(firsts), np.concatenate(seconds)


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


class _Grid:
    """Places (x, y, depth in km), travel times (s) from each to every slot (station and phase: row 2 * station + is S),
    and the order of the stations' places by distance."""

    def __init__(self, key: _Key):
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
        self._place_x_km, self._place_y_km = stations.place_x_km, stations.place_y_km
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
        self.nodes_of = [np.flatnonzero(rank[number] < SEED_RANK) for number in range(size)]
        self._behind: dict[int, NDArray[np.float32]] = {}
        delays = sum(self.nodes_of[own].size for own in stations.place) * 2 * len(self.travel)
        self._keeps_behind = delays <= MOST_KEPT
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

    def distances_km(self, node: int) -> NDArray[np.float64]:
        """Of the stations' places from a node, in order."""
        x_km, y_km, _ = self.places[node]
        return np.sort(np.hypot(self._place_x_km - x_km, self._place_y_km - y_km))

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

    def behind(self, seed: int, place: int, slots: np.ndarray) -> NDArray[np.float32]:
        """Delays (s) of slots behind a seed's slot over the nodes of its place: (slots, nodes)."""
        nodes = self.nodes_of[place]
        if not self._keeps_behind:
            return self.travel[slots[:, None], nodes] - self.travel[seed, nodes]
        if seed not in self._behind:
            travel = self.travel[:, nodes]
            self._behind[seed] = travel - travel[seed]
        return self._behind[seed][slots]

    def beyond(self, seed: np.ndarray, slot: np.ndarray, delay: np.ndarray) -> np.ndarray:
        """How far (s) delays of slots behind seeds lie beyond what any of the seed's nodes has; 0 for possible ones."""
        least, largest = np.moveaxis(self._delays[seed, slot], -1, 0)
        return np.maximum(np.maximum(least - delay, delay - largest) - ROUNDING_SECONDS, 0.0)


@lru_cache(maxsize=4)
def _grid(key: _Key) -> _Grid:
    return _Grid(key)
