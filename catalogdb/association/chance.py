"""How often picks that belong to nothing would agree on an event as well as the picks of this one do.

Two kinds of false picks are thought of, and the one that explains an event better counts.

Picks that come at any time: each slot, a station and phase, has false picks at a rate r of its own, measured in the
minutes around, and holds one within +-tau of the predicted time with probability q = 1 - exp(-2 r tau). Of the nearest
m stations k have their P so, and j their S: outcomes of that size that are as rare are expected no more often than
C(m, k) C(m, j) times the product of the q of the slots hit. Quiet stations count for more than noisy ones.

Bursts, which hit neighbouring stations within seconds: every station with a pick near its predicted times is taken for
hit by one burst, with a pick that falls anywhere within RING_SECONDS of these times. A share of the bursts is of one
phase throughout, in the others each pick is P or S by itself; both shares are those of the bursts seen. So k of n
stations or more have a P within +-tau with P(X >= k; n, p tau / RING_SECONDS), p being the share of P, or 1. Their S
comes at any time, or from another burst within RING_SECONDS that hits the same neighbourhood, as likely as a burst
covers a given station. Bursts that are seen last as long as what makes them one, SEEN_SECONDS instead of RING_SECONDS.
Only P counts as the first one: S alone at near stations and P alone at farther ones is how a burst looks like an event.

So S at a station that has P is evidence, the more the rarer picks are there. Times the number of places and times that
differ by more than tau, and for picks at any time the number of looks at an event, a look being a reach m and a pair of
tolerances, these are the coincidences to expect in a day. The reach m and the tolerances tau, one for P
and one that may be wider for S, are those that make an event stand out most.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import bdtrc, gammaln

Numbers = float | np.integer | np.ndarray
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
SMALLEST = 1e-140


def rate(count: Numbers, slot_seconds: Numbers, prior: float = QUIET_RATE, weight: float = PRIOR_COUNT) -> Any:
    """Picks per slot and second: `count` in `slot_seconds`, drawn to `prior` where there is little to count.

    An array where one of them is.
    """
    return (count + weight) / (slot_seconds + weight / prior)


class Bursts(NamedTuple):
    """Bursts per day: those seen in the minutes around, and those that are possible though they weren't.

    Of those seen, `p_share` of the picks are P, and a share `uniform` has one phase throughout.
    """

    seen: float
    unseen: float
    p_share: float = 1.0
    uniform: float = 1.0


NONE_SEEN = Bursts(0.0, np.inf)
"""As many as the picks around could make."""


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
        self, p_hits: Numbers, stations: Numbers, both: Numbers, radius_km: Numbers, tolerance: Numbers,
        s_tolerance: Numbers, seconds: Numbers, background: float, bursts: Bursts = NONE_SEEN,
    ) -> np.ndarray:  # fmt: skip
        """Expected number per day from bursts; arrays broadcast together.

        Args:
            p_hits: stations with a P pick within the tolerance.
            stations: stations with any pick within RING_SECONDS of its predicted time.
            both: of `p_hits`, those with S within its tolerance.
            radius_km: distance of the farthest station looked at.
            tolerance, s_tolerance: of P and S, s.
            seconds: second picks of these stations that fit nothing.
            background: picks per slot and second in the minutes around.
            bursts: how many there are; what all picks around would make is the most there can be.
        """
        most = background * 2.0 * self._stations * 86400.0 / BURST_PICKS
        seen = min(bursts.seen, most)
        unseen = min(bursts.unseen, most - seen)
        again = seen * 2.0 * RING_SECONDS / 86400.0 * min(BURST_PICKS / self._stations, 1.0)
        second_rate = rate(seconds, 2.0 * RING_SECONDS * stations, background)
        second = chance_of(both, p_hits, -np.expm1(-2.0 * s_tolerance * second_rate))
        second = second + again * _of_phase(both, p_hits, s_tolerance / SEEN_SECONDS, 1.0 - bursts.p_share, bursts)
        within = tolerance / SEEN_SECONDS * (1.0 + seconds / np.maximum(stations, 1))
        first = seen * SEEN_SECONDS * _of_phase(p_hits, stations, within, bursts.p_share, bursts)
        first += unseen * RING_SECONDS * chance_of(p_hits, stations, np.minimum(tolerance / RING_SECONDS, 1.0))
        return self._places(np.pi * np.square(radius_km), tolerance) / tolerance * first * np.minimum(second, 1.0)

    def best(
        self, misfit: np.ndarray, rank: np.ndarray, is_s: np.ndarray, rates: np.ndarray, ring_rank: np.ndarray,
        distances_km: np.ndarray, background: float, bursts: Bursts = NONE_SEEN,
    ) -> float:  # fmt: skip
        """Give the least expected number per day over reaches and tolerances.

        Args:
            misfit, rank, is_s: of an event's arrivals (one per station and phase): absolute residual (s), the station's
                place in order of distance from 0, and phase.
            rates: false picks per second in the arrival's slot.
            ring_rank: of the other picks within RING_SECONDS of their predicted times.
            distances_km: of all stations, in order.
            background: picks per slot and second in the minutes around.
            bursts: as for `in_bursts`.
        """
        places, inverse = np.unique(rank, return_inverse=True)
        reaches = places + 1
        tolerances, s_tolerances = TOLERANCE_PAIRS
        p_hit, s_hit = (_by_place(inverse, of_phase, places.size) for of_phase in (~is_s, is_s))
        misfit, rates = np.append(misfit, np.inf), np.append(rates, 1.0)  # the last one stands for none
        p_fits, s_fits = misfit[p_hit][:, None] <= tolerances, misfit[s_hit][:, None] <= s_tolerances
        p_rarity = p_fits * _log_hit(rates[p_hit], tolerances)
        s_rarity = s_fits * _log_hit(rates[s_hit], s_tolerances)
        both = p_fits & s_fits
        p_hits, s_hits, both = (np.cumsum(fits, axis=0) for fits in (p_fits, s_fits, both))
        stations = (np.union1d(places, ring_rank)[:, None] < reaches).sum(axis=0)[:, None]
        # Second picks of a station that aren't part of the event.
        ring = np.sort(ring_rank)
        repeated = ring[np.isin(ring, places) | np.append(False, ring[1:] == ring[:-1])]
        seconds = (repeated[:, None] < reaches).sum(axis=0)[:, None]
        reach = reaches[:, None]
        chosen = _log_choose(reach, p_hits) + _log_choose(reach, s_hits)
        looks = tolerances.size * reaches.size
        trials = looks * self._places(self._area, tolerances) * 86400.0 / (2.0 * tolerances)
        everywhere = trials * np.exp(
            np.minimum(chosen + np.cumsum(p_rarity, axis=0) + np.cumsum(s_rarity, axis=0), 0.0)
        )
        in_burst = self.in_bursts(
            p_hits, stations, both, distances_km[places][:, None], tolerances, s_tolerances, seconds, background, bursts
        )
        return float(np.maximum(everywhere, in_burst).min())

    def _places(self, area_km2: Numbers, tolerance: Numbers) -> np.ndarray:
        """Number of places whose arrivals differ by more than the tolerance; depth is told half as well."""
        width = 2.0 * tolerance * self._vp
        return np.maximum(area_km2 / width**2, 1.0) * np.maximum(self._thickness / (2.0 * width), 1.0)


def chance_of(hits: Numbers, slots: Numbers, probability: Numbers) -> np.ndarray:
    """P(X >= hits) for X binomial over the slots."""
    slots = np.asarray(slots, dtype=np.int64)
    hits = np.minimum(hits, slots)
    return np.where(hits > 0, np.maximum(bdtrc(hits - 1.0, slots, probability), SMALLEST), 1.0)


def _of_phase(hits: Numbers, slots: Numbers, within: Numbers, share: float, bursts: Bursts) -> np.ndarray:
    """P(so many stations of a burst or more have a pick of the phase that fits), `within` being how likely one fits."""
    within = np.minimum(within, 1.0)
    mixed = chance_of(hits, slots, share * within)
    return bursts.uniform * share * chance_of(hits, slots, within) + (1.0 - bursts.uniform) * mixed


def _by_place(inverse: np.ndarray, of_phase: np.ndarray, size: int) -> np.ndarray:
    """The arrival of one phase at each place; -1 where there is none."""
    rows = np.full(size, -1)
    rows[inverse[of_phase]] = np.flatnonzero(of_phase)
    return rows


def _log_hit(rates: np.ndarray, tolerances: np.ndarray) -> np.ndarray:
    """Logarithm of the probability of a false pick within the tolerances, (rates, tolerances)."""
    return np.log(np.maximum(-np.expm1(-2.0 * rates[:, None] * tolerances), SMALLEST))


def _log_choose(number: Numbers, chosen: Numbers) -> np.ndarray:
    return gammaln(number + 1.0) - gammaln(chosen + 1.0) - gammaln(np.subtract(number, chosen) + 1.0)
