"""The state of waveform files in the index, which is part of what tells inputs apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from pymongo.database import Database

from catalogdb.waveforms.file_state import FileState

IDENTITIES_PER_QUERY = 10_000
"""A query is one document, and no document may be larger than 16 MB."""
FIELDS = {"size": 1, "mtime_ns": 1, "ctime_ns": 1, "digest": 1}


def file_states(db: Database, identities: Iterable[str]) -> dict[str, FileState]:
    """States of files when they were indexed by `wf_file._id`; files of which nothing could be read are left out."""
    states: dict[str, FileState] = {}
    remaining = iter(sorted(set(identities)))
    while batch := list(islice(remaining, IDENTITIES_PER_QUERY)):
        for row in db.wf_file.find({"_id": {"$in": batch}}, FIELDS):
            if "size" in row:
                states[row["_id"]] = FileState(row["size"], row["mtime_ns"], row.get("ctime_ns"), row.get("digest"))
    return states


def content_of(state: FileState | None) -> str:
    """What tells a file's content apart: size (bytes) and digest. A rewritten file of the same extent is another input;
    one that was touched, renamed or moved is not. A file indexed before digests were kept has its modification time
    (ns) instead."""
    return f"{state.size} {state.digest or state.mtime_ns}" if state else "? ?"


def add_content(db: Database, pieces: Sequence[dict[str, Any]]) -> None:
    """Give pieces that were indexed before it was kept with them the content of their files, see `content_of`."""
    without = [piece for piece in pieces if "content" not in piece]
    states = file_states(db, (piece["file_id"] for piece in without)) if without else {}
    for piece in without:
        piece["content"] = content_of(states.get(piece["file_id"]))
