"""Scales of the errors from the residuals of the catalog itself, by restricted maximum likelihood.

Residuals after location are smaller than the errors, since four parameters were fitted to them, and most so for what
looks like another place. So the likelihood is that of the part of the residuals which no shift of the hypocentre
explains (Patterson and Thompson, 1971, doi:10.1093/biomet/58.3.545); the covariance then says what the rest does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from catalogdb.location.arrivals import Arrivals, linearised, residuals
from catalogdb.location.errors import ErrorModel
from catalogdb.location.locate import Locator

MOST_EVENTS = 160
LEAST_ARRIVALS = 7
ROUNDS = 3
"""Of location and estimate; one is enough after an estimate for the same catalog."""
STEPS = 30
HELD_KM = 0.05
WIDENING = 1.06
"""Densities are so much wider than the scales that are estimated make them, since those of one catalog, with its one
velocity model, are uncertain; from twins of a catalog and halves of its picks, see docs/explanation/location.md."""
HYPO71_SECONDS = 0.15
"""Of a reading of full weight, before any residual is seen."""
# What a scale is before the residuals are seen, and the standard deviation of its logarithm.
READING = (0.1, 1.5)
PATH = (0.1, 1.0)
REACH_KM = (15.0, 1.0)
SLOWNESS = (0.01, 1.0)
BETWEEN_PHASES = (0.5, 1.0)
DELAY = (0.03, 0.05)
"""Of all P and of all S together, s. It is one for a whole catalog and looks like a shift of all its hypocentres, so no
residual tells it: however well arrivals agree, a 1-D model isn't known better at its top."""


@dataclass(frozen=True)
class _Sample:
    """Residuals (s) at the most probable places, what explains them, and what their covariance is made of."""

    arrivals: Arrivals
    found: np.ndarray
    slopes: np.ndarray
    inverse_trust: np.ndarray
    length: np.ndarray
    apart_km: np.ndarray
    travel: np.ndarray
    delays: np.ndarray


def first_errors(grades: int) -> ErrorModel:
    """What errors are taken for before any residual is seen."""
    return ErrorModel(
        np.full(grades, READING[0]), (PATH[0], PATH[0]), REACH_KM[0], BETWEEN_PHASES[0], (SLOWNESS[0], SLOWNESS[0]),
        delay=DELAY,
    )  # fmt: skip


def estimate_errors(
    locator: Locator, arrivals: Arrivals, start: np.ndarray | None = None, errors: ErrorModel | None = None
) -> ErrorModel:
    """Estimate the scales from events spread evenly over the catalog, locating them again with each estimate.

    Args:
        locator: of the network.
        arrivals: of all events.
        start: a first guess for each event, (x, y, depth, time).
        errors: what they are taken for first.
    """
    rounds = ROUNDS if errors is None else 1
    errors = errors or first_errors(int(arrivals.grade.max(initial=0)) + 1)
    rich = np.flatnonzero(arrivals.count >= LEAST_ARRIVALS)
    if rich.size == 0:
        return errors
    chosen = np.unique(rich[np.linspace(0, rich.size - 1, min(MOST_EVENTS, rich.size)).round().astype(int)])
    guess = None if start is None else start[chosen]
    for _ in range(rounds):
        samples, guess = _samples(locator, arrivals.take(chosen), errors, guess)
        if not samples:
            return errors
        errors = _fitted(samples, errors)
    return errors


def hypo71_errors(
    locator: Locator, arrivals: Arrivals, weight: np.ndarray, start: np.ndarray | None = None
) -> ErrorModel:
    """Errors that weigh arrivals as Hypo71 does; their one scale is from the residuals of all events.

    Args:
        locator: of the network.
        arrivals: of all events.
        weight: of each grade, 0 to 1.
        start: a first guess for each event, (x, y, depth, time).
    """
    errors = ErrorModel.hypo71(weight, HYPO71_SECONDS)
    squares, freedom = 0.0, 0.0
    for events, batch in arrivals.batches():
        modes = locator.modes(batch, errors, None if start is None else start[events])
        left = residuals(modes.models[modes.first], batch, locator.earth.network, locator.earth.times)
        own = np.where(batch.present, weight[batch.grade], 0.0)
        squares += float((own * left**2).sum())
        freedom += float(np.maximum((own > 0).sum(axis=1) - 4, 0).sum())
    return ErrorModel.hypo71(weight, float(np.sqrt(squares / freedom)) if freedom and squares else HYPO71_SECONDS)


