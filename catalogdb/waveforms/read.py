"""Indexed segments -> traces: decodes the records that a period needs, and puts them together across files."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from catalogdb.documents.archive import WfMiniseed
from catalogdb.waveforms.assemble import Segment, assemble
from catalogdb.waveforms.decode import decoded_samples
from catalogdb.waveforms.errors import ChangedWaveform, UnreadableWaveform, WaveformUnavailable
from catalogdb.waveforms.file_state import FileState, check_digest, check_unchanged, opened
from catalogdb.waveforms.other_formats import read_other
from catalogdb.waveforms.records import Records, chain_breaks, codes, location, read_records
from catalogdb.waveforms.segment_document import MINISEED

if TYPE_CHECKING:
    from obspy import Trace

Channel = tuple[str, str, str, str]
WHOLE_READ_BYTES = 2 * 2**20
"""Segments up to this size are read whole; in longer ones the first and last record needed are looked up first."""
NEIGHBOUR_BYTES = 64 * 2**10
"""Segments this near to one another in a file are read and decoded together (files that mix channels)."""
LONGEST_TOGETHER_BYTES = 8 * 2**20
"""Beyond this, neighbours are read one by one: fresh memory for large buffers costs more than another read."""
LONGEST_RECORD_BYTES = 2**16
MOSTLY_READ = 0.5
"""Where this part of a file's bytes is read, its digest costs little beside decoding them, and is checked."""
TIME_TOLERANCE_SAMPLES = 1.5
"""The index may time a segment by another of its records than the first; no clock is off by more (clock.py)."""
ONE_SECOND_NS = 1_000_000_000


@dataclass
class _ByteRange:
    """Bytes of one file that hold one or more of the wanted segments."""

    path: Path
    first: int
    end: int
    segments: list[WfMiniseed]

    def index_start(self, channel: Channel, offset: int) -> float:
        """Start time in the index of the channel's segment that a record belongs to."""
        of_channel = self._by_channel[channel]
        at = bisect_right(of_channel, offset, key=lambda segment: segment["foff"])
        return of_channel[max(at - 1, 0)]["starttime"]

    @cached_property
    def _by_channel(self) -> dict[Channel, list[WfMiniseed]]:
        sorted_segments: dict[Channel, list[WfMiniseed]] = defaultdict(list)
        for segment in sorted(self.segments, key=lambda item: item["foff"]):
            sorted_segments[_channel(segment)].append(segment)
        return sorted_segments


def read_traces(
    segments: Iterable[WfMiniseed], starttime: float, endtime: float, files: Mapping[str, FileState] | None = None
) -> tuple[list[Trace], list[str]]:
    """Read what the segments hold between two times, both included.

    Samples keep the type that ObsPy decodes them to. A trace never spans a gap: it holds records that follow one
    another on one straight clock as defined in clock.py, in one file or many. Where record times scatter or drift, its
    start, and if need be its rate, are that clock's, and no record is more than one sample off it. Where segments of a
    channel overlap with equal samples, one copy is kept. Where the samples differ, the segment that starts first wins
    (then the longer one, then the one whose samples have the lower checksum), and it is reported.

    Args:
        segments: `wf_miniseed` documents, in any order (dir, dfile, foff, nbytes, net, sta, loc, chan, starttime,
            endtime, npts; file_id where `files` are given).
        starttime, endtime: epoch seconds UTC.
        files: states of the files when they were indexed, by the segments' `file_id`. Of files with one digest the
            first that is there is read, and stands for the others.

    Returns:
        Traces sorted by channel and time, and problems: records that can't be decoded and samples in conflict, each
        naming file or channel.

    Raises:
        WaveformUnavailable: naming the file, when one can't be read now. Nothing is returned then, so that what an
            unmounted disk hides is never taken for a gap.
        ChangedWaveform: likewise, when it isn't what was indexed.
    """
    problems: list[str] = []
    decoded: dict[Channel, list[Segment]] = defaultdict(list)
    window = (round(starttime * 1e9), round(endtime * 1e9))
    for copies in _copies(segments, files or {}):
        found, said = _first_that_is_there(copies, window)
        problems += said
        for channel, of_channel in found.items():
            decoded[channel] += of_channel
    traces = []
    for channel in sorted(decoded):
        kept, conflicts = assemble(decoded[channel], ".".join(channel))
        problems += conflicts
        traces += [trace for segment in kept if (trace := _trace(segment, channel, window)) is not None]
    return traces, problems


@dataclass
class _File:
    """One file with the segments wanted of it."""

    path: Path
    state: FileState | None
    segments: list[WfMiniseed]


def _copies(segments: Iterable[WfMiniseed], states: Mapping[str, FileState]) -> list[list[_File]]:
    """The files, those with the same content together, in order of their paths."""
    by_file: dict[Path, _File] = {}
    for segment in segments:
        path = Path(segment["dir"], segment["dfile"])
        by_file.setdefault(path, _File(path, states.get(segment.get("file_id", "")), [])).segments.append(segment)
    copies: dict[str, list[_File]] = {}
    for path in sorted(by_file):
        state = by_file[path].state
        content = f"{state.size} {state.digest}" if state and state.digest else str(path)
        copies.setdefault(content, []).append(by_file[path])
    return list(copies.values())


