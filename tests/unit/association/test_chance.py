"""The chance test against what random picks really do, and what it must tell apart."""

import numpy as np
import pytest
from scipy.stats import binom

from catalogdb.association import chance_kernels
from catalogdb.association.chance import NONE_SEEN, ChanceTest
from catalogdb.association.chance_kernels import (
    QUIET_RATE,
    RING_SECONDS,
    SEEN_SECONDS,
    SMALLEST,
    Bursts,
    Event,
    Explained,
    Look,
    Searched,
    chance_of,
    explained,
    rate,
)

SEARCHED = Searched(area_km2=40_000.0, thickness_km=30.0, vp=6.0, stations=30)
TEST = ChanceTest(*SEARCHED)
LOOK = {"reach": 8, "radius_km": 30.0, "tolerance": 0.5, "s_tolerance": 0.5}
DISTANCES = np.linspace(5.0, 80.0, 30)


def event(stations, misfit, both=True, slowness=0.3):
    """Arrivals of the nearest stations, all with one residual (s); P crosses one station in `slowness` seconds."""
    rank = np.repeat(np.arange(stations), 2) if both else np.arange(stations)
    is_s = np.tile([False, True], stations) if both else np.zeros(stations, dtype=bool)
    return np.full(rank.size, misfit), rank, is_s, (1.0 + slowness * rank) * np.where(is_s, 1.73, 1.0)


def best(arrivals, ring=(), background=1e-5, rates=None, bursts=NONE_SEEN):
    rates = np.full(arrivals[0].size, background) if rates is None else rates
    ring = np.array(ring, dtype=int)
    return TEST.best(Event(*arrivals, rates, ring, np.full(ring.size, 2.0), DISTANCES), background, bursts)


def in_bursts(hits, stations, both=0, seconds=0, background=1.0, bursts=NONE_SEEN):
    """What bursts make where one explains all P that fit, and a second one all S."""
    first, second, third = Explained(hits, stations), Explained(both, hits), Explained(0, 0)
    look = Look(**LOOK, stations=stations, seconds=seconds, p_hits=hits, both=both)
    return chance_kernels.in_bursts(SEARCHED, look, first, first, second, third, background, bursts)


def test_coincidences_of_one_place_are_as_frequent_as_simulated():
    random = np.random.default_rng(2)
    slot_rate, slots, tolerance, days = 0.02, 8, 0.5, 4.0
    bins = int(days * 86400.0 / (2.0 * tolerance))
    counts = (random.random((slots, bins)) < -np.expm1(-2.0 * tolerance * slot_rate)).sum(axis=0)
    one_place = ChanceTest(area_km2=1e-6, thickness_km=1e-6, vp=6.0, stations=4)
    for hits in (1, 2, 3):
        expected = one_place.at_any_time(hits, slots, tolerance, slot_rate) * days
        assert np.count_nonzero(counts >= hits) == pytest.approx(expected, abs=4.0 * np.sqrt(expected))


def test_more_stations_and_smaller_residuals_stand_out_more():
    assert best(event(8, 0.1)) < best(event(5, 0.1)) < best(event(3, 0.1))
    assert best(event(5, 0.1)) < best(event(5, 0.9)) < best(event(5, 1.9))
    assert best(event(5, 0.1), background=1e-5) < best(event(5, 0.1), background=1e-3)


def test_picks_too_far_off_say_nothing():
    assert best(event(5, 3.0)) >= 1.0


def test_near_stations_count_more_than_far_ones():
    misfit, rank, is_s, time = event(4, 0.2)
    assert best((misfit, rank, is_s, time)) < best((misfit, rank + 20, is_s, time))


def test_a_burst_of_single_picks_fails_and_p_with_s_passes():
    ring = np.arange(6, 10)  # stations of the burst whose picks fit nothing
    misfit, rank, _, time = event(6, 0.6, both=False)
    mixed = np.array([False, True, False, True, True, False])
    assert best((misfit, rank, mixed, time), ring) > 1.0
    assert best(event(6, 0.2), ring) < 1e-6


def test_second_picks_that_fit_nothing_weaken_p_with_s():
    assert best(event(4, 0.4), ring=[0, 0, 1, 2, 3, 3]) > 1e3 * best(event(4, 0.4))


