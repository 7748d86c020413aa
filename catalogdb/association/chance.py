"""How often picks that belong to nothing would agree on an event as well as the picks of this one do.

Two kinds of false picks are thought of, and the one that explains an event better counts.

Picks that come at any time: each slot, a station and phase, has false picks at a rate r of its own, measured in the
minutes around, and holds one within +-tau of the predicted time with probability q = 1 - exp(-2 r tau). Of the nearest
m stations k have their P so, and j their S: outcomes of that size that are as rare are expected no more often than
C(m, k) C(m, j) times the product of the q of the slots hit. Quiet stations count for more than noisy ones.

Bursts, which hit neighbouring stations within seconds: every station with a pick near its predicted times is taken for
hit by one burst, with a pick that falls anywhere within RING_SECONDS of these times. A share of the bursts is of one
phase throughout, in the others each pick is P or S by itself; both shares are those of the bursts seen. So k of n
stations or more have a P within +-tau with P(X >= k; n, p tau / RING_SECONDS), p being the share of P, or 1. A burst
explains the P of one interval of 2 RING_SECONDS alone, the one that holds most of them: in a wide network those of an
event arrive over minutes. The other P, and the S of stations with P, come at any time, or as many as one interval holds
from a second burst, and of what that leaves from a third. Bursts that are seen last as long as what makes them one,
SEEN_SECONDS instead of RING_SECONDS. Only P counts as the first one: S alone at near stations and P alone at farther
ones is how a burst looks like an event.

So S at a station that has P is evidence, the more the rarer picks are there. Times the number of places and times that
differ by more than tau, and the number of looks at an event, these are the coincidences to expect in a day. For picks
at any time a look is a reach m and a pair of tolerances, for bursts a reach: a burst that fits within one tolerance
mostly does within the next. The reach m and the tolerances tau, one for P and one that may be wider for S, are those
that make an event stand out most.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from catalogdb.association.bursts import (
    SMALLEST,
    Arrivals,
    Bursts,
    Explained,
    Numbers,
    chance_of,
    chance_of_burst,
    explained,
    log_choose,
)

TOLERANCES = np.array([0.25, 0.5, 1.0, 2.0])
TOLERANCE_PAIRS = np.array(
    [(tau, s_tau) for tau in TOLERANCES for s_tau in (0.0, *TOLERANCES) if s_tau == 0.0 or s_tau >= tau]
).T
"""Of P and S, s; without S for events that stand out more by P alone."""
RING_SECONDS = 6.0
SEEN_SECONDS = 2.0
# A quiet slot has a pick or two a day; that much is known beforehand with the weight of a tenth of a pick.
QUIET_RATE = 2.0 / 86400.0
PRIOR_COUNT = 0.1
# A station and phase is as busy as those around, that much is known with the weight of a pick.
SLOT_PRIOR_COUNT = 1.0
# A burst has so many picks: the picks around make no more bursts than that.
BURST_PICKS = 5.0
# One that was not seen is still thought possible, with this weight.
UNSEEN_BURSTS = 0.5


def rate(count: Numbers, slot_seconds: Numbers, prior: float = QUIET_RATE, weight: float = PRIOR_COUNT) -> Any:
    """Picks per slot and second: `count` in `slot_seconds`, drawn to `prior` where there is little to count.

    An array where one of them is.
    """
    return (count + weight) / (slot_seconds + weight / prior)


NONE_SEEN = Bursts(0.0, np.inf)
"""As many as the picks around could make."""
OF_P = Bursts(1.0, 0.0)
NOTHING = Explained(0, 0)


class Event(NamedTuple):
    """What may be an event, and what is around it.

    Args:
        misfit, rank, is_s, time: of its arrivals (one per station and phase): absolute residual (s), the station's
            place in order of distance from 0, phase, and when (s).
        rates: false picks per second in the arrival's slot.
        ring_rank, ring_time: of the other picks within RING_SECONDS of their predicted times.
        distances_km: of all stations, in order.
    """

    misfit: np.ndarray
    rank: np.ndarray
    is_s: np.ndarray
    time: np.ndarray
    rates: np.ndarray
    ring_rank: np.ndarray
    ring_time: np.ndarray
    distances_km: np.ndarray


class _OfPhase(NamedTuple):
    """At the places of an event: arrival times (s, not a number where there is none), which fit, (places, tolerances),
    and the logarithm of the probability that a false pick does, 0 where none fits."""

    time: np.ndarray
    fits: np.ndarray
    rarity: np.ndarray


class _Fits:
    """Which arrivals of an event fit, by place in order of distance, for pairs of tolerances."""

    def __init__(self, event: Event, tolerances: np.ndarray, s_tolerances: np.ndarray):
        self.event, self.tolerances, self.s_tolerances = event, tolerances, s_tolerances
        is_place = np.bincount(event.rank) > 0
        self.places, inverse = np.flatnonzero(is_place), (np.cumsum(is_place) - 1)[event.rank]
        self.reach = self.places[:, None] + 1
        p_hit, s_hit = (_by_place(inverse, of_phase, self.places.size) for of_phase in (~event.is_s, event.is_s))
        # The last one stands for none.
        misfit, rates, time = (
            np.append(values, none)
            for values, none in ((event.misfit, np.inf), (event.rates, 1.0), (event.time, np.nan))
        )
        p_fits, s_fits = misfit[p_hit][:, None] <= tolerances, misfit[s_hit][:, None] <= s_tolerances
        self.s_rarity = s_fits * _log_hit(rates[s_hit], s_tolerances)
        both = p_fits & s_fits
        self.p = _OfPhase(time[p_hit], p_fits, p_fits * _log_hit(rates[p_hit], tolerances))
        self.both = _OfPhase(time[s_hit], both, both * self.s_rarity)
        self.p_hits, self.s_hits = np.cumsum(p_fits, axis=0), np.cumsum(s_fits, axis=0)

    def arrivals(self, of_phase: _OfPhase, others: Arrivals | None = None) -> Arrivals:
        """In order of time, those of one phase that fit and lie within each reach, with others."""
        place = np.flatnonzero(of_phase.fits.any(axis=1))
        within = (self.places[place][:, None] < self.reach[:, 0])[:, :, None]
        time, fits, rarity = (
            of_phase.time[place],
            of_phase.fits[place][:, None] & within,
            of_phase.rarity[place][:, None],
        )
        if others is not None:
            time = np.append(time, others.time)
            fits, rarity = np.concatenate([fits, others.fits]), np.concatenate([rarity, others.rarity])
        order = np.argsort(time, kind="stable")
        return Arrivals(time[order], fits[order], rarity[order])


class ChanceTest:
    """Expected number of chance events per day like a given one.

    Args:
        area_km2, thickness_km: of the volume searched.
        vp: P speed, km/s.
        stations: number of stations.
    """

    def __init__(self, area_km2: float, thickness_km: float, vp: float, stations: int):
        self._area, self._thickness, self._vp, self._stations = area_km2, thickness_km, vp, stations

    def at_any_time(self, hits: np.ndarray, slots: np.ndarray, tolerance: Numbers, background: float) -> np.ndarray:
        """Expected number per day from picks that come at any time; arrays broadcast together.

        Args:
            hits: slots with a pick within the tolerance.
            slots: number of slots, stations times phases.
            tolerance: s.
            background: picks per slot and second.
        """
        trials = self._places(self._area, tolerance) * 86400.0 / (2.0 * tolerance)
        return trials * chance_of(hits, slots, -np.expm1(-2.0 * tolerance * background))

    def in_bursts(
        self, seen: Explained, unseen: Explained, second: Explained, third: Explained, p_hits: Numbers, both: Numbers,
        stations: Numbers, reach: Numbers, radius_km: Numbers, tolerance: Numbers, s_tolerance: Numbers,
        seconds: Numbers, background: float, bursts: Bursts = NONE_SEEN,
    ) -> np.ndarray:  # fmt: skip
        """Expected number per day from bursts; arrays broadcast together.

        Args:
            seen, unseen: what a burst like those seen explains of the P that fit, and one like none seen.
            second: what a second burst like those seen explains of what `seen` leaves, the S of stations whose P fits
                among it.
            third: what a third burst like those seen explains of what `second` leaves.
            p_hits: stations with a P pick within the tolerance.
            both: of `p_hits`, those with S within its tolerance.
            stations: stations with any pick within RING_SECONDS of its predicted time.
            reach: stations looked at, the nearest ones.
            radius_km: distance of the farthest of them.
            tolerance, s_tolerance: of P and S, s.
            seconds: second picks of these stations that fit nothing.
            background: picks per slot and second in the minutes around.
            bursts: how many there are; what all picks around would make is the most there can be.
        """
        most = background * 2.0 * self._stations * 86400.0 / BURST_PICKS
        as_seen = min(bursts.seen, most)
        as_unseen = min(bursts.unseen, most - as_seen)
        # What other bursts do is counted for both kinds of the first.
        second_rate = rate(seconds, 2.0 * RING_SECONDS * stations, background)
        s_alone = chance_of(both, p_hits, -np.expm1(-2.0 * s_tolerance * second_rate))
        touching = np.minimum((BURST_PICKS + reach - 1.0) / self._stations, 1.0)
        another = as_seen * 2.0 * SEEN_SECONDS / 86400.0 * touching
        share = max(bursts.p_share, 1.0 - bursts.p_share)
        by_third, by_second = (
            another * chance_of_burst(burst, np.maximum(s_tolerance, tolerance) / SEEN_SECONDS, share, bursts)
            for burst in (third, second)
        )
        again = by_second * np.minimum(np.exp(second.others) + by_third * np.exp(third.others), 1.0)
        within = tolerance / SEEN_SECONDS * (1.0 + seconds / np.maximum(stations, 1))
        chance = as_seen * SEEN_SECONDS * chance_of_burst(seen, within, bursts.p_share, bursts)
        chance = chance * np.minimum(np.exp(seen.others) * s_alone + again, 1.0)
        other = as_unseen * RING_SECONDS * chance_of_burst(unseen, tolerance / RING_SECONDS, 1.0, OF_P)
        chance = chance + other * np.minimum(np.exp(unseen.others) * s_alone + again, 1.0)
        return self._places(np.pi * np.square(radius_km), tolerance) / tolerance * chance

    def best(self, event: Event, background: float, bursts: Bursts = NONE_SEEN) -> float:
        """Give the least expected number per day over reaches and tolerances.

        Args:
            event: what may be one.
            background: picks per slot and second in the minutes around.
            bursts: as for `in_bursts`.
        """
        fits = _Fits(event, *TOLERANCE_PAIRS)
        reach, tolerances = fits.reach, fits.tolerances
        chosen = log_choose(reach, fits.p_hits) + log_choose(reach, fits.s_hits)
        trials = tolerances.size * reach.size * self._places(self._area, tolerances) * 86400.0 / (2.0 * tolerances)
        rarity = np.cumsum(fits.p.rarity + fits.s_rarity, axis=0)
        everywhere = trials * np.exp(np.minimum(chosen + rarity, 0.0))
        return float(np.maximum(everywhere, reach.size * self._in_bursts(fits, background, bursts)).min())

    def least_in_bursts(self, event: Event, tolerance: float, background: float, bursts: Bursts) -> float:
        """Give the least expected number per day from bursts over reaches, for one tolerance (s) of P and S."""
        return float(self._in_bursts(_Fits(event, *np.full((2, 1), tolerance)), background, bursts).min())

    def _in_bursts(self, fits: _Fits, background: float, bursts: Bursts) -> np.ndarray:
        """Expected number per day from bursts: (reaches, tolerances)."""
        event, places, reach = fits.event, fits.places, fits.reach
        # Of each station within the farthest reach, the picks around that aren't part of the event.
        around = np.bincount(event.ring_rank, minlength=places[-1] + 1)[: places[-1] + 1]
        is_place = np.zeros(around.size, dtype=bool)
        is_place[places] = True
        stations = np.cumsum(is_place | (around > 0))[reach - 1]
        # All of them at a station of the event, all but one at another.
        seconds = np.cumsum(np.maximum(around - ~is_place, 0))[reach - 1]
        rank, time = np.append(event.rank, event.ring_rank), np.append(event.time, event.ring_time)
        of_p = fits.arrivals(fits.p)
        seen, left = explained(of_p, reach, 2.0 * SEEN_SECONDS, rank, time, reach)
        unseen, _ = explained(of_p, reach, 2.0 * RING_SECONDS, rank, time, reach)
        rest = fits.arrivals(fits.both, left)
        slots = reach + fits.p_hits - seen.hits
        second, left = explained(rest, slots, 2.0 * SEEN_SECONDS, rank, time, reach)
        third = NOTHING
        if left.fits.any():
            third, _ = explained(left, slots - second.hits, 2.0 * SEEN_SECONDS, rank, time, reach)
        return self.in_bursts(
            seen, unseen, second, third, fits.p_hits, np.cumsum(fits.both.fits, axis=0), stations, reach,
            event.distances_km[places][:, None], fits.tolerances, fits.s_tolerances, seconds, background, bursts,
        )  # fmt: skip

    def _places(self, area_km2: Numbers, tolerance: Numbers) -> np.ndarray:
        """Number of places whose arrivals differ by more than the tolerance; depth is told half as well."""
        width = 2.0 * tolerance * self._vp
        return np.maximum(area_km2 / width**2, 1.0) * np.maximum(self._thickness / (2.0 * width), 1.0)


def _by_place(inverse: np.ndarray, of_phase: np.ndarray, size: int) -> np.ndarray:
    """The arrival of one phase at each place; -1 where there is none."""
    rows = np.full(size, -1)
    rows[inverse[of_phase]] = np.flatnonzero(of_phase)
    return rows


def _log_hit(rates: np.ndarray, tolerances: np.ndarray) -> np.ndarray:
    """Logarithm of the probability of a false pick within the tolerances, (rates, tolerances)."""
    return np.log(np.maximum(-np.expm1(-2.0 * rates[:, None] * tolerances), SMALLEST))
