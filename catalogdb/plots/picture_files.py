"""Files of pictures that are drawn at the end of long work, checked before it."""

from __future__ import annotations

from pathlib import Path

from catalogdb.errors import InputError

FORMATS = (".png", ".svg", ".pdf")


def check_picture(path: Path) -> None:
    """Refuse a picture that couldn't be written.

    Raises:
        InputError: for another format, and a folder that isn't there.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path}: a picture is one of {', '.join(FORMATS)}")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}")
