"""`catalogdb export`: take results away as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer
from typer.core import TyperGroup

from catalogdb.cli import common, probability


class CatalogByDefault(TyperGroup):
    """`export --catalog ...` is `export catalog --catalog ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["catalog", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    help="Take a catalog or probability traces away as a file. Without a command it is a catalog.",
    no_args_is_help=True,
    cls=CatalogByDefault,
)
Bound = Annotated[float | None, typer.Option(help="Degrees.", rich_help_panel="Filters")]


def _filter(help: str) -> Any:
    return typer.Option(help=help, rich_help_panel="Filters")


@app.command("catalog")
def export_catalog(
    catalog: Annotated[str, typer.Option(help="Catalog to take.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="File to write: .xml or .qml (QuakeML), .csv, .parquet; OGS: .dat, .hpl, .hpc, .pun, .txt. "
            "A folder for nlloc-obs, hypodd, growclust, velest and hypoinverse.",
        ),
    ],
    format: Annotated[
        Literal[
            "quakeml",
            "csv",
            "parquet",
            "ogs-dat",
            "ogs-hpl",
            "ogs-hpc",
            "ogs-pun",
            "ogs-txt",
            "ogs-txt-separated",
            "hypo71",
            "nlloc-obs",
            "hypodd",
            "growclust",
            "velest",
            "hypoinverse",
        ]
        | None,
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
    """Write a catalog as QuakeML 1.2, csv, Parquet, or in the formats of the OGS bulletin and HYPO71;
    or as a folder of input files for NonLinLoc (nlloc-obs), HypoDD, GrowClust, VELEST or HYPOINVERSE.

    The filters are those of FDSN event services. What a format can't hold is counted and said.

    The file is there whole or not at all. In Python, without a file: db.catalog(NAME, ...), db.events(NAME, ...).

    Example: catalogdb export catalog --catalog demo -o demo.xml --minmagnitude 2
    """
    from pydantic import ValidationError

    from catalogdb.errors import InputError
    from catalogdb.exchange.event_filter import EventFilter
    from catalogdb.stages import export, export_peers

    chosen = {name: value for name, value in locals().items() if name in EventFilter.model_fields}
    try:
        selection = EventFilter(**chosen)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}".lstrip(": ") for item in error.errors()
        )
        raise InputError(f"filters: {problems}") from None
    db = common.database()
    if format in export_peers.PEER_FORMATS:
        peer = cast(export_peers.PeerFormat, format)
        summary = export_peers.export_for_peer(db, catalog, output, peer, selection)
    else:
        own = cast(export.ExportFormat | None, format)
        summary = export.export_catalog(db, catalog, output, format=own, filter=selection, table=table)
    if json:
        common.print_json(summary)
    else:
        _say(summary)


def _say(summary: dict[str, Any]) -> None:
    events, selected = summary["events"], summary["selected"]
    number = f"{events} events" if events == selected else f"{events} of {selected} events"
    picks = f", {summary['picks']} picks" if summary["picks"] else ""
    if loose := summary["picks_of_no_event"]:
        picks += f" ({loose} of no event, behind the last one)"
    text = f"{summary['output']}: {number}{picks}, {summary['bytes']} bytes"
    common.out.print(text, markup=False, soft_wrap=True)
    for what, number in summary["left_out"].items():
        common.err.print(f"left out, as the format can't hold them: {number} {what}", markup=False, soft_wrap=True)
    if not events:
        why = (
            "none of them can be written in this format" if selected else "the catalog has none that passes the filters"
        )
        common.err.print(f"the file holds no event: {why}", markup=False, soft_wrap=True)


app.command(
    "probability",
    epilog="Example: catalogdb export probability --pick-set demo --station OX.VINO --starttime 2024-03-27T01:00 "
    "--endtime 2024-03-27T02:00 -o vino.npz",
)(probability.export_probability)
