"""Hits at the nodes of a grid: one of a place and phase counts, and of nodes as rare the first is given."""

import numpy as np
import pytest

from catalogdb.association.burst_picks import burst_like
from catalogdb.association.grid import _ranges
from catalogdb.association.hits import SlottedPicks, Trial, arrivals_at, hits_by_node, neighbours, rarest_node
from catalogdb.association.prepared import PreparedPicks, PreparedStations

TOLERANCE = np.float32(0.5)


def slotted(time, slot, place_slot=None):
    slot = np.asarray(slot, dtype=np.int64)
    return SlottedPicks(np.asarray(time, dtype=float), slot, slot if place_slot is None else np.asarray(place_slot))


def nodes(*ranges):
    return np.array(ranges, dtype=np.int64).reshape(-1, 2)


def trial_of(picks, travel):
    """The first pick as the seed, among all others."""
    return Trial(0, np.arange(1, picks.time.size), picks, np.asarray(travel, dtype=np.float32), TOLERANCE)


def as_documented(trial, ranges):
    """Hits in plain Python."""
    seed, rows, picks, travel, tolerance = trial
    chosen = [node for first, last in ranges for node in range(first, last)]
    return [
        1 + len({
            picks.place_slot[row]
            for row in rows
            if abs(travel[picks.slot[row], node] - travel[picks.slot[seed], node]
                   - np.float32(picks.time[row] - picks.time[seed])) <= tolerance
        })
        for node in chosen
    ]  # fmt: skip


def test_without_nodes_nothing_hits():
    picks = slotted([10.0, 11.0], [0, 2])
    trial = trial_of(picks, np.zeros((4, 3)))
    hits = hits_by_node(trial, nodes())
    assert hits.size == 0
    chance, reaches, rank = np.zeros((1, 3)), np.array([2]), np.zeros((2, 3), dtype=np.int16)
    assert rarest_node(trial, nodes(), hits, 1, chance, reaches, rank) == (np.inf, -1)


def test_without_neighbours_the_seed_alone_hits():
    assert hits_by_node(trial_of(slotted([10.0], [0]), np.zeros((2, 3))), nodes((0, 3))).tolist() == [1, 1, 1]


def test_nodes_are_those_of_the_ranges_in_order():
    travel = [np.zeros(6), np.zeros(6), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], np.zeros(6)]
    picks = slotted([10.0, 14.0], [0, 2])
    assert hits_by_node(trial_of(picks, travel), nodes((0, 2), (4, 6))).tolist() == [1, 1, 2, 1]


def test_two_stations_of_one_place_count_once():
    travel = np.zeros((6, 1))
    # stations 1 and 2 stand at place 1: their P are of one place and phase, and station 1 has two that hit
    picks = slotted([10.0, 10.1, 10.2, 10.3, 10.4], [0, 2, 2, 4, 3], [0, 2, 2, 2, 3])
    trial = trial_of(picks, travel)
    assert hits_by_node(trial, nodes((0, 1))).tolist() == [3]
    found = arrivals_at(trial, 0, np.float32(6.0))
    assert [each.tolist() for each in found] == [[1, 2, 3, 4, 0], [1, 4, 0], [2, 3]]


def test_more_places_than_a_byte_holds_are_counted():
    slots = np.arange(601)
    trial = trial_of(slotted(np.full(601, 10.0), slots), np.zeros((601, 2)))
    assert hits_by_node(trial, nodes((0, 2))).tolist() == [601] * 2


def test_many_picks_of_one_slot_count_once():
    slots = np.append([0], np.repeat([2, 5], 300))
    picks = slotted(np.linspace(10.0, 10.4, 601), slots)
    assert hits_by_node(trial_of(picks, np.zeros((6, 2))), nodes((0, 2))).tolist() == [3, 3]


def test_hits_are_as_documented():
    random = np.random.default_rng(3)
    travel = random.uniform(0.0, 8.0, (12, 400)).astype(np.float32)
    place_slot = np.array([0, 1, 2, 3, 2, 3, 4, 5, 6, 7, 8, 9])
    slot = random.integers(2, 12, 60)
    slot = np.append([0], slot[np.argsort(place_slot[slot], kind="stable")])
    picks = slotted(np.append([4.0], random.uniform(0.0, 10.0, 60)), slot, place_slot[slot])
    trial, ranges = trial_of(picks, travel), nodes((3, 50), (60, 61), (70, 399))
    hits = hits_by_node(trial, ranges)
    assert hits.max() > 5
    assert hits.tolist() == as_documented(trial, ranges)


