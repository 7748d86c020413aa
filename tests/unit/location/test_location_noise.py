"""Nearly exact arrivals, models that are off, and scales from events of few arrivals."""

import numpy as np
import pytest

from benchmarks._nearly_exact import SLOW_TOP, nearly_exact
from catalogdb.location.catalog import Located, locate_catalog
from catalogdb.location.estimate import DELAY, estimate_errors


def depth_share(located: Located, truth: np.ndarray, level: int) -> float:
    low, high = getattr(located.density, f"depth_{level}").T
    return float(np.mean((low <= truth[:, 2]) & (truth[:, 2] <= high)))


@pytest.mark.parametrize(
    ("seconds", "horizontal_km", "depth_km"), [(0.0, 0.01, 0.02), (0.005, 0.15, 0.5), (0.03, 0.5, 1.6), (0.1, 1.1, 3.5)]
)
def test_places_are_as_good_as_their_arrivals(seconds, horizontal_km, depth_km):
    locator, arrivals, truth = nearly_exact(seconds, events=40)
    located = locate_catalog(locator, arrivals, terms="none")
    apart = np.abs(located.density.best - truth)[arrivals.count >= 6]
    assert np.quantile(np.hypot(apart[:, 0], apart[:, 1]), 0.9) < horizontal_km
    assert np.quantile(apart[:, 2], 0.9) < depth_km
    assert depth_share(located, truth, 90) > 0.8


def test_depths_in_a_model_that_is_off_lie_in_their_intervals_however_exact_arrivals_are():
    """A slow top makes all S late against all P: no residual tells it, so intervals have to be wide enough for it."""
    locator, arrivals, truth = nearly_exact(0.005, events=40, velocity=SLOW_TOP)
    located = locate_catalog(locator, arrivals, terms="none")
    assert located.errors.delay == DELAY
    assert np.median(np.abs(located.density.best - truth)[:, 2]) < 0.7
    assert depth_share(located, truth, 90) > 0.75


def test_scales_do_not_shrink_with_the_arrivals_of_an_event():
    """Four parameters are fitted to some nine arrivals: their own scatter is a quarter smaller than the errors."""
    locator, arrivals, truth = nearly_exact(0.1, events=80, keep=0.55)
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
