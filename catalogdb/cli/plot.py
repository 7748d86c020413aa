"""`catalogdb plot`: figures of what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from catalogdb.cli import common, completion

app = typer.Typer(help="Draw what is stored.", no_args_is_help=True)


@app.callback()
def _plot() -> None:
    """Draw what is stored."""


@app.command("waveform")
def waveform(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="File to write: .png, .svg, .pdf, or .html to zoom in and hover over."),
    ],
    station: Annotated[
        str | None, typer.Option(help="NET.STA; with --time.", autocompletion=completion.stations)
    ] = None,
    time: Annotated[str | None, typer.Option(help="ISO 8601 UTC.")] = None,
    event: Annotated[
        str | None,
        typer.Option(help="Id of an event, its beginning, or its source's id: the nearest stations in one figure."),
    ] = None,
    catalog: Annotated[
        str | None,
        typer.Option(help="Catalog of the event, where several have that id.", autocompletion=completion.catalogs),
    ] = None,
    before: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds before the time (10), or before the origin time (5).", show_default=False),
    ] = None,
    after: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds after (50); of an event, until after its last S.", show_default=False),
    ] = None,
    pick_set: Annotated[
        list[str] | None,
        typer.Option(
            help="Pick set to show; may be repeated. None: all that have something there.",
            autocompletion=completion.pick_sets,
        ),
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            help="Reference catalog or pick set; may be repeated. None: all that have something there.",
            autocompletion=completion.results,
        ),
    ] = None,
    filter: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Corners (Hz) of a band-pass, for example 1 20. None: only the median is removed."),
    ] = None,
    sensor: Annotated[
        str | None,
        typer.Option(help="Band and instrument code, such as HH or 00.HH. None: the sensor that was picked."),
    ] = None,
    stations: Annotated[int, typer.Option(min=1, help="Most stations of an event.")] = 12,
    all_components: Annotated[
        bool, typer.Option("--all-components", help="Of an event: not just the vertical and the strongest other one.")
    ] = False,
    theme: Annotated[
        Literal["light", "dark"], typer.Option(help="Colours of a picture; .html follows its reader.")
    ] = "light",
    json: common.JsonOption = False,
) -> None:
    """Draw waveforms with picks, reference picks, and the probabilities that a picker saw.

    In Python, the waveforms themselves: db.waveforms(EVENT), db.waveforms(station=..., starttime=..., endtime=...).

    Example: catalogdb plot waveform --station OX.BAD --time 2024-03-27T02:00:00 --filter 1 20 -o bad.html
    """
    from catalogdb.errors import InputError
    from catalogdb.stages import plot

    if (event is None) == (station is None or time is None) or (event is not None and (station or time)):
        raise InputError("say what to draw: either --station and --time, or --event")
    plot.figure_format(output)
    from catalogdb.stages.read_waveform import Choice, station_view

    choice = Choice(tuple(pick_set or ()), tuple(reference or ()), filter, sensor)
    if event is not None:
        from catalogdb.stages.read_waveform_event import event_view

        view = event_view(common.database(), event, choice, before, after, stations, catalog, all_components)
    else:
        period = _period(time or "", before, after)
        view = station_view(common.database(), station or "", *period, choice)
    summary = plot.write_figure(view, output, theme)
    if json:
        common.print_json(summary)
        return
    drawn = ", ".join(row["station"] for row in summary["stations"])
    common.out.print(f"{summary['output']}: {drawn}, {summary['bytes']} bytes", markup=False, soft_wrap=True)
    for note in summary["notes"]:
        common.err.print(note, markup=False, soft_wrap=True)


@app.command("features")
def features(
    catalog: Annotated[str, typer.Option(help="Catalog with spectral features.", autocompletion=completion.catalogs)],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .png, .svg or .pdf.")],
    event: Annotated[
        str | None, typer.Option(help="Id of an event, or its beginning: its spectrogram, states and fingerprint.")
    ] = None,
    station: Annotated[
        str | None,
        typer.Option(help="NET.STA of the event; none: the best signal.", autocompletion=completion.stations),
    ] = None,
    theme: Annotated[Literal["light", "dark"], typer.Option(help="Colours of the picture.")] = "light",
    json: common.JsonOption = False,
) -> None:
    """Draw the clusters of a catalog's events by their spectral features, or one event's fingerprint.

    Example: catalogdb plot features --catalog mine -o clusters.png
    """
    from catalogdb.errors import InputError
    from catalogdb.stages import feature_picture

    if station and not event:
        raise InputError("--station is of an event: give --event, too")
    if event:
        summary = feature_picture.write_event(common.database(), catalog, event, station, output, theme)
    else:
        summary = feature_picture.write_clusters(common.database(), catalog, output, theme)
    if json:
        common.print_json(summary)
        return
    common.out.print(f"{summary['output']}: {summary['title']}, {summary['bytes']} bytes", markup=False, soft_wrap=True)


@app.command("velocity-model")
def velocity_model(
    name: Annotated[str, typer.Argument(help="Name of a velocity model.", autocompletion=completion.velocity_models)],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .png, .svg, .pdf or .html.")],
    catalog: Annotated[
        str | None, typer.Option(help="Catalog whose events are shown.", autocompletion=completion.catalogs)
    ] = None,
    depth: Annotated[
        list[float] | None,
        typer.Option(help="Depth of a slice, km below sea level; may be repeated. None: some round ones."),
    ] = None,
    values: Annotated[
        Literal["difference", "speed"],
        typer.Option(help="Of slices: per cent from the mean at each depth, or km/s."),
    ] = "difference",
    theme: Annotated[
        Literal["light", "dark"], typer.Option(help="Colours of a picture; .html follows its reader.")
    ] = "light",
    json: common.JsonOption = False,
) -> None:
    """Draw a velocity model: map slices of vp and vs through a 3-D model, or speeds by depth of layers.

    Of a model of catalogdb tomography, what is resolved is shown, and faded where more of the speeds is the 1-D model's
    than the arrivals'. Means and the scale of the colours are those of what is resolved.

    Example: catalogdb plot velocity-model alps-3d --catalog mine -o alps.png
    """
    from catalogdb.stages.velocity_model_picture import write_velocity_model

    summary = write_velocity_model(common.database(), name, output, catalog, depth or (), values, theme)
    if json:
        common.print_json(summary)
        return
    common.out.print(f"{summary['output']}: {summary['title']}, {summary['bytes']} bytes", markup=False, soft_wrap=True)
    if summary["slices"]:
        common.print_rows(summary["slices"])


def _period(time: str, before: float | None, after: float | None) -> tuple[float, float]:

    moment = common.epoch_seconds(time, "--time")
    return moment - (10.0 if before is None else before), moment + (50.0 if after is None else after)
