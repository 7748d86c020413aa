"""Traces of the channels in one slot -> segments: contiguous samples, short gaps bridged, dead times cut out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from catalogdb.spans import true_spans
from catalogdb.waveforms.clock import straight_clocks

if TYPE_CHECKING:
    from obspy import Trace

LARGEST_COUNT = 1e15
"""Floating-point samples beyond this are taken as not finite: no digitiser gives them, and their squares overflow."""
DEAD_SECONDS = 10.0
"""A channel that shows one and the same value for at least this long is taken as absent."""
CONTINUES = 0.5
"""A trace this near (samples) to where the one before ends continues it."""
CLOCK_GOES_ON = 0.25
"""A gap is bridged where the samples after it are this near (samples) to the clock of those before."""
BRIDGED_SHARE = 20
"""A gap is bridged only between data this many times as long: no more than a twentieth is ever made up."""
NEIGHBOURHOOD_SECONDS = 10.0
"""Another channel continues a segment where the jump to its first sample is no larger than the largest near it."""


@dataclass
class Segment:
    """Contiguous samples of one slot: float64 or integer counts on the way in, float32 at the wanted rate after.

    Attributes:
        channels: (time in nanoseconds since 1970, code) from which on each channel holds, ascending.
        start_ns: time of sample 0 (nanoseconds since 1970, UTC).
        rate: samples per second.
        data: samples (n,).
    """

    channels: tuple[tuple[int, str], ...]
    start_ns: int
    rate: float
    data: np.ndarray

    @property
    def channel(self) -> str:
        """Code of the first channel."""
        return self.channels[0][1]

    @property
    def end_ns(self) -> int:
        """Time of the sample after the last."""
        return self.start_ns + round(self.data.size * 1e9 / self.rate)

    def cut(self, first: int, last: int) -> Segment:
        """Samples [first, last)."""
        return replace(self, start_ns=self.start_ns + round(first * 1e9 / self.rate), data=self.data[first:last])


@dataclass
class Passed:
    """What was passed over or repaired: samples, seconds and traces by reason, and the same in words."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def segment_of(trace: Trace, start: float, end: float) -> Segment | None:
    """The samples of a trace with times in [start, end), epoch seconds, to half a sample; masked ones are NaN."""
    begin_ns, rate = trace.stats.starttime.ns, float(trace.stats.sampling_rate)
    data = np.ma.filled(trace.data.astype(np.float64), np.nan) if np.ma.isMaskedArray(trace.data) else trace.data
    data = np.ravel(data)
    edges = (math.ceil((time - begin_ns / 1e9) * rate - 0.5) for time in (start, end))
    first, last = (min(max(edge, 0), data.size) for edge in edges)
    if first >= last:
        return None
    start_ns = begin_ns + round(first * 1e9 / rate)
    return Segment(((start_ns, trace.stats.channel),), start_ns, rate, data[first:last])


def joined(segments: Sequence[Segment], bridge_samples: int, passed: Passed) -> list[Segment]:
    """Join segments that continue each other within half a sample; of overlaps the earlier segment stays.

    Gaps of up to `bridge_samples` are filled by a straight line where the clock goes on and the data on both sides are
    `BRIDGED_SHARE` times as long.
    """
    whole = _continued(segments, passed)
    if bridge_samples == 0 or len(whole) < 2:
        return whole
    chains = [([whole[0]], [0])]
    for segment in whole[1:]:
        parts, first_sample = chains[-1]
        last = parts[-1]
        late = (segment.start_ns - last.start_ns) * last.rate / 1e9 - last.data.size
        gap = round(late)
        clock_goes_on = 0 < gap <= bridge_samples and abs(late - gap) <= CLOCK_GOES_ON and segment.rate == last.rate
        if clock_goes_on and min(last.data.size, segment.data.size) >= BRIDGED_SHARE * gap and _goes_on(last, segment):
            first_sample.append(first_sample[-1] + last.data.size + gap)
            parts.append(segment)
        else:
            chains.append(([segment], [0]))
    return [segment for parts, first_sample in chains for segment in _bridged(parts, first_sample, passed)]


def _continued(segments: Sequence[Segment], passed: Passed) -> list[Segment]:
    groups: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda segment: (segment.start_ns, -segment.data.size)):
        if groups:
            first = groups[-1][0]  # whose clock holds for all of them: starts of files may scatter
            end_ns = first.start_ns + sum(part.data.size for part in groups[-1]) * 1e9 / first.rate
            overlap = math.ceil((end_ns - segment.start_ns) * segment.rate / 1e9 - CONTINUES)
            if overlap > 0:
                passed.counts["overlapping_samples"] += min(overlap, segment.data.size)
                if overlap >= segment.data.size:
                    continue
                segment = segment.cut(overlap, segment.data.size)
            near = abs(segment.start_ns - end_ns) * segment.rate / 1e9 < CONTINUES
            if near and segment.rate == first.rate and _goes_on(groups[-1][-1], segment):
                groups[-1].append(segment)
                continue
        groups.append([segment])
    return [
        group[0]
        if len(group) == 1
        else _together(group, [part.data for part in group], group[0].start_ns, group[0].rate)
        for group in groups
    ]


