"""`catalogdb run` and `catalogdb jobs`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from catalogdb.cli import common, completion

if TYPE_CHECKING:
    from rich.progress import TaskID

    from catalogdb.runs.run import RunReport
    from catalogdb.runs.run_report import StageReport


def run(
    job: Annotated[
        Path, typer.Argument(help="Job file, or the name of a packaged job.", autocompletion=completion.jobs)
    ],
    set: Annotated[
        list[str] | None, typer.Option("--set", help="Change a key of the job: pick.p_threshold=0.2. May be repeated.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the catalog, instead of the job's; picks of the same settings are shared."),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            help="local (this process), dask (processes of this host, or --scheduler), mpi (under mpirun) or slurm "
            "(Dask workers that are Slurm jobs)."
        ),
    ] = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Dask worker processes, default one per core; or Slurm jobs, default one.")
    ] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a running Dask scheduler.")] = None,
    queue: Annotated[str | None, typer.Option(help="Slurm partition of --engine slurm.")] = None,
    account: Annotated[str | None, typer.Option(help="Slurm account of --engine slurm.")] = None,
    walltime: Annotated[str | None, typer.Option(help="Time limit of a Slurm job: 02:00:00.")] = None,
    cores: Annotated[int | None, typer.Option(min=1, help="Cores of a Slurm job.")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory of a Slurm job: 4GB.")] = None,
    replace: Annotated[bool, typer.Option(help="Remove results of other settings under the same names.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Say where the time of each stage went.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Run a job: pick, associate, magnitudes, evaluate. Only what is missing or stale is done; run it again to go on.

    Exit code 1 where a task failed. In Python: db.run(JOB, ...).
    """
    from catalogdb.engines import BatchOptions
    from catalogdb.jobs import load_job
    from catalogdb.runs.run import run_job

    batch = BatchOptions(queue, account, walltime, cores, memory)
    with ranks_served(engine) as is_root:
        if not is_root:
            return
        loaded = load_job(job, set or [])
        settings = common.settings()
        common.end_cleanly_on_sigterm()
        if not dry_run:
            bring_in_first(job, set or [])
        with StageProgress(common.progress_allowed(json), quiet=json) as progress:
            report = run_job(settings, loaded, engine, workers, scheduler, name, replace, dry_run, progress, batch)
    if json:
        common.print_json(report.model_dump())
    else:
        print_report(report)
        if profile:
            _print_profile(report)
    if report.status == "failed":
        raise typer.Exit(1)


def bring_in_first(job: Path, overrides: list[str], unless: Callable[[], bool] = lambda: False) -> None:
    """Read what the job file's `ingest` block names, and say what of it can't be read; `unless` as in `bring_in`."""
    from catalogdb.jobs import load_job_file

    if (block := load_job_file(job, overrides).ingest) is None:
        return
    from catalogdb.stages.bring_in import bring_in

    unread: list[str] = []
    bring_in(common.database(), block, unread, unless)
    for line in unread:
        common.err.print(f"problem: ingest: {line}", markup=False, soft_wrap=True)


@contextmanager
def ranks_served(engine: str) -> Iterator[bool]:
    """Under MPI, let every rank but the first serve that one, and end with it.

    Yields:
        False on a rank that has served: it has nothing more to do.
    """
    if engine != "mpi":
        yield True
        return
    from catalogdb.engines import mpi

    if not mpi.serve_unless_root():
        yield False
        return
    try:
        yield True
    finally:
        mpi.dismiss()


def jobs(json: common.JsonOption = False) -> None:
    """List the job files that come with catalogdb, with their times where they have a schedule."""
    from catalogdb.jobs import load_job_file, packaged_jobs

    loaded = [(path, load_job_file(path)) for path in packaged_jobs()]
    rows = [
        {
            "name": job.name,
            "stages": " ".join(job.stages),
            "schedule": f"{job.schedule.cron} {job.schedule.timezone}" if job.schedule else None,
            "description": job.description,
            "file": str(path),
        }
        for path, job in loaded
    ]
    common.print_json({"jobs": rows}) if json else common.print_rows(rows)


