"""Labelled 30 s windows for training a picker, synthesised like the demo day but with other seeds.

A :class:`Pool` holds earthquake traces and stretches of noise. Windows are made from it without end: up to three
earthquakes, at any signal-to-noise ratio, horizontals turned at random, cars, spikes, steps and calibrations, gaps and
dead components. An onset is labelled only where it stands above what precedes it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalogdb.demo.catalog import Earthquake
from catalogdb.demo.network import SAMPLING_RATE_HZ, Instrument, Site
from catalogdb.demo.noise import calibration, car, spike, stationary_noise, step
from catalogdb.demo.seismogram import Receivers, synthesize
from catalogdb.demo.visibility import band_rms

WINDOW_SAMPLES = 3001
SIGMA_S = {"P": 0.10, "S": 0.15}
LEAST_LABELLED_SNR = 1.5

_LEAD = 100
_TRACE_SAMPLES = 4600
_NOISE_SAMPLES = 30_000
_SYNTHESIS_SAMPLES = 8192
_DIGITISER = Instrument().counts_per_m_s


@dataclass(frozen=True)
class Pool:
    """Traces to mix windows from, in counts, components Z, N, E.

    Attributes
    ----------
    traces : float32 (n, 3, 4600), earthquakes without noise; P comes 1 to 1.01 s after the first sample
    onset : float (n, 2), samples of P and S in the trace (not rounded)
    strength : (n, 3), rms in 2-20 Hz of the second after P (Z), the second after S and the 3 s before S (horizontals)
    noise : float32 (m, 3, 30000)
    noise_rms : (m, 2), rms in 2-20 Hz on Z and on the horizontals
    """

    traces: NDArray[np.float32]
    onset: NDArray[np.float64]
    strength: NDArray[np.float64]
    noise: NDArray[np.float32]
    noise_rms: NDArray[np.float64]


@dataclass(frozen=True)
class Windows:
    """A batch: ``data`` float32 (b, 3, 3001) in counts; ``labels`` float32 (b, 3, 3001), probabilities of N, P, S;
    ``onsets``: for each window, the labelled onsets as (phase, sample)."""

    data: NDArray[np.float32]
    labels: NDArray[np.float32]
    onsets: list[list[tuple[str, float]]]


def build_pool(seed: int, *, earthquakes: int = 1000, receivers_each: int = 16, noise_sites: int = 200) -> Pool:
    """A pool from ``seed``: ``earthquakes`` x ``receivers_each`` traces, ``noise_sites`` x 300 s of noise."""
    traces, onsets, strengths = [], [], []
    for index in range(earthquakes):
        rng = np.random.default_rng([seed, 11, index])
        event, stations = random_earthquake(rng), random_receivers(rng, receivers_each)
        made = synthesize(event, stations, rng, samples=_SYNTHESIS_SAMPLES)
        onset = np.stack([made.p_time_s, made.s_time_s], axis=1) * SAMPLING_RATE_HZ
        for wave, times in zip(made.velocity_m_s * np.float32(_DIGITISER), onset, strict=True):
            first = int(times[0]) - _LEAD
            padded = np.pad(wave, ((0, 0), (max(0, -first), max(0, first + _TRACE_SAMPLES - wave.shape[-1]))))
            trace = padded[:, max(0, first) :][:, :_TRACE_SAMPLES]
            traces.append(trace)
            onsets.append(times - first)
            strengths.append(_strength(trace, times - first))
    noise = np.stack([_random_noise(np.random.default_rng([seed, 12, index])) for index in range(noise_sites)])
    in_band = band_rms(noise)
    noise_rms = np.stack([in_band[:, 0], in_band[:, 1:].max(axis=1)], axis=1)
    return Pool(np.stack(traces), np.array(onsets), np.array(strengths), noise, noise_rms)


def make_windows(pool: Pool, rng: np.random.Generator, size: int) -> Windows:
    """``size`` windows drawn from ``pool``."""
    data = np.zeros((size, 3, WINDOW_SAMPLES), np.float32)
    onsets: list[list[tuple[str, float]]] = []
    for index in range(size):
        source = int(rng.integers(len(pool.noise)))
        begin = int(rng.integers(_NOISE_SAMPLES - WINDOW_SAMPLES))
        window = data[index]
        window[:] = pool.noise[source, :, begin : begin + WINDOW_SAMPLES]
        noise_rms = pool.noise_rms[source]
        labelled: list[tuple[str, float]] = []
        for _ in range(rng.choice(4, p=(0.15, 0.60, 0.18, 0.07))):
            labelled += _add_earthquake(pool, rng, window, noise_rms)
        if rng.random() < 0.35:
            _add_transient(rng, window, noise_rms[0])
        onsets.append(_damage(rng, window, labelled))
    return Windows(data, soft_labels(onsets), onsets)


def soft_labels(onsets: list[list[tuple[str, float]]]) -> NDArray[np.float32]:
    """Gaussians at the onsets, sigma 0.10 s for P and 0.15 s for S, and the rest as noise: (b, 3, 3001) for N, P, S."""
    labels = np.zeros((len(onsets), 3, WINDOW_SAMPLES), np.float32)
    sample = np.arange(WINDOW_SAMPLES)
    for label, marked in zip(labels, onsets, strict=True):
        for phase, onset in marked:
            row, sigma = "NPS".index(phase), SIGMA_S[phase] * SAMPLING_RATE_HZ
            np.maximum(label[row], np.exp(-0.5 * ((sample - onset) / sigma) ** 2), out=label[row])
    total = labels.sum(axis=1, keepdims=True)
    labels /= np.maximum(total, 1.0)
    labels[:, 0] = 1.0 - labels[:, 1:].sum(axis=1)
    return labels


def normalize(data: NDArray[np.float32]) -> NDArray[np.float32]:
    """As SeisBench's PhaseNet with ``norm="std"``: each component less its mean, over its standard deviation."""
    centred = data - data.mean(axis=-1, keepdims=True)
    return centred / (centred.std(axis=-1, ddof=1, keepdims=True) + 1e-10)


