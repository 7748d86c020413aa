"""`catalogdb export probability`: take the probability traces of one station away as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalogdb.cli import common, completion


def export_probability(
    pick_set: Annotated[
        str, typer.Option(help="Pick set that the traces belong to.", autocompletion=completion.pick_sets)
    ],
    station: Annotated[str, typer.Option(help="NET.STA.", autocompletion=completion.stations)],
    starttime: Annotated[str, typer.Option(help="Start of the period, ISO 8601 UTC.")],
    endtime: Annotated[str, typer.Option(help="End of the period, not part of it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .npz (NumPy), .mseed (miniSEED).")],
    json: common.JsonOption = False,
) -> None:
    """Write the probability traces of one station as NumPy arrays or miniSEED.

    The file is there whole or not at all. In Python, without a file: db.probability(NAME, STATION, START, END).
    """
    from catalogdb.stages import read_probability

    period = common.epoch_seconds(starttime, "--starttime"), common.epoch_seconds(endtime, "--endtime")
    summary = read_probability.export_probability(common.database(), pick_set, station, *period, output)
    if json:
        common.print_json(summary)
    else:
        common.out.print(
            f"{summary['output']}: {' '.join(summary['labels'])} of {station}, {summary['seconds']:.2f} s in "
            f"{summary['traces']} stretches, {summary['bytes']} bytes",
            markup=False,
            soft_wrap=True,
        )
