"""`catalogdb export`: take a catalog away as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from catalogdb.cli import common

Bound = Annotated[float | None, typer.Option(help="Degrees.", rich_help_panel="Filters")]


def _filter(help: str):
    return typer.Option(help=help, rich_help_panel="Filters")


def export(
    catalog: Annotated[str, typer.Option(help="Catalog to take.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .xml or .qml (QuakeML), .csv, .parquet.")
    ],
    format: Annotated[
        Literal["quakeml", "csv", "parquet"] | None,
        typer.Option(help="Format, where the file's ending does not say it."),
    ] = None,
    table: Annotated[
        Literal["events", "arrivals"], typer.Option(help="csv and Parquet: one row per event, or per arrival.")
    ] = "events",
    starttime: Annotated[
        str | None, typer.Option(help="Earliest origin time, ISO 8601 UTC.", rich_help_panel="Filters")
    ] = None,
    endtime: Annotated[
        str | None, typer.Option(help="Origin times are before this.", rich_help_panel="Filters")
    ] = None,
    minmagnitude: Annotated[float | None, _filter("Preferred magnitude from this on.")] = None,
    maxmagnitude: Annotated[float | None, _filter("Preferred magnitude up to this.")] = None,
    minlatitude: Bound = None,
    maxlatitude: Bound = None,
    minlongitude: Bound = None,
    maxlongitude: Bound = None,
    mindepth: Annotated[float | None, typer.Option(help="km below sea level.", rich_help_panel="Filters")] = None,
    maxdepth: Annotated[float | None, typer.Option(help="km below sea level.", rich_help_panel="Filters")] = None,
    magnitudetype: Annotated[str | None, _filter("Type of the preferred magnitude, for example ML.")] = None,
    eventtype: Annotated[str | None, _filter("QuakeML event type, for example earthquake.")] = None,
    eventid: Annotated[str | None, _filter("One event's id, or its id in the source.")] = None,
    limit: Annotated[int | None, _filter("Most events to take.")] = None,
    orderby: Annotated[
        Literal["time", "time-asc", "magnitude", "magnitude-asc"],
        _filter("Order; without -asc the latest or largest first."),
    ] = "time-asc",
    json: common.JsonOption = False,
) -> None:
    """Write a catalog as QuakeML 1.2, csv or Parquet; the filters are those of FDSN event services.

    The file is there whole or not at all. Example: catalogdb export --catalog demo -o demo.xml --minmagnitude 2
    """
    from pydantic import ValidationError

    from catalogdb.errors import InputError
    from catalogdb.exchange.event_filter import EventFilter
    from catalogdb.stages.export import export_catalog

    chosen = {name: value for name, value in locals().items() if name in EventFilter.model_fields}
    try:
        selection = EventFilter(**chosen)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}".lstrip(": ") for item in error.errors()
        )
        raise InputError(f"filters: {problems}") from None
    summary = export_catalog(common.database(), catalog, output, format=format, filter=selection, table=table)
    if json:
        common.print_json(summary)
    else:
        picks = f", {summary['picks']} picks" if summary["picks"] else ""
        common.out.print(
            f"{summary['output']}: {summary['events']} events{picks}, {summary['bytes']} bytes",
            markup=False,
            soft_wrap=True,
        )
