"""MPI: rank 0 plans and reports, the other ranks serve it through `mpi4py.futures`.

All ranks of `mpirun -n N catalogdb run JOB --engine mpi` come to `serve_unless_root` first. The others stay there, and
wait for rank 0 to open an executor, as often as it likes, until it calls `dismiss`. So whatever becomes of its work, a
wrong job file or a lost database, the others end.

Only the thread that mpi4py.futures starts, and the main one, call MPI (`MPI_THREAD_SERIALIZED` is enough). The thread
that keeps a task's lease alive talks to MongoDB alone.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any

from catalogdb.errors import InputError
from catalogdb.interrupts import interrupt

ROOT = 0
IDLE_SECONDS = 0.02  # MPI itself would wait with the core at full load

_others_serve = False


def serve_unless_root() -> bool:
    """On rank 0: True, at once. On the others: serve until rank 0 dismisses them, then False.

    Raises:
        InputError: on rank 0, where there is no MPI, or no other rank; the other ranks end in silence.
    """
    global _others_serve
    world = _world()
    _share_cores(world)
    if world.Get_rank() == ROOT:
        if world.Get_size() == 1:
            raise InputError("--engine mpi: one rank alone", hint="mpirun -n 3 catalogdb run JOB --engine mpi")
        _others_serve = True
        return True
    from mpi4py.futures import MPICommExecutor

    for number in (signal.SIGTERM, signal.SIGINT):  # between tasks rank 0 is the one that ends the others
        signal.signal(number, signal.SIG_IGN)
    while _from_root(world):
        with MPICommExecutor(world, root=ROOT):
            pass
    return False


def dismiss() -> None:
    """On rank 0: end the other ranks, and MPI with them."""
    from mpi4py import MPI

    _to_ranks(MPI.COMM_WORLD, False)
    MPI.Finalize()


@contextmanager
def ranks() -> Iterator[tuple[Executor, int]]:
    """On rank 0: the other ranks as an executor.

    Yields:
        The executor, and the number of ranks that serve.

    Raises:
        InputError: where no ranks serve.
    """
    world = _world()
    if not _others_serve:
        raise InputError("--engine mpi: is for catalogdb run", hint="take another engine for this command")
    from mpi4py.futures import MPICommExecutor

    _to_ranks(world, True)
    with MPICommExecutor(world, root=ROOT) as pool:
        yield _InterruptibleExecutor(pool), world.Get_size() - 1


class _InterruptibleExecutor(Executor):
    """Passes calls on such that a signal ends the call that it meets, and reaches nothing else of a serving rank."""

    def __init__(self, pool: Executor):
        self._pool = pool

    def submit(self, function: Callable, /, *args: Any, **kwargs: Any) -> Future:
        return self._pool.submit(_interruptible, function, args, kwargs)


def _interruptible(function: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
    numbers = (signal.SIGTERM, signal.SIGINT)
    earlier = [signal.signal(number, interrupt) for number in numbers]
    try:
        return function(*args, **kwargs)
    finally:
        for number, handler in zip(numbers, earlier, strict=True):
            signal.signal(number, handler)


def _world():
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: no MPI library
        raise InputError(
            f"--engine mpi needs mpi4py and an MPI library: {error}", hint="pip install 'catalogdb[mpi]'"
        ) from error
    return MPI.COMM_WORLD


def _share_cores(world) -> None:
    """Give each rank that serves its part of its host's cores, where nothing was said: ranks of which each takes all
    hold one another up."""
    from mpi4py import MPI

    here = world.Split_type(MPI.COMM_TYPE_SHARED)
    serving = here.Get_size() - here.allreduce(int(world.Get_rank() == ROOT))
    here.Free()
    part = max(1, (os.cpu_count() or 1) // max(1, serving))
    os.environ.setdefault("OMP_NUM_THREADS", str(min(part, len(os.sched_getaffinity(0)))))


def _to_ranks(world, message: bool) -> None:
    for rank in range(world.Get_size()):
        if rank != ROOT:
            world.send(message, dest=rank)


def _from_root(world) -> bool:
    while not world.iprobe(source=ROOT):
        time.sleep(IDLE_SECONDS)
    return world.recv(source=ROOT)