def _first_that_is_there(
    copies: list[_File], window: tuple[int, int]
) -> tuple[dict[Channel, list[Segment]], list[str]]:
    """What the first of some equal files holds that can be read and is what was indexed."""
    errors: list[WaveformUnavailable] = []
    for file in copies:
        try:
            return _read_file(file, window)
        except WaveformUnavailable as error:
            errors.append(error)
    raise next((error for error in errors if isinstance(error, ChangedWaveform)), errors[0])


def _read_file(file: _File, window: tuple[int, int]) -> tuple[dict[Channel, list[Segment]], list[str]]:
    problems: list[str] = []
    decoded: dict[Channel, list[Segment]] = defaultdict(list)
    path, state = file.path, file.state
    read_bytes = 0
    try:
        with opened(path) as stream:
            if state:
                check_unchanged(stream, path, state)
            before = os.fstat(stream.fileno())
            if file.segments[0].get("format", MINISEED) != MINISEED:
                read_bytes = before.st_size
                for segment, samples in read_other(stream, path, file.segments):
                    decoded[_channel(segment)].append(samples)
            for span in _byte_ranges(stream, path, _of_miniseed(file.segments), window):
                read_bytes += span.end - span.first
                _read_byte_range(stream, span, window, decoded, problems)
            if state is None:
                return decoded, problems
            written_to = not FileState.of(before).shows(os.fstat(stream.fileno()))
            if state.digest and (written_to or read_bytes >= MOSTLY_READ * before.st_size):
                check_digest(stream, path, state)
            elif written_to:
                raise ChangedWaveform(path, "written to while it was read")
    except UnreadableWaveform as error:
        raise ChangedWaveform(path, "no longer a regular file: " + str(error).rpartition(", ")[2]) from error
    except ChangedWaveform:
        raise
    except WaveformUnavailable as error:
        raise WaveformUnavailable(
            f"{path}: indexed, but can't be read now: {str(error).removeprefix(f'{path}: ')}; bring it back, take the "
            "index along where the archive has moved (catalogdb move-archive OLD NEW), or take it out of the index "
            "(catalogdb ingest waveforms --prune)"
        ) from error
    return decoded, problems


def _of_miniseed(segments: list[WfMiniseed]) -> list[WfMiniseed]:
    return [segment for segment in segments if segment.get("format", MINISEED) == MINISEED]


def _channel(segment: WfMiniseed) -> Channel:
    return segment["net"], segment["sta"], location(segment.get("loc", "")), segment["chan"]


def _byte_ranges(
    stream: BinaryIO, path: Path, segments: list[WfMiniseed], window: tuple[int, int]
) -> Iterator[_ByteRange]:
    current: _ByteRange | None = None
    for segment in sorted(segments, key=lambda item: (item["foff"], item["nbytes"])):
        first, end = _needed_bytes(stream, segment, window)
        if first >= end:
            continue
        if current is not None:
            near = first - current.end <= NEIGHBOUR_BYTES
            if near and (first < current.end or end - current.first <= LONGEST_TOGETHER_BYTES):
                current.end = max(current.end, end)
                current.segments.append(segment)
                continue
            yield current
        current = _ByteRange(path, first, end, [segment])
    if current is not None:
        yield current


def _needed_bytes(stream: BinaryIO, segment: WfMiniseed, window: tuple[int, int]) -> tuple[int, int]:
    """Place of the records that the window needs (first byte, end); the whole segment where it lies in the window, or
    is not worth a search."""
    first, end = segment["foff"], segment["foff"] + segment["nbytes"]
    inside = window[0] <= segment["starttime"] * 1e9 and segment["endtime"] * 1e9 <= window[1]
    if inside or segment["nbytes"] <= WHOLE_READ_BYTES:
        return first, end
    stream.seek(first)
    length = int(heads.length[0]) if len(heads := read_records(stream.read(LONGEST_RECORD_BYTES))[0]) else 0
    if not length or segment["nbytes"] % length:
        return first, end

    def start_ns(number: int) -> int:
        stream.seek(first + number * length)
        found, _ = read_records(stream.read(length))
        return int(found.start_ns[0]) if len(found) == 1 else -1

    def first_after(time_ns: int) -> int:
        low, high = 0, segment["nbytes"] // length
        while low < high:
            middle = (low + high) // 2
            if start_ns(middle) > time_ns:
                high = middle
            else:
                low = middle + 1
        return low

    return first + max(first_after(window[0]) - 2, 0) * length, first + first_after(window[1]) * length


