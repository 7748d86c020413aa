"""Waveform files -> `wf_file` and `wf_miniseed`: only new and changed files are read, each in one transaction."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field
from pymongo.client_session import ClientSession
from pymongo.database import Database

from catalogdb.errors import InputError
from catalogdb.identity import content_id
from catalogdb.waveforms import ScanResult, UnreadableWaveform, WaveformUnavailable, scan_miniseed

PARALLEL_FROM = 64
"""So many files to scan are worth starting processes for."""
OTHER_SUFFIXES = frozenset(
    [
        ".xml",
        ".csv",
        ".txt",
        ".json",
        ".yaml",
        ".yml",
        ".md",
        ".log",
        ".pdf",
        ".png",
        ".jpg",
        ".svg",
        ".html",
        ".py",
        ".sh",
        ".zip",
        ".gz",
        ".tar",
        ".tgz",
        ".parquet",
        ".db",
    ]
)
"""Files that a folder of waveforms often holds besides; they are scanned only when they are named themselves."""

Progress = Callable[[int, int], None]


class WaveformIngestSummary(BaseModel):
    """What one ingest of waveforms did, in files (and pieces)."""

    files: int = Field(0, description="Files considered.")
    new: int = Field(0, description="Seen for the first time, readable or not.")
    changed: int = Field(0, description="Of another size or modification time than when they were indexed.")
    unchanged: int = Field(0, description="As they were when they were indexed; not read again.")
    unreadable: int = Field(0, description="Of the new and changed ones: without usable samples.")
    missing: int = Field(0, description="Indexed before, and gone now; they stay in the index unless it is pruned.")
    skipped: int = Field(0, description="Hidden, or by their suffix no waveforms; passed over while walking a folder.")
    pieces: int = Field(0, description="Pieces written.")
    problems: list[str] = Field(default_factory=list, description="Each names the file and the reason.")


@dataclass(frozen=True)
class _File:
    path: Path
    size: int
    mtime_ns: int

    @property
    def file_id(self) -> str:
        return content_id(str(self.path.parent), self.path.name)


@dataclass(frozen=True)
class _Scan:
    file: _File
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

    Files whose size and modification time (ns) are as before are not opened. The others are scanned, in `workers`
    processes (default: the cores at hand) where there are many. Each file's rows are replaced in one transaction, so
    that a crash leaves no file half-indexed. A file that can't be read for the moment (an I/O error) keeps the rows it
    had, and is tried again next time. Files below the given paths that were indexed and are gone are counted and stay
    indexed: a disk may just not be mounted.

    Args:
        progress: called with (files done, files to scan).
        prune: mark files that are gone as missing and remove their pieces.

    Raises:
        InputError: when a path can't be looked at, or neither exists nor was ever indexed.
    """
    summary = WaveformIngestSummary()
    roots = sorted({Path(os.path.abspath(path)) for path in paths})
    known = _known(db, roots)
    present = _present(roots, known, summary)
    todo = []
    for file in present:
        before = known.get((str(file.path.parent), file.path.name))
        if (
            before
            and before["state"] != "missing"
            and (before.get("size"), before.get("mtime_ns")) == (file.size, file.mtime_ns)
        ):
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
    gone = [key for key in sorted(known) if key not in seen and known[key]["state"] != "missing" and _is_gone(*key)]
    if prune:
        for key in gone:
            _write_missing(db, known[key])
    summary.missing = len(gone)
    if gone:
        what = (
            "their pieces are removed"
            if prune
            else "they stay indexed; mount or bring them back, or take them out with --prune"
        )
        summary.problems.append(f"{len(gone)} files indexed before are gone, the first {Path(*gone[0])}; {what}")
    return summary


def _is_gone(folder: str, name: str) -> bool:
    try:
        os.stat(os.path.join(folder, name))
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # not to be looked at now
        return False
    return False


def _known(db: Database, roots: Sequence[Path]) -> dict[tuple[str, str], dict[str, Any]]:
    """`wf_file` rows of the roots themselves and of all below them."""
    clauses: list[dict[str, Any]] = []
    for root in roots:
        below = str(root).rstrip(os.sep) + os.sep
        clauses += [
            {"dir": str(root.parent), "dfile": root.name},
            {"dir": str(root)},
            {"dir": {"$gte": below, "$lt": below + "\U0010ffff"}},
        ]
    if not clauses:
        return {}
    rows = db.wf_file.find({"$or": clauses}, {"dir": 1, "dfile": 1, "size": 1, "mtime_ns": 1, "state": 1})
    return {(row["dir"], row["dfile"]): row for row in rows}


