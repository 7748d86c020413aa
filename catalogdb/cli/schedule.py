"""`catalogdb schedule`: jobs that run at set times."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalogdb.cli import common, completion
from catalogdb.documents.free import Json, Row

if TYPE_CHECKING:
    from pymongo.database import Database

    from catalogdb.jobs import JobFile

app = typer.Typer(help="Run jobs at set times.", no_args_is_help=True)

JobArgument = Annotated[
    Path,
    typer.Argument(help="Job file with a schedule, or the name of a packaged one.", autocompletion=completion.jobs),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Change a key of the job: schedule.cron='0 4 * * *'. May be repeated.")
]


@app.command(epilog="Example: catalogdb schedule add nightly")
def add(
    job: JobArgument,
    set: SetOption = None,
    engine: Annotated[str, typer.Option(help="As for catalogdb run.")] = "local",
    workers: Annotated[int | None, typer.Option(min=1, help="As for catalogdb run.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="As for catalogdb run.")] = None,
    json: common.JsonOption = False,
) -> None:
    """Store a job and its times in the database; again after its file has changed.

    What is stored is what runs, so a half-edited file can do no harm, and any host can run it.
    """
    from catalogdb.engines import EngineOptions
    from catalogdb.errors import InputError
    from catalogdb.scheduling.schedule import add_schedule, list_schedules

    if engine == "mpi":
        raise InputError("--engine mpi: mpirun starts it, so no scheduler can", hint="schedule export --as scrontab")
    EngineOptions(engine, workers, scheduler).check(common.settings())
    db = common.database()
    row = add_schedule(db, job, set or [], {"engine": engine, "workers": workers, "scheduler": scheduler})
    listed = next(item for item in list_schedules(db) if item["name"] == row["_id"])
    if json:
        common.print_json(listed)
    else:
        common.out.print(f"{listed['name']}: next run {_text(listed['next'])}", markup=False)
        common.err.print("it runs where a scheduler does: catalogdb schedule run")


@app.command(epilog="Example: catalogdb schedule remove nightly")
def remove(
    name: Annotated[str, typer.Argument(help="Name of the job.")],
    json: common.JsonOption = False,
) -> None:
    """Remove a job from the schedule. What it made stays, and so does the record of its runs."""
    from catalogdb.scheduling.schedule import remove_schedule

    remove_schedule(common.database(), name)
    common.print_json({"removed": name}) if json else common.out.print(f"{name}: removed", markup=False)


@app.command("list", epilog="Example: catalogdb schedule list")
def list_(json: common.JsonOption = False) -> None:
    """List the scheduled jobs: times, next run, what became of the last, and whether the job file has changed since."""
    from catalogdb.scheduling.schedule import list_schedules

    db = common.database()
    rows = list_schedules(db)
    if json:
        common.print_json({"schedules": rows})
        return
    if not rows:
        common.err.print("nothing is scheduled; catalogdb schedule add JOB")
        return
    common.print_rows([_listed(row) for row in rows])
    _tell_unreadable(db)
    for row in rows:
        if row["job_file"] != "same" and not row["problem"]:
            common.err.print(
                f"note: {row['name']}: {row['file']} is {row['job_file']}; the stored job runs. "
                "To take the file as it is: catalogdb schedule add FILE",
                markup=False,
                soft_wrap=True,
            )


@app.command("next", epilog="Example: catalogdb schedule next --count 5")
def next_(
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 10,
    json: common.JsonOption = False,
) -> None:
    """Print the next runs of all scheduled jobs, in order of time (UTC)."""
    from catalogdb.scheduling.schedule import next_firings

    db = common.database()
    rows = next_firings(db, count)
    common.print_json({"next": rows}) if json else common.print_rows(rows)
    _tell_unreadable(db)


@app.command(epilog="Example: catalogdb schedule run --parallel 2")
def run(
    once: Annotated[
        bool, typer.Option("--once", help="Run what is due now, then end; exit code 1 if it failed.")
    ] = False,
    parallel: Annotated[int, typer.Option(min=1, help="Different jobs at a time; one run of each.")] = 4,
    json: common.JsonOption = False,
) -> None:
    """Run the scheduled jobs when they are due, until Ctrl-C or SIGTERM. Several hosts may do so: a job runs once.

    Says what it does line by line; with --json each line is an object. A failed job is recorded and stops nothing.
    """
    from catalogdb.scheduling.scheduler import Scheduler

    settings = common.settings()
    common.end_cleanly_on_sigterm()
    scheduler = Scheduler(settings, parallel, _tell_json if json else _tell)
    if not once:
        scheduler.run()
        if not json:
            common.err.print("scheduler ended; what was interrupted is run again within its grace time")
    elif not scheduler.run_once():
        raise typer.Exit(1)


@app.command(epilog="Example: catalogdb schedule export nightly --as systemd --output ~/.config/systemd/user")
def export(
    job: JobArgument,
    as_: Annotated[str, typer.Option("--as", help="cron, systemd or scrontab.")] = "systemd",
    set: SetOption = None,
    command: Annotated[
        str | None, typer.Option(help="How to call catalogdb there; none: this one, by its path.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write to, instead of printing.")
    ] = None,
    json: common.JsonOption = False,
) -> None:
    """Write the job's times for cron, systemd or Slurm's scrontab, where no scheduler of ours is to run."""
    from catalogdb.jobs import load_job_file
    from catalogdb.output_file import write_atomically

    files = _exported(load_job_file(job, set or []), job, as_, set or [], command)
    if output:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            content = text.encode()
            write_atomically(output / name, lambda stream: stream.write(content))  # noqa: B023 (called at once)
    if json:
        common.print_json({"files": files})
    elif output:
        common.out.print("\n".join(str(output / name) for name in files), markup=False, soft_wrap=True)
    else:
        print("\n".join(f"# {name}\n{text}" if len(files) > 1 else text for name, text in files.items()), end="")


def _exported(job_file: JobFile, job: Path, kind: str, overrides: list[str], command: str | None) -> dict[str, str]:
    """Texts by file name."""
    import shlex

    from catalogdb.errors import InputError
    from catalogdb.scheduling.export import commands_of, crontab, scrontab, systemd

    if job_file.schedule is None:
        raise InputError(f"{job}: has no schedule", hint="--set schedule.cron='30 2 * * *'")
    program = [*(shlex.split(command) if command else _this_command()), *common.global_options()]
    options = [word for override in overrides if not override.startswith("schedule.") for word in ("--set", override)]
    name, schedule = job_file.name, job_file.schedule
    commands = commands_of(program, str(job.resolve() if job.is_file() else job), options, schedule)
    if kind == "systemd":
        return systemd(name, schedule, commands, job_file.description)
    if kind in ("cron", "scrontab"):
        write = crontab if kind == "cron" else scrontab
        return {f"catalogdb-{name}.{'crontab' if kind == 'cron' else 'scrontab'}": write(name, schedule, commands)}
    raise InputError(f"--as {kind}: not known", hint="cron, systemd or scrontab")


def _this_command() -> list[str]:
    """This program by its path: other clocks don't look for programs where a shell does."""
    import os
    import shutil
    import sys

    called = sys.argv[0] if Path(sys.argv[0]).name == "catalogdb" else "catalogdb"
    beside = str(Path(sys.executable).parent / "catalogdb")
    found = next(filter(None, map(shutil.which, (called, beside, "catalogdb"))), None)
    return [os.path.abspath(found)] if found else [sys.executable, "-m", "catalogdb"]


