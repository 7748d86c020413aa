"""Pairs of neighbouring events, as ph2dt links them, and the clusters that they make (Waldhauser, 2001, hypoDD, USGS
Open-File Report 01-113, section 4)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

BATCH_PAIRS = 200_000


def neighbour_pairs(
    places: np.ndarray, is_present: np.ndarray, max_separation_km: float, min_links: int, max_neighbours: int
) -> np.ndarray:
    """Give the pairs of events that are linked: rows of two event numbers, the smaller one first, sorted.

    Each event is linked to its nearest events that it shares enough arrivals with.

    Args:
        places: (x, y, depth) of the events, km.
        is_present: (events, slots): whether an event has the arrival of a station and phase.
        max_separation_km: of two events (MAXSEP).
        min_links: stations and phases that two events must have in common (MINLNK).
        max_neighbours: that an event looks for (MAXNGH); it may get more, from events that look for it.
    """
    count = len(places)
    bits = np.packbits(is_present, axis=1)
    tree = cKDTree(places) if count else None
    looking, wanted = np.arange(count), min(count, 2 * max_neighbours + 1)
    found: list[np.ndarray] = []
    while tree is not None and looking.size and count > 1:
        apart, other = tree.query(places[looking], k=wanted, distance_upper_bound=max_separation_km * (1.0 + 1e-9))
        apart, other = apart.reshape(looking.size, -1), other.reshape(looking.size, -1)
        near = np.isfinite(apart) & (other != looking[:, None])
        rows, columns = np.nonzero(near)
        links = np.zeros(near.shape, dtype=int)
        links[rows, columns] = shared_links(bits, looking[rows], other[rows, columns])
        strong = near & (links >= min_links)
        strong &= np.cumsum(strong, axis=1) <= max_neighbours
        done = (strong.sum(axis=1) >= max_neighbours) | ~np.isfinite(apart[:, -1]) | (wanted >= count)
        rows, columns = np.nonzero(strong & done[:, None])
        found.append(np.column_stack([looking[rows], other[rows, columns]]))
        looking, wanted = looking[~done], min(count, 2 * wanted)
    pairs = np.concatenate(found) if found else np.empty((0, 2), dtype=int)
    return np.unique(np.sort(pairs, axis=1), axis=0)


def shared_links(bits: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Number of slots that both events of each pair have; `bits` is packed along its second axis."""
    counts = np.empty(len(first), dtype=int)
    for start in range(0, len(first), BATCH_PAIRS):
        rows = slice(start, start + BATCH_PAIRS)
        counts[rows] = np.bitwise_count(bits[first[rows]] & bits[second[rows]]).sum(axis=1)
    return counts


def clusters(events: int, pairs: np.ndarray) -> list[np.ndarray]:
    """Events that are linked, over others too: arrays of numbers, sorted, by their first event; no single ones."""
    ones = np.ones(len(pairs), dtype=bool)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(events, events))
    label = connected_components(graph, directed=False)[1]
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1) if events else []
    return sorted((group for group in groups if len(group) > 1), key=lambda group: int(group[0]))
