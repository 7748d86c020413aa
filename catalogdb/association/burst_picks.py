"""Picks that look like those of a burst, and counts of those of them that are free."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from catalogdb.association.prepared import PreparedPicks, PreparedStations
from catalogdb.compiled import compiled

# A pick looks like one of a burst when so many of the nearest stations, its own one counted, have picks within seconds.
BURST_STATIONS = 4
BURST_REACH = 12
BURST_SECONDS = 4.0


class FreeBursts:
    """Counts of the free picks that look like those of a burst, so that asking for a part of them takes no pass."""

    def __init__(self, picks: PreparedPicks, stations: PreparedStations, free: np.ndarray):
        is_burst_like, same, pairs = burst_like(picks, stations)
        self._free, self._rows = free, np.flatnonzero(is_burst_like)
        self._time = picks.time[self._rows]
        self._values = np.stack([np.ones_like(same), picks.is_s, same, pairs])[:, self._rows]
        self.count()

    def count(self) -> None:
        """Count again, after picks were taken or given back."""
        self._sums = np.zeros((len(self._values), self._rows.size + 1), dtype=int)
        np.cumsum(self._values * self._free[self._rows], axis=1, out=self._sums[:, 1:])

    def outside(self, starttime: float, endtime: float) -> list[int]:
        """Outside an interval: how many, how many of them S, and with how many others they pair, of one phase and of
        any."""
        first, last = np.searchsorted(self._time, [starttime, endtime])
        return (self._sums[:, -1] - self._sums[:, last] + self._sums[:, first]).tolist()


def burst_like(
    picks: PreparedPicks, stations: PreparedStations
) -> tuple[NDArray[np.bool_], NDArray[np.int_], NDArray[np.int_]]:
    """Which picks look like those of a burst: others of several neighbouring places are within seconds.

    Returns:
        that, and with how many others of its neighbourhood each makes a pair: of one phase, and of any.
    """
    x_km, y_km = stations.place_x_km, stations.place_y_km
    apart = np.hypot(x_km[:, None] - x_km, y_km[:, None] - y_km)
    near = np.zeros(apart.shape, dtype=bool)
    np.put_along_axis(near, np.argsort(apart, axis=1, kind="stable")[:, :BURST_REACH], True, axis=1)
    places_hit, same, pairs = _within_seconds(picks.time, stations.place[picks.station], picks.is_s, near)
    return places_hit >= BURST_STATIONS, same, pairs


@compiled
def _within_seconds(
    time: NDArray[np.float64], place: NDArray[np.int64], is_s: NDArray[np.bool_], near: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of each pick, among those within seconds at places near its own: how many places, its own one counted, how many
    picks of other places with its phase, and how many of any phase."""
    size = time.size
    places_hit, same, pairs = np.ones(size, np.int64), np.zeros(size, np.int64), np.zeros(size, np.int64)
    last_hit_by = np.full(len(near), -1)
    first = 0
    for row in range(size):
        while time[row] - time[first] > BURST_SECONDS:
            first += 1
        for other in range(first, size):
            if time[other] - time[row] > BURST_SECONDS:
                break
            there = place[other]
            if there == place[row] or not near[place[row], there]:
                continue
            pairs[row] += 1
            same[row] += is_s[other] == is_s[row]
            places_hit[row] += last_hit_by[there] != row
            last_hit_by[there] = row
    return places_hit, same, pairs
