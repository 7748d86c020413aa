"""Files in GridFS, each under an id of its own: large values that stand beside documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridfs import GridFSBucket
from gridfs.errors import NoFile
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError

from catalogdb.documents.free import Query


def put(db: Database, bucket: str, identity: str, content: bytes, about: Mapping[str, Any] | None = None) -> None:
    """Store a file; one of that id that is there already stays. What a killed process left of one is replaced: the
    file counts from its last write on, when all of its chunks are there."""
    files = db[bucket].files
    if files.find_one({"_id": identity}, {"_id": 1}):
        return
    db[bucket].chunks.delete_many({"files_id": identity})
    try:
        GridFSBucket(db, bucket).upload_from_stream_with_id(identity, identity, content, metadata=dict(about or {}))
    except (BulkWriteError, DuplicateKeyError):  # another process stores the same file at this moment
        if not files.find_one({"_id": identity}, {"_id": 1}):
            raise


def get(db: Database, bucket: str, identity: str) -> bytes | None:
    """Content of a file; None where there is none of that id."""
    try:
        with GridFSBucket(db, bucket).open_download_stream(identity) as stream:
            return bytes(stream.read())
    except NoFile:
        return None


def newest(db: Database, bucket: str, about: Mapping[str, Any], by: str) -> bytes | None:
    """Content of the file with the largest value of `by` among those that were stored with `about`."""
    row = db[bucket].files.find_one(_of(about), {"_id": 1}, sort=[(f"metadata.{by}", -1)])
    return row and get(db, bucket, row["_id"])


def drop(db: Database, bucket: str, about: Mapping[str, Any], besides: str | None = None) -> None:
    """Remove the files that were stored with `about`, but for one."""
    for row in db[bucket].files.find(_of(about) | {"_id": {"$ne": besides}}, {"_id": 1}):
        remove(db, bucket, row["_id"])


def remove(db: Database, bucket: str, identity: str) -> None:
    """Remove a file; nothing happens where there is none."""
    db[bucket].files.delete_one({"_id": identity})
    db[bucket].chunks.delete_many({"files_id": identity})


def _of(about: Mapping[str, Any]) -> Query:
    return {f"metadata.{key}": value for key, value in about.items()}
