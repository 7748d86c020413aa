"""Station terms: how much later than predicted each phase comes at each station, for all events or for those around.

A term is the median residual of a catalog's own locations, damped by the number of its arrivals: undamped ones follow
the locations that follow them. Terms are anchored, their mean over a phase's arrivals is zero, else they would take the
place of origin times. Source-specific ones are medians over the nearest events, which take up what the velocity model
is off along whole paths (Richards-Dinger and Shearer, 2000, doi:10.1029/2000JB900014); the reach shrinks from round to
round (Lin and Shearer, 2005, doi:10.1029/2004JB003386).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from catalogdb.location.arrivals import Arrivals

DAMPING = 4.0
"""A term of so many arrivals counts half."""
FEWEST = 3
MOST_NEIGHBOURS = 48
FEW_NEIGHBOURS, FARTHEST_KM = 12, 8.0
"""Where fewer events than that lie within reach the nearest ones count, none from farther away."""
TOGETHER_KM, MOST_TOGETHER = 25.0, 400
NORMAL = 1.4826
"""Standard deviation of a normal distribution by its median absolute deviation."""


@dataclass(frozen=True)
class StationTerms:
    """By station and phase, (stations, 2): value (s), number of arrivals, median absolute deviation (s)."""

    value: np.ndarray
    count: np.ndarray
    mad: np.ndarray

    @classmethod
    def none(cls, stations: int) -> StationTerms:
        """No delays."""
        return cls(np.zeros((stations, 2)), np.zeros((stations, 2), dtype=int), np.zeros((stations, 2)))

    def of(self, arrivals: Arrivals) -> np.ndarray:
        """Terms of the arrivals, s."""
        return np.where(arrivals.present, self.value[arrivals.station, arrivals.is_s.astype(int)], 0.0)


def static_terms(arrivals: Arrivals, delay: np.ndarray, stations: int) -> StationTerms:
    """Terms of stations from what is left of arrival times with no term at all.

    Args:
        arrivals: of the whole catalog.
        delay: observed minus predicted arrival times without station terms, s.
        stations: how many there are.
    """
    value, count, mad = (np.zeros((stations, 2)) for _ in range(3))
    slot = np.where(arrivals.present, arrivals.station * 2 + arrivals.is_s, -1).ravel()
    order = np.argsort(slot, kind="stable")
    found, first = np.unique(slot[order], return_index=True)
    for number, rows in zip(found, np.split(order, first[1:]), strict=True):
        if number < 0 or rows.size < FEWEST:
            continue
        place = divmod(int(number), 2)
        own = delay.ravel()[rows]
        middle = np.median(own)
        count[place], mad[place] = rows.size, np.median(np.abs(own - middle))
        value[place] = middle
    value = np.where(count > 0, value - _anchor(value, count), 0.0) * count / (count + DAMPING)
    return StationTerms(value, count.astype(int), mad)


def _anchor(value: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Mean over each phase's arrivals, s."""
    return (value * count).sum(axis=0) / np.maximum(count.sum(axis=0), 1.0)


def source_terms(arrivals: Arrivals, places: np.ndarray, delay: np.ndarray, reach_km: float) -> np.ndarray:
    """Terms of each arrival from those of the same station and phase of the events around: as `delay`, s.

    Args:
        arrivals: of the whole catalog.
        places: (x, y, depth) of the events, km.
        delay: observed minus predicted arrival times but for the stations' own terms, s.
        reach_km: how far events count.
    """
    terms = np.zeros(delay.shape)
    slot = np.where(arrivals.present, arrivals.station * 2 + arrivals.is_s, -1).ravel()
    order = np.argsort(slot, kind="stable")
    found, first = np.unique(slot[order], return_index=True)
    width = arrivals.present.shape[1]
    for number, rows in zip(found, np.split(order, first[1:]), strict=True):
        if number < 0 or rows.size < FEWEST:
            continue
        own, here = delay.ravel()[rows], places[rows // width]
        terms.ravel()[rows] = _around(own, here, reach_km)
    return terms


def _around(own: np.ndarray, here: np.ndarray, reach_km: float) -> np.ndarray:
    """Damped median of the values around each place, its own among them; of the nearest few where there are less."""
    number = min(MOST_NEIGHBOURS, own.size)
    apart, row = (table.reshape(own.size, number) for table in cKDTree(here).query(here, k=number))
    near = (apart <= reach_km) | ((np.arange(number) < FEW_NEIGHBOURS) & (apart <= FARTHEST_KM))
    values = np.where(near, own[row], np.nan)
    count = near.sum(axis=1)
    return np.nanmedian(values, axis=1) * count / (count + DAMPING)


def common_shift(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How far station terms have moved the events around each event together, (x, y, depth, time) in km and s.

    Args:
        before, after: (x, y, depth, time) without and with them.
    """
    number = min(MOST_TOGETHER, len(before))
    apart, row = (table.reshape(len(before), number) for table in cKDTree(before[:, :3]).query(before[:, :3], k=number))
    moved = np.where((apart <= TOGETHER_KM)[..., None], (after - before)[row], np.nan)
    return np.nanmedian(moved, axis=1)
