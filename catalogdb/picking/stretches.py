"""Traces of one channel group -> stretches: aligned components at one rate, without a gap in any of them.

A picker sees one stretch at a time. Wherever the set of available components changes, one stretch ends and the next
begins; gaps are never filled, but for those of a few samples in which the clock goes on. Sample times keep the phase of
the data's own clock. Where data are resampled, the output samples are chosen by their number since 1970, so that they
don't depend on where a file or a read starts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from catalogdb.components import SLOTS, Axis, slot_spans
from catalogdb.intervals import Interval, seconds, union
from catalogdb.picking.faults import count_faults
from catalogdb.picking.resample import at_exact_rate, at_rate, share_a_clock
from catalogdb.picking.segments import Passed, Segment, joined, live_parts, segment_of

if TYPE_CHECKING:
    from obspy import Trace

LOWEST_RATE_HZ = 10.0
HIGHEST_RATE_HZ = 10_000.0
NO_COMPONENT = "no component Z, N, E, 1, 2 or 3, and its orientation is not known"
OTHERS_USED = "other channels of the sensor are used in its place"
UNORIENTED = "1, 2 and 3 without a Z: which is the vertical is not known"
Channels = tuple[str | None, ...]


@dataclass
class Stretch:
    """Aligned components without gaps.

    Attributes:
        start_ns: time of sample 0 (nanoseconds since 1970, UTC).
        rate: samples per second.
        data: rows as `SLOTS`, each a float32 array (samples,) of counts with its offset removed, or None where the
            component is absent.
        channels: channel code of each row at sample 0, None where the component is absent.
        changes: (sample, codes from it on) where a channel is followed by another in the same row, ascending.
    """

    start_ns: int
    rate: float
    data: tuple[np.ndarray | None, ...]
    channels: Channels
    changes: tuple[tuple[int, Channels], ...] = ()

    @property
    def samples(self) -> int:
        return next(row.size for row in self.data if row is not None)

    @property
    def components(self) -> str:
        """Letters of the components at sample 0, for example ZNE, Z12 or Z."""
        return components_of(self.channels)

    def component(self, row: int) -> np.ndarray:
        """Samples of a component that the stretch has."""
        samples = self.data[row]
        if samples is None:
            raise ValueError(f"the stretch has no component {SLOTS[row]}")
        return samples

    def by_channels(self) -> Iterator[tuple[int, int, Channels]]:
        """(first sample, sample after the last, codes) of each part on the same channels."""
        marks = [(0, self.channels), *self.changes, (self.samples, ())]
        for (first, channels), (end, _) in zip(marks[:-1], marks[1:], strict=True):
            yield first, end, channels

    def time(self, sample: float) -> float:
        """Time of a sample (epoch seconds UTC, to the microsecond)."""
        return round((self.start_ns + round(sample * 1e9 / self.rate)) / 1000) / 1e6

    def times_us(self, samples: np.ndarray) -> np.ndarray:
        """Times of samples, int64 microseconds since 1970 UTC; the same instants as `time`."""
        since_start_ns = np.rint(samples * 1e9 / self.rate).astype(np.int64)
        return np.rint((self.start_ns + since_start_ns) / 1000).astype(np.int64)


def components_of(channels: Channels) -> str:
    """Letters of the components at hand, for example ZNE, Z12 or Z."""
    return "".join(channel[-1] for channel in channels if channel)


@dataclass
class Records(Passed):
    """The stretches of one channel group and what was passed over on the way to them.

    Attributes:
        channel_group: ``net.sta.loc.BI``; None where there were no traces.
        stretches: ascending in time.
        unused: when channels record that no stretch holds: (why, channel, when).
        counts: samples, seconds and traces passed over, by reason.
        problems: the same in words.
    """

    channel_group: str | None = None
    stretches: list[Stretch] = field(default_factory=list)
    unused: list[tuple[str, str, list[Interval]]] = field(default_factory=list)


def build_stretches(
    traces: Sequence[Trace],
    rate: float,
    overwrite: bool = False,
    bridge_samples: int = 0,
    axes: Iterable[Axis] = (),
) -> Records:
    """Align, clean and resample the traces of one channel group.

    Args:
        traces: contiguous traces of one channel group; `components.py` says which channel is what. Samples that aren't
            finite (or beyond `LARGEST_COUNT`), and `DEAD_SECONDS` or more of one constant value, count as
            gaps.
        rate: samples per second of the stretches.
        overwrite: whether the traces' samples may be destroyed, which saves memory.
        bridge_samples: gaps of up to so many samples, at the data's own rate, are filled by a straight line.
        axes: where the channels point.

    Raises:
        ValueError: if the traces belong to more than one channel group.
    """
    groups = sorted({trace.id.removesuffix(trace.stats.channel) + trace.stats.channel[:-1] for trace in traces})
    if len(groups) > 1:
        raise ValueError(f"one channel group at a time, not {', '.join(groups)}")
    records = Records(channel_group=groups[0] if groups else None)
    slots: list[list[Segment]] = []
    for of_slot in _in_slots(traces, axes, records):
        whole = joined(of_slot, bridge_samples, records)
        cleaned = [part for segment in whole for part in live_parts(segment, bridge_samples, records)]
        _note_faults(cleaned, records)
        slots.append([resampled for part in cleaned if (resampled := at_rate(part, rate, overwrite)) is not None])
    if not share_a_clock(slots):
        slots = [[exact for segment in of_slot if (exact := at_exact_rate(segment, rate))] for of_slot in slots]
    records.stretches = list(_split_into_stretches(slots))
    if gaps := records.counts["bridged_gaps"]:
        records.problems.append(
            f"{gaps} gaps of up to {bridge_samples} samples, {records.counts['bridged_samples']} samples in all, "
            "filled by straight lines and picked over (pick.bridge_samples)"
        )
    return records


def usable_rate(rate: float) -> bool:
    """True for samples per second that can be brought to a picker's."""
    return LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ


