"""`catalogdb report`: a catalog against its reference as one page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalogdb.cli import common


def report(
    catalog: Annotated[str, typer.Option(help="Catalog to judge.")],
    reference: Annotated[str, typer.Option(help="Catalog to judge it by.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="HTML file to write.")] = None,
    min_magnitude: Annotated[
        float | None,
        typer.Option(help="Count events from this magnitude on: the reference's, and proposed ones by their own."),
    ] = None,
    max_dt: Annotated[float, typer.Option(min=0, help="Largest difference of origin times (s).")] = 2.0,
    max_km: Annotated[float, typer.Option(min=0, help="Largest distance of epicentres (km).")] = 8.0,
    max_pick_dt: Annotated[float, typer.Option(min=0, help="Largest difference of pick times (s).")] = 0.5,
    event_types: Annotated[
        list[str] | None,
        typer.Option(help="Types of events that count, again or with commas; default: all that exist."),
    ] = None,
    starttime: Annotated[str | None, typer.Option(help="Start of the period, ISO 8601 UTC.")] = None,
    endtime: Annotated[str | None, typer.Option(help="End of the period, not part of it.")] = None,
    missed: Annotated[int, typer.Option(min=0, help="Most missed events to show, the largest first.")] = 50,
    waveforms: Annotated[bool, typer.Option(help="Show the waveforms of missed events.")] = True,
    json: common.JsonOption = False,
) -> None:
    """Write a page about a catalog and its reference: map, timeline, recall, residuals, stations, missed events.

    The page is one file that needs no network. --json prints the same numbers. Without --starttime and --endtime the
    period is the one that catalogdb evaluate takes. Example: catalogdb report --catalog demo --reference demo-truth -o
    report.html
    """
    from catalogdb.comparisons import evaluate
    from catalogdb.errors import InputError
    from catalogdb.report import gather, write_page

    if output is None and not json:
        raise InputError("no output", hint="-o report.html, or --json")
    if output is not None and not output.parent.is_dir():
        raise InputError(f"{output}: its folder does not exist")
    db = common.database()
    evaluation = evaluate(
        db,
        catalog,
        reference,
        min_magnitude=min_magnitude,
        max_dt=max_dt,
        max_km=max_km,
        max_pick_dt=max_pick_dt,
        starttime=common.optional_epoch_seconds(starttime, "--starttime"),
        endtime=common.optional_epoch_seconds(endtime, "--endtime"),
        event_types=event_types or (),
    )
    data = gather(db, evaluation, missed_shown=missed)
    if output is not None:
        pictures_of = None
        if waveforms and data["missed_events"]:
            from catalogdb.stages.missed_event_pictures import missed_event_pictures

            pictures_of = missed_event_pictures(db, catalog, reference)
        write_page(output, data, pictures_of)
    if json:
        common.print_json(data)
    elif output is not None:
        common.out.print(f"{output}: {output.stat().st_size} bytes", markup=False, soft_wrap=True)