def test_burst_stations_are_binomial():
    few, many = (in_bursts(hits, 8, background=QUIET_RATE) for hits in (5, 8))
    p = 0.5 / RING_SECONDS
    assert many / few == pytest.approx(binom.sf(7, 8, p) / binom.sf(4, 8, p))


def test_bursts_that_are_seen_are_shorter_and_fit_more_easily():
    unseen, seen = (in_bursts(6, 8, bursts=of) for of in (Bursts(0.0, 100.0), Bursts(100.0, 0.0)))
    share = binom.sf(5, 8, 0.5 / SEEN_SECONDS) / binom.sf(5, 8, 0.5 / RING_SECONDS)
    assert seen / unseen == pytest.approx(share * SEEN_SECONDS / RING_SECONDS)


def test_two_bursts_at_the_same_stations_look_like_p_and_s():
    one, thousand = (in_bursts(6, 8, 5, bursts=Bursts(seen, 0.0, 0.5, 0.0)) for seen in (10.0, 1e4))
    assert thousand > 1.1e3 * one


def test_bursts_of_both_phases_are_rarely_p_alone():
    of_p, of_both, each_of_one = (
        in_bursts(6, 6, bursts=Bursts(100.0, 0.0, *shares)) for shares in ((1.0, 1.0), (0.5, 0.0), (0.5, 1.0))
    )
    assert of_both / of_p == pytest.approx(0.5**6)
    assert each_of_one / of_p == pytest.approx(0.5)


def test_second_picks_of_burst_stations_give_a_burst_more_chances():
    single, double = (in_bursts(6, 6, seconds=number, bursts=Bursts(9.0, 0.0)) for number in (0, 6))
    assert double / single == pytest.approx(2.0**6)


def test_picks_at_quiet_stations_say_more_than_at_noisy_ones():
    arrivals = event(5, 0.2)
    none, quiet, noisy = Bursts(0.0, 0.0), np.full(10, 1e-5), np.full(10, 1e-3)
    some = np.where(arrivals[1] == 4, noisy, quiet)
    chances = [best(arrivals, rates=rates, bursts=none) for rates in (quiet, some, noisy)]
    assert chances == sorted(set(chances))


def test_s_may_be_off_by_more_than_p():
    misfit, *others = event(5, 0.1)
    is_s = others[1]
    late_s = np.where(is_s, 0.9, misfit)
    assert best((late_s, *others)) < best((np.full(10, 0.9), *others))
    assert best((late_s, *others)) < best((misfit[~is_s], *(values[~is_s] for values in others)))


def test_rate_is_what_is_counted_where_there_is_much_to_count():
    assert rate(500, 1e5) == pytest.approx(0.005, rel=0.05)
    assert rate(0, 1e3) < QUIET_RATE
    assert rate(0, 0) == pytest.approx(QUIET_RATE)


def test_one_burst_explains_only_what_comes_within_seconds():
    many = Bursts(1000.0, 0.0, 0.5, 0.0)
    near, wide = (best(event(8, 0.4, False, slowness), background=1e-4, bursts=many) for slowness in (0.3, 3.0))
    assert wide < 1e-3 * near


def test_two_bursts_explain_p_of_two_groups_of_stations():
    misfit, rank, is_s, time = event(8, 0.4, False, 0.3)
    groups = np.where(rank < 4, time, time + 12.0)
    spread = np.where(rank < 4, time, time + 12.0 * (rank - 3))
    many, background = Bursts(3000.0, 0.0, 0.5, 0.0), 1e-4
    in_groups, one_by_one = (
        best((misfit, rank, is_s, times), background=background, bursts=many) for times in (groups, spread)
    )
    assert in_groups > 100.0 * one_by_one


