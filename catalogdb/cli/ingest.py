"""`catalogdb ingest`: bring waveforms, stations, velocity models and reference catalogs in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from catalogdb.cli import common, completion
from catalogdb.documents.free import Json, Row

LINES_SHOWN = 10  # in a cell of the table; --json has them all

app = typer.Typer(
    help="Bring stations, waveforms, velocity models and reference catalogs into the database.", no_args_is_help=True
)


@app.command(epilog="Example: catalogdb ingest stations stations.xml more-stations.csv")
def stations(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="StationXML, SeisComP inventories, dataless SEED, fdsnws-station text, NonLinLoc's GTSRCE lines, or "
            "csv with network, station, latitude, longitude, elevation (m) and, where known, location, depth, "
            "starttime, endtime; also gz, bz2, zip; or folders of them."
        ),
    ],
    network: Annotated[
        str,
        typer.Option(help="Network code of stations that have none; those that stood without one give way to them."),
    ] = "",
    json: common.JsonOption = False,
) -> None:
    """Read station metadata into `site` and `channel` through MsPASS. A rerun changes nothing.

    Places are those of the channels, each for its time. Rejected records and columns that are not used are listed.
    """
    from catalogdb.database.connection import mspass_database
    from catalogdb.stages.ingest_stations import ingest_stations

    db = common.database()
    summary = ingest_stations(db, mspass_database(common.settings()), files, default_network=network)
    is_empty = not (summary.rejected or summary.unreadable)  # a valid file may hold no station
    _print_summary(summary.model_dump(), usable=summary.sites > 0 or is_empty, json=json)


@app.command(epilog="Example: catalogdb ingest waveforms archive/2024")
def waveforms(
    paths: Annotated[
        list[Path], typer.Argument(help="miniSEED, SAC, GSE2, ... files, or folders that are searched for them.")
    ],
    prune: Annotated[
        bool, typer.Option("--prune", help="Take files that are gone out of the index; without it they are counted.")
    ] = False,
    json: common.JsonOption = False,
) -> None:
    """Index miniSEED files through MsPASS into `wf_miniseed`, files of other formats through ObsPy.

    miniSEED is read by offset and much faster; catalogdb formats waveforms lists the others.

    Only new and changed files are read; unreadable ones are recorded with the reason.
    """
    from rich.progress import Progress

    from catalogdb.stages.ingest_waveforms import ingest_waveforms

    db = common.database()
    with Progress(console=common.err, disable=not common.progress_allowed(json), transient=True) as bar:
        task = bar.add_task("indexing", total=None)
        summary = ingest_waveforms(
            db, paths, progress=lambda done, total: bar.update(task, completed=done, total=total), prune=prune
        )
    usable = summary.files > summary.unreadable or (prune and summary.missing > 0)
    _print_summary(summary.model_dump(), usable=usable, json=json)


@app.command(epilog="Example: catalogdb ingest catalog RSFVG-2024.dat RSFVG-2024.hpc RSFVG-2024.txt --name ogs")
def catalog(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="QuakeML, SCML, Nordic, NonLinLoc, ...; csv of events, and of picks with the same event ids; "
            "OGS .dat, .hpl, .hpc, .pun, .txt. catalogdb formats lists all."
        ),
    ],
    name: Annotated[str, typer.Option(help="Name that the catalog is given.")],
    format: Annotated[
        str | None,
        typer.Option(
            help="One of catalogdb formats; default by content and ending.", autocompletion=completion.read_formats
        ),
    ] = None,
    date_order: Annotated[
        Literal["dmy", "mdy"] | None,
        typer.Option(help="Of a table's dates such as 05/03/2024, where no row of it tells day from month."),
    ] = None,
    depth_unit: Annotated[
        Literal["m", "km"] | None, typer.Option(help="Of a table's depths, where the column's name says none.")
    ] = None,
    replace: Annotated[
        bool, typer.Option(help="Replace a catalog of that name that was made from other files.")
    ] = False,
    json: common.JsonOption = False,
) -> None:
    """Read a reference catalog into `event`, and its picks into `pick`.

    Several files of the same events are merged: each event stands once, with an origin from each file. It ends with a
    table of what was read, kept, repaired and rejected in each file, with line numbers.
    """
    from catalogdb.exchange.table_judgement import TableOptions
    from catalogdb.stages.ingest_catalog import ingest_catalog

    tables = TableOptions(date_order, depth_unit)
    summary = ingest_catalog(common.database(), files, name, format=format, replace=replace, tables=tables)
    if json:
        common.print_json(summary)
        return
    _print_summary({key: value for key, value in summary.items() if key != "files"}, usable=True, json=False)
    common.print_rows([_file_row(report) for report in summary["files"]])


@app.command("training-set", epilog="Example: catalogdb ingest training-set /data/instance --name instance")
def training_set(
    folders: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of a SeisBench data set (metadata.csv, waveforms.hdf5), or of traces.csv with traces.npz."
        ),
    ],
    name: Annotated[str, typer.Option(help="Name that the training set is given.")],
    split: Annotated[
        Literal["time", "station", "given"],
        typer.Option(help="Parts for training, validation and test: by borders in time, by station, or as given."),
    ] = "time",
    fractions: Annotated[tuple[float, float, float], typer.Option(help="Shares of training, validation and test.")] = (
        0.6,
        0.15,
        0.25,
    ),
    guard: Annotated[float, typer.Option(min=0, help="Events this close (s) to a border in time are left out.")] = 3600,
    event_gap: Annotated[
        float, typer.Option(min=0, help="Records without an event that follow this closely (s) are of one.")
    ] = 60,
    unpicked: Annotated[
        Literal["unknown", "noise"], typer.Option(help="What a phase is that a record has no arrival of.")
    ] = "unknown",
    licence: Annotated[str, typer.Option(help="Licence of the data.")] = "",
    replace: Annotated[bool, typer.Option(help="Replace a training set of that name that is another one.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Enter labelled traces to train and judge pickers with. The files stay where they are.

    Records that can't be used are counted, with the reason.
    """
    from catalogdb.jobs import validated
    from catalogdb.stages.training_sets import ingest_training_set
    from catalogdb.training.config import TrainingSetConfig

    described = {
        "name": name,
        "event_gap_seconds": event_gap,
        "unpicked": unpicked,
        "split": {"by": split, "fractions": fractions, "guard_seconds": guard},
    }
    config = validated(TrainingSetConfig, described, "training set")
    document = ingest_training_set(common.database(), folders, config, licence, replace)
    facts: Json = {"counts": document["counts"], "rejected": document.get("rejected", [])}
    facts |= {"ignored": document.get("ignored", []), "digest": document["digest"]}
    counts = {key: value for key, value in facts["counts"].items() if not isinstance(value, dict)}
    left_out = facts["counts"]["left_out"]
    _print_summary(facts if json else facts | {"counts": counts | left_out}, usable=True, json=json)


