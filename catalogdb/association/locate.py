"""Least-squares location of one event in the associator's own velocity model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from catalogdb.traveltimes.first_arrivals import TravelTimes

START_DEPTHS_KM = (8.0,)
MAXIMUM_STEPS = 40
SMALLEST_STEP = 0.01  # km and s


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

    Levenberg-Marquardt on iteratively reweighted residuals, from the first guess's depth and from others, since an
    associator often leaves an event at a limit of depth, and first arrivals may have one minimum above and one below a
    discontinuity.

    Args:
        start: first guess.
        observed: at least four arrivals.
        times: travel times as in `traveltime`.
        bounds: lower and upper limits of (x, y, depth), km.
        depth_prior: usual depth and its standard deviation, km: what depth is taken where arrivals don't tell it.
        other_depths_km: tried besides that of the first guess.

    Source: the misfit is SciPy's `soft_l1` (`scipy.optimize.least_squares`).
    """
    # times from the first guess on: a double near 1.7e9 s has no room for the solver's small steps
    reference = start.time
    problem = _Problem(observed, reference, times, bounds, depth_prior)
    depths = dict.fromkeys((start.depth_km, *other_depths_km))
    models = np.array([(start.x_km, start.y_km, depth, 0.0) for depth in depths])
    models, costs = problem.solve(models)
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
    problem = _Problem(observed, start.time, times, bounds, depth_prior, ~np.eye(size, dtype=bool))
    models, costs = problem.solve(np.tile([start.x_km, start.y_km, start.depth_km, 0.0], (size, 1)))
    places = [Hypocentre(float(x), float(y), float(depth), float(start.time + time)) for x, y, depth, time in models]
    return places, costs


def with_uncertainties(
    here: Hypocentre, observed: Observations, times: TravelTimes, bounds: tuple[np.ndarray, np.ndarray]
) -> Hypocentre:
    """The hypocentre with the uncertainties of the linearised problem, from each pick's sigma alone."""
    problem = _Problem(observed, here.time, times, bounds, None)
    return replace(here, **problem.standard_deviations(np.array([here.x_km, here.y_km, here.depth_km, 0.0])))


