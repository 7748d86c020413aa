"""`catalogdb tomography`."""

from __future__ import annotations

from typing import Annotated

import typer

from catalogdb.cli import common, completion


def tomography(
    catalog: Annotated[str, typer.Argument(help="Catalog of a job.", autocompletion=completion.catalogs)],
    name: Annotated[str, typer.Option(help="Name that the model is given, for locate.velocity_model.")],
    spacing: Annotated[
        float | None,
        typer.Option(
            min=0.5,
            max=100.0,
            help="Of nodes, km; in depth a third of it. Left out: 4, or more where rays would pass too many nodes.",
        ),
    ] = None,
    replace: Annotated[bool, typer.Option(help="Replace another model of that name.")] = False,
    json: common.JsonOption = False,
) -> None:
    """Make a 3-D velocity model from a catalog's arrivals: slownesses, hypocentres and station delays together.

    It begins with the 1-D model of the catalog's job. How rough the model may be is chosen by how probable it makes the
    arrivals. Takes minutes for a thousand events.
    """
    from rich.progress import Progress

    from catalogdb.stages.tomography import make_velocity_model

    db = common.database()
    with Progress(console=common.err, disable=not common.progress_allowed(json), transient=True) as bar:
        task = bar.add_task("rounds", total=None)
        facts = make_velocity_model(
            db, catalog, name, spacing, replace, lambda done, total: bar.update(task, completed=done, total=total)
        )
    if json:
        common.print_json(facts)
    else:
        notes = facts.pop("notes")
        common.print_rows([{"what": key.replace("_", " "), "value": value} for key, value in facts.items()])
        for note in notes:
            common.err.print(note, markup=False, soft_wrap=True)
