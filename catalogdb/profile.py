"""Where the time of a task goes: named steps on a stopwatch that the task's own thread carries.

A step's seconds are those of its own: what a step inside it takes is counted there alone, so that steps add up to the
whole. Outside of `profiled` the calls cost next to nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Item = TypeVar("Item")


class Stopwatch:
    """Seconds by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._open: list[str] = []
        self._since = 0.0

    def _charge(self) -> None:
        now = time.perf_counter()
        if self._open:
            step = self._open[-1]
            self.seconds[step] = self.seconds.get(step, 0.0) + now - self._since
        self._since = now

    def begin(self, step: str) -> None:
        """Enter a step; the one around it stands still."""
        self._charge()
        self._open.append(step)

    def end(self) -> None:
        """Leave the innermost step."""
        self._charge()
        self._open.pop()


_carried: ContextVar[Stopwatch | None] = ContextVar("stopwatch", default=None)


@contextmanager
def profiled() -> Iterator[dict[str, float]]:
    """Gather the seconds of the steps inside, by name, in the dictionary that is given."""
    stopwatch = Stopwatch()
    token = _carried.set(stopwatch)
    try:
        yield stopwatch.seconds
    finally:
        _carried.reset(token)


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Count what is inside to a step."""
    stopwatch = _carried.get()
    if stopwatch is None:
        yield
        return
    stopwatch.begin(step)
    try:
        yield
    finally:
        stopwatch.end()


def timed_each(step: str, items: Iterator[Item]) -> Iterator[Item]:
    """The items, with the time that it takes to get each of them counted to a step."""
    while True:
        with timed(step):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item
