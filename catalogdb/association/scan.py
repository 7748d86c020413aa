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

from catalogdb.association.chance_kernels import RING_SECONDS, Event, rate
from catalogdb.association.config import AssociateConfig
from catalogdb.association.fit import BACKGROUND_SECONDS, EventFitter
from catalogdb.association.grid import REACHES, Grid, search_grid
from catalogdb.association.hits import SlottedPicks, Trial, arrivals_at, hits_by_node, neighbours, rarest_node
from catalogdb.association.prepared import Candidate, PreparedPicks, PreparedStations, Volume
from catalogdb.traveltimes.first_arrivals import TravelTimes

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
        self._config, self._fitter = config, fitter
        self._grid = grid = search_grid(stations, volume, times, fitter.scales)
        self._picks = slotted = SlottedPicks(
            picks.time, picks.station * 2 + picks.is_s, stations.place[picks.station] * 2 + picks.is_s
        )
        self._neighbours = near = neighbours(
            slotted, fitter.free, grid.longest_seconds, grid.delays, RING_SECONDS, fitter.scales.tolerance
        )
        seeds = np.flatnonzero(near.possible >= config.min_picks - 1)
        self._seeds = seeds[np.argsort(-near.pairs[seeds], kind="stable")]
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
        free, picks_needed, near = self._fitter.free, self._config.min_picks - 1, self._neighbours
        for seed in self._seeds[free[self._seeds]].tolist():
            own = slice(near.starts[seed], near.starts[seed + 1])
            around, possible = near.rows[own], near.rows[own][near.may_hit[own]]
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
                    seed, possible, around, slice(*self._window[seed]),
                    self._picks, self._grid, self._fitter, self._config, limit,
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
    picks: SlottedPicks,
    grid: Grid,
    fitter: EventFitter,
    config: AssociateConfig,
    allowed: float,
) -> Candidate | float:
    """The place around the seed's station where picks agree least by chance; else how much would have to be allowed.

    Args:
        possible: rows of neighbours, by place and phase, that fit at one place or another.
        around: those that come near it.
        window: rows of the minutes around the seed.
        picks: all of them.
        allowed: how many events like it chance may make in a day.
    """
    enough, tolerance = min(allowed * COARSE_SHARE, COARSE_PER_DAY), fitter.scales.tolerance
    is_near = grid.is_near[picks.place_slot[seed] // 2]
    in_minutes = int(np.count_nonzero(is_near[picks.place_slot[window] // 2] & fitter.free[window]))
    trial = Trial(seed, possible, picks, grid.travel, np.float32(tolerance))
    least, node, background = _rarest(trial, in_minutes, grid, tolerance, config.min_picks, enough)
    if least >= enough:
        return least / COARSE_SHARE
    rows, event = _event_at(trial._replace(rows=around), node, grid, background)
    in_burst = grid.chance.least_in_bursts(event, tolerance, background, fitter.bursts(*picks.time[rows[[0, -1]]]))
    if (needed := in_burst / COARSE_SHARE_IN_BURSTS) >= allowed:
        return needed
    x_km, y_km, depth_km = grid.nodes[node].tolist()
    travel = grid.travel[picks.slot[seed], node]
    return Candidate(float(picks.time[seed] - travel), x_km, y_km, depth_km, tuple(rows.tolist()))


def _rarest(
    trial: Trial, in_minutes: int, grid: Grid, tolerance: float, min_picks: int, enough: float
) -> tuple[float, int, float]:
    """Where picks that come at any time would agree least often: times per day, the node, and the rate of such picks.

    Args:
        in_minutes: free picks near the seed's place in the minutes around.
        enough: times per day that nothing is looked for beyond.
    """
    ranges = grid.ranges_of[trial.picks.place_slot[trial.seed] // 2]
    hits = hits_by_node(trial, ranges)
    most = int(hits.max(initial=0))
    if most < min_picks:
        return np.inf, -1, 0.0
    background = _background(max(in_minutes - most, 0), len(grid.is_near))
    by_hits = np.full((grid.reaches.size, most + 1), np.inf)
    by_hits[:, min_picks:] = grid.chance.at_any_time(
        np.arange(min_picks, most + 1), 2 * grid.reaches[:, None], tolerance, background
    )
    at_best = by_hits.min(axis=0)  # of all hits within one reach
    if at_best[most] >= enough:
        return float(at_best[most]), -1, background
    least, node = rarest_node(trial, ranges, hits, most, by_hits, grid.reaches, grid.rank)
    # Places with fewer hits are looked at where these could be as rare as the best so far.
    if (fewer := int(np.argmax((at_best < enough) & (at_best <= least)))) < most:
        least, node = rarest_node(trial, ranges, hits, fewer, by_hits, grid.reaches, grid.rank)
    return least, node, background


def _background(count: int, places: int) -> float:
    """Picks per slot (place and phase) and second in the minutes around."""
    return float(rate(count, 4.0 * BACKGROUND_SECONDS * min(REACHES[2], places)))


def _event_at(trial: Trial, node: int, grid: Grid, background: float) -> tuple[np.ndarray, Event]:
    """Rows of all picks that hit at a node, and the event that they make there: of a place and phase one is its own."""
    picks = trial.picks
    hits, own, ring = arrivals_at(trial, node, np.float32(RING_SECONDS))
    rank, slot, ring_slot = grid.rank[:, node], picks.place_slot[own], picks.place_slot[ring]
    event = Event(
        np.zeros(own.size), rank[slot // 2], slot % 2 == 1, picks.time[own], np.full(own.size, background),
        rank[ring_slot // 2], picks.time[ring], grid.distances_km(node),
    )  # fmt: skip
    return np.sort(hits), event
