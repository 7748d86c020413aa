"""Files and folders that programs write for people; files are there whole or not at all."""

from __future__ import annotations

import fcntl
import io
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from catalogdb.errors import InputError


def make_folder(folder: Path, must_be_empty: bool = False) -> None:
    """Make a folder where it isn't there, and those that it lies in.

    Args:
        must_be_empty: refuse one that holds something.

    Raises:
        InputError: when it can't be made, or holds something that it must not.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_wrong = must_be_empty and any(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: can't be made: {error.strerror}", hint="--output names a folder here") from None
    if is_wrong:
        raise InputError(f"{folder}: it holds files already", hint="name a folder that is empty, or not there yet")


def write_atomically(output: Path, write: Callable[[BinaryIO], Any]) -> int:
    """Let `write` fill a file beside `output` and give it that name when it is complete.

    On any failure an older file stays as it was. Drafts that earlier calls for this name left when they were killed are
    removed. A symbolic link stays one, and its target is replaced. Into a pipe or a device (`/dev/stdout`, `/dev/null`,
    a FIFO) it is written as it comes, since such a thing cannot be replaced; the reader of a pipe may close it early.

    Returns:
        Size in bytes.

    Raises:
        InputError: when the folder or the file can't be written, or is something that no file is written onto.
    """
    output = Path(output)
    try:
        mode = output.stat().st_mode if output.exists() else None
        if mode is None or stat.S_ISREG(mode):
            return _replace(Path(os.path.realpath(output)), write, mode)
        if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
            return _write_through(output, write)
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error.strerror or error}") from error
    kind = "a folder" if stat.S_ISDIR(mode) else "no file"
    raise InputError(f"{output}: cannot be written: it is {kind}", hint="name a file in -o")


def _replace(output: Path, write: Callable[[BinaryIO], Any], mode: int | None) -> int:
    _remove_leftovers(output)
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{output.name}.", suffix=".part", dir=output.parent)
        with open(handle, "wb") as stream:
            with suppress(OSError):  # some network filesystems have no locks: leftovers stay there
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(handle, stat.S_IMODE(mode) if mode is not None else 0o666 & ~_umask())
            write(stream)
            stream.flush()
            os.fsync(handle)
            size = os.fstat(handle).st_size
            os.replace(temporary, output)
            temporary = None
    finally:
        if temporary is not None:
            os.unlink(temporary)
    _sync_folder(output.parent)
    return size


def _remove_leftovers(output: Path) -> None:
    """Remove drafts of this name whose writers are gone: nobody holds their lock any more."""
    prefix = f".{output.name}."
    with suppress(OSError):
        names = [name for name in os.listdir(output.parent) if name.startswith(prefix) and name.endswith(".part")]
        for name in names:
            if len(name) != len(prefix) + len("xxxxxxxx.part"):  # mkstemp's own letters between: of this name alone
                continue
            with suppress(OSError), open(output.parent / name, "rb") as draft:
                fcntl.flock(draft, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(draft.name)


class _Counted(io.FileIO):
    """A file without positions that counts what was written."""

    size = 0

    def write(self, content: Any) -> int:
        written = super().write(content)
        self.size += written or 0
        return written


def _write_through(output: Path, write: Callable[[BinaryIO], Any]) -> int:
    raw = _Counted(output, "w")
    with suppress(BrokenPipeError), io.BufferedWriter(raw) as stream:  # the reader of a pipe has seen enough
        write(stream)
    return raw.size


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
