"""The registry of models: which there are, their weights as files for pickers, and taking them away as files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pymongo.database import Database

from catalogdb.database import blobs
from catalogdb.database.lease import HELD
from catalogdb.database.named import no_such
from catalogdb.documents.free import Json
from catalogdb.errors import CatalogdbError, InputError
from catalogdb.identity import content_id, file_sha256
from catalogdb.jobs import Job
from catalogdb.picking.weights import MODEL_PREFIX, provide_model
from catalogdb.resources import writable_cache
from catalogdb.stages.registry import makers

TENSORS, CHECKPOINTS = "tensors", "checkpoints"
"""Buckets of GridFS."""


def provide_models(db: Database, job: Job) -> None:
    """Let this process have the models that a job picks with.

    Raises:
        InputError: for a model that isn't there, or that the gate has refused or not judged.
    """
    provide_weights(db, (member.weights for member in job.pick.members()))


def provide_weights(db: Database, names: Iterable[str]) -> None:
    """Put the files of weights `model:NAME` into the cache, and say so to the pickers; other weights are passed over.

    Raises:
        InputError: as `provide_models`.
    """
    for name in names:
        if name.startswith(MODEL_PREFIX):
            model = name.removeprefix(MODEL_PREFIX)
            provide_model(model, _cached(db, usable_weights(db, model)))


def usable_weights(db: Database, name: str) -> Json:
    """The document of `model_weights` that a name stands for: of an accepted or pretrained model its chosen seed;
    NAME-SEED stands for that seed whatever the gate says.

    Raises:
        InputError: for a name that isn't there, or a model that is not accepted.
    """
    model = db.model.find_one({"_id": {"$eq": name}})
    if model is None:
        exact = db.model_weights.find_one({"_id": {"$eq": name}})
        if exact is None:
            raise no_such(db, "model", name, "; catalogdb models lists them")
        return exact
    seeds = sorted(row["seed"] for row in db.model_weights.find({"model": name}, {"seed": 1}))
    if model["status"] not in ("accepted", "pretrained"):  # pickers refuse what was only pretrained
        why = "; ".join(model.get("reasons", [])) or "not judged yet: catalogdb train FILE goes on"
        hint = f"a seed of it is taken all the same: model:{name}-{seeds[0]}" if seeds else None
        raise InputError(f"model {name!r} is {model['status']}: {why}", hint=hint)
    weights = db.model_weights.find_one({"model": name, "seed": model["chosen"]})
    if weights is None:
        raise CatalogdbError(f"model {name!r}: the weights of seed {model['chosen']} are gone", hint="catalogdb train")
    return weights


def _cached(db: Database, weights: Json) -> Path:
    """The weights' files in the cache of this host: another model, or other metadata, has another folder."""
    folder = writable_cache("models") / content_id(weights["sha256"], weights["metadata"])
    path = folder / f"{weights['_id']}.pt.v1"
    if not (path.is_file() and file_sha256(path) == weights["sha256"]):
        with tempfile.TemporaryDirectory(dir=folder.parent) as part:
            made = write_weights(db, weights, Path(part))
            folder.mkdir(exist_ok=True)
            for file in (made.with_name(f"{weights['_id']}.json.v1"), made):
                os.replace(file, folder / file.name)
    return path


def write_weights(db: Database, weights: Json, folder: Path, name: str | None = None) -> Path:
    """Write the two files that SeisBench loads; returns the path of the tensors.

    Raises:
        CatalogdbError: where the database no longer holds the tensors.
    """
    from catalogdb.training.networks import Weights

    tensors = blobs.get(db, TENSORS, weights["sha256"])
    if tensors is None:
        raise CatalogdbError(f"the tensors of {weights['_id']} are not in the database", hint="catalogdb train")
    kept = Weights(tensors, weights["metadata"])
    if kept.sha256 != weights["sha256"]:
        raise CatalogdbError(f"the tensors of {weights['_id']} are damaged: their SHA-256 is {kept.sha256}")
    return kept.write(folder, name or weights["_id"])


def export_model(db: Database, name: str, folder: Path) -> Json:
    """Write a model's weights as SeisBench's own files, and load them again to see that they are the same.

    Args:
        name: of a model, accepted or not, or NAME-SEED.

    Returns:
        model, files, and difference: the largest between the tensors kept and those that SeisBench loads.

    Raises:
        InputError: for a name that isn't there, and for files that are there already with other content.
    """
    from catalogdb.training.networks import Weights, loaded_difference

    model = db.model.find_one({"_id": {"$eq": name}})
    if model is not None and model["status"] != "accepted" and "chosen" in model:
        weights = db.model_weights.find_one({"model": name, "seed": model["chosen"]}) or usable_weights(db, name)
    else:
        weights = usable_weights(db, name)
    target = folder / f"{name}.pt.v1"
    if target.exists() and file_sha256(target) != weights["sha256"]:
        raise InputError(f"{target}: there is such a file already, with other weights", hint="name another folder")
    path = write_weights(db, weights, folder, name)
    architecture = db.model.find_one({"_id": weights["model"]}, {"architecture": 1}) or {}
    kept = Weights(path.read_bytes(), weights["metadata"])
    return {
        "model": name,
        "weights": weights["_id"],
        "files": [str(path), str(path.with_name(f"{name}.json.v1"))],
        "difference": loaded_difference(kept, architecture["architecture"]),
    }


def models(db: Database) -> list[Json]:
    """All models by name, each with its weights, without curves and metadata."""
    rows = []
    for model in db.model.find({}, {"config": 0}).sort("_id", 1):
        fields = {"curves": 0, "metadata": 0, "config_id": 0, "task_id": 0, "model": 0}
        weights = list(db.model_weights.find({"model": model["_id"]}, fields).sort("seed", 1))
        rows.append({"name": model.pop("_id"), **model, "weights": weights})
    return rows


def drop_files(db: Database) -> int:
    """Remove the tensors and checkpoints that nothing names any more; returns how many.

    A training puts its tensors there just before it names them, so while one goes on none of them are removed.
    """
    tensors = [row["_id"] for row in db[TENSORS].files.find({}, {"_id": 1})]
    if db.task.find_one({"stage": {"$in": makers("model")}, "status": "running", **HELD}, {"_id": 1}):
        tensors = []
    used = set(db.model_weights.distinct("sha256"))
    tensors = [identity for identity in tensors if identity not in used]
    points = {row["_id"]: row["metadata"]["task"] for row in db[CHECKPOINTS].files.find({}, {"metadata.task": 1})}
    going_on = db.task.find({"_id": {"$in": list(points.values())}, "status": {"$ne": "done"}}, {"_id": 1})
    unfinished = {row["_id"] for row in going_on}
    checkpoints = [identity for identity, task in points.items() if task not in unfinished]
    for bucket, identities in ((TENSORS, tensors), (CHECKPOINTS, checkpoints)):
        for identity in identities:
            blobs.remove(db, bucket, identity)
    return len(tensors) + len(checkpoints)
