"""Least-squares location, at the times that real picks have."""

import numpy as np
import pytest

from catalogdb.association.locate import Hypocentre, Observations, locate, with_uncertainties
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


@pytest.mark.parametrize("epoch", [0.0, 1711574377.0, -3e9])
@pytest.mark.parametrize("model", MODELS)
def test_finds_place_and_time_at_any_epoch(model, epoch):
    times = travel_times(MODELS[model], 120.0, 0.0, 40.0, (-2.0, 0.0))
    rng = np.random.default_rng(3)
    stations = rng.uniform(-45, 45, (9, 2)).repeat(2, axis=0)
    is_s = np.tile([False, True], 9)
    station_depth = np.full(18, -0.6)
    true = Hypocentre(4.0, -7.0, 11.0, epoch + 3.25)
    distance = np.hypot(stations[:, 0] - true.x_km, stations[:, 1] - true.y_km)
    arrivals = true.time + times(distance, np.float64(true.depth_km), station_depth, is_s)
    observed = Observations(arrivals, np.full(18, 0.1), is_s, stations[:, 0], stations[:, 1], station_depth)
    found = locate(Hypocentre(6.0, -4.0, 2.0, true.time + 0.6), observed, times, BOUNDS)
    assert found.time == pytest.approx(true.time, abs=0.01)
    assert (found.x_km, found.y_km) == pytest.approx((true.x_km, true.y_km), abs=0.1)
    assert found.depth_km == pytest.approx(true.depth_km, abs=0.3)
    assert np.abs(found.residuals(observed, times)).max() < 0.01
    found = with_uncertainties(found, observed, times)
    assert found.time_uncertainty > 0 and found.depth_uncertainty_km > 0
