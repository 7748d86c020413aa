"""`catalogdb compare-associators` and `catalogdb tune`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalogdb.cli import common, completion
from catalogdb.documents.free import Json

if TYPE_CHECKING:
    from catalogdb.jobs import Job

ASSOCIATORS = ("gamma", "pyocto", "scan")

JobArgument = Annotated[
    Path,
    typer.Argument(
        help="Job file, or the name of a packaged job: its pick set, stations, region and settings.",
        autocompletion=completion.jobs,
    ),
]
ReferenceOption = Annotated[
    str | None,
    typer.Option(
        help="Catalog to compare with; none: the job's own.", show_default=False, autocompletion=completion.catalogs
    ),
]
WorkersOption = Annotated[int, typer.Option(min=1, help="How many run side by side; times are best taken with 1.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Change a key of the job. May be repeated.")]


def compare_associators(
    job: JobArgument,
    start: Annotated[str, typer.Option(help="Start of the period, UTC.")],
    end: Annotated[str, typer.Option(help="End of the period, UTC.")],
    reference: ReferenceOption = None,
    associator: Annotated[
        list[str] | None, typer.Option(help=f"Any of {', '.join(ASSOCIATORS)}; may be repeated. None: all.")
    ] = None,
    workers: WorkersOption = 1,
    most_cpu: Annotated[
        float | None, typer.Option(min=1.0, help="Give an associator up after so many seconds of CPU; none: never.")
    ] = None,
    set: SetOption = None,
    json: common.JsonOption = False,
) -> None:
    """Run associators on the same picks with a job's settings, and show what each finds, in what time and memory.

    Each runs in a process of its own on one core. Nothing is written to the database.
    """
    from catalogdb.errors import InputError
    from catalogdb.jobs import load_job
    from catalogdb.stages.association_task import read_task
    from catalogdb.tuning.compare import compare, through_windows
    from catalogdb.tuning.search import changed

    loaded = load_job(job, set or [])
    names = associator or list(ASSOCIATORS)
    if unknown := sorted({*names} - {*ASSOCIATORS}):
        raise InputError(f"--associator {unknown[0]}: not an associator", hint=f"One of {', '.join(ASSOCIATORS)}.")
    period = common.epoch_seconds(start, "--start"), common.epoch_seconds(end, "--end")
    task = read_task(common.database(), loaded, _reference(loaded, reference), *period)
    methods = {name: (through_windows, changed(loaded.associate, {"associator": name})) for name in names}
    rows = compare(task, methods, workers=workers, most_cpu_seconds=most_cpu)
    if json:
        common.print_json({"picks": len(task.picks), "associators": rows})
    else:
        common.print_rows([_rounded(row) for row in rows], title=f"{len(task.picks)} picks of {loaded.pick_set_name}")


def tune(
    job: JobArgument,
    train: Annotated[tuple[str, str], typer.Option(help="Start and end of the training period, UTC.")],
    test: Annotated[tuple[str, str], typer.Option(help="Start and end of the test period, UTC; no overlap.")],
    reference: ReferenceOption = None,
    trials: Annotated[int, typer.Option(min=1, help="Settings to try beside the job's own.")] = 30,
    seed: Annotated[int, typer.Option(help="Seed of the search: the same one tries the same settings.")] = 0,
    min_precision: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Settings below it lose to all that reach it.")
    ] = 0.0,
    workers: WorkersOption = 1,
    set: SetOption = None,
    json: common.JsonOption = False,
) -> None:
    """Search a job's associator settings by F1 on a training period, and report the best on a test period.

    Nothing is written to the database: the best settings are printed as --set options for catalogdb run.
    """
    from catalogdb.jobs import load_job
    from catalogdb.stages.association_task import read_task
    from catalogdb.tuning.search import tune as search

    loaded = load_job(job, set or [])
    periods = [
        (common.epoch_seconds(start, option), common.epoch_seconds(end, option))
        for (start, end), option in ((train, "--train"), (test, "--test"))
    ]
    starttime, endtime = min(start for start, _ in periods), max(end for _, end in periods)
    task = read_task(common.database(), loaded, _reference(loaded, reference), starttime, endtime)

    def show(trial: Json) -> None:
        if not json:
            common.err.print(f"F1 {trial['train']['f1']:.4f}  {trial['settings'] or 'the job itself'}", markup=False)

    result = search(
        task,
        loaded.associate,
        train=periods[0],
        test=periods[1],
        trials=trials,
        seed=seed,
        min_precision=min_precision,
        workers=workers,
        progress=show,
    )
    if json:
        common.print_json(result)
        return
    common.print_rows(
        [{"settings": name} | _rounded(scores) for name, scores in result["test"].items()], title="test period"
    )
    options = " ".join(f"--set associate.{key}={value}" for key, value in result["best"].items())
    print(options or "the job's own settings are the best")


def _reference(job: Job, name: str | None) -> str:
    from catalogdb.errors import InputError

    if name is not None:
        return name
    if job.evaluate is None:
        raise InputError(f"job {job.name} names no reference", hint="Say --reference CATALOG.")
    return job.evaluate.reference


def _rounded(row: dict) -> dict:
    return {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()}
