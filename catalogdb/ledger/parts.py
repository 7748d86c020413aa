"""What a task was made from, part by part: hashed as its fingerprint, kept in the ledger, compared to say what changed.

Parts are `{kind: {name: state}}`: a kind is what the stage reads ("file", "pick", "station"), a name tells its things
apart (a file's id, NET.STA, an event's id), a state is a short text that differs when the thing does. Since the
fingerprint is made from the parts, a task with another fingerprint always has a part that differs. Of the kinds in
`BY_CONTENT` it is made from the states alone: what such a thing is called, and how often it is there, changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bson import encode

from catalogdb.identity import content_id, plain_id

DIGITS = 12
"""Hexadecimal digits of a part's digest: of 2.8e14 changes one would go unseen."""

BY_CONTENT = frozenset({"file"})
"""A file is what it holds: moved, renamed or there twice it is the same input."""

Parts = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Change:
    """One part that differs: `before` is None where it is new, `now` where it is gone."""

    kind: str
    name: str
    before: str | None
    now: str | None

    @property
    def is_both(self) -> bool:
        """True where the part was there before and is there now."""
        return self.before is not None and self.now is not None

    @property
    def how(self) -> str:
        """A remark where it is new or gone."""
        return "" if self.is_both else " (new)" if self.before is None else " (gone)"


Tell = Callable[[Change], tuple[str, str]]
"""Puts a change in words: what to count it by, and what it was."""


def named(reason: str) -> Tell:
    """Tell changes by the names of the parts alone."""

    def tell(change: Change) -> tuple[str, str]:
        return reason, change.name + change.how

    return tell


def digest(*values: Any) -> str:
    """Short identity of values."""
    return content_id(*values)[:DIGITS]


def fingerprint(parts: Mapping[str, Mapping[str, str]]) -> str:
    """Identity of all parts together."""
    named = {kind: sorted(set(states.values())) if kind in BY_CONTENT else states for kind, states in parts.items()}
    return plain_id([named])


def changes(before: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]) -> Iterator[Change]:
    """What differs between two states of a task's inputs, by kind and name; of the kinds in `BY_CONTENT` what has only
    another name does not."""
    for kind in sorted(before.keys() | now.keys()):
        old, new = before.get(kind, {}), now.get(kind, {})
        if kind in BY_CONTENT:
            both = set(old.values()) & set(new.values())
            old = {name: state for name, state in old.items() if state not in both}
            new = {name: state for name, state in new.items() if state not in both}
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                yield Change(kind, name, old.get(name), new.get(name))


def documents_digest(documents: Iterable[Mapping[str, Any]]) -> str:
    """Short identity of documents as they are stored, in any order; empty for none."""
    ordered = sorted(documents, key=lambda document: str(document["_id"]))
    if not ordered:
        return ""
    whole = hashlib.sha256()
    for document in ordered:
        whole.update(encode(dict(sorted(document.items()))))
    return whole.hexdigest()[:DIGITS]
