"""Files of arrays that can be made again, named by what they are made of and shared by all processes of a host.

They are written atomically and mapped into memory, so processes that use one have one copy of it. Above a limit the
ones that were not used for longest are removed; a process that has one mapped keeps it until it lets go.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import numpy as np

from catalogdb.errors import InputError
from catalogdb.output_file import write_atomically
from catalogdb.resources import cache_folder

LIMIT_VARIABLE = "CATALOGDB_TRAVEL_TIMES_GB"
LIMIT_GB = 20.0
SUFFIX = ".npy"


def folder() -> Path:
    """Where they lie: `travel_times` in the cache folder."""
    return cache_folder() / "travel_times"


def limit_bytes() -> int:
    """How large they may be together.

    Raises:
        InputError: where the variable holds no positive number.
    """
    text = os.environ.get(LIMIT_VARIABLE) or str(LIMIT_GB)
    try:
        size = float(text)
    except ValueError:
        size = 0.0
    if not size > 0:
        raise InputError(f"{LIMIT_VARIABLE}={text!r} is no size in GB", hint=f"for example {LIMIT_GB:g}")
    return int(size * 1e9)


def kept(key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """The array of a key, mapped into memory: from its file, or made and written.

    Args:
        key: content id of all that decides the array.
        make: makes it.

    Raises:
        InputError: where the folder can't be written.
    """
    path = folder() / f"{key}{SUFFIX}"
    if (found := _mapped(path)) is not None:
        with suppress(OSError):
            os.utime(path)  # used just now
        return found
    made = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{path.parent}: the folder of travel times can't be made: {error.strerror}",
            hint="set CATALOGDB_CACHE_DIR to a folder that can be written",
        ) from error
    write_atomically(path, lambda stream: np.save(stream, made))
    found = _mapped(path)
    return made if found is None else found  # another process has removed it already


def _mapped(path: Path) -> np.ndarray | None:
    """The array of a file; None where there is none, or none that is whole."""
    try:
        found: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found


def remove_oldest(used: Collection[str]) -> int:
    """Remove files that were not used for longest until the rest is within the limit; gives their number.

    Args:
        used: keys that stay.

    Raises:
        InputError: where those alone are larger.
    """
    limit, keep = limit_bytes(), set(used)
    sizes, total = [], 0
    for path in folder().glob(f"*{SUFFIX}"):
        with suppress(OSError):  # another process is at it, too
            state = path.stat()
            total += state.st_size
            sizes.append((path.stem in keep, state.st_mtime, state.st_size, path))
    own = sum(size for is_used, _, size, _ in sizes if is_used)
    if own > limit:
        raise InputError(
            f"{folder()}: travel times of this network take {own / 1e9:.2f} GB, more than the {limit / 1e9:g} GB that "
            "they may",
            hint=f"set {LIMIT_VARIABLE} higher, or make the region smaller",
        )
    removed = 0
    for is_used, _, size, path in sorted(sizes, key=lambda row: row[:2]):
        if total <= limit or is_used:
            break
        with suppress(OSError):
            path.unlink()
        total -= size
        removed += 1
    return removed
