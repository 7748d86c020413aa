"""The state of waveform files in the index, which is part of what tells inputs apart."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pymongo.database import Database

from catalogdb.batches import batches
from catalogdb.documents.archive import WfMiniseed
from catalogdb.ledger.parts import DIGITS, Change, digest
from catalogdb.stages.glance import extent_number
from catalogdb.waveforms.file_state import FileState

IDENTITIES_PER_QUERY = 10_000
"""A query is one document, and no document may be larger than 16 MB."""
FILES_NAMED = 300
"""A task of more files than this doesn't keep a state of each in the ledger."""
EXTENT_FIELDS = (
    *("channel_group", "chan", "foff", "nbytes", "npts", "starttime", "endtime", "delta"),
    *("file_id", "content"),
)
FIELDS = {"size": 1, "mtime_ns": 1, "ctime_ns": 1, "digest": 1}


def file_states(db: Database, identities: Iterable[str]) -> dict[str, FileState]:
    """States of files when they were indexed by `wf_file._id`; files of which nothing could be read are left out."""
    states: dict[str, FileState] = {}
    for batch in batches(sorted(set(identities)), IDENTITIES_PER_QUERY):
        for row in db.wf_file.find({"_id": {"$in": batch}}, FIELDS):
            if "size" in row:
                states[row["_id"]] = FileState(row["size"], row["mtime_ns"], row.get("ctime_ns"), row.get("digest"))
    return states


def content_of(state: FileState | None) -> str:
    """What tells a file's content apart: size (bytes) and digest. A rewritten file of the same extent is another input;
    one that was touched, renamed or moved is not. A file indexed before digests were kept has its modification time
    (ns) instead."""
    return f"{state.size} {state.digest or state.mtime_ns}" if state else "? ?"


def extent_of(segment: Mapping[str, Any], content: str) -> str:
    """What tells apart what is read of a file by one segment: the file's content, and a digest of the segment's place,
    channel and times."""
    place = f"{segment['channel_group']} {segment['chan']} {segment['foff']} {segment['nbytes']} {segment['npts']}"
    place += f" {segment['starttime']!r} {segment['endtime']!r} {segment['delta']!r}"
    return f"{content} {hashlib.sha256(place.encode()).hexdigest()[:DIGITS]}"


def file_parts(segments: list[WfMiniseed]) -> dict[str, str]:
    """Files that segments with `extent` are read from, with size, digest and what of them is read."""
    single = {segment["file_id"]: segment["extent"] for segment in segments}
    if len(single) == len(segments) <= FILES_NAMED:
        return single
    extents: dict[str, list[str]] = defaultdict(list)
    for segment in segments:
        extents[segment["file_id"]].append(segment["extent"])
    files = {
        file: of_file[0] if len(of_file) == 1 else f"{of_file[0].rpartition(' ')[0]} {digest(*sorted(of_file))}"
        for file, of_file in extents.items()
    }
    if len(files) > FILES_NAMED:
        contents = sorted(set(files.values()))
        files = {"all": f"{len(contents)} files {digest(*contents)}"}
    return files


def tell_file(change: Change) -> tuple[str, str]:
    """What became of a file of which some is read, from its `extent_of` before and now."""
    name = change.name
    if change.before is None:
        return "late file", name
    if change.now is None:
        return "vanished file", name
    old, new = change.before.split(), change.now.split()
    if old[0] != new[0]:
        return "changed file", f"{name}: {old[0]} -> {new[0]} bytes"
    if old[1] != new[1]:
        return "changed file", f"{name}: same size, other content"
    return "changed index", f"{name}: other segments of the same bytes"


def with_extent(segment: WfMiniseed) -> WfMiniseed:
    """A segment (with `content`) and its `extent`, as they are stored."""
    extent = extent_of(segment, segment["content"])
    return {**segment, "extent": extent, "extent_number": extent_number(extent)}


def add_extents(db: Database, segments: Sequence[WfMiniseed]) -> None:
    """Give segments that were indexed before it was kept with them their `extent_of`."""
    without = {segment["_id"]: segment for segment in segments if "extent" not in segment}
    if not without:
        return
    states = file_states(db, (segment["file_id"] for segment in without.values()))
    for row in db.wf_miniseed.find({"_id": {"$in": list(without)}}, dict.fromkeys(EXTENT_FIELDS, 1)):
        content = row.get("content") or content_of(states.get(row["file_id"]))
        without[row["_id"]]["extent"] = extent_of(row, content)
    for segment in without.values():  # those that an ingest has replaced meanwhile
        segment.setdefault("extent", "? ? ?")
