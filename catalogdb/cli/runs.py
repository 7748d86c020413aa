"""`catalogdb runs`, `tasks`, `retry` and `reset`: what ran, what the ledger says, and doing it again."""

from __future__ import annotations

from typing import Annotated

import typer

from catalogdb.cli import common, completion
from catalogdb.documents.free import Json, Row

ERROR_SHOWN = 200

CatalogOption = Annotated[
    str | None,
    typer.Option(help="Tasks of this catalog.", show_default=False, autocompletion=completion.catalogs),
]
PickSetOption = Annotated[
    str | None,
    typer.Option(help="Tasks of this pick set.", show_default=False, autocompletion=completion.pick_sets),
]
StageOption = Annotated[str | None, typer.Option(help="Tasks of this stage, such as pick.", show_default=False)]
TaskOption = Annotated[list[str] | None, typer.Option("--task", help="Id of a task. May be repeated.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")]


def runs(
    run_id: Annotated[
        str | None, typer.Argument(help="Show all of this run; the beginning of its id will do.", show_default=False)
    ] = None,
    job: Annotated[str | None, typer.Option(help="Runs of this job.", show_default=False)] = None,
    status: Annotated[
        str | None, typer.Option(help="running, done, failed, interrupted or lost.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Most runs to list; 0 for all.")] = 20,
    json: common.JsonOption = False,
) -> None:
    """List the runs there were, the latest first, or show all of one.

    A run that says it is running, but whose process is gone, is shown as lost.
    """
    from catalogdb.errors import InputError
    from catalogdb.runs import listing as records

    db = common.database()
    if run_id is None:
        rows = records.list_runs(db, job, status, limit)
        if json:
            common.print_json({"runs": rows})
        elif rows:
            common.print_rows([_run_row(row) for row in rows])
        else:
            common.err.print("no such runs")
        return
    if job is not None or status is not None:
        raise InputError("RUN_ID shows one run; --job and --status are for the list")
    run = records.run_in_full(db, run_id)
    common.print_json(run) if json else _print_run(run)


def tasks(
    catalog: CatalogOption = None,
    pick_set: PickSetOption = None,
    stage: StageOption = None,
    task: TaskOption = None,
    failed: Annotated[bool, typer.Option("--failed", help="Failed and quarantined tasks.")] = False,
    running: Annotated[bool, typer.Option("--running", help="Tasks that a worker holds.")] = False,
    pending: Annotated[bool, typer.Option("--pending", help="Tasks that wait.")] = False,
    done: Annotated[bool, typer.Option("--done", help="Tasks that are done.")] = False,
    expired: Annotated[bool, typer.Option("--expired", help="Tasks whose worker let its lease run out.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Most tasks to list; 0 for all.")] = 100,
    json: common.JsonOption = False,
) -> None:
    """List rows of the ledger, the last changed first: what failed and why, who works on what. Default: all but done.

    What is done but out of date is another question: catalogdb status --stale
    """
    from catalogdb.runs import ledger_rows

    db = common.database()
    chosen = {"failed": failed, "quarantined": failed, "running": running, "pending": pending, "done": done}
    where = ledger_rows.selection(db, catalog, pick_set, task or (), stage)
    wanted = [status for status, is_wanted in chosen.items() if is_wanted]
    if task and not wanted:
        wanted = ledger_rows.statuses()
    rows = ledger_rows.list_tasks(db, where, wanted, expired, limit)
    if json:
        common.print_json({"tasks": rows})
    elif rows:
        common.print_rows([_task_row(row) for row in rows])
        if limit and len(rows) == limit:
            common.err.print(f"the first {limit}; --limit 0 prints all")
    else:
        common.err.print("no such tasks; catalogdb status counts those there are")


def retry(
    catalog: CatalogOption = None,
    pick_set: PickSetOption = None,
    stage: StageOption = None,
    task: TaskOption = None,
    dry_run: DryRunOption = False,
    json: common.JsonOption = False,
) -> None:
    """Let failed and quarantined tasks be tried again by the next run, with a clean record. Without options: all.

    A run retries failed tasks by itself; those that are quarantined wait for this, or for other inputs.
    """
    from catalogdb.runs import ledger_rows

    db = common.database()
    rows = ledger_rows.retry(db, ledger_rows.selection(db, catalog, pick_set, task or (), stage), dry_run)
    _print_changed(rows, "failed or quarantined", "pending", dry_run, json)


