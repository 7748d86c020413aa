"""Spectrograms of a catalog -> patterns, states, and for each event its fingerprints and its cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from catalogdb.features import markov
from catalogdb.features.clusters import DECIMALS, Clusters, event_vectors, find_clusters
from catalogdb.features.config import FeaturesConfig
from catalogdb.features.patterns import activations, learn_patterns
from catalogdb.features.spectrograms import Spectrogram, frame_starts, frequencies_hz

Array = NDArray[np.float64]

BATCH_SPECTROGRAMS = 2000


@dataclass(frozen=True)
class Features:
    """What came of it.

    Attributes:
        model: document as in `schemas/feature_model.yaml`; None where there are too few events.
        features: documents as in `schemas/feature.yaml`, by time.
        fingerprints: those of `schemas/fingerprint.yaml`, which are made as they are asked for; all without the
            database's fields.
        counts: `spectrograms`, `events_with_features`, `clusters`; left out: `few_spectrograms`, `too_few_events`.
    """

    model: dict[str, Any] | None
    features: list[dict[str, Any]]
    counts: dict[str, int]
    fingerprints: Iterable[dict[str, Any]] = ()


@dataclass(frozen=True)
class Described:
    """Spectrograms by the model: mean activations (spectrograms, patterns), and fingerprints, which are expected parts
    of all transitions (spectrograms, states * states)."""

    activations: Array
    fingerprints: Array


def extract_features(spectrograms: Sequence[Spectrogram], config: FeaturesConfig) -> Features:
    """Learn from a catalog's spectrograms, and describe each event by them."""
    chosen, counts = _enough(spectrograms, config)
    if not chosen:
        return Features(None, [], counts)
    frames = np.array([one.decibels for one in chosen])
    sample = _sample(len(chosen), config)
    patterns = learn_patterns(frames[sample].reshape(-1, frames.shape[2]), config.patterns, config.seed)
    fit = markov.fit(pattern_sequences(frames[sample], patterns), config.states, config.seed)
    described = describe(frames, patterns, fit.model)
    names = list(dict.fromkeys(one.arrival.event_id for one in chosen))
    stations = sorted({(one.arrival.net, one.arrival.sta) for one in chosen})
    number = {name: row for row, name in enumerate(names)}
    of_event = np.array([number[one.arrival.event_id] for one in chosen])
    of_station = np.array([stations.index((one.arrival.net, one.arrival.sta)) for one in chosen])
    sensors = sorted({one.channel_group for one in chosen})
    of_sensor = np.array([sensors.index(one.channel_group) for one in chosen])
    vectors = event_vectors(described.fingerprints, of_event, of_sensor)
    clusters = find_clusters(vectors, config.clusters, config.max_clusters, config.seed)
    counts |= {"spectrograms": len(chosen), "events_with_features": len(names)}
    counts["clusters"] = int(clusters.labels.max()) + 1
    model = _model(config, patterns, fit, described, clusters, of_event)
    model |= {"n_spectrograms": len(chosen), "n_learned_from": len(sample)}
    if (correlation := _snr_correlation(chosen, of_event, clusters)) is not None:
        model["snr_correlation"] = correlation
    model["stations"] = [
        {"net": net, "sta": sta, "n_spectrograms": int((of_station == row).sum())}
        for row, (net, sta) in enumerate(stations)
    ]
    return Features(model, _documents(chosen, clusters, number), counts, _fingerprints(chosen, described))


def pattern_sequences(frames: NDArray[np.floating], patterns: Array) -> Array:
    """What states are of: square roots of activations, whose scatter is about the same at every level where that of the
    activations grows with them (Bartlett, 1936); shape (spectrograms, frames, patterns)."""
    found = activations(frames.reshape(-1, frames.shape[2]), patterns)
    return np.sqrt(found.reshape(*frames.shape[:2], len(patterns)))


def describe(frames: NDArray[np.floating], patterns: Array, model: markov.MarkovModel) -> Described:
    """Mean activations and fingerprints of spectrograms, shape (spectrograms, frames, frequencies)."""
    means, fingerprints = [], []
    for first in range(0, len(frames), BATCH_SPECTROGRAMS):
        sequences = pattern_sequences(frames[first : first + BATCH_SPECTROGRAMS], patterns)
        transitions = markov.expected(model, sequences).transitions.reshape(len(sequences), -1)
        means.append((sequences**2).mean(axis=1))
        fingerprints.append(transitions / transitions.sum(axis=1, keepdims=True))
    return Described(np.concatenate(means), np.concatenate(fingerprints))


