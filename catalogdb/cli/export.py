"""`catalogdb export`: take results away as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from catalogdb.cli import common, completion, probability
from catalogdb.cli.query import FilterArguments
from catalogdb.documents.free import Json


class CatalogByDefault(TyperGroup):
    """`export --catalog ...` is `export catalog --catalog ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["catalog", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    help="Take a catalog, picks, stations, waveforms, probabilities, a velocity model, a picker's model or a training "
    "set away as files. "
    "Without a command it is a catalog.",
    no_args_is_help=True,
    cls=CatalogByDefault,
)
DATASET = "seisbench-dataset"
Bound = Annotated[float | None, typer.Option(help="Degrees.", rich_help_panel="Filters")]


def _filter(help: str) -> Any:
    return typer.Option(help=help, rich_help_panel="Filters")


@app.command("catalog")
def export_catalog(
    catalog: Annotated[str, typer.Option(help="Catalog to take.", autocompletion=completion.catalogs)],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="File to write: .xml or .qml (QuakeML), .csv, .parquet, .geojson, .kml; OGS: .dat, .hpl, .hpc, "
            ".pun, .txt. A folder for input of other locators.",
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option(
            help="Format, where the file's ending does not say it; catalogdb formats lists them.",
            autocompletion=completion.catalog_formats,
        ),
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
    eventid: Annotated[str | None, _filter("One event's id, the beginning of it, or its id in the source.")] = None,
    limit: Annotated[int | None, _filter("Most events to take.")] = None,
    orderby: Annotated[
        Literal["time", "time-asc", "magnitude", "magnitude-asc"],
        _filter("Order; without -asc the latest or largest first."),
    ] = "time-asc",
    velocity_model: Annotated[
        str | None,
        typer.Option(
            help="Velocity model of layers to write for another locator; left out: that which the catalog was located "
            "in."
        ),
    ] = None,
    json: common.JsonOption = False,
) -> None:
    """Write a catalog as QuakeML 1.2, csv, Parquet, GeoJSON, SCML, Nordic, ZMAP, ...; catalogdb formats lists all.

    The filters are those of FDSN event services. What a format can't hold is counted and said.

    The file is there whole or not at all. In Python, without a file: db.catalog(NAME, ...), db.events(NAME, ...).

    Example: catalogdb export catalog --catalog demo -o demo.xml --minmagnitude 2
    """
    from catalogdb.errors import InputError
    from catalogdb.exchange.event_filter import EventFilter, chosen_events
    from catalogdb.stages import export, export_peers

    selection = chosen_events(**{name: value for name, value in locals().items() if name in EventFilter.model_fields})
    db = common.database()
    peers = export_peers.peer_formats()
    if format and format.lower() in peers:
        summary = export_peers.export_for_peer(db, catalog, output, format.lower(), selection, velocity_model)
    elif velocity_model:
        hint = f"--format with one of {', '.join(peers)}"
        raise InputError("--velocity-model: only folders for other locators hold one", hint=hint)
    else:
        summary = export.export_catalog(db, catalog, output, format=format, filter=selection, table=table)
    if json:
        common.print_json(summary)
    else:
        _say(summary)


@app.command("picks")
def export_picks(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .csv, .parquet, .xml or .qml (QuakeML).")
    ],
    pick_set: Annotated[str, typer.Option(help="Pick set to take.", autocompletion=completion.pick_sets)],
    filters: FilterArguments = None,
    format: Annotated[
        str | None,
        typer.Option(
            help="csv, parquet, quakeml, phasenet, seisbench or gamma, where the file's ending does not say it; "
            "seisbench-dataset: a folder of picks with their waveforms.",
            autocompletion=completion.pick_formats,
        ),
    ] = None,
    json: common.JsonOption = False,
) -> None:
    """Write the picks of a set as a table of our own, or in the layout of PhaseNet, SeisBench or GaMMA.

    Filters are those of catalogdb query. In Python, without a file: db.picks(NAME, ...).

    Example: catalogdb export picks --pick-set demo -o picks.csv phase=P 'probability>=0.8' 'station=OX.*'
    """
    from catalogdb.filters import read_filter
    from catalogdb.stages import export_picks as picks

    if format == DATASET:
        _export_dataset(pick_set, output, filters, json)
        return
    conditions = [read_filter(text) for text in filters or []]
    summary = picks.export_picks(common.database(), pick_set, output, format, conditions)
    if json:
        common.print_json(summary)
        return
    text = f"{summary['output']}: {summary['picks']} picks, {summary['bytes']} bytes"
    common.out.print(text, markup=False, soft_wrap=True)
    _say_left_out(summary["left_out"])


def _export_dataset(pick_set: str, output: Path, filters: list[str] | None, json: bool) -> None:
    from catalogdb.errors import InputError
    from catalogdb.stages.export_seisbench import export_seisbench_dataset

    if filters:
        raise InputError(f"--format {DATASET} takes the whole pick set", hint="leave the filters out")
    summary = export_seisbench_dataset(common.database(), pick_set, output)
    if json:
        common.print_json(summary)
        return
    common.out.print(f"{output}: {summary['records']} records", markup=False, soft_wrap=True)
    _say_left_out(summary["left_out"])
    for line in summary["problems"]:
        common.err.print(line, markup=False, soft_wrap=True)


@app.command("stations")
def export_stations(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
    format: Annotated[
        str,
        typer.Option(
            help="specfem (STATIONS), seissol (receivers) or noisepy (station list).",
            autocompletion=completion.station_formats,
        ),
    ],
    starttime: Annotated[str | None, typer.Option(help="Stations with an epoch after this, ISO 8601 UTC.")] = None,
    endtime: Annotated[str | None, typer.Option(help="And before this.")] = None,
    json: common.JsonOption = False,
) -> None:
    """Write the stations of a period for programs that simulate or correlate noise.

    In Python, without a file: db.stations(...).

    Example: catalogdb export stations --format specfem -o STATIONS
    """
    from catalogdb.stages import export_picks as stations
    from catalogdb.times import ALWAYS

    start = common.optional_epoch_seconds(starttime, "--starttime")
    end = common.optional_epoch_seconds(endtime, "--endtime")
    summary = stations.export_stations(
        common.database(), output, format, ALWAYS[0] if start is None else start, ALWAYS[1] if end is None else end
    )
    if json:
        common.print_json(summary)
        return
    where = f", in {summary['projection']}" if "projection" in summary else ""
    common.out.print(f"{output}: {summary['stations']} stations{where}, {summary['bytes']} bytes", markup=False)


@app.command("waveforms")
def export_waveforms(
    event: Annotated[str, typer.Option(help="Event: its id, the beginning of it, or the source's own.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to, empty or not there yet.")],
    format: Annotated[
        Literal["sac", "miniseed"], typer.Option(help="sac: with headers of event, station and arrivals.")
    ] = "sac",
    channel: Annotated[str, typer.Option(help="Channel codes, with * and ?, several with commas.")] = "*",
    json: common.JsonOption = False,
) -> None:
    """Write the waveforms of an event's stations as SAC files for MTUQ and others, or as miniSEED.

    From 5 s before the origin time to 20 s after the last arrival, in counts as recorded. In SAC the reference time is
    the origin time, `a` and `t0` are P and S. In Python, without files: db.waveforms(EVENT).

    Example: catalogdb export waveforms --event 3f2a9c --channel 'HH?' -o event/
    """
    from catalogdb.api.waveform_export import export_waveforms as export
    from catalogdb.upkeep.lineage import find_event

    db = common.database()
    summary = export(db, find_event(db, event), output, format, channel)
    if json:
        common.print_json(summary)
        return
    text = f"{output}: {summary['traces']} traces of {summary['stations']} stations, {len(summary['files'])} files"
    common.out.print(text, markup=False, soft_wrap=True)
    for code in summary["without_place"]:
        common.err.print(f"{code}: no station metadata, so the file has no place", markup=False, soft_wrap=True)


def _say(summary: Json) -> None:
    events, selected = summary["events"], summary["selected"]
    number = f"{events} events" if events == selected else f"{events} of {selected} events"
    picks = f", {summary['picks']} picks" if summary["picks"] else ""
    if loose := summary["picks_of_no_event"]:
        picks += f" ({loose} of no event, behind the last one)"
    text = f"{summary['output']}: {number}{picks}, {summary['bytes']} bytes"
    common.out.print(text, markup=False, soft_wrap=True)
    _say_left_out(summary["left_out"])
    for note in summary.get("notes", ()):
        common.err.print(note, markup=False, soft_wrap=True)
    if not events:
        why = (
            "none of them can be written in this format" if selected else "the catalog has none that passes the filters"
        )
        common.err.print(f"the file holds no event: {why}", markup=False, soft_wrap=True)


def _say_left_out(left_out: dict[str, int]) -> None:
    for what, number in left_out.items():
        common.err.print(f"left out, as the format can't hold them: {number} {what}", markup=False, soft_wrap=True)


@app.command("model", epilog="Example: catalogdb export model my-region -o weights/")
def export_model(
    name: Annotated[str, typer.Argument(help="Name of a model, or NAME-SEED.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")],
    json: common.JsonOption = False,
) -> None:
    """Write a model's weights as SeisBench's own files, NAME.pt.v1 and NAME.json.v1, and load them again.

    In SeisBench: PhaseNet.load("FOLDER/NAME", version_str="1"); here: weights: FOLDER/NAME.pt.v1.
    """
    from catalogdb.stages.models import export_model as export

    summary = export(common.database(), name, output)
    if json:
        common.print_json(summary)
        return
    text = f"{summary['weights']}: {', '.join(summary['files'])}; loaded again, difference {summary['difference']:g}"
    common.out.print(text, markup=False, soft_wrap=True)


@app.command("velocity-model", epilog="Example: catalogdb export velocity-model alps-3d --format nlloc -o alps/")
def export_velocity_model(
    name: Annotated[str, typer.Argument(help="Name of a velocity model.", autocompletion=completion.velocity_models)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write; of a 3-D model in NonLinLoc's format a folder.")
    ],
    format: Annotated[
        Literal["nlloc", "csv"] | None, typer.Option(help="None: csv by the file's ending, else nlloc.")
    ] = None,
    json: common.JsonOption = False,
) -> None:
    """Write a velocity model as NonLinLoc's LAYER lines or 3-D grids, or as csv; ingest velocity-model reads all again.

    For NonLinLoc a 3-D model is resampled to cubic cells on one of its map planes, for csv to nodes in degrees, unless
    it is so already.
    """
    from catalogdb.stages.export_velocity_model import export_velocity_model as export

    summary = export(common.database(), name, output, format)
    if json:
        common.print_json(summary)
        return
    text = f"{summary['output']}: {', '.join(summary['files'])}, {summary['bytes']} bytes"
    common.out.print(text, markup=False, soft_wrap=True)
    for words in summary["left_out"]:
        common.err.print(f"left out, as the format can't hold it: {words}", markup=False, soft_wrap=True)


@app.command("training-set", epilog="Example: catalogdb export training-set my-labels -o my-labels/")
def export_training_set(
    name: Annotated[str, typer.Argument(help="Name of the training set.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to, empty or not there yet.")],
    format: Annotated[Literal["seisbench"], typer.Option(help="Format of the files.")] = "seisbench",
    json: common.JsonOption = False,
) -> None:
    """Write a training set's waveforms and labels as a SeisBench data set: metadata.csv and waveforms.hdf5.

    What the format can't hold is counted and said.
    """
    from catalogdb.stages.training_sets import export_training_set as export

    summary = export(common.database(), name, output)
    if json:
        common.print_json(summary | {"format": format})
    else:
        common.print_rows([{"what": key, "number": value} for key, value in summary.items() if isinstance(value, int)])


app.command(
    "probability",
    epilog="Example: catalogdb export probability --pick-set demo --station OX.VINO --starttime 2024-03-27T01:00 "
    "--endtime 2024-03-27T02:00 -o vino.npz",
)(probability.export_probability)
