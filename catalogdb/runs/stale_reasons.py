"""Why a task is stale, in words: what its inputs were, against what they are now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalogdb.ledger.parts import Change, named
from catalogdb.ledger.stage import Stage

NAMED = 3
"""So many things of one kind are named; the others are counted."""
UNFINISHED = {"failed": "failed", "pending": "unfinished", "running": "unfinished"}
CONFIG_REASONS = {
    "weights": ("weights_sha256", "weights_args"),
    "time calibration": ("time_calibration",),
    "revision": ("revision",),
    "library version": ("versions", "seisbench"),
    "other pick set": ("pick_set",),
}


@dataclass(frozen=True)
class Reason:
    """One reason: a word to count by, and what it was."""

    reason: str
    what: str


def reasons_of(stage: type[Stage], changes: Iterable[Change]) -> list[Reason]:
    """The changes of a task's inputs, waveform files named by their paths, as reasons, one for each kind of change."""
    told: dict[str, list[str]] = defaultdict(list)
    for change in stage.telling(list(changes)):
        tell = stage.words.get(change.kind) or named(f"{change.kind}s")
        reason, what = tell(change)
        told[reason].append(what)
    return [Reason(reason, listed(things)) for reason, things in told.items()]


def config_reasons(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Reason]:
    """Differences of two configurations as reasons."""
    told: dict[str, list[str]] = defaultdict(list)
    for path, old, new in _differences(before, now):
        words = path.split(".")
        kind = next((kind for kind, keys in CONFIG_REASONS.items() if set(words) & set(keys)), "settings")
        told[kind].append(f"{path}: {_short(old)} -> {_short(new)}")
    return [Reason(kind, listed(lines)) for kind, lines in told.items()]


def _differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(one, other, f"{path}.{number}")
    elif old != new:
        yield path, old, new


def listed(things: list[str]) -> str:
    """The first few things by name, the others by number."""
    more = len(things) - NAMED
    return ", ".join(things[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."
