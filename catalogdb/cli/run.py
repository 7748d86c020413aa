"""`catalogdb run` and `catalogdb jobs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalogdb.cli import common


def run(
    job: Annotated[Path, typer.Argument(help="Job file, or the name of a packaged job.")],
    set: Annotated[
        list[str] | None, typer.Option("--set", help="Change a key of the job: pick.p_threshold=0.2. May be repeated.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the catalog, instead of the job's; picks of the same settings are shared."),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="local (this process) or dask (processes of this host, or --scheduler).")
    ] = "local",
    workers: Annotated[int | None, typer.Option(min=1, help="Dask worker processes; default one per core.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a running Dask scheduler.")] = None,
    replace: Annotated[bool, typer.Option(help="Remove results of other settings under the same names.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Say where the time of each stage went.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Run a job: pick, associate, magnitudes, evaluate. Only what is missing or stale is done; run it again to go on.

    Exit code 1 where a task failed.
    """
    from catalogdb.errors import InputError
    from catalogdb.jobs import load_job
    from catalogdb.stages.run import run_job

    if engine not in ("local", "dask"):
        raise InputError(f"--engine {engine}: not an engine", hint="local or dask")
    if scheduler and engine != "dask":
        raise InputError(f"--scheduler {scheduler}: is for --engine dask")
    loaded = load_job(job, set or [])
    settings = common.settings()
    common.end_cleanly_on_sigterm()
    with StageProgress(common.progress_allowed(json)) as progress:
        report = run_job(settings, loaded, engine, workers, scheduler, name, replace, dry_run, progress)
    if json:
        common.print_json(report.model_dump())
    else:
        _print_report(report)
        if profile:
            _print_profile(report)
    if report.status == "failed":
        raise typer.Exit(1)


def jobs(json: common.JsonOption = False) -> None:
    """List the job files that come with catalogdb."""
    from catalogdb.jobs import load_job, packaged_jobs

    loaded = [(path, load_job(path)) for path in packaged_jobs()]
    rows = [
        {"name": job.name, "stages": " ".join(job.stages), "description": job.description, "file": str(path)}
        for path, job in loaded
    ]
    common.print_json({"jobs": rows}) if json else common.print_rows(rows)


class StageProgress:
    """One progress bar per stage."""

    def __init__(self, shown: bool):
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
        self.tasks: dict[str, int] = {}

    def __enter__(self):
        self.bar.start()
        return self

    def __exit__(self, *exception) -> None:
        self.bar.stop()

    def __call__(self, stage, total, report) -> None:
        if report is None:
            self.tasks[stage] = self.bar.add_task(stage, total=total)
        else:
            self.bar.advance(self.tasks[stage])


def _print_profile(report) -> None:
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


def _print_report(report) -> None:
    rows = [
        {
            "stage": name,
            "tasks": stage.planned,
            "up to date": stage.up_to_date,
            "done": stage.done,
            "failed": stage.failed,
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
        for line in stage.failures:
            common.err.print(f"failed: {name}: {line}", markup=False, soft_wrap=True)
        for line in stage.problems[:20]:
            common.err.print(f"problem: {name}: {line}", markup=False, soft_wrap=True)
        if len(stage.problems) > 20:
            common.err.print(
                f"problem: {name}: ... and {len(stage.problems) - 20} more (catalogdb query tasks_failed, --json)"
            )
        if stage.held:
            common.err.print(f"held: {name}: {stage.held} tasks are in the hands of another worker; run again later")
    for note in report.notes:
        common.err.print(f"note: {note}", markup=False, soft_wrap=True)
    if not any(stage.done or stage.failed for stage in report.stages.values()) and report.status == "done":
        common.out.print("nothing to do: everything is up to date")
    if report.evaluation:
        from catalogdb.cli.query import print_evaluation

        print_evaluation(report.evaluation)
    if report.status == "failed":
        common.err.print("[bold red]the run had failures[/]; run the same command again to retry just those")
