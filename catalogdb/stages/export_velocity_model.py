"""A named velocity model -> files for other programs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import BinaryIO

from pymongo.database import Database

from catalogdb.documents.free import Json
from catalogdb.exchange.formats import Command, load, of_command, suffixes
from catalogdb.exchange.velocity_models import lost
from catalogdb.output_file import make_folder, write_atomically
from catalogdb.stages.velocity_models import velocity_model

COMMAND: Command = "velocity-model"


def export_velocity_model(db: Database, name: str, output: Path, format: str | None = None) -> Json:
    """Write a velocity model, each file whole or not at all.

    Args:
        output: a file; of a 3-D model in NonLinLoc's format a folder, in which older files of the same names are
            replaced.
        format: nlloc or csv; none: csv by the suffix, else nlloc.

    Returns:
        Summary: name, output, format, files, bytes, and `left_out`: what the format
        can't hold.

    Raises:
        InputError: for an unknown model, or an output that can't be written.
    """
    output = Path(output)
    chosen = format or suffixes(COMMAND).get(output.suffix.lower(), "nlloc")
    model = velocity_model(db, name, "export velocity-model")
    files: dict[str, bytes] = load(of_command(COMMAND, is_written=True)[chosen].writer or "")(model, name)
    if len(files) == 1:
        paths = dict.fromkeys([output], next(iter(files.values())))
    else:
        make_folder(output)
        paths = {output / own: content for own, content in files.items()}
    size = sum(write_atomically(path, partial(_fill, content)) for path, content in paths.items())
    return {
        "name": name,
        "output": str(output),
        "format": chosen,
        "files": [path.name for path in paths],
        "bytes": size,
        "left_out": lost(model, chosen),
    }


def _fill(content: bytes, stream: BinaryIO) -> None:
    stream.write(content)
