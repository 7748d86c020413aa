"""Taking the index along with an archive that has moved: the same files under another folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import BaseModel, Field
from pymongo.client_session import ClientSession
from pymongo.database import Database

from catalogdb.batches import batches
from catalogdb.documents.free import AnyDocument, Json, Row
from catalogdb.errors import InputError
from catalogdb.stages.waveform_files import below, file_id, shown, storable
from catalogdb.waveforms import ChangedWaveform, FileState, UnreadableWaveform, WaveformUnavailable
from catalogdb.waveforms.file_state import check_digest, opened

FILES_PER_STEP = 100
"""So many files are moved in one transaction."""


class ArchiveMove(BaseModel):
    """What a move of the index came to, in files."""

    dry_run: bool = False
    moved: int = Field(0, description="Found under the new folder with the same content; with --dry-run they would be.")
    already_there: int = Field(0, description="Of them indexed under the new folder before; the old rows go.")
    segments: int = Field(0, description="Segments (`wf_miniseed`) of those files.")
    absent: int = Field(0, description="Not under the new folder; they stay indexed under the old one.")
    different: int = Field(0, description="Under the new folder with other content; they stay under the old one.")
    problems: list[str] = Field(default_factory=list, description="Each names the file and the reason.")


def move_archive(
    db: Database,
    old: Path,
    new: Path,
    dry_run: bool = False,
    verify: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ArchiveMove:
    """Let the rows of files below one folder say that they are below another.

    A file is the same where its size and modification time are, else where its digest is. Fingerprints of tasks are
    made of content, so nothing becomes stale. Each step of `FILES_PER_STEP` files is one transaction: broken off, the
    same call goes on.

    Args:
        verify: read every file, and compare digests.
        progress: called with (files done, files in all).

    Raises:
        InputError: where the new folder is none, or nothing is indexed below the old one.
    """
    old, new = Path(os.path.abspath(old)), Path(os.path.abspath(new))
    if old == new:
        raise InputError(f"{shown(old)}: old and new folder are the same")
    if not new.is_dir():
        raise InputError(f"{shown(new)}: no such folder", hint="move the files first, then the index")
    if not storable(old) or not storable(new):
        raise InputError(f"{shown(new)}: the name is not UTF-8, so it can't be stored; rename it")
    result = ArchiveMove(dry_run=dry_run)
    inside = {"$and": [below(old), {"state": {"$ne": "missing"}}]}
    if old in new.parents:  # what has been moved is below both
        inside["$and"].append({"$nor": [below(new)]})
    rows = sorted(db.wf_file.find(inside), key=lambda row: (row["dir"], row["dfile"]))
    if not rows and not db.wf_file.find_one(below(new), {"_id": 1}):
        raise InputError(f"{shown(old)}: no file is indexed below it", hint="catalogdb query wf_file shows what is")
    done = 0
    for step in batches(rows, FILES_PER_STEP):
        moves = list(_checked(db, step, old, new, verify, result))
        result.moved += len(moves)
        identities = [row["_id"] for row, _ in moves]
        result.segments += db.wf_miniseed.count_documents({"file_id": {"$in": identities}})
        if moves and not dry_run:
            _move(db, moves)
        done += len(step)
        progress(done, len(rows))
    return result


def _checked(
    db: Database, rows: list[Row], old: Path, new: Path, verify: bool, result: ArchiveMove
) -> Iterator[tuple[Json, Json]]:
    """The rows whose files are under the new folder, each with the row that takes its place."""
    targets = [new / Path(row["dir"]).relative_to(old) / row["dfile"] for row in rows]
    identities = [file_id(str(path.parent), path.name) for path in targets]
    there = {row["_id"]: row for row in db.wf_file.find({"_id": {"$in": identities}})}
    for row, path, identity in zip(rows, targets, identities, strict=True):
        state = FileState(row.get("size", -1), row.get("mtime_ns", -1), None, row.get("digest"))
        try:
            with opened(path) as stream:
                status = os.fstat(stream.fileno())
                if state.size != status.st_size:
                    raise ChangedWaveform(path, f"{state.size} bytes when it was indexed, {status.st_size} now")
                if not state.shows(status) or row["state"] == "stale" or verify:
                    check_digest(stream, path, state)
        except (ChangedWaveform, UnreadableWaveform) as error:
            result.different += 1
            result.problems.append(shown(str(error)))
            continue
        except WaveformUnavailable as error:
            result.absent += 1
            result.problems.append(shown(str(error)))
            continue
        known = there.get(identity)
        if known and known["state"] == "indexed":
            if (known.get("size"), known.get("digest")) != (row["size"], row.get("digest")):
                result.different += 1
                result.problems.append(f"{shown(path)}: indexed there with other content; ingest it again")
                continue
            result.already_there += 1
        place = {"_id": identity, "dir": str(path.parent), "dfile": path.name}
        times = {"mtime_ns": status.st_mtime_ns, "ctime_ns": status.st_ctime_ns}
        earlier = {"earlier_ids": [*row.get("earlier_ids", []), row["_id"]]}
        yield row, row | place | times | earlier


def _move(db: Database, moves: list[tuple[AnyDocument, AnyDocument]]) -> None:
    def step(session: ClientSession) -> None:
        for row, target in moves:
            place = {"file_id": target["_id"], "dir": target["dir"], "dfile": target["dfile"]}
            db.wf_miniseed.delete_many({"file_id": target["_id"]}, session=session)
            db.wf_miniseed.update_many({"file_id": row["_id"]}, {"$set": place}, session=session)
            db.wf_file.delete_many({"_id": {"$in": [row["_id"], target["_id"]]}}, session=session)
            db.wf_file.insert_one(target, session=session)

    with db.client.start_session() as session:
        session.with_transaction(step)
