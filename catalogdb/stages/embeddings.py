"""Embeddings of a training set's records: neighbours of an event or a record, a picture, and the vectors as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pymongo.database import Database

from catalogdb.documents.free import AnyDocument
from catalogdb.errors import InputError
from catalogdb.picking.weights import resolve
from catalogdb.plots.picture_files import check_picture
from catalogdb.seislm.embedding import Method, in_two_dimensions, similarities
from catalogdb.stages.models import provide_weights
from catalogdb.stages.training_sets import load_training_set

if TYPE_CHECKING:
    from catalogdb.training.embed import Embeddings


def embed_set(db: Database, name: str, weights: str) -> Embeddings:
    """Embed all records of a training set.

    Args:
        weights: of a SeisLM, as `pick.weights` of a job; those that were only pretrained, too.

    Raises:
        InputError: for a set or weights that aren't there, or of another network.
    """
    from catalogdb.training.embed import embed_records

    provide_weights(db, [weights])
    parts = load_training_set(db, name).parted.parts
    return embed_records([record for part in parts.values() for record in part], resolve("seislm", weights))


def neighbours(found: Embeddings, near: str, count: int) -> list[AnyDocument]:
    """Records that are most alike those of an event, or one record, without these themselves.

    Args:
        near: event, name of a record, or the beginning of one.

    Raises:
        InputError: where no record is of that event or name.
    """
    of = [number for number, record in enumerate(found.records) if record.event == near]
    of = of or [number for number, record in enumerate(found.records) if record.name.startswith(near)]
    if not of:
        some = ", ".join(record.name for record in found.records[:3])
        raise InputError(f"no record of event or name {near!r}", hint=f"there are: {some}, ...")
    alike = similarities(found.vectors, np.array(of))
    others = [int(number) for number in np.argsort(-alike, kind="stable") if number not in set(of)]
    return [
        {
            "record": found.records[number].name,
            "station": found.records[number].station,
            "event": found.records[number].event,
            "similarity": round(float(alike[number]), 4),
        }
        for number in others[:count]
    ]


def draw_embeddings(found: Embeddings, method: Method, path: Path) -> None:
    """Draw the records as points, those with and without onsets apart.

    Raises:
        InputError: as `check_picture`, and for too few records.
    """
    from matplotlib.figure import Figure

    from catalogdb.plots.theme import LIGHT

    check_picture(path)
    points = in_two_dimensions(found.vectors, method)
    has_onset = np.array([bool(record.onsets) for record in found.records])
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    for chosen, label, colour in ((has_onset, "with an onset", LIGHT.s), (~has_onset, "without a label", LIGHT.p)):
        if chosen.any():
            axes.scatter(*points[chosen].T, s=12, color=colour, alpha=0.7, label=label, linewidths=0)
    axes.set(xticks=[], yticks=[], title={"pca": "principal components", "tsne": "t-SNE"}[method])
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


def write_embeddings(found: Embeddings, path: Path) -> None:
    """Write `record`, `station`, `event`, `time` (first onset or sample, epoch seconds UTC) and `vector` as .npz."""
    np.savez_compressed(
        path,
        record=np.array([record.name for record in found.records]),
        station=np.array([record.station for record in found.records]),
        event=np.array([record.event for record in found.records]),
        time=np.array([record.time for record in found.records]),
        vector=found.vectors,
    )
