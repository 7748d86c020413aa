"""Hours of noise as a real station records it, and what goes wrong with digitisers, telemetry and archives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import obspy

RATE = 100.0
STARTTIME = 1_704_067_200.0
OFFSETS = (1234, -500, 20_000)
_QUIET_SECONDS = 90
_SEGMENT = 2000
LARGEST_24_BIT = 2**23 - 1


def real_noise(realdata: Path, seconds: float, seed: int = 0) -> np.ndarray:
    """Counts (3, samples) at 100 Hz, Z, N, E, with the spectra of 90 quiet seconds at OK.SIO and random phases."""
    random = np.random.default_rng(seed)
    samples = round(seconds * RATE)
    rows = []
    for letter, offset in zip("ZNE", OFFSETS, strict=True):
        (path,) = (realdata / "oklahoma_2013" / "mseed").glob(f"SIO.HH{letter}*")
        quiet = obspy.read(str(path))[0].data[: round(_QUIET_SECONDS * RATE)].astype(np.float64)
        taper = np.hanning(_SEGMENT)
        parts = [quiet[begin : begin + _SEGMENT] for begin in range(0, quiet.size - _SEGMENT + 1, _SEGMENT // 2)]
        power = np.median([np.abs(np.fft.rfft(taper * (part - part.mean()))) ** 2 for part in parts], axis=0)
        power /= (taper**2).sum() * np.log(2)  # the median of a chi-squared power is log 2 of its mean
        frequency = np.fft.rfftfreq(samples, 1 / RATE)
        level = np.sqrt(np.interp(frequency, np.fft.rfftfreq(_SEGMENT, 1 / RATE), power) * samples / 2)
        level[0] = 0.0
        phases = random.normal(size=frequency.size) + 1j * random.normal(size=frequency.size)
        rows.append(np.rint(np.fft.irfft(level * phases, samples)) + offset)
    return np.array(rows)


def as_traces(data: np.ndarray, rate: float = RATE, channels: tuple[str, ...] = ("HHZ", "HHN", "HHE")) -> list:
    """Counts (components, samples) as ObsPy traces of one sensor; int32 where they fit."""
    header = {"network": "XX", "station": "A", "sampling_rate": rate, "starttime": obspy.UTCDateTime(STARTTIME)}
    whole = np.isfinite(data).all() and np.abs(data).max() < 2**31 and (data == np.rint(data)).all()
    rows = data.astype(np.int32) if whole else data
    return [obspy.Trace(row, {**header, "channel": channel}) for row, channel in zip(rows, channels, strict=True)]


def _every(data: np.ndarray, seconds: float, change: Callable[[np.ndarray, int], None]) -> np.ndarray:
    changed = data.copy()
    for at in range(3000, data.shape[1] - 3000, round(seconds * RATE)):
        change(changed, at)
    return changed


def _steps(size: float, rows: slice = slice(None)) -> Callable[[np.ndarray], np.ndarray]:
    def change(data: np.ndarray, at: int) -> None:
        data[rows, at:] += size if (at // 100) % 2 else -size

    return lambda data: _every(data, 61, change)


def _spikes(seconds: float, size: float, samples: int = 1, rows: slice = slice(None)):
    def change(data: np.ndarray, at: int) -> None:
        data[rows, at : at + samples] += size

    return lambda data: _every(data, seconds, change)


def _filled(seconds: float, value: float):
    def change(data: np.ndarray, at: int) -> None:
        data[:, at : at + round(seconds * RATE)] = value

    return lambda data: _every(data, 60, change)


def _held(seconds: float):
    def change(data: np.ndarray, at: int) -> None:
        data[:, at : at + round(seconds * RATE)] = data[:, [at]]

    return lambda data: _every(data, 60, change)


def _interpolated(seconds: float):
    def change(data: np.ndarray, at: int) -> None:
        end = at + round(seconds * RATE)
        line = np.linspace(0, 1, end - at)
        data[:, at:end] = np.rint(data[:, [at]] + line * (data[:, [end]] - data[:, [at]]))

    return lambda data: _every(data, 60, change)


def _wrapped(data: np.ndarray) -> np.ndarray:
    """A slow swing of 1e7 counts in a counter of 24 bits."""
    swing = 1e7 * np.sin(2 * np.pi * np.arange(data.shape[1]) / RATE / 600)
    return np.rint((data + swing + 2**23) % 2**24 - 2**23)


def _box(data: np.ndarray) -> np.ndarray:
    boxed = data.copy()
    boxed[:, data.shape[1] // 4 : 3 * data.shape[1] // 4] += 1_000_000
    return boxed


def _garbage(data: np.ndarray) -> np.ndarray:
    random = np.random.default_rng(2)

    def change(changed: np.ndarray, at: int) -> None:
        changed[:, at : at + 400] = random.integers(-(2**31), 2**31 - 1, (3, 400))

    return _every(data, 60, change)


def _clipped(data: np.ndarray) -> np.ndarray:
    centre, width = np.median(data, axis=1, keepdims=True), data.std(axis=1, keepdims=True)
    return np.rint(np.clip(data, centre - width / 2, centre + width / 2))


def _not_a_number(data: np.ndarray) -> np.ndarray:
    def change(changed: np.ndarray, at: int) -> None:
        changed[:, at : at + 5] = np.nan
        changed[:, at + 9] = np.inf

    return _every(data, 60, change)


FAULTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda data: data,
    "steps of 1e6 counts each minute": _steps(1e6),
    "the same on the vertical alone": _steps(1e6, slice(0, 1)),
    "a box of 1e6 counts over half the time": _box,
    "spikes of 1e4 counts each second": _spikes(1, 1e4),
    "spikes of 1e7 counts each second": _spikes(1, 1e7),
    "spikes of 3 samples, 1e5 counts, each 7 s": _spikes(7, 1e5, 3),
    "zeros for 5 s each minute": _filled(5, 0),
    "zeros for 0.5 s each minute": _filled(0.5, 0),
    "the largest 24-bit value for 1 s each minute": _filled(1, LARGEST_24_BIT),
    "the least int32 for 0.1 s each minute": _filled(0.1, -(2**31)),
    "24-bit counter that wraps": _wrapped,
    "clipped at half its standard deviation": _clipped,
    "random samples for 4 s each minute": _garbage,
    "NaN and infinite samples each minute": _not_a_number,
    "last value held for 3 s each minute": _held(3),
    "last value held for 9 s each minute": _held(9),
    "gaps of 5 s filled by a line each minute": _interpolated(5),
}
"""Name of a fault -> counts (3, samples) with it."""
