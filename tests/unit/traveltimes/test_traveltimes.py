"""Travel times in layers against closed forms."""

import numpy as np
import pytest

from catalogdb.geo import EARTH_RADIUS_KM
from catalogdb.traveltimes.first_arrivals import HomogeneousTimes, LayeredTimes, travel_times
from catalogdb.traveltimes.velocity import VelocityConfig

CRUST = VelocityConfig(layers=[{"depth_km": 0, "vp": 5.85, "vs": 3.28}, {"depth_km": 22, "vp": 8.0, "vs": 4.5}])


def table(velocity, maxdistance_km=300.0, maxdepth_km=40.0):
    return LayeredTimes(velocity, maxdistance_km, 0.0, maxdepth_km, (-2.0, 0.0))


def test_layers_of_one_speed_are_homogeneous():
    layers = [{"depth_km": depth, "vp": 6.0, "vs": 3.5} for depth in (0, 10, 20)]
    layered, straight = table(VelocityConfig(layers=layers)), HomogeneousTimes(6.0, 3.5)
    random = np.random.default_rng(0)
    place = (
        random.uniform(0, 290, 300),
        random.uniform(0, 40, 300),
        random.uniform(-2, 0, 300),
        random.random(300) < 0.5,
    )
    assert np.allclose(layered(*place), straight(*place), atol=2e-3)
    assert layered.vp == pytest.approx(6.0)


def test_shells_of_one_speed_have_chords():
    layers = [{"depth_km": depth, "vp": 9.0, "vs": 5.0} for depth in (0, 300)]
    times = travel_times(VelocityConfig(layers=layers, spherical=True), 1000.0, 0.0, 700.0, (-3.0, 0.0))
    random = np.random.default_rng(1)
    distance, depth, station = random.uniform(0, 990, 200), random.uniform(0, 690, 200), random.uniform(-3, 0, 200)
    one, other = EARTH_RADIUS_KM - depth, EARTH_RADIUS_KM - station
    chord = np.sqrt((one - other) ** 2 + 4.0 * one * other * np.sin(distance / (2.0 * EARTH_RADIUS_KM)) ** 2)
    found, by_distance, by_depth = times.with_derivatives(distance, depth, station, False)
    assert np.abs(found - chord / 9.0).max() < 0.15
    assert np.median(np.abs(found - chord / 9.0)) < 0.02
    step = times(distance, depth + 0.1, station, False) - times(distance, depth - 0.1, station, False)
    assert np.median(np.abs(step / 0.2 - by_depth)) < 1e-3


@pytest.mark.parametrize("depths_km", [(0.0,), (0.0, 30.0)])
def test_far_rays_in_shells_dive_below_the_deepest_event(depths_km):
    layers = [{"depth_km": depth, "vp": 8.0, "vs": 4.6} for depth in depths_km]
    times = travel_times(VelocityConfig(layers=layers, spherical=True), 3000.0, 0.0, 30.0, (-2.0, 0.0))
    distance = np.array([0.0, 500.0, 1000.0, 2000.0, 3000.0])
    for depth in (0.0, 30.0):
        one, other = EARTH_RADIUS_KM - depth, EARTH_RADIUS_KM
        chord = np.sqrt((one - other) ** 2 + 4.0 * one * other * np.sin(distance / (2.0 * EARTH_RADIUS_KM)) ** 2)
        assert times(distance, depth, 0.0, False) == pytest.approx(chord / 8.0, abs=0.05)


def test_head_wave_of_a_surface_source():
    distance = np.array([20.0, 50.0, 150.0, 250.0])
    for is_s, v1, v2 in ((False, 5.85, 8.0), (True, 3.28, 4.5)):
        head = distance / v2 + 2 * 22.0 * np.sqrt(1 / v1**2 - 1 / v2**2)
        expected = np.minimum(distance / v1, head)
        found = table(CRUST)(distance, np.float64(0.0), np.float64(0.0), np.bool_(is_s))
        assert np.allclose(found, expected, atol=0.02)


def test_direct_ray_obeys_snell_across_a_boundary():
    # From 30 km depth at ray parameter p: the distance and time of each leg are known.
    p = 0.08
    legs = [(22.0, 5.85), (8.0, 8.0)]
    distance = sum(h * p * v / np.sqrt(1 - (p * v) ** 2) for h, v in legs)
    time = sum(h / (v * np.sqrt(1 - (p * v) ** 2)) for h, v in legs)
    found = table(CRUST)(np.array([distance]), np.float64(30.0), np.float64(0.0), np.bool_(False))
    assert found[0] == pytest.approx(time, abs=0.02)


