"""Picks that had no part in a location, against what it predicts for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from catalogdb.location.arrivals import Arrivals, residuals
from catalogdb.location.catalog import Located
from catalogdb.location.solve import Earth

SHARE, LEAST_LEFT = 0.2, 7
NEIGHBOURS, FARTHEST_KM, DAMPING = 12, 25.0, 4.0


def held_out(arrivals: Arrivals, seed: int) -> tuple[np.ndarray, Arrivals, Arrivals]:
    """Rows of events with enough arrivals, these events without the picks of a fifth of their stations, and with these
    picks alone."""
    rng = np.random.default_rng(seed)
    out = np.zeros(arrivals.present.shape, dtype=bool)
    for row in range(len(arrivals)):
        stations = np.unique(arrivals.station[row][arrivals.present[row]])
        out[row] = np.isin(arrivals.station[row], rng.permutation(stations)[: max(1, round(SHARE * len(stations)))])
    rich = np.flatnonzero((arrivals.present & ~out).sum(axis=1) >= LEAST_LEFT)
    kept, left = arrivals.where(~out), arrivals.where(out)
    return rich, kept.take(rich).trimmed(), left.take(rich).trimmed()


def misfit_of_held_out(located: Located, left: Arrivals, earth: Earth) -> dict[str, Any]:
    """Median and 90 % of the absolute residuals of the picks left out, s: as they are, and once the damped median delay
    of their station and phase at the nearest other events is taken off, for all methods in the same way."""
    models, kept = located.density.best, located.arrivals
    delay = residuals(models, kept, earth.network, earth.times) + kept.correction
    found = residuals(models, left, earth.network, earth.times)
    corrected = found - _local(models, kept, delay, left)
    row: dict[str, Any] = {"held_out_picks": int(left.present.sum())}
    for name, values in (("residual", found), ("corrected", corrected)):
        size = np.abs(values[left.present])
        row |= {f"{name}_s": float(np.median(size)), f"{name}_90_s": float(np.quantile(size, 0.9))}
    return row


def _local(models: np.ndarray, kept: Arrivals, delay: np.ndarray, left: Arrivals) -> np.ndarray:
    """Damped median delay of the station and phase of each pick left out, at the events around that have kept it, s."""
    slot, wanted = (np.where(own.present, own.station * 2 + own.is_s, -1) for own in (kept, left))
    found = np.zeros(wanted.shape)
    for number in np.unique(wanted[wanted >= 0]):
        event, place = np.nonzero(slot == number)
        rows, columns = np.nonzero(wanted == number)
        if not event.size:
            continue
        count = min(NEIGHBOURS, event.size)
        apart, near = cKDTree(models[event, :3]).query(models[rows, :3], k=count)
        apart, near = apart.reshape(len(rows), count), near.reshape(len(rows), count)
        values = np.where(apart <= FARTHEST_KM, delay[event, place][near], np.nan)
        known = np.isfinite(values).sum(axis=1)
        middle = np.zeros(len(rows))
        middle[known > 0] = np.nanmedian(values[known > 0], axis=1)
        found[rows, columns] = middle * known / (known + DAMPING)
    return found
