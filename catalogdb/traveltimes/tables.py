"""Tables of mean slowness: travel times from them, and the least-squares hypocentre, which asks for most of these.

The tables hold the time divided by the straight path's length: that varies slowly, so linear interpolation stays good
next to the station, where the time itself has a cusp.

The hypocentre is found by the Levenberg-Marquardt method on iteratively reweighted residuals (Nocedal and Wright, 2006,
Numerical Optimization, chapter 10); the misfit is SciPy's `soft_l1` (`scipy.optimize.least_squares`).
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from catalogdb.compiled import compiled

SHORTEST_KM = 1e-3
MAXIMUM_STEPS = 40
SMALLEST_STEP = 0.01  # km and s
SMALLEST_GAIN = 1e-5  # share of the misfit
FIRST_DAMPING, LARGEST_DAMPING = 1e-2, 1e8
DAMPED_AT_LEAST = 1e-6  # what is damped where arrivals say nothing of a coordinate
RIDGE = 1e-10  # share of the largest diagonal element


class Tables(NamedTuple):
    """Mean slowness (s/km) between stations and sources; beyond the tables that of their border holds.

    `slowness` has the axes phase (P, S), depth of the station, depth of the source, distance; `start` and `step` are of
    the last three, km.
    """

    slowness: NDArray[np.float64]
    start: NDArray[np.float64]
    step: NDArray[np.float64]


class Arrivals(NamedTuple):
    """Arrivals of one event; arrays of one length, each contiguous. Times in s, the rest in km."""

    time: NDArray[np.float64]
    is_s: NDArray[np.bool_]
    x_km: NDArray[np.float64]
    y_km: NDArray[np.float64]
    station_depth_km: NDArray[np.float64]


class Limits(NamedTuple):
    """Limits of (x, y, depth, time), km and s; depth in addition is drawn to `depth_km` with a weight (1/km²)."""

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    depth_km: float
    depth_weight: float


@compiled
def fill_times(
    tables: Tables,
    distance_km: NDArray[np.float64],
    depth_km: NDArray[np.float64],
    station_depth_km: NDArray[np.float64],
    is_s: NDArray[np.bool_],
    found: NDArray[np.float64],
) -> None:
    """Write travel times (s) to the first row of `found`, and where it has three their derivatives (s/km) by distance
    and by depth to the others."""
    for number in range(distance_km.size):
        time, by_distance, by_depth = _time(
            tables, distance_km[number], depth_km[number], station_depth_km[number], is_s[number]
        )
        found[0, number] = time
        if len(found) > 1:
            found[1, number], found[2, number] = by_distance, by_depth


@compiled
def least_squares(
    tables: Tables,
    arrivals: Arrivals,
    weights: NDArray[np.float64],
    starts: NDArray[np.float64],
    limits: Limits,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Minimise the soft-L1 misfit from each of some first guesses.

    Args:
        weights: one over the standard deviation of each arrival (1/s), 0 where it doesn't count: (models, arrivals).
        starts: first guesses, rows of (x, y, depth, time), km and s.

    Returns:
        the models that each leads to, and their misfits.
    """
    models, costs = np.empty_like(starts), np.empty(len(starts))
    for number in range(len(starts)):
        model, weight, damping = starts[number], weights[number], FIRST_DAMPING
        residual, slope = linearised(tables, arrivals, weight, model)
        cost = _cost(residual, model, limits)
        for _ in range(MAXIMUM_STEPS):
            tried = _step(residual, slope, model, limits, damping)
            new_residual, new_slope = linearised(tables, arrivals, weight, tried)
            new_cost = _cost(new_residual, tried, limits)
            is_better = new_cost <= cost
            is_settled = True
            for i in range(4):
                is_settled &= abs(tried[i] - model[i]) < SMALLEST_STEP
            if is_better:
                is_settled |= cost - new_cost < SMALLEST_GAIN * new_cost
                model, residual, slope, cost = tried, new_residual, new_slope, new_cost
            damping = damping / 5.0 if is_better else damping * 8.0
            if is_settled or damping >= LARGEST_DAMPING:
                break
        costs[number] = cost
        for i in range(4):
            models[number, i] = model[i]
    return models, costs


