"""Why a task is stale, in words: what its inputs were, against what they are now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from catalogdb.geo import distance_azimuth
from catalogdb.ledger.parts import Change

NAMED = 3
"""So many things of one kind are named; the others are counted."""
UNFINISHED = {"failed": "failed", "pending": "unfinished", "running": "unfinished"}
CONFIG_REASONS = {
    "weights": ("weights_sha256", "weights_args"),
    "revision": ("revision",),
    "library version": ("versions", "seisbench"),
    "other pick set": ("pick_set",),
}


@dataclass(frozen=True)
class Reason:
    """One reason: a word to count by, and what it was."""

    reason: str
    what: str


def reasons_of(stage: str, changes: Iterable[Change]) -> list[Reason]:
    """The changes of a task's inputs, waveform files named by their paths, as reasons, one for each kind of change."""
    named: dict[str, list[str]] = defaultdict(list)
    changed = list(changes)
    kinds = {change.kind for change in changed}
    for change in changed:
        if change.kind == "sensor" and "file" in kinds:
            continue  # other files, other seconds of each sensor
        if stage == "magnitude" and "origin" in kinds and _follows(change):
            continue
        reason, what = _TELL[change.kind](change)
        named[reason].append(what)
    return [Reason(reason, listed(things)) for reason, things in named.items()]


def config_reasons(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Reason]:
    """Differences of two configurations as reasons."""
    named: dict[str, list[str]] = defaultdict(list)
    for path, old, new in _differences(before, now):
        words = path.split(".")
        kind = next((kind for kind, keys in CONFIG_REASONS.items() if set(words) & set(keys)), "settings")
        named[kind].append(f"{path}: {_short(old)} -> {_short(new)}")
    return [Reason(kind, listed(lines)) for kind, lines in named.items()]


def comparison_reasons(before: Mapping[str, str], now: Mapping[str, str]) -> list[Reason]:
    """What of a comparison's inputs differs."""
    reasons = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        counts = [_first(state) for state in (old, new)]
        if name in ("revision", "period"):
            what = f"{old} -> {new}"
        elif counts[0] != counts[1]:
            what = f"{counts[0]} -> {counts[1]}"
        else:
            what = f"{counts[0]}, other content"
        reasons.append(Reason(f"{name} changed", what))
    return reasons


def _follows(change: Change) -> bool:
    """True for what another origin brings with it: other stations and times."""
    return change.kind == "waveform" or (change.kind in ("channel", "response") and not _both(change))


def _both(change: Change) -> bool:
    return change.before is not None and change.now is not None


def _file(change: Change) -> tuple[str, str]:
    name = change.name
    if change.before is None:
        return "late file", name
    if change.now is None:
        return "vanished file", name
    old, new = change.before.split(), change.now.split()
    if old[0] != new[0]:
        return "changed file", f"{name}: {old[0]} -> {new[0]} bytes"
    if old[1] != new[1]:
        return "changed file", f"{name}: same size, other content"
    return "changed index", f"{name}: other pieces of the same bytes"


def _sensor(change: Change) -> tuple[str, str]:
    return "other sensor", "what the station's sensors cover has changed"


def _picks(change: Change) -> tuple[str, str]:
    before, now = _first(change.before), _first(change.now)
    return "picks", f"{change.name} {before} -> {now}" if before != now else f"{change.name} {now} others"


def _station(change: Change) -> tuple[str, str]:
    if change.before is None:
        return "new station", change.name
    if change.now is None:
        return "station gone", change.name
    old, new = ([float(value) for value in state.split()] for state in (change.before, change.now))
    km = float(distance_azimuth(*old[:2], *new[:2])[0])
    moved = f"{km:.3f} km" if km else f"{(new[2] - old[2]) * 1000:+.0f} m of elevation"
    return "coordinates", f"{change.name} moved {moved}"


def _period(change: Change) -> tuple[str, str]:
    start, end = (f"{datetime.fromtimestamp(float(value), UTC):%Y-%m-%dT%H:%M:%S}" for value in change.name.split())
    return "other period", f"{start} to {end}{_how(change)}"


def _how(change: Change) -> str:
    return "" if _both(change) else " (new)" if change.before is None else " (gone)"


def _of(reason: str) -> Callable[[Change], tuple[str, str]]:
    def tell(change: Change) -> tuple[str, str]:
        return reason, change.name + _how(change)

    return tell


_TELL = {
    "file": _file,
    "sensor": _sensor,
    "orientation": _of("channel orientation"),
    "pick": _picks,
    "station": _station,
    "origin": _of("origins"),
    "neighbour": _of("neighbouring origins"),
    "channel": _of("channel metadata"),
    "response": _of("response"),
    "waveform": _of("waveforms"),
    "magnitude": _of("magnitudes"),
    "period": _period,
}


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


def _first(state: str | None) -> str:
    return state.split()[0] if state else "none"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."
