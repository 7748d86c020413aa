"""`catalogdb report`: a catalog against its reference as one page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalogdb.cli import common
from catalogdb.cli import comparison_options as options


def report(
    catalog: options.Catalog,
    reference: options.Reference,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="HTML file to write.")] = None,
    min_magnitude: options.MinMagnitude = None,
    max_dt: options.MaxDt = 2.0,
    max_km: options.MaxKm = 8.0,
    max_pick_dt: options.MaxPickDt = 0.5,
    event_types: options.EventTypes = None,
    starttime: options.StartTime = None,
    endtime: options.EndTime = None,
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
