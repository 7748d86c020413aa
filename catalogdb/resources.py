"""Find the project's data folders (`schemas/`, `jobs/`), installed in the package or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

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
