"""Picks in a third of a dictionary's memory: tables hold millions of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from catalogdb.documents.free import AnyDocument

FIELDS = (
    *("_id", "channel_group", "net", "sta", "loc", "chan", "phase", "time", "uncertainty", "probability"),
    *("evaluation_mode", "hypo71_weight", "polarity", "onset", "event_key", "source_id", "arrival", "read_from"),
    *("pick_set", "config_id", "task_id"),
)
_FIELDS = frozenset(FIELDS)
_UNSET = object()


class PickRecord(MutableMapping[str, Any]):
    """A pick as `schemas/pick.yaml` has it, or before it is complete: a mapping like the dictionaries of other readers.

    The usual fields have slots; any others are kept beside them.
    """

    __slots__ = (*FIELDS, "_more")
    phase: str
    time: float
    uncertainty: float
    channel_group: str
    net: str
    sta: str
    loc: str
    chan: str
    arrival: dict[str, float]
    _more: AnyDocument

    def __init__(self, fields: Mapping[str, Any] | None = None):
        if fields:
            self.update(fields)

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name) if name in _FIELDS else self._more[name]
        except AttributeError:
            raise KeyError(name) from None

    def __setitem__(self, name: str, value: Any) -> None:
        if name in _FIELDS:
            setattr(self, name, value)
            return
        try:
            self._more[name] = value
        except AttributeError:
            self._more = {name: value}

    def __delitem__(self, name: str) -> None:
        try:
            if name in _FIELDS:
                delattr(self, name)
            else:
                del self._more[name]
        except AttributeError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in FIELDS if hasattr(self, name))
        yield from getattr(self, "_more", ())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"PickRecord({dict(self)!r})"

    def __or__(self, other: Mapping[str, Any]) -> PickRecord:
        result = self.copy()
        result.update(other)
        return result

    def __ror__(self, other: Mapping[str, Any]) -> PickRecord:
        result = PickRecord(other)
        result.update(self)
        return result

    def __ior__(self, other: Mapping[str, Any]) -> PickRecord:
        self.update(other)
        return self

    def copy(self) -> PickRecord:
        """A record of its own with the same values."""
        result = PickRecord()
        for name in FIELDS:
            value = getattr(self, name, _UNSET)
            if value is not _UNSET:
                setattr(result, name, value)
        more = getattr(self, "_more", None)
        if more is not None:
            result._more = dict(more)
        return result
