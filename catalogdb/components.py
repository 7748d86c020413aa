"""Which channel of a sensor is its vertical and which are its horizontals, at each time.

Codes: SEED manual, appendix A. Z, N and E say what they are. Digits, and any other letter, go by the dip and azimuth of
the metadata where it knows them: the channel nearest to vertical is Z, the one nearest to north-south N. Without
metadata 1 and 2 stand for N and E, and beside a Z so do 2 and 3. Of 1, 2 and 3 without a Z either 1 or 3 may be the
vertical, so none of them is used until the metadata says which.

Nothing is rotated. A slot's channel may change: each slot holds, at each time, the first channel in its order that
records then.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalogdb.intervals import Interval, common, union, without

SLOTS = ("Z", "N", "E")
DIGITS = ("1", "2", "3")
AROUND_SECONDS = 10.0
"""Channels that record within so many seconds of one another are taken as one set: an outage of one of them doesn't
change what the others are."""
_LEVEL_COSINE = math.cos(math.radians(45.0))


@dataclass(frozen=True)
class Axis:
    """Where one channel points in one epoch.

    Attributes:
        chan: channel code.
        starttime, endtime: epoch seconds UTC.
        from_up: angle from the upward vertical, degrees; None where unknown.
        azimuth: clockwise from north, degrees; None where unknown.
    """

    chan: str
    starttime: float
    endtime: float
    from_up: float | None
    azimuth: float | None

    @classmethod
    def of(cls, channel: Mapping[str, Any]) -> Axis:
        """From a `channel` document."""
        return cls(channel["chan"], channel["starttime"], channel["endtime"], channel.get("vang"), channel.get("hang"))

    @property
    def slot(self) -> int | None:
        """Number in `SLOTS` of what it is nearest to; None where that is not known."""
        if self.from_up is None:
            return None
        if abs(math.cos(math.radians(self.from_up))) >= _LEVEL_COSINE:
            return 0
        if self.azimuth is None:
            return None
        direction = math.radians(self.azimuth)
        return 1 if abs(math.cos(direction)) >= abs(math.sin(direction)) else 2


def speaks_for_itself(chan: str) -> bool:
    """True for a channel whose code says all that metadata could say."""
    return chan[-1:] in SLOTS


def component_slots(channels: Collection[str], axes: Mapping[str, Axis]) -> dict[str, int]:
    """Slots (numbers in `SLOTS`) of the channels of one sensor that record together; channels of no use are absent.

    Args:
        channels: codes.
        axes: what the metadata says of them then.
    """
    slots = {chan: SLOTS.index(chan[-1]) for chan in channels if speaks_for_itself(chan)}
    others = sorted(chan for chan in channels if chan and chan not in slots)
    known = {chan: slot for chan in others if chan in axes and (slot := axes[chan].slot) is not None}
    if sum(slot == 0 for slot in known.values()) > 1:  # no orthogonal set has two verticals: filled in, not measured
        known = {}
    slots |= {chan: slot for chan, slot in known.items() if slot == 0}
    level = [chan for chan in others if chan not in slots and (chan in known or chan[-1] in DIGITS)]
    if 0 not in slots.values() and any(chan[-1] == "3" and chan not in known for chan in level):
        level = [chan for chan in level if chan in known]
    return slots | _horizontals(level, known)


def _horizontals(level: Sequence[str], known: Mapping[str, int]) -> dict[str, int]:
    """Slots of a pair; the oriented ones first, then by code."""
    pair = sorted(sorted(level, key=lambda chan: (chan not in known, chan))[:2])
    if len(pair) < 2:
        return {chan: known.get(chan, 1 if chan[-1] == "1" else 2) for chan in pair}
    first, second = pair
    in_known = [known.get(chan) for chan in pair]
    turned = in_known in ([2, 1], [2, None], [None, 1])
    return {first: 2, second: 1} if turned else {first: 1, second: 2}


def slot_spans(
    recorded: Mapping[str, Sequence[Interval]], axes: Iterable[Axis] = ()
) -> tuple[list[dict[str, list[Interval]]], dict[str, list[Interval]]]:
    """What is in each slot of one sensor at each time.

    Args:
        recorded: when each channel records, [start, end) in epoch seconds, ascending.
        axes: epochs of the channels' metadata.

    Returns:
        For each of `SLOTS` by channel when it is in the slot, and by channel when it records but is in none.
    """
    candidates: list[dict[str, list[Interval]]] = [{}, {}, {}]
    for chan, slot, times in _assigned(recorded, list(axes)):
        candidates[slot].setdefault(chan, []).extend(common(recorded[chan], times))
    filled: list[dict[str, list[Interval]]] = []
    used: dict[str, list[Interval]] = defaultdict(list)
    for in_slot in candidates:
        taken: list[Interval] = []
        filled.append({})
        for chan in sorted(in_slot, key=lambda chan: (not speaks_for_itself(chan), chan)):
            own = without(sorted(in_slot[chan]), taken) if taken else sorted(in_slot[chan])
            filled[-1][chan] = own
            used[chan] += own
            if len(in_slot) > 1:
                taken = union([*taken, *own])
    unused = {chan: without(spans, sorted(used[chan])) for chan, spans in recorded.items()}
    return filled, {chan: spans for chan, spans in unused.items() if spans}


def _assigned(
    recorded: Mapping[str, Sequence[Interval]], axes: Sequence[Axis]
) -> Iterable[tuple[str, int, list[Interval]]]:
    """(channel, slot, times in which it belongs there), as the set of channels and the metadata change."""
    near = {
        chan: union([(start - AROUND_SECONDS, end + AROUND_SECONDS) for start, end in spans])
        for chan, spans in recorded.items()
    }
    epochs = [axis for axis in axes if axis.chan in near]
    borders = sorted(
        {time for spans in near.values() for span in spans for time in span}
        | {time for axis in epochs for time in (axis.starttime, axis.endtime)}
    )
    found: dict[tuple[str, int], list[Interval]] = defaultdict(list)
    place = dict.fromkeys(near, 0)
    for begin, end in zip(borders[:-1], borders[1:], strict=True):
        present = []
        for chan, spans in near.items():
            while place[chan] < len(spans) and spans[place[chan]][1] <= begin:
                place[chan] += 1
            if place[chan] < len(spans) and spans[place[chan]][0] <= begin:
                present.append(chan)
        valid = {axis.chan: axis for axis in epochs if axis.starttime <= begin < axis.endtime}
        for chan, slot in component_slots(present, valid).items():
            times = found[chan, slot]
            if times and times[-1][1] == begin:
                times[-1] = times[-1][0], end
            else:
                times.append((begin, end))
    return [(chan, slot, times) for (chan, slot), times in sorted(found.items())]