def medians(rows: np.ndarray) -> np.ndarray:
    """Along the last axis; `np.median` takes ten times as long for a few values."""
    ordered, size = np.sort(rows, axis=-1), rows.shape[-1]
    return (ordered[..., (size - 1) // 2] + ordered[..., size // 2]) / 2.0


class _Problem:
    """The misfit of one event's arrivals; models are rows of (x, y, depth, time), km and s."""

    def __init__(
        self,
        observed: Observations,
        reference: float,
        times: TravelTimes,
        bounds: tuple[np.ndarray, np.ndarray],
        depth_prior: tuple[float, float] | None,
        used: np.ndarray | None = None,
    ):
        """`used` says for each model which arrivals count for it; left out: all do."""
        self._observed, self._depth_prior = observed, depth_prior
        self._time = observed.time - reference
        self._times = times.at_stations(observed.station_depth_km, observed.is_s)
        self._lower = np.append(bounds[0], -np.inf)
        self._upper = np.append(bounds[1], np.inf)
        self._inverse_sigma = (1.0 if used is None else used) / observed.sigma[None, :]

    def solve(self, models: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the models that each first guess leads to, and their costs; all are moved side by side."""
        models = np.clip(models, self._lower, self._upper)
        models[:, 3] = medians(self._residuals(models))
        scale = np.broadcast_to(self._inverse_sigma, (len(models), self._inverse_sigma.shape[1]))
        residuals, jacobian = self._linearised(models, scale)
        costs, damping = self._cost(residuals, models), np.full(len(models), 1e-2)
        ends, end_costs, active = models.copy(), costs.copy(), np.arange(len(models))
        for _ in range(MAXIMUM_STEPS):
            step = self._step(models, residuals, jacobian, damping)
            tried = np.minimum(np.maximum(models + step, self._lower), self._upper)
            new_residuals, new_jacobian = self._linearised(tried, scale)
            new_costs = self._cost(new_residuals, tried)
            better = new_costs <= costs
            moved = np.abs(tried - models).max(axis=1)
            settled = (moved < SMALLEST_STEP) | (better & (costs - new_costs < 1e-5 * new_costs))
            if better.all():
                models, costs, residuals, jacobian = tried, new_costs, new_residuals, new_jacobian
            elif better.any():
                models, costs = np.where(better[:, None], tried, models), np.where(better, new_costs, costs)
                residuals = np.where(better[:, None], new_residuals, residuals)
                jacobian = np.where(better[:, None, None], new_jacobian, jacobian)
            damping = np.where(better, damping / 5.0, damping * 8.0)
            left = ~settled & (damping < 1e8)
            if left.all():
                continue
            ends[active], end_costs[active] = models, costs
            active = active[left]
            if active.size == 0:
                return ends, end_costs
            models, costs, damping, scale = models[left], costs[left], damping[left], scale[left]
            residuals, jacobian = residuals[left], jacobian[left]
        ends[active], end_costs[active] = models, costs
        return ends, end_costs

    def standard_deviations(self, model: np.ndarray) -> dict[str, float]:
        """Give the deviation of time (s), the largest horizontal one and depth's (km); none where undetermined."""
        jacobian = self._linearised(model[None, :], self._inverse_sigma)[1][0]
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

    def _residuals(self, models: np.ndarray) -> np.ndarray:
        observed = self._observed
        distance = np.hypot(models[:, :1] - observed.x_km, models[:, 1:2] - observed.y_km)
        return self._time - self._times(distance, models[:, 2:3])[0]

    def _linearised(self, models: np.ndarray, inverse_sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give residuals over sigma and their derivatives by (x, y, depth, time): (models, arrivals[, 4])."""
        observed = self._observed
        east, north = models[:, :1] - observed.x_km, models[:, 1:2] - observed.y_km
        distance = np.hypot(east, north)
        predicted, by_distance, by_depth = self._times(distance, models[:, 2:3])
        by_distance = by_distance / np.maximum(distance, 1e-3)
        jacobian = np.empty((*distance.shape, 4))
        np.multiply(by_distance, east, out=jacobian[..., 0])
        np.multiply(by_distance, north, out=jacobian[..., 1])
        jacobian[..., 2], jacobian[..., 3] = by_depth, 1.0
        jacobian *= -inverse_sigma[:, :, None]
        return (self._time - models[:, 3:4] - predicted) * inverse_sigma, jacobian

    def _cost(self, residuals: np.ndarray, models: np.ndarray) -> np.ndarray:
        cost = (np.sqrt(1.0 + residuals**2) - 1.0).sum(axis=1)
        if self._depth_prior is not None:
            usual, deviation = self._depth_prior
            cost = cost + 0.5 * ((models[:, 2] - usual) / deviation) ** 2
        return cost

    def _step(self, models: np.ndarray, residuals: np.ndarray, jacobian: np.ndarray, damping: np.ndarray) -> np.ndarray:
        weight = 1.0 / np.sqrt(1.0 + residuals**2)
        weighted = jacobian * weight[:, :, None]
        normal = weighted.transpose(0, 2, 1) @ jacobian
        gradient = (weighted * residuals[:, :, None]).sum(axis=1)
        if self._depth_prior is not None:
            usual, deviation = self._depth_prior
            normal[:, 2, 2] += deviation**-2
            gradient[:, 2] += (models[:, 2] - usual) / deviation**2
        # A coordinate at its limit that would leave it stays.
        at_lower, at_upper = models <= self._lower, models >= self._upper
        diagonal = normal.reshape(len(normal), -1)[:, :: normal.shape[1] + 1]
        diagonal += damping[:, None] * (diagonal + 1e-6)
        if at_lower.any() or at_upper.any():
            held = (at_lower & (gradient > 0)) | (at_upper & (gradient < 0))
            normal[held] = 0.0
            normal.transpose(0, 2, 1)[held] = 0.0
            diagonal[held] = 1.0
            gradient = np.where(held, 0.0, gradient)
        right = gradient[:, :, None]
        try:
            return -np.linalg.solve(normal, right)[:, :, 0]
        except np.linalg.LinAlgError:  # of one of them the arrivals say nothing in some direction: it stays there
            return -(np.linalg.pinv(normal, hermitian=True) @ right)[:, :, 0]
