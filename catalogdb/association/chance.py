"""How often picks that belong to nothing would agree on an event as well as the picks of this one do.

Two kinds of false picks are thought of, and the one that explains an event better counts.

Picks that come at any time: the nearest m stations have n = 2m slots (P and S) for one pick each, and where false
picks come at a rate r in each slot, measured in the minutes around, a slot holds one within +-tau of the predicted time
with probability q = 1 - exp(-2 r tau), and k slots or more do with the binomial tail P(X >= k; n, q).

Bursts, which hit neighbouring stations within seconds: every station with a pick near its predicted times is taken for
hit by one burst, whose picks fall anywhere within RING_SECONDS of these times. So k of those n stations or more have
one within +-tau with P(X >= k; n, tau / RING_SECONDS), and their second phase is a matter of the rate of second picks.
Where bursts are seen around they are known to be shorter, SEEN_SECONDS instead of RING_SECONDS, and so many that now
and then one hits the stations of another, and the two look like P and S. Only P counts as the first one: S alone at
near stations and P alone at farther ones is how a burst looks like an event.

Times the number of places and times that differ by more than tau, these are the coincidences to expect in a day. The
reach m and the tolerance tau are those that make an event stand out most.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import bdtrc

Numbers = float | np.integer | np.ndarray
TOLERANCES = np.array([0.25, 0.5, 1.0, 2.0])
RING_SECONDS = 6.0
SEEN_SECONDS = 4.0
# Of the bursts that come within RING_SECONDS of another, those that hit its stations in the other phase.
SAME_STATIONS = 0.0002
# A quiet slot has a pick or two a day; that much is known beforehand with the weight of a tenth of a pick.
QUIET_RATE = 2.0 / 86400.0
PRIOR_COUNT = 0.1
# A burst has so many picks: the picks around make no more bursts than that.
BURST_PICKS = 5.0
# One that was not seen is still thought possible, with this weight.
UNSEEN_BURSTS = 0.5
SMALLEST = 1e-140


def rate(count: float | np.ndarray, slot_seconds: float | np.ndarray, prior: float = QUIET_RATE) -> Any:
    """Picks per slot and second: `count` in `slot_seconds`, drawn to `prior` where there is little to count.

    An array where one of them is.
    """
    return (count + PRIOR_COUNT) / (slot_seconds + PRIOR_COUNT / prior)


class Bursts(NamedTuple):
    """Bursts per day: those seen in the minutes around, and those that are possible though they weren't."""

    seen: float
    unseen: float


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
        return trials * _tail(hits, slots, -np.expm1(-2.0 * tolerance * background))

    def in_bursts(
        self, stations_hit: np.ndarray, stations: np.ndarray, both: Numbers, radius_km: np.ndarray, tolerance: Numbers,
        second_rate: Numbers, background: float, bursts: Bursts = NONE_SEEN,
    ) -> np.ndarray:  # fmt: skip
        """Expected number per day from bursts; arrays broadcast together.

        Args:
            stations_hit: stations with a P pick within the tolerance.
            stations: stations with any pick within RING_SECONDS of its predicted time.
            both: stations with P and S within the tolerance.
            radius_km: distance of the farthest station looked at.
            tolerance: s.
            second_rate: second picks per station and second.
            background: picks per slot and second in the minutes around.
            bursts: how many there are; what all picks around would make is the most there can be.
        """
        most = background * 2.0 * self._stations * 86400.0 / BURST_PICKS
        seen = min(bursts.seen, most)
        unseen = min(bursts.unseen, most - seen)
        again = SAME_STATIONS * seen * 2.0 * RING_SECONDS / 86400.0
        second = _tail(both, stations_hit, -np.expm1(-2.0 * tolerance * second_rate))
        second = second + again * _tail(both, stations_hit, np.minimum(tolerance / SEEN_SECONDS, 1.0))
        first = sum(
            number * width * _tail(stations_hit, stations, np.minimum(tolerance / width, 1.0))
            for number, width in ((seen, SEEN_SECONDS), (unseen, RING_SECONDS))
        )
        return self._places(np.pi * np.square(radius_km), tolerance) / tolerance * first * np.minimum(second, 1.0)

    def best(
        self, misfit: np.ndarray, rank: np.ndarray, is_s: np.ndarray, ring_rank: np.ndarray, distances_km: np.ndarray,
        background: float, bursts: Bursts = NONE_SEEN,
    ) -> float:  # fmt: skip
        """Give the least expected number per day over reaches and tolerances.

        Args:
            misfit, rank, is_s: of an event's arrivals (one per station and phase): absolute residual (s), the station's
                place in order of distance from 0, and phase.
            ring_rank: of the other picks within RING_SECONDS of their predicted times.
            distances_km: of all stations, in order.
            background: picks per slot and second in the minutes around.
            bursts: as for `in_bursts`.
        """
        places, inverse = np.unique(rank, return_inverse=True)
        reaches = places + 1
        fits = misfit[:, None] <= TOLERANCES
        hits = np.zeros((places.size, TOLERANCES.size), dtype=int)
        p_hits = np.zeros_like(hits)
        np.add.at(hits, inverse, fits)
        np.add.at(p_hits, inverse, fits & ~is_s[:, None])
        stations_hit, both = np.cumsum(p_hits > 0, axis=0), np.cumsum(hits > 1, axis=0)
        hits, p_hits = np.cumsum(hits, axis=0), np.cumsum(p_hits, axis=0)
        everywhere = np.minimum(
            self.at_any_time(hits, 2 * reaches[:, None], TOLERANCES, background),
            self.at_any_time(p_hits, reaches[:, None], TOLERANCES, background),
        )
        stations = (np.union1d(places, ring_rank)[:, None] < reaches).sum(axis=0)
        # Second picks of a station that aren't part of the event.
        seconds = np.sort(ring_rank)
        repeated = np.isin(seconds, places) | np.append(False, seconds[1:] == seconds[:-1])
        second_count = (seconds[repeated][:, None] < reaches).sum(axis=0)
        in_burst = self.in_bursts(
            stations_hit, stations[:, None], both, distances_km[places][:, None], TOLERANCES,
            rate(second_count, 2.0 * RING_SECONDS * stations, background)[:, None], background, bursts,
        )  # fmt: skip
        return float(np.maximum(everywhere, in_burst).min())

    def _places(self, area_km2: Numbers, tolerance: Numbers) -> np.ndarray:
        """Number of places whose arrivals differ by more than the tolerance; depth is told half as well."""
        width = 2.0 * tolerance * self._vp
        return np.maximum(area_km2 / width**2, 1.0) * np.maximum(self._thickness / (2.0 * width), 1.0)


def _tail(hits: Numbers, slots: np.ndarray, probability: Numbers) -> np.ndarray:
    """P(X >= hits) for X binomial over the slots."""
    slots = np.asarray(slots, dtype=np.int64)
    hits = np.minimum(hits, slots)
    return np.where(hits > 0, np.maximum(bdtrc(hits - 1.0, slots, probability), SMALLEST), 1.0)
