"""Arrivals of many events -> densities: a scan of the whole volume, a fit from each first guess, all modes."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from catalogdb.location.arrivals import Arrivals, residuals
from catalogdb.location.density import Density, density
from catalogdb.location.errors import ErrorModel
from catalogdb.location.scan import CoarseScan
from catalogdb.location.solve import Earth, Modes, probable_fit, robust_fit

MOST_MODES = 3
SAME_KM = 0.5
UNLIKELY = 6.0
"""Modes less probable than the best by exp(-6) are left out, by the soft-L1 misfit by twice as much."""


class Locator:
    """Locates events of one network in one search volume."""

    def __init__(self, earth: Earth):
        self.earth = earth
        self._scan = CoarseScan(earth)

    def modes(self, arrivals: Arrivals, errors: ErrorModel, start: np.ndarray | None = None) -> Modes:
        """Most probable places of a batch of events, the best of each event first.

        Args:
            arrivals: of the batch.
            errors: of the catalog.
            start: a further first guess for each event, (x, y, depth, time).
        """
        guesses = self._scan.guesses(arrivals)
        if start is not None:
            guesses = np.concatenate([guesses, start[:, None, :]], axis=1)
        event = np.repeat(np.arange(len(arrivals)), guesses.shape[1])
        own = arrivals.take(event)
        models, misfit = robust_fit(guesses.reshape(-1, 4), own, self.earth, errors.deviation(own))
        keep = _distinct(event, models, misfit, 2.0 * UNLIKELY)
        modes = probable_fit(models[keep], event[keep], arrivals, self.earth, errors)
        return modes.take(_distinct(modes.event, modes.models, modes.misfit, UNLIKELY))

    def best(self, arrivals: Arrivals, errors: ErrorModel, start: np.ndarray | None = None) -> Modes:
        """The most probable place of each event of a batch: next to a first guess, or of the whole volume."""
        if start is not None:
            return probable_fit(start, np.arange(len(arrivals)), arrivals, self.earth, errors)
        modes = self.modes(arrivals, errors)
        return modes.take(modes.first)

    def refine(self, arrivals: Arrivals, errors: ErrorModel, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Most probable (x, y, depth, time) next to first guesses, and the delays of all arrivals there (s): observed
        minus predicted times without station terms."""
        models, delay = start.copy(), np.zeros(arrivals.time.shape)
        for events, batch in arrivals.batches():
            models[events] = self.best(batch, errors, start[events]).models
            left = residuals(models[events], batch, self.earth.network, self.earth.times) + batch.correction
            delay[events, : left.shape[1]] = np.where(batch.present, left, 0.0)
        return models, delay

    def locate(
        self,
        arrivals: Arrivals,
        errors: ErrorModel,
        start: np.ndarray | None = None,
        unseen: ErrorModel | None = None,
        samples: int = 0,
    ) -> Density:
        """Densities of all events, in their order.

        Args:
            arrivals: of the catalog.
            errors: of the catalog, with the arrivals' station terms.
            start: a further first guess for each event, (x, y, depth, time).
            unseen: errors without station terms, where these were made from the same arrivals, see `density.density`.
            samples: places to draw from the density of each event.
        """
        parts, order = [], []
        for events, batch in arrivals.batches():
            modes = self.modes(batch, errors, None if start is None else start[events])
            parts.append(density(modes, batch, self.earth, errors, unseen, samples))
            order.append(events)
        back = np.argsort(np.concatenate(order))
        return Density(
            **{
                field.name: np.concatenate([getattr(part, field.name) for part in parts])[back]
                for field in fields(Density)
            }
        )


def _distinct(event: np.ndarray, models: np.ndarray, misfit: np.ndarray, unlikely: float) -> np.ndarray:
    """Rows of the models of each event that no better one lies close to, the best first; unlikely ones left out."""
    kept: list[int] = []
    own: list[int] = []
    for row in np.lexsort((misfit, event)):
        if own and event[own[0]] != event[row]:
            own = []
        if own and (len(own) == MOST_MODES or misfit[row] > misfit[own[0]] + unlikely):
            continue
        if own and np.abs(models[own, :3] - models[row, :3]).max(axis=1).min() < SAME_KM:
            continue
        own.append(row)
        kept.append(row)
    return np.array(kept)
