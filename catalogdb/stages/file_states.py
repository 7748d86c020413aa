"""The state of waveform files in the index, which is part of what tells inputs apart."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from pymongo.database import Database

IDENTITIES_PER_QUERY = 10_000
"""A query is one document, and no document may be larger than 16 MB."""


def file_states(db: Database, identities: Iterable[str]) -> dict[str, list[Any]]:
    """Size (bytes) and digest of files by `wf_file._id`: a rewritten file of the same extent is another input, one that
    was only touched is not. A file indexed before digests were kept has its modification time (ns) instead."""
    states: dict[str, list[Any]] = {}
    remaining = iter(sorted(set(identities)))
    while batch := list(islice(remaining, IDENTITIES_PER_QUERY)):
        rows = db.wf_file.find({"_id": {"$in": batch}}, {"size": 1, "mtime_ns": 1, "digest": 1})
        states |= {row["_id"]: [row.get("size"), row.get("digest", row.get("mtime_ns"))] for row in rows}
    return states
