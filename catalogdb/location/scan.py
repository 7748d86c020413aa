"""First guesses for the whole volume, without any guess before: equal differential times on a coarse lattice.

Where an event is, the difference of any two of its arrival times is that of their travel times, whatever its origin
time; each pair of arrivals that agrees adds one, so a wrong arrival costs its own pairs and draws nothing (Font et al.,
2004, doi:10.1111/j.1365-246X.2004.02317.x).
"""

from __future__ import annotations

import numpy as np

from catalogdb.location.arrivals import Arrivals, predicted
from catalogdb.location.solve import Earth

MOST_NODES = 2400
LEAST_SPACING_KM = 2.0
DEPTH_SHARES = (0.06, 0.25, 0.6)
MOST_PAIRS = 48
MODEL_SECONDS = 0.3
GUESSES = 4


class CoarseScan:
    """A lattice over the search volume with the travel times from each node to each station and phase."""

    def __init__(self, earth: Earth):
        self._earth = earth
        width = earth.upper - earth.lower
        columns = MOST_NODES / len(DEPTH_SHARES)
        self.spacing_km = max(LEAST_SPACING_KM, float(np.sqrt(width[0] * width[1] / columns)))
        x, y = (_middles(earth.lower[axis], earth.upper[axis], self.spacing_km) for axis in (0, 1))
        depth = earth.lower[2] + width[2] * np.array(DEPTH_SHARES)
        self.nodes = np.stack([axis.ravel() for axis in np.meshgrid(x, y, depth, indexing="ij")], axis=1)
        station = np.arange(len(earth.network.x_km))[None]
        of_phases = (np.full(station.shape, is_s) for is_s in (False, True))
        travel = [predicted(self.nodes[None], station, is_s, earth.network, earth.times)[0] for is_s in of_phases]
        self._travel = np.stack([table.T.astype(np.float32) for table in travel])  # phase, station, node
        slowness = 1.0 / earth.times.vs
        self._tolerance = np.float32(0.35 * self.spacing_km * slowness + MODEL_SECONDS)

    def guesses(self, arrivals: Arrivals) -> np.ndarray:
        """The best nodes of each event that aren't neighbours of a better one, with the origin times that they ask for:
        (events, guesses, 4), models as rows of (x, y, depth, time)."""
        found = np.empty((len(arrivals), GUESSES, 4))
        for number in range(len(arrivals)):
            present = arrivals.present[number]
            observed = (arrivals.time[number] - arrivals.correction[number])[present].astype(np.float32)
            station, is_s = arrivals.station[number][present], arrivals.is_s[number][present].astype(int)
            origin = observed[:, None] - self._travel[is_s, station]
            chosen = self._best(self._agreement(origin))
            found[number, :, :3] = self.nodes[chosen]
            found[number, :, 3] = np.median(origin[:, chosen], axis=0)
        return found

    def _agreement(self, origin: np.ndarray) -> np.ndarray:
        """Sum over pairs of arrivals of how well they agree at each node, by the origin times that each asks for."""
        first, second = _pairs(len(origin))
        apart = (origin[first] - origin[second]) / self._tolerance
        return (1.0 / (1.0 + apart * apart)).sum(axis=0)

    def _best(self, agreement: np.ndarray) -> np.ndarray:
        left, chosen = agreement.copy(), []
        for _ in range(GUESSES):
            best = int(left.argmax())
            chosen.append(best)
            near = np.abs(self.nodes - self.nodes[best])
            left[(near[:, :2].max(axis=1) < 1.5 * self.spacing_km) & (near[:, 2] < 1e-6)] = -1.0
            left[best] = -1.0
        return np.array(chosen)


def _pairs(count: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of so many arrivals, or as many as there may be, spread evenly over them."""
    first, second = np.triu_indices(count, 1)
    if first.size > MOST_PAIRS:
        chosen = np.random.default_rng(count).permutation(first.size)[:MOST_PAIRS]
        first, second = first[chosen], second[chosen]
    return first, second


def _middles(low: float, high: float, spacing: float) -> np.ndarray:
    count = max(1, int(np.ceil((high - low) / spacing)))
    return low + (np.arange(count) + 0.5) * (high - low) / count
