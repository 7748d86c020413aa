"""One miniSEED file -> its contiguous segments, as `wf_miniseed` documents.

The index is MsPASS's. Each of its segments is held against the record headers, for three reasons: it breaks at tears
longer than half a second, where half a sample is needed; at a damaged record it stops without a word, and the rest of
the file would be lost; and it counts text records as samples. Where both agree, which is nearly always, MsPASS's row
is kept as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from catalogdb.documents.archive import WfMiniseedFields
from catalogdb.file_formats import START, identify
from catalogdb.waveforms.bounds import outside
from catalogdb.waveforms.clock import HALF_SAMPLE, straight_clocks
from catalogdb.waveforms.errors import UnreadableWaveform, WaveformUnavailable
from catalogdb.waveforms.file_state import FileState, digest_of, opened, wait_for_clock
from catalogdb.waveforms.miniseed3 import SIGNATURE
from catalogdb.waveforms.records import Junk, Records, chain_breaks, codes, location, read_records
from catalogdb.waveforms.segment_document import IndexedSegment, segment_document
from catalogdb.wording import first_few

REVISION = 1
"""Of the readers of all formats: a change that gives other segments, or none, for the same bytes raises it, and the
next ingest reads files again that were indexed before."""

_SEED_CONTROL_HEADER = re.compile(rb"[0-9]{6}[VAST][ *]")
_LONGEST_LIST = 3
_INDEXERS_CODES = re.compile(rb"[0-9A-Za-z][0-9A-Za-z ]{4}[0-9A-Za-z \-]{2}[0-9A-Za-z]{3}[0-9A-Za-z ]{2}")
"""Codes that MsPASS's indexer is called on; with an underscore or NUL in them it takes memory without end."""
_ATTEMPTS = 3
"""So often a file that is written to while it is read is read."""


@dataclass
class ScanResult:
    """What one file holds.

    Attributes:
        segments: `wf_miniseed` documents without what an ingest gives them (`_id`, `file_id`, `content`,
            `extent`), in file order.
        state: size, times and digest of the bytes that it is the index of.
        warnings: what was passed over and why; each names the file.
    """

    segments: list[WfMiniseedFields]
    state: FileState
    warnings: list[str] = field(default_factory=list)


def scan_miniseed(path: Path) -> ScanResult:
    """Index one miniSEED 2 file.

    A segment holds samples of one channel without a gap: records that lie side by side, on one straight clock as
    defined in clock.py. Overlapping records make separate segments. In files that mix channels, each change of channel
    begins another segment, so that a segment's bytes never hold another channel.

    Raises:
        UnreadableWaveform: when the file holds no samples in miniSEED.
        WaveformUnavailable: when it can't be read.
    """
    for attempt in range(_ATTEMPTS):
        content, state = _content(path)
        result = _indexed(path, content, state, settled=attempt < _ATTEMPTS - 1)
        if result is not None:
            return result
    raise AssertionError("the last attempt has a result")


def _indexed(path: Path, content: bytes, state: FileState, settled: bool) -> ScanResult | None:
    """Index of the bytes read; None where the file was written to meanwhile and is to be read again (`settled`)."""
    records, junk = read_records(content)
    junk = [stretch for stretch in junk if not _SEED_CONTROL_HEADER.match(content, stretch.offset)]
    sampled, usable = records.has_samples(), records.usable() & records.has_station()
    rejected = _rejected(path, records)
    if not usable.any():
        raise UnreadableWaveform(rejected[0] if rejected else f"{path}: {_why_nothing(content, len(records), junk)}")
    warnings = _warnings(path, junk, int((~sampled).sum()), int(usable.sum())) + rejected
    # the C++ indexer is kept from damaged files: it loses the rest of them in silence and prints to the terminal
    safe = not warnings and all(
        _INDEXERS_CODES.fullmatch(bytes(sid).ljust(12, b"\0")) for sid in np.unique(records.sid)
    )
    indexed = _mspass_rows(path) if safe else {}
    if not state.shows(_status(path)):  # the indexer may have read other bytes than we did
        if settled:
            return None
        indexed = {}
        warnings.append(f"{path}: written to while it was indexed; {len(content)} bytes indexed, the rest next time")
    records = records.select(usable)
    segments = []
    for group in _straight_groups(records):
        row = _row(group)
        known = indexed.get(_key(row), row)
        if abs(known.endtime - row.endtime) * row.sampling_rate > HALF_SAMPLE:
            known = known._replace(endtime=row.endtime)  # MsPASS counts from the first record, however the clock drifts
        segments.append(segment_document(known, path))
    return ScanResult(segments, state, warnings)


