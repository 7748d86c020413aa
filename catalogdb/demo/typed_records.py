"""Made records of earthquakes, blasts and slides, each of an event at a few places of its own, with noise.

Each event has its stations, signal-to-noise ratios, instruments, and times of P and S as a picker and a locator would
have them: late or early, and S often only from the origin. The three kinds are drawn from the same distances, ratios
and instruments, so none of these tells them apart.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from catalogdb.demo.catalog import Earthquake
from catalogdb.demo.network import SAMPLING_RATE_HZ, Instrument, Site
from catalogdb.demo.noise import stationary_noise
from catalogdb.demo.other_sources import random_blast, random_slide, synthesize_blast, synthesize_slide
from catalogdb.demo.seismogram import Receivers, Seismograms, synthesize
from catalogdb.demo.visibility import band_rms
from catalogdb.training.formats import traces_of
from catalogdb.training.records import LabelledRecord, Onset

TYPES = ("earthquake", "quarry blast", "slide")
MOST_STATIONS = 8
START = 1_577_836_800.0
"""2020-01-01; events lie two hours apart from there on."""
APART_S = 7200.0

_SAMPLES = 12_288
_LEAD = 1500
_AFTER = 7500
_MOST_DISTANCE_KM = 90.0


def typed_records(seed: int, events: int, types: tuple[str, ...] = TYPES) -> Iterator[LabelledRecord]:
    """Records of so many events, the types in turn; the same seed makes the same records."""
    for number in range(events):
        yield from _event(np.random.default_rng([seed, 21, number]), seed, number, types[number % len(types)])


def _event(rng: np.random.Generator, seed: int, number: int, kind: str) -> Iterator[LabelledRecord]:
    stations = _receivers(rng, int(rng.integers(1, MOST_STATIONS + 1)))
    made = _seismograms(rng, kind, stations)
    start = START + APART_S * number
    off = rng.lognormal(0.0, 0.12)  # the locator's error of the distance
    for place in range(len(stations.distance_km)):
        instrument = Instrument() if rng.random() < 0.6 else Instrument("EH", corner_hz=1.0)
        p_s, s_s = float(made.p_time_s[place]), float(made.s_time_s[place])
        wave = _cut(made.velocity_m_s[place], round(p_s * SAMPLING_RATE_HZ) - _LEAD)
        wave = _at_a_site(rng, wave, _LEAD + round((s_s - p_s) * SAMPLING_RATE_HZ))
        data = _with_noise(rng, wave, instrument, components=1 if rng.random() < 0.05 else 3)
        picked = start + _LEAD / SAMPLING_RATE_HZ + rng.normal(0.0, 0.08)
        apart = (s_s - p_s) * off * (1.0 if rng.random() < 0.5 else rng.lognormal(0.0, 0.1))
        onsets = (Onset("P", picked), Onset("S", picked + apart))
        station = f"MM.M{seed % 100:02d}{place}"
        codes = [instrument.band + letter for letter in "ZNE"[: len(data)]]
        yield LabelledRecord(
            name=f"{kind} {seed}-{number}-{place}",
            station=station,
            traces=traces_of(data, station, codes, start, SAMPLING_RATE_HZ),
            onsets=onsets,
            known="PS",
            event=f"{seed}-{number}",
            event_type=kind,
        )


def _receivers(rng: np.random.Generator, count: int) -> Receivers:
    azimuth = rng.uniform(0.0, 360.0, count)
    nearest = rng.uniform(2.0, 40.0)
    return Receivers(
        np.minimum(nearest * rng.lognormal(0.3, 0.5, count), _MOST_DISTANCE_KM),
        azimuth,
        (azimuth + 180.0) % 360.0,
        rng.uniform(0.0, 1500.0, count),
        rng.uniform(0.005, 0.07, count),
        rng.normal(0.0, 0.05, count),
    )


def _seismograms(rng: np.random.Generator, kind: str, stations: Receivers) -> Seismograms:
    if kind == "quarry blast":
        return synthesize_blast(random_blast(rng), stations, rng, samples=_SAMPLES)
    if kind == "slide":
        return synthesize_slide(random_slide(rng), stations, rng, samples=_SAMPLES)
    event = Earthquake(
        0.0, 46.3, 13.1, float(rng.uniform(1.0, 18.0)), float(rng.uniform(0.3, 3.8)), rng.uniform(0.0, 360.0),
        rng.uniform(10.0, 89.0), rng.uniform(-180.0, 180.0), float(10.0 ** rng.normal(6.5, 0.5)),
    )  # fmt: skip
    return synthesize(event, stations, rng, samples=_SAMPLES)


def _cut(velocity_m_s: NDArray[np.float32], first: int) -> NDArray[np.float32]:
    """Samples from `first` on, zeros where there is nothing."""
    size = _LEAD + _AFTER
    padded = np.pad(velocity_m_s, ((0, 0), (max(0, -first), max(0, first + size - velocity_m_s.shape[-1]))))
    return padded[:, max(0, first) :][:, :size]


def _at_a_site(rng: np.random.Generator, wave: NDArray[np.float32], s_sample: int) -> NDArray[np.float32]:
    """What sites and paths do to waves of any source: P against S and horizontals against the vertical vary from one
    place to another by more than one layered Earth makes, and spectra are tilted. The spreads are such that earthquakes
    vary as recorded ones do."""
    samples = wave.shape[-1]
    frequency = np.fft.rfftfreq(samples, 1.0 / SAMPLING_RATE_HZ)
    tilt = (np.clip(frequency, 0.5, 25.0) / 5.0) ** rng.normal(0.35, 0.45)
    tilted = np.fft.irfft(np.fft.rfft(wave, axis=-1) * tilt, samples, axis=-1)
    ramp = np.clip((np.arange(samples) - s_sample) / 20.0 + 1.0, 0.0, 1.0)
    gain = 1.0 + (rng.lognormal(0.0, 0.55) - 1.0) * ramp
    tilted[1:] *= rng.lognormal(0.0, 0.35)
    result: NDArray[np.float32] = (tilted * gain).astype(np.float32)
    return result


def _with_noise(
    rng: np.random.Generator, wave: NDArray[np.float32], instrument: Instrument, components: int
) -> NDArray[np.float32]:
    """Counts with the noise of a site, at a random signal-to-noise ratio (2 to 300, of the strongest second)."""
    frequency = np.fft.rfftfreq(wave.shape[-1], 1.0 / SAMPLING_RATE_HZ).astype(np.float64)
    response = instrument.response(frequency)
    counts = np.fft.irfft(np.fft.rfft(wave, axis=-1) * response, wave.shape[-1], axis=-1).astype(np.float32)
    site = Site("ANY", 46.0, 13.0, 0.0, noise_weight=rng.uniform(0.2, 0.6), cultural_db=rng.uniform(2.0, 20.0))
    time = rng.uniform(0.0, 86_400.0)
    noise = np.stack(
        [stationary_noise(rng, site, instrument, wave.shape[-1], start_s=time, horizontal=n > 0) for n in range(3)]
    )
    strongest = max(
        float(band_rms(counts[:, begin : begin + 100]).max()) for begin in range(_LEAD, wave.shape[-1] - 100, 100)
    )
    scale = 10.0 ** rng.uniform(0.3, 2.5) * float(band_rms(noise).max()) / max(strongest, 1e-30)
    return (scale * counts + noise)[:components].astype(np.float32)
