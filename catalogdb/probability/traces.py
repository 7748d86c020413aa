"""Probability of each phase at each sample of one stretch of waveforms without a gap."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np


@dataclass
class ProbabilityTrace:
    """What a picker's network says, sample by sample.

    Attributes:
        start_ns: time of sample 0 (nanoseconds since 1970, UTC).
        rate: samples per second by the data's own clock.
        labels: what the rows are: ("P", "S"), or ("P", "S", "D") where D is EQTransformer's detection.
        values: float32 array (labels, samples), 0 to 1, NaN where no window says anything.
        components: letters of the components that the network had, for example ZNE, Z12 or Z.
        channel_group: net.sta.loc.BI of the sensor, where it is known.
    """

    start_ns: int
    rate: float
    labels: tuple[str, ...]
    values: np.ndarray
    components: str = ""
    channel_group: str = ""

    @property
    def samples(self) -> int:
        """Number of samples."""
        return self.values.shape[1]

    def sample_ns(self, sample: int) -> int:
        """Time of a sample (nanoseconds since 1970, UTC)."""
        return self.start_ns + round(sample * 1e9 / self.rate)

    def time(self, sample: int) -> float:
        """Time of a sample (epoch seconds UTC, to the microsecond)."""
        return round(self.sample_ns(sample) / 1000) / 1e6

    def first_sample(self, time: float) -> int:
        """The first sample at or after a time (epoch seconds UTC); the number of samples where all are before."""
        estimate = math.ceil((time * 1e9 - self.start_ns) * self.rate / 1e9)
        sample = min(max(estimate, 0), self.samples)
        while sample > 0 and self.time(sample - 1) >= time:
            sample -= 1
        while sample < self.samples and self.time(sample) < time:
            sample += 1
        return sample

    def part(self, first: int, last: int) -> ProbabilityTrace:
        """Samples [first, last); the values are a view."""
        return replace(self, start_ns=self.sample_ns(first), values=self.values[:, first:last])

    def cut(self, starttime: float, endtime: float) -> ProbabilityTrace:
        """The samples with times in [starttime, endtime), epoch seconds UTC; the values are a view."""
        return self.part(self.first_sample(starttime), self.first_sample(endtime))