def _straight_groups(records: Records) -> Iterator[Records]:
    breaks = [*chain_breaks(records, adjacent=True).tolist(), len(records)]
    for first, end in zip(breaks[:-1], breaks[1:], strict=True):
        chain = records.select(slice(first, end))
        counted = np.cumsum(chain.npts) - chain.npts
        for clock in straight_clocks(chain.start_ns, counted, 1e9 / chain.rate[0]):
            yield chain.select(slice(clock.first, clock.end))


def _content(path: Path) -> tuple[bytes, FileState]:
    """The file's bytes; its state has the times from before they were read, so that what is written later is seen."""
    with opened(path) as stream:
        wait_for_clock(stream)
        status = os.fstat(stream.fileno())
        content = stream.read()
    if not content:
        raise UnreadableWaveform(f"{path}: the file is empty")
    return content, FileState(len(content), status.st_mtime_ns, status.st_ctime_ns, digest_of(content))


def _status(path: Path) -> os.stat_result:
    try:
        return os.stat(path)
    except OSError as error:
        raise WaveformUnavailable(f"{path}: {error.strerror or error}") from error


def _rejected(path: Path, records: Records) -> list[str]:
    """Lines on records outside the bounds of real data, and on those of no station."""
    lines = []
    nameless = records.usable() & ~records.has_station()
    for mask, reason in [*outside(records.npts, records.rate, records.start_ns), (nameless, "it has no station code")]:
        rows = np.flatnonzero(mask & records.has_samples())
        if len(rows):
            first = rows[0]
            name = ".".join(codes(bytes(records.sid[first])))
            facts = f"{name}, {records.npts[first]} samples at {records.rate[first]:g} Hz"
            lines.append(
                f"{path}: {len(rows)} records rejected, the first at byte {records.offset[first]} ({facts}): {reason}"
            )
    return lines


def _why_nothing(content: bytes, n_records: int, junk: list[Junk]) -> str:
    if n_records:
        return f"none of its {n_records} miniSEED records holds samples of a time series (text or status records only)"
    if content[: len(SIGNATURE)] == SIGNATURE:
        return "miniSEED 3, none of whose records can be read"
    if content[:2] == b"\x1f\x8b":
        return "gzip-compressed; unpack it first"
    found = identify(content[:START])
    if found is not None:
        is_read = found.content == "waveforms" and found.obspy
        converts = f"; obspy.read(FILE, format={found.obspy!r}).write(NEW, 'MSEED') converts it" if is_read else ""
        return f"no miniSEED record in it: it is {found.name}{converts}"
    if reasons := [stretch.reason for stretch in junk if stretch.reason]:
        return f"no miniSEED record in it, but {reasons[0]}"
    return "no miniSEED record in it"


def _warnings(path: Path, junk: list[Junk], without_samples: int, kept: int) -> list[str]:
    warnings = []
    if junk:
        places = [f"{part.length} bytes at {part.offset}{f' ({part.reason})' if part.reason else ''}" for part in junk]
        warnings.append(
            f"{path}: truncated or damaged: no whole miniSEED record in {first_few(places, _LONGEST_LIST)}; "
            f"{kept} good records kept"
        )
    if without_samples:
        warnings.append(f"{path}: {without_samples} text or status records without samples passed over")
    return warnings


def _key(row: IndexedSegment) -> tuple[object, ...]:
    return row.foff, row.nbytes, row.npts, row.net, row.sta, row.loc, row.chan


def _mspass_rows(path: Path) -> dict[tuple[object, ...], IndexedSegment]:
    """MsPASS's index of a file that holds nothing but records that our reader accepts, by place, number of samples and
    codes."""
    import mspasspy.ccore.utility  # noqa: F401  registers the type of the indexer's error log
    from mspasspy.ccore.io import _mseed_file_indexer

    with _silent_stderr():
        found, _ = _mseed_file_indexer(str(path), True)
    rows = [
        IndexedSegment(
            *(row.net, row.sta, location(row.loc), row.chan),
            *(row.starttime, row.endtime, row.npts, row.samprate, row.foff, row.nbytes, row.last_packet_time),
        )
        for row in found
    ]
    return {_key(row): row for row in rows}


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """libmseed prints its remarks to the terminal, past Python."""
    terminal = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(nowhere)
        os.close(terminal)


def _row(group: Records) -> IndexedSegment:
    """The same row from the headers of the segment's records."""
    start, last, rate = int(group.start_ns[0]) / 1e9, int(group.start_ns[-1]) / 1e9, float(group.rate[0])
    place = int(group.offset[0]), int(group.length.sum())
    end = last + (int(group.npts[-1]) - 1) / rate
    return IndexedSegment(*codes(bytes(group.sid[0])), start, end, int(group.npts.sum()), rate, *place, last)
