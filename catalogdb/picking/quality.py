"""How good a pick is: signal-to-noise ratio, amplitude, width of its peak and one score.

All of it is computed from a few seconds around each pick, so it doesn't depend on where data, files or shards begin.

Waveform measures use counts band-passed 1-20 Hz (Butterworth, 2 corners, causal, so that nothing leaks ahead of an
onset): the vertical for P, the horizontals together (sum of squares) for S, what there is where those are missing.

- ``snr``: rms over [0, 2] s after the pick / rms over [-5, -0.5] s before it; absent with less than 1 s of noise.
- ``amplitude``: largest absolute value of any used component over [0, 3] s (counts).
- ``width``: standard deviation (s) of the Gaussian whose full width at half maximum is that of the probability peak:
  FWHM / 2.355, at least one sample. Networks are trained on peaks of a set width, so this has a floor near 0.1 s and
  says little of how exact the time is; `time_error` does.
- ``quality``: probability that a direct arrival of the pick's phase lies within 0.5 s of the pick, by logistic
  regression on `FEATURES` with `COEFFICIENTS`. docs/explanation/pick-quality.md says what it is calibrated on, how well
  that carries over, and how the coefficients were found.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from catalogdb.picking.peak_table import PHASES
from catalogdb.picking.stretches import Stretch
from catalogdb.picking.threads import in_threads

BAND_HZ = (1.0, 20.0)
NOISE_SECONDS = (-5.0, -0.5)
LEAST_NOISE_SECONDS = 1.0
SIGNAL_SECONDS = (0.0, 2.0)
AMPLITUDE_SECONDS = (0.0, 3.0)
SETTLE_SECONDS = 15.0
WIDEST_PEAK_SECONDS = 2.0
COMPETING_SECONDS = 0.5
REACH_SECONDS = SETTLE_SECONDS - NOISE_SECONDS[0]
"""Data this far before a pick take part in its measures."""
LEAST_DELAY_SECONDS = 0.5
NEIGHBOUR_SECONDS = 10.0
PROBABILITY_LIMITS = (0.001, 0.999)
SNR_LIMITS = (0.3, 30.0)
SNR_WHERE_UNKNOWN = 2.5
"""Rather below the medians (1.9 to 5.9) of the picks that the score is calibrated on."""
WIDTH_LIMITS_SECONDS = (0.01, 0.5)
USUAL_WIDTH_SECONDS = 0.1
FEATURES = ("probability", "snr", "wide", "narrow", "competing", "partner", "rival")
"""Log odds of the probability; ln snr; ln(width / 0.1 s) above and, with its sign turned, below 0; the other
phase's probability within 0.5 s; partner and rival as `neighbours` gives them. The first three are limited as above."""
COEFFICIENTS = {
    ("network", "P"): (0.10, 0.65, 1.16, -0.61, -0.32, -2.11, 1.73, -1.56),
    ("network", "S"): (-0.34, 0.62, 2.02, 0.00, -0.20, -0.21, 0.69, -1.94),
    ("stalta", "P"): (-1.72, 0.27, 0.50, -0.17, 0.56, 0.00, 1.19, -1.25),
    ("stalta", "S"): (-2.37, 0.10, 0.74, 0.00, 1.40, 0.00, 0.00, -1.09),
}
"""Constant and slopes in the order of `FEATURES`. Made by `python -m benchmarks.quality --fit`; the score never falls
with probability, snr or partner, and never rises with competing or rival."""
_ROWS = {"P": ((0,), (1, 2)), "S": ((1, 2), (0,))}
_LONGEST_SPAN_SECONDS = 600.0
Span = tuple[slice, int, int]
_PEAKS_AT_ONCE = 500


def measured_rows(stretch: Stretch, phase: str) -> list[int]:
    """Rows of the stretch that measures of a phase are made on: the first non-empty of its preferred and other rows."""
    preferred, other = ([row for row in rows if stretch.channels[row]] for rows in _ROWS[phase])
    return preferred or other


