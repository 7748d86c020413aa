"""`catalogdb evaluate`: one catalog against another."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from catalogdb.cli import common
from catalogdb.cli import comparison_options as options
from catalogdb.documents.free import Json

NO_PICKS = "picks were not compared: both catalogs share one pick set, one has none, or there are none in this period"


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

    In Python: db.evaluate(CATALOG, REFERENCE, ...).
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


def print_evaluation(result: Json) -> None:
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
