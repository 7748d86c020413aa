"""Which of a station's sensors serves best, told by its channel codes (SEED: band, instrument, orientation)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalogdb.intervals import Interval, common, union, without

SENSOR_PRIORITY = (
    *("HH", "EH", "EP", "HN", "EN", "HG", "BH", "SH", "CH", "DH"),
    *("DP", "GP", "CN", "BN", "HL", "SL"),
)
"""Band and instrument codes, best first for local earthquakes."""
LEAST_TURN_SECONDS = 5.0
"""Less than this of a sensor's stretch, left over by better ones, is not worth to decode the sensor for."""
HOUR_SECONDS = 3600.0


@dataclass(frozen=True)
class Turn:
    """The time in which one sensor is the best that there is: [start, end), epoch seconds UTC."""

    channel_group: str
    start: float
    end: float


def channel_group(net: str, sta: str, loc: str, chan: str) -> str:
    """The name that the components of one sensor share: net.sta.loc.BI (BI: band and instrument letters).

    Parts that a source doesn't give stay empty.
    """
    return f"{net}.{sta}.{loc}.{chan[:2]}"


def sensor_rank(channel_group: str, priority: Sequence[str]) -> tuple[int, str]:
    """Order of a sensor (``net.sta.loc.BI``) among those of its station: by priority, then by location code."""
    _, _, location, family = channel_group.split(".")
    return (priority.index(family) if family in priority else len(priority), location)


def best_sensors(
    recorded: Mapping[str, Sequence[Interval]],
    priority: Sequence[str],
    least_seconds: float,
    guard_seconds: float = 0.0,
    clear_of_hours_seconds: float = 0.0,
) -> list[Turn]:
    """Choose by time: at each moment the best sensor that there is.

    A sensor is there where it records for at least `least_seconds` without a break, `guard_seconds` at both ends left
    to others; where no sensor is, the best one that records at all. Left-overs below `LEAST_TURN_SECONDS` are passed
    over. What is chosen at a moment depends on no more than `reach_seconds` of data around it.

    Args:
        recorded: by sensor (``net.sta.loc.BI``) its stretches without a break, [start, end) in epoch seconds.
        priority: band and instrument codes, best first; sensors of other codes are never chosen.
        least_seconds, guard_seconds: see above.
        clear_of_hours_seconds: one sensor doesn't follow another this close to a whole hour, where shards meet, while
            both record.

    Returns:
        Turns, ascending.
    """
    named = [name for name in recorded if sensor_rank(name, priority)[0] < len(priority)]
    ranked = sorted(named, key=lambda name: (*sensor_rank(name, priority), name))
    if len(ranked) == 1:
        (name,) = ranked
        return [Turn(name, *span) for span in union(recorded[name])]
    chosen: dict[str, list[Interval]] = {name: [] for name in ranked}
    taken: list[Interval] = []
    for usable_only in (True, False):
        for name in ranked:
            spans: Sequence[Interval] = recorded[name]
            if usable_only:
                spans = [
                    (_clear(start + guard_seconds, clear_of_hours_seconds, 1), end)
                    for start, end in spans
                    if end - start >= least_seconds
                ]
                spans = [(start, _clear(end - guard_seconds, clear_of_hours_seconds, -1)) for start, end in spans]
                spans = [(start, end) for start, end in spans if end > start]
            uncut = set(spans)
            own = union([*chosen[name], *without(spans, taken)])
            own = [span for span in own if span in uncut or span[1] - span[0] >= LEAST_TURN_SECONDS]
            chosen[name] = own
            taken = union([*taken, *own])
    turns = [Turn(name, *span) for name in ranked for span in chosen[name]]
    return sorted(turns, key=lambda turn: turn.start)


def reach_seconds(least_seconds: float, guard_seconds: float, clear_of_hours_seconds: float) -> float:
    """How far around a moment data have a say in which sensor is chosen."""
    return least_seconds + guard_seconds + 2 * clear_of_hours_seconds


def turns_within(turns: Sequence[Turn], start: float, end: float) -> list[Turn]:
    """The parts of turns inside [start, end)."""
    return [
        Turn(turn.channel_group, *span) for turn in turns for span in common([(turn.start, turn.end)], [(start, end)])
    ]


def _clear(time: float, distance: float, direction: int) -> float:
    """The time, moved in a direction until it is clear of whole hours."""
    hour = round(time / HOUR_SECONDS) * HOUR_SECONDS
    return hour + direction * distance if abs(time - hour) < distance else time
