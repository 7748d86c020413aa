"""Hypocentres of many events side by side: a robust least-squares fit from each first guess, then the most probable
place given what readings and paths are off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalogdb.location.arrivals import Arrivals, Network, linearised
from catalogdb.location.errors import ErrorModel
from catalogdb.traveltimes.grid_times import Times

ROBUST_STEPS = 25
PROBABLE_STEPS = 10
SETTLED = 0.02  # km and s
HELD = 1e-9


@dataclass(frozen=True)
class Earth:
    """What all events of a catalog share.

    Args:
        network: stations on the map plane.
        times: travel times.
        lower, upper: limits of (x, y, depth), km.
    """

    network: Network
    times: Times
    lower: np.ndarray
    upper: np.ndarray

    def clip(self, models: np.ndarray) -> np.ndarray:
        """Models inside the limits."""
        inside = models.copy()
        inside[:, :3] = np.clip(models[:, :3], self.lower, self.upper)
        return inside

    def leaving(self, models: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Coordinates at a limit whose misfit falls beyond it: they stay there."""
        held = np.zeros(models.shape, dtype=bool)
        held[:, :3] = ((models[:, :3] <= self.lower + HELD) & (gradient[:, :3] > 0)) | (
            (models[:, :3] >= self.upper - HELD) & (gradient[:, :3] < 0)
        )
        return held


@dataclass(frozen=True)
class Modes:
    """Most probable places of events, one or several of each.

    Args:
        event: row of the arrivals that each is of.
        models: (x, y, depth, time), km and s after the reference.
        misfit: minus the logarithm of the probability density, but for a constant.
        path: covariance of what the velocity model is off, (modes, arrivals, arrivals), s2.
        trust: weight of each reading, see `ErrorModel.trust`.
    """

    event: np.ndarray
    models: np.ndarray
    misfit: np.ndarray
    path: np.ndarray
    trust: np.ndarray

    @property
    def first(self) -> np.ndarray:
        """The first row of each event, in the events' order."""
        return np.unique(self.event, return_index=True)[1]

    def take(self, keep: np.ndarray) -> Modes:
        """Some of them."""
        return Modes(self.event[keep], self.models[keep], self.misfit[keep], self.path[keep], self.trust[keep])


