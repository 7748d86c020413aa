"""Lists in messages: the first few by name, the others by number."""

from __future__ import annotations

from collections.abc import Sequence


def first_few(items: Sequence[object], most: int) -> str:
    """`A, B, C and 12 more`."""
    more = len(items) - most
    return ", ".join(str(item) for item in items[:most]) + (f" and {more} more" if more > 0 else "")
