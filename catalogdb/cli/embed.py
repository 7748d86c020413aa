"""`catalogdb embed`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from catalogdb.cli import common
from catalogdb.errors import InputError


class Projection(StrEnum):
    """How vectors become points."""

    pca = "pca"
    tsne = "tsne"


def embed(
    training_set: Annotated[str, typer.Argument(help="Training set whose records are embedded, labelled or not.")],
    weights: Annotated[str, typer.Option(help="Of a SeisLM, pretrained or fine-tuned: model:NAME or a .pt file.")],
    near: Annotated[str | None, typer.Option(help="Event or record whose nearest neighbours are listed.")] = None,
    count: Annotated[int, typer.Option(min=1, help="How many neighbours.")] = 10,
    picture: Annotated[Path | None, typer.Option(help="Draw all records into this .png, .svg or .pdf.")] = None,
    projection: Annotated[Projection, typer.Option(help="Of the picture.")] = Projection.pca,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the vectors to this .npz.")] = None,
    json: common.JsonOption = False,
) -> None:
    """Turn 30 s around the first onset of each record into one vector, and look for those that are alike.

    Similarity is the cosine after the mean of all records is taken off: 1 alike, 0 no more alike than any two.
    """
    from catalogdb.plots.picture_files import check_picture
    from catalogdb.stages import embeddings

    if output is not None and output.suffix != ".npz":
        raise InputError(f"{output}: vectors are written as .npz")
    if picture is not None:
        check_picture(picture)
    found = embeddings.embed_set(common.database(), training_set, weights)
    rows = embeddings.neighbours(found, near, count) if near else []
    if picture is not None:
        embeddings.draw_embeddings(found, projection.value, picture)
    if output is not None:
        embeddings.write_embeddings(found, output)
    if json:
        about = {"training_set": training_set, "weights": weights, "records": len(found.records)}
        common.print_json(about | {"size": found.vectors.shape[1], "problems": found.problems, "neighbours": rows})
        return
    common.out.print(f"{len(found.records)} records embedded, {len(found.problems)} without a window")
    for line in found.problems:
        common.err.print(line, markup=False, soft_wrap=True)
    if rows:
        common.print_rows(rows)