def _tell_unreadable(db: Database) -> None:
    from catalogdb.scheduling.schedule import unreadable

    for error in unreadable(db):
        common.err.print(f"problem: {error}; to mend it: {error.hint}", markup=False, soft_wrap=True)


def _listed(row: Row) -> Json:
    last = row["last"] or {}
    return {
        "name": row["name"],
        "cron": row["cron"],
        "zone": row["timezone"],
        "next (UTC)": "unreadable" if row["problem"] else row["next"],
        "now": "running" if row["running"] else "",
        "last due": last.get("due"),
        "last": last.get("status"),
        "job file": row["job_file"],
    }


def _text(value: Any) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if hasattr(value, "strftime") else str(value)


def _tell(event: Json) -> None:
    from datetime import UTC, datetime

    what, name = event["event"], event.get("name", "")
    rest = {key: value for key, value in event.items() if key not in ("event", "name", "process", "host", "losses")}
    words = " ".join(f"{key}={_text(value)}" for key, value in rest.items() if value is not None)
    stream = common.err if what == "problem" else common.out
    stream.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {name} {what} {words}", markup=False, soft_wrap=True)


def _tell_json(event: Json) -> None:
    from datetime import UTC, datetime

    line = {"time": datetime.now(UTC), **event}
    text = json_module.dumps(line, default=lambda value: value.isoformat(), ensure_ascii=False)
    print(text + "\n", end="", flush=True)  # in one write: several threads tell of their firings