class StageProgress:
    """One progress bar per stage, and what is to be known before its tasks begin.

    Args:
        shown: whether there are bars.
        quiet: whether nothing is said at all.
    """

    def __init__(self, shown: bool, quiet: bool = False):
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description:>10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=common.err, disable=not shown)
        self.quiet = quiet
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.stop()

    def __call__(self, stage: str, total: int, report: Any) -> None:
        if report is None:
            self.tasks[stage] = self.bar.add_task(stage, total=total)
        elif isinstance(report, str):
            if not self.quiet:
                self.bar.console.print(f"note: {stage}: {report}", markup=False, soft_wrap=True)
        else:
            self.bar.advance(self.tasks[stage])


def _print_profile(report: RunReport) -> None:
    """Seconds of the steps of each stage's tasks, added up over the tasks; steps don't contain one another."""
    for name, stage in report.stages.items():
        if not (total := sum(stage.seconds.values())):
            continue
        steps = sorted(stage.seconds.items(), key=lambda item: -item[1])
        rows = [
            {"step": step, "seconds": round(value, 3), "share": f"{value / total:.1%}", "per task": value / stage.done}
            for step, value in steps
            if stage.done
        ]
        backend = f", {', '.join(stage.backends)}" if stage.backends else ""
        common.print_rows(rows, title=f"profile of {name}: {total:.2f} s in {stage.done} tasks{backend}")


def print_report(report: RunReport) -> None:
    """Print a run: its tasks, what they counted, what went wrong, and at last what it came to."""
    rows = [
        {
            "stage": name,
            "tasks": stage.planned,
            "up to date": stage.up_to_date,
            "done": stage.done,
            "failed": stage.failed + stage.quarantined,
            "held": stage.held,
            "seconds": round(sum(stage.seconds.values()), 1),
        }
        for name, stage in report.stages.items()
    ]
    common.print_rows(rows, title=f"job {report.job}: pick set {report.pick_set}, catalog {report.catalog}")
    for name, stage in report.stages.items():
        if counts := ", ".join(f"{key} {value}" for key, value in stage.counts.items() if value):
            common.out.print(f"{name}: {counts}", soft_wrap=True)
    for name, stage in report.stages.items():
        _print_problems(name, stage)
    for note in report.notes:
        common.err.print(f"note: {note}", markup=False, soft_wrap=True)
    if report.nothing_to_do:
        planned = any(stage.planned for stage in report.stages.values())
        common.out.print(f"nothing to do: {'everything is up to date' if planned else 'there is nothing to work on'}")
    if report.evaluation:
        from catalogdb.cli.evaluate import print_evaluation

        print_evaluation(report.evaluation)
    print_outcome(report)
    if report.is_held_up:
        common.err.print("not all is done: another worker has the rest in hand; run the same command again later")
    elif report.status == "failed":
        common.err.print(f"[bold red]the run had failures[/]; {common.AFTER_FAILURES}")
        if any(stage.quarantined for stage in report.stages.values()):
            common.err.print("quarantined tasks wait for other inputs, or for: catalogdb retry")


def print_outcome(report: RunReport) -> None:
    """Print what a run found, what it lost and why, and the commands that show its results."""
    for what, lines in (("found", report.found), ("lost ", report.lost)):
        for line in lines:
            common.out.print(f"{what}  {line}", markup=False, soft_wrap=True)
    database = common.arguments.get("database")
    for command in report.next_commands:
        if database:
            command = command.replace("catalogdb ", f"catalogdb --database {database} ", 1)
        common.out.print(f"next   {command}", markup=False, soft_wrap=True)


def _print_problems(name: str, stage: StageReport) -> None:
    for line in stage.failures:
        common.err.print(f"failed: {name}: {line}", markup=False, soft_wrap=True)
    for line in stage.unpicked_lines():
        common.err.print(f"problem: {name}: {line}", markup=False, soft_wrap=True)
    for line in stage.problems[:20]:
        common.err.print(f"problem: {name}: {line}", markup=False, soft_wrap=True)
    if len(stage.problems) > 20:
        common.err.print(
            f"problem: {name}: ... and {len(stage.problems) - 20} more (catalogdb query tasks_failed, --json)"
        )
    if stage.held:
        from catalogdb.runs.run_report import tasks_are

        common.err.print(f"held: {name}: {tasks_are(stage.held)} in the hands of another worker; run again later")
