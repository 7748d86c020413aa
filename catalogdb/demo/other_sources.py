"""Three-component ground velocity of what is no earthquake: blasts, and slides and rockfalls at the surface.

They are drawings of what is known of such sources, not models of a certain one, and none of them happened:

- a *blast* is isotropic and shallow: P alike in all directions, S made by conversion only (about as large as P; an
  earthquake's is five times larger), a low corner frequency, shots fired one after the other (ripple firing, Smith
  1989), and a short-period Rayleigh wave (Rg; Kafka 1990) that dies out within some tens of km;
- a *slide* is noise under a spindle-shaped envelope of seconds to a minute without separate P and S, poor in high
  frequencies and travelling as surface waves (Deparis et al. 2008); some are a few impacts (rockfall).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from catalogdb.demo.catalog import Earthquake
from catalogdb.demo.earth import LayeredEarth
from catalogdb.demo.network import SAMPLING_RATE_HZ
from catalogdb.demo.seismogram import (
    Receivers,
    Seismograms,
    arrival_times,
    attenuation,
    brune,
    far_field_scale,
    scattered,
    shift,
    to_zne,
)

_RG_VELOCITY_KM_S = (2.9, 2.0)
"""Of the Rayleigh wave at 0.5 Hz and from 3 Hz on."""
_SLIDE_VELOCITY_KM_S = 1.9
_SLIDE_Q = 45.0


@dataclass(frozen=True)
class Blast:
    """One blast.

    Attributes
    ----------
    depth_km : below sea level
    ml : decides the amplitude
    shots, delay_s : ripple firing: number of shots and time between two of them
    corner_hz : of each shot
    s_share : amplitude of S over that of P
    rg_share : largest amplitude of Rg over that of P, at 10 km
    """

    depth_km: float
    ml: float
    shots: int
    delay_s: float
    corner_hz: float
    s_share: float
    rg_share: float


@dataclass(frozen=True)
class Slide:
    """A slide, or the impacts of a rockfall.

    Attributes
    ----------
    rise_s, decay_s : of the envelope
    peak_hz : where the source is strongest;  falloff : exponent of its amplitude above that
    impacts : number of separate impacts; none: one continuous movement
    """

    rise_s: float
    decay_s: float
    peak_hz: float
    falloff: float
    impacts: int


def random_blast(rng: np.random.Generator) -> Blast:
    """A quarry's blast of usual size."""
    return Blast(
        depth_km=float(rng.uniform(0.05, 0.6)),
        ml=float(rng.uniform(0.8, 2.6)),
        shots=int(rng.integers(1, 31)),
        delay_s=float(rng.uniform(0.008, 0.042)),
        corner_hz=float(np.exp(rng.uniform(np.log(3.0), np.log(15.0)))),
        s_share=float(rng.lognormal(np.log(1.3), 0.6)),
        rg_share=float(rng.lognormal(np.log(1.2), 0.8)),
    )


def random_slide(rng: np.random.Generator) -> Slide:
    """A slide of seconds to a minute, or one in three times a rockfall."""
    duration = float(np.exp(rng.uniform(np.log(6.0), np.log(70.0))))
    rise = duration * float(rng.uniform(0.2, 0.6))
    return Slide(
        rise_s=rise,
        decay_s=duration - rise,
        peak_hz=float(np.exp(rng.uniform(np.log(0.8), np.log(6.0)))),
        falloff=float(rng.uniform(1.0, 3.0)),
        impacts=int(rng.integers(2, 9)) if rng.random() < 1 / 3 else 0,
    )


def synthesize_blast(
    blast: Blast, stations: Receivers, rng: np.random.Generator, *, earth: LayeredEarth = LayeredEarth(), samples: int
) -> Seismograms:
    """Seismograms of a blast at 100 Hz; the first sample is at the time of its first shot.

    Parameters
    ----------
    rng : draws the scattered field, and the shots' scatter around their times
    samples : length
    """
    source = Earthquake(0.0, 46.3, 13.1, blast.depth_km, blast.ml, 0.0, 90.0, 0.0, 1e6)
    frequency = fft.rfftfreq(samples, 1.0 / SAMPLING_RATE_HZ).astype(np.float32)
    count = len(stations.distance_km)
    times = {phase: arrival_times(earth, phase, source, stations) for phase in "PS"}
    apart = times["S"][1].time_s - times["P"][1].time_s
    scale = far_field_scale("P", source, earth, stations)
    shots = _ripple(blast, rng, frequency)
    ground = np.zeros((count, 3, len(frequency)), np.complex64)
    onsets = {}
    for phase, share in (("P", 1.0), ("S", blast.s_share)):
        first, direct, delay = times[phase]
        onsets[phase] = first.time_s + delay
        amplitude = rng.uniform(0.4, 1.0, (count, 1)) * share * _directions(phase, rng, count)
        green = amplitude[:, :, None].astype(np.float32) * shift(frequency, direct.time_s + delay)
        if np.any(refracted := first.refractor >= 0):
            head = 0.25 * amplitude * refracted[:, None]
            green = green + head[:, :, None].astype(np.float32) * shift(
                frequency, np.where(refracted, first.time_s, 0.0) + delay
            )
        wave = scattered(phase, source, stations, rng, direct.time_s + delay, apart, samples)
        green = green + np.float32(share) * wave
        spectrum = brune(frequency, blast.corner_hz) * attenuation(frequency, direct.t_star_s + stations.kappa_s)
        ground += green * (scale[:, None] * spectrum * shots)[:, None, :]
    ground *= np.complex64(2j * np.pi) * frequency
    waves = fft.irfft(ground, samples, axis=-1)
    surface = fft.irfft(_rayleigh(stations, frequency) * shots, samples, axis=-1)
    largest = np.abs(waves[:, 0]).max(axis=-1) * blast.rg_share
    largest = largest * np.sqrt(10.0 / np.maximum(stations.distance_km, 1.0)) * np.exp(-stations.distance_km / 25.0)
    waves += (largest / np.maximum(np.abs(surface).max(axis=(1, 2)), 1e-30)).astype(np.float32)[:, None, None] * surface
    return Seismograms(to_zne(waves, stations.back_azimuth_deg), onsets["P"], onsets["S"])


