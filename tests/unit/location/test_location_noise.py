"""Nearly exact arrivals, models that are off, and scales from events of few arrivals."""

import numpy as np
import pytest

from catalogdb.location.arrivals import Arrivals, Network
from catalogdb.location.catalog import Located, locate_catalog
from catalogdb.location.estimate import DELAY, estimate_errors
from catalogdb.location.locate import Locator
from catalogdb.location.solve import Earth
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer

STATIONS, AREA_KM, DEPTHS_KM = 8, 40.0, (0.0, 30.0)


def model(*rows: tuple[float, float, float]) -> VelocityConfig:
    return VelocityConfig(layers=tuple(VelocityLayer(depth_km=top, vp=vp, vs=vs) for top, vp, vs in rows))


RIGHT = model((0.0, 5.85, 3.29), (22.0, 6.8, 3.82))
SLOW_TOP = model((0.0, 5.5, 3.03), (2.0, 5.85, 3.29), (22.0, 6.8, 3.82))


def catalog(
    seconds: float, events: int = 40, keep: float = 0.75, velocity: VelocityConfig = RIGHT
) -> tuple[Locator, Arrivals, np.ndarray]:
    """Arrivals made in a model, with readings off by so many seconds, S half as much again; located in `RIGHT`."""
    rng = np.random.default_rng(7)
    network = Network(*rng.uniform(-AREA_KM, AREA_KM, (2, STATIONS)), -rng.uniform(0.0, 1.5, STATIONS))
    truth = np.column_stack([rng.uniform(-25.0, 25.0, (events, 2)), rng.uniform(3.0, 18.0, events), np.zeros(events)])
    station = np.tile(np.repeat(np.arange(STATIONS), 2), (events, 1))
    is_s = np.tile([False, True], (events, STATIONS))
    reach = (float(network.depth_km.min()), float(network.depth_km.max()))
    used, made = (travel_times(own, 6 * AREA_KM, *DEPTHS_KM, reach) for own in (RIGHT, velocity))
    distance = np.hypot(truth[:, :1] - network.x_km[station], truth[:, 1:2] - network.y_km[station])
    time = made(distance, truth[:, 2:3], network.depth_km[station], is_s)
    time = time + seconds * np.where(is_s, 1.5, 1.0) * rng.standard_normal(time.shape)
    zero = np.zeros(time.shape)
    whole = Arrivals(time, station, is_s, is_s.astype(int), np.ones(time.shape, bool), zero, zero[:, 0])
    arrivals = whole.where(rng.random(time.shape) < keep)
    limit = 2.0 * AREA_KM
    earth = Earth(network, used, np.array([-limit, -limit, DEPTHS_KM[0]]), np.array([limit, limit, DEPTHS_KM[1]]))
    return Locator(earth), arrivals, truth


def depth_share(located: Located, truth: np.ndarray, level: int) -> float:
    low, high = getattr(located.density, f"depth_{level}").T
    return float(np.mean((low <= truth[:, 2]) & (truth[:, 2] <= high)))


@pytest.mark.parametrize(
    ("seconds", "horizontal_km", "depth_km"), [(0.0, 0.01, 0.02), (0.005, 0.15, 0.5), (0.03, 0.5, 1.6), (0.1, 1.1, 3.5)]
)
def test_places_are_as_good_as_their_arrivals(seconds, horizontal_km, depth_km):
    locator, arrivals, truth = catalog(seconds)
    located = locate_catalog(locator, arrivals, terms="none")
    apart = np.abs(located.density.best - truth)[arrivals.count >= 6]
    assert np.quantile(np.hypot(apart[:, 0], apart[:, 1]), 0.9) < horizontal_km
    assert np.quantile(apart[:, 2], 0.9) < depth_km
    assert depth_share(located, truth, 90) > 0.8


def test_depths_in_a_model_that_is_off_lie_in_their_intervals_however_exact_arrivals_are():
    """A slow top makes all S late against all P: no residual tells it, so intervals have to be wide enough for it."""
    locator, arrivals, truth = catalog(0.005, velocity=SLOW_TOP)
    located = locate_catalog(locator, arrivals, terms="none")
    assert located.errors.delay == DELAY
    assert np.median(np.abs(located.density.best - truth)[:, 2]) < 0.7
    assert depth_share(located, truth, 90) > 0.75


def test_scales_do_not_shrink_with_the_arrivals_of_an_event():
    """Four parameters are fitted to some nine arrivals: their own scatter is a quarter smaller than the errors."""
    locator, arrivals, truth = catalog(0.1, events=80, keep=0.55)
    assert np.median(arrivals.count) <= 9
    errors = estimate_errors(locator, arrivals)
    places = np.concatenate([truth[:, :3], np.zeros((len(truth), 1))], axis=1)
    left = locator.refine(arrivals, errors, places)[1]
    for is_s, sigma in ((False, 0.1), (True, 0.15)):
        of_phase = arrivals.present & (arrivals.is_s == is_s)
        plain = np.sqrt(np.mean(left[of_phase] ** 2))
        found = np.hypot(errors.reading[int(is_s)], errors.path[int(is_s)])
        assert found == pytest.approx(sigma, rel=0.2)
        assert plain < 0.85 * sigma < found * 1.05
