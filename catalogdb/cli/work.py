"""`catalogdb work`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalogdb.cli import common, completion


def work(
    job: Annotated[
        Path, typer.Argument(help="Job file, or the name of a packaged job.", autocompletion=completion.jobs)
    ],
    set: Annotated[
        list[str] | None, typer.Option("--set", help="Change a key of the job: pick.p_threshold=0.2. May be repeated.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the catalog, instead of the job's.")] = None,
    run_id: Annotated[
        str | None,
        typer.Option(
            help="Run to take part in: workers with the same id share its record. Default: that of the Slurm array, or "
            "of the srun step of several tasks; else a run of its own."
        ),
    ] = None,
    wait: Annotated[
        bool,
        typer.Option(
            help="Wait for what others have in hand and go on with the next stage; else end where nothing is free."
        ),
    ] = True,
    json: common.JsonOption = False,
) -> None:
    """Work on a job beside any number of others, with no scheduler: claim what is free until nothing is left.

    Start as many as you like, when and where you like, such as the elements of a Slurm job array. The last stage done,
    one of them compares the catalog with the job's reference. What an `ingest` block names is read by the
    first of a run. Exit code 1 where the run had failures; a task that
    failed is not tried again in the same run.
    """
    from catalogdb.cli.run import StageProgress, bring_in_first, print_report
    from catalogdb.jobs import load_job
    from catalogdb.runs.run_record import is_entered
    from catalogdb.runs.work import this_worker, work_job

    loaded = load_job(job, set or [])
    settings = common.settings()
    worker = this_worker(settings, run_id, wait)
    common.end_cleanly_on_sigterm()
    bring_in_first(job, set or [], unless=lambda: is_entered(common.database(), worker.run_id))
    with StageProgress(common.progress_allowed(json), quiet=json) as progress:
        report = work_job(settings, loaded, worker, name, progress)
    if json:
        common.print_json(report.model_dump())
    else:
        print_report(report)
        common.out.print(f"run {report.run_id}: {report.status}", markup=False, soft_wrap=True)
    if report.status == "failed":
        raise typer.Exit(1)
