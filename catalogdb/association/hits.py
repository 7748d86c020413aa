"""Which picks agree with a seed on an event at the nodes of a grid, compiled.

The seed is taken for an arrival from a node, so the event's time follows, and each slot (station and phase) has a delay
behind the seed: the difference of the travel times. A pick hits where its own delay is within the tolerance of that.
Of one place and phase one pick counts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from catalogdb.compiled import compiled

# Of travel times in single precision, s.
ROUNDING_SECONDS = 1e-3
FIRST_SIZE = 1024


class SlottedPicks(NamedTuple):
    """Picks in order of time; arrays of one length.

    Args:
        time: s.
        slot: 2 * station + is S.
        place_slot: 2 * the station's place + is S.
    """

    time: NDArray[np.float64]
    slot: NDArray[np.int64]
    place_slot: NDArray[np.int64]


class Neighbours(NamedTuple):
    """Of each pick, others that one event could have made.

    Args:
        starts: of each pick's own in `rows`, (picks + 1,).
        rows: of the others that come near the delays at its nodes, by place and phase, then by time.
        may_hit: which of `rows` are within the tolerance of them.
        possible: how many these are, of each pick.
        pairs: how many could be of one event wherever it is, of each pick.
    """

    starts: NDArray[np.int64]
    rows: NDArray[np.int64]
    may_hit: NDArray[np.bool_]
    possible: NDArray[np.int64]
    pairs: NDArray[np.int64]


class Trial(NamedTuple):
    """A seed, and what may agree with it.

    Args:
        seed: its row.
        rows: of neighbours of the seed, by place and phase.
        picks: all of them.
        travel: times (s) from each node to every slot, (slots, nodes).
        tolerance: s.
    """

    seed: int
    rows: NDArray[np.int64]
    picks: SlottedPicks
    travel: NDArray[np.float32]
    tolerance: np.float32


def neighbours(
    picks: SlottedPicks,
    free: NDArray[np.bool_],
    longest_seconds: NDArray[np.float64],
    delays: NDArray[np.float32],
    ring_seconds: float,
    tolerance: float,
) -> Neighbours:
    """Find the neighbours of all free picks.

    Args:
        longest_seconds: between picks of two places, -1 where these aren't neighbours, (places, places).
        delays: least and largest delay (s) of a slot (second axis) behind a seed's (first) at the seed's nodes.
        ring_seconds: how far beyond these delays a pick still counts as near.
        tolerance: s.
    """
    by_slot = np.argsort(picks.place_slot, kind="stable")
    by_slot = by_slot[free[by_slot]]
    begins = np.searchsorted(picks.place_slot[by_slot], np.arange(2 * len(longest_seconds) + 1))
    longest = float(longest_seconds.max(initial=0.0))
    near = float(ring_seconds), float(tolerance)
    return Neighbours(*_neighbours(picks, free, by_slot, begins, longest_seconds, longest, delays, *near))


@compiled
def _neighbours(
    picks: SlottedPicks,
    free: NDArray[np.bool_],
    by_slot: NDArray[np.int64],
    begins: NDArray[np.int64],
    longest_seconds: NDArray[np.float64],
    longest: float,
    delays: NDArray[np.float32],
    ring_seconds: float,
    tolerance: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """See `neighbours`; `by_slot` are the free rows by place and phase, of which each one's begin at its `begins`."""
    time, size = picks.time, picks.time.size
    starts, possible, pairs = np.zeros(size + 1, np.int64), np.zeros(size, np.int64), np.zeros(size, np.int64)
    rows, may_hit = np.empty(FIRST_SIZE, np.int64), np.empty(FIRST_SIZE, np.bool_)
    earliest, found = begins.copy(), 0
    for seed in range(size):
        own = picks.place_slot[seed]
        for other in range(begins.size - 1):
            end, within = begins[other + 1], longest_seconds[own // 2, other // 2]
            while earliest[other] < end and time[seed] - time[by_slot[earliest[other]]] > longest:
                earliest[other] += 1
            if not free[seed] or other == own or within < 0.0:
                continue
            for number in range(earliest[other], end):
                row = by_slot[number]
                if time[row] - time[seed] > within:
                    break
                if time[seed] - time[row] > within:
                    continue
                pairs[seed] += 1
                beyond = _beyond(seed, row, picks, delays)
                if beyond > ring_seconds:
                    continue
                if found == rows.size:
                    rows, may_hit = _twice_as_long(rows), _twice_as_long(may_hit)
                rows[found], may_hit[found] = row, beyond <= tolerance
                possible[seed] += may_hit[found]
                found += 1
        starts[seed + 1] = found
    return starts, rows[:found].copy(), may_hit[:found].copy(), possible, pairs


@compiled
def _beyond(seed: int, row: int, picks: SlottedPicks, delays: NDArray[np.float32]) -> float:
    """How far (s) a pick's delay behind the seed lies beyond what any of the seed's nodes has; 0 for possible ones."""
    delay, of_slot = picks.time[row] - picks.time[seed], delays[picks.slot[seed], picks.slot[row]]
    return max(of_slot[0] - delay, delay - of_slot[1], ROUNDING_SECONDS) - ROUNDING_SECONDS


@compiled
def _twice_as_long(values: np.ndarray) -> np.ndarray:
    longer = np.empty(2 * values.size, values.dtype)
    for number in range(values.size):
        longer[number] = values[number]
    return longer


@compiled
def hits_by_node(trial: Trial, ranges: NDArray[np.int64]) -> NDArray[np.int16]:
    """Count hits at each node of some ranges, rows of (first, one past the last); the seed's own among them."""
    picks, travel, rows = trial.picks, trial.travel, trial.rows
    size = 0
    for stretch in range(len(ranges)):
        size += ranges[stretch, 1] - ranges[stretch, 0]
    hits = np.ones(size, np.int16)
    is_hit = np.zeros(hits.size, np.bool_)
    for number, row in enumerate(rows):
        delay = np.float32(picks.time[row] - picks.time[trial.seed])
        begin = 0
        for stretch in range(len(ranges)):
            first, last = ranges[stretch, 0], ranges[stretch, 1]
            here, own = travel[picks.slot[row], first:last], travel[picks.slot[trial.seed], first:last]
            is_hit_here = is_hit[begin : begin + last - first]
            for node in range(last - first):
                is_hit_here[node] |= abs(here[node] - own[node] - delay) <= trial.tolerance
            begin += last - first
        if number + 1 == rows.size or picks.place_slot[rows[number + 1]] != picks.place_slot[row]:
            for node in range(hits.size):
                hits[node] += is_hit[node]
            is_hit[:] = False
    return hits


@compiled
def rarest_node(
    trial: Trial,
    ranges: NDArray[np.int64],
    hits: NDArray[np.int16],
    fewest: int,
    chance: NDArray[np.float64],
    reaches: NDArray[np.int64],
    rank: NDArray[np.int16],
) -> tuple[float, int]:
    """Give how rare the hits are by chance at the node where they are rarest, and this node, the first of equal ones.

    Args:
        ranges, hits: as `hits_by_node` takes and counts them.
        fewest: nodes with fewer aren't looked at.
        chance: how often chance makes so many hits within a reach, (reaches, hits); the reach with the least counts.
        reaches: numbers of nearest places.
        rank: of the places by distance from each node, (places, nodes).
    """
    least, rarest, number = np.inf, -1, -1
    within = np.zeros(reaches.size, np.int64)
    for stretch in range(len(ranges)):
        for node in range(ranges[stretch, 0], ranges[stretch, 1]):
            number += 1
            if hits[number] < fewest:
                continue
            _count_within(trial, node, reaches, rank, within)
            for reach in range(reaches.size):
                if chance[reach, within[reach]] < least:
                    least, rarest = chance[reach, within[reach]], node
    return least, rarest


@compiled
def _count_within(
    trial: Trial, node: int, reaches: NDArray[np.int64], rank: NDArray[np.int16], within: NDArray[np.int64]
) -> None:
    """Count hits at one node within each reach, the seed's own among them, into `within`."""
    last_hit = trial.picks.place_slot[trial.seed]
    for reach in range(reaches.size):
        within[reach] = rank[last_hit // 2, node] < reaches[reach]
    for row in trial.rows:
        place_slot = trial.picks.place_slot[row]
        if place_slot != last_hit and _misfit(trial, row, node) <= trial.tolerance:
            last_hit = place_slot
            for reach in range(reaches.size):
                within[reach] += rank[place_slot // 2, node] < reaches[reach]


@compiled
def arrivals_at(
    trial: Trial, node: int, ring_seconds: np.float32
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Give rows of all that hits at a node, of what of it counts, and of the others that are near.

    The seed hits and counts, as the last one of both.

    Args:
        ring_seconds: how far off a pick still counts as near.
    """
    rows = trial.rows
    hits, counted, near = np.empty(rows.size + 1, np.int64), np.empty(rows.size + 1, np.int64), rows.copy()
    of_hits, of_counted, of_near = 0, 0, 0
    last_hit = trial.picks.place_slot[trial.seed]
    for row in rows:
        misfit, place_slot = _misfit(trial, row, node), trial.picks.place_slot[row]
        if misfit <= trial.tolerance:
            hits[of_hits] = row
            of_hits += 1
        if misfit <= trial.tolerance and place_slot != last_hit:
            counted[of_counted], last_hit = row, place_slot
            of_counted += 1
        elif misfit <= ring_seconds:
            near[of_near] = row
            of_near += 1
    hits[of_hits], counted[of_counted] = trial.seed, trial.seed
    return hits[: of_hits + 1], counted[: of_counted + 1], near[:of_near]


@compiled
def _misfit(trial: Trial, row: int, node: int) -> np.float32:
    """How far (s) a pick's delay behind the seed is from that of a node."""
    picks, travel = trial.picks, trial.travel
    delay = np.float32(picks.time[row] - picks.time[trial.seed])
    return np.float32(abs(travel[picks.slot[row], node] - travel[picks.slot[trial.seed], node] - delay))
