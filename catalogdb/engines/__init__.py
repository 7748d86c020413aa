"""Where tasks are carried out: in this process, by Dask or MPI, in Slurm jobs; all as `concurrent.futures.Executor`."""

from __future__ import annotations

from catalogdb.engines.flow import map_unordered
from catalogdb.engines.options import ENGINES, BatchOptions, Engine, EngineOptions
from catalogdb.engines.select import executor, worker_was_lost

__all__ = [
    "ENGINES",
    "BatchOptions",
    "Engine",
    "EngineOptions",
    "executor",
    "map_unordered",
    "worker_was_lost",
]