def reset(
    catalog: CatalogOption = None,
    pick_set: PickSetOption = None,
    stage: StageOption = None,
    task: TaskOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    dry_run: DryRunOption = False,
    json: common.JsonOption = False,
) -> None:
    """Have tasks that are done be done over by the next run. What they made stays until it is replaced.

    What a catalog read from files is made of is no run's business, and left alone.
    """
    from catalogdb.errors import InputError
    from catalogdb.runs import ledger_rows

    if catalog is None and pick_set is None and not task:
        raise InputError("reset what?", hint="--catalog NAME, --pick-set NAME or --task ID; --stage narrows it down")
    db = common.database()
    where = ledger_rows.selection(db, catalog, pick_set, task or (), stage)
    rows = ledger_rows.reset(db, where, dry_run=True)
    if rows and not dry_run:
        number = sum(row["tasks"] for row in rows)
        common.confirm(f"Have {number} finished tasks be done over?", yes)
        rows = ledger_rows.reset(db, where)
    _print_changed(rows, "done", "to be done over", dry_run, json)


def _print_changed(rows: list[Row], before: str, after: str, dry_run: bool, json: bool) -> None:
    number = sum(row["tasks"] for row in rows)
    if json:
        common.print_json({"tasks": number, "dry_run": dry_run, "changed": rows})
    elif not number:
        common.out.print(f"no {before} tasks: nothing to change")
    else:
        common.print_rows(rows)
        verb = "would be" if dry_run else "are now"
        common.out.print(f"{number} tasks {verb} {after}")
        if not dry_run:
            common.out.print("the next run of their job does them: catalogdb run JOB.yaml")


def _run_row(row: Row) -> Row:
    names = ("job", "catalog", "engine", "host", "started")
    cells = {"run": row["run_id"][:12]} | {name: row[name] for name in names}
    cells |= {
        "duration": run_duration(row),
        "status": row["status"],
        "done": row["done"],
        "failed": row["failed"],
    }
    return cells | {"error": _short(row["error"])} if row["error"] else cells


def _print_run(run: Json) -> None:
    names = ("run_id", "job", "status", "catalog", "pick_set", "engine", "host", "owner", "started", "ended", "error")
    rows = [{"what": name.replace("_", " "), "value": run[name]} for name in names if run[name] is not None]
    common.print_rows([*rows, {"what": "duration", "value": run_duration(run)}])
    counts = ("planned", "up_to_date", "done", "failed", "quarantined", "held")
    if run["stages"]:
        common.print_rows(
            [
                {"stage": name} | {key.replace("_", " "): stage.get(key) for key in counts}
                for name, stage in run["stages"].items()
            ]
        )
    versions = ", ".join(f"{name} {version}" for name, version in sorted(run["versions"].items()))
    common.out.print(f"versions: {versions}", markup=False, soft_wrap=True)
    for line in run["failures"]:
        common.err.print(f"failed: {line}", markup=False, soft_wrap=True)
    if run["failed_tasks"]:
        common.err.print(f"{len(run['failed_tasks'])} of its tasks have not been done since: catalogdb tasks --failed")


def _task_row(row: Row) -> Row:
    cells = {"task": row["task_id"][:12]} | {
        key: row[key] for key in ("stage", "result", "shard", "status", "attempts")
    }
    if "lease_seconds" in row:
        left = row["lease_seconds"]
        cells["owner"] = row["owner"]
        cells["held for"] = duration(row.get("held_seconds"))
        cells["lease"] = f"{left:.0f} s left" if left >= 0 else f"ran out {duration(-left)} ago"
    cells["updated"] = row["updated"]
    return cells | {"reason": _short(row["error"])} if row["error"] else cells


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= ERROR_SHOWN else f"{text[:ERROR_SHOWN]} ..."


def run_duration(run: Row) -> str:
    """How long a run took, as far as it is known: a lost one lived on after its last heartbeat."""
    known = duration(run["seconds"])
    if run["status"] != "lost":
        return known
    return f"at least {known}" if known else "unknown"


def duration(seconds: float | None) -> str:
    """Seconds as people read them: 12 s, 3:05 (minutes), 2:03:05 (hours)."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
