"""Waveforms around P arrivals -> spectrograms, or the reasons why there is none.

A frame is tapered by Hann's window; its power is per hertz, so sampling rates can differ. Decibels are over a level,
and what lies below is 0, since factors must not be negative: over the median of the whole spectrogram or of each
frequency (Holtzman et al., 2018), but no farther below the loudest part than `range_db`. With the median alone an event
has the more frames and frequencies over the level the louder it is, and clusters are of magnitudes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalogdb.channels import channel_group, sensor_rank
from catalogdb.features.config import FeaturesConfig
from catalogdb.waveforms.faults import is_clipped, is_slower

Array = NDArray[np.float64]

MOST_OF_NYQUIST = 0.8
"""Recorders' anti-alias filters begin about here."""
TRIPLES = ("ZNE", "Z12", "Z23", "123")
"""Last letters of the channels of three components."""
LOUD_PERCENT = 99.0
CLEAR_SECONDS = 0.2
"""Noise ends this long before the P arrival: picks come late, too."""


class LeftOut(Exception):
    """A station of an event gives no spectrogram; the argument is the reason's name in the counts."""


@dataclass(frozen=True)
class Record:
    """Contiguous samples of one channel.

    Attributes:
        loc, chan: codes.
        rate: samples per second.
        starttime: of the first sample, epoch seconds.
        samples: counts.
    """

    loc: str
    chan: str
    rate: float
    starttime: float
    samples: NDArray[np.generic]


@dataclass(frozen=True)
class Arrival:
    """P of an event at a station.

    Attributes:
        event_id, time: the event and its origin time (epoch seconds).
        net, sta: the station.
        p_time: epoch seconds.
    """

    event_id: str
    time: float
    net: str
    sta: str
    p_time: float


@dataclass(frozen=True)
class Spectrogram:
    """One event at one station.

    Attributes:
        arrival: the event and the station.
        channel_group: the sensor, net.sta.loc.BI.
        snr: amplitude of the loudest frame over that of the noise.
        decibels: over the level, not below 0; shape (frames, frequencies).
    """

    arrival: Arrival
    channel_group: str
    snr: float
    decibels: NDArray[np.float32]


def frequencies_hz(config: FeaturesConfig) -> Array:
    """Frequencies of a spectrogram: whole numbers of cycles in a frame, inside of the band."""
    first = math.ceil(config.freqmin * config.frame_seconds - 1e-9)
    last = math.floor(config.freqmax * config.frame_seconds + 1e-9)
    frequencies: Array = np.arange(max(first, 1), last + 1, dtype=np.float64) / config.frame_seconds
    return frequencies


def frame_starts(config: FeaturesConfig) -> Array:
    """Start of each frame after the P arrival, s."""
    starts: Array = np.arange(config.frames, dtype=np.float64) * config.step_seconds - config.before_seconds
    return starts


def make_spectrogram(records: Sequence[Record], arrival: Arrival, config: FeaturesConfig) -> Spectrogram:
    """The spectrogram of the best sensor around a P arrival.

    Args:
        records: of the station's channels around it.
        arrival: the arrival.
        config: settings.

    Raises:
        LeftOut: `no_waveform`, `other_channels`, `no_component`, `low_rate`, `gap`, `dead`, `clipped` or
            `low_snr`.
    """
    if not records:
        raise LeftOut("no_waveform")
    sensors: dict[str, dict[str, list[Record]]] = {}
    for record in records:
        if record.chan[:2] in config.channel_priority:
            sensor = channel_group(arrival.net, arrival.sta, record.loc, record.chan)
            sensors.setdefault(sensor, {}).setdefault(record.chan[-1:], []).append(record)
    if not sensors:
        raise LeftOut("other_channels")
    reasons = []
    for sensor in sorted(sensors, key=lambda name: (*sensor_rank(name, config.channel_priority), name)):
        try:
            power = _sensor_power(sensors[sensor], arrival.p_time, config)
        except LeftOut as left_out:
            reasons.append(left_out)
            continue
        snr = signal_to_noise(power, config)
        if snr < config.min_snr:
            raise LeftOut("low_snr")
        return Spectrogram(arrival, sensor, snr, decibels(power, config))
    raise reasons[0]


def signal_to_noise(power: Array, config: FeaturesConfig) -> float:
    """Amplitude of the loudest frame that ends after P over the mean of those that end before."""
    in_band, ends = power.sum(axis=1), frame_starts(config) + config.frame_seconds
    is_noise = ends <= max(-CLEAR_SECONDS, ends[0])
    return math.sqrt(float(in_band[~is_noise].max() / max(in_band[is_noise].mean(), 1e-300)))


def decibels(power: Array, config: FeaturesConfig) -> NDArray[np.float32]:
    """Decibels over the level, not below 0.

    Args:
        power: shape (frames, frequencies).
    """
    logarithm = 10.0 * np.log10(np.maximum(power, 1e-300))
    level = np.median(logarithm, axis=0) if config.median == "frequency" else np.median(logarithm)
    if config.range_db is not None:
        level = np.maximum(level, np.percentile(logarithm, LOUD_PERCENT) - config.range_db)
    found: NDArray[np.float32] = np.maximum(logarithm - level, 0.0).astype(np.float32)
    return found


def _sensor_power(channels: Mapping[str, Sequence[Record]], p_time: float, config: FeaturesConfig) -> Array:
    sets = ("Z",) if config.components == "vertical" else TRIPLES
    wanted = next((letters for letters in sets if all(letter in channels for letter in letters)), None)
    if wanted is None:
        raise LeftOut("no_component")
    power: Array = np.sum([_channel_power(channels[letter], p_time, config) for letter in wanted], axis=0)
    return power


def _channel_power(records: Sequence[Record], p_time: float, config: FeaturesConfig) -> Array:
    """Power of the first record that covers the window."""
    fast = [record for record in records if not is_slower(record.rate, 2.0 * config.freqmax / MOST_OF_NYQUIST)]
    if not fast:
        raise LeftOut("low_rate")
    for record in fast:
        length = round(config.frame_seconds * record.rate)
        first = np.round((p_time + frame_starts(config) - record.starttime) * record.rate).astype(int)
        if first[0] < 0 or first[-1] + length > len(record.samples):
            continue
        samples = record.samples[first[0] : first[-1] + length].astype(np.float64)
        frames = samples[first[:, None] - first[0] + np.arange(length)]
        if not np.isfinite(frames).all() or (frames == frames[:, :1]).all(axis=1).any():
            raise LeftOut("dead")
        if is_clipped(samples):
            raise LeftOut("clipped")
        frames -= frames.mean(axis=1, keepdims=True)
        taper = np.hanning(length + 1)[:-1]
        spectrum = np.fft.rfft(frames * taper, axis=1)
        bins = np.round(frequencies_hz(config) * length / record.rate).astype(int)
        power: Array = 2.0 * np.abs(spectrum[:, bins]) ** 2 / (record.rate * (taper**2).sum())
        return power
    raise LeftOut("gap")
