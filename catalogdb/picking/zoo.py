"""SeisBench as a zoo of models: its cache of weights and its classes, imported only when they are asked for."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any


def cache_root() -> Path:
    """SeisBench's cache folder: ``SEISBENCH_CACHE_ROOT``, or its default in the home folder."""
    return Path(os.environ.get("SEISBENCH_CACHE_ROOT") or Path.home() / ".seisbench")


@cache
def model_class(picker: str) -> Any:
    """The class of a picker: SeisBench's, or our own of its kind (imports torch)."""
    models = seisbench_part("models")
    if picker == "seislm":
        from catalogdb.seislm.model import SeisLM

        return SeisLM
    return {"phasenet": models.PhaseNet, "eqtransformer": models.EQTransformer}[picker]


@cache
def seisbench_part(name: str) -> Any:
    """A module of SeisBench: ``models``, ``data`` or ``generate``.

    SeisBench writes to its cache folder when imported. Where that isn't possible (a shared, read-only cache, a compute
    node without a home), it gets a temporary one for the import: weights are loaded by path all the same.
    """
    root = cache_root()
    usable = (root / "config.json").is_file() or _writable(root)
    before = os.environ.get("SEISBENCH_CACHE_ROOT")
    with tempfile.TemporaryDirectory() as spare:
        if not usable:
            os.environ["SEISBENCH_CACHE_ROOT"] = spare
        try:
            return import_module(f"seisbench.{name}")
        finally:
            if not usable:
                os.environ.pop("SEISBENCH_CACHE_ROOT")
                if before is not None:
                    os.environ["SEISBENCH_CACHE_ROOT"] = before


def _writable(folder: Path) -> bool:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