def _in_slots(traces: Sequence[Trace], axes: Iterable[Axis], records: Records) -> list[list[Segment]]:
    """Usable traces by slot, each cut to the times in which its channel is the one there."""
    by_channel: dict[str, list[Trace]] = defaultdict(list)
    refused: dict[str, list[Trace]] = defaultdict(list)
    for trace in traces:
        if len(trace.data) == 0:
            records.counts["empty_traces"] += 1
        elif not usable_rate(float(trace.stats.sampling_rate)):
            fast = float(trace.stats.sampling_rate) > HIGHEST_RATE_HZ
            records.counts["fast_traces" if fast else "slow_traces"] += 1
            refused[trace.id].append(trace)
        else:
            by_channel[trace.stats.channel].append(trace)
    for name, of_channel in sorted(refused.items()):
        rate = f"{float(of_channel[0].stats.sampling_rate):g} Hz"
        spans = union(_span(trace) for trace in of_channel)
        records.problems.append(
            f"{name}: {seconds(spans):.0f} s not used, {rate}; picking takes "
            f"{LOWEST_RATE_HZ:g} to {HIGHEST_RATE_HZ:g} Hz"
        )
    recorded = {channel: union(_span(trace) for trace in by_channel[channel]) for channel in sorted(by_channel)}
    slots, unused = slot_spans(recorded, axes)
    for channel, spans in unused.items():
        records.unused.append((_why_unused(channel, recorded), channel, spans))
    return [
        [segment for channel, times in of_slot.items() for segment in _cut(by_channel[channel], times)]
        for of_slot in slots
    ]


def _cut(traces: Iterable[Trace], times: Sequence[Interval]) -> Iterator[Segment]:
    """The traces' samples inside intervals that are ascending."""
    for trace in traces:
        begin, end = _span(trace)
        at = max(0, bisect_right(times, begin, key=lambda interval: interval[1]) - 1)
        while at < len(times) and times[at][0] < end:
            if (segment := segment_of(trace, *times[at])) is not None:
                yield segment
            at += 1


def _span(trace: Trace) -> Interval:
    start, rate = trace.stats.starttime.ns / 1e9, float(trace.stats.sampling_rate)
    return start, start + (trace.stats.npts / rate if rate > 0 else 0.0)


def _why_unused(channel: str, recorded: Iterable[str]) -> str:
    letters = {name[-1:] for name in recorded}
    if channel[-1:] == "3" or (channel[-1:] in ("1", "2") and "3" in letters and "Z" not in letters):
        return UNORIENTED if "Z" not in letters else OTHERS_USED
    return OTHERS_USED if channel[-1:] in (*SLOTS, "1", "2") else NO_COMPONENT


def _note_faults(segments: list[Segment], records: Records) -> None:
    found = sum((count_faults(segment.data) for segment in segments), Counter())
    records.counts.update(found)
    if clipped := found["clipped_samples"]:
        records.problems.append(f"{segments[0].channel}: {clipped} samples are clipped; picked as they are")


def _split_into_stretches(slots: list[list[Segment]]) -> Iterator[Stretch]:
    """Cut at every start and end of a segment: each stretch has one segment, or none, of each component throughout."""
    everything = [segment for segments in slots for segment in segments]
    if not everything:
        return
    origin_ns, rate = min(segment.start_ns for segment in everything), everything[0].rate
    starts, ends = [], []
    for segments in slots:
        slot_starts: list[int] = []
        slot_ends: list[int] = []
        for segment in segments:
            first = round((segment.start_ns - origin_ns) * rate / 1e9)
            if slot_ends:
                first = max(first, slot_ends[-1])  # rounding may put neighbours on one sample
            slot_starts.append(first)
            slot_ends.append(first + segment.data.size)
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
        clocks: list[tuple[int, float]] = []
        for slot, index in enumerate(used):
            if index < 0:
                continue
            segment, offset = slots[slot][index], first - int(starts[slot][index])
            data[slot] = segment.data[offset : offset + last - first]  # a view: a day is large
            clocks.append((segment.start_ns + round(offset * 1e9 / segment.rate), segment.rate))
        start_ns, own_rate = clocks[0]
        of_slots = [slots[slot][index] if index >= 0 else None for slot, index in enumerate(used)]
        yield Stretch(start_ns, own_rate, tuple(data), *_channels(of_slots, start_ns, own_rate, last - first))


def _channels(
    segments: Sequence[Segment | None], start_ns: int, rate: float, samples: int
) -> tuple[Channels, tuple[tuple[int, Channels], ...]]:
    """Codes at the first sample of a stretch, and where they change."""
    at: dict[int, list[str | None]] = {0: [None] * len(segments)}
    for row, segment in enumerate(segments):
        for time_ns, channel in segment.channels if segment else ():
            sample = max(0, round((time_ns - start_ns) * rate / 1e9))
            if sample < samples:
                at.setdefault(sample, [None] * len(segments))[row] = channel
    codes: list[str | None] = [None] * len(segments)
    marks: list[tuple[int, Channels]] = []
    for sample in sorted(at):
        codes = [new or old for new, old in zip(at[sample], codes, strict=True)]
        marks.append((sample, tuple(codes)))
    return marks[0][1], tuple(marks[1:])
