"""`catalogdb init`: files to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalogdb.cli import common, completion

app = typer.Typer(help="Write files to begin with, from what the database holds.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Write files to begin with, from what the database holds."""


@app.command(epilog="Example: catalogdb init job valley-2024")
def job(
    name: Annotated[str, typer.Argument(help="Name of the job and of its catalog.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write.", show_default="NAME.yaml here")
    ] = None,
    pick_set: Annotated[
        str | None,
        typer.Option(help="Begin with the picks of this set, not with waveforms.", autocompletion=completion.pick_sets),
    ] = None,
    json: common.JsonOption = False,
) -> None:
    """Write a job file with remarks: period, region, sampling rates, a velocity model by place, a reference catalog."""
    from catalogdb.runs.proposed_job import write_proposed_job

    target = output or Path(f"{name}.yaml")
    text = write_proposed_job(common.database(), name, target, pick_set)
    if json:
        common.print_json({"job": name, "output": str(target), "text": text})
        return
    common.out.print(text, markup=False, highlight=False, soft_wrap=True)
    common.out.print(f"written to {target}; next: catalogdb run {target} --dry-run", markup=False, soft_wrap=True)
