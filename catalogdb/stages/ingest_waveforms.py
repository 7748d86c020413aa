"""Waveform files -> `wf_file` and `wf_miniseed`: only new and changed files are read, each in one transaction."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from pydantic import BaseModel, Field
from pymongo.client_session import ClientSession
from pymongo.database import Database

from catalogdb.batches import batches
from catalogdb.documents.archive import WfFile, WfMiniseed
from catalogdb.documents.free import AnyDocument
from catalogdb.errors import InputError
from catalogdb.job_schedule import IngestBlock
from catalogdb.ledger.stage import FileStage
from catalogdb.stages.file_states import IDENTITIES_PER_QUERY, content_of, with_extent
from catalogdb.stages.waveform_files import WaveformFile, find_files, is_gone, known_files, shown
from catalogdb.waveforms import REVISION, FileState, ScanResult, UnreadableWaveform, WaveformUnavailable, scan_waveforms

PARALLEL_FROM = 64
"""So many files to scan are worth starting processes for."""
REREAD = frozenset({"missing", "stale"})
"""States of files that are read whatever their size and times."""

Progress = Callable[[int, int], None]


class WaveformIngestSummary(BaseModel):
    """What one ingest of waveforms did, in files (and segments)."""

    files: int = Field(0, description="Files considered.")
    new: int = Field(0, description="Seen for the first time, readable or not.")
    changed: int = Field(
        0,
        description="Of another size or time than when they were indexed, found stale at a read, or read by an earlier "
        "version's readers.",
    )
    unchanged: int = Field(0, description="As they were when they were indexed; not read again.")
    unreadable: int = Field(0, description="Of the new and changed ones: without usable samples.")
    missing: int = Field(0, description="Indexed before, and gone now; they stay in the index unless it is pruned.")
    skipped: int = Field(
        0, description="Hidden, by suffix and beginning no waveforms, or links to a file that is taken by another name."
    )
    segments: int = Field(0, description="Segments written.")
    problems: list[str] = Field(default_factory=list, description="Each names the file and the reason.")


class IngestWaveforms(FileStage):
    """The waveform index; `wf_file` says in what state each file was read, which a task for each would say again."""

    name = "ingest_waveforms"
    states = "wf_file"
    collections = ("wf_file", "wf_miniseed")
    settings = IngestBlock
    verb = "indexed"

    @classmethod
    def bring_in(cls, db: Database, block: IngestBlock, unread: list[str]) -> None:
        """Index what is new or has changed. Files that were indexed before and are gone are not told of: many an
        archive keeps some days alone.

        Raises:
            InputError: for a path that can't be looked at from here, and for a folder that holds no file any more where
                there were some.
        """
        for path in block.waveforms:
            _check(path)
        for path in block.waveforms:
            summary = ingest_waveforms(db, [path])
            if summary.missing and not summary.files:
                raise InputError(
                    f"ingest: {path}: holds none of the {summary.missing} files that were indexed there, as seen from "
                    f"{socket.gethostname()}",
                    hint="is it mounted?",
                )
            unread += summary.problems[:-1] if summary.missing else summary.problems  # the last counts what is gone


def _check(path: str) -> None:
    """Refuse what is not there, even if it was once: its disk may just not be mounted."""
    try:
        if os.path.isdir(path):
            os.scandir(path).close()
        else:
            os.stat(path)
    except OSError as error:
        where = f"as seen from {socket.gethostname()}"
        raise InputError(f"ingest: {path}: {error.strerror or error}, {where}", hint="is it mounted?") from None


@dataclass(frozen=True)
class _Scan:
    file: WaveformFile
    result: ScanResult | None
    error: str | None
    passing: bool = False


def ingest_waveforms(
    db: Database,
    paths: Iterable[Path | str],
    progress: Progress | None = None,
    workers: int | None = None,
    prune: bool = False,
) -> WaveformIngestSummary:
    """Bring the index up to date with the files and folders given.

    Files whose size and times (of content and inode, ns) are as before, and that readers of this revision read, are not
    opened. The others are scanned, in
    `workers` processes (default: the cores at hand) where there are many. Each file's rows are replaced in one
    transaction, so that a crash leaves no file half-indexed. A file that can't be read for the moment (an I/O error)
    keeps the rows it had, and is tried again next time. Files below the given paths that were indexed and are gone are
    counted and stay indexed: a disk may just not be mounted.

    Args:
        progress: called with (files done, files to scan).
        prune: mark files that are gone as missing and remove their segments.

    Raises:
        InputError: when a path can't be looked at, or neither exists nor was ever indexed.
    """
    summary = WaveformIngestSummary()
    roots = sorted({Path(os.path.abspath(path)) for path in paths})
    known = known_files(db, roots)
    found = find_files(roots, known)
    present = found.files
    summary.files, summary.unreadable = len(present) + found.unreadable, found.unreadable
    summary.skipped, summary.problems = found.skipped, found.problems
    todo = []
    for file in present:
        before = known.get((str(file.path.parent), file.path.name))
        if before and before["state"] not in REREAD and _as_indexed(before, file.status):
            summary.unchanged += 1
            continue
        summary.new += before is None
        summary.changed += before is not None
        todo.append(file)
    for number, scan in enumerate(_scans(todo, workers), start=1):
        _write(db, scan)
        _count(summary, scan)
        if progress:
            progress(number, len(todo))
    seen = {(str(file.path.parent), file.path.name) for file in present}
    gone = [key for key in sorted(known) if key not in seen and known[key]["state"] != "missing" and is_gone(*key)]
    if prune:
        for key in gone:
            _write_missing(db, known[key])
    summary.missing = len(gone)
    if moved := _moved(db, [file.file_id for file in todo]):
        summary.problems.append(moved)
    if gone:
        what = (
            "their segments are removed"
            if prune
            else "they stay indexed; mount or bring them back, take them out with --prune, or, where they have moved, "
            "take the index along: catalogdb move-archive OLD NEW"
        )
        summary.problems.append(f"{len(gone)} files indexed before are gone, the first {shown(Path(*gone[0]))}; {what}")
    return summary


def _as_indexed(row: WfFile, status: os.stat_result) -> bool:
    if "size" not in row or row.get("revision") != REVISION:
        return False
    return FileState(row["size"], row["mtime_ns"], row.get("ctime_ns")).shows(status)


def _moved(db: Database, identities: Sequence[str]) -> str | None:
    """A line on new files that hold what files elsewhere held that are gone; None for none."""
    fields = {"digest": 1, "size": 1, "dir": 1, "dfile": 1}
    moved: dict[str, tuple[str, str]] = {}
    for batch in batches(identities, IDENTITIES_PER_QUERY):
        indexed = {"state": "indexed", "digest": {"$exists": True}}
        new = {row["digest"]: row for row in db.wf_file.find({"_id": {"$in": batch}} | indexed, fields)}
        for twin in db.wf_file.find({"state": "indexed", "digest": {"$in": list(new)}}, fields):
            file = new[twin["digest"]]
            if twin["_id"] != file["_id"] and twin["size"] == file["size"] and is_gone(twin["dir"], twin["dfile"]):
                moved.setdefault(file["_id"], (twin["dir"], file["dir"]))
    if not moved:
        return None
    old, new_folder = _without_common_end(*next(iter(moved.values())))
    return (
        f"{len(moved)} files hold what files elsewhere held that are gone, so nothing is picked again for them; to "
        f"take the index along: catalogdb move-archive {old} {new_folder}"
    )


def _without_common_end(old: str, new: str) -> tuple[str, str]:
    """Two folders up to where they differ."""
    first, second = Path(old), Path(new)
    while first.name and first.name == second.name:
        first, second = first.parent, second.parent
    return str(first), str(second)


def _scan(file: WaveformFile) -> _Scan:
    try:
        result = scan_waveforms(file.path)
    except UnreadableWaveform as error:
        return _Scan(file, None, shown(str(error)))
    except WaveformUnavailable as error:
        return _Scan(file, None, shown(str(error)), passing=True)
    except Exception as error:  # a file may be broken in ways that nobody has met yet; it must not stop the others
        return _Scan(file, None, shown(f"{file.path}: {type(error).__name__}: {error}"))
    return _Scan(file, replace(result, warnings=list(map(shown, result.warnings))), None)


def _scans(files: list[WaveformFile], workers: int | None) -> Iterator[_Scan]:
    """Scan the files, in their order; a file that takes its process down is recorded as unreadable."""
    workers = workers or len(os.sched_getaffinity(0))
    if len(files) < PARALLEL_FROM or workers == 1:
        yield from map(_scan, files)
        return
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            pool.submit(os.getpid).result()
    except BrokenProcessPool:  # no processes to be had, as from a script without `if __name__ == "__main__"`
        yield from map(_scan, files)
        return
    done = 0
    while done < len(files):
        try:
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                for scan in pool.map(_scan, files[done:], chunksize=16):
                    yield scan
                    done += 1
        except BrokenProcessPool:
            # one of the next files killed its process: try them one by one, each in a process of its own
            for file in files[done : done + 16 * workers]:
                yield _scan_alone(file)
                done += 1


def _scan_alone(file: WaveformFile) -> _Scan:
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(_scan, file).result()
    except BrokenProcessPool:
        return _Scan(file, None, f"{file.path}: the indexer crashed on it")


def _write(db: Database, scan: _Scan) -> None:
    file = scan.file
    key = {"dir": str(file.path.parent), "dfile": file.path.name}
    state = scan.result.state if scan.result else FileState.of(file.status)
    row: AnyDocument = {"size": state.size, "mtime_ns": state.mtime_ns, "ctime_ns": state.ctime_ns}
    row |= {"n_pieces": 0, "state": "unreadable", "revision": REVISION}
    segments: list[WfMiniseed] = []
    if scan.passing:
        # without size and time the file counts as changed next time; rows that it has stay as they are
        row = {"state": "unreadable", "n_pieces": 0, "error": scan.error}
        update = {"$setOnInsert": {**key, **row}, "$currentDate": {"indexed_at": True}}
        db.wf_file.update_one({"_id": file.file_id}, update, upsert=True)
        return
    if scan.result is None:
        row["error"] = scan.error
    else:
        row["state"] = "indexed"
        content = content_of(state)
        segments = [
            with_extent({**segment, "file_id": file.file_id, "content": content}) for segment in scan.result.segments
        ]
        row["n_pieces"] = len(segments)
        row["digest"] = state.digest
        if scan.result.warnings:
            row["warnings"] = scan.result.warnings
    absent = {name: "" for name in ("error", "warnings", "digest") if name not in row}

    def replace(session: ClientSession) -> None:
        db.wf_miniseed.delete_many({"file_id": file.file_id}, session=session)
        if segments:
            db.wf_miniseed.insert_many([dict(segment) for segment in segments], session=session)
        update = {"$set": {**key, **row}, "$unset": absent, "$currentDate": {"indexed_at": True}}
        db.wf_file.update_one({"_id": file.file_id}, update, upsert=True, session=session)

    with db.client.start_session() as session:
        session.with_transaction(replace)


def _write_missing(db: Database, row: WfFile) -> None:
    def replace(session: ClientSession) -> None:
        db.wf_miniseed.delete_many({"file_id": row["_id"]}, session=session)
        update = {
            "$set": {"state": "missing", "error": "indexed before, and gone now", "n_pieces": 0},
            "$unset": {"warnings": ""},
            "$currentDate": {"indexed_at": True},
        }
        db.wf_file.update_one({"_id": row["_id"]}, update, session=session)

    with db.client.start_session() as session:
        session.with_transaction(replace)


def _count(summary: WaveformIngestSummary, scan: _Scan) -> None:
    if scan.result is None:
        summary.unreadable += 1
        summary.problems.append(scan.error or str(scan.file.path))
    else:
        summary.segments += len(scan.result.segments)
        summary.problems += scan.result.warnings
