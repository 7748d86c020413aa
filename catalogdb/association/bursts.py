"""How much of an event bursts explain: a burst's picks come within seconds of each other, wherever its stations stand.

An event's arrivals spread over the time that its waves need to cross the network, so one burst explains those of one
interval alone. The others that fit must have come by themselves, each at the rate of false picks of its own slot.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import bdtrc, gammaln

Numbers = float | np.integer | np.ndarray
SMALLEST = 1e-140


class Bursts(NamedTuple):
    """Bursts per day: those seen in the minutes around, and those that are possible though they weren't.

    Of those seen, `p_share` of the picks are P, and a share `uniform` has one phase throughout.
    """

    seen: float
    unseen: float
    p_share: float = 1.0
    uniform: float = 1.0


class Explained(NamedTuple):
    """What one burst explains of the arrivals that fit; arrays that broadcast together.

    Args:
        hits: arrivals that fit within the burst's interval.
        stations: stations with any pick in it.
        others: logarithm of the probability that those outside fit by themselves.
    """

    hits: Numbers
    stations: Numbers
    others: Numbers = 0.0


class Arrivals(NamedTuple):
    """What fits of an event, its arrivals in order of time.

    Args:
        time: s, (arrivals,).
        fits: whether one lies within the reach and fits, (arrivals, reaches, tolerances).
        rarity: logarithm of the probability that a false pick fits, (arrivals, 1, tolerances).
    """

    time: np.ndarray
    fits: np.ndarray
    rarity: np.ndarray


def explained(
    arrivals: Arrivals, slots: Numbers, span: float, rank: np.ndarray, time: np.ndarray, reach: np.ndarray
) -> tuple[Explained, Arrivals]:
    """Give what the interval of `span` seconds explains that holds most of the arrivals that fit, and what is left.

    Args:
        arrivals: those to explain.
        slots: out of how many the ones outside are, besides as many as are inside.
        span: s.
        rank, time: of all picks around, the event's own among them: the station's place in order of distance, and s.
        reach: number of places looked at, (reaches, 1).
    """
    time_of, fits = arrivals.time, arrivals.fits
    if time_of.size == 0:
        none = np.zeros(fits.shape[1:], dtype=int)
        return Explained(none, none), arrivals
    ends = time_of.searchsorted(time_of + span, side="right")
    counted = _running(fits)
    within = counted[ends] - counted[:-1]
    most_from = within.argmax(axis=0)
    number = np.arange(time_of.size)[:, None, None]
    left = arrivals._replace(fits=fits & ((number < most_from) | (number >= ends[most_from])))
    hits = within.max(axis=0)
    outside = counted[-1] - hits
    rarity = (left.fits * arrivals.rarity).sum(axis=0)
    others = np.minimum(rarity + log_choose(np.maximum(slots - hits, outside), outside), 0.0)
    # The burst may have begun before the interval, or go on after it.
    hit = stations_hit(rank, time, time_of - span / 2.0, 2.0 * span)
    return Explained(hits, np.maximum(hit[most_from, reach - 1], hits), others), left


def _running(fits: np.ndarray) -> np.ndarray:
    """How many fit before each arrival, and of all."""
    counted = np.zeros((len(fits) + 1, *fits.shape[1:]), dtype=int)
    fits.cumsum(axis=0, out=counted[1:])
    return counted


def stations_hit(rank: np.ndarray, time: np.ndarray, starts: np.ndarray, span: float) -> np.ndarray:
    """Of the nearest 1, 2, ... stations, those with a pick in each interval of `span` seconds: (starts, stations)."""
    since = starts[:, None]
    number, pick = ((time >= since) & (time <= since + span)).nonzero()
    hit = np.zeros((starts.size, rank.max(initial=0) + 1), dtype=bool)
    hit[number, rank[pick]] = True
    return hit.cumsum(axis=1)


def chance_of_burst(burst: Explained, within: Numbers, share: float, bursts: Bursts) -> np.ndarray:
    """P(so many stations of a burst or more have a pick of the phase that fits).

    Args:
        within: how likely a pick of a burst fits.
        share: of the phase among the picks of bursts of both.
    """
    within = np.minimum(within, 1.0)
    uniform = bursts.uniform
    of_one = uniform * share * chance_of(burst.hits, burst.stations, within) if uniform > 0.0 else 0.0
    mixed = (1.0 - uniform) * chance_of(burst.hits, burst.stations, share * within) if uniform < 1.0 else 0.0
    return np.asarray(of_one + mixed)


def chance_of(hits: Numbers, slots: Numbers, probability: Numbers) -> np.ndarray:
    """P(X >= hits) for X binomial over the slots."""
    slots = np.asarray(slots, dtype=np.int64)
    hits = np.minimum(hits, slots)
    return np.where(hits > 0, np.maximum(bdtrc(hits - 1.0, slots, probability), SMALLEST), 1.0)


def log_choose(number: Numbers, chosen: Numbers) -> Any:
    """Logarithm of the number of ways."""
    return gammaln(number + 1.0) - gammaln(chosen + 1.0) - gammaln(np.subtract(number, chosen) + 1.0)
