"""Heartbeats that a thread gives beside the work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pymongo.errors import PyMongoError


@contextmanager
def beating(
    name: str, interval: Callable[[], float], beat: Callable[[], object], join_seconds: float = 0.0
) -> Iterator[None]:
    """Within the block, call `beat` again and again; a database that is gone is met by the work itself, which decides.

    Args:
        name: of the thread.
        interval: seconds to the next call.
        beat: what to do.
        join_seconds: how long to wait at the end for a call under way.
    """
    finished = threading.Event()

    def go_on() -> None:
        while not finished.wait(interval()):
            try:
                beat()
            except PyMongoError:
                continue

    thread = threading.Thread(target=go_on, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        if join_seconds:
            thread.join(join_seconds)
