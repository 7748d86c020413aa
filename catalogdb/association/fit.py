"""From a first guess to a located event: collect the picks that fit, locate, and again until nothing changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from catalogdb.association.burst_picks import FreeBursts
from catalogdb.association.chance import SLOT_PRIOR_COUNT, UNSEEN_BURSTS, ChanceTest
from catalogdb.association.chance_kernels import BURST_PICKS, QUIET_RATE, RING_SECONDS, Bursts, Event, rate
from catalogdb.association.config import AssociateConfig
from catalogdb.association.locate import (
    START_DEPTHS_KM,
    Hypocentre,
    Observations,
    locate,
    locate_without_each,
    medians,
    with_uncertainties,
)
from catalogdb.association.network_view import NetworkView
from catalogdb.association.prepared import PreparedPicks, PreparedStations, Volume
from catalogdb.association.scales import network_scales
from catalogdb.traveltimes.first_arrivals import TravelTimes

ROUNDS = 6
PARAMETERS = 4
BACKGROUND_SECONDS = 120.0
BACKGROUND_STATIONS = 20
# Picks come in bursts, so the minutes around may have few by luck: the whole window's rate is known with the weight of
# one burst's picks.
WINDOW_PICKS = 8.0
NARROWEST_SECONDS = 0.7
FIRST_ROUND = 2.0
NARROW_SHARE = 4.0
# Where false picks are more frequent per slot, and residuals wider, arrivals of small events are left out for a trial.
DENSE_RATE = 2.0 * QUIET_RATE
WIDE_SPREAD_SECONDS = 0.2
MOST_TO_LEAVE_OUT = 16
LEFT_OUT_TRIALS = 3
BETTER = 0.3
SHORTEST_SECONDS = 600.0


@dataclass(frozen=True)
class Fit:
    """A hypocentre, the rows of its picks (in order), and how many such events chance would make in a day."""

    here: Hypocentre
    rows: np.ndarray
    chance_per_day: float


class EventFitter:
    """Fits events to the picks that are still free; `free` says which, and the caller takes them away."""

    def __init__(
        self,
        picks: PreparedPicks,
        stations: PreparedStations,
        volume: Volume,
        times: TravelTimes,
        config: AssociateConfig,
    ):
        self._picks, self._stations, self._volume, self._times, self._config = picks, stations, volume, times, config
        self.free = np.ones(len(picks), dtype=bool)
        self.scales = network_scales(config, stations, volume, times.vs)
        self.max_residual = self.scales.max_residual
        thickness_km = volume.region.maxdepth_km - volume.region.mindepth_km
        self._chance = ChanceTest(self.scales.area_km2, thickness_km, times.vp, len(stations.place_x_km))
        prior = config.depth_prior
        self._pick_place = stations.place[picks.station]
        self._pick_slot = picks.station * 2 + picks.is_s
        self._place_slot = self._pick_place * 2 + picks.is_s
        self._free_bursts = FreeBursts(picks, stations, self.free)
        self._seconds = max(float(np.ptp(picks.time)), 2.0 * BACKGROUND_SECONDS)
        self._depth_prior = None if prior is None else (prior.depth_km, prior.sigma_km)
        self._last_view: NetworkView | None = None

    def narrow(self, typical: float | None) -> None:
        """Collect what is a few times as far off as is typical (root mean square, s) of events; None: as set."""
        widest = self.scales.max_residual
        if typical is not None:
            widest = float(np.clip(NARROW_SHARE * typical, min(NARROWEST_SECONDS, widest), widest))
        self.max_residual = widest

    def give_back(self, rows: np.ndarray) -> None:
        """Make the picks of an event free again."""
        self.free[rows] = True
        self._free_bursts.count()

    def take(self, rows: np.ndarray) -> None:
        """Take the picks of an event away: they are no longer free."""
        self.free[rows] = False
        self._free_bursts.count()

    def fit(self, start: Hypocentre, rows: np.ndarray) -> Fit:
        """Locate from `rows` (one per station and phase), and with `collect` from all free picks that fit."""
        if rows.size < PARAMETERS:
            return Fit(start, rows, np.inf)
        return self._fit(start, rows, 0)

    def without_strangers(self, fit: Fit) -> Fit:
        """Leave arrivals out, one after the other, where the others agree far better without it.

        Among many false picks one may fit by chance, and draw a small event kilometres away: the residuals then are
        spread over all arrivals. Where there are few picks around nothing is done.
        """
        while (
            PARAMETERS < fit.rows.size <= MOST_TO_LEAVE_OUT
            and self._spread(fit.rows, fit.here) > WIDE_SPREAD_SECONDS
            and self.background(fit.here, fit.rows) > DENSE_RATE
        ):
            best = min(self._without_misfits(fit), key=lambda other: other.chance_per_day)
            if not best.chance_per_day < BETTER * fit.chance_per_day:
                break
            fit = best
        return fit

    def _without_misfits(self, fit: Fit) -> list[Fit]:
        """Fits without one arrival each, of those without which the others agree best."""
        observed, bounds = self.observations(fit.rows), self._volume.bounds
        places, misfits = locate_without_each(fit.here, observed, self._times, bounds, self._depth_prior)
        worst = np.argsort(misfits, kind="stable")[:LEFT_OUT_TRIALS]
        return [self._fit(places[number], np.delete(fit.rows, number), 1) for number in worst]

    def _fit(self, start: Hypocentre, rows: np.ndarray, first_round: int) -> Fit:
        background = self.background(start, rows)
        here = self._locate(start, rows)
        seen = {rows.tobytes()}
        for number in range(first_round, ROUNDS):
            tolerance = self._tolerance(rows, here, number)
            if self._config.collect:
                found = self._collect(here, tolerance, background)
            else:
                found = rows[self.misfit(rows, here) <= tolerance]
            if found.size < PARAMETERS or np.array_equal(found, rows):
                break
            rows = found
            here = self._locate(here, rows, ())
            if rows.tobytes() in seen:
                break
            seen.add(rows.tobytes())
        rows = rows[self.misfit(rows, here) <= self.max_residual]
        return Fit(here, rows, self.chance_per_day(here, rows))

    def observations(self, rows: np.ndarray) -> Observations:
        """Gather the arrivals of some rows for the location."""
        station = self._picks.station[rows]
        return Observations(
            time=self._picks.time[rows],
            sigma=self._picks.sigma[rows],
            is_s=self._picks.is_s[rows],
            x_km=self._stations.x_km[station],
            y_km=self._stations.y_km[station],
            station_depth_km=self._stations.depth_km[station],
        )

    def misfit(self, rows: np.ndarray, here: Hypocentre) -> np.ndarray:
        """Absolute residuals, s."""
        travel = self._view(here).travel[self._pick_slot[rows]]
        return np.abs(self._picks.time[rows] - here.time - travel)

    def one_per_phase(self, rows: np.ndarray, here: Hypocentre, counts: Counter[str]) -> np.ndarray:
        """Keep, of each station and phase, the pick that fits best (then the more probable, then the earlier), and of a
        station's P and S where S isn't later the one that fits better; in order of time."""
        picks = self._picks
        misfit = self.misfit(rows, here)
        slot = self._pick_slot[rows]
        order = np.lexsort((rows, -picks.probability[rows], np.round(misfit, 6), slot))
        first = np.ones(order.size, dtype=bool)
        first[1:] = slot[order][1:] != slot[order][:-1]
        counts["arrival_duplicate_station_phase"] += int(np.count_nonzero(~first))
        kept = order[first]
        slot, rows, misfit = slot[kept], rows[kept], misfit[kept]
        # Slots are in order: a station's S follows its P.
        pair = np.flatnonzero((slot[:-1] // 2 == slot[1:] // 2) & (picks.time[rows[1:]] <= picks.time[rows[:-1]]))
        if pair.size:
            counts["arrival_s_before_p"] += int(pair.size)
            keep = np.ones(rows.size, dtype=bool)
            keep[np.where(misfit[pair + 1] > misfit[pair], pair + 1, pair)] = False
            rows = rows[keep]
        return np.sort(rows)

    def background(self, here: Hypocentre, rows: np.ndarray) -> float:
        """Free picks per slot (place and phase) and second around, in the minutes around, but for these rows; not less
        than these minutes and the whole window say together."""
        is_near = self._view(here).rank < BACKGROUND_STATIONS
        slots = 2.0 * min(is_near.size, BACKGROUND_STATIONS)
        is_counted = is_near[self._pick_place] & self.free
        around, is_own = self._minutes_around(here.time, rows)
        own = is_counted[rows]
        count = np.count_nonzero(is_counted[around]) - np.count_nonzero(own & is_own)
        slot_seconds = slots * 2.0 * BACKGROUND_SECONDS
        usual = rate(np.count_nonzero(is_counted) - np.count_nonzero(own), slots * self._seconds)
        return float(max(rate(count, slot_seconds), rate(count, slot_seconds, usual, WINDOW_PICKS)))

    def _slot_rates(self, rows: np.ndarray, time: float, background: float) -> np.ndarray:
        """Free picks per second of the place and phase of each row in the minutes around, but for the row itself."""
        around, is_own = self._minutes_around(time, rows)
        slots = self._place_slot[around][self.free[around]]
        count = np.bincount(slots, minlength=2 * len(self._stations.place_x_km))[self._place_slot[rows]]
        return rate(count - is_own, 2.0 * BACKGROUND_SECONDS, background, SLOT_PRIOR_COUNT)

    def _minutes_around(self, time: float, rows: np.ndarray) -> tuple[slice, np.ndarray]:
        """Picks of the minutes around, and which of some rows are free ones of them."""
        first, last = np.searchsorted(self._picks.time, [time - BACKGROUND_SECONDS, time + BACKGROUND_SECONDS])
        return slice(first, last), (rows >= first) & (rows < last) & self.free[rows]

    def bursts(self, starttime: float, endtime: float) -> Bursts:
        """Bursts among the free picks, but for an interval (epoch seconds) that holds what may be an event itself."""
        time = self._picks.time
        count, n_s, same, pairs = self._free_bursts.outside(starttime - RING_SECONDS, endtime + RING_SECONDS)
        seconds = max(time[-1] - time[0], self._config.window_seconds) - (endtime - starttime + 2.0 * RING_SECONDS)
        days = max(seconds, SHORTEST_SECONDS) / 86400.0
        if count == 0:
            return Bursts(0.0, UNSEEN_BURSTS / days)
        p_share = 1.0 - n_s / count
        by_itself = p_share**2 + (1.0 - p_share) ** 2
        uniform = (same / pairs - by_itself) / (1.0 - by_itself) if by_itself < 1.0 else 1.0
        return Bursts(count / BURST_PICKS / days, UNSEEN_BURSTS / days, p_share, float(np.clip(uniform, 0.0, 1.0)))

    def chance_per_day(self, here: Hypocentre, rows: np.ndarray) -> float:
        """How many events as good as this one false picks would make in a day (see `chance`)."""
        if rows.size == 0:
            return np.inf
        view = self._view(here)
        rank = view.rank
        near, _ = self._near(here, RING_SECONDS)
        counted, misfit = self._one_per_place(rows, self.misfit(rows, here))
        is_own = np.zeros(len(self._picks), dtype=bool)
        is_own[rows] = True
        ring = near[~is_own[near]]
        background = self.background(here, rows)
        event = Event(
            misfit, rank[self._place(counted)], self._picks.is_s[counted], self._picks.time[counted],
            self._slot_rates(counted, here.time, background), rank[self._place(ring)], self._picks.time[ring],
            view.distance_km[view.order],
        )  # fmt: skip
        return self._chance.best(event, background, self.bursts(self._picks.time[rows[0]], self._picks.time[rows[-1]]))

    def with_uncertainties(self, here: Hypocentre, rows: np.ndarray) -> Hypocentre:
        """What the arrivals say of the uncertainty of a location."""
        return with_uncertainties(here, self.observations(rows), self._times)

    def _locate(
        self, here: Hypocentre, rows: np.ndarray, other_depths_km: tuple[float, ...] = START_DEPTHS_KM
    ) -> Hypocentre:
        observed, bounds = self.observations(rows), self._volume.bounds
        return locate(here, observed, self._times, bounds, self._depth_prior, other_depths_km)

    def _tolerance(self, rows: np.ndarray, here: Hypocentre, number: int) -> float:
        """The first guess may be far off, so the first round takes more; later ones four times the fit's own spread."""
        if number == 0:
            return FIRST_ROUND * self.max_residual
        return float(np.clip(4.0 * self._spread(rows, here), NARROWEST_SECONDS, self.max_residual))

    def _spread(self, rows: np.ndarray, here: Hypocentre) -> float:
        """Standard deviation of the residuals by their median, s."""
        return 1.4826 * float(medians(self.misfit(rows, here)))

    def _near(self, here: Hypocentre, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the free picks within `tolerance` (s) of the predicted times, and their absolute residuals."""
        first, last = np.searchsorted(
            self._picks.time, [here.time - tolerance, here.time + self._config.overlap_seconds]
        )
        rows = np.arange(first, last)[self.free[first:last]]
        misfit = self.misfit(rows, here)
        near = misfit <= tolerance
        return rows[near], misfit[near]

    def _collect(self, here: Hypocentre, tolerance: float, background: float) -> np.ndarray:
        rows = self.one_per_phase(self._near(here, tolerance)[0], here, Counter())
        if rows.size == 0:
            return rows
        # Beyond the reach that makes the event stand out most, picks are as likely chance as not.
        rank = self._view(here).rank[self._place(rows)]
        is_hit = np.zeros((int(rank.max()) + 1, 2), dtype=bool)
        is_hit[rank, self._picks.is_s[rows].astype(int)] = True
        slots_hit = is_hit.sum(axis=1)
        reaches = np.flatnonzero(slots_hit) + 1
        hits = np.cumsum(slots_hit)[reaches - 1]
        logarithm = np.log10(self._chance.at_any_time(hits, 2 * reaches, tolerance, background))
        reach = reaches[int(np.flatnonzero(logarithm <= logarithm.min() + 1e-9)[-1])]
        return rows[rank < reach]

    def _place(self, rows: np.ndarray) -> np.ndarray:
        return self._pick_place[rows]

    def _one_per_place(self, rows: np.ndarray, misfit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each place and phase the arrival that fits best, with its misfit."""
        order = np.lexsort((rows, misfit))
        _, first = np.unique(self._place_slot[rows][order], return_index=True)
        kept = np.sort(order[first])
        return rows[kept], misfit[kept]

    def _view(self, here: Hypocentre) -> NetworkView:
        """The network from there; kept for the next question about the same hypocentre."""
        if self._last_view is None or self._last_view.here is not here:
            self._last_view = NetworkView(here, self._stations, self._times)
        return self._last_view
