"""The test of chance, compiled: a kernel for each thing that the model of `chance` speaks of.

From the smallest on: probabilities, what fits of an event, what one burst explains of that, what bursts make of a look,
and the least over all looks.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from catalogdb.compiled import compiled

Numbers = float | np.integer | np.ndarray
RING_SECONDS = 6.0
SEEN_SECONDS = 2.0
# A quiet slot has a pick or two a day; that much is known beforehand with the weight of a tenth of a pick.
QUIET_RATE = 2.0 / 86400.0
PRIOR_COUNT = 0.1
# A burst has so many picks: the picks around make no more bursts than that.
BURST_PICKS = 5.0
DAY_SECONDS = 86400.0
# No probability is taken for less.
SMALLEST = 1e-140


class Searched(NamedTuple):
    """What is searched: a volume with the P speed (km/s) in it, and the number of stations."""

    area_km2: float
    thickness_km: float
    vp: float
    stations: int


class Bursts(NamedTuple):
    """Bursts per day: those seen in the minutes around, and those that are possible though they weren't.

    Of those seen, `p_share` of the picks are P, and a share `uniform` has one phase throughout.
    """

    seen: float
    unseen: float
    p_share: float = 1.0
    uniform: float = 1.0


class Event(NamedTuple):
    """What may be an event, and what is around it.

    Args:
        misfit, rank, is_s, time: of its arrivals (one per station and phase): absolute residual (s), the station's
            place in order of distance from 0, phase, and when (s).
        rates: false picks per second in the arrival's slot.
        ring_rank, ring_time: of the other picks within RING_SECONDS of their predicted times.
        distances_km: of all stations, in order.
    """

    misfit: NDArray[np.float64]
    rank: NDArray[np.integer[Any]]
    is_s: NDArray[np.bool_]
    time: NDArray[np.float64]
    rates: NDArray[np.float64]
    ring_rank: NDArray[np.integer[Any]]
    ring_time: NDArray[np.float64]
    distances_km: NDArray[np.float64]


class Fitting(NamedTuple):
    """Which arrivals fit within two tolerances: all, P, and P and S at stations whose P fits.

    `rarity` is the logarithm of the probability that a false pick does.
    """

    fits: NDArray[np.bool_]
    p: NDArray[np.bool_]
    p_and_s: NDArray[np.bool_]
    rarity: NDArray[np.float64]


class Look(NamedTuple):
    """The nearest stations, up to a reach, and two tolerances.

    Args:
        reach, radius_km: number of these stations, and distance of the farthest.
        tolerance, s_tolerance: of P and S, s.
        stations, seconds: those with any pick within RING_SECONDS of its predicted time; their second picks.
        p_hits, both: those with a P pick within the tolerance; of these, those with S within its tolerance.
    """

    reach: int
    radius_km: float
    tolerance: float
    s_tolerance: float
    stations: int
    seconds: int
    p_hits: int
    both: int


class Explained(NamedTuple):
    """What one burst explains of the arrivals that fit.

    Args:
        hits: arrivals that fit within the burst's interval.
        stations: stations with any pick in it.
        others: logarithm of the probability that those outside fit by themselves.
    """

    hits: int
    stations: int
    others: float = 0.0


def rate(count: Numbers, slot_seconds: Numbers, prior: float = QUIET_RATE, weight: float = PRIOR_COUNT) -> Any:
    """Picks per slot and second: `count` in `slot_seconds`, drawn to `prior` where there is little to count.

    An array where one of them is.
    """
    return (count + weight) / (slot_seconds + weight / prior)


_rate = compiled(rate)


@compiled
def log_choose(number: int, chosen: int) -> float:
    """Logarithm of the number of ways."""
    return math.lgamma(number + 1.0) - math.lgamma(chosen + 1.0) - math.lgamma(number - chosen + 1.0)


@compiled
def upper_tail(hits: int, slots: int, p: float, q: float) -> float:
    """P(X >= hits) for X binomial over the slots, hits above the mean; q = 1 - p."""
    term = np.exp(log_choose(slots, hits) + hits * np.log(p) + (slots - hits) * np.log(q))
    total = 0.0
    for number in range(hits, slots + 1):
        total += term
        term *= (slots - number) / (number + 1.0) * (p / q)
    return total


@compiled
def chance_of(hits: int, slots: int, p: float) -> float:
    """P(X >= hits) for X binomial over the slots; not a number where p is no probability."""
    hits = min(hits, slots)
    if hits <= 0:
        return 1.0
    if hits > slots * p:
        return float(np.maximum(upper_tail(hits, slots, p, 1.0 - p), SMALLEST))
    return 1.0 - upper_tail(slots - hits + 1, slots, 1.0 - p, p)


@compiled
def chances_of(hits: NDArray[np.int64], slots: NDArray[np.int64], p: float) -> NDArray[np.float64]:
    """As `chance_of`, for arrays of one length."""
    return np.array([chance_of(hits[number], slots[number], p) for number in range(hits.size)])


@compiled
def chance_of_burst(burst: Explained, within: float, share: float, bursts: Bursts) -> float:
    """P(so many stations of a burst or more have a pick of the phase that fits).

    Args:
        within: how likely a pick of a burst fits.
        share: of the phase among the picks of bursts of both.
    """
    within = np.minimum(within, 1.0)
    of_one = bursts.uniform * share * chance_of(burst.hits, burst.stations, within)
    return of_one + (1.0 - bursts.uniform) * chance_of(burst.hits, burst.stations, share * within)


@compiled
def places(searched: Searched, area_km2: float, tolerance: float) -> float:
    """Number of places whose arrivals differ by more than the tolerance; depth is told half as well."""
    width = 2.0 * tolerance * searched.vp
    return max(area_km2 / width**2, 1.0) * max(searched.thickness_km / (2.0 * width), 1.0)


@compiled
def trials(searched: Searched, tolerance: float) -> float:
    """Places and times in a day that differ by more than the tolerance."""
    return places(searched, searched.area_km2, tolerance) * DAY_SECONDS / (2.0 * tolerance)


@compiled
def fitting(event: Event, tolerance: float, s_tolerance: float) -> Fitting:
    """What fits of an event within two tolerances (s)."""
    size = event.rank.size
    fits, p, p_and_s = np.zeros(size, np.bool_), np.zeros(size, np.bool_), np.zeros(size, np.bool_)
    rarity, has_p = np.zeros(size), np.zeros(event.distances_km.size, np.bool_)
    for number in range(size):
        within = s_tolerance if event.is_s[number] else tolerance
        fits[number] = event.misfit[number] <= within
        rarity[number] = np.log(np.maximum(-np.expm1(-2.0 * event.rates[number] * within), SMALLEST))
        p[number] = fits[number] and not event.is_s[number]
        has_p[event.rank[number]] |= p[number]
    for number in range(size):
        p_and_s[number] = fits[number] and has_p[event.rank[number]]
    return Fitting(fits, p, p_and_s, rarity)


@compiled
def reaches(event: Event) -> NDArray[np.int64]:
    """Numbers of the nearest stations, up to each that has an arrival."""
    has_arrival = np.zeros(event.distances_km.size, np.bool_)
    for rank in event.rank:
        has_arrival[rank] = True
    return np.array([rank + 1 for rank in range(has_arrival.size) if has_arrival[rank]])


@compiled
def picks_near(event: Event, reach: int) -> tuple[int, int]:
    """Of the nearest stations, up to a reach, those with any pick, and their second picks that fit nothing."""
    others, has_arrival = np.zeros(reach, np.int64), np.zeros(reach, np.bool_)
    for rank in event.rank:
        if rank < reach:
            has_arrival[rank] = True
    for rank in event.ring_rank:
        if rank < reach:
            others[rank] += 1
    stations = seconds = 0
    for station in range(reach):
        stations += has_arrival[station] or others[station] > 0
        # All of them at a station of the event, all but one at another.
        seconds += int(others[station] if has_arrival[station] else max(others[station] - 1, 0))
    return stations, seconds


@compiled
def stations_hit(event: Event, reach: int, since: float, until: float) -> int:
    """Of the nearest stations, up to a reach, those with a pick in an interval."""
    is_hit = np.zeros(reach, np.bool_)
    for rank, time in ((event.rank, event.time), (event.ring_rank, event.ring_time)):
        for number in range(time.size):
            if rank[number] < reach and since <= time[number] <= until:
                is_hit[rank[number]] = True
    count = 0
    for hit in is_hit:
        count += int(hit)
    return count


@compiled
def explained(
    event: Event, among: NDArray[np.bool_], left: NDArray[np.bool_], rarity: NDArray[np.float64],
    reach: int, slots: int, span: float,
) -> Explained:  # fmt: skip
    """Give what the interval of `span` seconds explains that holds most of what is left, and take that away.

    Args:
        event: with its arrivals in order of time.
        among: which of them may be explained; one of these begins the interval.
        left: whether an arrival fits, and nothing has explained it yet.
        rarity: logarithm of the probability that a false pick fits.
        reach: number of stations looked at, the nearest ones.
        slots: out of how many the ones outside are, besides as many as are inside.
        span: s.
    """
    time = event.time
    most = first = within = end = 0
    for start in range(time.size):
        while end < time.size and time[end] <= time[start] + span:
            within += among[end] and left[end]
            end += 1
        if among[start] and within > most:
            most, first = within, start
        within -= among[start] and left[start]
    if most == 0:
        return Explained(0, 0, 0.0)
    outside, others = 0, 0.0
    for number in range(time.size):
        if among[number] and left[number]:
            if time[first] <= time[number] <= time[first] + span:
                left[number] = False
            else:
                outside += 1
                others += rarity[number]
    others += log_choose(max(slots - most, outside), outside)
    # The burst may have begun before the interval, or go on after it.
    since = time[first] - span / 2.0
    return Explained(most, max(stations_hit(event, reach, since, since + 2.0 * span), most), np.minimum(others, 0.0))


@compiled
def in_bursts(
    searched: Searched, look: Look, seen: Explained, unseen: Explained, second: Explained, third: Explained,
    background: float, bursts: Bursts,
) -> float:  # fmt: skip
    """Expected number per day from bursts.

    Args:
        seen, unseen: what a burst like those seen explains of the P that fit, and one like none seen.
        second: what a second burst like those seen explains of what `seen` leaves, the S of stations whose P fits
            among it.
        third: what a third burst like those seen explains of what `second` leaves.
        background: picks per slot and second in the minutes around.
        bursts: how many there are; what all picks around would make is the most there can be.
    """
    most = background * 2.0 * searched.stations * DAY_SECONDS / BURST_PICKS
    as_seen = np.minimum(bursts.seen, most)
    as_unseen = np.minimum(bursts.unseen, most - as_seen)
    # What other bursts do is counted for both kinds of the first.
    second_rate = _rate(look.seconds, 2.0 * RING_SECONDS * look.stations, background)
    s_alone = chance_of(look.both, look.p_hits, -np.expm1(-2.0 * look.s_tolerance * second_rate))
    touching = min((BURST_PICKS + look.reach - 1.0) / searched.stations, 1.0)
    another = as_seen * 2.0 * SEEN_SECONDS / DAY_SECONDS * touching
    share, wider = max(bursts.p_share, 1.0 - bursts.p_share), max(look.s_tolerance, look.tolerance)
    by_second = another * chance_of_burst(second, wider / SEEN_SECONDS, share, bursts)
    by_third = another * chance_of_burst(third, wider / SEEN_SECONDS, share, bursts)
    again = by_second * np.minimum(np.exp(second.others) + by_third * np.exp(third.others), 1.0)
    within = look.tolerance / SEEN_SECONDS * (1.0 + look.seconds / max(look.stations, 1))
    chance = as_seen * SEEN_SECONDS * chance_of_burst(seen, within, bursts.p_share, bursts)
    chance *= np.minimum(np.exp(seen.others) * s_alone + again, 1.0)
    other = as_unseen * RING_SECONDS * chance_of(unseen.hits, unseen.stations, min(look.tolerance / RING_SECONDS, 1.0))
    chance += other * np.minimum(np.exp(unseen.others) * s_alone + again, 1.0)
    return places(searched, np.pi * look.radius_km**2, look.tolerance) / look.tolerance * chance


@compiled
def within_reach(
    searched: Searched, event: Event, widest: Fitting, fitted: Fitting, reach: int, tolerance: float,
    s_tolerance: float, background: float, bursts: Bursts,
) -> float:  # fmt: skip
    """Expected number per day from bursts that hit the nearest stations, up to a reach, within two tolerances (s).

    Args:
        widest: what fits within the widest tolerances, so that a burst may begin with it.
        fitted: what fits within these.
    """
    left, rarity = np.zeros(event.rank.size, np.bool_), fitted.rarity
    p_hits = both = 0
    for number in range(event.rank.size):
        left[number] = fitted.p_and_s[number] and event.rank[number] < reach
        p_hits += left[number] and not event.is_s[number]
        both += left[number] and event.is_s[number]
    unseen = explained(event, widest.p, left.copy(), rarity, reach, reach, 2.0 * RING_SECONDS)
    seen = explained(event, widest.p, left, rarity, reach, reach, 2.0 * SEEN_SECONDS)
    slots = reach + p_hits - seen.hits
    second = explained(event, widest.p_and_s, left, rarity, reach, slots, 2.0 * SEEN_SECONDS)
    third = explained(event, widest.p_and_s, left, rarity, reach, slots - second.hits, 2.0 * SEEN_SECONDS)
    look = Look(
        reach, event.distances_km[reach - 1], tolerance, s_tolerance, *picks_near(event, reach), p_hits, both
    )  # fmt: skip
    return in_bursts(searched, look, seen, unseen, second, third, background, bursts)


@compiled
def least_in_bursts(searched: Searched, event: Event, tolerance: float, background: float, bursts: Bursts) -> float:
    """Give the least number per day from bursts over reaches; see `ChanceTest`."""
    fitted = fitting(event, tolerance, tolerance)
    least = np.inf
    for reach in reaches(event):
        expected = within_reach(searched, event, fitted, fitted, reach, tolerance, tolerance, background, bursts)
        least = np.minimum(least, expected)
    return least


@compiled
def as_rare(event: Event, fitted: Fitting, reach: int) -> float:
    """Outcomes as rare as what fits within a reach that picks at any time make at one place and time."""
    p_hits, s_hits, rarity = 0, 0, 0.0
    for number in range(event.rank.size):
        if fitted.fits[number] and event.rank[number] < reach:
            p_hits += not event.is_s[number]
            s_hits += event.is_s[number]
            rarity += fitted.rarity[number]
    return float(np.exp(np.minimum(log_choose(reach, p_hits) + log_choose(reach, s_hits) + rarity, 0.0)))


@compiled
def best(
    searched: Searched, event: Event, tolerance_pairs: NDArray[np.float64], tolerance_looks: int, background: float,
    bursts: Bursts,
) -> float:  # fmt: skip
    """Give the least number per day over reaches and tolerances; see `ChanceTest`.

    Args:
        tolerance_pairs: of P and S (s), (pairs, 2), the widest ones last.
        tolerance_looks: how many of the pairs are looks of their own.
    """
    widest, looks = fitting(event, tolerance_pairs[-1, 0], tolerance_pairs[-1, 1]), reaches(event)
    least = np.inf
    for pair in range(len(tolerance_pairs)):
        tolerance, s_tolerance = tolerance_pairs[pair, 0], tolerance_pairs[pair, 1]
        fitted = fitting(event, tolerance, s_tolerance)
        expected = tolerance_looks * looks.size * trials(searched, tolerance)
        for reach in looks:
            everywhere = expected * as_rare(event, fitted, reach)
            # What bursts make counts where it is more.
            if not everywhere >= least:
                in_bursts_there = within_reach(
                    searched, event, widest, fitted, reach, tolerance, s_tolerance, background, bursts
                )
                least = np.minimum(least, np.maximum(everywhere, looks.size * in_bursts_there))
    return least
