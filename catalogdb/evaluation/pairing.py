"""Candidate pairs of picks and of events, and which of them belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catalogdb.evaluation.assignment import best_assignment
from catalogdb.evaluation.gates import Gates, event_weights, pick_weights
from catalogdb.geo import EARTH_RADIUS_KM


class HasPlaces(Protocol):
    """Times (s) and epicentres (degrees), shape (n,) each."""

    @property
    def time(self) -> np.ndarray: ...
    @property
    def latitude(self) -> np.ndarray: ...
    @property
    def longitude(self) -> np.ndarray: ...


class HasStations(Protocol):
    """Picks: number of the station, number of the phase, time (s) and probability, shape (n,) each."""

    @property
    def station(self) -> np.ndarray: ...
    @property
    def phase(self) -> np.ndarray: ...
    @property
    def time(self) -> np.ndarray: ...
    @property
    def probability(self) -> np.ndarray: ...


@dataclass
class Pairs:
    """Pairs that belong together, by position in their catalogs, shape (n,) each."""

    reference: NDArray[np.int64]
    catalog: NDArray[np.int64]


@dataclass
class EventPairs(Pairs):
    """Paired events with the catalog's origin time less the reference's (s), epicentral distance (km), and weight."""

    dt: NDArray[np.float64]
    distance_km: NDArray[np.float64]
    weight: NDArray[np.float64]


def haversine_km(
    latitude: ArrayLike, longitude: ArrayLike, to_latitude: ArrayLike, to_longitude: ArrayLike
) -> NDArray[np.float64]:
    """Great-circle distance (km) between points in degrees on a sphere of 6371 km, as the views compute it."""
    p, q = np.radians(latitude), np.radians(to_latitude)
    across = np.radians(to_longitude) - np.radians(longitude)
    half = np.sin((q - p) / 2) ** 2 + np.cos(p) * np.cos(q) * np.sin(across / 2) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(1.0, np.sqrt(half)))


def pair_events(reference: HasPlaces, catalog: HasPlaces, gates: Gates) -> EventPairs:
    """Pair events one to one for the largest total weight, among those within the gates of time and epicentre.

    Args:
        reference, catalog: objects with `time` (s, ascending), `latitude`, `longitude` (degrees), each of shape (n,);
            an event whose latitude is NaN takes no part.
    """
    begin = np.searchsorted(catalog.time, reference.time - gates.max_dt, "left")
    end = np.searchsorted(catalog.time, reference.time + gates.max_dt, "right")
    number = end - begin
    first = np.repeat(np.arange(len(reference.time)), number)
    second = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number) + np.repeat(begin, number)
    distance_km = haversine_km(
        reference.latitude[first], reference.longitude[first], catalog.latitude[second], catalog.longitude[second]
    )
    near = distance_km <= gates.max_km  # false for NaN
    first, second, distance_km = first[near], second[near], distance_km[near]
    dt = catalog.time[second] - reference.time[first]
    weight = event_weights(dt, distance_km, gates.max_dt, gates.max_km)
    chosen = best_assignment(first, second, weight)
    return EventPairs(first[chosen], second[chosen], dt[chosen], distance_km[chosen], weight[chosen])


def merged_order(
    reference: HasStations, catalog: HasStations
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Positions (reference first, then catalog) of all picks by station and time, with stations and times in that
    order.
    """
    station = np.concatenate([reference.station, catalog.station])
    time = np.concatenate([reference.time, catalog.time])
    order = np.lexsort((time, station))
    return order, station[order], time[order]


def pair_picks(reference: HasStations, catalog: HasStations, max_dt: float) -> Pairs:
    """Pair picks of the same station one to one for the largest total weight, whatever their phases.

    A pair of a P and an S is one of the wrong phase. Only neighbours in time within the gate are looked at, so the work
    grows as the number of picks.

    Args:
        reference, catalog: objects with `station`, `phase` (numbers), `time` (s) and `probability` (NaN where unknown),
            each of shape (n,).
        max_dt: largest difference, s.
    """
    order, station, time = merged_order(reference, catalog)
    size = len(reference.time)
    of_reference = order < size
    firsts, seconds = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    lower = np.arange(len(order) - 1)
    step = 1
    while len(lower):
        upper = lower + step
        near = (station[upper] == station[lower]) & (time[upper] - time[lower] <= max_dt)
        lower, upper = lower[near], upper[near]
        mixed = of_reference[lower] != of_reference[upper]
        a, b = order[lower[mixed]], order[upper[mixed]]
        firsts.append(np.minimum(a, b))
        seconds.append(np.maximum(a, b) - size)
        step += 1
        lower = lower[lower + step < len(order)]
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    weight = pick_weights(
        catalog.time[second] - reference.time[first],
        catalog.phase[second] == reference.phase[first],
        catalog.probability[second],
        max_dt,
    )
    chosen = best_assignment(first, second, weight)
    return Pairs(first[chosen], second[chosen])


def unfinished(
    reference: HasStations, catalog: HasStations, watermark: float, max_dt: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Picks whose partners may be decided by picks from `watermark` (s) on: those of chains that reach up to it.

    A chain is picks of one station with steps of at most `max_dt`; pairs never leave their chain.

    Returns:
        One mask for the reference's picks and one for the catalog's.
    """
    order, station, time = merged_order(reference, catalog)
    waiting = np.zeros(len(order), bool)
    if len(order) and watermark < np.inf:
        starts = np.r_[True, (np.diff(station) != 0) | (np.diff(time) > max_dt)]
        chain = np.cumsum(starts) - 1
        last = time[np.r_[np.flatnonzero(starts)[1:] - 1, len(order) - 1]]
        waiting[order] = (watermark - last <= max_dt)[chain]
    return waiting[: len(reference.time)], waiting[len(reference.time) :]
