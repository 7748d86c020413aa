"""A function in a process of its own: what it returns, or how the process ended."""

from __future__ import annotations

import multiprocessing
import resource
import signal
import time
from collections.abc import Callable
from math import ceil
from multiprocessing.connection import Connection
from typing import Any, TypeVar

Result = TypeVar("Result")


class CpuSpent(Exception):
    """A process has spent the CPU time that it allowed itself."""


class EndedEarly(Exception):
    """A process ended without a result: killed, or out of memory."""


def alone(call: Callable[[], Result]) -> Result:
    """Call something in a new process, which ends with it.

    Args:
        call: can be pickled, as `functools.partial` of a module's function.

    Raises:
        Exception: that it raised.
        CpuSpent: where `allow_cpu` ended it.
        EndedEarly: where anything else did.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, call))
    process.start()
    there.close()
    try:
        answer: Result | Exception = here.recv()
    except EOFError:
        process.join()
        raise (CpuSpent if process.exitcode == -signal.SIGXCPU else EndedEarly) from None
    process.join()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _answer(there: Connection, call: Callable[[], Any]) -> None:
    try:
        there.send(call())
    except Exception as error:
        there.send(error)


def allow_cpu(seconds: float | None) -> None:
    """End this process where it spends more CPU time from now on, to the second; None: never."""
    if seconds is not None:
        limit = ceil(time.process_time() + seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
