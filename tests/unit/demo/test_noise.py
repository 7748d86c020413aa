"""Noise levels, the hour of the day, and transients."""

import numpy as np
import pytest
from scipy.signal import welch

from catalogdb.demo.network import Instrument, Site
from catalogdb.demo.noise import (
    add_transients,
    calibration,
    car,
    cultural_activity,
    cultural_psd,
    natural_psd,
    spike,
    stationary_noise,
    step,
)

SITE = Site("TEST", 46.0, 13.0, 0.0, noise_weight=0.4, cultural_db=15.0)
INSTRUMENT = Instrument()
NIGHT_S, DAY_S = 1.0 * 3600, 9.5 * 3600


def measured(start_s, **options):
    noise = stationary_noise(np.random.default_rng(1), SITE, INSTRUMENT, 180_000, start_s=start_s, **options)
    assert noise.dtype == np.float32 and noise.shape == (180_000,)
    return welch(noise / INSTRUMENT.counts_per_m_s, 100.0, nperseg=8192)


def level_db(density, frequency, low, high):
    return 10 * np.log10(density[(frequency >= low) & (frequency < high)].mean())


def test_spectrum_follows_the_model_at_night():
    frequency, density = measured(NIGHT_S)
    expected = natural_psd(frequency, 0.4) * np.abs(INSTRUMENT.response(frequency)) ** 2
    expected += 0.02 * cultural_psd(frequency, SITE)
    for low, high in ((0.1, 0.3), (0.5, 1.0), (1.0, 2.0), (12.0, 20.0), (30.0, 45.0)):
        difference = level_db(density, frequency, low, high) - level_db(expected, frequency, low, high)
        assert abs(difference) < 1.5, (low, high)


def test_microseism_is_the_largest_of_all():
    frequency, density = measured(NIGHT_S)
    assert 0.1 < frequency[np.argmax(density[3:]) + 3] < 0.35


def test_days_are_noisier_than_nights_in_the_cultural_band_only():
    (frequency, night), (_, day) = measured(NIGHT_S), measured(DAY_S)
    rise = level_db(day, frequency, 4, 8) - level_db(night, frequency, 4, 8)
    assert 8.0 < rise < 19.0
    assert abs(level_db(day, frequency, 0.1, 0.5) - level_db(night, frequency, 0.1, 0.5)) < 1.5


def test_horizontals_are_two_decibels_noisier():
    (frequency, vertical), (_, horizontal) = measured(NIGHT_S), measured(NIGHT_S, horizontal=True)
    assert level_db(horizontal, frequency, 1, 20) - level_db(vertical, frequency, 1, 20) == pytest.approx(2.0, abs=0.3)


def test_noise_is_decided_by_the_generator():
    first, again, other = (stationary_noise(np.random.default_rng(seed), SITE, INSTRUMENT, 5000) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_activity_follows_the_working_day():
    activity = cultural_activity(np.arange(0.0, 86_400.0, 600.0))
    assert activity.min() >= 0.02 and activity.max() <= 1.0
    assert cultural_activity(np.array(2.0 * 3600)) < 0.05 < 0.8 < cultural_activity(np.array(9.5 * 3600))


@pytest.mark.parametrize("kind", [car, spike, step, calibration])
def test_transients_have_three_components_of_the_given_amplitude(kind):
    for seed in range(20):
        wave = kind(np.random.default_rng(seed), 1000.0)
        assert wave.ndim == 2 and len(wave) == 3 and wave.dtype == np.float32 and np.isfinite(wave).all()
        assert 300.0 < np.abs(wave).max() < 8000.0


def test_transients_are_put_in_place_and_told():
    record = np.zeros((3, 8_640_000 // 4), np.float32)
    made = add_transients(np.random.default_rng(0), record, SITE, start_s=8 * 3600.0)
    assert set(made) == {"car", "spike", "step", "calibration"}
    times = [time for kind in made.values() for time in kind]
    assert times and all(0 <= time < 21_600 for time in times)
    moved = np.flatnonzero(np.abs(record).max(axis=0)) / 100.0
    assert moved.min() == pytest.approx(min(times), abs=0.05)