def random_earthquake(rng: np.random.Generator) -> Earthquake:
    return Earthquake(
        0.0, 46.3, 13.1, float(rng.uniform(1.0, 16.0)), float(rng.uniform(0.3, 3.8)), rng.uniform(0.0, 360.0),
        rng.uniform(10.0, 89.0), rng.uniform(-180.0, 180.0), float(10.0 ** rng.normal(6.5, 0.35)),
    )  # fmt: skip


def random_receivers(rng: np.random.Generator, count: int) -> Receivers:
    azimuth = rng.uniform(0.0, 360.0, count)
    return Receivers(
        110.0 * rng.random(count) ** 0.7, azimuth, (azimuth + 180.0) % 360.0, rng.uniform(0.0, 1900.0, count),
        rng.uniform(0.005, 0.05, count), rng.normal(0.0, 0.05, count),
    )  # fmt: skip


def _random_noise(rng: np.random.Generator) -> NDArray[np.float32]:
    site = Site("ANY", 46.0, 13.0, 0.0, noise_weight=rng.uniform(0.25, 0.65), cultural_db=rng.uniform(2.0, 20.0))
    instrument = Instrument() if rng.random() < 0.7 else Instrument(corner_hz=1.0)
    start = rng.uniform(0.0, 86_400.0)
    channels = [
        stationary_noise(rng, site, instrument, _NOISE_SAMPLES, start_s=start, horizontal=index > 0)
        for index in range(3)
    ]
    return np.stack(channels)


def _strength(trace: NDArray[np.float32], onset: NDArray[np.float64]) -> tuple[float, float, float]:
    p, s = (int(sample) for sample in onset)
    before = trace[1:, max(0, s - 300) : s]
    return (
        float(band_rms(trace[0, p : p + 100])),
        float(band_rms(trace[1:, s : s + 100]).max()),
        float(band_rms(before).max()),
    )