def model_of(document: Mapping[str, Any]) -> tuple[Array, markov.MarkovModel]:
    """Patterns and states of a stored model."""
    names = ("initial", "transition", "means", "variances")
    return np.array(document["patterns"]), markov.MarkovModel(*(np.array(document[name]) for name in names))


def _snr_correlation(chosen: Sequence[Spectrogram], of_event: NDArray[np.intp], clusters: Clusters) -> float | None:
    """Spearman's rank correlation of the events' first component with the logarithm of their signal-to-noise ratio;
    None where one of them is the same for all."""
    logarithms = np.log([max(one.snr, 1e-12) for one in chosen])
    mean = np.bincount(of_event, weights=logarithms) / np.bincount(of_event)
    place = np.round(clusters.places[:, 0], DECIMALS)
    if np.ptp(mean) == 0 or np.ptp(place) == 0:
        return None
    return round(float(spearmanr(mean, clusters.places[:, 0]).statistic), DECIMALS)


def _enough(spectrograms: Sequence[Spectrogram], config: FeaturesConfig) -> tuple[list[Spectrogram], dict[str, int]]:
    """Those of sensors that have enough of them, in an order of their own, where the catalog has enough events."""
    of_sensor = Counter(one.channel_group for one in spectrograms)
    chosen = [one for one in spectrograms if of_sensor[one.channel_group] >= config.min_events]
    counts = {"few_spectrograms": len(spectrograms) - len(chosen)}
    events = len({one.arrival.event_id for one in chosen})
    least = max(config.min_events, (config.clusters or 1) + 1)
    if events < least:
        return [], counts | {"too_few_events": events}
    return sorted(
        chosen, key=lambda one: (one.arrival.time, one.arrival.event_id, one.arrival.net, one.arrival.sta)
    ), counts


def _sample(number: int, config: FeaturesConfig) -> NDArray[np.intp]:
    """Rows that are learned from."""
    if number <= config.learn_from:
        return np.arange(number)
    return np.sort(np.random.default_rng(config.seed).choice(number, config.learn_from, replace=False))


def _model(
    config: FeaturesConfig,
    patterns: Array,
    fit: markov.Fit,
    described: Described,
    clusters: Clusters,
    of_event: NDArray[np.intp],
) -> dict[str, Any]:
    label = clusters.labels[of_event]
    return {
        "frequencies_hz": _plain(frequencies_hz(config)),
        "frame_starts": _plain(frame_starts(config)),
        "patterns": _plain(patterns),
        "initial": _plain(fit.model.initial),
        "transition": _plain(fit.model.transition),
        "means": _plain(fit.model.means),
        "variances": _plain(fit.model.variances),
        "log_likelihoods": _plain(np.array(fit.log_likelihoods)),
        "variance_explained": _plain(clusters.variance),
        "silhouettes": [
            {"clusters": tried, "silhouette": round(value, DECIMALS)}
            for tried, value in sorted(clusters.silhouettes.items())
        ],
        "clusters": [
            {
                "cluster": one + 1,
                "n_events": int((clusters.labels == one).sum()),
                "fingerprint": _plain(described.fingerprints[label == one].mean(axis=0)),
                "activations": _plain(described.activations[label == one].mean(axis=0)),
            }
            for one in range(int(clusters.labels.max()) + 1)
        ],
    }


def _fingerprints(chosen: Sequence[Spectrogram], described: Described) -> Iterator[dict[str, Any]]:
    for one, own, fingerprint in zip(chosen, described.activations, described.fingerprints, strict=True):
        codes = {"event_id": one.arrival.event_id, "net": one.arrival.net, "sta": one.arrival.sta}
        yield codes | {"activations": _plain(own), "fingerprint": _plain(fingerprint)}


def _documents(chosen: Sequence[Spectrogram], clusters: Clusters, number: Mapping[str, int]) -> list[dict[str, Any]]:
    documents: dict[str, dict[str, Any]] = {}
    for one in chosen:
        event = number[one.arrival.event_id]
        document = documents.setdefault(
            one.arrival.event_id,
            {
                "event_id": one.arrival.event_id,
                "time": one.arrival.time,
                "cluster": int(clusters.labels[event]) + 1,
                "silhouette": round(float(clusters.silhouette[event]), DECIMALS),
                "map": _plain(clusters.places[event, :2]),
                "stations": [],
            },
        )
        document["stations"].append(
            {
                "net": one.arrival.net,
                "sta": one.arrival.sta,
                "channel_group": one.channel_group,
                "p_time": one.arrival.p_time,
                "snr": round(one.snr, DECIMALS),
            }
        )
    for document in documents.values():
        document["n_stations"] = len(document["stations"])
    return list(documents.values())


def _plain(values: Array) -> list[Any]:
    plain: list[Any] = np.round(values, DECIMALS).tolist()
    return plain
