"""The engine of one process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class InProcessExecutor(Executor):
    """Runs each call at once, in the calling thread; interrupts pass through."""

    def submit(self, function: Callable, /, *args: Any, **kwargs: Any) -> Future:
        """Run the call and hand out its finished future."""
        future: Future = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future