def _add_earthquake(
    pool: Pool, rng: np.random.Generator, window: NDArray[np.float32], noise_rms: NDArray[np.float64]
) -> list[tuple[str, float]]:
    """Add one scaled and turned trace in place; return what can be seen of it."""
    number = int(rng.integers(len(pool.traces)))
    p_rms, s_rms, before_s_rms = pool.strength[number]
    # Seen through S (mostly the larger): nodal P would otherwise give enormous events.
    scale = 10.0 ** rng.uniform(-0.1, 2.7) * noise_rms[1] / s_rms
    place = int(rng.integers(-1200, WINDOW_SAMPLES + 100)) - _LEAD
    begin, end = max(0, place), min(WINDOW_SAMPLES, place + _TRACE_SAMPLES)
    if begin >= end:
        return []
    trace = pool.traces[number, :, begin - place : end - place] * np.float32(scale * rng.choice([-1.0, 1.0]))
    angle = rng.uniform(0.0, 2 * np.pi)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    snr_p = scale * p_rms / max(noise_rms[0], _earlier_rms(window[:1], place + pool.onset[number, 0]))
    earlier = max(noise_rms[1], _earlier_rms(window[1:], place + pool.onset[number, 1]))
    snr_s = scale * s_rms / np.hypot(earlier, scale * before_s_rms)
    window[0, begin:end] += trace[0]
    window[1, begin:end] += cosine * trace[1] + sine * trace[2]
    window[2, begin:end] += cosine * trace[2] - sine * trace[1]
    return [
        (phase, place + float(onset))
        for phase, onset, snr in zip("PS", pool.onset[number], (snr_p, snr_s), strict=True)
        if snr >= LEAST_LABELLED_SNR
    ]


def _earlier_rms(window: NDArray[np.float32], onset: float) -> float:
    """rms in 2-20 Hz of the 3 s before ``onset``, 0 where these lie outside the window."""
    end = int(onset)
    return float(band_rms(window[:, end - 300 : end]).max()) if 300 <= end <= WINDOW_SAMPLES else 0.0


def _add_transient(rng: np.random.Generator, window: NDArray[np.float32], level: float) -> None:
    kind = rng.choice(4, p=(0.45, 0.25, 0.2, 0.1))
    if kind == 0:
        wave = car(rng, level * 10.0 ** rng.uniform(0.0, 1.5))
    elif kind == 1:
        wave = spike(rng, level * 10.0 ** rng.uniform(0.7, 3.0))
    elif kind == 2:
        wave = step(rng, level * 10.0 ** rng.uniform(0.5, 2.5), Instrument(corner_hz=rng.choice([1 / 40, 1.0])))
    else:
        wave = calibration(rng, level * 10.0 ** rng.uniform(1.0, 2.5))
    place = int(rng.integers(-wave.shape[-1] // 2, WINDOW_SAMPLES))
    begin, end = max(0, place), min(WINDOW_SAMPLES, place + wave.shape[-1])
    window[:, begin:end] += wave[:, begin - place : end - place]


def _damage(
    rng: np.random.Generator, window: NDArray[np.float32], onsets: list[tuple[str, float]]
) -> list[tuple[str, float]]:
    """Dead components and gaps, in place; returns the onsets that are left."""
    kind = rng.random()
    if kind < 0.06:
        window[1:] = 0.0
    elif kind < 0.10:
        window[rng.integers(3)] = 0.0
    elif kind < 0.15:
        begin = int(rng.integers(WINDOW_SAMPLES))
        end = begin + int(rng.integers(50, 2000))
        window[:, begin:end] = 0.0
        return [(phase, onset) for phase, onset in onsets if not begin - 20 <= onset <= end + 20]
    return onsets
