"""Scripts for sbatch: a job array whose elements claim shards from the ledger, or an MPI run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from catalogdb.errors import InputError

DIRECTIVE_VALUE = re.compile(r"[\w.,:@%+/=-]+")


@dataclass(frozen=True)
class SlurmRequest:
    """What a job asks of Slurm; None is left to the cluster.

    Args:
        workers: elements of the array, or MPI ranks.
        mpi: an MPI run in place of an array.
        cpus: cores of each element or rank.
        memory: memory of each core, as sbatch takes it: `2G`.
        time: time limit, as sbatch takes it.
        gpus: GPUs of each element or rank.
        at_once: most elements of the array that run at the same time.
        launcher: starts the MPI ranks.
        setup: lines that come before the command, such as `module load` and `source .../activate`.
    """

    workers: int = 8
    mpi: bool = False
    cpus: int = 4
    memory: str = "2G"
    time: str = "04:00:00"
    gpus: int = 0
    at_once: int | None = None
    partition: str | None = None
    account: str | None = None
    launcher: str = "mpirun --bind-to none"
    setup: Sequence[str] = ()


def slurm_script(
    request: SlurmRequest, job_name: str, arguments: Sequence[str], global_options: Sequence[str] = ()
) -> str:
    """The script.

    Args:
        job_name: of the catalogdb job; the Slurm job is called after it.
        arguments: of `catalogdb work` or `catalogdb run`: the job file, and options.
        global_options: what stands before the command: --uri, --database.

    Raises:
        InputError: for a value that no directive can hold, and an MPI run of one rank.
    """
    if request.mpi and request.workers < 2:
        raise InputError("an MPI run needs two ranks: the first one plans, the others work")
    lines = ["#!/bin/bash", *(f"#SBATCH --{key}={_safe(key, value)}" for key, value in _directives(request, job_name))]
    lines += ["", *(_MPI if request.mpi else _ARRAY), "set -eo pipefail", *request.setup]
    # srun by itself does not pass the batch job's cores on to its step
    lines += ['export OMP_NUM_THREADS="$SLURM_CPUS_PER_TASK" SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"']
    program, quoted = shlex.join(["catalogdb", *global_options]), shlex.join(arguments)
    if request.mpi:
        # a failed rank ends the run; SIGTERM then has so long to give leases back
        lines += ["export OMPI_MCA_odls_base_sigkill_timeout=10"]
        lines += [f"exec {request.launcher} {program} run {quoted} --engine mpi"]
    else:
        lines += [f"exec srun {program} work {quoted}"]
    return "\n".join(lines) + "\n"


_ARRAY = (
    "# Each element claims shards from the ledger in MongoDB until nothing is left; there is no scheduler process.",
    "# Elements may start, end and be requeued at any time.",
    "# CATALOGDB_URI, or the settings file, says where the server is; never this script.",
)
_MPI = (
    "# The first rank plans and reports, the others work. A rank that is lost ends the run: submit it again to go on.",
    "# CATALOGDB_URI, or the settings file, says where the server is; never this script.",
)


def _directives(request: SlurmRequest, job_name: str) -> list[tuple[str, str | int]]:
    limit = f"%{request.at_once}" if request.at_once else ""
    shape: list[tuple[str, str | int]] = (
        [("ntasks", request.workers), ("output", "%x-%j.log")]
        if request.mpi
        else [("array", f"0-{request.workers - 1}{limit}"), ("ntasks", 1), ("output", "%x-%A_%a.log")]
    )
    optional: list[tuple[str, str | int | None]] = [("partition", request.partition), ("account", request.account)]
    optional += [("gpus-per-task", request.gpus or None)]
    return [
        ("job-name", f"catalogdb-{job_name}"),
        *shape,
        ("cpus-per-task", request.cpus),
        ("mem-per-cpu", request.memory),
        ("time", request.time),
        *((key, value) for key, value in optional if value is not None),
        ("open-mode", "append"),
    ]


def _safe(key: str, value: str | int) -> str:
    if not DIRECTIVE_VALUE.fullmatch(str(value)):
        raise InputError(f"--{key} {value!r}: not a value that sbatch takes")
    return str(value)
