"""`catalogdb diff`: what differs between two catalogs or two pick sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalogdb.cli import common, completion
from catalogdb.cli import comparison_options as options
from catalogdb.documents.free import Json, Row

if TYPE_CHECKING:
    from pymongo.database import Database

VALUE_SHOWN = 60
STATIONS_SHOWN = 10


def diff(
    a: Annotated[str, typer.Argument(help="Name of a catalog, or of a pick set.", autocompletion=completion.results)],
    b: Annotated[str, typer.Argument(help="Name of the other one.", autocompletion=completion.results)],
    pick_sets: Annotated[
        bool, typer.Option("--pick-sets", help="The names are those of pick sets, though there are catalogs, too.")
    ] = False,
    max_dt: Annotated[float, typer.Option(help="Events further apart in time (s) are others.")] = 2.0,
    max_km: Annotated[float, typer.Option(help="Events further apart (km) are others.")] = 8.0,
    max_pick_dt: Annotated[float, typer.Option(help="Picks further apart in time (s) are others.")] = 0.5,
    starttime: options.StartTime = None,
    endtime: options.EndTime = None,
    settings: Annotated[bool, typer.Option(help="Other settings are a difference, too.")] = True,
    limit: Annotated[int, typer.Option(min=0, help="Most events of each kind to list; 0 for all.")] = 20,
    json: common.JsonOption = False,
) -> None:
    """Say what differs between two catalogs or pick sets: events, picks, and the settings that they were made with.

    Exit code 0: nothing differs; 1: something does; 2: wrong input, as everywhere.
    """
    from catalogdb.evaluation import Gates
    from catalogdb.upkeep import diff as differences

    db = common.database()
    first = common.optional_epoch_seconds(starttime, "--starttime")
    last = common.optional_epoch_seconds(endtime, "--endtime")
    period = (differences.ALL_TIME[0] if first is None else first, differences.ALL_TIME[1] if last is None else last)
    if pick_sets or not _are_catalogs(db, a, b):
        result = differences.diff_pick_sets(db, a, b, max_pick_dt, period, settings)
    else:
        gates = Gates(max_dt=max_dt, max_km=max_km, max_pick_dt=max_pick_dt)
        result = differences.diff_catalogs(db, a, b, gates, period, limit, settings)
    common.print_json(result) if json else _print(result, limit)
    if not result["equal"]:
        raise typer.Exit(1)


def _are_catalogs(db: Database, a: str, b: str) -> bool:
    """False where both names are those of pick sets and not both those of catalogs."""
    names = {"$in": [a, b]}
    wanted = len({a, b})
    return db.catalog.count_documents({"_id": names}) == wanted or db.pick_set.count_documents({"_id": names}) < wanted


def _print(result: Json, limit: int) -> None:
    a, b = result["a"], result["b"]
    if events := result.get("events"):
        counts = {f"in {a}": events["a"], f"in {b}": events["b"], "same": events["same"], "moved": events["moved"]}
        counts |= {f"only in {a}": events["only_a"], f"only in {b}": events["only_b"]}
        common.print_rows([counts], title="events")
        if events["moved_rows"]:
            common.print_rows([_moved_row(row) for row in events["moved_rows"]], title=f"moved, from {a} to {b}")
            _say_limit(events["moved"], limit)
        for side, name in (("a", a), ("b", b)):
            if rows := events[f"only_{side}_rows"]:
                common.print_rows([_event_row(row) for row in rows], title=f"only in {name}")
                _say_limit(events[f"only_{side}"], limit)
        sets = result["pick_sets"]
        if result["picks"] is None:
            same = sets[0] is not None and sets[0] == sets[1]
            common.out.print(f"picks: both are made from {sets[0]}" if same else "picks: not both have a pick set")
    if picks := result["picks"]:
        common.print_rows([_pick_row(name, row, a, b) for name, row in picks["phases"].items()], title="picks")
        if picks["stations"]:
            rows = [_pick_row(row["station"], row, a, b) for row in picks["stations"][:STATIONS_SHOWN]]
            common.print_rows(rows, title="stations with the most differences")
    for key, title in (("settings", "settings"), ("pick_settings", "settings of the pick sets")):
        rows = result.get(key, [])
        if any(row["key"] == "files" and None in (row["a"], row["b"]) for row in rows):
            common.out.print(f"{title}: one was read from files, the other was not; --json has each key")
        elif rows:
            table = [{"key": row["key"], a: _value(row["a"]), b: _value(row["b"])} for row in rows]
            common.print_rows(table, title=title)
    if result["equal"]:
        common.out.print("nothing differs")


def _say_limit(number: int, limit: int) -> None:
    if limit and number > limit:
        common.err.print(f"the first {limit} of {number}; --limit 0 prints all")


def _moved_row(row: Row) -> Row:
    cells: Row = {"time": _time(row["time"]), "event": row["b_id"][:12], "dt (s)": _rounded(row["dt"])}
    names = {"distance_km": "distance (km)", "depth_difference_km": "depth (km)", "magnitude_difference": "magnitude"}
    cells |= {name: _rounded(row[key]) if key in row else "" for key, name in names.items()}
    if row["picks_a"] != row["picks_b"]:
        cells["P and S"] = " -> ".join(_counts(row[key]) for key in ("picks_a", "picks_b"))
    return cells


def _counts(numbers: tuple[int | None, int | None] | None) -> str:
    """`5+3`: P and S arrivals; a dash for what is not known."""
    return "+".join("-" if number is None else str(number) for number in numbers or (None, None))


def _event_row(row: Row) -> Row:
    cells = {"time": _time(row["time"]), "event": row["event_id"][:12]}
    return cells | {key: _rounded(row[key]) for key in ("latitude", "longitude", "depth_km", "magnitude") if key in row}


def _pick_row(name: str, row: Row, a: str, b: str) -> Row:
    cells = {"": name} | {f"in {side}": row[key] for key, side in (("a", a), ("b", b)) if key in row}
    cells |= {"same": row["same"], "moved": row["moved"], "other phase": row["other_phase"]}
    return cells | {f"only in {a}": row["only_a"], f"only in {b}": row["only_b"]}


def _value(value: Any) -> str:
    text = "" if value is None else common.as_cell(value)
    return text if len(text) <= VALUE_SHOWN else f"{text[:VALUE_SHOWN]} ..."


def _rounded(value: float | None) -> float | str:
    return "in one alone" if value is None else round(value, 4)


def _time(time: float) -> str:
    from catalogdb.times import format_time

    return format_time(time)[:-4]
