"""`catalogdb formats`: what is read and written."""

from __future__ import annotations

from typing import Annotated

import typer

from catalogdb.cli import common
from catalogdb.documents.free import Row


def formats(
    word: Annotated[str, typer.Argument(help="Only formats with this in their name, title or contents.")] = "",
    json: common.JsonOption = False,
) -> None:
    """List the formats of files: what each holds, and which command reads or writes it.

    Example: catalogdb formats quakeml
    """
    from catalogdb.exchange.formats import FORMATS

    rows = [
        {
            "format": item.name,
            "what": item.title,
            "holds": item.holds,
            "export": f"export {item.command}" if item.writer else None,
            "ingest": f"ingest {'catalog' if item.command == 'picks' else item.command}" if item.reader else None,
            "endings": " ".join(item.suffixes) or ("a folder" if item.is_folder else None),
            "through": "ObsPy" if item.obspy else None,
            "remark": item.remark or None,
        }
        for item in FORMATS
    ]
    wanted = word.lower()
    found: list[Row] = [row for row in rows if wanted in " ".join(filter(None, row.values())).lower()]
    if json:
        common.print_json({"formats": found})
        return
    if not found:
        common.err.print(f"no format with {word!r}; catalogdb formats lists them", markup=False)
        raise typer.Exit(1)
    common.print_rows(found)
