"""Events by their fingerprints at several stations -> clusters, by k-means.

A fingerprint is a distribution, so its square root is taken: distances are Hellinger's then. What all fingerprints of a
sensor have in common, path, site, instrument and noise, is its mean, and is subtracted; an event is the mean over its
stations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score

Array = NDArray[np.float64]

AXES = 10
"""Events are described by so many principal components at most."""
STARTS = 10
DECIMALS = 6
"""Events whose places agree to so many are no different ones."""
SILHOUETTE_EVENTS = 3000
"""The mean silhouette is of at most so many events: it compares all pairs."""


@dataclass(frozen=True)
class Clusters:
    """Attributes:
    labels: cluster of each event, 0 for the largest.
    places: of the events by principal components, shape (events, components).
    variance: part of the variance that each component has; 0 where events don't differ.
    silhouette: of each event by the centres: near 1 deep inside of its cluster, 0 between two.
    silhouettes: mean silhouette by number of clusters (Rousseeuw, 1987), for those that were tried; none where too few
        events differ.
    """

    labels: NDArray[np.intp]
    places: Array
    variance: Array
    silhouette: Array
    silhouettes: dict[int, float]


def event_vectors(fingerprints: Array, events: NDArray[np.intp], sensors: NDArray[np.intp]) -> Array:
    """One vector for each event.

    Args:
        fingerprints: of events on sensors, each row with sum 1.
        events, sensors: their numbers by row, from 0 on.
    """
    roots = np.sqrt(fingerprints)
    for sensor in np.unique(sensors):
        own = sensors == sensor
        roots[own] -= roots[own].mean(axis=0)
    vectors = np.zeros((int(events.max()) + 1, roots.shape[1]))
    np.add.at(vectors, events, roots)
    mean: Array = vectors / np.bincount(events)[:, None]
    return mean


def find_clusters(vectors: Array, clusters: int | None, most: int, seed: int) -> Clusters:
    """Group events.

    Args:
        vectors: of the events.
        clusters: their number; none: that of the largest mean silhouette.
        most: the largest number that is tried.
        seed: of what is drawn.
    """
    axes = min(AXES, vectors.shape[1], len(vectors) - 1)
    analysis = PCA(axes, svd_solver="full")
    with np.errstate(invalid="ignore"):  # no variance at all
        places = analysis.fit_transform(vectors)
    largest = np.abs(analysis.components_).argmax(axis=1)
    places *= np.sign(analysis.components_[np.arange(axes), largest])  # else another library may mirror the map
    different = len(np.unique(np.round(places, DECIMALS), axis=0))
    tried = [clusters] if clusters else list(range(2, min(most, len(vectors) - 1) + 1))
    tried = [number for number in tried if number <= different]
    variance = np.nan_to_num(analysis.explained_variance_ratio_)
    if not tried:
        return Clusters(np.zeros(len(places), dtype=np.intp), places, variance, np.zeros(len(places)), {})
    found = {number: KMeans(number, n_init=STARTS, random_state=seed).fit(places) for number in tried}
    silhouettes = {number: _mean_silhouette(places, model.labels_, seed) for number, model in found.items()}
    best = found[max(tried, key=lambda number: (silhouettes[number], -number))]
    sizes = np.bincount(best.labels_, minlength=best.n_clusters)
    order = np.argsort(-sizes, kind="stable")
    labels = np.argsort(order)[best.labels_].astype(np.intp)
    distances = np.linalg.norm(places[:, None] - best.cluster_centers_[order], axis=2)
    rows = np.arange(len(places))
    own = distances[rows, labels]
    distances[rows, labels] = np.inf
    other = distances.min(axis=1)
    silhouette = (other - own) / np.maximum(np.maximum(own, other), 1e-12)
    return Clusters(labels, places, variance, silhouette, silhouettes)


def _mean_silhouette(places: Array, labels: NDArray[np.intp], seed: int) -> float:
    if len(np.unique(labels)) < 2:
        return -1.0
    sample = SILHOUETTE_EVENTS if len(places) > SILHOUETTE_EVENTS else None
    return float(silhouette_score(places, labels, sample_size=sample, random_state=seed))
