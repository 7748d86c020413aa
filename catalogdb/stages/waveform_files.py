"""Which waveform files lie below some folders, and which are indexed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pymongo.database import Database

from catalogdb.documents.archive import WfFile
from catalogdb.documents.free import Query
from catalogdb.errors import InputError
from catalogdb.file_formats import START, identify
from catalogdb.identity import content_id
from catalogdb.stages.file_states import FIELDS

COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".zst", ".Z", ".zip", ".tar", ".tgz", ".7z"})
"""In small letters, but for compress's .Z: GSE2 files end in .z."""
OTHER_SUFFIXES = COMPRESSED | {
    *(".xml", ".csv", ".txt", ".json", ".yaml", ".yml", ".md", ".log", ".pdf", ".png", ".jpg", ".svg", ".html"),
    *(".py", ".sh", ".parquet", ".db"),
}
"""Files that a folder of waveforms often holds besides; they are scanned only when they are named themselves, or begin
as waveforms do: web services hand out ASCII time series as .txt."""

Known = Mapping[tuple[str, str], WfFile]


@dataclass(frozen=True)
class WaveformFile:
    """A file that is there, with its stat."""

    path: Path
    status: os.stat_result

    @property
    def file_id(self) -> str:
        return file_id(str(self.path.parent), self.path.name)


@dataclass
class FoundFiles:
    """What a search came to.

    Attributes:
        files: by path.
        skipped: hidden, by suffix and beginning no waveforms, or other names of a file that is among the others.
        unreadable: files that can't be looked at, or whose names can't be stored.
        problems: each names the file and the reason.
    """

    files: list[WaveformFile] = field(default_factory=list)
    skipped: int = 0
    unreadable: int = 0
    problems: list[str] = field(default_factory=list)


def file_id(folder: str, name: str) -> str:
    """`wf_file._id` of a file."""
    return content_id(folder, name)


def is_gone(folder: str, name: str) -> bool:
    """True where there is no such file; False too where that can't be told now."""
    try:
        os.stat(os.path.join(folder, name))
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # not to be looked at now
        return False
    return False


def below(root: Path) -> Query:
    """Filter of documents whose `dir` is a folder or lies below it."""
    inside = str(root).rstrip(os.sep) + os.sep
    return {"$or": [{"dir": str(root)}, {"dir": {"$gte": inside, "$lt": inside + "\U0010ffff"}}]}


def known_files(db: Database, roots: Sequence[Path]) -> dict[tuple[str, str], WfFile]:
    """`wf_file` rows of the roots themselves and of all below them, by folder and name."""
    clauses: list[Query] = []
    for root in roots:
        if storable(root):
            clauses += [{"dir": str(root.parent), "dfile": root.name}, below(root)]
    if not clauses:
        return {}
    rows = db.wf_file.find({"$or": clauses}, {"dir": 1, "dfile": 1, "state": 1, "revision": 1} | FIELDS)
    return {(row["dir"], row["dfile"]): row for row in rows}


def storable(path: Path) -> bool:
    """True for a path in UTF-8, as MongoDB stores text."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(path: Path | str) -> str:
    """A path on one line, bytes that are no UTF-8 and control characters as escapes."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def find_files(roots: Sequence[Path], known: Known) -> FoundFiles:
    """The files given, and those below the folders given; each file once, however many names it has.

    Raises:
        InputError: when a path can't be looked at, or neither exists nor was ever indexed.
    """
    result = FoundFiles()
    found: dict[Path, WaveformFile] = {}
    for root in roots:
        for path in _candidates(root, known, result):
            if not storable(path):
                result.unreadable += 1
                result.problems.append(f"{shown(path)}: the name is not UTF-8, so it can't be stored; rename it")
                continue
            try:
                found[path] = WaveformFile(path, path.stat())
            except OSError as error:
                if (str(path.parent), path.name) not in known:
                    result.unreadable += 1
                    result.problems.append(f"{shown(path)}: {error.strerror or error}")
    result.files = _once(found, known)
    result.skipped += len(found) - len(result.files)
    return result


def _once(found: Mapping[Path, WaveformFile], known: Known) -> list[WaveformFile]:
    """Files in order, without links to one that is among them; of the names of one file the indexed ones stay."""
    by_inode: dict[tuple[int, int], list[WaveformFile]] = {}
    for path in sorted(found):
        status = found[path].status
        by_inode.setdefault((status.st_dev, status.st_ino), []).append(found[path])
    kept = []
    for names in by_inode.values():
        if len(names) > 1:
            indexed = [file for file in names if (str(file.path.parent), file.path.name) in known]
            names = indexed or [min(names, key=lambda file: (file.path.is_symlink(), file.path))]
        kept += names
    return sorted(kept, key=lambda file: file.path)


def _candidates(root: Path, known: Known, result: FoundFiles) -> Iterator[Path]:
    try:
        mode = root.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = 0
    except OSError as error:
        raise InputError(f"{shown(root)}: {error.strerror or error}") from error
    if stat.S_ISDIR(mode):
        yield from _walk(root, known, result)
    elif mode:
        yield root
    elif not any(Path(*key) == root or root in Path(*key).parents for key in known):
        raise InputError(f"{shown(root)}: no such file or folder")


def _suffix(path: Path) -> str:
    return path.suffix if path.suffix == ".Z" else path.suffix.lower()


def _is_other(path: Path) -> bool:
    """True where the suffix is one of other files, and the beginning no waveform's."""
    suffix = _suffix(path)
    if suffix not in OTHER_SUFFIXES or suffix in COMPRESSED or not path.is_file():
        return suffix in OTHER_SUFFIXES
    try:
        with path.open("rb") as stream:
            found = identify(stream.read(START))
    except OSError:
        return True
    return found is None or found.content != "waveforms"


def _walk(root: Path, known: Known, result: FoundFiles) -> Iterator[Path]:
    """Files below a folder; folders that are symbolic links are followed, and no folder is entered twice."""
    entered: set[tuple[int, int]] = set()
    compressed: list[str] = []

    def refused(error: OSError) -> None:
        result.problems.append(f"{shown(error.filename)}: folder can't be read: {error.strerror}")

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
                    file = Path(folder, name)
                    if (folder, name) in known or not (name.startswith(".") or _is_other(file)):
                        yield file
                        continue
                    result.skipped += 1
                    if _suffix(file) in COMPRESSED:
                        compressed.append(str(file))
        todo = [path for path in links if first_time(path)]
    if compressed:
        result.problems.append(
            f"{len(compressed)} compressed files and archives passed over, the first {shown(compressed[0])}: unpack "
            "those that hold miniSEED"
        )