def _read_byte_range(
    stream: BinaryIO,
    span: _ByteRange,
    window: tuple[int, int],
    decoded: dict[Channel, list[Segment]],
    problems: list[str],
) -> None:
    stream.seek(span.first)
    content = stream.read(span.end - span.first)
    records, _ = read_records(content)
    records = records.select(records.usable())
    wanted = {_channel(segment) for segment in span.segments}
    channel_of = {sid: codes(bytes(sid)) for sid in np.unique(records.sid)}
    if len(content) < span.end - span.first or not wanted <= set(channel_of.values()):
        raise ChangedWaveform(span.path, f"bytes {span.first} to {span.end} are not what was indexed")
    for segment in span.segments:
        _check_headers(span, segment, records, channel_of)
    ends_ns = records.start_ns + np.rint((records.npts - 1) * 1e9 / records.rate).astype(np.int64)
    # a second to spare on either side: half a sample decides which samples are inside, later
    needed = (records.start_ns <= window[1] + ONE_SECOND_NS) & (ends_ns >= window[0] - ONE_SECOND_NS)
    needed &= np.isin(records.sid, [sid for sid, channel in channel_of.items() if channel in wanted])
    if not needed.any():
        return
    rows = np.flatnonzero(needed)
    records = records.select(slice(rows[0], rows[-1] + 1))
    for good, samples in _decode(content, records, span, problems):
        for sid, data in samples.items():
            if (channel := channel_of[sid]) in wanted:
                of_channel = good.select(good.sid == sid)
                decoded[channel] += _segments(of_channel, data, span, channel)


def _check_headers(
    span: _ByteRange, segment: WfMiniseed, records: Records, channel_of: Mapping[bytes, Channel]
) -> None:
    """Hold the records of a segment against its row in the index.

    Raises:
        ChangedWaveform: where they are others.
    """
    first, end = segment["foff"] - span.first, segment["foff"] + segment["nbytes"] - span.first
    sids = [sid for sid, channel in channel_of.items() if channel == _channel(segment)]
    inside = (records.offset >= first) & (records.offset < end)
    own = records.select(inside & np.isin(records.sid, sids))
    whole = first >= 0 and end <= span.end - span.first
    spare = TIME_TOLERANCE_SAMPLES / own.rate.min() if len(own) else 0.0
    starts = own.start_ns / 1e9
    ends = starts + (own.npts - 1) / np.maximum(own.rate, 1e-300)
    same = len(own) == int(inside.sum()) and len(own) > 0
    same = same and starts.min() >= segment["starttime"] - spare and ends.max() <= segment["endtime"] + spare
    if same and whole:
        same = int(own.npts.sum()) == segment["npts"] and starts.min() <= segment["starttime"] + spare
    if not same:
        place = f"bytes {segment['foff']} to {segment['foff'] + segment['nbytes']}"
        raise ChangedWaveform(span.path, f"the headers at {place} are not those that were indexed")


def _segments(records: Records, data: np.ndarray, span: _ByteRange, channel: Channel) -> Iterator[Segment]:
    samples = np.concatenate([[0], np.cumsum(records.npts)])
    breaks = [*chain_breaks(records, adjacent=False).tolist(), len(records)]
    for first, end in zip(breaks[:-1], breaks[1:], strict=True):
        yield Segment(
            start_ns=int(records.start_ns[first]),
            rate=float(records.rate[first]),
            data=data[samples[first] : samples[end]],
            record_start_ns=records.start_ns[first:end],
            record_first_sample=samples[first:end] - samples[first],
            index_start=span.index_start(channel, span.first + int(records.offset[first])),
        )


def _decode(
    content: bytes, records: Records, span: _ByteRange, problems: list[str]
) -> Iterator[tuple[Records, dict[bytes, np.ndarray]]]:
    """Yield (records, samples per channel in the records' order); halves what fails, until the bad records stand
    alone."""
    bad: dict[str, list[int]] = defaultdict(list)
    stack = [(0, len(records))]
    while stack:
        first, end = stack.pop()
        part = records.select(slice(first, end))
        samples = decoded_samples(content, part)
        if not isinstance(samples, str):
            yield part, samples
        elif end - first == 1:
            bad[samples].append(span.first + int(part.offset[0]))
        else:
            middle = (first + end) // 2
            stack += [(middle, end), (first, middle)]
    for reason, offsets in bad.items():
        problems.append(f"{span.path}: {len(offsets)} records passed over, the first at byte {offsets[0]}: {reason}")


def _trace(segment: Segment, channel: Channel, window: tuple[int, int]) -> Trace | None:
    from obspy import Trace, UTCDateTime

    interval_ns = segment.interval_ns
    first = max(0, int(np.ceil((window[0] - segment.start_ns) / interval_ns - 1e-3)))
    last = min(len(segment.data) - 1, int(np.floor((window[1] - segment.start_ns) / interval_ns + 1e-3)))
    if last < first:
        return None
    net, sta, loc, chan = channel
    header = {
        "network": net,
        "station": sta,
        "location": loc,
        "channel": chan,
        "sampling_rate": segment.rate / (1 + segment.drift),
        "starttime": UTCDateTime(ns=segment.start_ns + round(first * interval_ns)),
    }
    return Trace(data=segment.data[first : last + 1], header=header)
