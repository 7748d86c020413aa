"""Densities of made events: places found from no first guess, errors told by residuals, what can't be told."""

from dataclasses import replace

import numpy as np
import pytest

from catalogdb.location.arrivals import Arrivals, Network
from catalogdb.location.catalog import locate_catalog
from catalogdb.location.errors import ErrorModel
from catalogdb.location.estimate import estimate_errors
from catalogdb.location.locate import Locator
from catalogdb.location.solve import Earth
from catalogdb.location.terms import static_terms
from catalogdb.traveltimes.first_arrivals import HomogeneousTimes

TIMES = HomogeneousTimes(6.0, 3.45)
READING = np.array([0.05, 0.1])


def network(count: int = 14, seed: int = 1) -> Network:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-40.0, 40.0, (2, count))
    return Network(x, y, -rng.uniform(0.0, 1.0, count))


def earth(stations: Network) -> Earth:
    return Earth(stations, TIMES, np.array([-60.0, -60.0, 0.0]), np.array([60.0, 60.0, 30.0]))


def made(stations: Network, truth: np.ndarray, delay: np.ndarray | float, seed: int = 2) -> Arrivals:
    """P and S of every event at every station; readings off as `READING` says, and delays by (station, phase)."""
    rng = np.random.default_rng(seed)
    count, events = len(stations.x_km), len(truth)
    station = np.broadcast_to(np.repeat(np.arange(count), 2), (events, 2 * count))
    is_s = np.broadcast_to(np.tile([False, True], count), station.shape)
    distance = np.hypot(truth[:, :1] - stations.x_km[station], truth[:, 1:2] - stations.y_km[station])
    travel = TIMES(distance, truth[:, 2:3], stations.depth_km[station], is_s)
    delays = np.broadcast_to(delay, (count, 2))[station, is_s.astype(int)]
    error = READING[is_s.astype(int)] * rng.standard_normal(station.shape)
    present = np.ones(station.shape, dtype=bool)
    zero = np.zeros(station.shape)
    time = truth[:, 3:4] + travel + delays + error
    return Arrivals(time, station, is_s, is_s.astype(int), present, zero, np.zeros(events))


def truths(events: int, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    place = rng.uniform([-30.0, -30.0, 4.0], [30.0, 30.0, 16.0], (events, 3))
    return np.column_stack([place, rng.uniform(-5.0, 5.0, events)])


READINGS_ALONE = ErrorModel(READING, (1e-3, 1e-3), 10.0, 0.5, (1e-4, 1e-4), 50.0)


def test_events_are_found_in_the_whole_volume_without_a_guess():
    stations, truth = network(), truths(40)
    found = Locator(earth(stations)).locate(made(stations, truth, 0.0), READINGS_ALONE)
    apart = found.best - truth
    assert np.hypot(apart[:, 0], apart[:, 1]).max() < 0.5
    assert np.abs(apart[:, 2]).max() < 2.0
    assert np.abs(apart[:, 3]).max() < 0.2
    assert not found.is_bimodal.any()


def test_an_outlier_moves_no_event_far():
    stations, truth = network(), truths(30)
    arrivals = made(stations, truth, 0.0)
    time = arrivals.time.copy()
    time[:, 5] += 4.0
    found = Locator(earth(stations)).locate(replace(arrivals, time=time), replace(READINGS_ALONE, degrees=4.0))
    assert np.hypot(*(found.best - truth)[:, :2].T).max() < 0.7


def test_truth_lies_in_the_regions_as_often_as_they_say():
    inside: dict[str, list] = {"depth_68": [], "depth_90": [], "radius_68": [], "radius_90": []}
    for count, seed in ((8, 1), (11, 2), (14, 3)):
        stations, truth = network(count, seed), truths(300, seed)
        found = Locator(earth(stations)).locate(made(stations, truth, 0.0, seed), READINGS_ALONE)
        depth, radius = truth[:, 2], np.hypot(*(found.best - truth)[:, :2].T)
        for level in ("68", "90"):
            limits, reach = getattr(found, f"depth_{level}"), getattr(found, f"radius_{level}")
            inside[f"depth_{level}"] += list((depth >= limits[:, 0]) & (depth <= limits[:, 1]))
            inside[f"radius_{level}"] += list(radius <= reach)
    for name, values in inside.items():
        assert np.mean(values) == pytest.approx(float(name[-2:]) / 100.0, abs=0.04), name


def test_scales_of_readings_come_out_of_the_residuals():
    stations = network(10)
    errors = estimate_errors(Locator(earth(stations)), made(stations, truths(120), 0.0))
    assert errors.reading == pytest.approx(READING, rel=0.25)
    assert max(errors.path) < 0.05


def test_station_terms_are_found_damped_and_have_no_mean():
    stations, rng = network(10), np.random.default_rng(5)
    delay = rng.normal(0.0, 0.2, (10, 2))
    delay -= delay.mean(axis=0)
    arrivals = made(stations, truths(80), delay)
    of_each = np.where(arrivals.present, delay[arrivals.station, arrivals.is_s.astype(int)], 0.0)
    terms = static_terms(arrivals, of_each, 10)
    assert terms.value == pytest.approx(delay * 80 / 84, abs=1e-9)
    assert (terms.count == 80).all()
    assert (terms.value * terms.count).sum(axis=0) == pytest.approx([0.0, 0.0], abs=1e-9)


def test_terms_bring_the_events_of_a_cluster_closer_to_one_another():
    stations, rng = network(12), np.random.default_rng(6)
    truth = np.column_stack([rng.normal(0.0, 1.0, (60, 2)), rng.normal(9.0, 0.7, 60), np.zeros(60)])
    arrivals = made(stations, truth, rng.normal(0.0, 0.2, (12, 2)))
    keep = rng.random(arrivals.present.shape) < 0.6
    locator = Locator(earth(stations))
    spread = {}
    for terms in ("none", "source"):
        apart = locate_catalog(locator, arrivals.where(keep), terms=terms).density.best - truth
        spread[terms] = np.sqrt(((apart - apart.mean(axis=0)) ** 2).mean(axis=0))
    assert (spread["source"][:3] < 0.6 * spread["none"][:3]).all()


def test_arrivals_of_one_station_leave_the_place_wide_open():
    stations, truth = network(), truths(3)
    arrivals = made(stations, truth, 0.0)
    found = Locator(earth(stations)).locate(arrivals.where(arrivals.station == 4), READINGS_ALONE)
    assert (found.radius_90 > 2.0).all()
    assert np.isfinite(found.covariance).all()


def test_four_picks_have_finite_honest_regions():
    stations, truth = network(), truths(60)
    arrivals = made(stations, truth, 0.0)
    first = np.argsort(np.where(arrivals.is_s, np.inf, arrivals.time), axis=1)[:, :4]
    keep = np.zeros(arrivals.present.shape, dtype=bool)
    np.put_along_axis(keep, first, True, axis=1)
    found = Locator(earth(stations)).locate(arrivals.where(keep), READINGS_ALONE)
    inside = (truth[:, 2] >= found.depth_90[:, 0]) & (truth[:, 2] <= found.depth_90[:, 1])
    assert np.isfinite(found.covariance).all()
    assert inside.mean() > 0.8
