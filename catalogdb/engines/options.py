"""Which engine, and what it is told; checked before anything starts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args
from urllib.parse import urlsplit

from catalogdb.errors import InputError
from catalogdb.settings import Settings

Engine = Literal["local", "dask", "mpi", "slurm"]
ENGINES: tuple[str, ...] = get_args(Engine)


@dataclass(frozen=True)
class BatchOptions:
    """What each Slurm job of `--engine slurm` asks for; None: as Dask's own configuration says (jobqueue.slurm).

    Args:
        queue: partition.
        account: account that is charged.
        walltime: time limit, as sbatch takes it.
        cores: cores of one job, which runs one worker.
        memory: memory of one job, such as `4GB`.
    """

    queue: str | None = None
    account: str | None = None
    walltime: str | None = None
    cores: int | None = None
    memory: str | None = None


@dataclass(frozen=True)
class EngineOptions:
    """An engine and what it is told.

    Args:
        engine: `local`, `dask`, `mpi` or `slurm`.
        workers: Dask worker processes, or Slurm jobs; None: one per core, or one job.
        scheduler: address of a running Dask scheduler.
        batch: of Slurm jobs.
    """

    engine: str = "local"
    workers: int | None = None
    scheduler: str | None = None
    batch: BatchOptions = BatchOptions()

    def check(self, settings: Settings) -> None:
        """Refuse what does not go together.

        Raises:
            InputError: naming the option.
        """
        if self.engine not in ENGINES:
            raise InputError(f"--engine {self.engine}: not an engine", hint=f"one of {', '.join(ENGINES)}")
        if self.scheduler and self.engine != "dask":
            raise InputError(f"--scheduler {self.scheduler}: is for --engine dask")
        if self.workers and self.engine in ("local", "mpi"):
            hint = "mpirun -n says how many" if self.engine == "mpi" else "add --engine dask"
            raise InputError(f"--workers {self.workers}: is for --engine dask and slurm", hint=hint)
        for field in fields(self.batch):
            if getattr(self.batch, field.name) is not None and self.engine != "slurm":
                raise InputError(f"--{field.name}: is for --engine slurm")
        elsewhere = self.engine == "slurm" or (self.scheduler and not is_local(self.scheduler))
        if elsewhere and settings.uri is None:
            option = f"--scheduler {self.scheduler}" if self.scheduler else "--engine slurm"
            raise InputError(
                f"{option}: its workers can't reach the embedded MongoDB of this host",
                hint="set CATALOGDB_URI to a server that every worker can reach",
            )


def is_local(address: str) -> bool:
    """True for a scheduler on this host."""
    return (urlsplit(address if "://" in address else f"tcp://{address}").hostname or "") in (
        "localhost",
        "127.0.0.1",
        "::1",
    )
