"""Traces of one channel group -> runs: stretches of aligned components at one rate, without a gap in any of them.

A run is what a picker sees as one piece. Gaps are never filled: wherever the set of available components changes, one
run ends and the next begins. Sample times keep the phase of the data's own clock. Where data are resampled, the output
samples are chosen by their number since 1970, so that they don't depend on where a file or a read starts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from catalogdb.picking.faults import count_faults

if TYPE_CHECKING:
    from obspy import Trace

SLOTS = ("Z", "N", "E")
_SLOT_OF_LETTER = {"Z": 0, "N": 1, "E": 2, "1": 1, "2": 2}
LOWEST_RATE_HZ = 10.0
HIGHEST_RATE_HZ = 10_000.0
LARGEST_COUNT = 1e15
"""Floating-point samples beyond this are taken as not finite: no digitiser gives them, and their squares overflow."""
DEAD_SECONDS = 10.0
"""A channel that shows one and the same value for at least this long is taken as absent."""
_NOMINAL = 1e-3
"""Rates this close to the wanted one (relative) are used as they are, with their own sample times, if the components
share them."""
LARGEST_MISALIGNMENT = 0.5
"""Components of different rates are laid sample on sample only if they stay within this many samples of one another
from the first sample to the last."""
RESAMPLING_SETTLE_SECONDS = 5.0
_SINC_REACH = 16
_SINC_BLOCK = 50_000
_OFFSET_BLOCK = 100_000


@dataclass
class Run:
    """Aligned components without gaps.

    Attributes:
        start_ns: time of sample 0 (nanoseconds since 1970, UTC).
        rate: samples per second.
        data: rows as `SLOTS`, each a float32 array (samples,) of counts with its offset removed, or None where the
            component is absent.
        channels: channel code of each row, None where the component is absent.
    """

    start_ns: int
    rate: float
    data: tuple[np.ndarray | None, ...]
    channels: tuple[str | None, ...]

    @property
    def samples(self) -> int:
        return next(row.size for row in self.data if row is not None)

    @property
    def components(self) -> str:
        """Letters of the components at hand, for example ZNE, Z12 or Z."""
        return "".join(channel[-1] for channel in self.channels if channel)

    def time(self, sample: float) -> float:
        """Time of a sample (epoch seconds UTC, to the microsecond)."""
        return round((self.start_ns + round(sample * 1e9 / self.rate)) / 1000) / 1e6

    def times_us(self, samples: np.ndarray) -> np.ndarray:
        """Times of samples, int64 microseconds since 1970 UTC; the same instants as `time`."""
        since_start_ns = np.rint(samples * 1e9 / self.rate).astype(np.int64)
        return np.rint((self.start_ns + since_start_ns) / 1000).astype(np.int64)


@dataclass
class Records:
    """The runs of one channel group and what was passed over on the way to them.

    Attributes:
        channel_group: ``net.sta.loc.BI``; None where there were no traces.
        runs: ascending in time.
        counts: samples, seconds and traces passed over, by reason.
        problems: the same in words.
    """

    channel_group: str | None = None
    runs: list[Run] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


@dataclass
class _Piece:
    """Contiguous samples of one channel: float64 or integer counts on the way in, float32 at the wanted rate after."""

    channel: str
    start_ns: int
    rate: float
    data: np.ndarray

    @property
    def end_ns(self) -> int:
        """Time of the sample after the last."""
        return self.start_ns + round(self.data.size * 1e9 / self.rate)


def build_runs(traces: Sequence[Trace], rate: float, overwrite: bool = False) -> Records:
    """Align, clean and resample the traces of one channel group.

    Args:
        traces: contiguous traces of one channel group; components Z, N, E or Z, 1, 2, where 1 and 2 stand in for N and
            E unrotated. Samples that aren't finite (or beyond `LARGEST_COUNT`), and stretches of `DEAD_SECONDS` or more
            of one constant value, count as gaps.
        rate: samples per second of the runs.
        overwrite: whether the traces' samples may be destroyed, which saves memory.

    Raises:
        ValueError: if the traces belong to more than one channel group.
    """
    groups = sorted({trace.id.removesuffix(trace.stats.channel) + trace.stats.channel[:-1] for trace in traces})
    if len(groups) > 1:
        raise ValueError(f"one channel group at a time, not {', '.join(groups)}")
    records = Records(groups[0] if groups else None)
    slots = _choose_channels(traces, records)
    pieces: list[list[_Piece]] = []
    for channel_traces in slots:
        cleaned = [part for piece in _joined(channel_traces, records) for part in _live_parts(piece, records)]
        _note_faults(cleaned, records)
        pieces.append([resampled for part in cleaned if (resampled := _at_rate(part, rate, overwrite)) is not None])
    if not _share_a_clock(pieces):
        pieces = [[exact for piece in of_slot if (exact := _at_exact_rate(piece, rate))] for of_slot in pieces]
    records.runs = list(_split_into_runs(pieces))
    return records


def _note_faults(pieces: list[_Piece], records: Records) -> None:
    found = sum((count_faults(piece.data) for piece in pieces), Counter())
    records.counts.update(found)
    if clipped := found["clipped_samples"]:
        records.problems.append(f"{pieces[0].channel}: {clipped} samples are clipped; picked as they are")


def _choose_channels(traces: Sequence[Trace], records: Records) -> list[list[Trace]]:
    """Sort usable traces into slots; one channel per slot, N and E before 1 and 2."""
    by_channel: dict[str, list[Trace]] = {}
    refused: dict[str, float] = {}
    for trace in traces:
        if len(trace.data) == 0:
            records.counts["empty_traces"] += 1
        elif not LOWEST_RATE_HZ <= (rate := float(trace.stats.sampling_rate)) <= HIGHEST_RATE_HZ:
            records.counts["fast_traces" if rate > HIGHEST_RATE_HZ else "slow_traces"] += 1
            refused.setdefault(trace.id, rate)
        else:
            by_channel.setdefault(trace.id, []).append(trace)
    for name, rate in sorted(refused.items()):
        limits = f"{LOWEST_RATE_HZ:g} to {HIGHEST_RATE_HZ:g} Hz"
        records.problems.append(f"{name}: not used, {rate:g} Hz; picking takes {limits}")
    slots: list[list[Trace]] = [[], [], []]
    for name in sorted(by_channel, key=lambda name: (name[-1].isdigit(), name)):
        slot = _SLOT_OF_LETTER.get(name[-1])
        if slot is None or slots[slot]:
            why = "no component Z, N, E, 1 or 2" if slot is None else f"{slots[slot][0].id} is used in its place"
            records.counts["unused_traces"] += len(by_channel[name])
            records.problems.append(f"{name}: not used, {why}")
        else:
            slots[slot] = by_channel[name]
    return slots


def _joined(traces: list[Trace], records: Records) -> list[_Piece]:
    """Join traces of one channel that continue each other within half a sample; of overlaps the earlier trace stays."""
    groups: list[list[_Piece]] = []
    for trace in sorted(traces, key=lambda trace: (trace.stats.starttime.ns, -trace.stats.npts)):
        data = np.ma.filled(trace.data.astype(np.float64), np.nan) if np.ma.isMaskedArray(trace.data) else trace.data
        piece = _Piece(trace.stats.channel, trace.stats.starttime.ns, float(trace.stats.sampling_rate), np.ravel(data))
        if groups:
            first = groups[-1][0]  # whose clock holds for all of them: starts of files may scatter
            end_ns = first.start_ns + sum(part.data.size for part in groups[-1]) * 1e9 / first.rate
            overlap = math.ceil((end_ns - piece.start_ns) * piece.rate / 1e9 - 0.5)
            if overlap > 0:
                records.counts["overlapping_samples"] += min(overlap, piece.data.size)
                if overlap >= piece.data.size:
                    continue
                piece = _slice(piece, overlap, piece.data.size)
            if piece.rate == first.rate and abs(piece.start_ns - end_ns) * piece.rate / 1e9 < 0.5:
                groups[-1].append(piece)
                continue
        groups.append([piece])
    return [
        group[0]
        if len(group) == 1
        else _Piece(group[0].channel, group[0].start_ns, group[0].rate, np.concatenate([part.data for part in group]))
        for group in groups
    ]


def _slice(piece: _Piece, first: int, last: int) -> _Piece:
    return _Piece(piece.channel, piece.start_ns + round(first * 1e9 / piece.rate), piece.rate, piece.data[first:last])


def _live_parts(piece: _Piece, records: Records) -> Iterator[_Piece]:
    """Cut out samples that aren't finite and stretches of a constant value."""
    data = piece.data
    out: list[tuple[int, int]] = []
    if np.issubdtype(data.dtype, np.inexact):
        bad = _true_stretches(~(np.abs(data) < LARGEST_COUNT), 1)
        if bad:
            number = sum(last - first for first, last in bad)
            records.counts["nonfinite_samples"] += number
            records.problems.append(
                f"{piece.channel}: {number} samples aren't finite, the first at "
                f"{(piece.start_ns + bad[0][0] * 1e9 / piece.rate) / 1e9:.3f}; taken as gaps"
            )
            out += bad
    dead = _constant_stretches(data, math.ceil(DEAD_SECONDS * piece.rate))
    if dead:
        seconds = sum(last - first for first, last in dead) / piece.rate
        records.counts["dead_seconds"] += round(seconds)
        records.problems.append(
            f"{piece.channel}: constant for {seconds:.0f} s, the first time from "
            f"{(piece.start_ns + dead[0][0] * 1e9 / piece.rate) / 1e9:.3f}; taken as gaps"
        )
        out += dead
    begin = 0
    for first, last in [*sorted(out), (data.size, data.size)]:
        if first > begin:
            yield _slice(piece, begin, first)
        begin = max(begin, last)


