"""The probability density of events' places, on lattices that follow it around all modes, and what it says.

Uniform before the arrivals are known, in the search volume. The origin time is taken out analytically (Tarantola and
Valette, 1982, section 10): what is left of the precision of the arrival times is its part across a common shift.
Lattices stand in the principal axes of the density, so that as many nodes do for a thin one as for a long one; they are
laid once by the curvature at each mode, and again by the moments that come out, which see what the curvature doesn't.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalogdb.location.arrivals import Arrivals, linearised, predicted
from catalogdb.location.errors import ErrorModel
from catalogdb.location.solve import Earth, Modes

REACH = 3.8
"""Lattices reach so many standard deviations."""
STEP = 0.85
FIRST_WIDTH, SECOND_WIDTH = 1.3, 1.1
"""Lattices are so much wider than the standard deviations that they are laid by."""
SMALLEST_KM = 0.02
LARGEST_SHARE = 0.3
"""No standard deviation of a lattice is larger than this share of the search volume's width."""
WIDEST = 100.0
"""Standard deviation, km and s, beyond which none matters."""
LEVELS = (0.68, 0.90, 0.95)


def _lattice() -> np.ndarray:
    """Nodes of a cubic lattice in a ball, turned so that no two lie at one depth whatever the axes are."""
    count = np.floor(REACH / STEP)
    axis = np.arange(-count, count + 1.0) * STEP
    nodes = np.stack([values.ravel() for values in np.meshgrid(axis, axis, axis, indexing="ij")], axis=1)
    nodes = nodes[np.sqrt((nodes**2).sum(axis=1)) <= REACH]
    turn, _ = np.linalg.qr(np.array([[2.041, -2.556, 0.418], [-0.568, -0.453, -0.216], [-2.02, -0.232, -0.865]]))
    return nodes @ turn


LATTICE = _lattice()


@dataclass(frozen=True)
class Density:
    """What is known of events' places and times; arrays of one row per event, km and s.

    Args:
        best: most probable (x, y, depth, time); times after the reference.
        expected: expectation of (x, y, depth, time).
        covariance: of (x, y, depth, time) around the expectation.
        depth_68, depth_90, depth_95: limits between which the depth lies so probably, as much below as above.
        radius_68, radius_90, radius_95: of the circle around the most probable place that holds the epicentre so
            probably.
        is_bimodal: the density has maxima apart from one another.
        outside: share of the density beyond the sides of the search volume, and below its bottom, had it none.
        samples: (events, samples, 3): places drawn from the density; none unless asked for.
    """

    best: np.ndarray
    expected: np.ndarray
    covariance: np.ndarray
    depth_68: np.ndarray
    depth_90: np.ndarray
    depth_95: np.ndarray
    radius_68: np.ndarray
    radius_90: np.ndarray
    radius_95: np.ndarray
    is_bimodal: np.ndarray
    outside: np.ndarray
    samples: np.ndarray


@dataclass(frozen=True)
class _Lattices:
    """One per mode: its centre, and its axes as columns, each as long as a standard deviation (km)."""

    centre: np.ndarray
    axes: np.ndarray

    @classmethod
    def by(cls, centre: np.ndarray, covariance: np.ndarray, width: float, earth: Earth) -> _Lattices:
        """Lattices along the principal axes of a covariance (km2)."""
        values, vectors = np.linalg.eigh(covariance)
        largest = LARGEST_SHARE * float((earth.upper - earth.lower).max())
        deviations = np.clip(np.sqrt(np.maximum(values, 0.0)), SMALLEST_KM, largest)
        return cls(centre, vectors * (width * deviations)[:, None, :])

    @property
    def nodes(self) -> np.ndarray:
        """(modes, nodes, 3), km."""
        return self.centre[:, None, :] + LATTICE @ self.axes.transpose(0, 2, 1)

    @property
    def log_cell(self) -> np.ndarray:
        """Logarithm of the volume that a node stands for, but for a constant."""
        return np.log(np.abs(np.linalg.det(self.axes)))

    def deviations(self, numbers: np.ndarray, places: np.ndarray) -> np.ndarray:
        """How far places (rows, nodes, 3) are from the centres of some lattices, in their axes' lengths."""
        apart = places - self.centre[numbers][:, None, :]
        return np.sqrt(((apart @ np.linalg.inv(self.axes[numbers]).transpose(0, 2, 1)) ** 2).sum(axis=-1))


