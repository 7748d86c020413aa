"""What a Wood-Anderson torsion seismograph would have written, from counts and a sensor's poles and zeros.

The instrument is that of Uhrhammer and Collins (1990, BSSA 80, 702-716): static magnification 2080, damping 0.7 of
critical, free period 0.8 s. Its transfer function from ground displacement to trace is

    2080 s^2 / (s^2 + 2 h w0 s + w0^2),  w0 = 2 pi / 0.8 s,  h = 0.7.

Recorder filters and later stages enter through the overall sensitivity only; within the band kept they are flat.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.signal import detrend

from catalogdb.documents.archive import ChannelResponse
from catalogdb.magnitude.config import MagnitudeConfig
from catalogdb.stations.units import ground_motion_unit

MAGNIFICATION = 2080.0
DAMPING = 0.7
FREE_PERIOD_S = 0.8
MM_PER_M = 1000.0
HIGHEST_OF_NYQUIST = 0.7
"""The band kept ends at this part of the Nyquist frequency at the latest, where recorders' filters are still flat."""


class UnusableResponse(ValueError):
    """A response document that doesn't say how counts become ground motion."""


def wood_anderson_mm(
    counts: np.ndarray, sampling_rate: float, response: ChannelResponse, config: MagnitudeConfig
) -> NDArray[np.float64]:
    """Simulate the Wood-Anderson trace.

    The record loses its straight-line trend, is tapered over `margin_seconds` at both ends, and goes through all
    filters at once in the frequency domain, zero-padded to twice its length.

    Args:
        counts: finite samples, shape (n,).
        sampling_rate: samples per second.
        response: the `response` of a `channel` document: `sensitivity` in counts per input unit, `input_units`, `poles`
            and `zeros` as pairs in rad/s, `sensitivity_frequency` (Hz), `normalization_factor`.
        config: band, water level and margins.

    Returns:
        Trace amplitude in mm, shape (n,).

    Raises:
        UnusableResponse: when the response lacks something or isn't of ground motion.
    """
    data = detrend(np.asarray(counts, dtype=float), type="linear")
    data *= _edge_taper(data.size, sampling_rate * config.margin_seconds)
    length = next_fast_len(2 * data.size, real=True)
    frequency = rfftfreq(length, 1.0 / sampling_rate)
    spectrum = rfft(data, length) * _counts_to_trace(frequency, sampling_rate, response, config)
    return MM_PER_M * irfft(spectrum, length)[: data.size]


def band_hz(sampling_rate: float, config: MagnitudeConfig) -> tuple[float, float]:
    """Ends (Hz) of the band kept at a sampling rate (Hz); the first is the higher one where it is too low."""
    return config.freqmin, min(config.freqmax, HIGHEST_OF_NYQUIST * sampling_rate / 2.0)


def sensor_response(frequency: np.ndarray, response: ChannelResponse) -> NDArray[np.complex128]:
    """Give the response of sensor and recorder in counts per input unit at frequencies in Hz.

    The poles and zeros are scaled to the sensitivity at its own frequency; where that can't be (it is unknown, or
    the sensor is blind there), `normalization_factor` scales them.

    Raises:
        UnusableResponse: when it lacks something, or says itself that it is of no use.
    """
    if reason := response.get("unusable"):
        raise UnusableResponse(reason)
    try:
        sensitivity = abs(float(response["sensitivity"]))
        poles, zeros = (
            np.array([complex(*pair) for pair in response[name]], dtype=complex) for name in ("poles", "zeros")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableResponse(f"no sensitivity, poles or zeros: {error}") from error
    at = response.get("sensitivity_frequency")
    reference = 0.0 if at is None else abs(_poles_zeros(np.array([at]), poles, zeros)[0])
    if at == 0.0 and not math.isfinite(reference):  # an integrator has no sensitivity at zero frequency
        reference = 0.0
    scale = 1.0 / reference if reference > 0.0 else float(response.get("normalization_factor") or 0.0)
    if not (math.isfinite(sensitivity * scale) and sensitivity * scale > 0.0):
        raise UnusableResponse("sensitivity or normalisation is zero or not finite")
    return sensitivity * scale * _poles_zeros(frequency, poles, zeros)


def _poles_zeros(frequency: np.ndarray, poles: np.ndarray, zeros: np.ndarray) -> NDArray[np.complex128]:
    s = 2j * np.pi * np.asarray(frequency, dtype=float)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):  # a pole at zero frequency, which the band leaves out
        return np.prod(s - zeros, axis=1) / np.prod(s - poles, axis=1)


def _counts_to_trace(
    frequency: np.ndarray, sampling_rate: float, response: ChannelResponse, config: MagnitudeConfig
) -> NDArray[np.complex128]:
    """Transfer function from counts to Wood-Anderson trace in metres, zero outside the band."""
    unit = ground_motion_unit(response.get("input_units"))
    if unit is None:
        unusable = response.get("unusable", f"input units {response.get('input_units')!r} are not of ground motion")
        raise UnusableResponse(unusable)
    low, high = band_hz(sampling_rate, config)
    weight = _cosine(frequency, low / 2.0, low) * (1.0 - _cosine(frequency, high, 1.25 * high))
    kept = weight > 0.0
    sensor = sensor_response(frequency[kept], response)
    if not np.isfinite(sensor).all():
        raise UnusableResponse("the poles and zeros are not finite within the band")
    size = np.abs(sensor)
    least = size.max(initial=0.0) * 10.0 ** (-config.water_level_db / 20.0)
    if not least > 0.0:
        raise UnusableResponse("the sensor is blind in the whole band")
    phase = np.where(size > 0.0, sensor / np.where(size > 0.0, size, 1.0), 1.0)
    s = 2j * np.pi * frequency[kept]
    natural = 2.0 * np.pi / FREE_PERIOD_S
    # s^2 of the pendulum over the derivatives that the sensor has taken already
    pendulum = MAGNIFICATION * s ** (2 - unit.derivatives) / (s**2 + 2.0 * DAMPING * natural * s + natural**2)
    transfer = np.zeros(frequency.size, dtype=complex)
    transfer[kept] = weight[kept] * unit.factor * pendulum / (phase * np.maximum(size, least))
    return transfer


def _cosine(values: np.ndarray, begin: float, end: float) -> NDArray[np.float64]:
    """Zero up to `begin`, one from `end` on, a cosine in between."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip((values - begin) / (end - begin), 0.0, 1.0))


def _edge_taper(size: int, edge: float) -> NDArray[np.float64]:
    """Weights that rise from zero over `edge` samples and fall likewise."""
    index = np.arange(size)
    return _cosine(np.minimum(index, size - 1 - index), 0.0, min(edge, size / 2.0))
