"""Synthetic seismograms."""

from dataclasses import replace

import numpy as np
import pytest

from catalogdb.demo.catalog import Earthquake
from catalogdb.demo.earth import LayeredEarth, first_arrival
from catalogdb.demo.network import SITES
from catalogdb.demo.seismogram import (
    Receivers,
    corner_frequency,
    radiation_pattern,
    receivers,
    seismic_moment,
    synthesize,
)

EVENT = Earthquake(100.0, 46.32, 13.05, 9.0, 1.5, 265.0, 45.0, 80.0, 3e6)


def rng():
    return np.random.default_rng(5)


def test_same_seed_same_samples():
    stations = receivers(EVENT, SITES[:2])
    first, again = (synthesize(EVENT, stations, rng(), samples=4096).velocity_m_s for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (2, 3, 4096) and first.dtype == np.float32


def test_onsets_are_travel_times_with_site_terms_and_p_is_first():
    stations = receivers(EVENT, SITES)
    made = synthesize(EVENT, stations, rng(), samples=4096)
    for phase, times, ratio in (("P", made.p_time_s, 1.0), ("S", made.s_time_s, 1.78)):
        rays = first_arrival(LayeredEarth(), phase, stations.distance_km, 9.0, stations.elevation_m)
        np.testing.assert_allclose(times, rays.time_s + ratio * stations.p_delay_s)
    assert np.all(made.s_time_s > made.p_time_s)


def test_nothing_moves_before_p_and_much_soon_after():
    made = synthesize(EVENT, receivers(EVENT, SITES), rng())
    for wave, time in zip(made.velocity_m_s, made.p_time_s, strict=True):
        onset = int(time * 100)
        peak = np.abs(wave).max()
        assert np.abs(wave[:, : onset - 5]).max() < 0.02 * peak
        assert np.abs(wave[:, onset : onset + 100]).max() > 5 * np.abs(wave[:, : onset - 5]).max()


def test_s_is_larger_than_p_on_horizontals_and_coda_decays():
    made = synthesize(EVENT, receivers(EVENT, SITES), rng())
    ratios, decays = [], []
    for wave, p, s in zip(made.velocity_m_s, made.p_time_s, made.s_time_s, strict=True):
        p, s = int(p * 100), int(s * 100)
        horizontal = np.sqrt((wave[1:] ** 2).mean(axis=0))
        ratios.append(horizontal[s : s + 200].mean() / horizontal[p : min(s, p + 200) - 10].mean())
        decays.append(horizontal[s + 200 : s + 400].mean() / horizontal[s + 2000 : s + 2200].mean())
    assert np.median(ratios) > 2.5
    assert np.median(decays) > 3.0


def test_amplitude_scales_with_magnitude():
    stations = receivers(EVENT, SITES)
    peaks = [
        np.abs(synthesize(replace(EVENT, ml=ml), stations, rng(), samples=8192).velocity_m_s).max(axis=(1, 2))
        for ml in (1.0, 2.0, 3.0)
    ]
    per_unit = [np.log10(np.median(after / before)) for before, after in zip(peaks, peaks[1:], strict=False)]
    assert all(0.6 < value < 1.1 for value in per_unit)


def test_wood_anderson_magnitudes_agree_with_the_truth():
    residuals = []
    for ml in (1.0, 2.0, 3.0):
        for number in range(4):
            event = replace(EVENT, ml=ml, longitude=12.8 + 0.2 * number, strike_deg=90.0 * number)
            stations = receivers(event, SITES)
            wave = synthesize(event, stations, np.random.default_rng(number), samples=8192).velocity_m_s
            omega = 2 * np.pi * np.fft.rfftfreq(8192, 0.01)
            transfer = 2080 * 1j * omega / ((1j * omega + 6.283) ** 2 + 4.7124**2)
            peak_mm = 1000 * np.abs(np.fft.irfft(np.fft.rfft(wave[:, 1:]) * transfer)).max(axis=-1).max(axis=1)
            distance = np.hypot(stations.distance_km, event.depth_km)
            correction = -18.0471 + 1.105 * np.log10(distance) + 147.111 * np.log10(4.015e-5 * distance + 1.33885)
            residuals.append(np.mean(np.log10(peak_mm) + correction) - ml)
    assert abs(np.mean(residuals)) < 0.15
    assert np.max(np.abs(residuals)) < 0.45


def test_first_motion_follows_back_azimuth():
    # An explosion-like geometry: due east of the source, so P shakes Z and E, hardly N.
    station = Receivers(*(np.array([value]) for value in (30.0, 90.0, 270.0, 0.0, 0.0, 0.0)))
    event = replace(EVENT, ml=3.0, strike_deg=45.0, dip_deg=90.0, rake_deg=0.0)
    made = synthesize(event, station, rng(), samples=8192)
    onset = int(made.p_time_s[0] * 100)
    north, east = np.abs(made.velocity_m_s[0, 1:, onset : onset + 8]).max(axis=1)
    assert east > 2 * north


def test_radiation_pattern_of_a_vertical_strike_slip_fault():
    event = replace(EVENT, strike_deg=0.0, dip_deg=90.0, rake_deg=0.0)
    p, sv, sh = radiation_pattern(event, np.array([0.0, 45.0]), np.array([90.0, 90.0]))
    np.testing.assert_allclose(p, [0.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(sv, [0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(sh, [1.0, 0.0], atol=1e-12)


def test_radiation_has_the_known_mean_squares():
    sphere = np.random.default_rng(0)
    azimuth, takeoff = sphere.uniform(0, 360, 200_000), np.degrees(np.arccos(sphere.uniform(-1, 1, 200_000)))
    p, sv, sh = radiation_pattern(EVENT, azimuth, takeoff)
    assert np.mean(p**2) == pytest.approx(4 / 15, rel=0.02)
    assert np.mean(sv**2 + sh**2) == pytest.approx(2 / 5, rel=0.02)


def test_source_scaling():
    assert seismic_moment(3.0) / seismic_moment(2.0) == pytest.approx(10.0)
    small, large = (corner_frequency(moment, 3e6, 3300.0) for moment in (1e11, 1e14))
    assert small / large == pytest.approx(10.0)
