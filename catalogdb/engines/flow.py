"""Handing calls to an executor, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any

IN_FLIGHT_PER_WORKER = 2


def map_unordered(
    pool: Executor, capacity: int, function: Callable[[Any], Any], items: Iterable[Any]
) -> Iterator[tuple[Any, Future]]:
    """Yield each item with the finished future of `function(item)`, as they come.

    Items are taken only as calls finish: at most `IN_FLIGHT_PER_WORKER` calls per worker are with the executor. What a
    call raised is in its future: the caller knows what must end the run. Where the caller stops, calls that have not
    begun are called off.

    Args:
        pool: the executor.
        capacity: calls that it can run at once.
        function: called with one item; must be picklable for engines of more than one process.
        items: what to call it with.
    """
    limit = 1 if capacity == 1 else capacity * IN_FLIGHT_PER_WORKER
    pending: dict[Future, Any] = {}

    def finished() -> Iterator[tuple[Any, Future]]:
        done, _ = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            yield pending.pop(future), future

    try:
        for item in items:
            pending[pool.submit(function, item)] = item
            if len(pending) >= limit:
                yield from finished()
        while pending:
            yield from finished()
    finally:
        for future in pending:
            future.cancel()
