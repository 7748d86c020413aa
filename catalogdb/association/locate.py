"""Least-squares location of one event in the associator's own velocity model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from catalogdb.traveltimes.first_arrivals import TravelTimes
from catalogdb.traveltimes.tables import Arrivals, Limits, least_squares, linearised

START_DEPTHS_KM = (8.0,)


@dataclass(frozen=True)
class Observations:
    """Arrivals of one event; arrays of one length. Station positions in km on the map plane, depths below sea level."""

    time: np.ndarray
    sigma: np.ndarray
    is_s: np.ndarray
    x_km: np.ndarray
    y_km: np.ndarray
    station_depth_km: np.ndarray


@dataclass(frozen=True)
class Hypocentre:
    """Where and when; uncertainties are one standard deviation, None where they aren't known."""

    x_km: float
    y_km: float
    depth_km: float
    time: float
    time_uncertainty: float | None = None
    horizontal_uncertainty_km: float | None = None
    depth_uncertainty_km: float | None = None

    def residuals(self, observed: Observations, times: TravelTimes) -> np.ndarray:
        """Observed minus predicted arrival times, s."""
        distance = np.hypot(observed.x_km - self.x_km, observed.y_km - self.y_km)
        predicted = times(distance, np.float64(self.depth_km), observed.station_depth_km, observed.is_s)
        return observed.time - self.time - predicted


def locate(
    start: Hypocentre,
    observed: Observations,
    times: TravelTimes,
    bounds: tuple[np.ndarray, np.ndarray],
    depth_prior: tuple[float, float] | None = None,
    other_depths_km: tuple[float, ...] = START_DEPTHS_KM,
) -> Hypocentre:
    """Minimise the soft-L1 misfit of arrival times over position, depth and origin time.

    It is tried from the first guess's depth and from others, since an associator often leaves an event at a limit of
    depth, and first arrivals may have one minimum above and one below a discontinuity.

    Args:
        start: first guess.
        observed: at least four arrivals.
        times: travel times as in `traveltime`.
        bounds: lower and upper limits of (x, y, depth), km.
        depth_prior: usual depth and its standard deviation, km: what depth is taken where arrivals don't tell it.
        other_depths_km: tried besides that of the first guess.
    """
    # times from the first guess on: a double near 1.7e9 s has no room for the solver's small steps
    reference = start.time
    depths = dict.fromkeys((start.depth_km, *other_depths_km))
    models = np.array([(start.x_km, start.y_km, depth) for depth in depths], dtype=float)
    models, costs = _minimise(models, observed, reference, times, bounds, depth_prior)
    best = models[int(np.flatnonzero(costs <= costs.min() * (1.0 + 1e-6))[0])]
    return Hypocentre(float(best[0]), float(best[1]), float(best[2]), float(reference + best[3]))


def locate_without_each(
    start: Hypocentre,
    observed: Observations,
    times: TravelTimes,
    bounds: tuple[np.ndarray, np.ndarray],
    depth_prior: tuple[float, float] | None = None,
) -> tuple[list[Hypocentre], np.ndarray]:
    """Locate as many times as there are arrivals, each time without one of them, all side by side from `start`.

    Returns:
        the hypocentres, and the misfit of each, in the order of the arrival left out.
    """
    size = observed.time.size
    models, used = np.tile([start.x_km, start.y_km, start.depth_km], (size, 1)), ~np.eye(size, dtype=bool)
    models, costs = _minimise(models, observed, start.time, times, bounds, depth_prior, used)
    places = [Hypocentre(float(x), float(y), float(depth), float(start.time + time)) for x, y, depth, time in models]
    return places, costs


def with_uncertainties(here: Hypocentre, observed: Observations, times: TravelTimes) -> Hypocentre:
    """The hypocentre with the uncertainties of the linearised problem, from each pick's sigma alone."""
    model = np.array([here.x_km, here.y_km, here.depth_km, 0.0])
    weight = np.ascontiguousarray(1.0 / observed.sigma)
    _, jacobian = linearised(times.tables, _arrivals(observed, here.time), weight, model)
    return replace(here, **_standard_deviations(jacobian))


def medians(rows: np.ndarray) -> np.ndarray:
    """Along the last axis; `np.median` takes ten times as long for a few values."""
    ordered, size = np.sort(rows, axis=-1), rows.shape[-1]
    return (ordered[..., (size - 1) // 2] + ordered[..., size // 2]) / 2.0


def _minimise(
    models: np.ndarray,
    observed: Observations,
    reference: float,
    times: TravelTimes,
    bounds: tuple[np.ndarray, np.ndarray],
    depth_prior: tuple[float, float] | None,
    used: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Give the models that each first guess of a place leads to, and their costs.

    Args:
        models: rows of (x, y, depth), km; those given back have the time as well, s from the reference.
        used: which arrivals count for each model; left out: all do.
    """
    models = np.clip(models, *bounds)
    east, north = models[:, :1] - observed.x_km, models[:, 1:2] - observed.y_km
    predicted = times(np.hypot(east, north), models[:, 2:3], observed.station_depth_km, observed.is_s)
    starts = np.column_stack([models, medians(observed.time - reference - predicted)])
    usual, deviation = depth_prior or (0.0, np.inf)
    limits = Limits(np.append(bounds[0], -np.inf), np.append(bounds[1], np.inf), float(usual), float(deviation) ** -2)
    weights = np.empty(predicted.shape)
    weights[:] = (1.0 if used is None else used) / observed.sigma
    return least_squares(times.tables, _arrivals(observed, reference), weights, starts, limits)


def _arrivals(observed: Observations, reference: float) -> Arrivals:
    """As the compiled loops take them, with times from a reference on."""
    values = (observed.x_km, observed.y_km, observed.station_depth_km)
    x_km, y_km, depth_km = (np.ascontiguousarray(value, dtype=float) for value in values)
    return Arrivals(observed.time - reference, np.ascontiguousarray(observed.is_s, dtype=bool), x_km, y_km, depth_km)


def _standard_deviations(jacobian: np.ndarray) -> dict[str, float]:
    """Give the deviation of time (s), the largest horizontal one and depth's (km); none where undetermined."""
    normal = jacobian.T @ jacobian
    if np.linalg.matrix_rank(normal, tol=1e-8 * np.trace(normal), hermitian=True) < 4:
        return {}
    covariance = np.linalg.inv(normal)
    horizontal = np.sqrt(np.linalg.eigvalsh(covariance[:2, :2]).max())
    return {
        "time_uncertainty": float(np.sqrt(covariance[3, 3])),
        "horizontal_uncertainty_km": float(horizontal),
        "depth_uncertainty_km": float(np.sqrt(covariance[2, 2])),
    }
