"""`catalogdb report`: a catalog as one page to look at, alone or against a reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalogdb.cli import common, completion
from catalogdb.cli import comparison_options as options
from catalogdb.documents.free import Json

if TYPE_CHECKING:
    from pymongo.database import Database

GATES = {"min_magnitude": None, "max_dt": 2.0, "max_km": 8.0, "max_pick_dt": 0.5, "event_types": None}
"""What only a comparison has, with its defaults."""


def report(
    catalog: Annotated[str, typer.Option(help="Catalog to show.", autocompletion=completion.catalogs)],
    reference: Annotated[
        str | None,
        typer.Option(
            help="Catalog to judge it by; left out, the page shows the catalog alone.",
            autocompletion=completion.catalogs,
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="HTML file to write.")] = None,
    min_magnitude: options.MinMagnitude = None,
    max_dt: options.MaxDt = 2.0,
    max_km: options.MaxKm = 8.0,
    max_pick_dt: options.MaxPickDt = 0.5,
    event_types: options.EventTypes = None,
    starttime: options.StartTime = None,
    endtime: options.EndTime = None,
    event: Annotated[
        str | None,
        typer.Option(
            help="Event of the record section: its id, the beginning of it, or its source's id; default: the "
            "largest that has waveforms."
        ),
    ] = None,
    missed: Annotated[int, typer.Option(min=0, help="Most missed events to show, the largest first.")] = 50,
    waveforms: Annotated[bool, typer.Option(help="Show a record section, and the waveforms of missed events.")] = True,
    json: common.JsonOption = False,
) -> None:
    """Write a page about a catalog: map, depth sections, time, magnitudes, stations, residuals, picks, records.

    With --reference it also shows what was found and missed: recall, differences, missed events. The page is one file
    that needs no network; --json prints the same numbers. Without --starttime and --endtime the period is the job's, or
    all of an ingested catalog's days; with a reference, the one that catalogdb evaluate takes.
    Example: catalogdb report --catalog demo -o report.html
    """
    from catalogdb.errors import InputError
    from catalogdb.stages.report_page import report_data, write_report

    if output is None and not json:
        raise InputError("no output", hint="-o report.html, or --json")
    if output is not None and not output.parent.is_dir():
        raise InputError(f"{output}: its folder does not exist")
    db = common.database()
    gates = {
        "min_magnitude": min_magnitude,
        "max_dt": max_dt,
        "max_km": max_km,
        "max_pick_dt": max_pick_dt,
        "event_types": event_types,
    }
    start = common.optional_epoch_seconds(starttime, "--starttime")
    end = common.optional_epoch_seconds(endtime, "--endtime")
    evaluation = _evaluation(db, catalog, reference, gates, start, end)
    data = report_data(db, catalog, evaluation, start, end, missed, waveforms, event)
    if output is not None:
        write_report(db, output, data, waveforms)
    if json:
        common.print_json(data)
    elif output is not None:
        common.out.print(f"{output}: {output.stat().st_size} bytes", markup=False, soft_wrap=True)


def _evaluation(
    db: Database, catalog: str, reference: str | None, gates: Json, start: float | None, end: float | None
) -> Json | None:
    """The comparison with the reference, made now where it is not stored; None without a reference."""
    from catalogdb.comparisons import evaluate
    from catalogdb.errors import InputError

    if reference is None:
        if changed := [f"--{key.replace('_', '-')}" for key, value in gates.items() if value != GATES[key]]:
            raise InputError(
                f"{', '.join(changed)}: of a comparison, and there is no reference", hint="give a --reference"
            )
        return None
    gates["event_types"] = gates["event_types"] or ()
    return evaluate(db, catalog, reference, starttime=start, endtime=end, **gates)
