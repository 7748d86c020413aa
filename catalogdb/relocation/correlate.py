"""Differential times by cross-correlation of waveforms around picks, of many pairs at once by FFT.

The waveform around the pick of one event is looked for in a longer stretch around the other's; the normalised
correlation at each lag is what a sliding correlation coefficient is (Schaff and Waldhauser, 2005,
doi:10.1785/0120040168). A parabola through the largest coefficient and its neighbours gives the lag between samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import butter, sosfiltfilt

from catalogdb.relocation.config import CorrelateConfig
from catalogdb.relocation.documents import Correlated

BATCH_PAIRS = 2000
CORNERS = 4
NYQUIST_SHARE = 0.9
FILTER_PERIODS = 2.0
"""Waveforms are read so many periods of the lower corner beyond what is correlated: the filter spoils their ends."""


@dataclass(frozen=True)
class Snippet:
    """Samples of one channel around a pick.

    Args:
        channel: code.
        rate: samples per second.
        starttime: of the first sample, epoch seconds.
        samples: without gaps.
    """

    channel: str
    rate: float
    starttime: float
    samples: np.ndarray


@dataclass(frozen=True)
class Waveforms:
    """Snippets of the channels of one arrival, with the time of its pick."""

    pick_time: float
    snippets: Sequence[Snippet]


WaveformKey = tuple[int, str, str, str]
"""Number of the event, network, station, phase."""


def read_before(config: CorrelateConfig) -> float:
    """Seconds before a pick that are needed."""
    return config.before_s + config.max_lag_s + FILTER_PERIODS / config.minfrequency


def read_after(config: CorrelateConfig, phase: str) -> float:
    """Seconds after a pick that are needed."""
    after = config.p_after_s if phase == "P" else config.s_after_s
    return after + config.max_lag_s + FILTER_PERIODS / config.minfrequency


def correlate_pairs(
    pairs: np.ndarray,
    waveforms: Mapping[WaveformKey, Waveforms],
    origin_times: Sequence[float],
    config: CorrelateConfig,
) -> tuple[list[Correlated], dict[str, int]]:
    """Measure all stations and phases that both events of pairs have waveforms of.

    Args:
        pairs: rows of two event numbers.
        waveforms: by event, station and phase.
        origin_times: of the events, epoch seconds.
        config: settings.

    Returns:
        Times with a coefficient of at least `min_cc`, and counts. A negative one, of reversed polarity, has to be at
        least halfway between `min_cc` and 1 in size: below that most are by chance.
    """
    found: list[Correlated] = []
    counts: Counter[str] = Counter()
    of_station: dict[tuple[str, str, str], dict[int, Waveforms]] = {}
    for (event, net, sta, phase), waveform in waveforms.items():
        of_station.setdefault((net, sta, phase), {})[event] = waveform
    linked = [(int(one), int(other)) for one, other in pairs]
    for (net, sta, phase), own in sorted(of_station.items()):
        bank = _Bank.of(own, config, phase)
        both = [(one, other) for one, other in linked if one in own and other in own]
        best: dict[tuple[int, int], tuple[float, float]] = {}
        for first in range(0, len(both), BATCH_PAIRS):
            for pair, apart, cc in bank.measure(both[first : first + BATCH_PAIRS]):
                if abs(cc) > abs(best.get(pair, (0.0, 0.0))[1]):  # of several channels the one that fits best
                    best[pair] = apart, cc
        counts["correlations"] += len(best)
        for (one, other), (apart, cc) in best.items():
            if abs(cc) < (config.min_cc if cc > 0 else (1.0 + config.min_cc) / 2.0):
                counts["correlations_below_min_cc"] += 1
                continue
            time = apart - (origin_times[one] - origin_times[other])
            found.append(Correlated(one, other, net, sta, phase, time, cc))
    counts["correlations_reversed"] = sum(time.cc < 0 for time in found)
    return found, dict(counts)


@dataclass(frozen=True)
class _Part:
    """Spectra of one channel at one rate: of templates and of the longer stretches they are looked for in."""

    rate: float
    lags: int
    size: int
    events: dict[int, int]
    start: np.ndarray
    template: np.ndarray
    stretch: np.ndarray
    template_norm: np.ndarray
    stretch_norm: np.ndarray

    def measure(self, pairs: Sequence[tuple[int, int]]) -> list[tuple[tuple[int, int], float, float]]:
        """Of each pair: how much later the first arrival was (s), and the coefficient, where the largest one is no end
        of the lags."""
        known = [pair for pair in pairs if pair[0] in self.events and pair[1] in self.events]
        if not known:
            return []
        one = np.array([self.events[first] for first, _ in known])
        other = np.array([self.events[second] for _, second in known])
        raw = irfft(np.conj(self.template[one]) * self.stretch[other], self.size, axis=1)[:, : self.lags]
        cc = raw / np.maximum(self.template_norm[one][:, None] * self.stretch_norm[other], 1e-300)
        peak = np.abs(cc).argmax(axis=1)
        inside = (peak > 0) & (peak < self.lags - 1)
        at = np.clip(peak, 1, self.lags - 2)
        rows = np.arange(len(known))
        before, here, after = (
            np.abs(cc[rows, at]) if step == 0 else np.sign(cc[rows, at]) * cc[rows, at + step] for step in (-1, 0, 1)
        )
        curve = before - 2.0 * here + after
        shift = np.where(curve < 0, 0.5 * (before - after) / np.where(curve < 0, curve, -1.0), 0.0)
        lag = (at + shift - (self.lags - 1) / 2.0) / self.rate
        apart = self.start[one] - self.start[other] - lag
        height = np.sign(cc[rows, at]) * np.minimum(here - 0.25 * (before - after) * shift, 1.0)
        return [(pair, float(apart[row]), float(height[row])) for row, pair in enumerate(known) if inside[row]]


@dataclass(frozen=True)
class _Bank:
    """All channels of one station and phase."""

    parts: list[_Part]

    @classmethod
    def of(cls, waveforms: Mapping[int, Waveforms], config: CorrelateConfig, phase: str) -> _Bank:
        groups: dict[tuple[str, float], dict[int, tuple[float, Snippet]]] = {}
        for event, own in waveforms.items():
            for snippet in _useful(own.snippets, phase):
                groups.setdefault((snippet.channel, snippet.rate), {})[event] = own.pick_time, snippet
        parts = [_part(rate, own, config, phase) for (_, rate), own in sorted(groups.items())]
        return cls([part for part in parts if part is not None])

    def measure(self, pairs: Sequence[tuple[int, int]]) -> list[tuple[tuple[int, int], float, float]]:
        return [measured for part in self.parts for measured in part.measure(pairs)]


def _useful(snippets: Sequence[Snippet], phase: str) -> list[Snippet]:
    """P is looked at on vertical channels, S on the others; on what there is where there is no such one."""
    chosen = [snippet for snippet in snippets if (snippet.channel[-1:] == "Z") == (phase == "P")]
    return chosen or list(snippets)


def _part(rate: float, own: Mapping[int, tuple[float, Snippet]], config: CorrelateConfig, phase: str) -> _Part | None:
    """Filter what was read around each pick, and cut and transform it; None where nothing is long enough."""
    length = round((config.before_s + (config.p_after_s if phase == "P" else config.s_after_s)) * rate)
    reach = max(round(config.max_lag_s * rate), 1)
    lags, size = 2 * reach + 1, next_fast_len(length + 2 * reach, real=True)
    high = min(config.maxfrequency, NYQUIST_SHARE * rate / 2.0)
    if length < CORNERS or config.minfrequency >= high:
        return None
    sections = butter(CORNERS, (config.minfrequency, high), "bandpass", fs=rate, output="sos")
    events: dict[int, int] = {}
    starts: list[float] = []
    stretches: list[np.ndarray] = []
    for event, (pick_time, snippet) in own.items():
        first = round((pick_time - config.before_s - snippet.starttime) * rate) - reach
        end = first + length + 2 * reach
        if first < 0 or end > len(snippet.samples):
            continue
        samples = snippet.samples - snippet.samples.mean()
        stretch = sosfiltfilt(sections, samples)[first:end]
        if not np.isfinite(stretch).all() or not stretch.any():
            continue
        events[event] = len(starts)
        starts.append(snippet.starttime + (first + reach) / rate)
        stretches.append(stretch)
    if not stretches:
        return None
    long = np.array(stretches)
    template = long[:, reach : reach + length]
    energy = np.concatenate([np.zeros((len(long), 1)), np.cumsum(long**2, axis=1)], axis=1)
    moving = np.sqrt(np.maximum(energy[:, length:] - energy[:, :-length], 0.0))
    return _Part(
        rate, lags, size, events, np.array(starts), rfft(template, size, axis=1), rfft(long, size, axis=1),
        np.sqrt((template**2).sum(axis=1)), moving,
    )  # fmt: skip
