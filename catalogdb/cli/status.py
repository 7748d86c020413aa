"""`catalogdb status`: what the database holds, and what of it is stale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalogdb.cli import common, completion
from catalogdb.documents.free import Json, Row

if TYPE_CHECKING:
    from pymongo.collection import Collection
    from pymongo.database import Database

    from catalogdb.runs.stale import Staleness, StaleTask


def status(
    job: Annotated[
        Path | None,
        typer.Argument(
            help="With --stale: job file, or the name of a packaged job; none: all catalogs.",
            autocompletion=completion.jobs,
        ),
    ] = None,
    stale: Annotated[bool, typer.Option("--stale", help="Say what a run would do again, and why.")] = False,
    catalog: Annotated[
        str | None,
        typer.Option(help="With --stale: a catalog, by the job that last made it.", autocompletion=completion.catalogs),
    ] = None,
    set: Annotated[
        list[str] | None, typer.Option("--set", help="With --stale JOB: change a key of the job, as run does.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="With --stale: most tasks to print; 0 for all.")] = 20,
    json: common.JsonOption = False,
) -> None:
    """Say what the database holds: files, stations, pick sets, catalogs, tasks by stage, the last run.

    With --stale: which tasks and comparisons are stale, and why. Nothing is computed; a run does just these.
    """
    if stale:
        _stale(job, catalog, set or [], limit, json)
        return
    if job or catalog or set:
        raise typer.BadParameter("a job, --catalog and --set go with --stale")
    from catalogdb.picking.time_error import bias_in_words

    db = common.database()
    overview: Json = {
        "documents": {
            name: db[name].estimated_document_count()
            for name in ("wf_file", "wf_miniseed", "site", "channel", "pick", "event")
        },
        "files": {
            row["_id"]: row["n"]
            for row in db.wf_file.aggregate([{"$group": {"_id": "$state", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}])
        },
        "pick_sets": [
            _with_count(db.pick, "pick_set", row) | {"time_bias": bias_in_words(row.get("config", {}))}
            for row in db.pick_set.find().sort("_id", 1)
        ],
        "catalogs": [_with_count(db.event, "catalog", row) for row in db.catalog.find().sort("_id", 1)],
        "tasks": _tasks(db),
        "last_run": next(iter(db.run.find({}, {"job_document": 0, "versions": 0}).sort("started", -1).limit(1)), None),
    }
    if json:
        common.print_json(overview)
        return
    common.print_rows([overview["documents"]], title=f"database {db.name}: documents")
    for title in ("pick_sets", "catalogs", "tasks"):
        if overview[title]:
            common.print_rows(overview[title], title=title.replace("_", " "))
    if unreadable := overview["files"].get("unreadable"):
        common.err.print(f"{unreadable} unreadable waveform files: catalogdb query wf_file state=unreadable")
    if changed := overview["files"].get("stale"):
        common.err.print(
            f"{changed} waveform files are not what was indexed: ingest them again "
            "(catalogdb query wf_file state=stale)"
        )
    if run := overview["last_run"]:
        started = common.as_cell(run.get("started"))
        common.out.print(f"last run: job {run['job']}, {run['status']}, started {started} UTC", markup=False)


def _with_count(collection: Collection, key: str, row: Row) -> Json:
    return {
        "name": row["_id"],
        "kind": row["kind"],
        "documents": collection.count_documents({key: row["_id"]}),
        "config_id": row["config_id"],
    }


def _tasks(db: Database) -> list[Row]:
    group = {"_id": {"result": "$result", "stage": "$stage", "status": "$status"}, "tasks": {"$sum": 1}}
    return [
        row["_id"] | {"tasks": row["tasks"]} for row in db.task.aggregate([{"$group": group}, {"$sort": {"_id": 1}}])
    ]


def _stale(job: Path | None, catalog: str | None, overrides: list[str], limit: int, json: bool) -> None:
    from catalogdb.errors import InputError
    from catalogdb.jobs import load_job
    from catalogdb.runs.stale import stale_of_all, stale_of_catalog, stale_of_job

    if job and catalog:
        raise InputError("give a job or --catalog, not both")
    if overrides and not job:
        raise InputError("--set changes a key of a job: name the job")
    db = common.database()
    if job:
        results = [stale_of_job(db, load_job(job, overrides))]
    else:
        results = [stale_of_catalog(db, catalog)] if catalog else stale_of_all(db)
    if json:
        common.print_json({"results": [result.model_dump() for result in results]})
        return
    if not results:
        common.out.print("no catalogs and no pick sets yet")
    for result in results:
        _print_stale(result, limit)


def _print_stale(result: Staleness, limit: int) -> None:
    names = [f"{words} {name}" for words, name in (("pick set", result.pick_set), ("catalog", result.catalog)) if name]
    title = ", ".join(names)
    if result.unknown:
        common.err.print(f"{title}: can't be said: {result.unknown}", markup=False, soft_wrap=True)
    elif not result.tasks:
        common.out.print(f"{title}: nothing is stale", markup=False)
    else:
        common.print_rows(result.counts, title=f"{title}: stale tasks, and tasks that wait for them, by reason")
        shown = result.tasks[:limit] if limit else result.tasks
        common.print_rows([_stale_row(task) for task in shown])
        if len(shown) < len(result.tasks):
            common.err.print(f"the first {len(shown)} of {len(result.tasks)}; --limit 0 prints all, --json too")
    for note in result.notes:
        common.err.print(f"note: {note}", markup=False, soft_wrap=True)


def _stale_row(task: StaleTask) -> Row:
    from catalogdb.times import format_time

    return {
        "stage": task.stage,
        "shard": ".".join(str(value) for value in task.shard.values()),
        "from": format_time(task.starttime)[:19],
        "state": task.state,
        "why": "; ".join(f"{why.reason}: {why.what}" for why in task.why),
    }
