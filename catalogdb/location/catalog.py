"""A whole catalog: errors from its residuals, station terms in rounds, and at last the density of each event."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from catalogdb.location.arrivals import Arrivals, linearised
from catalogdb.location.density import Density
from catalogdb.location.errors import ErrorModel
from catalogdb.location.estimate import estimate_errors, hypo71_errors
from catalogdb.location.locate import Locator
from catalogdb.location.terms import common_shift, source_terms, static_terms

STATIC_ROUNDS = 2
REACHES_KM = (8.0, 4.0, 2.0, 1.0)
NO_DELAY = (0.0, 0.0)
"""Delays of all arrivals of a phase say nothing of where events are to one another, which is how terms place them."""


@dataclass(frozen=True)
class Located:
    """What a catalog's location came to.

    Args:
        density: of each event.
        arrivals: with the station terms that were used.
        errors: of arrival times with these terms.
    """

    density: Density
    arrivals: Arrivals
    errors: ErrorModel


def locate_catalog(
    locator: Locator,
    arrivals: Arrivals,
    start: np.ndarray | None = None,
    terms: str = "source",
    weight: np.ndarray | None = None,
    samples: int = 0,
) -> Located:
    """Locate all events of a catalog.

    Args:
        locator: of its network.
        arrivals: of its events, without station terms.
        start: a first guess for each event, (x, y, depth, time).
        terms: `none`, `static` (of each station and phase), or `source` (and of the events around).
        weight: Hypo71's of each grade, 0 to 1, where errors are to be as Hypo71 has them; else they are estimated.
        samples: places to draw from the density of each event.
    """

    def estimate(own: Arrivals, guess: np.ndarray | None, errors: ErrorModel | None = None) -> ErrorModel:
        if weight is not None:
            return hypo71_errors(locator, own, weight, guess)
        return estimate_errors(locator, own, guess, errors)

    without = estimate(arrivals, start)
    if terms == "none":
        return Located(locator.locate(arrivals, without, start, samples=samples), arrivals, without)
    before = _places(locator, arrivals, without, start)
    corrected, errors, places = arrivals, replace(without, delay=NO_DELAY), before
    own = np.zeros(arrivals.time.shape)
    for _ in range(STATIC_ROUNDS):
        places, delay = locator.refine(corrected, errors, places)
        own = static_terms(arrivals, delay, len(locator.earth.network.x_km)).of(arrivals)
        corrected = arrivals.corrected(own)
        errors = estimate(corrected, places, errors)
    places, delay = locator.refine(corrected, errors, places)
    for reach_km in REACHES_KM if terms == "source" else ():
        corrected = arrivals.corrected(own + source_terms(arrivals, places[:, :3], delay - own, reach_km))
        errors = estimate(corrected, places, errors)
        places, delay = locator.refine(corrected, errors, places)
    corrected = _anchored(locator, corrected, before, places)
    density = locator.locate(corrected, errors, before, without, samples)
    return Located(density, corrected, errors)


def _places(locator: Locator, arrivals: Arrivals, errors: ErrorModel, start: np.ndarray | None) -> np.ndarray:
    """Most probable places in the whole volume, in the events' order."""
    places = np.empty((len(arrivals), 4))
    for events, batch in arrivals.batches():
        modes = locator.modes(batch, errors, None if start is None else start[events])
        places[events] = modes.models[modes.first]
    return places


def _anchored(locator: Locator, corrected: Arrivals, before: np.ndarray, places: np.ndarray) -> Arrivals:
    """Arrivals with terms that leave the events of a neighbourhood, together, where they were without terms.

    What is common to them is not in the terms' residuals, but in how readings were weighted: terms would go on moving
    it from round to round.
    """
    shift = common_shift(before, places)
    slopes = linearised(places, corrected, locator.earth.network, locator.earth.times)[2]
    return corrected.corrected(corrected.correction + (slopes @ shift[..., None])[..., 0])
