"""Waveform files that are no miniSEED 2 (SAC, GSE2, SEG-Y, ...), indexed and read through ObsPy; miniSEED 3 by pymseed.

Each trace of a file is a segment: `foff` is its number in the file, `nbytes` the size of the file, which is read whole.
"""

from __future__ import annotations

import os
import re
import tempfile
import warnings as python_warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from catalogdb.documents.archive import WfMiniseed, WfMiniseedFields
from catalogdb.file_formats import START, identify, identify_by_obspy
from catalogdb.waveforms.assemble import Segment
from catalogdb.waveforms.bounds import outside
from catalogdb.waveforms.errors import ChangedWaveform, UnreadableWaveform
from catalogdb.waveforms.file_state import FileState, digest_of, opened, wait_for_clock
from catalogdb.waveforms.index import ScanResult, scan_miniseed
from catalogdb.waveforms.miniseed3 import MINISEED3, SIGNATURE, read_miniseed3
from catalogdb.waveforms.records import location
from catalogdb.waveforms.segment_document import MINISEED, IndexedSegment, segment_document

if TYPE_CHECKING:
    from obspy import Trace

LOOSE_TESTS = {"WIN"}
"""Formats that ObsPy takes many files for that hold none."""
CODES_IN_A_NAME = re.compile(r"([A-Za-z0-9]{1,2})\.([A-Za-z0-9]{1,5})\.([A-Za-z0-9]{0,2})\.([A-Za-z0-9]{3})\b")
CODE = re.compile(r"[A-Za-z0-9_-]{0,8}")


def scan_waveforms(path: Path) -> ScanResult:
    """Index a file of waveforms: miniSEED by its records, everything else through ObsPy.

    Raises:
        UnreadableWaveform: when the file holds no samples that can be told whose they are.
        WaveformUnavailable: when it can't be read.
    """
    try:
        return scan_miniseed(path)
    except UnreadableWaveform as error:
        format = _format(path)
        if format is None:
            raise
        try:
            return _scan(path, format)
        except UnreadableWaveform:
            if format in LOOSE_TESTS:
                raise error from None
            raise


def _format(path: Path) -> str | None:
    """ObsPy's name of a file's format; None for what holds no waveforms, and for miniSEED 2."""
    with opened(path) as stream:
        start = stream.read(START)
    if start.startswith(SIGNATURE):
        return MINISEED3
    found = identify(start) if start.strip(b"\0 \r\n\t") else None
    if found is None and start:
        found = identify_by_obspy(path, "waveforms")
    return found.obspy if found is not None and found.content == "waveforms" else None


def _scan(path: Path, format: str) -> ScanResult:
    with opened(path) as stream:
        wait_for_clock(stream)
        status = os.fstat(stream.fileno())
        content = stream.read()
    state = FileState(len(content), status.st_mtime_ns, status.st_ctime_ns, digest_of(content))
    traces = _traces(path, content, format)
    segments, problems = [], []
    for number, trace in enumerate(traces):
        codes = _codes(trace, path, alone=len(traces) == 1)
        if reason := _wrong(trace, codes):
            problems.append(f"{path}: trace {number + 1} of {format}: {reason}")
            continue
        segments.append(_document(trace, codes, path, number, len(content), format))
    if not segments:
        raise UnreadableWaveform(problems[0] if problems else f"{path}: {format} without a trace")
    return ScanResult(segments, state, problems)


def _traces(path: Path, content: bytes, format: str) -> list[Trace]:
    """The traces of a file, without gaps in any, in the file's order.

    Raises:
        UnreadableWaveform: naming ObsPy's or pymseed's reason, when it can't read them.
    """
    import obspy

    if format == MINISEED3:
        try:
            return read_miniseed3(content)
        except Exception as error:  # pymseed's and numpy's have no common one
            raise UnreadableWaveform(f"{path}: miniSEED 3: {' '.join(str(error).split())[:160]}") from error

    with tempfile.TemporaryDirectory(prefix="catalogdb-") as folder, python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        copy = Path(folder) / path.name  # some readers take no stream
        copy.write_bytes(content)
        try:
            stream = obspy.read(str(copy), format=format)
        except Exception as error:  # the readers have no common error
            text = " ".join(str(error).replace(f"{folder}{os.sep}", "").split())[:160] or type(error).__name__
            raise UnreadableWaveform(f"{path}: ObsPy's reader of {format} fails: {text}") from error
    return list(stream.split() if any(np.ma.isMaskedArray(trace.data) for trace in stream) else stream)


def _codes(trace: Trace, path: Path, alone: bool) -> tuple[str, str, str, str]:
    """Network, station, location and channel code; of a file's only trace without any, those of the file's name."""
    stats = trace.stats
    codes = stats.network.strip(), stats.station.strip(), location(stats.location.strip()), stats.channel.strip()
    if not codes[1] and alone and (named := CODES_IN_A_NAME.match(path.name)):
        net, sta, loc, chan = named.groups()
        return net, sta, loc, chan
    return codes


def _wrong(trace: Trace, codes: Sequence[str]) -> str | None:
    """Why a trace can't be indexed."""
    npts, rate = len(trace.data), float(trace.stats.sampling_rate)
    if not codes[1] or not codes[3]:
        what = "station" if not codes[1] else "channel"
        return f"it has no {what} code; write it as miniSEED with codes, or name the file NET.STA.LOC.CHAN..."
    if not all(CODE.fullmatch(code) for code in codes):
        return f"{'.'.join(codes)} are no codes"
    if not npts or not rate > 0:
        return "it has no samples of a time series"
    if trace.data.ndim != 1 or not np.issubdtype(trace.data.dtype, np.number) or np.iscomplexobj(trace.data):
        return "its samples are no numbers"
    numbers = np.array([npts]), np.array([rate]), np.array([trace.stats.starttime.ns])
    return next((said for mask, said in outside(*numbers) if mask[0]), None)


def _document(trace: Trace, codes: Sequence[str], path: Path, number: int, size: int, format: str) -> WfMiniseedFields:
    net, sta, loc, chan = codes
    start, npts, rate = trace.stats.starttime.ns / 1e9, len(trace.data), float(trace.stats.sampling_rate)
    times = start, start + (npts - 1) / rate
    return segment_document(IndexedSegment(net, sta, loc, chan, *times, npts, rate, number, size), path, format)


def read_other(stream: BinaryIO, path: Path, segments: Sequence[WfMiniseed]) -> Iterator[tuple[WfMiniseed, Segment]]:
    """Read the traces that segments of one file stand for.

    Raises:
        ChangedWaveform: where they are not what was indexed.
    """
    stream.seek(0)
    try:
        traces = _traces(path, stream.read(), segments[0].get("format", MINISEED))
    except UnreadableWaveform as error:
        raise ChangedWaveform(path, str(error).removeprefix(f"{path}: ")) from error
    for segment in segments:
        trace = traces[segment["foff"]] if segment["foff"] < len(traces) else None
        if trace is None or len(trace.data) != segment["npts"]:
            raise ChangedWaveform(path, f"trace {segment['foff'] + 1} is not what was indexed")
        start = trace.stats.starttime.ns
        if abs(start / 1e9 - segment["starttime"]) > 1e-3:
            raise ChangedWaveform(path, f"trace {segment['foff'] + 1} starts at another time than when it was indexed")
        of_record = np.array([start]), np.array([0])
        rate = float(trace.stats.sampling_rate)
        yield segment, Segment(start, rate, trace.data, *of_record, index_start=segment["starttime"])
