"""Options that commands which compare a catalog with a reference have in common."""

from __future__ import annotations

from typing import Annotated

import typer

from catalogdb.cli import completion

Catalog = Annotated[str, typer.Option(help="Catalog to judge.", autocompletion=completion.catalogs)]
Reference = Annotated[str, typer.Option(help="Catalog to judge it by.", autocompletion=completion.catalogs)]
MinMagnitude = Annotated[
    float | None,
    typer.Option(help="Count events from this magnitude on: the reference's, and proposed ones by their own."),
]
MaxDt = Annotated[float, typer.Option(min=0, help="Largest difference of origin times (s).")]
MaxKm = Annotated[float, typer.Option(min=0, help="Largest distance of epicentres (km).")]
MaxPickDt = Annotated[float, typer.Option(min=0, help="Largest difference of pick times (s).")]
EventTypes = Annotated[
    list[str] | None,
    typer.Option(help="Types of events that count, again or with commas; default: all that exist."),
]
StartTime = Annotated[str | None, typer.Option(help="Start of the period, ISO 8601 UTC.")]
EndTime = Annotated[str | None, typer.Option(help="End of the period, not part of it.")]
