"""Least-squares location, at the times that real picks have."""

from dataclasses import fields

import numpy as np
import pytest

from catalogdb.association.locate import Hypocentre, Observations, locate, locate_without_each, with_uncertainties
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer

MODELS = {
    "homogeneous": VelocityConfig(vp=5.85, vs=3.28),
    "layered": VelocityConfig(
        layers=(
            VelocityLayer(depth_km=-3.0, vp=5.0, vs=2.9),
            VelocityLayer(depth_km=5.0, vp=5.85, vs=3.28),
            VelocityLayer(depth_km=22.0, vp=6.8, vs=3.8),
        )
    ),
}
BOUNDS = np.array([-60.0, -60.0, 0.0]), np.array([60.0, 60.0, 40.0])


def arrivals_of(true, times, count=9):
    stations = np.random.default_rng(3).uniform(-45, 45, (count, 2)).repeat(2, axis=0)
    is_s, station_depth = np.tile([False, True], count), np.full(2 * count, -0.6)
    distance = np.hypot(stations[:, 0] - true.x_km, stations[:, 1] - true.y_km)
    arrivals = true.time + times(distance, np.float64(true.depth_km), station_depth, is_s)
    return Observations(arrivals, np.full(2 * count, 0.1), is_s, stations[:, 0], stations[:, 1], station_depth)


def part_of(observed, rows):
    return Observations(*(getattr(observed, field.name)[rows] for field in fields(Observations)))


@pytest.mark.parametrize("epoch", [0.0, 1711574377.0, -3e9])
@pytest.mark.parametrize("model", MODELS)
def test_finds_place_and_time_at_any_epoch(model, epoch):
    times = travel_times(MODELS[model], 120.0, 0.0, 40.0, (-2.0, 0.0))
    true = Hypocentre(4.0, -7.0, 11.0, epoch + 3.25)
    observed = arrivals_of(true, times)
    found = locate(Hypocentre(6.0, -4.0, 2.0, true.time + 0.6), observed, times, BOUNDS)
    assert found.time == pytest.approx(true.time, abs=0.01)
    assert (found.x_km, found.y_km) == pytest.approx((true.x_km, true.y_km), abs=0.1)
    assert found.depth_km == pytest.approx(true.depth_km, abs=0.3)
    assert np.abs(found.residuals(observed, times)).max() < 0.01
    found = with_uncertainties(found, observed, times)
    assert found.time_uncertainty > 0 and found.depth_uncertainty_km > 0


@pytest.mark.parametrize("model", MODELS)
def test_event_outside_the_limits_is_held_at_them(model):
    times = travel_times(MODELS[model], 120.0, 0.0, 40.0, (-2.0, 0.0))
    observed = arrivals_of(Hypocentre(4.0, -7.0, 18.0, 50.0), times)
    bounds = np.array([-60.0, -60.0, 0.0]), np.array([0.0, 60.0, 12.0])
    found = locate(Hypocentre(-5.0, -4.0, 2.0, 50.6), observed, times, bounds)
    assert (found.x_km, found.depth_km) == (0.0, 12.0)
    assert found.y_km == pytest.approx(-7.0, abs=1.5)


def test_depth_of_which_arrivals_say_little_is_the_usual_one():
    times = travel_times(MODELS["homogeneous"], 120.0, 0.0, 40.0, (-2.0, 0.0))
    observed = part_of(arrivals_of(Hypocentre(0.0, 0.0, 4.0, 10.0), times), slice(0, None, 2))
    is_far = np.hypot(observed.x_km, observed.y_km) > 30.0
    observed, start = part_of(observed, is_far), Hypocentre(1.0, 1.0, 20.0, 10.0)
    found = locate(start, observed, times, BOUNDS, depth_prior=(9.0, 0.01))
    assert found.depth_km == pytest.approx(9.0, abs=0.02)


@pytest.mark.parametrize("model", MODELS)
def test_locating_without_each_arrival_finds_the_one_that_is_wrong(model):
    times = travel_times(MODELS[model], 120.0, 0.0, 40.0, (-2.0, 0.0))
    true = Hypocentre(4.0, -7.0, 11.0, 1711574377.0)
    observed = arrivals_of(true, times, 4)
    observed.time[5] += 1.5
    start = locate(true, observed, times, BOUNDS)
    places, misfits = locate_without_each(start, observed, times, BOUNDS)
    assert int(np.argmin(misfits)) == 5 and misfits[5] < 0.01
    assert (places[5].x_km, places[5].y_km) == pytest.approx((true.x_km, true.y_km), abs=0.1)
    for number in (0, 5, 7):
        alone = locate(start, part_of(observed, np.arange(8) != number), times, BOUNDS, None, ())
        found = places[number]
        assert (found.x_km, found.y_km, found.time) == pytest.approx((alone.x_km, alone.y_km, alone.time), abs=0.1)


def test_arrivals_at_one_station_leave_place_and_uncertainty_open():
    times = travel_times(MODELS["homogeneous"], 120.0, 0.0, 40.0, (-2.0, 0.0))
    observed = part_of(arrivals_of(Hypocentre(4.0, -7.0, 11.0, 0.0), times), np.array([0, 1, 0, 1]))
    start = Hypocentre(float(observed.x_km[0]), float(observed.y_km[0]), 5.0, 0.0)
    found = locate(start, observed, times, BOUNDS)
    assert (found.x_km, found.y_km) == pytest.approx((start.x_km, start.y_km))
    assert found.depth_km == BOUNDS[1][2]
    assert with_uncertainties(found, observed, times).time_uncertainty is None


def test_layout_of_arrays_in_memory_does_not_matter():
    times = travel_times(MODELS["layered"], 120.0, 0.0, 40.0, (-2.0, 0.0))
    observed, start = arrivals_of(Hypocentre(4.0, -7.0, 11.0, 3.0), times), Hypocentre(6.0, -4.0, 2.0, 3.5)
    strided = Observations(*(np.repeat(values, 2)[::2] for values in vars(observed).values()))
    assert locate(start, strided, times, BOUNDS) == locate(start, observed, times, BOUNDS)
