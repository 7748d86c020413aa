"""`catalogdb fetch`: waveforms, stations and events from FDSN web services."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalogdb.cli import common

if TYPE_CHECKING:
    from catalogdb.stages.fetch import FetchArea, FetchSummary

app = typer.Typer(help="Fetch waveforms, stations and events from FDSN web services.", no_args_is_help=True)

Providers = Annotated[
    list[str],
    typer.Option("--provider", help="Address, or a name that ObsPy knows: INGV, ORFEUS, ... May be repeated."),
]
Start = Annotated[str, typer.Option(help="ISO 8601 UTC.")]
Box = Annotated[str, typer.Option(help="South,north,west,east in degrees, for example 45.4,46.9,11.5,14.2.")]
Folder = Annotated[
    Path, typer.Option("--output", "-o", help="Folder of the files; what is there is not asked for again.")
]
Ingest = Annotated[bool, typer.Option("--ingest/--no-ingest", help="Bring the files into the database, too.")]


@app.command(epilog="Example: catalogdb fetch waveforms --provider INGV --starttime 2024-03-27 --endtime 2024-03-29 "
             "--box 45.4,46.9,11.5,14.2 -o archive")  # fmt: skip
def waveforms(
    provider: Providers,
    starttime: Start,
    endtime: Start,
    box: Box,
    output: Folder,
    network: Annotated[str, typer.Option(help="Network codes, with wildcards, several with commas.")] = "*",
    station: Annotated[str, typer.Option(help="Station codes likewise.")] = "*",
    channels: Annotated[
        str, typer.Option(help="Channels, best first; of each station the first that it has.")
    ] = "HH?,EH?,BH?,SH?,HN?",
    ingest: Ingest = True,
    json: common.JsonOption = False,
) -> None:
    """Fetch miniSEED, a file for each channel and day, and StationXML of the stations. The same command goes on."""
    from catalogdb.stages.fetch import fetch_waveforms

    area = _area(
        starttime, endtime, box, networks=network, stations=station, channels=tuple(map(str.strip, channels.split(",")))
    )
    of_waveforms, of_stations = fetch_waveforms(provider, area, output)
    _say({"waveforms": of_waveforms, "stations": of_stations}, json)
    if ingest and of_waveforms.new + of_waveforms.kept:
        from catalogdb.database.connection import mspass_database
        from catalogdb.stages.ingest_stations import ingest_stations
        from catalogdb.stages.ingest_waveforms import ingest_waveforms

        db = common.database()
        indexed = ingest_waveforms(db, [output / "waveforms"])
        common.err.print(f"ingested: {indexed.files} files, {indexed.segments} segments", markup=False)
        if of_stations.new + of_stations.kept:
            known = ingest_stations(db, mspass_database(common.settings()), [output / "stations"])
            common.err.print(f"ingested: {known.sites} station epochs, {known.channels} channel epochs", markup=False)
    if not of_waveforms.new + of_waveforms.kept:
        raise typer.Exit(1)


@app.command(epilog="Example: catalogdb fetch events --provider USGS --starttime 2019-07-01 --endtime 2019-08-01 "
             "--box 35.2,36.4,-118.2,-117.0 --minmagnitude 2 -o archive --name usgs")  # fmt: skip
def events(
    provider: Providers,
    starttime: Start,
    endtime: Start,
    box: Box,
    output: Folder,
    name: Annotated[str | None, typer.Option(help="Ingest them as the catalog of this name.")] = None,
    minmagnitude: Annotated[float | None, typer.Option(help="Least magnitude.")] = None,
    json: common.JsonOption = False,
) -> None:
    """Fetch events as QuakeML, a file a month. The same command goes on; a busy service is asked again later."""
    from catalogdb.stages.fetch import fetch_events

    summary = fetch_events(provider, _area(starttime, endtime, box), output, minmagnitude, common.print_notice)
    _say({"events": summary}, json)
    if name:
        from catalogdb.stages.ingest_catalog import ingest_catalog

        found = ingest_catalog(common.database(), [Path(file) for file in summary.files], name, replace=True)
        common.err.print(f"ingested as {name}: {found['counts'].get('events', 0)} events", markup=False)


def _area(starttime: str, endtime: str, box: str, **more: Any) -> FetchArea:
    from catalogdb.errors import InputError
    from catalogdb.geo import Box as Limits
    from catalogdb.stages.fetch import FetchArea

    try:
        south, north, west, east = map(float, box.split(","))
    except ValueError:
        raise InputError(f"--box {box}: not four numbers", hint="south,north,west,east in degrees") from None
    start, end = common.epoch_seconds(starttime, "--starttime"), common.epoch_seconds(endtime, "--endtime")
    return FetchArea(start, end, Limits(south=south, north=north, west=west, east=east), **more)


def _say(summaries: dict[str, FetchSummary], json: bool) -> None:
    from dataclasses import asdict

    if json:
        common.print_json({what: asdict(summary) for what, summary in summaries.items()})
        return
    for what, summary in summaries.items():
        text = f"{what}: {summary.new} files fetched ({summary.bytes} bytes), {summary.kept} there before"
        text += f", {summary.failed} not to be had" if summary.failed else ""
        common.out.print(f"{text}, in {summary.folder}", markup=False, soft_wrap=True)
        for problem in summary.problems:
            common.err.print(problem, markup=False, soft_wrap=True)
