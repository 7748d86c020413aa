"""Spectral features: spectrograms, activations, states, fingerprints and clusters of made records."""

import numpy as np
from made_inputs import START, noise
from pinning import Case

from catalogdb.features import markov
from catalogdb.features.config import FeaturesConfig
from catalogdb.features.extract import extract_features
from catalogdb.features.patterns import activations
from catalogdb.features.spectrograms import Arrival, Record, make_spectrogram

REVISION = "catalogdb/features/config.py:REVISION"
CONFIG = FeaturesConfig(patterns=3, states=3, min_events=10, freqmax=20.0, after_seconds=6.0)
TONES_HZ = (5.0, 13.0)


def spectrogram(event: int, config: FeaturesConfig = CONFIG):
    """Noise, and after P a decaying wave of one of two frequencies."""
    time = np.arange(1600) / 100.0 - 5.0
    lag = np.maximum(time, 0.0)
    wave = np.exp(-lag / (1.0 + 0.05 * event)) * np.sin(2 * np.pi * TONES_HZ[event % 2] * lag) * (time >= 0.0)
    p_time = START + 60.0 * event
    record = Record("", "HHZ", 100.0, p_time - 5.0, noise(event, time.size) + 40.0 * wave)
    return make_spectrogram([record], Arrival(f"e{event:02d}", p_time - 2.0, "XX", "AAA", p_time), config)


def spectra():
    found = []
    for median, range_db in (("spectrogram", 15.0), ("frequency", None)):
        one = spectrogram(0, CONFIG.model_copy(update={"median": median, "range_db": range_db}))
        found.append([one.snr, one.channel_group, np.sort(one.decibels[one.decibels > 1.0].astype(float))[-200:]])
    return found


def states():
    patterns = np.array([[2.0, 0.8, 0.2], [0.4, 1.0, 1.6]])
    frames = np.abs(np.array([noise(seed, 3, 5.0) for seed in range(40)]))
    found = activations(frames, patterns)
    sequences = np.sqrt(found).reshape(4, 10, 2)
    model = markov.MarkovModel(
        np.array([0.7, 0.3]), np.array([[0.8, 0.2], [0.3, 0.7]]), np.array([[0.8, 0.9], [2.0, 1.6]]), np.ones((2, 2))
    )
    result = markov.expected(model, sequences)
    return [result.transitions, result.log_likelihood, markov.most_likely_states(model, sequences)]


def clusters():
    result = extract_features([spectrogram(event) for event in range(12)], CONFIG)
    names = [row["cluster"] for row in result.features]
    loudest = [int(np.argmax(pattern)) for pattern in result.model["patterns"]]
    paths = [int(np.argmax(row["fingerprint"])) for row in result.fingerprints]
    return [names, loudest, paths, result.counts, len(result.model["silhouettes"])]


SETTINGS = CONFIG.model_dump(mode="json")
CASES = (
    Case("features: spectrograms", REVISION, spectra, SETTINGS),
    Case("features: activations and states", REVISION, states),
    Case("features: clusters", REVISION, clusters, SETTINGS, packages=("scikit-learn",)),
)
