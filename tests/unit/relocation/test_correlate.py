"""Differential times of waveforms: shifts between samples, reversed polarity, noise, gaps and rates."""

import numpy as np
import pytest

from catalogdb.relocation.config import CorrelateConfig
from catalogdb.relocation.correlate import Snippet, Waveforms, correlate_pairs, read_after, read_before

CONFIG = CorrelateConfig(minfrequency=2.0, maxfrequency=15.0)
PAIR = np.array([[0, 1]])


def wave(time, seed=3):
    """A band-limited signal as a function of time after the arrival, s."""
    rng = np.random.default_rng(seed)
    frequency, phase = rng.uniform(3, 12, 40), rng.uniform(0, 2 * np.pi, 40)
    envelope = np.where(time > 0, time * np.exp(-np.maximum(time, 0.0) / 0.3), 0.0)
    return envelope * np.sin(2 * np.pi * frequency[:, None] * time + phase[:, None]).sum(axis=0)


def waveforms(arrival, pick, sign=1.0, noise=0.0, rate=100.0, phase="P", seed=0):
    """A record that begins off the arrival's grid, read around the pick."""
    start = pick - read_before(CONFIG) - 0.0037
    time = start + np.arange(int((read_before(CONFIG) + read_after(CONFIG, phase)) * rate) + 2) / rate
    noisy = np.random.default_rng(seed).normal(size=time.size) * noise
    return Waveforms(
        pick, [Snippet("HHZ" if phase == "P" else "HHN", rate, start, sign * wave(time - arrival) + noisy)]
    )


def measured(one, other, config=CONFIG):
    return correlate_pairs(PAIR, {(0, "XX", "AAA", "P"): one, (1, "XX", "AAA", "P"): other}, [10.0, 110.0], config)


@pytest.mark.parametrize("late", [0.0, 0.0123, -0.0871, 0.2])
def test_a_shift_between_samples_is_found(late):
    """Picks are off by some hundredths; the arrivals are 2.5 and 2.5 + late after the origins."""
    (time,), _ = measured(waveforms(12.5, 12.52), waveforms(112.5 + late, 112.5 + late - 0.03))
    assert time.time == pytest.approx(-late, abs=2e-4)
    assert time.cc > 0.99 and (time.first, time.second, time.net, time.sta, time.phase) == (0, 1, "XX", "AAA", "P")


def test_reversed_polarity_has_a_negative_coefficient():
    (time,), counts = measured(waveforms(12.5, 12.5), waveforms(112.61, 112.6, sign=-1.0))
    assert time.time == pytest.approx(-0.11, abs=2e-4) and time.cc < -0.99
    assert counts["correlations_reversed"] == 1


def test_noise_alone_is_below_the_smallest_coefficient():
    found, counts = measured(waveforms(99.0, 12.5, noise=1.0), waveforms(999.0, 112.5, noise=1.0, seed=1))
    assert found == [] and counts["correlations_below_min_cc"] + counts["correlations"] >= 1


def test_a_shift_beyond_the_largest_lag_is_no_time():
    found, _ = measured(waveforms(12.5, 12.5), waveforms(113.5, 112.5))
    assert all(abs(time.cc) < 0.9 for time in found)


def test_other_rates_dead_channels_and_short_records_are_passed_over():
    one = waveforms(12.5, 12.5)
    assert measured(one, waveforms(112.5, 112.5, rate=200.0))[0] == []
    (snippet,) = waveforms(112.5, 112.5).snippets
    dead = Snippet("HHZ", 100.0, snippet.starttime, np.zeros_like(snippet.samples))
    short = Snippet("HHZ", 100.0, snippet.starttime + 2.0, snippet.samples[200:])
    assert measured(one, Waveforms(112.5, [dead]))[0] == measured(one, Waveforms(112.5, [short]))[0] == []


def test_noisy_records_give_times_within_milliseconds():
    errors = []
    for seed in range(20):
        found, _ = measured(
            waveforms(12.5, 12.51, noise=0.05, seed=seed), waveforms(112.533, 112.53, noise=0.05, seed=99 + seed)
        )
        errors += [time.time + 0.033 for time in found]
    assert len(errors) == 20 and np.std(errors) < 3e-3 and abs(np.mean(errors)) < 2e-3
