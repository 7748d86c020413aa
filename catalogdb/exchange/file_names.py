"""What files are called where several are spoken of."""

from __future__ import annotations

from pathlib import Path


def distinct_names(paths: list[str]) -> dict[str, str]:
    """Each path -> its file's name, with as many of its folders as tell it from the others."""
    names = {}
    for path in paths:
        parts = Path(path).parts
        others = [Path(other).parts for other in paths if Path(other) != Path(path)]
        length = next(
            (n for n in range(1, len(parts)) if all(other[-n:] != parts[-n:] for other in others)), len(parts)
        )
        names[path] = str(Path(*parts[-length:])) if parts else path
    return names