@dataclass(frozen=True)
class _Values:
    """Of each node (modes, nodes): its place, the logarithm of the density in its cell, and its origin time (s).
    Of each mode: how far cells reach in depth, km."""

    places: np.ndarray
    logarithm: np.ndarray
    time: np.ndarray
    depth_step: np.ndarray


def density(
    modes: Modes,
    arrivals: Arrivals,
    earth: Earth,
    errors: ErrorModel,
    unseen: ErrorModel | None = None,
    samples: int = 0,
) -> Density:
    """Give the density around the modes of each event; every event has one or more.

    Station terms make events right to one another. A shift that all events of a place have in common leaves no
    residual, so terms from residuals don't take it away, and the density stays as wide as it was without them: by the
    part of the path errors' covariance that looks like a shift of the hypocentre.

    Args:
        modes: maxima that are told apart; of each event the most probable one first.
        arrivals, earth, errors: of all events, in the order that the modes count them by.
        unseen: errors without station terms, where there are some.
        samples: places to draw from the density of each event.
    """
    own = arrivals.take(modes.event)
    at_mode, travel, slopes = linearised(modes.models, own, earth.network, earth.times)
    covariance = _covariance(modes, own, errors, modes.path)
    if unseen is not None:
        covariance += _shifts(modes, own, earth, errors, unseen, travel, slopes)
    precision, by_time, time_variance = _without_time(covariance, own)
    base = modes.misfit - 0.5 * np.einsum("mi,mij,mj->m", at_mode, precision, at_mode, optimize=True)
    slopes = slopes[..., :3]
    normal = slopes.transpose(0, 2, 1) @ precision @ slopes
    np.einsum("mii->mi", normal)[...] += (LARGEST_SHARE * (earth.upper - earth.lower)) ** -2.0
    lattices = _Lattices.by(modes.models[:, :3], np.linalg.inv(normal), FIRST_WIDTH, earth)
    values = _evaluate(lattices, modes.event, base, own, earth, precision, by_time)
    mean, covariance = _moments(values, earth)
    lattices = _Lattices.by(mean, covariance, SECOND_WIDTH, earth)
    values = _evaluate(lattices, modes.event, base, own, earth, precision, by_time)
    return _summary(values, modes, earth, time_variance, len(arrivals), samples)


def _covariance(modes: Modes, own: Arrivals, errors: ErrorModel, path: np.ndarray) -> np.ndarray:
    """Of the arrival times, s2.

    The density of readings by Student's t is as wide as its Fisher information says, which is less than the weights at
    the mode do: (n + 1) / (n + 3) of it for n degrees of freedom (Lange, Little and Taylor, 1989, section 4).
    """
    covariance = path.copy()
    widened = (errors.degrees + 3.0) / (errors.degrees + 1.0)
    np.einsum("mii->mi", covariance)[...] += errors.reading_variance(own) / modes.trust * widened
    return covariance * errors.widening**2


def _shifts(
    modes: Modes,
    own: Arrivals,
    earth: Earth,
    errors: ErrorModel,
    unseen: ErrorModel,
    travel: np.ndarray,
    slopes: np.ndarray,
) -> np.ndarray:
    """Covariance of arrival times from what hypocentres are less certain by without station terms, s2."""
    path = unseen.path_covariance(modes.models, own, earth.network, travel)
    without = _of_hypocentre(_covariance(modes, own, unseen, path), slopes)
    more = without - _of_hypocentre(_covariance(modes, own, errors, modes.path), slopes)
    values, vectors = np.linalg.eigh(more)
    more = (vectors * np.maximum(values, 0.0)[:, None, :]) @ vectors.transpose(0, 2, 1)
    return slopes @ more @ slopes.transpose(0, 2, 1)


