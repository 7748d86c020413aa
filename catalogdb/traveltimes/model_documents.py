"""Velocity models as documents of `schemas/velocity_model.yaml`, and back."""

from __future__ import annotations

import zlib

import numpy as np

from catalogdb.documents.free import Json
from catalogdb.documents.records import VelocityModel
from catalogdb.errors import InputError
from catalogdb.identity import content_id
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import VelocityGrid

LARGEST_BYTES = 15_000_000
"""MongoDB takes documents of 16 MiB."""


def model_document(name: str, model: VelocityConfig | VelocityGrid, source: str) -> VelocityModel:
    """The document of a model, but for when it was made.

    Args:
        name: that it is to stand under.
        model: layers or a grid.
        source: where it is from.

    Raises:
        InputError: for a grid that is too large for one document.
    """
    if isinstance(model, VelocityConfig):
        content = model.model_dump(mode="json", exclude_none=True)
        return {"_id": name, "model_id": content_id(content), "kind": "layers", "content": content, "source": source}
    resolution = () if model.resolution is None else np.round(model.resolution, 2)
    packed = [zlib.compress(np.ascontiguousarray(array, "<f4").tobytes(), 6)
              for array in (model.vp, model.vs, *resolution)]  # fmt: skip
    size = sum(map(len, packed))
    if size > LARGEST_BYTES:
        raise InputError(
            f"{source}: {' x '.join(map(str, model.vp.shape))} values take {size / 1e6:.1f} MB, more than the "
            f"{LARGEST_BYTES / 1e6:g} MB of one document",
            hint="cut the model to the region, or make it coarser",
        )
    document: VelocityModel = {
        "_id": name, "model_id": model.digest, "kind": "grid", "content": model.geometry, "vp": packed[0],
        "vs": packed[1], "source": source,
    }  # fmt: skip
    if model.resolution is not None:
        document["resolution_p"], document["resolution_s"] = packed[2:]
    return document


def model_of(document: VelocityModel) -> VelocityConfig | VelocityGrid:
    """The model of a document."""
    content: Json = document["content"]
    if document["kind"] == "layers":
        return VelocityConfig.model_validate(content)
    vp, vs = (_unpacked(document[name], content["shape"]) for name in ("vp", "vs"))
    resolution = None
    if "resolution_p" in document and "resolution_s" in document:
        packed = document["resolution_p"], document["resolution_s"]
        resolution = np.stack([_unpacked(part, content["shape"]) for part in packed])
    shift, origin, spacing = (tuple(content[name]) for name in ("shift_km", "origin", "spacing"))
    return VelocityGrid(
        content["projection"], content["rotation_degree"], shift, content["cells"], origin, spacing, vp, vs, resolution
    )


def _unpacked(packed: bytes, shape: list[int]) -> np.ndarray:
    return np.frombuffer(zlib.decompress(packed), "<f4").reshape(shape)