def test_three_bursts_explain_p_of_three_groups_of_stations():
    misfit, rank, is_s, time = event(9, 0.4, False, 0.3)
    groups = time + 12.0 * (rank // 3)
    spread = np.where(rank < 6, groups, time + 12.0 * (rank - 4))
    many, background = Bursts(3000.0, 0.0, 0.5, 0.0), 1e-4
    in_groups, one_by_one = (
        best((misfit, rank, is_s, times), background=background, bursts=many) for times in (groups, spread)
    )
    assert in_groups > 3.0 * one_by_one


def test_the_interval_of_a_burst_follows_the_reach():
    time, rank, none = np.append(np.arange(4.0), 20.0 + 0.5 * np.arange(6)), np.arange(10), np.zeros(10)
    picks = Event(none, rank, none > 0, time, none, rank[:0], none[:0], DISTANCES)
    for reach, hits, others, remain in ((4, 4, 0.0, 0), (10, 6, 4.0 * np.log(0.01), 4)):
        left = rank < reach
        burst = explained(picks, rank < 10, left, np.full(10, np.log(0.01)), reach, reach, 4.0)
        assert (burst.hits, burst.stations, np.count_nonzero(left)) == (hits, hits, remain)
        assert burst.others == pytest.approx(others)


def test_chance_of_is_binomial():
    for slots in (1, 2, 7, 40, 300):
        hits = np.unique(np.linspace(1, slots, 20).astype(int))
        for p in (1e-12, 1e-4, 0.009, 0.02, 0.3, 0.5, 0.97, 1.0 - 1e-9):
            expected = np.maximum(binom.sf(hits - 1, slots, p), SMALLEST)
            assert [chance_of(number, slots, p) for number in hits] == pytest.approx(expected, rel=1e-9, abs=0.0)


def test_chance_of_at_its_limits():
    assert [chance_of(hits, 5, 0.0) for hits in (0, 1, 5)] == [1.0, SMALLEST, SMALLEST]
    assert [chance_of(hits, 5, 1.0) for hits in (0, 1, 5)] == [1.0, 1.0, 1.0]
    assert chance_of(0, 0, 0.5) == chance_of(3, 0, 0.5) == 1.0
    assert chance_of(7, 5, 0.5) == chance_of(5, 5, 0.5) == pytest.approx(0.5**5)
    assert np.isnan([chance_of(2, 5, p) for p in (np.nan, -0.1, 1.1)]).all()


def test_at_any_time_broadcasts():
    table = TEST.at_any_time(np.arange(4), 2 * np.array([[3], [6]]), 0.5, 1e-3)
    assert table.shape == (2, 4)
    assert table[1, 3] == TEST.at_any_time(3, 12, 0.5, 1e-3)
    assert (np.diff(table, axis=1) < 0.0).all()
    assert TEST.at_any_time(np.zeros(0, dtype=int), 6, 0.5, 1e-3).shape == (0,)


def test_no_arrivals_are_no_event():
    none = Event(*([np.zeros(0)] * 5), np.array([2]), np.zeros(1), DISTANCES)
    assert TEST.best(none, 1e-5) == TEST.least_in_bursts(none, 0.5, 1e-5, NONE_SEEN) == np.inf


def test_one_arrival_is_nothing_rare():
    assert 1.0 < best(event(1, 0.1, both=False)) < np.inf


def test_arrivals_that_are_nowhere_near_do_not_count():
    misfit, *others = event(5, 0.2)
    chances = [best((np.where(others[0] < 3, misfit, far), *others)) for far in (9.0, np.inf, np.nan)]
    assert chances[0] == chances[1] == chances[2]


def test_rates_that_are_no_number_give_none():
    assert np.isnan(best(event(5, 0.2), rates=np.full(10, np.nan)))
    assert best(event(5, 0.2), rates=np.full(10, np.inf)) > best(event(5, 0.2), rates=np.full(10, 1.0))


def test_one_tolerance_gives_what_bursts_make():
    misfit, rank, is_s, time = event(6, 0.2)
    picks = Event(misfit, rank, is_s, time, np.full(12, 1e-4), rank[:3], time[:3] + 1.0, DISTANCES)
    many = Bursts(1000.0, 0.0, 0.5, 0.0)
    chances = [TEST.least_in_bursts(picks, tolerance, 1e-4, many) for tolerance in (0.1, 0.2, 0.4, 0.8)]
    assert chances[0] > 1e6 * chances[1]
    assert chances[1:] == sorted(set(chances[1:]))


def test_order_and_types_of_arrivals_do_not_matter():
    misfit, rank, is_s, time = event(6, 0.2)
    order = np.random.default_rng(1).permutation(12)
    plain = best((misfit, rank, is_s, time), ring=[1, 7])
    assert best((misfit[order], rank[order].astype(np.int16), is_s[order], time[order]), ring=[1, 7]) == plain
    for values in (misfit, rank, is_s, time):
        values.flags.writeable = False
    assert best((misfit, rank, is_s, time), ring=[1, 7], background=np.float32(1e-5)) == pytest.approx(plain)
    assert len(chance_kernels.best.signatures) == 1
