"""One way to open any engine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor
from contextlib import contextmanager

from catalogdb.engines.options import EngineOptions


@contextmanager
def executor(options: EngineOptions) -> Iterator[tuple[Executor, int]]:
    """Open an executor; it ends, with the processes that it started, with the block.

    Yields:
        The executor, and how many calls it can run at once.

    Raises:
        InputError: where the engine is not to be had here.
    """
    if options.engine == "local":
        from catalogdb.engines.local import InProcessExecutor

        with InProcessExecutor() as pool:
            yield pool, 1
    elif options.engine == "mpi":
        from catalogdb.engines.mpi import ranks

        with ranks() as opened:
            yield opened
    else:
        from catalogdb.engines import dask_clusters

        with dask_clusters.open_cluster(options) as opened:
            yield opened


def worker_was_lost(error: BaseException) -> bool:
    """True for what an engine reports of a call whose process died, as against what the call itself raised."""
    # by name: Dask is not to be imported by runs that don't use it
    return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"
