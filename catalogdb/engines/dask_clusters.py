"""Dask: processes of this host, a scheduler that runs already, or workers that are Slurm jobs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from catalogdb.engines.keep_up import kept_up
from catalogdb.engines.options import EngineOptions
from catalogdb.errors import InputError

if TYPE_CHECKING:
    from distributed import Client

DEFAULT_MEMORY = "4GB"
SCHEDULER_TIMEOUT = 30
AT_LEAST = 32
"""Calls handed to a scheduler of your own, if not more: workers may join it in mid run, when it has calls that wait."""
QUIET = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "false"}
"""No profiler for the dashboard that nobody looks at: it would interrupt the work a hundred times a second."""

NO_DASHBOARD = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
"""Dask serves figures of its own without a dashboard, too: at a free port that other hosts don't reach."""


@contextmanager
def open_cluster(options: EngineOptions) -> Iterator[tuple[Executor, int]]:
    """Open what the options ask for.

    Yields:
        The executor, and how many calls it can run at once.

    Raises:
        InputError: where no scheduler answers, or jobs can't be submitted.
    """
    from distributed import Client

    with ExitStack() as stack:
        if options.scheduler:
            client = stack.enter_context(_client_of(options.scheduler))
            capacity = max(AT_LEAST, len(client.scheduler_info(n_workers=-1)["workers"]))
        else:
            capacity = options.workers or (1 if options.engine == "slurm" else os.cpu_count() or 1)
            open_new = _slurm_jobs if options.engine == "slurm" else _processes
            cluster = stack.enter_context(open_new(capacity, options))
            client = stack.enter_context(Client(cluster, set_as_default=False))
        # the ledger counts the attempts; Dask by itself gives tasks of a lost worker to another
        yield client.get_executor(retries=0), max(1, capacity)


@contextmanager
def _client_of(scheduler: str) -> Iterator[Client]:
    from distributed import Client

    try:
        client = Client(scheduler, set_as_default=False, timeout=SCHEDULER_TIMEOUT)
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"--scheduler {scheduler}: {reason}",
            hint="is the scheduler running? A tls:// address needs Dask's settings distributed.comm.tls",
        ) from error
    with client:
        yield client


@contextmanager
def _processes(count: int, options: EngineOptions) -> Iterator[Any]:
    """Worker processes of this host. Whoever can connect to a scheduler can run code, so only this process can: by TLS
    with a certificate of its own."""
    from distributed import LocalCluster

    threads = str(max(1, (os.cpu_count() or 1) // count))
    cluster = LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        processes=True,
        security=True,
        scheduler_kwargs=NO_DASHBOARD,
        silence_logs="CRITICAL",
        env={"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads} | QUIET,
    )
    with cluster, kept_up(cluster, count):
        yield cluster


@contextmanager
def _slurm_jobs(count: int, options: EngineOptions) -> Iterator[Any]:
    """Slurm jobs of one worker each. What no option says comes from Dask's configuration (jobqueue.slurm)."""
    import dask

    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise InputError("--engine slurm needs dask-jobqueue", hint="pip install 'catalogdb[slurm]'") from error
    if shutil.which(SLURMCluster.job_cls.submit_command) is None:
        raise InputError("--engine slurm: no sbatch here", hint="run it on a host of the Slurm cluster")
    configured = dask.config.get("jobqueue.slurm")
    asked = {name: value for name, value in asdict(options.batch).items() if value is not None}
    defaults = {"cores": 1, "memory": DEFAULT_MEMORY, "shared_temp_directory": os.getcwd()}
    missing = {name: value for name, value in defaults.items() if not configured.get(name.replace("_", "-"))}
    cluster = SLURMCluster(
        processes=1,
        security=True,  # certificates for this cluster alone, in files that only this user can read
        scheduler_options=NO_DASHBOARD,
        silence_logs="CRITICAL",
        **(missing | asked),
    )
    with cluster:
        cluster.scale(jobs=count)
        yield cluster