def _true_stretches(mask: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    """[first, after last) of each stretch of True at least `shortest` long."""
    if not mask.any():
        return []
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    stretches = edges.reshape(-1, 2)
    return [(first, end) for first, end in stretches[stretches[:, 1] - stretches[:, 0] >= shortest].tolist()]


def _constant_stretches(data: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    if data.size < shortest:
        return []
    step = max(1, shortest // 2)  # a long constant stretch holds all of the samples between two of these steps
    equal = np.flatnonzero(np.diff(data[::step]) == 0) * step
    if not any((data[first : first + step] == data[first]).all() for first in equal.tolist()):
        return []
    return [(first, last + 1) for first, last in _true_stretches(data[1:] == data[:-1], shortest - 1)]


def _at_rate(piece: _Piece, rate: float, overwrite: bool) -> _Piece | None:
    """Remove the offset and resample: polyphase FIR, linear phase, output samples numbered from 1970.

    Of the piece's samples, number n is the one nearest n / rate seconds after 1970. Output sample m lies at input
    sample m * down / up, so the first input sample used is the first whose number is a multiple of `down`.
    """
    # The median, so that a spike can't shift a whole day; of some samples, because the exact value doesn't matter.
    offset = float(np.median(piece.data[:: max(1, piece.data.size // 10_000)]))
    if abs(piece.rate / rate - 1) <= _NOMINAL:
        return _Piece(piece.channel, piece.start_ns, piece.rate, _less_offset(piece.data, offset, overwrite))
    from scipy.signal import resample_poly

    data = piece.data - offset

    factor = Fraction(rate / piece.rate).limit_denominator(1000)
    up, down = factor.numerator, factor.denominator
    number = math.ceil(piece.start_ns * piece.rate / 1e9 - 0.47)  # not at the half, where clock jitter would decide
    skip = -number % down
    if skip >= data.size:
        return None
    output = resample_poly(data[skip:], up, down, window=_anti_alias(up, down))
    return _Piece(
        piece.channel,
        piece.start_ns + round(skip * 1e9 / piece.rate),
        piece.rate * up / down,
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


def _share_a_clock(slots: list[list[_Piece]]) -> bool:
    everything = [piece for pieces in slots for piece in pieces]
    if not everything:
        return True
    rates = [piece.rate for piece in everything]
    span_ns = max(piece.end_ns for piece in everything) - min(piece.start_ns for piece in everything)
    return (max(rates) - min(rates)) * span_ns / 1e9 < LARGEST_MISALIGNMENT


def _at_exact_rate(piece: _Piece, rate: float) -> _Piece | None:
    """Interpolate a piece whose rate is nearly right, to samples at whole multiples of 1 / rate seconds since 1970.

    Source: windowed-sinc interpolation, Smith, Digital Audio Resampling (CCRMA), with a Kaiser window of 32 samples.
    """
    if abs(piece.rate - rate) * piece.data.size / rate < 1e-3 * LARGEST_MISALIGNMENT:
        return piece
    first = math.ceil(piece.start_ns * rate / 1e9 - 1e-6)
    last = math.floor((piece.end_ns - 1e9 / piece.rate) * rate / 1e9)
    if last < first:
        return None
    padded = np.pad(piece.data, _SINC_REACH, mode="edge")
    output = np.empty(last - first + 1, dtype=np.float32)
    taps = np.arange(1 - _SINC_REACH, _SINC_REACH + 1)
    for begin in range(0, output.size, _SINC_BLOCK):
        number = np.arange(first + begin, first + min(begin + _SINC_BLOCK, output.size))
        place = (number / rate - piece.start_ns / 1e9) * piece.rate
        whole = np.floor(place).astype(np.int64)
        weights = _kaiser_sinc(place[:, None] - whole[:, None] - taps)
        weights /= weights.sum(axis=1, keepdims=True)  # an offset makes no ripple
        samples = padded[np.clip(whole[:, None] + taps + _SINC_REACH, 0, padded.size - 1)]
        output[begin : begin + number.size] = (samples * weights).sum(axis=1)
    return _Piece(piece.channel, round(first * 1e9 / rate), rate, output)


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


def _split_into_runs(slots: list[list[_Piece]]) -> Iterator[Run]:
    """Cut at every start and end of a piece, so that each run has one piece, or none, of each component throughout."""
    everything = [piece for pieces in slots for piece in pieces]
    if not everything:
        return
    origin_ns, rate = min(piece.start_ns for piece in everything), everything[0].rate
    starts, ends = [], []
    for pieces in slots:
        slot_starts: list[int] = []
        slot_ends: list[int] = []
        for piece in pieces:
            first = round((piece.start_ns - origin_ns) * rate / 1e9)
            if slot_ends:
                first = max(first, slot_ends[-1])  # rounding may put neighbours on one sample
            slot_starts.append(first)
            slot_ends.append(first + piece.data.size)
        starts.append(np.array(slot_starts, dtype=np.int64))
        ends.append(np.array(slot_ends, dtype=np.int64))
    borders = np.unique(np.concatenate(starts + ends))
    chosen = np.full((len(slots), borders.size - 1), -1)
    for slot in range(len(slots)):
        if starts[slot].size:
            index = np.searchsorted(starts[slot], borders[:-1], side="right") - 1
            inside = (index >= 0) & (borders[:-1] < ends[slot][index])
            chosen[slot, inside] = index[inside]
    changes = np.flatnonzero((np.diff(chosen, axis=1) != 0).any(axis=0)) + 1
    for column, after in zip([0, *changes], [*changes, borders.size - 1], strict=True):
        used = chosen[:, column]
        if (used < 0).all():
            continue
        first, last = int(borders[column]), int(borders[after])
        data: list[np.ndarray | None] = [None] * len(slots)
        channels: list[str | None] = [None] * len(slots)
        clock = None
        for slot, index in enumerate(used):
            if index < 0:
                continue
            piece, offset = slots[slot][index], first - int(starts[slot][index])
            data[slot] = piece.data[offset : offset + last - first]  # a view: a day is large
            channels[slot] = piece.channel
            if clock is None:
                clock = (piece.start_ns + round(offset * 1e9 / piece.rate), piece.rate)
        yield Run(clock[0], clock[1], tuple(data), tuple(channels))
