"""How good a pick is: signal-to-noise ratio, amplitude, uncertainty and one score.

All of it is computed from a few seconds around each pick, so it doesn't depend on where data, files or shards begin.

Waveform measures use counts band-passed 1-20 Hz (Butterworth, 2 corners, causal, so that nothing leaks ahead of an
onset): the vertical for P, the horizontals together (sum of squares) for S, what there is where those are missing.

- ``snr``: rms over [0, 2] s after the pick / rms over [-5, -0.5] s before it; absent with less than 1 s of noise.
- ``amplitude``: largest absolute value of any used component over [0, 3] s (counts).
- ``uncertainty``: standard deviation (s) of the Gaussian whose full width at half maximum is that of the probability
  peak: FWHM / 2.355, at least one sample. Networks are trained on peaks of a set width, so this has a floor near 0.1 s.
- ``quality``: geometric mean of four terms in 0..1, ``(p * a * b * c) ** (1/4)``:
  p the peak probability; a = snr^2 / (snr^2 + 4), one half at snr 2 and where there is no snr;
  b = 0.1 s / max(0.1 s, uncertainty); c = p / (p + the other phase's largest probability within 0.5 s).
"""

from __future__ import annotations

import numpy as np

from catalogdb.picking.records import Run

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
_ROWS = {"P": ((0,), (1, 2)), "S": ((1, 2), (0,))}
_PICKS_AT_ONCE = 256


def measured_rows(run: Run, phase: str) -> list[int]:
    """Rows of the run that measures of a phase are made on: the first non-empty of its preferred and other rows."""
    preferred, other = ([row for row in rows if run.channels[row]] for rows in _ROWS[phase])
    return preferred or other


def snr_and_amplitude(run: Run, samples: np.ndarray, phase: str) -> tuple[np.ndarray, np.ndarray]:
    """Signal-to-noise ratio (NaN where unknown) and amplitude (counts) at each pick.

    Args:
        run: the data.
        samples: sample numbers of the picks.
        phase: P or S.
    """
    from scipy.signal import butter, sosfilt

    high = min(BAND_HZ[1], 0.45 * run.rate)
    sos = butter(2, (BAND_HZ[0], high), btype="bandpass", fs=run.rate, output="sos")
    offsets = np.arange(-round(REACH_SECONDS * run.rate), round(AMPLITUDE_SECONDS[1] * run.rate) + 1)

    def within(seconds: tuple[float, float]) -> np.ndarray:
        return (offsets >= seconds[0] * run.rate) & (offsets <= seconds[1] * run.rate)

    noise, signal, peak = within(NOISE_SECONDS), within(SIGNAL_SECONDS), within(AMPLITUDE_SECONDS)
    rows = measured_rows(run, phase)
    snr, amplitude = np.full(samples.size, np.nan), np.zeros(samples.size)
    for first in range(0, samples.size, _PICKS_AT_ONCE):
        some = slice(first, first + _PICKS_AT_ONCE)
        index = np.round(samples[some]).astype(np.int64)[:, None] + offsets
        there = (index >= 0) & (index < run.samples)
        energy = np.zeros(index.shape)
        for row in rows:
            data = run.data[row][np.clip(index, 0, run.samples - 1)].astype(np.float64)
            data = sosfilt(sos, data - data[:, :1], axis=1)
            energy += data**2
            largest = np.abs(data[:, peak]).max(axis=1, where=there[:, peak], initial=0)
            amplitude[some] = np.maximum(amplitude[some], largest)
        with np.errstate(invalid="ignore", divide="ignore"):
            power = [(energy * mask * there).sum(axis=1) / (mask * there).sum(axis=1) for mask in (signal, noise)]
            ratio = np.sqrt(power[0] / power[1])
        enough = (noise * there).sum(axis=1) >= LEAST_NOISE_SECONDS * run.rate
        snr[some] = np.where(enough & np.isfinite(ratio), ratio, np.nan)
    return snr, amplitude


def peak_uncertainty(probability: np.ndarray, samples: np.ndarray, rate: float) -> np.ndarray:
    """Standard deviation (s) from the full width at half maximum of each peak of a probability trace (samples,)."""
    reach = round(WIDEST_PEAK_SECONDS * rate)
    index = samples[:, None] + np.arange(-reach, reach + 1)
    there = (index >= 0) & (index < probability.size)
    values = np.where(there, probability[np.clip(index, 0, probability.size - 1)], 0).astype(np.float64)
    values = np.nan_to_num(values)
    half = values[:, reach] / 2
    width = _fall(values[:, reach::-1], half) + _fall(values[:, reach:], half)
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


def quality_score(
    probability: np.ndarray, snr: np.ndarray, uncertainty: np.ndarray, competing: np.ndarray
) -> np.ndarray:
    """Score in 0..1; the formula stands at the head of this module. All arrays (picks,), uncertainty in s."""
    loud = np.where(np.isnan(snr), 0.5, 1 / (1 + 4 / np.maximum(np.nan_to_num(snr), 1e-6) ** 2))
    sharp = 0.1 / np.maximum(0.1, uncertainty)
    alone = probability / (probability + competing)
    return (probability * loud * sharp * alone) ** 0.25