def test_of_nodes_as_rare_the_first_is_given():
    travel = np.zeros((6, 4))
    travel[2] = [9.0, 0.0, 0.0, 0.0]
    picks = slotted([10.0, 10.0, 10.0], [0, 2, 4])
    trial, ranges = trial_of(picks, travel), nodes((0, 4))
    hits = hits_by_node(trial, ranges)
    rank = np.repeat(np.arange(3, dtype=np.int16)[:, None], 4, axis=1)
    rank[:, 1] = [0, 2, 1]
    chance = np.array([[1.0, 0.5, 0.1, 0.1], [1.0, 0.7, 0.4, 0.2]])
    # within the nearest two the node 1 has the places 0 and 2, node 2 the places 0 and 1: two hits each
    assert rarest_node(trial, ranges, hits, 3, chance, np.array([2, 3]), rank) == (0.1, 1)
    assert rarest_node(trial, ranges, hits, 2, chance[1:], np.array([3]), rank) == (0.2, 1)
    rank[:, 1] = [2, 0, 1]
    assert rarest_node(trial, ranges, hits, 3, chance, np.array([1, 3]), rank) == (0.2, 1)


def test_neighbours_are_free_of_other_slots_and_within_reach():
    picks = slotted([100.0, 101.0, 102.0, 103.0, 130.0], [0, 0, 2, 1, 2])
    free = np.array([True, True, True, False, True])
    longest = np.array([[12.0, 20.0], [20.0, 12.0]])
    delays = np.broadcast_to(np.array([-1.0, 1.0], dtype=np.float32), (4, 4, 2)).copy()
    found = neighbours(picks, free, longest, delays, 6.0, 0.5)
    assert found.starts.tolist() == [0, 1, 2, 4, 4, 4]
    assert found.rows.tolist() == [2, 2, 0, 1]
    assert found.may_hit.tolist() == [False, True, False, True]
    assert found.possible.tolist() == [0, 1, 1, 0, 0] and found.pairs.tolist() == [1, 1, 2, 0, 0]
    none = neighbours(picks, free, np.full((2, 2), -1.0), delays, 6.0, 0.5)
    assert none.rows.size == 0 and none.starts.tolist() == [0] * 6


def test_more_neighbours_than_there_is_room_for_at_first():
    size = 100
    picks = slotted(np.full(size, 50.0), np.arange(size) % 4)
    found = neighbours(
        picks, np.ones(size, dtype=bool), np.full((2, 2), 20.0), np.zeros((4, 4, 2), dtype=np.float32), 6.0, 0.5
    )
    assert found.rows.size == size * 75 and found.may_hit.all()
    assert set(found.rows[found.starts[7] : found.starts[8]]) == {row for row in range(size) if row % 4 != 3}


@pytest.mark.parametrize(
    ("chosen", "ranges"), [([], []), ([0, 0], []), ([1, 1, 0, 1], [[0, 2], [3, 4]]), ([0, 1, 1], [[1, 3]])]
)
def test_ranges_hold_what_is_chosen(chosen, ranges):
    assert _ranges(np.array(chosen, dtype=bool)).tolist() == ranges


def test_picks_of_a_burst_have_neighbouring_places_within_seconds():
    x_km = np.arange(5.0) * 10.0
    stations = PreparedStations(
        [], np.zeros(6), np.zeros(6), np.append(x_km, 0.0), np.zeros(6), np.zeros(6), np.array([0, 1, 2, 3, 4, 0]),
        x_km, np.zeros(5),
    )  # fmt: skip
    time, station = np.array([0.0, 1.0, 1.0, 2.0, 4.0, 30.0, 31.0, 32.0]), np.array([0, 5, 1, 2, 3, 0, 1, 1])
    is_s = np.array([False, False, True, False, False, False, False, True])
    picks = PreparedPicks([{}] * 8, time, station, is_s, np.ones(8), np.ones(8))
    is_burst_like, same, pairs = burst_like(picks, stations)
    assert is_burst_like.tolist() == [True] * 5 + [False] * 3
    assert pairs.tolist() == [3, 3, 4, 4, 4, 2, 1, 1]
    assert same.tolist() == [2, 2, 0, 3, 3, 1, 1, 0]
