"""`catalogdb copy`: a catalog as it is now, under another name."""

from __future__ import annotations

from typing import Annotated

import typer

from catalogdb.cli import common, completion

app = typer.Typer(help="Keep a catalog as it is now under another name.", no_args_is_help=True)


@app.command("catalog", epilog="Example: catalogdb copy catalog nightly nightly-before-2025")
def copy_catalog(
    name: Annotated[str, typer.Argument(help="Name of the catalog.", autocompletion=completion.catalogs)],
    new: Annotated[str, typer.Argument(help="Name of the copy, of its pick set, too.")],
    replace: Annotated[bool, typer.Option("--replace", help="Write over another copy of that name.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Copy a catalog with its picks as they are now; what a job makes of the first one later leaves the copy alone.

    Events and picks get other ids; an event that has none of a source keeps the id that it was copied from as its
    source_id. Types by waveforms and spectral features go along; fingerprints, peaks, probabilities and comparisons are
    not copied. The same again changes nothing.
    """
    from catalogdb.stages.copy_catalog import copy_catalog as copy

    result = copy(common.database(), name, new, replace)
    if json:
        common.print_json(result)
        return
    what = f"{result['counts']['events']} events, {result['counts']['picks']} picks"
    common.out.print(
        f"{new}: copied from {name}, {what}" if result["changed"] else f"{new}: it holds that already, {what}",
        markup=False,
        soft_wrap=True,
    )
