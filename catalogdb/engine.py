"""Where tasks are carried out: in this process, or on Dask workers, both as `concurrent.futures.Executor`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

Engine = Literal["local", "dask"]
IN_FLIGHT_PER_WORKER = 2


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


def is_local(address: str) -> bool:
    """True for a scheduler on this host."""
    return (urlsplit(address if "://" in address else f"tcp://{address}").hostname or "") in (
        "localhost",
        "127.0.0.1",
        "::1",
    )


@contextmanager
def executor(
    engine: Engine, workers: int | None = None, scheduler: str | None = None
) -> Iterator[tuple[Executor, int]]:
    """Open an executor.

    Args:
        engine: `local` is this process; `dask` is a cluster of processes on this host, or an existing one.
        workers: worker processes of a new Dask cluster; default one per core.
        scheduler: address of an existing Dask scheduler.

    Yields:
        The executor, and how many calls it can run at once.
    """
    if engine == "local":
        with InProcessExecutor() as pool:
            yield pool, 1
        return
    from distributed import Client, LocalCluster

    if scheduler:
        with Client(scheduler, set_as_default=False) as client:
            yield client.get_executor(retries=0), max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
        return
    count = workers or os.cpu_count() or 1
    threads = str(max(1, (os.cpu_count() or 1) // count))
    cluster = LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        silence_logs="CRITICAL",
        env={"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads},
    )
    with cluster, Client(cluster, set_as_default=False) as client:
        yield client.get_executor(retries=0), count


def map_unordered(
    pool: Executor, capacity: int, function: Callable, items: Iterable[Any], *args: Any
) -> Iterator[tuple[Any, Future]]:
    """Yield each item with the finished future of `function(item, *args)`, as they come.

    A bounded number of calls is in flight. What a call raised is in its future: the caller knows what must end the run.
    """
    pending: dict[Future, Any] = {}
    for item in items:
        pending[pool.submit(function, item, *args)] = item
        if len(pending) >= capacity * IN_FLIGHT_PER_WORKER or capacity == 1:
            finished, _ = wait(pending, return_when=FIRST_COMPLETED)
            yield from ((pending.pop(future), future) for future in finished)
    while pending:
        finished, _ = wait(pending, return_when=FIRST_COMPLETED)
        yield from ((pending.pop(future), future) for future in finished)