def _samples(
    locator: Locator, arrivals: Arrivals, errors: ErrorModel, guess: np.ndarray | None
) -> tuple[list[_Sample], np.ndarray]:
    """The events whose depth doesn't stand at a limit, in batches, and the places of all."""
    earth, samples, places = locator.earth, [], np.empty((len(arrivals), 4))
    for events, batch in arrivals.batches():
        modes = locator.best(batch, errors, None if guess is None else guess[events])
        places[events] = modes.models
        depth = modes.models[:, 2]
        free = np.flatnonzero((depth > earth.lower[2] + HELD_KM) & (depth < earth.upper[2] - HELD_KM))
        if free.size == 0:
            continue
        own, models = batch.take(free), modes.models[free]
        found, travel, slopes = linearised(models, own, earth.network, earth.times)
        samples.append(
            _Sample(
                own, found, slopes, 1.0 / modes.trust[free], errors.growth(models, own, earth.network),
                errors.apart_km(own, earth.network), travel, errors.delays(own),
            )
        )  # fmt: skip
    return samples, places


def _fitted(samples: list[_Sample], errors: ErrorModel) -> ErrorModel:
    """The scales that make the residuals most probable, with the readings' weights as they are."""
    grades = len(errors.reading)
    before = np.log(
        [*[READING[0]] * grades, PATH[0], PATH[0], REACH_KM[0], 1.0, SLOWNESS[0], SLOWNESS[0]]
    )  # the correlation's is its logit
    spread = np.array(
        [*[READING[1]] * grades, PATH[1], PATH[1], REACH_KM[1], BETWEEN_PHASES[1], SLOWNESS[1], SLOWNESS[1]]
    )
    correlation = errors.between_phases
    start = np.log(
        [*errors.reading, *errors.path, errors.reach_km, correlation / (1.0 - correlation), *errors.slowness]
    )

    def misfit(values: np.ndarray) -> tuple[float, np.ndarray]:
        parts = [_restricted(sample, _unpacked(values, errors)) for sample in samples]
        value, slope = sum(part[0] for part in parts), np.sum([part[1] for part in parts], axis=0)
        off = (values - before) / spread
        return value + 0.5 * float(off @ off), slope + off / spread

    bounds = [(start_value - 4.0, start_value + 4.0) for start_value in before]
    answer = minimize(
        misfit, np.clip(start, *np.transpose(bounds)), jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": STEPS},
    )  # fmt: skip
    return _unpacked(answer.x, errors)


def _unpacked(values: np.ndarray, errors: ErrorModel) -> ErrorModel:
    scales = np.exp(values)
    *reading, p, s, reach_km, odds, slowness_p, slowness_s = scales.tolist()
    return ErrorModel(
        np.array(reading), (p, s), reach_km, odds / (1.0 + odds), (slowness_p, slowness_s),
        errors.degrees, WIDENING, errors.delay,
    )  # fmt: skip


def _restricted(sample: _Sample, errors: ErrorModel) -> tuple[float, np.ndarray]:
    """Minus the logarithm of the restricted likelihood, and its derivatives by the logarithms of the scales."""
    own, present = sample.arrivals, sample.arrivals.present
    reading = np.where(present, errors.reading_variance(own) * sample.inverse_trust, 1.0)
    near, common, mixed = errors.parts(own, sample.length, sample.apart_km, sample.travel)
    covariance = near + common + sample.delays
    np.einsum("mii->mi", covariance)[...] += reading
    precision = np.linalg.inv(covariance)
    weighted = precision @ sample.slopes
    normal = sample.slopes.transpose(0, 2, 1) @ weighted
    np.einsum("mii->mi", normal)[...] += 1e-9
    projected = precision - weighted @ np.linalg.solve(normal, weighted.transpose(0, 2, 1))
    unexplained = (projected @ sample.found[..., None])[..., 0]
    value = 0.5 * (
        np.linalg.slogdet(covariance)[1].sum()
        + np.linalg.slogdet(normal)[1].sum()
        + float((sample.found * unexplained).sum())
    )
    slope = 0.5 * (projected - unexplained[:, :, None] * unexplained[:, None, :])
    diagonal = np.einsum("mii->mi", slope) * reading * 2.0 * present
    by_reading = np.bincount(own.grade[present], weights=diagonal[present], minlength=len(errors.reading))
    is_s = own.is_s & present
    by_near, by_common = slope * near, slope * common
    of_phase = [2.0 * by_near.sum(axis=2)[rows].sum() for rows in (present & ~is_s, is_s)]
    of_slowness = [2.0 * by_common.sum(axis=2)[rows].sum() for rows in (present & ~is_s, is_s)]
    by_reach = (by_near * sample.apart_km).sum() / errors.reach_km
    by_odds = ((by_near + by_common) * mixed).sum() * (1.0 - errors.between_phases)
    return float(value), np.array([*by_reading, *of_phase, by_reach, by_odds, *of_slowness])
