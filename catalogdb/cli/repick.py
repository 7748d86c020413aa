"""`catalogdb repick`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from catalogdb.cli import common, completion

if TYPE_CHECKING:
    from catalogdb.picking.config import StationThresholds


def repick(
    pick_set: Annotated[
        str,
        typer.Option(
            help="Pick set to choose from; its job kept probability (the default).", autocompletion=completion.pick_sets
        ),
    ],
    name: Annotated[str, typer.Option(help="Name of the new pick set.")],
    p_threshold: Annotated[float | None, typer.Option(help="Least probability of P; none: the pick set's own.")] = None,
    s_threshold: Annotated[float | None, typer.Option(help="Least probability of S; none: the pick set's own.")] = None,
    station: Annotated[
        list[str] | None,
        typer.Option(
            help="Other thresholds for some stations, as PATTERN:P:S with either threshold left out at will: "
            "NI.VINO:0.5:0.4, 'OX.*::0.2'. May be repeated; the first that fits counts.",
            autocompletion=completion.stations,
        ),
    ] = None,
    replace: Annotated[bool, typer.Option(help="Write over a pick set of that name with other settings.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Make a new pick set with other thresholds from what was kept of the probability: no network runs again.

    The picks are those of a run with these thresholds from the start. Exit code 1 where a task failed.
    """
    from catalogdb.stages.repick import repick as repick_pick_set

    own = [_station_thresholds(text) for text in station] if station else None
    db = common.database()
    common.end_cleanly_on_sigterm()
    with common.progress_bar("repick", json) as progress:
        summary = repick_pick_set(db, pick_set, name, p_threshold, s_threshold, own, replace, progress)
    if json:
        common.print_json(summary)
    else:
        facts = {key: value for key, value in summary.items() if key not in ("tasks", "picks", "failures")}
        facts |= {f"{phase} picks": number for phase, number in summary["picks"].items()}
        facts |= {f"tasks {status}": number for status, number in summary["tasks"].items()}
        common.print_rows([{"what": key.replace("_", " "), "value": value} for key, value in facts.items()])
        for line in summary["failures"]:
            common.err.print(f"failed: {line}", markup=False, soft_wrap=True)
        if summary["source_unfinished"]:
            common.err.print(
                f"note: {summary['source_unfinished']} tasks of {pick_set} are not done; run its job again, then repick"
            )
    if summary["failures"] or summary["tasks"]["held"]:
        raise typer.Exit(1)


def _station_thresholds(text: str) -> StationThresholds:
    from pydantic import ValidationError

    from catalogdb.errors import InputError
    from catalogdb.picking.config import StationThresholds

    parts = text.split(":")
    try:
        if len(parts) != 3 or not parts[0] or not (parts[1] or parts[2]):
            raise ValueError("it must be PATTERN:P:S")
        p, s = (float(part) if part else None for part in parts[1:])
        return StationThresholds(station=parts[0], p_threshold=p, s_threshold=s)
    except (ValueError, ValidationError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise InputError(f"--station {text}: {reason}", hint="for example --station 'NI.VINO:0.5:0.4'") from None
