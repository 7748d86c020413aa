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
at any time a look is a reach m and a pair of tolerances an octave from the next, for bursts a reach: a burst that fits
within one tolerance mostly does within the next. The reach m and the tolerances tau, one for P and one that may be
wider for S, are those that make an event stand out most.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catalogdb.association import chance_kernels
from catalogdb.association.chance_kernels import Bursts, Event, Searched

# Half an octave apart: what just doesn't fit within one fits within the next, which takes little for chance.
TOLERANCES = tuple(0.125 * 2.0 ** (number / 2.0) for number in range(9))
# A station and phase is as busy as those around, that much is known with the weight of a pick.
SLOT_PRIOR_COUNT = 1.0
# A burst that was not seen is still thought possible, with this weight.
UNSEEN_BURSTS = 0.5
NONE_SEEN = Bursts(0.0, np.inf)
"""As many as the picks around could make."""


def _pairs(tolerances: Sequence[float]) -> list[tuple[float, float]]:
    """Of P and S, s; without S for events that stand out more by P alone."""
    return [(tau, s_tau) for tau in tolerances for s_tau in (0.0, *tolerances) if s_tau == 0.0 or s_tau >= tau]


TOLERANCE_PAIRS = np.array(_pairs(TOLERANCES))
# What fits within one tolerance mostly fits within the next: those an octave apart are looks of their own.
TOLERANCE_LOOKS = len(_pairs(TOLERANCES[::2]))


class ChanceTest:
    """Expected number of chance events per day like a given one.

    Args:
        area_km2, thickness_km: of the volume searched.
        vp: P speed, km/s.
        stations: number of stations.
    """

    def __init__(self, area_km2: float, thickness_km: float, vp: float, stations: int):
        self._searched = Searched(float(area_km2), float(thickness_km), float(vp), int(stations))

    def at_any_time(
        self, hits: ArrayLike, slots: ArrayLike, tolerance: float, background: float
    ) -> NDArray[np.float64]:
        """Expected number per day from picks that come at any time; arrays broadcast together.

        Args:
            hits: slots with a pick within the tolerance.
            slots: number of slots, stations times phases.
            tolerance: s.
            background: picks per slot and second.
        """
        hits, slots = np.broadcast_arrays(np.asarray(hits, np.int64), np.asarray(slots, np.int64))
        p = -np.expm1(-2.0 * tolerance * background)
        chances = chance_kernels.chances_of(hits.flatten(), slots.flatten(), float(p)).reshape(hits.shape)
        return chance_kernels.trials(self._searched, float(tolerance)) * chances

    def best(self, event: Event, background: float, bursts: Bursts = NONE_SEEN) -> float:
        """Give the least expected number per day over reaches and tolerances; infinite for no arrivals.

        Args:
            event: what may be one.
            background: picks per slot and second in the minutes around.
            bursts: how many there are; what all picks around would make is the most there can be.
        """
        return chance_kernels.best(
            self._searched, _in_order(event), TOLERANCE_PAIRS, TOLERANCE_LOOKS, float(background), _plain(bursts)
        )

    def least_in_bursts(self, event: Event, tolerance: float, background: float, bursts: Bursts) -> float:
        """Give the least expected number per day from bursts over reaches, for one tolerance (s) of P and S."""
        return chance_kernels.least_in_bursts(
            self._searched, _in_order(event), float(tolerance), float(background), _plain(bursts)
        )


def _in_order(event: Event) -> Event:
    """Arrivals in order of time, each field of the one type that is compiled for."""
    order = np.argsort(event.time, kind="stable")
    whole, real = np.int64, np.float64
    return Event(
        event.misfit[order].astype(real), event.rank[order].astype(whole), event.is_s[order].astype(np.bool_),
        event.time[order].astype(real), event.rates[order].astype(real), event.ring_rank.astype(whole),
        event.ring_time.astype(real), event.distances_km.astype(real),
    )  # fmt: skip


def _plain(bursts: Bursts) -> Bursts:
    return Bursts(*map(float, bursts))
