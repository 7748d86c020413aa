"""Segments brought to the picker's rate, at samples that don't depend on where a file or a read starts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from catalogdb.picking.segments import Segment

NOMINAL = 1e-3
"""Rates this close to the wanted one (relative) are used as they are, with their own sample times, if the components
share them."""
LARGEST_MISALIGNMENT = 0.5
"""Components of different rates are laid sample on sample only if they stay within this many samples of one another
from the first sample to the last."""
RESAMPLING_SETTLE_SECONDS = 5.0
_SINC_REACH = 16
_SINC_BLOCK = 50_000
_OFFSET_BLOCK = 100_000


def at_rate(segment: Segment, rate: float, overwrite: bool) -> Segment | None:
    """Remove the offset and resample: polyphase FIR, linear phase, output samples numbered from 1970.

    Of the segment's samples, number n is the one nearest n / rate seconds after 1970. Output sample m lies at input
    sample m * down / up, so the first input sample used is the first whose number is a multiple of `down`.
    """
    # The median, so that a spike can't shift a whole day; of some samples, because the exact value doesn't matter.
    offset = float(np.median(segment.data[:: max(1, segment.data.size // 10_000)]))
    if abs(segment.rate / rate - 1) <= NOMINAL:
        return Segment(segment.channels, segment.start_ns, segment.rate, _less_offset(segment.data, offset, overwrite))
    from scipy.signal import resample_poly

    data = segment.data - offset

    factor = Fraction(rate / segment.rate).limit_denominator(1000)
    up, down = factor.numerator, factor.denominator
    number = math.ceil(segment.start_ns * segment.rate / 1e9 - 0.47)  # not at the half, where clock jitter would decide
    skip = -number % down
    if skip >= data.size:
        return None
    output = resample_poly(data[skip:], up, down, window=_anti_alias(up, down))
    return Segment(
        segment.channels,
        segment.start_ns + round(skip * 1e9 / segment.rate),
        segment.rate * up / down,
        output.astype(np.float32),
    )


def _less_offset(data: np.ndarray, offset: float, overwrite: bool) -> np.ndarray:
    """float32 samples less the offset, which is taken off in double precision; by blocks, to save memory."""
    in_place = overwrite and data.itemsize == 4 and data.flags.writeable and data.flags.c_contiguous
    output = data.view(np.float32) if in_place else np.empty(data.size, dtype=np.float32)
    for first in range(0, data.size, _OFFSET_BLOCK):
        block = slice(first, first + _OFFSET_BLOCK)
        output[block] = data[block] - offset
    return output


def share_a_clock(slots: Sequence[Sequence[Segment]]) -> bool:
    everything = [segment for segments in slots for segment in segments]
    if not everything:
        return True
    rates = [segment.rate for segment in everything]
    span_ns = max(segment.end_ns for segment in everything) - min(segment.start_ns for segment in everything)
    return (max(rates) - min(rates)) * span_ns / 1e9 < LARGEST_MISALIGNMENT


def at_exact_rate(segment: Segment, rate: float) -> Segment | None:
    """Interpolate a segment whose rate is nearly right, to samples at whole multiples of 1 / rate seconds since 1970.

    Source: windowed-sinc interpolation, Smith, Digital Audio Resampling (CCRMA), with a Kaiser window of 32 samples.
    """
    if abs(segment.rate - rate) * segment.data.size / rate < 1e-3 * LARGEST_MISALIGNMENT:
        return segment
    first = math.ceil(segment.start_ns * rate / 1e9 - 1e-6)
    last = math.floor((segment.end_ns - 1e9 / segment.rate) * rate / 1e9)
    if last < first:
        return None
    padded = np.pad(segment.data, _SINC_REACH, mode="edge")
    output = np.empty(last - first + 1, dtype=np.float32)
    taps = np.arange(1 - _SINC_REACH, _SINC_REACH + 1)
    for begin in range(0, output.size, _SINC_BLOCK):
        number = np.arange(first + begin, first + min(begin + _SINC_BLOCK, output.size))
        place = (number / rate - segment.start_ns / 1e9) * segment.rate
        whole = np.floor(place).astype(np.int64)
        weights = _kaiser_sinc(place[:, None] - whole[:, None] - taps)
        weights /= weights.sum(axis=1, keepdims=True)  # an offset makes no ripple
        samples = padded[np.clip(whole[:, None] + taps + _SINC_REACH, 0, padded.size - 1)]
        output[begin : begin + number.size] = (samples * weights).sum(axis=1)
    return Segment(segment.channels, round(first * 1e9 / rate), rate, output)


def _kaiser_sinc(lag: np.ndarray) -> np.ndarray:
    inside = np.clip(1 - (lag / _SINC_REACH) ** 2, 0, None)
    return np.sinc(lag) * np.i0(8.0 * np.sqrt(inside)) / np.i0(8.0)


def _anti_alias(up: int, down: int) -> np.ndarray:
    """Low-pass for `resample_poly`, each phase with exactly unit gain at zero frequency: an offset makes no ripple."""
    from scipy.signal import firwin

    widest = max(up, down)
    taps = firwin(2 * 20 * widest + 1, 0.92 / widest, window=("kaiser", 8.0))
    for phase in range(up):
        taps[phase::up] /= taps[phase::up].sum() * up
    return taps
