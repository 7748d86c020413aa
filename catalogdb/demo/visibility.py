"""Which onsets an analyst could see: the earthquake's own amplitude against what came before it."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from catalogdb.demo.network import SAMPLING_RATE_HZ

BAND_HZ = (2.0, 20.0)
AFTER_S = 1.0
BEFORE_S = 3.0


def band_rms(record: NDArray[np.float32]) -> NDArray[np.float64]:
    """Root mean square in 2-20 Hz along the last axis, by Parseval's theorem on a Hann-windowed segment."""
    samples = record.shape[-1]
    window = np.hanning(samples)
    detrended = record - record.mean(axis=-1, keepdims=True)
    power = np.abs(fft.rfft(detrended * window, axis=-1)) ** 2
    frequency = fft.rfftfreq(samples, 1.0 / SAMPLING_RATE_HZ)
    inside = (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1])
    return np.sqrt(2.0 * power[..., inside].sum(axis=-1) / samples / np.sum(window**2))


def onset_snr(signal: NDArray[np.float32], record: NDArray[np.float32], onset: int, phase: str) -> float:
    """Signal-to-noise ratio of an onset, in 2-20 Hz.

    The rms of ``signal`` alone in the second after the onset, over the rms of the whole ``record`` in the three seconds
    before it (so P coda counts as noise for S); on Z for P, on the better horizontal for S (Z if there is none).

    Parameters
    ----------
    signal, record : shape (components, samples), vertical first, same units and time base
    onset : sample of the onset
    phase : "P" or "S"

    Returns
    -------
    0 where the record is too short on either side or dead before the onset.
    """
    after, before = int(AFTER_S * SAMPLING_RATE_HZ), int(BEFORE_S * SAMPLING_RATE_HZ)
    if onset < before or onset + after > signal.shape[-1]:
        return 0.0
    components = slice(0, 1) if phase == "P" or len(signal) == 1 else slice(1, None)
    numerator = band_rms(signal[components, onset : onset + after])
    denominator = band_rms(record[components, onset - before : onset])
    alive = denominator > 0
    return float(np.max(numerator[alive] / denominator[alive])) if np.any(alive) else 0.0
