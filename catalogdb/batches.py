"""Anything one after the other, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items, the last of as many as are left; no more than one list is read ahead."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
