"""The scan among false picks and between overlapping events; what both associators leave is found in a second pass."""

import random

import numpy as np
import pytest
from test_association_associate import EVENTS, REGION, STATIONS, config, synthetic_picks

from benchmarks._false_picks import false_picks, pushed_together
from catalogdb.association.associate import associate
from catalogdb.association.windows import AssociationWindow, owned

START, END = 0.0, 7200.0


def members(origins):
    return [sorted(arrival["pick_id"] for arrival in origin["arrivals"]) for origin in origins]


def scan(**changes):
    return config("scan", min_picks=5, min_p=2, min_s=1, **changes)


@pytest.mark.parametrize("pattern", ["uniform", "bursts", "hours"])
def test_false_picks_make_no_event_and_hide_none(pattern):
    noise = false_picks(STATIONS, START, END, 400.0, pattern, seed=4)
    assert 150 < len(noise) < 400
    origins = associate(synthetic_picks() + noise, STATIONS, REGION, scan()).origins
    assert [round(origin["time"]) for origin in origins] == [1000, 1100, 2500]
    for number, picks in enumerate(members(origins)):
        assert sum(pick.startswith(f"{number}.") for pick in picks) >= 15
        assert sum(pick.startswith("false") for pick in picks) <= 1


@pytest.mark.parametrize("pattern", ["uniform", "bursts", "hours"])
def test_false_picks_alone_are_counted_and_make_no_event(pattern):
    noise = false_picks(STATIONS, START, END, 1000.0, pattern, seed=5)
    result = associate(noise, STATIONS, REGION, scan())
    assert result.origins == []
    assert result.counts["picks_unassociated"] == result.counts["picks_used"] == len(noise)


@pytest.mark.parametrize("apart", [5.0, 12.0, 30.0])
def test_overlapping_events_keep_their_own_picks(apart):
    first, second = EVENTS[0], (EVENTS[0][0] + apart, 46.30, 13.15, 11.0)
    origins = associate(synthetic_picks([first, second]), STATIONS, REGION, scan()).origins
    assert [origin["time"] for origin in origins] == pytest.approx([first[0], second[0]], abs=0.3)
    for number, picks in enumerate(members(origins)):
        assert {pick.split(".")[0] for pick in picks} == {str(number)}
        assert len(picks) >= 15


def test_doubtful_events_are_kept_where_others_are_within_minutes():
    stations, settings = [STATIONS[number] for number in (0, 2, 3)], scan(min_stations=3, max_chance_per_day=1e-4)
    noise = false_picks(STATIONS, START, END, 1000.0, "uniform", seed=5)
    events = [(1000.0, 46.36, 13.10, 8.0), (1050.0, 46.25, 13.25, 11.0), (1100.0, 46.45, 13.20, 5.0)]
    near = associate(synthetic_picks(events, stations) + noise, STATIONS, REGION, settings)
    assert [origin["time"] for origin in near.origins] == pytest.approx([1000.0, 1050.0, 1100.0], abs=0.3)
    assert "origin_by_chance" not in near.counts
    apart = [(time + 1900.0 * (time > 1060.0), *place) for time, *place in events]
    alone = associate(synthetic_picks(apart, stations) + noise, STATIONS, REGION, settings)
    assert alone.origins == []
    assert alone.counts["origin_by_chance"] >= 3


def test_late_picks_of_an_event_are_not_another_event():
    picks = synthetic_picks(EVENTS[:1])
    late = [pick | {"time": pick["time"] + 2.6} if pick["sta"] in ("FFF", "GGG", "HHH") else pick for pick in picks]
    origins = associate(late, STATIONS, REGION, scan(min_stations=2, max_chance_per_day=10.0)).origins
    assert len(origins) == 1


def test_window_and_order_change_nothing():
    picks = synthetic_picks() + false_picks(STATIONS, START, END, 200.0, "bursts", seed=6)
    whole = associate(picks, STATIONS, REGION, scan()).origins
    parts = []
    for start in np.arange(START, END, 700.0):
        window = AssociationWindow(start, start + 700.0, start - 300.0, start + 1000.0)
        read = [pick for pick in picks if window.read_starttime <= pick["time"] < window.read_endtime]
        random.Random(int(start)).shuffle(read)
        parts += owned(associate(read, STATIONS, REGION, scan()).origins, window)
    assert members(parts) == members(whole)
    assert [part["time"] for part in parts] == pytest.approx([origin["time"] for origin in whole], abs=1e-6)


def test_score_says_how_rare_chance_would_make_the_event():
    alone = associate(synthetic_picks(), STATIONS, REGION, scan()).origins
    noise = false_picks(STATIONS, START, END, 2000.0, "uniform", seed=7)
    among = associate(synthetic_picks() + noise, STATIONS, REGION, scan()).origins
    assert len(among) == len(alone) == 3
    assert all(3.0 < noisy["score"] < clear["score"] for noisy, clear in zip(among, alone, strict=True))


def test_second_pass_finds_what_the_associator_left():
    picks = synthetic_picks()
    settings = {"gamma": {"dbscan_eps": 0.5}}  # clusters so small that GaMMA sees no event
    without = associate(picks, STATIONS, REGION, config("gamma", second_pass=False, **settings))
    with_it = associate(picks, STATIONS, REGION, config("gamma", **settings))
    assert without.origins == []
    assert len(with_it.origins) == 3
    assert {origin["method"] for origin in with_it.origins} == {"scan"}


@pytest.mark.parametrize("associator", ["gamma", "pyocto"])
def test_chance_test_drops_bursts_that_others_take_for_events(associator):
    noise = false_picks(STATIONS, START, END, 1500.0, "bursts", seed=8)
    settings = {"min_picks": 4, "min_p": 2, "min_s": 1, "second_pass": False}
    taken = associate(noise, STATIONS, REGION, config(associator, **settings))
    tested = associate(noise, STATIONS, REGION, config(associator, max_chance_per_day=0.001, **settings))
    assert len(taken.origins) > 5
    assert len(tested.origins) == 0
    assert tested.counts["origin_by_chance"] > 0


def test_depth_prior_decides_where_arrivals_do_not():
    picks = [pick for pick in synthetic_picks(EVENTS[:1]) if pick["sta"] in ("AAA", "EEE", "HHH")]
    settings = {"max_chance_per_day": 10.0, "max_residual": 1.0}
    free = associate(picks, STATIONS, REGION, scan(**settings)).origins[0]
    held = associate(picks, STATIONS, REGION, scan(depth_prior={"depth_km": 20, "sigma_km": 0.1}, **settings)).origins[
        0
    ]
    assert held["depth_km"] == pytest.approx(20.0, abs=1.0)
    assert abs(free["depth_km"] - 20.0) > 2.0


def test_pushed_together_events_keep_their_shape():
    picks = synthetic_picks()
    event_of = {pick["_id"]: pick["_id"].split(".")[0] for pick in picks}
    origin_time = {str(number): event[0] for number, event in enumerate(EVENTS)}
    moved, shift = pushed_together(picks, event_of, origin_time, seed=1)
    assert 5.0 <= origin_time["1"] + shift["1"] - origin_time["0"] <= 30.0
    assert shift["0"] == shift["2"] == 0.0
    before = {pick["_id"]: pick["time"] for pick in picks}
    assert all(pick["time"] - before[pick["_id"]] == pytest.approx(shift[event_of[pick["_id"]]]) for pick in moved)
