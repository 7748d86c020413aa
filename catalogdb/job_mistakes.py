"""Mistakes in the settings of a job file and the like, in words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args

from pydantic import BaseModel


def problem(item: Any, model: type[BaseModel], more: Mapping[str, Any] = MappingProxyType({})) -> str:
    """One of pydantic's errors in a sentence: the key, and what is wrong with it.

    Args:
        item: as `ValidationError.errors` gives it.
        model: what was validated.
        more: further keys of the model, with their annotations.
    """
    key = ".".join(str(part) for part in item["loc"])
    where = f"{key}: " if key else ""  # of several keys together
    if item["type"] == "extra_forbidden":
        known = _keys_beside(item["loc"], model, more)
        close = difflib.get_close_matches(str(item["loc"][-1]), known, 1)
        return f"{where}unknown key; " + (f"did you mean {close[0]}?" if close else f"keys are {', '.join(known)}")
    if item["type"] == "missing":
        return f"{where}missing"
    if item["type"] == "model_type":
        keys = ", ".join(_keys_beside((*item["loc"], ""), model, more))
        return f"{where}must be a block of keys, such as {{{keys}}}"
    return f"{where}{item['msg'].removeprefix('Value error, ')}" + (
        "" if item["type"] == "value_error" else f" (got {item['input']!r})"
    )


def _keys_beside(location: tuple[str | int, ...], model: Any, more: Mapping[str, Any]) -> list[str]:
    """Keys of the block that a location lies in."""
    for part in location[:-1]:
        fields = getattr(model, "model_fields", {})
        annotation = fields[part].annotation if part in fields else more.get(str(part))
        candidates = [annotation, *get_args(annotation)]
        model = next((item for item in candidates if isinstance(item, type) and issubclass(item, BaseModel)), None)
        if model is None:
            return []
    return list(model.model_fields)
