"""Double differences: exact times, outliers, the surface, one-sided networks, errors, pairs and clusters."""

from dataclasses import replace

import numpy as np
import pytest

from catalogdb.relocation.bootstrap import bootstrap
from catalogdb.relocation.config import WeightSet
from catalogdb.relocation.differences import (
    Differences,
    Slots,
    arrivals_themselves,
    catalog_differences,
    predicted,
)
from catalogdb.relocation.pairs import clusters, neighbour_pairs
from catalogdb.relocation.solve import Problem, relocate_cluster
from catalogdb.relocation.weights import share
from catalogdb.traveltimes.first_arrivals import HomogeneousTimes

TIMES = HomogeneousTimes(6.0, 3.4)
EVENTS = 60


def network(number=14, east_alone=False):
    """Stations around the origin at 5 to 40 km, P and S of each."""
    rng = np.random.default_rng(2)
    angle = rng.uniform(-0.6, 0.6, number) if east_alone else np.arange(number) * 2 * np.pi / number
    far = rng.uniform(5.0, 40.0, number)
    x, y, height = far * np.cos(angle), far * np.sin(angle), rng.uniform(0.0, 1.0, number)
    return Slots(np.tile(x, 2), np.tile(y, 2), np.tile(-height, 2), np.repeat([False, True], number))


def swarm(depth=8.0):
    """Places and origin times of events within some hundred metres."""
    rng = np.random.default_rng(5)
    return rng.normal(size=(EVENTS, 4)) * (0.4, 0.4, 0.4, 0.0) + (0.0, 0.0, depth, 3.0)


def observed(truth, slots, noise=0.0, outliers=0.0, seed=1):
    rng = np.random.default_rng(seed)
    times = predicted(truth, slots, TIMES)[0][:-1] + rng.normal(size=(len(truth), len(slots))) * noise
    times += (rng.random(times.shape) < outliers) * rng.normal(size=times.shape)
    return np.where(rng.random(times.shape) < 0.2, np.nan, times)


def problem(truth, slots, times, **settings):
    pairs = neighbour_pairs(truth[:, :3], np.isfinite(times), 3.0, 6, 15)
    found = catalog_differences(pairs, times, np.ones_like(times))
    return Problem(found, slots, TIMES, **({"top_km": 0.0} | settings))


def moved(truth, seed=9):
    """Starts that are off by half a kilometre, not together."""
    shift = np.random.default_rng(seed).normal(size=truth.shape) * (0.5, 0.5, 0.5, 0.05)
    return truth + shift - shift.mean(axis=0)


def relative(models, truth):
    off = models - truth
    return np.abs(off - off.mean(axis=0))[:, :3]


def test_exact_times_give_exact_places_around_the_old_mean():
    truth, slots = swarm(), network()
    start = moved(truth)
    found = relocate_cluster(problem(truth, slots, observed(truth, slots)), start)
    assert relative(found.models, truth).max() < 2e-3
    assert found.models.mean(axis=0) == pytest.approx(start.mean(axis=0), abs=5e-3)
    assert not found.is_at_top.any()


def test_outliers_get_no_weight():
    truth, slots = swarm(), network()
    times = observed(truth, slots, noise=0.01, outliers=0.05)
    found = relocate_cluster(problem(truth, slots, times), moved(truth))
    assert np.median(relative(found.models, truth)) < 0.03
    assert 0.03 < np.mean(found.factor == 0) < 0.3


def test_arrivals_themselves_bring_the_mean_back():
    truth, slots = swarm(), network()
    times = observed(truth, slots)
    own = problem(truth, slots, times, is_held=False)
    whole = Differences.joined([own.differences, arrivals_themselves(times, np.ones_like(times))])
    found = relocate_cluster(replace(own, differences=whole), moved(truth) + (1.0, -0.5, 0.8, 0.1))
    assert np.abs(found.models - truth)[:, :3].max() < 5e-3


def test_events_that_would_rise_into_the_air_are_held_below_it():
    truth, slots = swarm(depth=0.2), network()
    found = relocate_cluster(
        problem(truth, slots, observed(truth, slots)), np.maximum(moved(truth), (-9, -9, 0.01, -9))
    )
    assert found.models[:, 2].min() == 0.0
    assert found.is_at_top.sum() == np.sum(found.models[:, 2] == 0.0) > 0
    below = truth[:, 2] > 0.3
    assert np.median(np.abs(found.models[below, 2] - truth[below, 2])) < 0.15


def test_a_one_sided_network_has_larger_errors_and_says_so():
    truth, sizes = swarm(), []
    for slots in (network(), network(east_alone=True)):
        own = problem(truth, slots, observed(truth, slots, noise=0.01))
        found = relocate_cluster(own, moved(truth))
        deviation = np.sqrt(np.einsum("eii->ei", bootstrap(own, found, 100)))[:, :3]
        sizes.append([np.median(deviation), np.median(relative(found.models, truth))])
        assert np.abs(found.models - truth).max() < 5.0
    assert (np.array(sizes[1]) > 1.5 * np.array(sizes[0])).all(), sizes


