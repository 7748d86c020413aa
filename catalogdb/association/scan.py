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

import numpy as np

from catalogdb.association.chance import RING_SECONDS, rate
from catalogdb.association.config import AssociateConfig
from catalogdb.association.fit import BACKGROUND_SECONDS, EventFitter
from catalogdb.association.prepared import Candidate, PreparedPicks, PreparedStations, Volume
from catalogdb.association.search_grid import REACHES, GridKey, NodeHits, SearchGrid, search_grid
from catalogdb.traveltimes.first_arrivals import TravelTimes

# S minus P at the seed's station, s, on top of the way between two stations.
S_MINUS_P_SECONDS = 12.0
MAXIMUM_TRIES = 6
# The grid is coarse, and what it lets through, so many times more than is allowed, is tested again.
COARSE_PER_DAY = 1e4
COARSE_SHARE = 1e6
COARSE_SHARE_IN_BURSTS = 3e3
# An event of so many picks is that many powers rarer by chance where fewer picks are around.
SHARES_IN_CHANCE = 10


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
        self._grid = grid = search_grid(GridKey(stations, volume, times, fitter.scales))
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
                    seed, possible, around, self._slot, self._place, self._picks, self._grid, self._fitter,
                    self._config, limit,
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
    slot: np.ndarray,
    place: np.ndarray,
    picks: PreparedPicks,
    grid: SearchGrid,
    fitter: EventFitter,
    config: AssociateConfig,
    allowed: float,
) -> Candidate | float:
    """The place around the seed's station where picks agree least by chance; else how much would have to be allowed.

    Args:
        possible: rows of neighbours, by place and phase, that fit at one place or another.
        around: those that come near it.
        slot, place: of all picks, station and phase, and the place of the station.
        allowed: how many events like it chance may make in a day.
    """
    nodes, tolerance = grid.nodes_of[place[seed]], fitter.scales.tolerance
    # Of one place and phase one pick counts.
    place_slot = place * 2 + picks.is_s
    group = np.cumsum(np.diff(place_slot[possible], prepend=-1) != 0) - 1
    if nodes.size == 0 or group[-1] + 2 < config.min_picks:
        return np.inf
    delays = picks.time[possible] - picks.time[seed]
    hits = NodeHits(grid, slot[seed], place[seed], slot[possible], delays, group, tolerance)
    if (most := hits.most()) < config.min_picks:
        return np.inf
    background = _background(seed, place, picks, grid, fitter, most)
    by_hits = grid.chance.at_any_time(np.arange(most + 1), 2 * grid.reaches[:, None], tolerance, background)
    by_hits[:, : config.min_picks] = np.inf
    at_best = by_hits.min(axis=0)  # of all hits within one reach
    enough = min(allowed * COARSE_SHARE, COARSE_PER_DAY)
    if (needed := at_best[most]) >= enough:
        return float(needed) / COARSE_SHARE
    group_slots = place_slot[possible[hits.by_group.starts]]

    def quick(columns: np.ndarray) -> np.ndarray:
        ranks = grid.rank[(group_slots // 2)[:, None], nodes[columns]]
        slot_hit, own_rank = hits.slots_hit(columns), grid.rank[place[seed], nodes[columns]]
        within = [
            np.add.reduce(slot_hit & (ranks < reach), axis=0, dtype=int) + (own_rank < reach) for reach in grid.reaches
        ]
        return np.take_along_axis(by_hits, np.stack(within), axis=1).min(axis=0)

    # What fewer hits give at best is not looked at where more of them give as little.
    promising = hits.at_least(most)
    quickly = quick(promising)
    if (fewer := int(np.argmax((at_best < enough) & (at_best <= quickly.min())))) < most:
        promising = hits.at_least(fewer)
        quickly = quick(promising)
    least = quickly.min()
    if least >= enough:
        return float(least) / COARSE_SHARE
    best = promising[quickly == least]
    column = best[nodes[best].argmin(keepdims=True)]
    hit = hits.rows_hit(column)
    hit_slots = np.append(group_slots[hits.by_group(hit)[:, 0]], place_slot[seed])
    node = nodes[column[0]]
    own = grid.travel[slot[seed], node]
    behind = (picks.time[around] - picks.time[seed]).astype(np.float32)
    in_ring = np.abs(grid.travel[slot[around], node] - own - behind) <= RING_SECONDS
    rows = np.sort(np.append(possible[hit[:, 0]], seed))
    hit_places, hit_count = np.unique(hit_slots // 2, return_counts=True)
    p_places = hit_slots[hit_slots % 2 == 0] // 2
    places = np.append(place[around[in_ring]], place[seed])
    p_hits = (grid.rank[p_places, node][:, None] < grid.reaches).sum(axis=0)
    both_ranks = grid.rank[hit_places[hit_count > 1], node]
    both = (both_ranks[:, None] < grid.reaches).sum(axis=0)
    in_burst = grid.chance.in_bursts(
        p_hits,
        (grid.rank[np.unique(places), node][:, None] < grid.reaches).sum(axis=0),
        both,
        grid.radius_km[:, node],
        tolerance,
        tolerance,
        max(in_ring.sum() + 1 - hit_count.sum(), 0),
        background,
        fitter.bursts(*picks.time[rows[[0, -1]]]),
    )
    if (needed := in_burst.min() / COARSE_SHARE_IN_BURSTS) >= allowed:
        return float(needed)
    x, y, z = grid.places[node]
    return Candidate(
        time=float(picks.time[seed] - own), x_km=float(x), y_km=float(y), depth_km=float(z),
        picks=tuple(rows.tolist()),
    )  # fmt: skip


def _background(
    seed: int, place: np.ndarray, picks: PreparedPicks, grid: SearchGrid, fitter: EventFitter, hits: int
) -> float:
    """Free picks per slot (place and phase) and second around the seed's place, but for as many as the event has."""
    first, last = np.searchsorted(
        picks.time, [picks.time[seed] - BACKGROUND_SECONDS, picks.time[seed] + BACKGROUND_SECONDS]
    )
    near = grid.is_near[place[seed]]
    count = max(int(np.count_nonzero(near[place[first:last]] & fitter.free[first:last])) - hits, 0)
    return float(rate(count, 4.0 * BACKGROUND_SECONDS * min(REACHES[2], near.size)))


def _pairs(
    picks: PreparedPicks, place: np.ndarray, grid: SearchGrid, free: np.ndarray, vs: float
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