def _goes_on(before: Segment, after: Segment) -> bool:
    """True within one channel; between two where the motion goes on, as it does where a channel gets another code."""
    if before.channels[-1][1] == after.channel:
        return True
    reach = max(2, round(NEIGHBOURHOOD_SECONDS * before.rate))
    ends = [before.data[-reach:].astype(np.float64), after.data[:reach].astype(np.float64)]
    largest = max((float(np.abs(np.diff(end)).max()) for end in ends if end.size > 1), default=0.0)
    return bool(abs(ends[1][0] - ends[0][-1]) <= largest)


def _bridged(parts: list[Segment], first_sample: list[int], passed: Passed) -> Iterator[Segment]:
    """The parts with lines between them, on straight clocks; where one is not enough, as several segments."""
    if len(parts) == 1:
        yield parts[0]
        return
    starts = np.array([part.start_ns for part in parts], dtype=np.int64)
    rate = parts[0].rate
    for clock in straight_clocks(starts, np.array(first_sample, dtype=np.int64), 1e9 / rate):
        of_clock = parts[clock.first : clock.end]
        data = [of_clock[0].data]
        for number in range(clock.first + 1, clock.end):
            before, after = parts[number - 1], parts[number]
            gap = first_sample[number] - first_sample[number - 1] - before.data.size
            data += [_line(before.data[-1], after.data[0], gap, after.data.dtype), after.data]
            passed.counts["bridged_gaps"] += 1
            passed.counts["bridged_samples"] += gap
        yield _together(of_clock, data, clock.start_ns, rate / (1 + clock.drift))


def _together(parts: Sequence[Segment], data: Sequence[np.ndarray], start_ns: int, rate: float) -> Segment:
    channels: list[tuple[int, str]] = []
    for part in parts:
        channels += [one for one in part.channels if not channels or one[1] != channels[-1][1]]
    return Segment(tuple(channels), start_ns, rate, data[0] if len(data) == 1 else np.concatenate(data))


def _line(before: float, after: float, gap: int, dtype: np.dtype) -> np.ndarray:
    line = np.linspace(float(before), float(after), gap + 2)[1:-1]
    return (np.rint(line) if np.issubdtype(dtype, np.integer) else line).astype(dtype)


def live_parts(segment: Segment, bridge_samples: int, passed: Passed) -> Iterator[Segment]:
    """Cut out times of a constant value and samples that aren't finite, unless few enough to be bridged."""
    data = segment.data
    out: list[tuple[int, int]] = []
    if np.issubdtype(data.dtype, np.inexact):
        bad = _true_spans(~(np.abs(data) < LARGEST_COUNT), 1)
        if bad:
            number = sum(last - first for first, last in bad)
            passed.counts["nonfinite_samples"] += number
            short = _bridgeable(bad, data.size, bridge_samples)
            out += [span for span in bad if span not in short]
            what = "taken as gaps" if not short else f"{len(short)} of {len(bad)} gaps that they leave are bridged"
            passed.problems.append(
                f"{segment.channel}: {number} samples aren't finite, the first at "
                f"{(segment.start_ns + bad[0][0] * 1e9 / segment.rate) / 1e9:.3f}; {what}"
            )
            if short:
                data = data.copy()
                for first, last in short:
                    data[first:last] = _line(data[first - 1], data[last], last - first, data.dtype)
                    passed.counts["bridged_gaps"] += 1
                    passed.counts["bridged_samples"] += last - first
                segment = replace(segment, data=data)
    dead = _constant_spans(data, math.ceil(DEAD_SECONDS * segment.rate))
    if dead:
        seconds = sum(last - first for first, last in dead) / segment.rate
        passed.counts["dead_seconds"] += round(seconds)
        passed.problems.append(
            f"{segment.channel}: constant for {seconds:.0f} s, the first time from "
            f"{(segment.start_ns + dead[0][0] * 1e9 / segment.rate) / 1e9:.3f}; taken as gaps"
        )
        out += dead
    begin = 0
    for first, last in [*sorted(out), (data.size, data.size)]:
        if first > begin:
            yield segment.cut(begin, first)
        begin = max(begin, last)


def _bridgeable(bad: list[tuple[int, int]], samples: int, bridge_samples: int) -> list[tuple[int, int]]:
    """Spans of bad samples that are short, with enough good ones on both sides."""
    edges = [(0, 0), *bad, (samples, samples)]
    return [
        (first, last)
        for (_, before), (first, last), (after, _) in zip(edges, bad, edges[2:], strict=False)
        if last - first <= bridge_samples and min(first - before, after - last) >= BRIDGED_SHARE * (last - first)
    ]


def _true_spans(mask: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    """[first, after last) of each span of True at least `shortest` long."""
    spans = true_spans(mask)
    return [(first, end) for first, end in spans[spans[:, 1] - spans[:, 0] >= shortest].tolist()]


def _constant_spans(data: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    if data.size < shortest:
        return []
    step = max(1, shortest // 2)  # a long constant span holds all of the samples between two of these steps
    equal = np.flatnonzero(np.diff(data[::step]) == 0) * step
    if not any((data[first : first + step] == data[first]).all() for first in equal.tolist()):
        return []
    return [(first, last + 1) for first, last in _true_spans(data[1:] == data[:-1], shortest - 1)]