def _directions(phase: str, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Amplitude on Z, R, T (n, 3) of the direct wave: P from below, S as SV with some SH."""
    incidence = rng.uniform(0.2, 0.9, count)
    cosine, sine = np.cos(incidence), np.sin(incidence)
    if phase == "P":
        return 2.0 * np.stack([cosine, sine, np.zeros(count)], axis=1)
    return 2.0 * np.stack([sine, -cosine, rng.normal(0.0, 0.4, count)], axis=1)


def _ripple(blast: Blast, rng: np.random.Generator, frequency: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Spectrum of the shots' times, each one off by a twentieth of the delay; 1 at 0 Hz."""
    times = blast.delay_s * (np.arange(blast.shots) + rng.normal(0.0, 0.05, blast.shots))
    sizes = rng.lognormal(0.0, 0.3, blast.shots)
    spectrum = np.exp(-2j * np.pi * frequency * times[:, None]).T @ (sizes / sizes.sum())
    return spectrum.astype(np.complex64)


def _rayleigh(stations: Receivers, frequency: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Spectrum of a fundamental Rayleigh wave on Z, R, T; phases follow from its group velocity."""
    fast, slow = _RG_VELOCITY_KM_S
    velocity = np.interp(frequency, [0.5, 3.0], [fast, slow])
    delay = np.cumsum(1.0 / velocity) * (frequency[1] - frequency[0])  # phase is the integral of the group delay
    shape = np.exp(-0.5 * (np.log(np.maximum(frequency, 0.02) / 1.2) / 0.5) ** 2)
    loss = np.exp(-np.pi * frequency * stations.distance_km[:, None] / (60.0 * velocity))
    vertical = shape * loss * np.exp(-2j * np.pi * stations.distance_km[:, None] * delay)
    return np.stack([vertical, 0.7j * vertical, 0.15 * vertical], axis=1).astype(np.complex64)


def synthesize_slide(slide: Slide, stations: Receivers, rng: np.random.Generator, *, samples: int) -> Seismograms:
    """Ground velocity of a slide in units of its own (it has no magnitude); the onset of P is that of the first waves,
    S's is where a locator would look for it."""
    count, distance = len(stations.distance_km), stations.distance_km
    first, velocity = distance / _SLIDE_VELOCITY_KM_S, _SLIDE_VELOCITY_KM_S
    time = np.arange(samples) / SAMPLING_RATE_HZ - first[:, None]
    envelope = np.where(time > 0, np.exp(-np.maximum(time - slide.rise_s, 0.0) / (0.5 * slide.decay_s)), 0.0)
    envelope *= np.clip(time / slide.rise_s, 0.0, 1.0) ** 1.5
    if slide.impacts:
        strokes = np.sort(rng.uniform(0.0, slide.rise_s + slide.decay_s, slide.impacts))
        sizes = rng.lognormal(0.0, 0.8, slide.impacts)
        envelope = 0.15 * envelope + sum(
            size * np.where(time > stroke, np.exp(-(time - stroke) / 0.8), 0.0) * np.clip((time - stroke) / 0.2, 0, 1)
            for stroke, size in zip(strokes, sizes, strict=True)
        )
    bursts = np.exp(0.5 * _smooth_noise(rng, samples))
    field = rng.standard_normal((count, 3, samples)) * (envelope * bursts)[:, None, :]
    frequency = fft.rfftfreq(samples, 1.0 / SAMPLING_RATE_HZ)
    ratio = np.maximum(frequency, 0.01) / slide.peak_hz
    shape = np.where(ratio < 1, ratio, ratio**-slide.falloff)
    loss = np.exp(-np.pi * frequency * (distance[:, None] / (_SLIDE_Q * velocity) + stations.kappa_s[:, None]))
    spectrum = fft.rfft(field, axis=-1) * (shape * loss)[:, None, :]
    waves = fft.irfft(spectrum, samples, axis=-1) * np.array([1.0, 1.1, 0.8])[None, :, None]
    onset = first + 0.15 * slide.rise_s * rng.uniform(0.0, 1.5, count)  # emergent: seen late
    return Seismograms(to_zne(waves.astype(np.float32), stations.back_azimuth_deg), onset, onset + distance / 8.0 + 0.3)


def _smooth_noise(rng: np.random.Generator, samples: int) -> NDArray[np.float64]:
    """Gaussian noise of standard deviation 1 that changes over a second."""
    knots = rng.standard_normal(samples // 100 + 2)
    return np.interp(np.arange(samples) / 100.0, np.arange(len(knots)), knots)