@compiled
def linearised(
    tables: Tables, arrivals: Arrivals, weight: NDArray[np.float64], model: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give a model's weighted residuals, (arrivals), and their derivatives by (x, y, depth, time), (arrivals, 4)."""
    residual, slope = np.empty(weight.size), np.empty((weight.size, 4))
    for row in range(weight.size):
        east, north = model[0] - arrivals.x_km[row], model[1] - arrivals.y_km[row]
        distance = sqrt(east * east + north * north)
        time, by_distance, by_depth = _time(
            tables, distance, model[2], arrivals.station_depth_km[row], arrivals.is_s[row]
        )
        by_distance /= max(distance, SHORTEST_KM)
        residual[row] = (arrivals.time[row] - model[3] - time) * weight[row]
        slope[row, 0] = -weight[row] * by_distance * east
        slope[row, 1] = -weight[row] * by_distance * north
        slope[row, 2] = -weight[row] * by_depth
        slope[row, 3] = -weight[row]
    return residual, slope


@compiled
def _cost(residual: NDArray[np.float64], model: NDArray[np.float64], limits: Limits) -> float:
    cost = 0.5 * limits.depth_weight * (model[2] - limits.depth_km) ** 2
    for value in residual:
        cost += sqrt(1.0 + value * value) - 1.0
    return cost


@compiled
def _step(
    residual: NDArray[np.float64],
    slope: NDArray[np.float64],
    model: NDArray[np.float64],
    limits: Limits,
    damping: float,
) -> NDArray[np.float64]:
    """The model after one damped step, within its limits."""
    normal, gradient = np.zeros((4, 4)), np.zeros(4)
    for row in range(residual.size):
        soft = 1.0 / sqrt(1.0 + residual[row] * residual[row])
        for i in range(4):
            gradient[i] += soft * slope[row, i] * residual[row]
            for j in range(4):
                normal[i, j] += soft * slope[row, i] * slope[row, j]
    normal[2, 2] += limits.depth_weight
    gradient[2] += limits.depth_weight * (model[2] - limits.depth_km)
    for i in range(4):
        normal[i, i] += damping * (normal[i, i] + DAMPED_AT_LEAST)
        # A coordinate at its limit that would leave it stays.
        if (model[i] <= limits.lower[i] and gradient[i] > 0) or (model[i] >= limits.upper[i] and gradient[i] < 0):
            for j in range(4):
                normal[i, j] = normal[j, i] = 0.0
            normal[i, i], gradient[i] = 1.0, 0.0
    step, is_singular = _solved(normal, gradient)
    if is_singular:  # along what the arrivals say nothing of the model stays where it is
        largest = max(normal[0, 0], normal[1, 1], normal[2, 2], normal[3, 3])
        for i in range(4):
            normal[i, i] += RIDGE * largest
        step, _ = _solved(normal, gradient)
    for i in range(4):
        step[i] = min(max(model[i] - step[i], limits.lower[i]), limits.upper[i])
    return step


@compiled
def _solved(matrix: NDArray[np.float64], right: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
    """Solve a small system by Gaussian elimination with partial pivoting; whether the matrix is singular."""
    left, found, size = matrix.copy(), right.copy(), right.size
    for i in range(size):
        pivot = i
        for row in range(i + 1, size):
            if abs(left[row, i]) > abs(left[pivot, i]):
                pivot = row
        if left[pivot, i] == 0.0:
            return found, True
        for column in range(i, size):
            left[i, column], left[pivot, column] = left[pivot, column], left[i, column]
        found[i], found[pivot] = found[pivot], found[i]
        for row in range(i + 1, size):
            factor = left[row, i] / left[i, i]
            for column in range(i + 1, size):
                left[row, column] -= factor * left[i, column]
            found[row] -= factor * found[i]
    for i in range(size - 1, -1, -1):
        for column in range(i + 1, size):
            found[i] -= left[i, column] * found[column]
        found[i] /= left[i, i]
    return found, False


@compiled
def _time(
    tables: Tables, distance_km: float, depth_km: float, station_depth_km: float, is_s: bool
) -> tuple[float, float, float]:
    """Travel time (s) and its derivatives by distance and by depth (s/km)."""
    phase = int(is_s)
    _, stations, depths, distances = tables.slowness.shape
    k, at_station = _position(station_depth_km, tables.start[0], tables.step[0], stations)
    j, at_depth = _position(depth_km, tables.start[1], tables.step[1], depths)
    i, at_distance = _position(distance_km, tables.start[2], tables.step[2], distances)
    near, far = _corner(tables, phase, k, j, i, at_station), _corner(tables, phase, k, j, i + 1, at_station)
    shallow, by_distance_above = _between(near, far, at_distance), far - near
    near, far = _corner(tables, phase, k, j + 1, i, at_station), _corner(tables, phase, k, j + 1, i + 1, at_station)
    deep, by_distance_below = _between(near, far, at_distance), far - near
    mean = _between(shallow, deep, at_depth)
    below = depth_km - station_depth_km
    path = sqrt(distance_km * distance_km + below * below)
    by_distance = _between(by_distance_above, by_distance_below, at_depth) / tables.step[2] * path
    by_depth = (deep - shallow) / tables.step[1] * path
    share = mean / max(path, SHORTEST_KM)
    return mean * path, by_distance + share * distance_km, by_depth + share * below


@compiled
def _corner(tables: Tables, phase: int, k: int, j: int, i: int, at_station: float) -> float:
    """Mean slowness (s/km) at a corner of a cell, for the station's depth."""
    return _between(tables.slowness[phase, k, j, i], tables.slowness[phase, k + 1, j, i], at_station)


@compiled
def _position(value: float, start: float, step: float, size: int) -> tuple[int, float]:
    """The interval of an axis that a value lies in, and how far along it is, 0..1; values outside go to the end."""
    position = (value - start) / step
    if not position > 0.0:  # nor where the value isn't a number
        return 0, 0.0
    if position >= size - 1:
        return size - 2, 1.0
    return int(position), position - int(position)


@compiled
def _between(first: float, second: float, share: float) -> float:
    return first + share * (second - first)
