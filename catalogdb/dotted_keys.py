"""Settings changed by dotted keys: `pick.p_threshold: 0.2`, as `--set`, a job's matrix and the search write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from catalogdb.documents.free import AnyDocument
from catalogdb.errors import InputError
from catalogdb.job_mistakes import problem
from catalogdb.yaml_text import parse_yaml

_Model = TypeVar("_Model", bound=BaseModel)
NONE: Mapping[str, Any] = MappingProxyType({})


def set_key(document: AnyDocument, key: str, value: Any) -> None:
    """Set `block.key` of a document.

    Raises:
        InputError: where a part of the key on the way is no block.
    """
    *blocks, last = key.split(".")
    for block in blocks:
        if document.get(block) is None:
            document[block] = {}
        document = document[block]
        if not isinstance(document, dict):
            raise InputError(f"{block} is a value, not a block of keys")
    document[last] = value


def set_overrides(document: AnyDocument, overrides: Sequence[str]) -> None:
    """Set keys of a document as `--set` says it: `key.sub=value`, values as in YAML.

    Raises:
        InputError: for what is not of the form key=value.
    """
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator or not key:
            hint = "for example --set pick.p_threshold=0.2"
            raise InputError(f"--set {override}: not of the form key=value", hint=hint)
        value = parse_yaml(text, f"--set {override}")
        try:
            set_key(document, key.strip(), value)
        except InputError as error:
            raise InputError(f"--set {override}: {error}") from None


def with_keys(settings: _Model, values: Mapping[str, Any], where: str, more: Mapping[str, Any] = NONE) -> _Model:
    """The settings with some keys changed.

    Args:
        values: by dotted key.
        where: what is being changed, for the error.
        more: further keys of the model, as in `validated`.

    Raises:
        InputError: naming `where`, a key that is no setting, or a value that doesn't fit.
    """
    document = settings.model_dump()
    for key, value in values.items():
        set_key(document, key, value)
    return validated(type(settings), document, where, more)


def validated(model: type[_Model], document: AnyDocument, where: str, more: Mapping[str, Any] = NONE) -> _Model:
    """The document as settings.

    Args:
        more: further keys of the model, with their annotations.

    Raises:
        InputError: naming `where`, the key and what is wrong with it.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise InputError(f"{where}: " + "; ".join(problem(item, model, more) for item in error.errors())) from None
