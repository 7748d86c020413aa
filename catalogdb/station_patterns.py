"""Patterns of stations, as job files, thresholds and training sets name them."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable


def matches_station(patterns: Iterable[str], net: str, sta: str) -> bool:
    """Whether a station matches one of the patterns (`*` and `?`), of NET.STA or of STA alone; case counts."""
    return any(fnmatch.fnmatchcase(f"{net}.{sta}" if "." in pattern else sta, pattern) for pattern in patterns)
