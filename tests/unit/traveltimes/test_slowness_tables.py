"""Compiled interpolation in tables of mean slowness, and the steps of the least-squares hypocentre."""

import numpy as np
import pytest

from catalogdb.traveltimes.first_arrivals import HomogeneousTimes, LayeredTimes
from catalogdb.traveltimes.tables import Limits, Tables, _solved, _step, fill_times
from catalogdb.traveltimes.velocity import VelocityConfig

FREE = np.full(4, -np.inf), np.full(4, np.inf)


def filled(tables, distance, depth, station_depth, is_s):
    found = np.empty((3, distance.size))
    fill_times(tables, distance, depth, station_depth, is_s, found)
    return found


def random_places(number):
    random = np.random.default_rng(4)
    low, high = np.array([0.0, 0.0, -3.0]), np.array([200.0, 40.0, 1.0])
    return [*random.uniform(low, high, (number, 3)).T.copy(), random.random(number) < 0.5]


def test_one_cell_is_a_homogeneous_model():
    times, places = HomogeneousTimes(5.85, 3.28), random_places(200)
    assert filled(times.tables, *places) == pytest.approx(np.array(times.with_derivatives(*places)), rel=1e-12)


def test_slowness_linear_along_each_axis_is_interpolated_exactly():
    axes = np.array([-3.0, -1.0, 1.0]), np.linspace(0.0, 40.0, 9), np.linspace(0.0, 200.0, 21)
    station, depth, distance = np.meshgrid(*axes, indexing="ij")
    mean = 0.2 + 1e-3 * station - 5e-4 * depth + 1e-4 * distance
    tables = Tables(np.stack([mean, 2.0 * mean]), np.array([-3.0, 0.0, 0.0]), np.array([2.0, 5.0, 10.0]))
    distance, depth, station, is_s = places = random_places(200)
    mean = (0.2 + 1e-3 * station - 5e-4 * depth + 1e-4 * distance) * (1.0 + is_s)
    path = np.hypot(distance, depth - station)
    time, by_distance, by_depth = filled(tables, *places)
    assert time == pytest.approx(mean * path, rel=1e-12)
    assert by_distance == pytest.approx(1e-4 * (1.0 + is_s) * path + mean * distance / path, rel=1e-9)
    assert by_depth == pytest.approx(-5e-4 * (1.0 + is_s) * path + mean * (depth - station) / path, rel=1e-9)


def test_beyond_the_tables_the_mean_slowness_of_their_border_holds():
    layers = [{"depth_km": 0, "vp": 5.0, "vs": 3.0}, {"depth_km": 10, "vp": 7.0, "vs": 4.0}]
    times = LayeredTimes(VelocityConfig(layers=layers), 100.0, 0.0, 20.0, (-2.0, 0.0))
    border, beyond = times(100.0, 20.0, 0.0, True), times(150.0, 30.0, 0.0, True)
    assert beyond == pytest.approx(border * 1.5)
    assert np.isnan(times(np.array([np.nan, 1.0]), 5.0, 0.0, False)).tolist() == [True, False]


def test_arguments_of_layered_times_broadcast():
    times = LayeredTimes(VelocityConfig(layers=[{"depth_km": 0, "vp": 5, "vs": 3}]), 50.0, 0.0, 20.0, (-2.0, 0.0))
    distance, depth, phases = np.linspace(0, 40, 5)[::-1], np.array([[1.0], [9.0]]), np.array([False, True])
    found = times(distance[:, None, None], depth, -0.5, phases)
    assert found.shape == (5, 2, 2)
    assert found[3, 1, 1] == times(distance[3], 9.0, -0.5, True)
    assert np.shape(times(3.0, 1.0, 0.0, False)) == ()
    assert times(np.zeros(0), 1.0, 0.0, np.zeros(0, dtype=bool)).shape == (0,)


def linear_problem():
    random = np.random.default_rng(5)
    return random.normal(size=8) * 0.3, random.normal(size=(8, 4)), np.array([1.0, 2.0, 3.0, 0.5])


def normal_equations(residual, slope):
    weighted = slope / np.sqrt(1.0 + residual**2)[:, None]
    return weighted.T @ slope, weighted.T @ residual


def test_undamped_step_solves_the_reweighted_normal_equations():
    residual, slope, model = linear_problem()
    normal, gradient = normal_equations(residual, slope)
    expected = model - np.linalg.solve(normal, gradient)
    assert _step(residual, slope, model, Limits(*FREE, 0.0, 0.0), 0.0) == pytest.approx(expected)


def test_depth_is_drawn_to_the_usual_one():
    residual, slope, model = linear_problem()
    normal, gradient = normal_equations(residual, slope)
    normal[2, 2] += 4.0
    gradient[2] += 4.0 * (3.0 - 10.0)
    expected = model - np.linalg.solve(normal, gradient)
    assert _step(residual, slope, model, Limits(*FREE, 10.0, 4.0), 0.0) == pytest.approx(expected)


def test_coordinate_that_would_leave_its_limit_is_held_and_the_others_move():
    residual, slope, model = linear_problem()
    normal, gradient = normal_equations(residual, slope)
    limits = Limits(np.full(4, -np.inf), np.full(4, np.inf), 0.0, 0.0)
    (limits.lower if gradient[1] > 0 else limits.upper)[1] = model[1]
    others = [0, 2, 3]
    expected = model.copy()
    expected[others] -= np.linalg.solve(normal[np.ix_(others, others)], gradient[others])
    assert _step(residual, slope, model, limits, 0.0) == pytest.approx(expected)


def test_direction_that_arrivals_say_nothing_of_stays():
    residual, slope, model = linear_problem()
    slope[:, 1] = 0.0
    normal, gradient = normal_equations(residual, slope)
    assert _solved(normal, gradient)[1]
    expected = model - np.linalg.pinv(normal, hermitian=True) @ gradient
    found = _step(residual, slope, model, Limits(*FREE, 0.0, 0.0), 0.0)
    assert found[1] == model[1]
    assert found == pytest.approx(expected, rel=1e-7)