@pytest.mark.parametrize("correlated", ["none", "sharing errors", "independent"])
def test_bootstrap_errors_hold_the_share_that_they_should(correlated):
    truth, slots = swarm(), network()
    inside = []
    for seed in range(4):
        own = problem(truth, slots, observed(truth, slots, noise=0.02, outliers=0.02, seed=seed))
        if correlated != "none":
            own = replace(
                own, differences=Differences.joined([own.differences, correlations(truth, slots, correlated)])
            )
        found = relocate_cluster(own, moved(truth))
        deviation = np.sqrt(np.einsum("eii->ei", bootstrap(own, found, 100)))[:, :3]
        inside.append(relative(found.models, truth) < deviation)
    assert np.mean(inside) == pytest.approx(0.68, abs=0.07)


def correlations(truth, slots, kind):
    """Correlated times of all pairs, off by 3 ms: by errors of the waveforms' own, or of each pair's own."""
    times = observed(truth, slots, noise=0.002 if kind == "sharing errors" else 0.0)
    found = catalog_differences(
        neighbour_pairs(truth[:, :3], np.isfinite(times), 3.0, 6, 15), times, np.ones_like(times)
    )
    own = np.random.default_rng(4).normal(size=len(found)) * (0.003 if kind == "independent" else 0.0)
    return replace(found, time=found.time + own, is_cc=np.ones(len(found), bool))


def test_bootstrap_errors_of_exact_times_are_none():
    truth, slots = swarm(), network()
    own = problem(truth, slots, observed(truth, slots))
    found = relocate_cluster(own, moved(truth))
    exact = replace(found, residual=np.zeros_like(found.residual))
    assert np.abs(bootstrap(own, exact, 20)).max() == 0.0


def test_correlated_times_decide_where_they_are_better():
    truth, slots = swarm(), network()
    picks = problem(truth, slots, observed(truth, slots, noise=0.05))
    exact = problem(truth, slots, observed(truth, slots, noise=0.001)).differences
    both = Differences.joined([picks.differences, replace(exact, is_cc=np.ones(len(exact), dtype=bool))])
    alone = relocate_cluster(picks, moved(truth))
    found = relocate_cluster(replace(picks, differences=both), moved(truth))
    assert np.median(relative(found.models, truth)) < 0.1 * np.median(relative(alone.models, truth))


def test_picks_count_alike_however_many_differences_they_share():
    groups = [np.arange(3), np.arange(3, 15)]
    pairs = np.concatenate([[(a, b) for a in group for b in group if a < b] for group in groups])
    found = catalog_differences(pairs, np.zeros((15, 1)), np.ones((15, 1)))
    weight = share(found)
    of_pick = np.bincount(found.first, weight, 15) + np.bincount(found.second, weight, 15)
    sizes = np.repeat([3, 12], [3, 12])
    assert of_pick / (1.0 - 1.0 / sizes) == pytest.approx(np.full(15, of_pick[0] * 1.5)), "n - 1 of n picks are known"
    assert weight.mean() == pytest.approx(1.0)


def test_weights_of_hypodd_are_taken_in_turn():
    truth, slots = swarm(), network()
    sets = (WeightSet(rounds=4, damping=10.0), WeightSet(rounds=3, ct_cutoff=6.0, ct_km=2.0, damping=10.0))
    own = problem(truth, slots, observed(truth, slots, outliers=0.02), is_held=False)
    found = relocate_cluster(own, moved(truth), sets)
    far = own.separation(found.models) > 2.0
    assert found.rounds == 7 and (found.factor[far] == 0).all()
    assert np.median(relative(found.models, truth)) < 0.02


def test_pairs_are_the_nearest_with_enough_in_common():
    places = np.array([[0.0, 0, 0], [0.1, 0, 0], [0.3, 0, 0], [0.6, 0, 0], [9.0, 0, 0]])
    present = np.ones((5, 10), dtype=bool)
    present[1, :5] = False
    found = {tuple(pair) for pair in neighbour_pairs(places, present, 1.0, 6, 1)}
    assert found == {(0, 2), (2, 3)}, "1 has too few in common with all, 4 is too far from all"
    assert {tuple(pair) for pair in neighbour_pairs(places, present, 1.0, 5, 1)} == {(0, 1), (1, 2), (2, 3)} - {
        (1, 2)
    } | {(1, 2)}


def test_neighbours_are_found_behind_many_others_without_links():
    places = np.column_stack([np.arange(50) * 0.01, np.zeros(50), np.zeros(50)])
    present = np.zeros((50, 8), dtype=bool)
    present[[0, 49]] = True
    assert neighbour_pairs(places, present, 1.0, 8, 2).tolist() == [[0, 49]]
    assert neighbour_pairs(places[:1], present[:1], 1.0, 1, 2).size == 0
    assert neighbour_pairs(places[:0], present[:0], 1.0, 1, 2).size == 0


def test_clusters_are_linked_events_without_single_ones():
    found = clusters(7, np.array([[0, 3], [3, 5], [1, 6]]))
    assert [own.tolist() for own in found] == [[0, 3, 5], [1, 6]]
