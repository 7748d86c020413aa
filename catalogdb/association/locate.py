"""Least-squares location of one event in the associator's own velocity model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

SECOND_START_KM = 8.0


@dataclass(frozen=True)
class Observations:
    """Arrivals of one event; arrays of one length. Station positions in km on the map plane, depths below sea level."""

    time: NDArray
    sigma: NDArray
    is_s: NDArray
    x_km: NDArray
    y_km: NDArray
    station_depth_km: NDArray

    def subset(self, keep: NDArray) -> Observations:
        """Keep the arrivals where the boolean array is true."""
        return Observations(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


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

    def residuals(self, observed: Observations, times) -> NDArray:
        """Observed minus predicted arrival times, s."""
        distance = np.hypot(observed.x_km - self.x_km, observed.y_km - self.y_km)
        predicted = times(distance, np.float64(self.depth_km), observed.station_depth_km, observed.is_s)
        return observed.time - self.time - predicted


def locate(start: Hypocentre, observed: Observations, times, bounds: tuple[NDArray, NDArray]) -> Hypocentre:
    """Minimise the soft-L1 misfit of arrival times over position, depth and origin time.

    Starts at the associator's depth and at another, since an associator often leaves an event at a limit of depth, and
    first arrivals may have one minimum above and one below a discontinuity. The uncertainties are those of the
    linearised problem, from each pick's sigma alone.

    Args:
        start: first guess.
        observed: at least four arrivals.
        times: travel times as in `traveltime`.
        bounds: lower and upper limits of (x, y, depth), km.
    """
    from scipy.optimize import least_squares

    # times from the first guess on: a double near 1.7e9 s has no room for the solver's small steps
    reference = start.time
    relative = replace(observed, time=observed.time - reference)

    def misfit(model: NDArray) -> NDArray:
        return Hypocentre(*model).residuals(relative, times) / relative.sigma

    lower = np.append(bounds[0], -np.inf)
    upper = np.append(bounds[1], np.inf)
    inner = 1e-3
    best = None
    for depth in (start.depth_km, SECOND_START_KM):
        guess = np.clip([start.x_km, start.y_km, depth, 0.0], lower + inner, upper - inner)
        # Dogbox: the trust-region default creeps along a limit of depth, 60 evaluations to 6.
        found = least_squares(
            misfit, guess, bounds=(lower, upper), method="dogbox", loss="soft_l1", x_scale=(5.0, 5.0, 5.0, 1.0)
        )
        if best is None or found.cost < best.cost * (1.0 - 1e-6):
            best = found
    deviations = _standard_deviations(misfit, best.x)
    return Hypocentre(float(best.x[0]), float(best.x[1]), float(best.x[2]), float(reference + best.x[3]), *deviations)


def _standard_deviations(misfit, model: NDArray) -> tuple[float | None, float | None, float | None]:
    """Give the deviation of time (s), the largest horizontal one and that of depth (km); None where undetermined."""
    steps = np.array([0.05, 0.05, 0.05, 0.01])
    jacobian = np.stack(
        [(misfit(model + step) - misfit(model - step)) / (2.0 * step.sum()) for step in np.diag(steps)], axis=1
    )
    normal = jacobian.T @ jacobian
    if np.linalg.matrix_rank(normal, tol=1e-8 * np.trace(normal), hermitian=True) < 4:
        return None, None, None
    covariance = np.linalg.inv(normal)
    horizontal = np.sqrt(np.linalg.eigvalsh(covariance[:2, :2]).max())
    return float(np.sqrt(covariance[3, 3])), float(horizontal), float(np.sqrt(covariance[2, 2]))
