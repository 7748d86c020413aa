"""Samples of indexed segments, held against what was indexed: every stage and every figure reads them here."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo.database import Database
from pymongo.errors import OperationFailure

from catalogdb.documents.archive import WfMiniseed
from catalogdb.documents.free import Query
from catalogdb.identity import content_id
from catalogdb.ledger.parts import digest
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

JOIN_SECONDS = 60.0
"""Waveforms of one station or sensor this close together are read at once."""

Interval = tuple[float, float]
Key = TypeVar("Key", bound=Hashable)


def joined(spans: Iterable[tuple[Key, float, float]]) -> dict[Key, list[Interval]]:
    """Times (epoch seconds) that are to be read, by station or sensor and ascending, joined where they are close.

    Args:
        spans: what they are of, start and end of each.
    """
    needed: dict[Key, list[Interval]] = {}
    for key, start, end in sorted(spans, key=lambda span: span[1]):
        found = needed.setdefault(key, [])
        if found and start - found[-1][1] <= JOIN_SECONDS:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return needed


def meets(intervals: Collection[Interval]) -> Query:
    """Filter of segments, or epochs, that may meet some of these times."""
    return {
        "starttime": {"$lte": max(end for _, end in intervals)},
        "endtime": {"$gte": min(start for start, _ in intervals)},
    }


def find_segments(db: Database, codes: Query, intervals: Collection[Interval]) -> list[Any]:
    """Segments with `SEGMENT_FIELDS` of some stations or sensors that may meet some of these times."""
    return list(db.wf_miniseed.find(codes | meets(intervals), dict.fromkeys(SEGMENT_FIELDS, 1) | {"_id": 0}))


def meeting(documents: Iterable[Any], intervals: Sequence[Interval]) -> list[Any]:
    """Segments, or epochs, that have part in some of the times, which are ascending and apart from one another."""
    ends = [end for _, end in intervals]
    found = []
    for document in documents:
        first = bisect_left(ends, document["starttime"])
        if first < len(intervals) and overlaps(document, *intervals[first]):
            found.append(document)
    return found


def segments_meeting(db: Database, codes: Query, intervals: Sequence[Interval]) -> list[Any]:
    """Segments with `SEGMENT_FIELDS` of a station or sensor that have part in some of the times (as for `meeting`)."""
    return meeting(find_segments(db, codes, intervals), intervals)


def waveform_parts(segments: Mapping[str, Iterable[Any]]) -> dict[str, str]:
    """Identity of what is recorded by station or sensor, of segments with their `identity`: the same content under two
    names is the same."""
    identities = {name: sorted({row["identity"] for row in own}) for name, own in segments.items()}
    return {name: digest(*own) for name, own in identities.items() if own}


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
