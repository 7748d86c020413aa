"""Samples of indexed segments, held against what was indexed: every stage and every figure reads them here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from catalogdb.documents.archive import WfMiniseed
from catalogdb.identity import content_id
from catalogdb.stages.file_states import content_of, file_states
from catalogdb.waveforms import ChangedWaveform, FileState, read_traces

if TYPE_CHECKING:
    from obspy import Trace

SEGMENT_FIELDS = (
    *("net", "sta", "loc", "chan", "channel_group", "starttime", "endtime", "npts"),
    *("dir", "dfile", "foff", "nbytes", "format", "file_id"),
)
"""What reading needs of a `wf_miniseed` document."""
IDENTIFYING = ("net", "sta", "loc", "chan", "starttime", "endtime", "foff", "nbytes")
"""What, with the content of its file, tells one segment from another."""

Interval = tuple[float, float]


def identify(db: Database, segments: Sequence[Any]) -> None:
    """Give segments (documents with `SEGMENT_FIELDS`) their `identity`, the same for equal content under two names."""
    states = file_states(db, (segment["file_id"] for segment in segments))
    for segment in segments:
        values = [segment[name] for name in IDENTIFYING]
        segment["identity"] = content_id(values, content_of(states.get(segment["file_id"])))


def overlaps(document: Any, start: float, end: float) -> bool:
    """Whether a segment, or an epoch of a channel, has part in a period."""
    return bool(document["starttime"] <= end and document["endtime"] >= start)


def read_intervals(
    db: Database,
    segments: Sequence[Any],
    intervals: Iterable[Interval],
    states: dict[str, FileState] | None = None,
) -> tuple[list[Trace], list[str]]:
    """Samples of some periods, and what could not be decoded, each once.

    Args: as `read_segments`.

    Raises: as `read_segments`.
    """
    traces: list[Trace] = []
    problems: list[str] = []
    for start, end in intervals:
        inside = [segment for segment in segments if overlaps(segment, start, end)]
        found, failed = read_segments(db, inside, start, end, states) if inside else ([], [])
        traces += found
        problems += [problem for problem in failed if problem not in problems]
    return traces, problems


def read_segments(
    db: Database,
    segments: Sequence[WfMiniseed],
    starttime: float,
    endtime: float,
    states: dict[str, FileState] | None = None,
) -> tuple[list[Trace], list[str]]:
    """Read what segments hold between two times, as `read_traces`. A file that is not what was indexed is marked as
    stale in `wf_file`, so that the next ingest reads it whatever its size and time.

    Args:
        segments: `wf_miniseed` documents with `SEGMENT_FIELDS`.
        states: of `file_states`, where the caller has them.

    Raises:
        WaveformUnavailable: where a file can't be read.
        ChangedWaveform: where a file is not what was indexed.
    """
    if states is None:
        states = file_states(db, (segment["file_id"] for segment in segments))
    try:
        return read_traces(segments, starttime, endtime, states)
    except ChangedWaveform as error:
        with suppress(OperationFailure):  # who may only read sees the error too
            _mark_stale(db, error)
        raise


def _mark_stale(db: Database, error: ChangedWaveform) -> None:
    file = {"dir": str(error.path.parent), "dfile": error.path.name, "state": "indexed"}
    message = f"not what was indexed: {error.difference}; ingest it again: catalogdb ingest waveforms {error.path}"
    db.wf_file.update_one(file, {"$set": {"state": "stale", "error": message}})
