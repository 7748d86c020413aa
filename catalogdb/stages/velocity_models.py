"""Named velocity models: files -> `velocity_model`, and what a job calls by its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from catalogdb.documents.free import AnyDocument, Json
from catalogdb.documents.records import VelocityModel
from catalogdb.errors import InputError, NameTaken
from catalogdb.names import checked_name
from catalogdb.traveltimes.model_documents import model_document, model_of
from catalogdb.traveltimes.model_files import read_velocity_model
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import VelocityGrid

JOB_SETTING = "locate.velocity_model"


def ingest_velocity_model(
    db: Database,
    paths: Sequence[Path],
    name: str,
    vp_vs: float | None = None,
    gradient: bool = False,
    replace: bool = False,
) -> Json:
    """Read a model and give it a name; a second time it changes nothing.

    Args:
        paths, vp_vs, gradient: see `read_velocity_model`.
        name: that it is to stand under.
        replace: take the place of another model of that name.

    Returns:
        What it is: name, model_id, kind, shape or number of layers, limits of depth (km), and what was done.

    Raises:
        InputError: for files that hold no model.
        NameTaken: where the name is another model's.
    """
    checked_name(name, "velocity model")
    model = read_velocity_model(paths, vp_vs, gradient)
    return keep_model(db, name, model, ", ".join(Path(path).name for path in paths), replace)


def keep_model(
    db: Database, name: str, model: VelocityConfig | VelocityGrid, source: str, replace: bool = False
) -> Json:
    """Give a model a name; a second time it changes nothing.

    Args:
        source: where it is from.
        replace: take the place of another model of that name.

    Returns:
        As `ingest_velocity_model`.

    Raises:
        NameTaken: where the name is another model's.
    """
    document = cast(Json, model_document(name, model, source))
    held = db.velocity_model.find_one({"_id": name}, {"model_id": 1, "resolved": {"$type": "$resolution_p"}})
    same = {"_id": name, "model_id": document["model_id"]}
    if held is not None and held["model_id"] == document["model_id"]:
        if "resolution_p" not in document or held["resolved"] != "missing":
            return _facts(document, model) | {"done": "nothing: it is there"}
        db.velocity_model.update_one(same, {"$set": {key: document[key] for key in ("resolution_p", "resolution_s")}})
        return _facts(document, model) | {"done": "resolution added"}
    update: list[Json] = [{"$replaceWith": {"$literal": document}}, {"$set": {"created": "$$NOW"}}]
    try:
        db.velocity_model.update_one({"_id": name} if replace else same, update, upsert=True)
    except DuplicateKeyError:
        raise NameTaken(
            f"velocity model {name!r} is there with another content", hint="--replace it, or give another name"
        ) from None
    return _facts(document, model) | {"done": "replaced" if held else "added"}


def check_name_is_free(db: Database, name: str) -> None:
    """Say before long work that a name is taken.

    Raises:
        NameTaken: naming what has it.
    """
    held = db.velocity_model.find_one({"_id": name}, {"source": 1})
    if held is not None:
        raise NameTaken(
            f"velocity model {name!r} is there, from: {held['source']}", hint="--replace it, or give another name"
        )


def model_id(db: Database, name: str) -> str:
    """Content id of the model of a name.

    Raises:
        InputError: naming the models that there are.
    """
    return str(_found(db, name, {"model_id": 1})["model_id"])


def velocity_model(db: Database, name: str, called: str = JOB_SETTING) -> VelocityConfig | VelocityGrid:
    """The model of a name.

    Args:
        called: the setting or option that gave the name.

    Raises:
        InputError: naming the models that there are.
    """
    return model_of(cast(VelocityModel, _found(db, name, None, called)))


def _found(db: Database, name: str, fields: dict[str, int] | None, called: str = JOB_SETTING) -> AnyDocument:
    document = db.velocity_model.find_one({"_id": name}, fields)
    if document is None:
        known = sorted(row["_id"] for row in db.velocity_model.find({}, {"_id": 1}))
        raise InputError(
            f"{called}: no velocity model {name!r} in database {db.name!r}",
            hint=f"there are: {', '.join(known) or 'none'}; catalogdb ingest velocity-model FILE --name {name}",
        )
    return cast(Json, document)


def _facts(document: AnyDocument, model: VelocityConfig | VelocityGrid) -> AnyDocument:
    facts = {"name": document["_id"], "model_id": document["model_id"], "kind": document["kind"]}
    if isinstance(model, VelocityGrid):
        shape = " x ".join(map(str, model.vp.shape))
        return facts | {"values": shape, "top_km": model.top_km, "bottom_km": model.bottom_km}
    return facts | {"layers": len(model.layers or ()), "gradient": model.gradient, "spherical": model.spherical}
