"""Travel times and what they depend on: rays go back from the events to a station, down the gradient of its times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, vstack

from catalogdb.geo import Projection
from catalogdb.location.arrivals import Arrivals, Network
from catalogdb.tomography.model import Model
from catalogdb.traveltimes.eikonal import Lattice
from catalogdb.traveltimes.grid_times import TimeGrid, solved

STEP_KM = 1.0
STRAIGHT_STEPS = 1.6
"""From so many steps off the station on rays are straight."""
LONGEST = 3.0
"""Over the straight path; where times lead nowhere, the rest of a ray is straight."""
MOST_NODES = 500_000
"""Of the lattice of a station and phase: rounds don't need as many as locations do."""


@dataclass(frozen=True)
class Equations:
    """Arrivals as rows, in the order of `present.nonzero()`.

    Args:
        event, station, is_s, grade: of each arrival.
        residual: observed minus predicted time, s.
        slopes: derivatives of the predicted times by (x, y, depth, time), s/km and 1.
        rays: their derivatives by the logarithm of slowness at the nodes, of P and then of S, s.
    """

    event: np.ndarray
    station: np.ndarray
    is_s: np.ndarray
    grade: np.ndarray
    residual: np.ndarray
    slopes: np.ndarray
    rays: csr_matrix


def equations(model: Model, plane: Projection, network: Network, arrivals: Arrivals, places: np.ndarray) -> Equations:
    """Equations of all arrivals.

    Args:
        model: whose nodes hold all stations and events.
        plane: map plane.
        network, arrivals: of the catalog.
        places: (x, y, depth, time) of the events.
    """
    nodes = model.nodes
    lower, upper = nodes.places[0], nodes.places[-1]
    grid = model.grid(plane, lower, upper)
    event, column = np.nonzero(arrivals.present)
    station, is_s = arrivals.station[event, column], arrivals.is_s[event, column]
    travel, slopes = np.empty(len(event)), np.ones((len(event), 4))
    parts, order = [], []
    for slot in np.unique(2 * station + is_s).tolist():
        number, of_s = slot // 2, bool(slot % 2)
        rows = np.flatnonzero((station == number) & (is_s == of_s))
        sensor = np.array([network.x_km[number], network.y_km[number], network.depth_km[number]])
        lattice = Lattice.around(sensor, lower, upper, grid.spacing_km, MOST_NODES)
        times, own = TimeGrid(lattice, sensor, solved(grid, plane, lattice, of_s)), places[event[rows], :3]
        travel[rows], slopes[rows, :3] = times.with_derivatives(own)
        parts.append(_along(model, times, own, of_s))
        order.append(rows)
    rays = vstack(parts).tocsr()[np.argsort(np.concatenate(order))]
    residual = (arrivals.time - arrivals.correction)[event, column] - places[event, 3] - travel
    return Equations(event, station, is_s, arrivals.grade[event, column], residual, slopes, rays)


def _along(model: Model, times: TimeGrid, events: np.ndarray, is_s: bool) -> csr_matrix:
    """Derivatives of the times from events to one station by the logarithm of slowness at the nodes, s."""
    at, active = events.copy(), np.arange(len(events))
    left = LONGEST * np.sqrt(((events - times.station) ** 2).sum(axis=1)) / STEP_KM
    ray, middle, length = [], [], []
    while active.size:
        apart = times.station - at[active]
        far = np.sqrt((apart**2).sum(axis=1))
        is_last = (far < STRAIGHT_STEPS * STEP_KM) | (left[active] < 0)
        pieces = np.maximum(np.ceil(far[is_last] / STEP_KM), 1.0).astype(int)
        of = np.repeat(np.arange(len(pieces)), pieces)
        share = (np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces) + 0.5) / pieces[of]
        ray.append(active[is_last][of])
        middle.append(at[active[is_last]][of] + share[:, None] * apart[is_last][of])
        length.append(far[is_last][of] / pieces[of])
        active = active[~is_last]
        here = at[active]
        there = here + STEP_KM * _towards(times, here + 0.5 * STEP_KM * _towards(times, here))
        ray.append(active)
        middle.append(0.5 * (here + there))
        length.append(np.full(len(active), STEP_KM))
        at[active] = there
        left[active] -= 1.0
    places = np.concatenate(middle)
    rows, shares = model.nodes.weights(places)
    values = shares * (model.slowness(places, is_s) * np.concatenate(length))[:, None]
    columns = rows + len(model.nodes) * is_s
    shape = len(events), 2 * len(model.nodes)
    return csr_matrix((values.ravel(), (np.repeat(np.concatenate(ray), 8), columns.ravel())), shape=shape)


def _towards(times: TimeGrid, places: np.ndarray) -> np.ndarray:
    """Directions in which times to the station fall fastest."""
    slope = times.with_derivatives(places)[1]
    found: np.ndarray = -slope / np.maximum(np.sqrt((slope**2).sum(axis=1)), 1e-9)[:, None]
    return found
