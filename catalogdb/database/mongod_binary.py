"""Which mongod the embedded server runs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
from pathlib import Path

from catalogdb.errors import DatabaseError


def mongod_binary(copies: Path) -> Path:
    """The mongod on PATH, else the one of the `embedded` extra.

    Args:
        copies: folder for a copy of the latter, where it was installed by someone else and can't be run as it is.

    Raises:
        DatabaseError: when there is none on this machine.
    """
    if on_path := shutil.which("mongod"):
        return Path(on_path)
    packaged = importlib.util.find_spec("fiftyone")
    for root in (packaged.submodule_search_locations or []) if packaged else []:
        binary = Path(root) / "db" / "bin" / "mongod"
        if binary.is_file():
            return binary if os.access(binary, os.X_OK) else _runnable(binary, copies)
    raise DatabaseError(
        "no mongod on this machine",
        hint="install MongoDB, or `pip install catalogdb[embedded]` (Linux x86-64), or set CATALOGDB_URI",
    )


def _runnable(binary: Path, copies: Path) -> Path:
    try:
        binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
        return binary
    except OSError:  # installed by someone else
        copy = copies / "mongod"
        shutil.copyfile(binary, copy)
        copy.chmod(0o700)
        return copy
