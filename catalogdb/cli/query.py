"""`catalogdb query`, `count` and `evaluate`: looking at what is in the database."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from catalogdb.cli import common
from catalogdb.cli import comparison_options as options

NO_PICKS = "picks were not compared: both catalogs share one pick set, one has none, or there are none in this period"

FilterArguments = Annotated[
    list[str] | None, typer.Argument(help="Filters: key=value, also >=, <=, >, <, != (quoted for the shell).")
]


def query(
    name: Annotated[str, typer.Argument(help="View or collection; without it, their list.")] = "",
    filters: FilterArguments = None,
    fields: Annotated[
        str | None, typer.Option(help="Columns of the table, separated by commas; --json has all.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Most documents to print; 0 for all.")] = 100,
    json: common.JsonOption = False,
) -> None:
    """Print documents of a view or collection, for example: catalogdb query events catalog=demo 'magnitude>=2'"""
    from catalogdb.filters import parse_columns, parse_filters, readable_name

    if not name:
        _list_queries(json)
        return
    readable_name(name)
    columns = parse_columns(name, fields or "")
    pipeline: list[dict[str, Any]] = [
        {"$match": parse_filters(name, filters or [])},
        *([{"$limit": limit}] if limit else []),
    ]
    rows = list(common.database()[name].aggregate(pipeline))
    if json:
        common.print_json({"name": name, "documents": rows})
    elif not rows:
        common.err.print("no documents; catalogdb status lists the catalogs and pick sets there are")
    else:
        common.print_rows(_table(name, rows, columns))
        if limit and len(rows) == limit:
            common.err.print(f"the first {limit}; --limit 0 prints all")


def _table(name: str, rows: list[dict[str, Any]], columns: list[str]) -> list[dict[str, Any]]:
    """The rows with the columns asked for, else those of the view, else every field that is a plain value."""
    from catalogdb.schema import views

    columns = columns or (views()[name].columns if name in views() else [])
    if not columns:
        plumbing = ("config_id", "task_id")
        columns = [
            key
            for row in rows
            for key, value in row.items()
            if not isinstance(value, (dict, list, bytes)) and key not in plumbing
        ]
    shown = {column for row in rows for column in columns if _value(row, column) is not None}
    return [{column: _value(row, column) for column in dict.fromkeys(columns) if column in shown} for row in rows]


def _value(row: dict[str, Any], column: str) -> Any:
    """The value that a dotted name leads to; None where there is none."""
    found: Any = row
    for part in column.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def count(
    collection: Annotated[str, typer.Argument(help="Collection or view.")],
    filters: FilterArguments = None,
    json: common.JsonOption = False,
) -> None:
    """Count documents, for example: catalogdb count pick pick_set=demo phase=P"""
    from catalogdb.filters import parse_filters, readable_name

    readable_name(collection)
    selection = parse_filters(collection, filters or [])
    number = common.database()[collection].count_documents(selection)
    common.print_json({"collection": collection, "filters": filters or [], "count": number}) if json else print(number)


def evaluate(
    catalog: options.Catalog,
    reference: options.Reference,
    min_magnitude: options.MinMagnitude = None,
    max_dt: options.MaxDt = 2.0,
    max_km: options.MaxKm = 8.0,
    max_pick_dt: options.MaxPickDt = 0.5,
    event_types: options.EventTypes = None,
    starttime: options.StartTime = None,
    endtime: options.EndTime = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Compute again, even where nothing has changed.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Compare a catalog with a reference: matched, missed and proposed events and picks, and their differences.

    Without --starttime and --endtime the period is that of the job that made the catalog; for one that was ingested
    that of the reference's job, or where that was ingested, too, its whole days (UTC) from first to last event.

    Events that are rejected, not existing or not reported never count. --event-types "quarry blast" compares others.

    The result is stored, and every view of it is a query: catalogdb query catalog_comparisons
    """
    from catalogdb import comparisons

    result = comparisons.evaluate(
        common.database(),
        catalog,
        reference,
        min_magnitude=min_magnitude,
        max_dt=max_dt,
        max_km=max_km,
        max_pick_dt=max_pick_dt,
        starttime=common.optional_epoch_seconds(starttime, "--starttime"),
        endtime=common.optional_epoch_seconds(endtime, "--endtime"),
        refresh=refresh,
        event_types=event_types or (),
    )
    common.print_json(result) if json else print_evaluation(result)


def print_evaluation(result: dict[str, Any]) -> None:
    """Print an evaluation as a table, with its period above and what it leaves out below."""
    from catalogdb.comparisons.period import period_text

    keys = ("what", "matched", "missed", "proposed", "wrong_phase", "no_data", "recall", "precision")
    picks = {phase: result["picks"][phase] for phase in "PS"}
    picks = {phase: row for phase, row in picks.items() if any(row[key] for key in keys[1:6])}
    rows = [{"what": "events"} | result["events"], *({"what": f"{phase} picks"} | row for phase, row in picks.items())]
    shown = [key for key in keys if any(key in row for row in rows)]
    title = f"{result['catalog']} against {result['reference']}, {period_text(**result['period'])}"
    common.print_rows([{key: _rounded(row.get(key)) for key in shown} for row in rows], title=title)
    if number := result["events"].get("proposed_without_magnitude"):
        common.out.print(f"{number} proposed events without a magnitude are not counted")
    for note in result["notes"]:
        common.out.print(note, markup=False, soft_wrap=True)
    if not picks:
        common.out.print(NO_PICKS, soft_wrap=True)


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def _list_queries(json: bool) -> None:
    from catalogdb.schema import collections, views

    rows = [
        {"name": name, "kind": "view", "what": view.concept} for name, view in views().items() if not view.parameters
    ]
    rows += [{"name": name, "kind": "collection", "what": schema.concept} for name, schema in collections().items()]
    common.print_json({"queries": rows}) if json else common.print_rows(rows)
