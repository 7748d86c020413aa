"""`catalogdb sweep`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalogdb.cli import common, completion

if TYPE_CHECKING:
    from catalogdb.cli.run import StageProgress
    from catalogdb.jobs import EvaluateBlock
    from catalogdb.runs.sweep import SweepReport


def sweep(
    job: Annotated[
        Path,
        typer.Argument(help="Job file with a matrix, or the name of a packaged one.", autocompletion=completion.jobs),
    ],
    set: Annotated[
        list[str] | None, typer.Option("--set", help="Change a key of the job for every cell. May be repeated.")
    ] = None,
    engine: Annotated[str, typer.Option(help="As for catalogdb run.")] = "local",
    workers: Annotated[int | None, typer.Option(min=1, help="As for catalogdb run.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="As for catalogdb run.")] = None,
    replace: Annotated[bool, typer.Option(help="Remove results of other settings under the cells' names.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the cells and what they share, and do nothing.")
    ] = False,
    json: common.JsonOption = False,
) -> None:
    """Run every cell of a job's matrix, share what can be shared, and rank the catalogs against the job's reference.

    One inference serves all thresholds, one pick set all associators. A rerun does just what is missing. Exit code 1
    where a cell failed; the others are done all the same.
    """
    from catalogdb.cli.run import ranks_served

    with ranks_served(engine) as is_root:
        if is_root:
            _sweep(job, set or [], engine, workers, scheduler, replace, dry_run, json)


def _sweep(
    job: Path,
    overrides: list[str],
    engine: str,
    workers: int | None,
    scheduler: str | None,
    replace: bool,
    dry_run: bool,
    json: bool,
) -> None:
    from datetime import UTC, datetime

    from catalogdb.cli.run import bring_in_first
    from catalogdb.jobs import load_job_file
    from catalogdb.matrix import cells
    from catalogdb.runs.sweep import plan_sweep, sweep

    job_file = load_job_file(job, overrides)
    found = cells(job_file, datetime.now(UTC))
    plan = plan_sweep(job_file.name, found)
    if not json:
        _print_plan(plan)
    if dry_run:
        if json:
            common.print_json(plan.model_dump())
        return
    settings = common.settings()
    common.end_cleanly_on_sigterm()
    bring_in_first(job, overrides)
    report = sweep(settings, job_file.name, found, engine, workers, scheduler, replace, _watch(json))
    if json:
        common.print_json(report.model_dump())
    else:
        _print_report(report, job_file.evaluate)
    if report.failed:
        raise typer.Exit(1)


def _watch(json: bool) -> Callable[[str], AbstractContextManager[StageProgress]]:
    from catalogdb.cli.run import StageProgress

    @contextmanager
    def watch(title: str) -> Iterator[StageProgress]:
        if not json:
            common.err.print(title, markup=False)
        with StageProgress(common.progress_allowed(json), quiet=json) as progress:
            yield progress

    return watch


def _print_plan(plan: SweepReport) -> None:
    rows = [{"catalog": cell.catalog, "pick set": cell.pick_set, "inference": cell.inference} for cell in plan.cells]
    shared = len({cell.inference for cell in plan.cells if cell.inference})
    pick_sets = len({cell.pick_set for cell in plan.cells})
    title = f"job {plan.job}: {len(rows)} catalogs of {pick_sets} pick sets, {shared} inferences"
    common.print_rows(rows, title=title)


def _print_report(report: SweepReport, evaluate: EvaluateBlock | None) -> None:
    for cell in report.cells:
        for line in cell.problems:
            kind = "failed" if cell.status == "failed" else "note"
            common.err.print(f"{kind}: {cell.catalog}: {line}", markup=False, soft_wrap=True)
    if evaluate and report.ranking:
        rows = [
            {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()}
            for row in report.ranking
        ]
        common.print_rows(rows, title=f"against {evaluate.reference}, by F1 of events, then of picks")
    if not any(report.inferences.values()) and not any(cell.tasks for cell in report.cells) and not report.failed:
        common.out.print("nothing to do: everything is up to date")
    if report.failed:
        names = ", ".join(cell.catalog for cell in report.failed)
        common.err.print(f"[bold red]cells that failed:[/] {names}; {common.AFTER_FAILURES}")