def test_a_higher_station_hears_later():
    times = table(CRUST)
    low, high = times(np.array([5.0, 5.0]), np.float64(10.0), np.array([0.0, -2.0]), np.bool_(False))
    straight = HomogeneousTimes(5.85, 3.28)(5.0, 10.0, -2.0, False) - HomogeneousTimes(5.85, 3.28)(
        5.0, 10.0, 0.0, False
    )
    assert high - low == pytest.approx(straight, abs=0.01)


def test_gradient_model_bends_rays_on_circles():
    # A ray that starts down in a medium whose speed grows linearly turns on a circle: T = acosh(...) / gradient.
    gradient = VelocityConfig(
        gradient=True, layers=[{"depth_km": 0, "vp": 5.0, "vs": 2.9}, {"depth_km": 60, "vp": 8.0, "vs": 4.6}]
    )
    distance = np.array([20.0, 60.0, 120.0])
    k = 3.0 / 60.0
    expected = np.arccosh(1 + k**2 * distance**2 / (2 * 5.0 * 5.0)) / k
    found = table(gradient, 200.0, 60.0)(distance, np.float64(0.0), np.float64(0.0), np.bool_(False))
    assert np.allclose(found, expected, rtol=0.02)


def test_tables_are_made_once():
    arguments = (CRUST, 199.0, 0.0, 40.0, (-1.0, -0.5))
    assert travel_times(*arguments) is travel_times(*arguments)
    assert isinstance(travel_times(VelocityConfig(), 10.0, 0.0, 10.0, (0.0, 0.0)), HomogeneousTimes)


def test_a_low_velocity_layer_casts_a_shadow_and_hides_nothing():
    # below it the first arrival is the ray through it, above it the direct one; no head wave runs along its top
    layers = [{"depth_km": z, "vp": v, "vs": v / 1.75} for z, v in ((0, 5.5), (3, 4.0), (6, 6.5))]
    times = table(VelocityConfig(layers=layers), 60.0, 20.0)
    assert times(np.array([20.0]), 2.0, 0.0, False) == pytest.approx(np.hypot(20.0, 2.0) / 5.5, abs=0.01)
    p = 0.1
    legs = [(3.0, 5.5), (3.0, 4.0), (4.0, 6.5)]
    distance = sum(h * p * v / np.sqrt(1 - (p * v) ** 2) for h, v in legs)
    time = sum(h / (v * np.sqrt(1 - (p * v) ** 2)) for h, v in legs)
    assert times(np.array([distance]), 10.0, 0.0, False) == pytest.approx(time, abs=0.02)
    far = 50.0 / 6.5 + sum(h * np.sqrt(1 / v**2 - 1 / 6.5**2) for h, v in ((3.0, 5.5), (3.0, 4.0)))
    assert times(np.array([50.0]), 6.01, 0.0, False) == pytest.approx(far, abs=0.02)


def test_head_waves_run_below_a_faster_layer_above_both_ends():
    layers = [{"depth_km": z, "vp": v, "vs": v / 1.75} for z, v in ((0, 6.0), (3, 4.0))]
    times = LayeredTimes(VelocityConfig(layers=layers), 60.0, 3.0, 20.0, (4.0, 5.0))  # a station in a borehole
    head = 40.0 / 6.0 + 3.0 * np.sqrt(1 / 4.0**2 - 1 / 6.0**2)
    assert times(np.array([40.0]), 5.0, 4.0, False) == pytest.approx(head, abs=0.03)


def test_nodes_of_a_gradient_closer_than_its_steps_are_an_interface():
    nodes = [{"depth_km": z, "vp": v, "vs": v / 1.75} for z, v in ((0, 5.0), (9.999, 5.0), (10, 7.0), (40, 7.0))]
    steps = [{"depth_km": 0, "vp": 5.0, "vs": 5.0 / 1.75}, {"depth_km": 10, "vp": 7.0, "vs": 4.0}]
    distance, depth = np.linspace(1.0, 200.0, 60), np.full(60, 8.0)
    as_nodes, as_layers = (table(VelocityConfig(layers=rows, gradient=is_gradient))(distance, depth, 0.0, False)
                           for rows, is_gradient in ((nodes, True), (steps, False)))  # fmt: skip
    assert as_nodes == pytest.approx(as_layers, abs=0.002)
