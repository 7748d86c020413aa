"""Keeping a cluster of this host's processes at its size.

Dask replaces a worker that dies in the middle of work, but not one that dies while it starts. When the last one is lost
so, calls wait for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import LocalCluster

LOOK_SECONDS = 2.0


@contextmanager
def kept_up(cluster: LocalCluster, count: int) -> Iterator[None]:
    """Within the block, restart workers where Dask has given them up."""
    ended = threading.Event()

    def repair() -> None:
        for name, worker in list(cluster.workers.items()):
            if worker.status.name in ("failed", "closed"):
                del cluster.workers[name]
        if not ended.is_set():
            cluster.scale(count)

    def watch() -> None:
        while not ended.wait(LOOK_SECONDS):
            if cluster.loop is not None:
                cluster.loop.add_callback(repair)

    threading.Thread(target=watch, name="workers kept up", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
