"""`catalogdb watch`: a run as it goes on, from any machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from catalogdb.cli import common
from catalogdb.cli.console import is_read
from catalogdb.cli.runs import duration, run_duration
from catalogdb.documents.free import Json, Row

NUMBERS = ("planned", "up_to_date", "done", "failed", "quarantined", "running", "pending")
ALWAYS = ("planned", "done", "pending")
WORKERS_SHOWN = 40


def watch(
    run_id: Annotated[
        str | None,
        typer.Argument(
            help="The run, or the beginning of its id; none: the latest that is running.", show_default=False
        ),
    ] = None,
    interval: Annotated[float, typer.Option(min=0.2, help="Seconds between looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Show how far a run is, until it ends: tasks by stage, their rate, the time to go, and who works on what.

    Without a terminal a line is printed per change. --json looks once. Exit code 1 where the run ended badly or is
    lost, 0 where it is done (or still running, with --once).
    """
    from catalogdb.runs.watch import progress_of

    db = common.database()
    state = progress_of(db, run_id)
    if json:
        common.print_json(state)
    elif once:
        common.out.print(_picture(state))
    else:
        state = _follow(state, interval, lambda: progress_of(db, state["run_id"]))
    if state["status"] not in ("done", "running"):
        raise typer.Exit(1)


def _follow(state: Json, interval: float, look: Callable[[], Json]) -> Json:
    """Show states until the run goes on no longer; returns the last."""
    if not common.out.is_terminal:
        return _lines(state, interval, look)
    from rich.live import Live

    with Live(_picture(state), console=common.out, auto_refresh=False) as live:
        while state["status"] == "running":
            time.sleep(interval)
            state = look()
            live.update(_picture(state), refresh=True)
    return state


def _lines(state: Json, interval: float, look: Callable[[], Json]) -> Json:
    said: str | None = None
    while True:
        line = _line(state)
        if line != said:
            print(f"{run_duration(state):>8}  {line}", flush=True)
            said = line
        if state["status"] != "running" or not is_read():
            return state
        time.sleep(interval)
        state = look()


def _line(state: Json) -> str:
    """The state in one line, without what changes by itself."""
    parts = [f"{state['job']} {state['run_id'][:12]} {state['status']}"]
    for stage in state["stages"]:
        counts = [f"{key.replace('_', ' ')} {stage[key]}" for key in NUMBERS if stage[key]]
        parts.append(f"{stage['stage']}: {', '.join(counts) or 'nothing to do'}")
    return "; ".join(parts)


def _picture(state: Json) -> Group:
    title = f"{state['job']}: pick set {state['pick_set']}, catalog {state['catalog']}, {state['status']}"
    where = f"run {state['run_id']}, {state['engine']} on {state['host']}, {run_duration(state)}"
    parts: list[Any] = [Text(title, style="bold"), Text(where)]
    if state["error"]:
        parts.append(Text(state["error"], style="red"))
    if state["stages"]:
        parts.append(_stages(state["stages"]))
    if state["workers"]:
        parts.append(_workers(state["workers"]))
    return Group(*parts)


def _stages(stages: list[Row]) -> Table:
    """What is none in every stage has no column, so that a narrow terminal is wide enough."""
    numbers = [name for name in NUMBERS if name in ALWAYS or any(stage[name] for stage in stages)]
    table = Table(header_style="bold", box=box.SIMPLE)
    table.add_column("stage", no_wrap=True)
    for name in (*numbers, "per minute", "to go"):
        table.add_column(name.replace("_", " "), justify="right")
    for stage in stages:
        shown = ["" if stage[name] is None else str(stage[name]) for name in numbers]
        rate = "" if stage["per_minute"] is None else f"{stage['per_minute']:g}"
        table.add_row(stage["stage"], *shown, rate, duration(stage["seconds_left"]))
    return table


def _workers(workers: list[Row]) -> Table:
    table = Table(header_style="bold", box=box.SIMPLE)
    for name in ("worker", "stage", "shard", "for", "lease"):
        table.add_column(name)
    for row in workers[:WORKERS_SHOWN]:
        left = row["lease_seconds"]
        lease = "" if left is None else f"{left:.0f} s" if left >= 0 else "ran out"
        table.add_row(Text(row["owner"] or ""), row["stage"], Text(row["shard"]), duration(row["seconds"]), lease)
    if len(workers) > WORKERS_SHOWN:
        table.add_row(f"and {len(workers) - WORKERS_SHOWN} more", "", "", "", "")
    return table