def robust_fit(
    models: np.ndarray, arrivals: Arrivals, earth: Earth, deviation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise the soft-L1 misfit, as association does, from each row of `models`; gives models and misfits.

    Args:
        models: first guesses, one for each row of the arrivals.
        deviation: standard deviation of each arrival time, s.
    """
    models = earth.clip(models)
    inverse = np.where(arrivals.present, 1.0 / deviation, 0.0)

    def look(rows: np.ndarray, tried: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found, _, slopes = linearised(tried, arrivals.take(rows), earth.network, earth.times)
        scaled = found * inverse[rows]
        return scaled, slopes * inverse[rows][..., None], (np.sqrt(1.0 + scaled**2) - 1.0).sum(axis=1)

    everything = np.arange(len(models))
    first = linearised(models, arrivals, earth.network, earth.times)[0]
    models[:, 3] += np.nanmedian(np.where(arrivals.present, first, np.nan), axis=1)
    scaled, slopes, misfit = look(everything, models)
    damping, active = np.full(len(models), 1e-2), everything
    for _ in range(ROBUST_STEPS):
        weight = 1.0 / np.sqrt(1.0 + scaled[active] ** 2)
        weighted = slopes[active] * weight[..., None]
        normal = weighted.transpose(0, 2, 1) @ slopes[active]
        gradient = -(weighted * scaled[active][..., None]).sum(axis=1)
        tried = _moved(models[active], normal, gradient, damping[active], earth)
        new_scaled, new_slopes, new_misfit = look(active, tried)
        better = new_misfit <= misfit[active]
        settled = np.abs(tried - models[active]).max(axis=1) < SETTLED
        good = active[better]
        models[good], scaled[good], slopes[good] = tried[better], new_scaled[better], new_slopes[better]
        misfit[good] = new_misfit[better]
        damping[active] = np.where(better, damping[active] / 5.0, damping[active] * 8.0)
        active = active[~settled & (damping[active] < 1e8)]
        if active.size == 0:
            break
    return models, misfit


def probable_fit(models: np.ndarray, event: np.ndarray, arrivals: Arrivals, earth: Earth, errors: ErrorModel) -> Modes:
    """Go on to the maximum of the probability density, with correlated path errors and outliers of readings.

    Steps of Levenberg and Marquardt and of expectation and maximisation for the readings' weights, in turn.

    Args:
        models: first guesses.
        event: row of the arrivals that each of them is of.
        arrivals, earth, errors: of all events.
    """
    models, own = models.copy(), arrivals.take(event)
    variance = errors.reading_variance(own)
    found, travel, slopes = linearised(models, own, earth.network, earth.times)
    path = errors.path_covariance(models, own, earth.network, travel)
    trust = errors.trust(found, np.zeros_like(found), own)
    precision, misfit = _weighted(found, path, variance, trust, errors.degrees)
    damping = np.full(len(models), 1e-3)
    for step in range(PROBABLE_STEPS):
        weighted = precision @ slopes
        normal = slopes.transpose(0, 2, 1) @ weighted
        gradient = -(weighted * found[..., None]).sum(axis=1)
        tried = _moved(models, normal, gradient, damping, earth)
        new_found, new_travel, new_slopes = linearised(tried, own, earth.network, earth.times)
        better = _quadratic(new_found, precision) <= _quadratic(found, precision)
        moved = np.where(better, np.abs(tried - models).max(axis=1), 0.0).max(initial=0.0)
        models = np.where(better[:, None], tried, models)
        found, travel = np.where(better[:, None], new_found, found), np.where(better[:, None], new_travel, travel)
        slopes = np.where(better[:, None, None], new_slopes, slopes)
        damping = np.where(better, damping / 5.0, damping * 8.0)
        if step == PROBABLE_STEPS // 2:
            path = errors.path_covariance(models, own, earth.network, travel)
        trust = errors.trust(*_readings(found, precision, variance / trust), own)
        precision, misfit = _weighted(found, path, variance, trust, errors.degrees)
        if step > PROBABLE_STEPS // 2 and moved < SETTLED:
            break
    return Modes(event, models, misfit, path, trust)


def _readings(found: np.ndarray, precision: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expectation of each reading's error and its variance, given residuals that paths have a share in."""
    expected = variance * (precision @ found[..., None])[..., 0]
    spread = variance - variance**2 * np.einsum("mii->mi", precision)
    return expected, np.maximum(spread, 0.0)


def _weighted(
    found: np.ndarray, path: np.ndarray, variance: np.ndarray, trust: np.ndarray, degrees: float
) -> tuple[np.ndarray, np.ndarray]:
    """Precision of the arrival times, and minus the logarithm of the density of residuals and weights."""
    covariance = path.copy()
    np.einsum("mii->mi", covariance)[...] += variance / trust
    precision = np.linalg.inv(covariance)
    determinant = np.linalg.slogdet(covariance)[1]
    prior = 0.5 * degrees * (trust - 1.0 - np.log(trust)).sum(axis=1)
    return precision, 0.5 * (_quadratic(found, precision) + determinant) + prior


def _quadratic(found: np.ndarray, precision: np.ndarray) -> np.ndarray:
    return np.einsum("mi,mij,mj->m", found, precision, found, optimize=True)


def _moved(
    models: np.ndarray, normal: np.ndarray, gradient: np.ndarray, damping: np.ndarray, earth: Earth
) -> np.ndarray:
    """The models after one damped step, inside the limits."""
    held = earth.leaving(models, gradient)
    normal = normal.copy()
    diagonal = np.einsum("mii->mi", normal)
    diagonal += damping[:, None] * (diagonal + 1e-6)
    normal[held] = 0.0
    normal.transpose(0, 2, 1)[held] = 0.0
    np.einsum("mii->mi", normal)[held] = 1.0
    right = np.where(held, 0.0, gradient)[..., None]
    try:
        step = -np.linalg.solve(normal, right)[..., 0]
    except np.linalg.LinAlgError:  # of one of them the arrivals say nothing in some direction: it stays there
        step = -(np.linalg.pinv(normal, hermitian=True) @ right)[..., 0]
    return earth.clip(models + step)
