"""What arrival times are off: readings each by itself, with outliers; paths together, the more the nearer they run.

The covariance of data and theory is Tarantola and Valette's (1982, Inverse problems = quest for information, Journal of
Geophysics 50, equation 10-9 with a Gaussian theory): the two add. Readings follow Student's t, as a normal distribution
whose variance differs from pick to pick (Lange, Little and Taylor, 1989, doi:10.1080/01621459.1989.10478852).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalogdb.location.arrivals import Arrivals, Network

PATH_KM = 30.0
"""Path errors are given for a path of this length, and grow with its square root, as a random walk does."""
SHORTEST_PATH_KM = 1.0
NORMAL_DEGREES = 50.0
"""Student's t of so many degrees of freedom is nearly normal."""
NEARLY_NONE = 1e-4
NO_WEIGHT = 1e-4
"""What a weight of 0 counts: its readings don't place an event, but have residuals."""


@dataclass(frozen=True)
class ErrorModel:
    """Scales of the errors of one catalog's arrival times.

    Args:
        reading: standard scale of a reading by grade, s.
        path: standard deviation of P and of S along a path of `PATH_KM`, s.
        reach_km: distance of stations at which path errors correlate by 1/e.
        between_phases: correlation of the path errors of P and of S to one station.
        slowness: relative error of all travel times of a phase together, P and S.
        degrees: degrees of freedom of the readings' distribution.
        widening: densities are so much wider than these scales make them, where the scales are but estimates.
        delay: what all arrivals of a phase are late together, P and S, s; neither depends on the other.
    """

    reading: np.ndarray
    path: tuple[float, float]
    reach_km: float
    between_phases: float
    slowness: tuple[float, float]
    degrees: float = 4.0
    widening: float = 1.0
    delay: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def hypo71(cls, weight: np.ndarray, seconds: float) -> ErrorModel:
        """Errors as Hypo71 weighs by: P and S alike, none dependent on another, normally distributed.

        Args:
            weight: of the readings of each grade, 0 to 1 (Hypo71's 0 to 4 stand for 1, 0.75, 0.5, 0.25 and 0).
            seconds: standard deviation of a reading of weight 1.
        """
        reading = seconds / np.sqrt(np.maximum(weight, NO_WEIGHT))
        return cls(reading, (NEARLY_NONE, NEARLY_NONE), PATH_KM, 0.5, (NEARLY_NONE, NEARLY_NONE), NORMAL_DEGREES)

    def reading_variance(self, arrivals: Arrivals) -> np.ndarray:
        """Of each reading, s2; 1 where there is none."""
        return np.where(arrivals.present, self.reading[arrivals.grade] ** 2, 1.0)

    def deviation(self, arrivals: Arrivals) -> np.ndarray:
        """Standard deviation of each arrival time, s, as if none depended on another."""
        path = np.where(arrivals.is_s, self.path[1], self.path[0])
        return np.sqrt(self.reading_variance(arrivals) + path**2)

    def path_covariance(
        self, models: np.ndarray, arrivals: Arrivals, network: Network, travel: np.ndarray
    ) -> np.ndarray:
        """Covariance of what the velocity model is off: (models, arrivals, arrivals), s2.

        Args:
            models: rows of (x, y, depth, time), km and s.
            arrivals, network: of the same events.
            travel: predicted travel times, s.
        """
        growth, apart_km = self.growth(models, arrivals, network), self.apart_km(arrivals, network)
        near, common, _ = self.parts(arrivals, growth, apart_km, travel)
        return near + common + self.delays(arrivals)

    def delays(self, arrivals: Arrivals) -> np.ndarray:
        """Covariance of what all arrivals of a phase are off together: (events, arrivals, arrivals), s2."""
        of_phase = [rows * seconds for rows, seconds in zip((~arrivals.is_s, arrivals.is_s), self.delay, strict=True)]
        own = [rows * arrivals.present for rows in of_phase]
        return np.asarray(sum(rows[:, :, None] * rows[:, None, :] for rows in own))

    @staticmethod
    def growth(models: np.ndarray, arrivals: Arrivals, network: Network) -> np.ndarray:
        """How much larger than `path` the error along each path is: (models, arrivals)."""
        x, y, z = (axis[arrivals.station] for axis in (network.x_km, network.y_km, network.depth_km))
        length = np.sqrt((models[:, :1] - x) ** 2 + (models[:, 1:2] - y) ** 2 + (models[:, 2:3] - z) ** 2)
        return np.sqrt(np.maximum(length, SHORTEST_PATH_KM) / PATH_KM)

    @staticmethod
    def apart_km(arrivals: Arrivals, network: Network) -> np.ndarray:
        """Distances between the stations of an event: (events, arrivals, arrivals)."""
        x, y = network.x_km[arrivals.station], network.y_km[arrivals.station]
        return np.hypot(x[:, :, None] - x[:, None, :], y[:, :, None] - y[:, None, :])

    def parts(
        self, arrivals: Arrivals, growth: np.ndarray, apart_km: np.ndarray, travel: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the covariance of paths adds up from, near paths and all paths of a phase, and where it joins P and S.

        Args:
            growth, apart_km: as the methods of these names give them.
            travel: predicted travel times, s.
        """
        mixed = arrivals.is_s[:, :, None] != arrivals.is_s[:, None, :]
        phases = np.where(mixed, self.between_phases, 1.0)
        scale = np.where(arrivals.is_s, self.path[1], self.path[0]) * growth * arrivals.present
        shift = np.where(arrivals.is_s, self.slowness[1], self.slowness[0]) * travel * arrivals.present
        near = phases * scale[:, :, None] * scale[:, None, :] * np.exp(-apart_km / self.reach_km)
        return near, phases * shift[:, :, None] * shift[:, None, :], mixed

    def trust(self, reading: np.ndarray, spread: np.ndarray, arrivals: Arrivals) -> np.ndarray:
        """Weight of each reading, about 1, and near 0 for an outlier: what its variance is divided by.

        Args:
            reading: expected error of each reading, s.
            spread: variance of that expectation, s2.
            arrivals: of the same events.
        """
        squared = (reading**2 + spread) / self.reading_variance(arrivals)
        return np.where(arrivals.present, (self.degrees + 1.0) / (self.degrees + squared), 1.0)