def snr_and_amplitude(
    stretch: Stretch, samples: np.ndarray, phase: str, threads: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Signal-to-noise ratio (NaN where unknown) and amplitude (counts) at each pick.

    Args:
        stretch: the data.
        samples: sample numbers of the picks (int64, ascending).
        phase: P or S.
        threads: that measure side by side.
    """
    from scipy.signal import butter, sosfilt

    high = min(BAND_HZ[1], 0.45 * stretch.rate)
    sos = butter(2, (BAND_HZ[0], high), btype="bandpass", fs=stretch.rate, output="sos")
    rows = measured_rows(stretch, phase)
    snr, amplitude = np.full(samples.size, np.nan), np.zeros(samples.size)

    def measure(spans: list[Span]) -> None:
        picks = slice(spans[0][0].start, spans[-1][0].stop)
        of_span = np.repeat(np.arange(len(spans)), [chosen.stop - chosen.start for chosen, _, _ in spans])
        begins, ends = (np.array([span[number] for span in spans]) for number in (1, 2))
        borders = np.concatenate([[0], np.cumsum(ends - begins)])
        first, last = borders[of_span], borders[of_span + 1]
        at = samples[picks] - begins[of_span] + first
        noise, signal, peak = (
            _between(at, seconds, stretch.rate, first, last)
            for seconds in (NOISE_SECONDS, SIGNAL_SECONDS, AMPLITUDE_SECONDS)
        )
        noise_energy, signal_energy = np.zeros(at.size), np.zeros(at.size)
        for row in rows:
            component = stretch.component(row)
            data = np.zeros(borders[-1] + 1)  # one more, for periods that end with the data
            for (_, begin, end), border in zip(spans, borders.tolist(), strict=False):
                np.subtract(component[begin:end], component[begin], out=data[border : border + end - begin])
            data[:-1] = sosfilt(sos, data[:-1])  # what is left of one span has died away where the next is measured
            amplitude[picks] = np.maximum(amplitude[picks], _reduced(np.maximum, np.abs(data), *peak))
            np.square(data, out=data)
            noise_energy += _reduced(np.add, data, *noise)
            signal_energy += _reduced(np.add, data, *signal)
        length = noise[1] - noise[0]
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.sqrt((signal_energy / (signal[1] - signal[0])) / (noise_energy / length))
        enough = length >= LEAST_NOISE_SECONDS * stretch.rate
        snr[picks] = np.where(enough & np.isfinite(ratio), ratio, np.nan)

    in_threads(measure, _batches(_spans(samples, stretch), _LONGEST_SPAN_SECONDS * stretch.rate), threads)
    return snr, amplitude


def _spans(samples: np.ndarray, stretch: Stretch) -> Iterator[Span]:
    """Picks near one another, with the samples [begin, end) of the stretch that they need together."""
    before, after = (math.ceil(seconds * stretch.rate) for seconds in (REACH_SECONDS, AMPLITUDE_SECONDS[1]))
    longest = _LONGEST_SPAN_SECONDS * stretch.rate
    positions = samples.tolist()
    first = 0
    for number in range(1, len(positions) + 1):
        if number < len(positions):
            near = positions[number] - before <= positions[number - 1] + after
            if near and positions[number] - positions[first] <= longest:
                continue
        begin, end = positions[first] - before, positions[number - 1] + after + 1
        yield slice(first, number), max(0, begin), min(stretch.samples, end)
        first = number


def _batches(spans: Iterator[Span], most_samples: float) -> Iterator[list[Span]]:
    """Spans to be filtered at one go, since a call for each costs more than its filtering."""
    batch: list[Span] = []
    length = 0
    for span in spans:
        if batch and length + span[2] - span[1] > most_samples:
            yield batch
            batch, length = [], 0
        batch.append(span)
        length += span[2] - span[1]
    if batch:
        yield batch


def _between(
    at: np.ndarray, seconds: tuple[float, float], rate: float, lowest: np.ndarray, highest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sample numbers [first, end) of a period around each pick, cut to those from its lowest to its highest."""
    first = np.clip(at + math.ceil(seconds[0] * rate), lowest, highest)
    return first, np.clip(at + math.floor(seconds[1] * rate) + 1, first, highest)


def _reduced(function: np.ufunc, values: np.ndarray, first: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The function over values[first:end] of each pair, 0 where that is empty; the last value is beyond them all."""
    borders = np.empty(2 * first.size, dtype=np.int64)
    borders[::2], borders[1::2] = first, end
    reduced = function.reduceat(values, borders)[::2]
    return np.where(end > first, reduced, 0.0)


def peak_width(probability: np.ndarray, samples: np.ndarray, rate: float) -> np.ndarray:
    """Standard deviation (s) from the full width at half maximum of each peak of a probability trace (samples,)."""
    reach = round(WIDEST_PEAK_SECONDS * rate)
    width = np.zeros(samples.size)
    for first in range(0, samples.size, _PEAKS_AT_ONCE):
        some = slice(first, first + _PEAKS_AT_ONCE)
        index = samples[some, None] + np.arange(-reach, reach + 1)
        there = (index >= 0) & (index < probability.size)
        values = np.where(there, probability[np.clip(index, 0, probability.size - 1)], 0).astype(np.float64)
        values = np.nan_to_num(values)
        half = values[:, reach] / 2
        width[some] = _fall(values[:, reach::-1], half) + _fall(values[:, reach:], half)
    return np.maximum(width / 2.355, 1.0) / rate


def _fall(values: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Samples from the first column to where each row first falls below its level, interpolated linearly."""
    below = values < level[:, None]
    at = np.where(below.any(axis=1), below.argmax(axis=1), values.shape[1] - 1)
    row = np.arange(values.shape[0])
    low, high = values[row, at], values[row, np.maximum(at - 1, 0)]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(high > low, (high - level) / (high - low), 1.0)
    return at - 1 + np.clip(part, 0, 1)


def competing_probability(other: np.ndarray, samples: np.ndarray, rate: float) -> np.ndarray:
    """Largest probability of the other phase within `COMPETING_SECONDS` of each pick."""
    reach = round(COMPETING_SECONDS * rate)
    index = np.clip(samples[:, None] + np.arange(-reach, reach + 1), 0, other.size - 1)
    return np.nan_to_num(other[index]).max(axis=1).astype(np.float64)


def neighbours(picks: np.ndarray, own: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What stands near each pick: its partner and its rival, each as the largest probability (picks,), 0 for none.

    The partner is of the other phase, where that belongs: S in [0.5, 10] s after a P, P in [0.5, 10] s before an S. The
    rival is another peak of the same phase within 10 s.

    Args:
        picks: array `PEAK` of picks of one phase.
        own: array `PEAK` of all peaks of that phase in the same stretch, the picks among them, ascending in time.
        other: of the other phase.
    """
    if picks.size == 0:
        return np.zeros(0), np.zeros(0)
    times = picks["time_us"]
    near, far = round(LEAST_DELAY_SECONDS * 1e6), round(NEIGHBOUR_SECONDS * 1e6)
    if PHASES[picks["phase"][0]] == "P":
        partner = _largest(other, times + near, times + far)
    else:
        partner = _largest(other, times - far, times - near)
    rival = np.maximum(_largest(own, times - far, times - 1), _largest(own, times + 1, times + far))
    return partner, rival


def _largest(peaks: np.ndarray, first_us: np.ndarray, last_us: np.ndarray) -> np.ndarray:
    """Largest probability among the peaks in each period [first, last], microseconds."""
    begin = np.searchsorted(peaks["time_us"], first_us, side="left")
    end = np.searchsorted(peaks["time_us"], last_us, side="right")
    return _reduced(np.maximum, np.append(peaks["probability"].astype(np.float64), 0.0), begin, end)


def odds_snr_width(
    probability: np.ndarray, snr: np.ndarray, width: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log odds of the probability, ln snr and ln(width / 0.1 s), each limited. Arguments as of `quality_features`."""
    likely = np.clip(probability, *PROBABILITY_LIMITS)
    loud = np.clip(np.where(np.isnan(snr), SNR_WHERE_UNKNOWN, snr), *SNR_LIMITS)
    breadth = np.clip(width, *WIDTH_LIMITS_SECONDS) / USUAL_WIDTH_SECONDS
    return np.log(likely / (1 - likely)), np.log(loud), np.log(breadth)


def quality_features(
    probability: np.ndarray,
    snr: np.ndarray,
    width: np.ndarray,
    competing: np.ndarray,
    partner: np.ndarray,
    rival: np.ndarray,
) -> np.ndarray:
    """`FEATURES` of each pick, (picks, features). All arguments (picks,), width in s, snr NaN where unknown."""
    odds, loudness, breadth = odds_snr_width(probability, snr, width)
    columns = (odds, loudness, np.maximum(breadth, 0), np.maximum(-breadth, 0), competing, partner, rival)
    return np.column_stack(columns).astype(np.float64)


def quality_score(picker: str, phase: str, features: np.ndarray) -> np.ndarray:
    """Probability (picks,) that picks are right, 1 / (1 + exp(-(constant + features . coefficients))).

    Args:
        picker: as in `PickConfig`; stalta has coefficients of its own, all others those of networks.
        phase: P or S.
        features: what `quality_features` gives.
    """
    constant, *slopes = COEFFICIENTS["stalta" if picker == "stalta" else "network", phase]
    return 1 / (1 + np.exp(-(constant + features @ np.array(slopes))))