def _present(roots: Sequence[Path], known: dict[tuple[str, str], Any], summary: WaveformIngestSummary) -> list[_File]:
    found: dict[Path, _File] = {}
    for root in roots:
        try:
            mode = root.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            mode = 0
        except OSError as error:
            raise InputError(f"{root}: {error.strerror or error}") from error
        if stat.S_ISDIR(mode):
            files: Iterator[Path] | list[Path] = _walk(root, known, summary)
        elif mode:
            files = [root]
        elif any(Path(*key) == root or root in Path(*key).parents for key in known):
            files = []
        else:
            raise InputError(f"{root}: no such file or folder")
        for path in files:
            try:
                status = path.stat()
            except OSError as error:
                if (str(path.parent), path.name) not in known:
                    summary.files += 1
                    summary.unreadable += 1
                    summary.problems.append(f"{path}: {error.strerror or error}")
                continue
            found[path] = _File(path, status.st_size, status.st_mtime_ns)
    summary.files += len(found)
    return [found[path] for path in sorted(found)]


def _walk(root: Path, known: dict[tuple[str, str], Any], summary: WaveformIngestSummary) -> Iterator[Path]:
    """Files below a folder; folders that are symbolic links are followed, and no folder is entered twice."""
    entered: set[tuple[int, int]] = set()

    def refused(error: OSError) -> None:
        summary.problems.append(f"{error.filename}: folder can't be read: {error.strerror}")

    def first_time(folder: str) -> bool:
        try:
            status = os.stat(folder)
        except OSError as error:
            refused(error)
            return False
        place = status.st_dev, status.st_ino
        new = place not in entered
        entered.add(place)
        return new

    todo = [str(root)] if first_time(str(root)) else []
    while todo:
        links: list[str] = []  # entered last, so that a folder goes by its own name where it has one below the root
        for start in todo:
            for folder, subfolders, names in os.walk(start, onerror=refused):
                visible = sorted(name for name in subfolders if not name.startswith("."))
                links += [path for name in visible if os.path.islink(path := os.path.join(folder, name))]
                subfolders[:] = [
                    name
                    for name in visible
                    if not os.path.islink(path := os.path.join(folder, name)) and first_time(path)
                ]
                for name in sorted(names):
                    other = name.startswith(".") or Path(name).suffix.lower() in OTHER_SUFFIXES
                    if other and (folder, name) not in known:
                        summary.skipped += 1
                    else:
                        yield Path(folder, name)
        todo = [path for path in links if first_time(path)]


def _scan(file: _File) -> _Scan:
    try:
        return _Scan(file, scan_miniseed(file.path), None)
    except UnreadableWaveform as error:
        return _Scan(file, None, str(error))
    except WaveformUnavailable as error:
        return _Scan(file, None, str(error), passing=True)
    except Exception as error:  # a file may be broken in ways that nobody has met yet; it must not stop the others
        return _Scan(file, None, f"{file.path}: {type(error).__name__}: {error}")


def _scans(files: list[_File], workers: int | None) -> Iterator[_Scan]:
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


def _scan_alone(file: _File) -> _Scan:
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(_scan, file).result()
    except BrokenProcessPool:
        return _Scan(file, None, f"{file.path}: the indexer crashed on it")


def _write(db: Database, scan: _Scan) -> None:
    file = scan.file
    key = {"dir": str(file.path.parent), "dfile": file.path.name}
    row: dict[str, Any] = {"size": file.size, "mtime_ns": file.mtime_ns, "n_pieces": 0, "state": "unreadable"}
    pieces: list[dict[str, Any]] = []
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
        pieces = [{**piece, "file_id": file.file_id} for piece in scan.result.pieces]
        row["n_pieces"] = len(pieces)
        row["digest"] = scan.result.digest
        if scan.result.warnings:
            row["warnings"] = scan.result.warnings
    absent = {name: "" for name in ("error", "warnings", "digest") if name not in row}

    def replace(session: ClientSession) -> None:
        db.wf_miniseed.delete_many({"file_id": file.file_id}, session=session)
        if pieces:
            db.wf_miniseed.insert_many([dict(piece) for piece in pieces], session=session)
        update = {"$set": {**key, **row}, "$unset": absent, "$currentDate": {"indexed_at": True}}
        db.wf_file.update_one({"_id": file.file_id}, update, upsert=True, session=session)

    with db.client.start_session() as session:
        session.with_transaction(replace)


def _write_missing(db: Database, row: dict[str, Any]) -> None:
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
        summary.pieces += len(scan.result.pieces)
        summary.problems += scan.result.warnings
