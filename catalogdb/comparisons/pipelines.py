"""Filling in the parameters of the pipelines kept in `schemas/views/`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalogdb.documents.free import Query
from catalogdb.schema import views


def filled_pipeline(name: str, **parameters: Any) -> list[Query]:
    """The pipeline of a view of `schemas/views/` with every `{"$param": "name"}` in it replaced by its value.

    Raises:
        ValueError: for parameters missing or not known, and for values that are no plain text or number, which could
            be operators.
    """
    view = views()[name]
    if set(parameters) != set(view.parameters):
        raise ValueError(f"{name} takes the parameters {sorted(view.parameters)}, not {sorted(parameters)}")
    if operators := [key for key, value in parameters.items() if isinstance(value, (Mapping, list, tuple))]:
        raise ValueError(f"{name}: {', '.join(operators)} must be plain values")
    return _filled(view.pipeline, parameters)


def _filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$param"}:
            return parameters[value["$param"]]
        return {key: _filled(item, parameters) for key, item in value.items()}
    return [_filled(item, parameters) for item in value] if isinstance(value, list) else value
