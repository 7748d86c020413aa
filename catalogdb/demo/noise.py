"""Ground noise and non-seismic disturbances.

Stationary noise lies between Peterson's (1993) low- and high-noise models, so it has their microseism peaks;
cultural noise (2-25 Hz) comes on top and follows the hour of the day. Transients are what pickers are fooled by:
passing cars, spikes, steps and calibration pulses.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from obspy.signal.spectral_estimation import get_nhnm, get_nlnm
from scipy import fft

from catalogdb.demo.network import SAMPLING_RATE_HZ, Instrument, Site

_BLOCK = 32_768
_LOCAL_TIME_OFFSET_H = 1.0
_LOWEST_HZ = 0.02


@cache
def _peterson() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Log10 frequency (increasing), low- and high-noise model (dB re (m/s^2)^2/Hz)."""
    period, low = get_nlnm()
    period_high, high = get_nhnm()
    # ObsPy lists periods from long to short, as interpolation over frequency wants it.
    logarithm = -np.log10(period)
    return logarithm, low, np.interp(logarithm, -np.log10(period_high), high)


def natural_psd(frequency_hz: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """One-sided power spectral density of ground velocity ((m/s)^2/Hz).

    Parameters
    ----------
    frequency_hz : frequencies (Hz); below 0.02 Hz the density is held at that of 0.02 Hz
    weight : 0 for Peterson's low-noise model, 1 for the high-noise model, in between by dB
    """
    frequency = np.maximum(np.asarray(frequency_hz, float), _LOWEST_HZ)
    logarithm, low, high = _peterson()
    position = np.log10(frequency)
    level_db = (1.0 - weight) * np.interp(position, logarithm, low) + weight * np.interp(position, logarithm, high)
    return 10.0 ** (level_db / 10.0) / (2.0 * np.pi * frequency) ** 2


def cultural_psd(frequency_hz: NDArray[np.float64], site: Site) -> NDArray[np.float64]:
    """Full daytime density of cultural noise ((m/s)^2/Hz): a bump around 6 Hz over the natural noise there."""
    frequency = np.maximum(np.asarray(frequency_hz, float), _LOWEST_HZ)
    peak = natural_psd(np.array([5.0]), site.noise_weight)[0] * (10.0 ** (site.cultural_db / 10.0) - 1.0)
    return peak * np.exp(-0.5 * (np.log(frequency / 6.0) / 0.6) ** 2)


def cultural_activity(time_of_day_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share (0.02 to 1) of full cultural power at a UTC time of day (s); quiet nights, a lunch break."""
    hour = (np.asarray(time_of_day_s) / 3600.0 + _LOCAL_TIME_OFFSET_H) % 24.0
    work = 1.0 / (1.0 + np.exp(-(hour - 7.0) / 0.6)) / (1.0 + np.exp((hour - 19.0) / 1.0))
    lunch = 1.0 - 0.4 * np.exp(-0.5 * ((hour - 12.7) / 0.6) ** 2)
    return 0.02 + 0.98 * work * lunch


def stationary_noise(
    rng: np.random.Generator,
    site: Site,
    instrument: Instrument,
    samples: int,
    *,
    start_s: float = 0.0,
    horizontal: bool = False,
) -> NDArray[np.float32]:
    """Noise of one channel in counts, without transients: float32, shape (samples,).

    Blocks of Gaussian noise, each with the density of its own time of day, overlap by half under square-root Hann
    windows, so power is kept. ``start_s`` is the UTC time of day of the first sample (s); horizontals are 2 dB noisier.
    """
    hop = _BLOCK // 2
    blocks = int(np.ceil(samples / hop)) + 1
    frequency = fft.rfftfreq(_BLOCK, 1.0 / SAMPLING_RATE_HZ)
    gain = np.abs(instrument.response(frequency)) ** 2 * instrument.counts_per_m_s**2
    gain *= (10.0**0.2 if horizontal else 1.0) * SAMPLING_RATE_HZ * _BLOCK / 4.0
    natural = (natural_psd(frequency, site.noise_weight) * gain).astype(np.float32)
    cultural = (cultural_psd(frequency, site) * gain).astype(np.float32)
    centre = start_s + np.arange(blocks) * hop / SAMPLING_RATE_HZ
    wander = 10.0 ** (0.1 * np.convolve(rng.standard_normal(blocks + 8), np.ones(9) / 3.0, "valid"))
    activity = (cultural_activity(centre) * wander).astype(np.float32)
    window = np.sin(np.pi * (np.arange(_BLOCK) + 0.5) / _BLOCK).astype(np.float32)
    noise = np.zeros((blocks + 1) * hop, np.float32)
    for index in range(blocks):
        spectrum = rng.standard_normal((len(frequency), 2), dtype=np.float32).view(np.complex64)[:, 0]
        spectrum *= np.sqrt(natural + activity[index] * cultural)
        noise[index * hop : index * hop + _BLOCK] += fft.irfft(spectrum, _BLOCK) * window
    return noise[hop : hop + samples]


def car(rng: np.random.Generator, amplitude: float) -> NDArray[np.float32]:
    """A passing vehicle on three components: 4-25 Hz noise swelling and fading over seconds; (3, samples)."""
    duration = rng.uniform(6.0, 30.0)
    samples = int(duration * SAMPLING_RATE_HZ)
    frequency = fft.rfftfreq(samples, 1.0 / SAMPLING_RATE_HZ)
    shape = np.exp(-0.5 * (np.log(np.maximum(frequency, 0.1) / rng.uniform(6.0, 15.0)) / 0.35) ** 2)
    wave = fft.irfft(fft.rfft(rng.standard_normal((3, samples)), axis=-1) * shape, samples, axis=-1)
    wave /= wave.std()
    position = np.linspace(-1.0, 1.0, samples)
    skew = rng.uniform(-0.4, 0.4)
    swell = np.exp(-0.5 * ((position - skew) / rng.uniform(0.12, 0.3)) ** 2) * (1.0 - position**2)
    return (amplitude * swell * wave * np.array([[1.0], [0.8], [0.8]])).astype(np.float32)


def spike(rng: np.random.Generator, amplitude: float) -> NDArray[np.float32]:
    """One to three samples of electronic spike on one component or all; shape (3, samples)."""
    shape = rng.choice([-1.0, 1.0]) * np.array([1.0, rng.uniform(-0.6, 0.6), rng.uniform(-0.3, 0.3)])
    touched = np.ones(3) if rng.random() < 0.3 else np.eye(3)[rng.integers(3)]
    return (amplitude * touched[:, None] * shape[: rng.integers(1, 4)]).astype(np.float32)


def step(rng: np.random.Generator, amplitude: float, instrument: Instrument = Instrument()) -> NDArray[np.float32]:
    """A small step (tilt, mass centring) through the sensor's high pass, decaying; shape (3, samples)."""
    omega = 2 * np.pi * instrument.corner_hz
    samples = int(min(60.0, 8.0 / omega) * SAMPLING_RATE_HZ)
    time = np.arange(samples) / SAMPLING_RATE_HZ
    decay = np.exp(-omega * time) * (0.5 + 0.5 * np.cos(np.pi * time / time[-1]))
    share = rng.normal(0.0, 1.0, 3) * (rng.random(3) < 0.6)
    share = share if np.any(share) else np.eye(3)[rng.integers(3)]
    return (amplitude * (share / np.abs(share).max())[:, None] * decay).astype(np.float32)


def calibration(rng: np.random.Generator, amplitude: float) -> NDArray[np.float32]:
    """A calibration: two opposite boxcar pulses on all components at once; shape (3, samples)."""
    width = int(rng.uniform(1.0, 4.0) * SAMPLING_RATE_HZ)
    rest = int(rng.uniform(1.0, 4.0) * SAMPLING_RATE_HZ)
    time = np.arange(2 * width + rest) / SAMPLING_RATE_HZ
    pulse = np.zeros(2 * width + rest)
    pulse[:width], pulse[width + rest :] = 1.0, -1.0
    ring = np.exp(-time[:width] / 0.5)
    pulse[:width] *= 0.7 + 0.3 * ring
    pulse[width + rest :] *= 0.7 + 0.3 * ring
    return (amplitude * pulse * np.array([[1.0], [0.9], [1.1]])).astype(np.float32)


def add_transients(
    rng: np.random.Generator, record: NDArray[np.float32], site: Site, *, start_s: float = 0.0
) -> dict[str, list[float]]:
    """Put cars, spikes, steps and calibrations into ``record`` (3, samples; counts) in place.

    Cars follow cultural activity (up to about 40 a day at noisy sites), the others come a few times a day.
    Returns the time of each (s after the first sample) by kind.
    """
    samples = record.shape[-1]
    days = samples / SAMPLING_RATE_HZ / 86_400.0
    level = float(np.median(np.abs(np.diff(record[0, :: max(1, samples // 100_000)])))) + 1.0
    per_day = {"car": 3.0 * site.cultural_db, "spike": 6.0, "step": 2.0, "calibration": 1.0}
    made: dict[str, list[float]] = {}
    for kind, expected in per_day.items():
        made[kind] = []
        for _ in range(rng.poisson(expected * days)):
            position = int(rng.integers(samples))
            if kind == "car":
                if rng.random() > cultural_activity(np.array(start_s + position / SAMPLING_RATE_HZ)):
                    continue
                wave = car(rng, level * rng.uniform(1.0, 8.0))
            elif kind == "spike":
                wave = spike(rng, level * rng.lognormal(4.0, 0.8))
            elif kind == "step":
                wave = step(rng, level * rng.lognormal(3.0, 0.8))
            else:
                wave = calibration(rng, level * rng.lognormal(4.0, 0.5))
            wave = wave[:, : samples - position]
            record[:, position : position + wave.shape[-1]] += wave
            made[kind].append(position / SAMPLING_RATE_HZ)
    return made
