"""The event generator."""

import numpy as np
import pytest

from catalogdb.demo.catalog import generate_earthquakes, gutenberg_richter, omori_times


def test_the_seed_decides_the_day():
    assert generate_earthquakes(3) == generate_earthquakes(3)
    assert generate_earthquakes(3) != generate_earthquakes(4)


def test_b_value_by_maximum_likelihood():
    magnitudes = gutenberg_richter(np.random.default_rng(0), 200_000, b_value=1.0, lowest=0.5, highest=8.0)
    # Aki (1965): b = log10(e) / (mean - lowest).
    assert np.log10(np.e) / (magnitudes.mean() - 0.5) == pytest.approx(1.0, abs=0.01)


def test_magnitudes_stay_within_bounds():
    magnitudes = gutenberg_richter(np.random.default_rng(0), 10_000, lowest=0.5, highest=2.0)
    assert magnitudes.min() >= 0.5 and magnitudes.max() <= 2.0


def test_aftershocks_decay():
    times = omori_times(np.random.default_rng(0), 20_000, 40_000.0)
    assert np.all(np.diff(times) >= 0) and times[0] >= 0 and times[-1] <= 40_000.0
    early, late = np.sum(times < 600.0), np.sum((times > 6000.0) & (times < 6600.0))
    # n ~ (t + 600)^-1.1, integrated over both spans.
    expected = (600.0**-0.1 - 1200.0**-0.1) / (6600.0**-0.1 - 7200.0**-0.1)
    assert early / late == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("seed", range(8))
def test_a_day_looks_like_friuli(seed):
    events = generate_earthquakes(seed)
    assert 45 <= len(events) <= 60
    origins = np.array([event.origin_s for event in events])
    assert np.diff(origins).min() >= 25.0 and origins[0] > 0 and origins[-1] < 86_400
    assert all(2.0 <= event.depth_km <= 16.0 for event in events)
    assert all(45.9 < event.latitude < 46.7 and 12.3 < event.longitude < 14.0 for event in events)
    assert 3.2 <= max(event.ml for event in events) <= 4.0


def test_too_many_events_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        generate_earthquakes(0, count=50, duration_s=600.0)
