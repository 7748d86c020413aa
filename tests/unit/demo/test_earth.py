"""Travel times against closed forms and Fermat's principle."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from catalogdb.demo.earth import LayeredEarth, direct_wave, first_arrival, head_wave

EARTH = LayeredEarth()


@pytest.mark.parametrize(("phase", "velocity"), [("P", 5.85), ("S", 5.85 / 1.78)])
def test_direct_wave_in_one_layer_is_a_straight_line(phase, velocity):
    distance, depth, elevation = np.array([0.0, 1.0, 35.0, 140.0]), 9.5, 1420.0
    rays = direct_wave(EARTH, phase, distance, depth, elevation)
    length = np.hypot(distance, depth + 1.42)
    np.testing.assert_allclose(rays.time_s, length / velocity, rtol=1e-9)
    np.testing.assert_allclose(rays.ray_parameter_s_km, distance / length / velocity, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(180 - rays.takeoff_deg, np.degrees(np.arctan2(distance, depth + 1.42)), atol=1e-4)
    quality = 400.0 if phase == "P" else 250.0
    np.testing.assert_allclose(rays.t_star_s, length / velocity / quality, rtol=1e-9)


@pytest.mark.parametrize("distance", [5.0, 40.0, 200.0])
def test_direct_wave_through_an_interface_obeys_fermat(distance):
    depth = 30.0

    def time(crossing):
        return np.hypot(crossing, depth - 22.0) / 6.80 + np.hypot(distance - crossing, 22.0) / 5.85

    least = minimize_scalar(time, bounds=(0.0, distance), method="bounded", options={"xatol": 1e-9}).fun
    assert direct_wave(EARTH, "P", distance, depth).time_s == pytest.approx(least, abs=1e-6)


def test_head_wave_closed_form_and_critical_distance():
    depth, v1, v2 = 10.0, 5.85, 6.80
    slowness = np.sqrt(1 / v1**2 - 1 / v2**2)
    expected = 150.0 / v2 + (2 * 22.0 - depth) * slowness
    assert head_wave(EARTH, "P", 150.0, depth, refractor=1).time_s == pytest.approx(expected, rel=1e-9)
    critical = (2 * 22.0 - depth) * np.tan(np.arcsin(v1 / v2))
    times = head_wave(EARTH, "P", np.array([critical - 0.1, critical + 0.1]), depth, refractor=1).time_s
    assert np.isinf(times[0]) and np.isfinite(times[1])


def test_first_arrival_changes_to_the_head_wave_at_the_crossover():
    # Source at depth z in the first layer: x / v1 ~ x / v2 + (2h - z) sqrt(1/v1^2 - 1/v2^2) far away.
    rays = first_arrival(EARTH, "P", np.arange(10.0, 300.0, 5.0), 10.0)
    assert rays.refractor[0] == -1 and rays.refractor[-1] >= 1
    assert np.all(np.diff(rays.time_s) > 0)
    assert np.all(np.diff(rays.ray_parameter_s_km[rays.refractor == -1]) > 0)


def test_s_comes_after_p_by_the_velocity_ratio():
    p, s = (first_arrival(EARTH, phase, [3.0, 30.0, 110.0], 8.0, 500.0).time_s for phase in "PS")
    np.testing.assert_allclose(s / p, 1.78, rtol=1e-6)


@pytest.mark.parametrize("arguments", [("X", 10.0, 5.0), ("P", -1.0, 5.0), ("P", 10.0, -3.0)])
def test_bad_geometry_is_refused(arguments):
    with pytest.raises(ValueError):
        first_arrival(EARTH, *arguments)


def test_velocities_must_increase():
    with pytest.raises(ValueError, match="increase"):
        LayeredEarth(vp_km_s=(5.0, 4.0, 8.0))
