"""Folders: the data of the project (`schemas/`, `jobs/`), in the package or beside it in a checkout, and the cache."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).resolve().parent


def resource_folder(name: str) -> Path:
    """Folder of data files shipped with catalogdb.

    Raises:
        FileNotFoundError: when the installation is incomplete.
    """
    for candidate in (PACKAGE / name, PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"catalogdb's folder {name}/ is missing from {PACKAGE}: reinstall the package")


def cache_folder() -> Path:
    """Where what can be made again is kept: ``CATALOGDB_CACHE_DIR``, or the user's cache folder."""
    return Path(os.environ.get("CATALOGDB_CACHE_DIR") or platformdirs.user_cache_dir("catalogdb"))


def writable_cache(name: str) -> Path:
    """A folder in the cache folder; where that can't be written (a node without a home), one for this process alone."""
    folder = cache_folder() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    except OSError:
        pass
    return Path(_spare_folder(name).name)


@cache
def _spare_folder(name: str) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix=f"catalogdb-{name}-")  # removed with the process
