"""Numbers that tell kinds of events apart, from the waveforms of one station: P against S in several bands, shapes of
spectra and of the envelope, low frequencies after S.

An explosion makes little S and, near the surface, a Rayleigh wave of low frequency (Taylor et al. 1989; Kafka 1990);
what slides is emergent, long and poor in high frequencies (Hibert et al. 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import butter, detrend, sosfiltfilt

from catalogdb.components import SLOTS
from catalogdb.picking.stretches import Stretch, build_stretches
from catalogdb.waveforms.faults import is_clipped, is_constant, is_slower

if TYPE_CHECKING:
    from obspy import Trace

RATE_HZ = 50.0
LEAST_RATE_HZ = 40.0
"""Of the waveforms; below it the highest band is not there."""
BANDS_HZ = ((0.7, 1.5), (1.5, 3.0), (3.0, 6.0), (6.0, 12.0), (12.0, 18.0))
BEFORE_SECONDS = 10.0
"""Read before P."""
NOISE_SECONDS = 4.0
"""Least stretch of noise before P."""
LEAST_SNR = 2.0
LEAST_APART, MOST_APART = 0.5, 25.0
"""Between P and S (s), for a station to be used: from 4 to 200 km."""
S_OVER_P_TIME = 1.73
"""Travel time of S over that of P: where S is not picked, it is looked for by the origin time."""
CONSTANT_SECONDS = 0.5
"""A component with one value for so long is not used: gaps that were filled with zeros look like blasts."""
ACCELEROMETERS = ("N", "G")
"""Instrument codes (SEED manual, appendix A) whose samples are integrated, for shapes of spectra are those of velocity;
L, which has stood for accelerometers too, is taken as velocity."""
_GUARD = 0.3
_LONGEST = 8.0

NAMES = (
    *(f"p_over_s_{low:g}_{high:g}" for low, high in BANDS_HZ),
    *(f"p_shape_{low:g}_{high:g}" for low, high in BANDS_HZ[1:]),
    *(f"s_shape_{low:g}_{high:g}" for low, high in BANDS_HZ[1:]),
    *(f"late_shape_{low:g}_{high:g}" for low, high in BANDS_HZ[1:]),
    *("p_horizontal", "s_horizontal", "onset", "peak_time", "middle_time", "length", "late_over_s", "apart", "snr"),
)
"""Of the features, in order."""


class NoFeatures(ValueError):
    """A station gives none; its text is one of `REASONS`."""


REASONS = {
    "no_waveform": "without waveforms",
    "gap": "with a gap, or too short",
    "dead": f"with one value for {CONSTANT_SECONDS:g} s or more",
    "clipped": "clipped",
    "low_rate": f"sampled at less than {LEAST_RATE_HZ:g} Hz",
    "no_vertical": "without a vertical component",
    "low_snr": "too close to the noise",
    "too_near": f"with less than {LEAST_APART:g} s from P to S",
    "too_far": f"with more than {MOST_APART:g} s from P to S",
    "unlike_training": "unlike anything in the training",
}
"""Why a station does not vote, in words."""


@dataclass(frozen=True)
class Onsets:
    """Times of P and S at a station (epoch seconds UTC), picked or expected."""

    p: float
    s: float

    @property
    def apart(self) -> float:
        """From P to S (s)."""
        return self.s - self.p


def expected_onsets(p: float | None, s: float | None, origin_time: float | None) -> Onsets | None:
    """P and S, of which one may follow from the other and the origin time; None where that is not known."""
    if p is not None and s is not None and s > p:
        return Onsets(p, s)
    if origin_time is None or (p is None and s is None):
        return None
    if p is None:
        assert s is not None
        return Onsets(origin_time + (s - origin_time) / S_OVER_P_TIME, s)
    return Onsets(p, origin_time + (p - origin_time) * S_OVER_P_TIME)


def read_after(apart: float) -> float:
    """How long after P the waveforms are needed (s), of a station with so many seconds between P and S."""
    return 12.0 + 3.0 * min(max(apart, LEAST_APART), MOST_APART)


def station_features(traces: Sequence[Trace], onsets: Onsets) -> np.ndarray:
    """Features of one station.

    Args:
        traces: of one sensor, in counts; they may be longer than what is needed. Codes tell accelerometers.
        onsets: its P and S.

    Returns:
        float64 (features,) in the order of `NAMES`; NaN where a station without horizontals has none.

    Raises:
        NoFeatures: where they can't be measured.
    """
    if not traces:
        raise NoFeatures("no_waveform")
    if onsets.apart < LEAST_APART:
        raise NoFeatures("too_near")
    if onsets.apart > MOST_APART:
        raise NoFeatures("too_far")
    if is_slower(min(trace.stats.sampling_rate for trace in traces), LEAST_RATE_HZ):
        raise NoFeatures("low_rate")
    rows, p = _window(traces, onsets)
    return _measured(rows, p, onsets.apart)


def _window(traces: Sequence[Trace], onsets: Onsets) -> tuple[np.ndarray, int]:
    """Samples (components, samples) of Z, or of Z, N and E, and the sample of P."""
    first, last = onsets.p - NOISE_SECONDS - 1.0, onsets.p + read_after(onsets.apart) - 1.0
    live = [trace for trace in traces if not _is_dead(trace, first, last)]
    found = [
        stretch
        for stretch in build_stretches(live, RATE_HZ).stretches
        if stretch.time(0) <= first and stretch.time(stretch.samples - 1) >= last
    ]
    if not found:
        raise NoFeatures("gap" if len(live) == len(traces) else "dead")
    vertical = [stretch for stretch in found if stretch.data[0] is not None]
    if not vertical:
        raise NoFeatures("no_vertical" if len(live) == len(traces) else "dead")
    if any(is_clipped(part) for trace in live if (part := _part(trace, first, last)).size):
        raise NoFeatures("clipped")
    stretch = max(vertical, key=lambda each: sum(row is not None for row in each.data))
    before = min(onsets.p - stretch.time(0), BEFORE_SECONDS)
    begin = round((onsets.p - before - stretch.time(0)) * RATE_HZ)
    end = round((onsets.p + read_after(onsets.apart) - stretch.time(0)) * RATE_HZ)
    rows = _rows(stretch, begin, end)
    return rows, round(before * RATE_HZ)


def _part(trace: Trace, start: float, end: float) -> np.ndarray:
    """Samples of a trace between two times."""
    begin, rate = trace.stats.starttime.timestamp, float(trace.stats.sampling_rate)
    return np.asarray(trace.data[max(round((start - begin) * rate), 0) : max(round((end - begin) * rate), 0)])


def _is_dead(trace: Trace, start: float, end: float) -> bool:
    return is_constant(_part(trace, start, end), round(CONSTANT_SECONDS * trace.stats.sampling_rate))


def _rows(stretch: Stretch, begin: int, end: int) -> np.ndarray:
    whole = len(SLOTS) if all(row is not None for row in stretch.data) else 1
    rows = np.stack([_velocity(stretch, row, begin, end) for row in range(whole)])
    return rows - rows.mean(axis=1, keepdims=True)


def _velocity(stretch: Stretch, row: int, begin: int, end: int) -> np.ndarray:
    samples = stretch.component(row)[max(begin, 0) : end].astype(np.float64)
    if (stretch.channels[row] or "")[1:2] not in ACCELEROMETERS:
        return samples
    integrated: np.ndarray = detrend(np.cumsum(samples - samples.mean())) / RATE_HZ
    return integrated


def _measured(rows: np.ndarray, p: int, apart: float) -> np.ndarray:
    at = _Windows(p, apart, rows.shape[1])
    powers = [_band(rows, low, high) ** 2 for low, high in BANDS_HZ]  # of each band (components, samples)
    total = np.array([power.sum(axis=0) for power in powers])
    noise = total[:, at.noise].mean(axis=1)
    p_power, s_power, late = (_above(total[:, part].mean(axis=1), noise) for part in (at.p, at.s, at.late))
    broad = _band(rows, BANDS_HZ[1][0], BANDS_HZ[-1][1])
    envelope = _smooth((broad**2).sum(axis=0), 0.5)
    floor = envelope[at.noise].mean()
    signal = np.maximum(envelope[at.all] - floor, 0.0)
    snr = np.sqrt(max(envelope[at.p].max(), envelope[at.s].max()) / max(floor, 1e-30))
    if not np.isfinite(snr) or snr < LEAST_SNR or not signal.any():
        raise NoFeatures("low_snr")
    middle = 2  # 3 to 6 Hz
    horizontal = [np.nan, np.nan]
    if len(rows) == 3:
        mid = powers[middle] + powers[middle + 1]
        own = [_above(mid[:, part].mean(axis=1), mid[:, at.noise].mean(axis=1)) for part in (at.p, at.s)]
        horizontal = [float(np.log10((each[1] + each[2]) / each[0])) for each in own]
    grown = np.cumsum(signal) / signal.sum()
    quantiles = [(np.searchsorted(grown, share) + 1) / RATE_HZ for share in (0.05, 0.5, 0.95)]
    peak = (int(np.argmax(signal)) + 1) / RATE_HZ
    first = signal[: round(1.5 * RATE_HZ)].max()
    strong = _above(s_power.sum(), 0.0)
    return np.array(
        [
            *np.log10(p_power / s_power),
            *np.diff(np.log10(p_power)),
            *np.diff(np.log10(s_power)),
            *np.diff(np.log10(late)),
            *horizontal,
            0.5 * np.log10(max(first, 1e-6 * signal.max()) / signal.max()),
            np.log10(peak / apart),
            np.log10(quantiles[1] / apart),
            np.log10(max(quantiles[2] - quantiles[0], 0.1)),
            np.log10(late.sum() / strong),
            np.log10(apart),
            np.log10(snr),
        ]
    )


class _Windows:
    """Slices of samples: noise, P, S, after S, and all from P on."""

    def __init__(self, p: int, apart: float, size: int):
        length = min(max(0.85 * apart, 0.6), _LONGEST)
        s = p + round(apart * RATE_HZ)
        guard = round(_GUARD * RATE_HZ)
        long = round(length * RATE_HZ)
        self.noise = slice(0, max(p - 2 * guard, 1))
        self.p = slice(p - guard, min(p - guard + long, s - guard))
        self.s = slice(s - guard, s - guard + max(long, round(2.0 * RATE_HZ)))
        self.late = slice(min(s + round(max(apart, 2.0) * RATE_HZ), size - 100), size)
        self.all = slice(p - guard, size)


def _above(power: np.ndarray, noise: np.ndarray | float) -> np.ndarray:
    """Power without that of the noise; where it hardly stands above it, a tenth of it."""
    return np.maximum(power - noise, 0.1 * power) + 1e-30


def _band(rows: np.ndarray, low: float, high: float) -> np.ndarray:
    sections = butter(3, [low, high], btype="band", fs=RATE_HZ, output="sos")
    filtered: np.ndarray = sosfiltfilt(sections, rows, axis=1)
    return filtered


def _smooth(values: np.ndarray, seconds: float) -> np.ndarray:
    width = round(seconds * RATE_HZ)
    return np.convolve(values, np.full(width, 1 / width), "same")
