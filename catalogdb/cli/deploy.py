"""`catalogdb deploy`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalogdb.cli import common, completion

app = typer.Typer(help="Write what a cluster needs to run a job.", no_args_is_help=True)


@app.command("slurm", epilog="Example: catalogdb deploy slurm ogs-2024 --array 16 --partition NAME -o season.sbatch")
def slurm(
    job: Annotated[
        Path, typer.Argument(help="Job file, or the name of a packaged job.", autocompletion=completion.jobs)
    ],
    array: Annotated[
        int | None, typer.Option(min=1, help="A job array of so many workers without a scheduler; default 8.")
    ] = None,
    mpi: Annotated[int | None, typer.Option(min=2, help="An MPI run of so many ranks instead.")] = None,
    at_once: Annotated[int | None, typer.Option(min=1, help="Most elements of the array at the same time.")] = None,
    partition: Annotated[str | None, typer.Option(help="Partition.")] = None,
    account: Annotated[str | None, typer.Option(help="Account that is charged.")] = None,
    time: Annotated[str, typer.Option(help="Time limit.")] = "04:00:00",
    cpus: Annotated[int, typer.Option(min=1, help="Cores of each worker.")] = 4,
    memory: Annotated[str, typer.Option(help="Memory of each core.")] = "2G",
    gpus: Annotated[int, typer.Option(min=0, help="GPUs of each worker.")] = 0,
    launcher: Annotated[str, typer.Option(help="What starts the MPI ranks.")] = "mpirun --bind-to none",
    setup: Annotated[
        list[str] | None,
        typer.Option(help="Line of the script before the command, such as 'module load python'. May be repeated."),
    ] = None,
    set: Annotated[list[str] | None, typer.Option("--set", help="Passed on, as for catalogdb run.")] = None,
    name: Annotated[str | None, typer.Option(help="Passed on: name of the catalog.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File; none: standard output.")] = None,
    json: common.JsonOption = False,
) -> None:
    """Write a script for sbatch that runs a job: a job array, or an MPI run."""
    from catalogdb.engines.slurm_script import SlurmRequest, slurm_script
    from catalogdb.errors import InputError
    from catalogdb.jobs import load_job
    from catalogdb.output_file import write_atomically

    if array and mpi:
        raise InputError("--array and --mpi: one of them")
    if at_once and mpi:
        raise InputError("--at-once: is for --array")
    job_name = load_job(job, set or []).name
    request = SlurmRequest(
        workers=mpi or array or SlurmRequest.workers,
        mpi=mpi is not None,
        cpus=cpus,
        memory=memory,
        time=time,
        gpus=gpus,
        at_once=at_once,
        partition=partition,
        account=account,
        launcher=launcher,
        setup=tuple(setup or ()),
    )
    arguments = [str(job), *(part for item in set or [] for part in ("--set", item))]
    arguments += ["--name", name] if name else []
    script = slurm_script(request, job_name, arguments, common.global_options())
    if output:
        write_atomically(output, lambda stream: stream.write(script.encode()))
    if json:
        common.print_json({"script": script, "file": str(output) if output else None})
    elif output:
        common.out.print(f"{output}: sbatch {output}", markup=False, soft_wrap=True)
    else:
        print(script, end="")