def _of_hypocentre(covariance: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Covariance of (x, y, depth, time) from that of the arrival times, with `WIDEST` where they don't tell it."""
    normal = slopes.transpose(0, 2, 1) @ np.linalg.inv(covariance) @ slopes
    np.einsum("mii->mi", normal)[...] += WIDEST**-2.0
    return np.linalg.inv(normal)


def _without_time(covariance: np.ndarray, own: Arrivals) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision of the arrival times with the origin time taken out; what gives the origin time of residuals, and the
    variance of it at a given place (s2)."""
    precision = np.linalg.inv(covariance)
    one = own.present.astype(float)
    ahead = (precision @ one[..., None])[..., 0]
    whole = (ahead * one).sum(axis=1)
    rest = precision - ahead[:, :, None] * ahead[:, None, :] / whole[:, None, None]
    return rest, ahead / whole[:, None], 1.0 / whole


def _evaluate(
    lattices: _Lattices,
    event: np.ndarray,
    base: np.ndarray,
    own: Arrivals,
    earth: Earth,
    precision: np.ndarray,
    by_time: np.ndarray,
) -> _Values:
    """The density at the nodes; `base` is what the misfit of each mode has besides that of its residuals."""
    places = lattices.nodes
    travel = predicted(places, own.station, own.is_s, earth.network, earth.times)
    observed = np.where(own.present, own.time - own.correction, 0.0)
    found = np.where(own.present[:, None, :], observed[:, None, :] - travel, 0.0)
    misfit = 0.5 * np.einsum("mki,mki->mk", found @ precision, found)
    logarithm = lattices.log_cell[:, None] - misfit - base[:, None]
    _leave_to_nearest(logarithm, lattices, places, event)
    depth_step = STEP * np.sqrt((lattices.axes[:, 2, :] ** 2).sum(axis=1))
    return _Values(places, logarithm, (found @ by_time[..., None])[..., 0], depth_step)


def _leave_to_nearest(logarithm: np.ndarray, lattices: _Lattices, places: np.ndarray, event: np.ndarray) -> None:
    """Where lattices of one event overlap, a place belongs to the one whose centre is nearest by its deviations."""
    counts = np.bincount(event)
    for number in np.flatnonzero(counts[event] > 1):
        others = np.flatnonzero((event == event[number]) & (np.arange(len(event)) != number))
        nearest = lattices.deviations(others, np.repeat(places[number][None], len(others), axis=0)).min(axis=0)
        own = lattices.deviations(np.array([number]), places[number][None])[0]
        logarithm[number, nearest < own] = -np.inf


def _inside(places: np.ndarray, earth: Earth) -> np.ndarray:
    return np.all((places >= earth.lower) & (places <= earth.upper), axis=-1)


def _moments(values: _Values, earth: Earth) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of each mode's own lattice, in the volume; where all of it lies outside, of all."""
    inside = _inside(values.places, earth) & np.isfinite(values.logarithm)
    inside |= ~inside.any(axis=1, keepdims=True)
    logarithm = np.where(inside, values.logarithm, -np.inf)
    logarithm = np.where(np.isfinite(logarithm).any(axis=1, keepdims=True), logarithm, 0.0)
    weight = np.exp(logarithm - logarithm.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    mean = (weight[..., None] * values.places).sum(axis=1)
    apart = values.places - mean[:, None, :]
    return mean, (weight[..., None] * apart).transpose(0, 2, 1) @ apart


def _summary(
    values: _Values, modes: Modes, earth: Earth, time_variance: np.ndarray, events: int, samples: int
) -> Density:
    """Put the lattices of each event side by side, and take what is known from all its nodes."""
    first = modes.first
    rank = np.arange(len(modes.event)) - first[modes.event]
    shape = (events, int(rank.max()) + 1, LATTICE.shape[0])
    logarithm, time = np.full(shape, -np.inf), np.zeros(shape)
    places = np.zeros((*shape, 3))
    logarithm[modes.event, rank], time[modes.event, rank] = values.logarithm, values.time
    places[modes.event, rank] = values.places
    step = np.zeros(shape)
    step[modes.event, rank] = values.depth_step[:, None]
    logarithm, time, places, step = (
        array.reshape(events, -1, *array.shape[3:]) for array in (logarithm, time, places, step)
    )
    weight = np.exp(logarithm - logarithm.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    sideways = (places[..., :2] < earth.lower[:2]).any(axis=-1) | (places[..., :2] > earth.upper[:2]).any(axis=-1)
    below = places[..., 2] > earth.upper[2]
    outside = np.stack([(weight * sideways).sum(axis=1), (weight * below).sum(axis=1)], axis=1)
    weight = np.where(_inside(places, earth), weight, 0.0)
    total = weight.sum(axis=1, keepdims=True)
    weight = np.where(total > 0, weight / np.maximum(total, 1e-300), 1.0 / weight.shape[1])
    state = np.concatenate([places, time[..., None]], axis=-1)
    expected = (weight[..., None] * state).sum(axis=1)
    apart = state - expected[:, None, :]
    covariance = (weight[..., None] * apart).transpose(0, 2, 1) @ apart
    covariance[:, 3, 3] += time_variance[first]
    best = modes.models[first]
    radius = np.hypot(places[..., 0] - best[:, None, 0], places[..., 1] - best[:, None, 1])
    limits = tuple(0.5 + side * level / 2.0 for level in LEVELS for side in (-1.0, 1.0))
    depths = _quantiles(*_spread(places[..., 2], weight, step), limits)
    depths = np.clip(depths, earth.lower[2], earth.upper[2])  # cells reach beyond the limits
    radii = _quantiles(radius, weight, LEVELS)
    return Density(
        best, expected, covariance, depths[:, :2], depths[:, 2:4], depths[:, 4:], radii[:, 0], radii[:, 1], radii[:, 2],
        np.bincount(modes.event, minlength=events) > 1, outside, _drawn(places, weight, samples),
    )  # fmt: skip


def _drawn(places: np.ndarray, weight: np.ndarray, samples: int) -> np.ndarray:
    """So many of each event's nodes, each as often as its weight says."""
    drawn = np.empty((len(places), samples, 3))
    shares = (np.arange(samples) + 0.5) / max(samples, 1)
    order = np.random.default_rng(samples).permutation(samples)
    for number, whole in enumerate(np.cumsum(weight, axis=1) if samples else ()):
        rows = np.searchsorted(whole / whole[-1], shares[order])
        drawn[number] = places[number, np.minimum(rows, len(whole) - 1)]
    return drawn


def _spread(depth: np.ndarray, weight: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depths and weights of thirds of the cells, since nodes alone are too few for quantiles; drawn together so that
    their variance is that of the nodes."""
    mean = (weight * depth).sum(axis=1, keepdims=True)
    variance = np.maximum((weight * (depth - mean) ** 2).sum(axis=1, keepdims=True), 1e-12)
    added = (weight * step**2).sum(axis=1, keepdims=True) * (2.0 / 27.0)
    drawn = mean + (depth - mean) * np.sqrt(np.maximum(1.0 - added / variance, 0.5))
    thirds = np.concatenate([drawn - step / 3.0, drawn, drawn + step / 3.0], axis=1)
    return thirds, np.tile(weight / 3.0, (1, 3))


def _quantiles(values: np.ndarray, weight: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Weighted quantiles of each row."""
    order = np.argsort(values, axis=1)
    values, weight = np.take_along_axis(values, order, axis=1), np.take_along_axis(weight, order, axis=1)
    share = np.cumsum(weight, axis=1) - 0.5 * weight
    return np.array([np.interp(levels, *pair) for pair in zip(share, values, strict=True)])