@app.command(epilog="Example: catalogdb ingest velocity-model model.P.mod.hdr model.S.mod.hdr --name alps-3d")
def velocity_model(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="csv with depth_km, vp, vs (km/s) and, of a 3-D grid, longitude and latitude; a job file; NonLinLoc's "
            "control file with LAYER lines, or the .hdr of its grids of P and of S, each beside its .buf."
        ),
    ],
    name: Annotated[str, typer.Option(help="Name that the model is given, for locate.velocity_model.")],
    vp_vs: Annotated[
        float | None, typer.Option(min=1.0, max=5.0, help="Ratio of the speeds, where a file holds P alone.")
    ] = None,
    gradient: Annotated[
        bool, typer.Option("--gradient", help="Speeds of a csv of layers vary linearly between the depths.")
    ] = False,
    replace: Annotated[bool, typer.Option(help="Replace another model of that name.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Read a velocity model into `velocity_model`. A rerun changes nothing.

    Catalogs located with a model that is replaced are stale.
    """
    from catalogdb.stages.velocity_models import ingest_velocity_model

    facts = ingest_velocity_model(common.database(), files, name, vp_vs, gradient, replace)
    if json:
        common.print_json(facts)
    else:
        common.print_rows([facts])


def _file_row(report: Json) -> Row:
    columns = ("file", "format", "read", "kept", "merged", "repaired", "rejected")
    row: Row = {key: report[key] for key in columns if key in report}
    headings = {f"{what}_lines": f"lines {what}" for what in ("rejected", "merged", "repaired")}
    for key, heading in headings.items():
        lines = list(dict.fromkeys(report.get(key, [])))
        row[heading] = ", ".join(map(str, lines[:LINES_SHOWN])) + (" ..." if len(lines) > LINES_SHOWN else "")
    return row


def _print_summary(facts: Json, usable: bool, json: bool) -> None:
    """Print counts and problems; where nothing could be used the exit code is 1."""
    if json:
        common.print_json(facts)
    else:
        lists = {key: value for key, value in facts.items() if isinstance(value, list)}
        numbers = {key: value for key, value in facts.items() if key not in (*lists, "counts", "digest")} | facts.get(
            "counts", {}
        )
        common.print_rows([{"what": key.replace("_", " "), "number": value} for key, value in numbers.items()])
        for key, lines in lists.items():
            for line in lines[:20]:
                common.err.print(f"{key}: {line}", markup=False, soft_wrap=True)
            if len(lines) > 20:
                common.err.print(f"{key}: ... and {len(lines) - 20} more (--json lists all)")
    if not usable:
        common.err.print("[bold red]error:[/] nothing usable was found there")
        raise typer.Exit(1)
