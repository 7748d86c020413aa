"""Indexed segments of one station and shard -> which sensor is picked when, and what is not picked because of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from operator import itemgetter
from typing import Any

from catalogdb.channels import Turn, best_sensors, reach_seconds, sensor_rank, turns_within
from catalogdb.components import SLOTS, Axis, slot_spans
from catalogdb.documents.archive import WfMiniseed
from catalogdb.documents.free import Json
from catalogdb.intervals import Interval, common, seconds, union, without
from catalogdb.picking.stretches import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, usable_rate
from catalogdb.picking.unpicked import LEAST_SECONDS

Segment = WfMiniseed
USUAL = (*SLOTS, "1", "2")
"""Components that are one without metadata; others may be none."""
CLOCK_TEAR = 1.5
"""Segments at most so many samples apart may be joined when they are read."""


@dataclass(frozen=True)
class Terms:
    """What decides the choice.

    Attributes:
        priority: band and instrument codes, best first.
        shortest_seconds: what the picker needs without a break.
        guard_seconds: the ends of data that are not picked.
        separation_seconds: least time between picks of a phase.
        bridge_samples: gaps up to this long are none.
        padding_seconds: data so much before and after are read along.
    """

    priority: tuple[str, ...]
    shortest_seconds: float
    guard_seconds: float
    separation_seconds: float
    bridge_samples: int
    padding_seconds: float

    @property
    def reach_seconds(self) -> float:
        """How far outside a shard segments have a say in what is picked in it."""
        further = reach_seconds(self.shortest_seconds, self.guard_seconds, self.separation_seconds)
        return self.padding_seconds + further


@dataclass(frozen=True)
class Visit:
    """One sensor in a part of the shard that is read at once.

    Attributes:
        channel_group: ``net.sta.loc.BI``.
        times: when the sensor is picked, [start, end) in epoch seconds, ascending.
        starttime, endtime: what is read.
    """

    channel_group: str
    times: list[Interval]
    starttime: float
    endtime: float


@dataclass
class SensorChoice:
    """How a station is picked in one shard.

    Attributes:
        visits: what is read and picked, by sensor and time.
        segments: the segments that are read.
        choices: what the ledger keeps of the choice.
        counts: seconds that are not picked, by reason.
        problems: the same in words.
    """

    visits: list[Visit] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    choices: Json = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def choose_sensors(
    segments: Sequence[Segment], axes: Mapping[str, Sequence[Axis]], shard: Interval, terms: Terms
) -> SensorChoice:
    """Choose the sensor of each time.

    Args:
        segments: `wf_miniseed` documents of one station, from `Terms.reach_seconds` before to after the shard.
        axes: where channels point, by sensor.
        shard: [start, end), epoch seconds.
        terms: see there.
    """
    by_sensor: dict[str, list[Segment]] = defaultdict(list)
    for segment in segments:
        by_sensor[segment["channel_group"]].append(segment)
    inside = {name: _inside(of_sensor, shard) for name, of_sensor in by_sensor.items()}
    present = sorted(name for name in inside if inside[name])
    rank = {name: sensor_rank(name, terms.priority) for name in present}
    named = sorted(
        (name for name in present if rank[name][0] < len(terms.priority)), key=lambda name: (rank[name], name)
    )
    usable = {name: [segment for segment in by_sensor[name] if usable_rate(_rate(segment))] for name in named}
    usable = {name: of_sensor for name, of_sensor in usable.items() if _inside(of_sensor, shard)}
    turns, unoriented = _turns(usable, axes, shard, terms)
    choice = SensorChoice(_visits(turns, terms.padding_seconds))
    covered = {name: _best_covered(inside[name], shard) for name in present}
    left: dict[str, list[Interval]] = {}
    if len(present) > 1 or not turns:
        picked = union((turn.start, turn.end) for turn in turns)
        picked = covered[turns[0].channel_group] if len(turns) == 1 else picked
        left = _left_over(present, named, usable, unoriented, covered, picked)
        _say(choice, left, inside, present, named, unoriented)
    length = {
        name: seconds(span for turn in turns if turn.channel_group == name for span in _of(turn)) for name in named
    }
    choice.choices |= {
        "channel_group": max(usable, key=lambda name: (length[name], -named.index(name))) if turns else None,
        "candidates": [{"channel_group": name, "seconds": round(seconds(covered[name]), 3)} for name in named],
        "not_in_priority": [name for name in present if name not in named],
        "seconds_on_other_sensors": round(seconds(left.get("seconds_on_other_sensors", ())), 3),
    }
    if len(turns) > 1:
        choice.choices["turns"] = [
            {"channel_group": turn.channel_group, "starttime": turn.start, "endtime": turn.end} for turn in turns
        ]
        choice.problems += _takeovers(turns, by_sensor, terms.padding_seconds)
    order = ("channel_group", "chan", "starttime", "file_id", "foff")
    visited = {visit.channel_group for visit in choice.visits}
    near = [segment for name in by_sensor if name in visited for segment in by_sensor[name]]
    read = [segment for segment in near if any(_read_by(segment, one) for one in choice.visits)]
    choice.segments = sorted(read, key=itemgetter(*order))
    return choice


def _turns(
    usable: Mapping[str, list[Segment]], axes: Mapping[str, Sequence[Axis]], shard: Interval, terms: Terms
) -> tuple[list[Turn], list[str]]:
    """Turns inside the shard, and the sensors of which no channel has a known direction.

    Args:
        usable: segments by sensor, best sensor first.
    """
    names = list(usable)
    plain = all(segment["chan"][-1:] in USUAL for of_sensor in usable.values() for segment in of_sensor)
    unoriented: list[str] = []
    if not names:
        return [], unoriented
    if not plain or (len(names) > 1 and not _best_throughout(usable, terms)):
        recorded = {name: recorded_spans(usable[name], axes.get(name, ()), terms.bridge_samples) for name in names}
        unoriented = [name for name, spans in recorded.items() if not spans]
        least = terms.shortest_seconds, terms.guard_seconds, terms.separation_seconds
        turns = turns_within(best_sensors(recorded, terms.priority, *least), *shard)
        names = list(dict.fromkeys(turn.channel_group for turn in turns))
        if len(names) != 1:
            return turns, unoriented
    return [Turn(names[0], *shard)], unoriented


def _best_throughout(usable: Mapping[str, list[Segment]], terms: Terms) -> bool:
    """True where the best sensor records without a break while any other does: the common case, told quickly."""
    (best, *_), others = usable, [segment for of_sensor in list(usable.values())[1:] for segment in of_sensor]
    spans: dict[str, list[Interval]] = defaultdict(list)
    for segment in usable[best]:
        spans[segment["chan"]].append((segment["starttime"], segment["endtime"] + segment["delta"]))
    joined = [union(of_channel, CLOCK_TEAR * usable[best][0]["delta"]) for of_channel in spans.values()]
    if any(len(of_channel) > 1 for of_channel in joined):
        return False
    start, end = max(one[0][0] for one in joined), min(one[0][1] for one in joined)
    ahead = min(segment["starttime"] for segment in others) >= start
    behind = max(segment["endtime"] + segment["delta"] for segment in others) <= end
    return ahead and behind and end - start >= terms.shortest_seconds


def recorded_spans(segments: Iterable[Segment], axes: Iterable[Axis], bridge_samples: int) -> list[Interval]:
    """When one sensor records without a break of any of its components, by the index."""
    by_channel: dict[str, list[Interval]] = defaultdict(list)
    delta = 0.0
    for segment in segments:
        by_channel[segment["chan"]].append((segment["starttime"], segment["endtime"] + segment["delta"]))
        delta = max(delta, segment["delta"])
    gap = max(CLOCK_TEAR, bridge_samples + 0.5) * delta
    recorded = {chan: union(spans, gap) for chan, spans in by_channel.items()}
    slots, _ = slot_spans(recorded, axes)
    filled = [union((span for spans in slot.values() for span in spans), gap) for slot in slots]
    breaks = sorted({time for spans in filled for span in spans for time in span})
    somewhere = union(span for spans in filled for span in spans)
    return common(zip(breaks[:-1], breaks[1:], strict=True), somewhere)


def turned_axes(
    segments: Iterable[Segment], axes: Mapping[str, Sequence[Axis]], start: float, end: float
) -> dict[str, str]:
    """What of the metadata's orientation decides which channel is what, by channel; nothing where the codes say it."""
    channels: dict[str, set[str]] = defaultdict(set)
    for segment in segments:
        channels[segment["channel_group"]].add(segment["chan"])
    decisive: dict[str, str] = {}
    for name, of_sensor in channels.items():
        letters = {chan[-1:] for chan in of_sensor}
        usual = {} if "3" in letters else {"1": 1, "2": 2}
        for chan in sorted(chan for chan in of_sensor if chan[-1:] not in SLOTS):
            said = [
                f"{axis.slot} from {axis.starttime:.0f} to {axis.endtime:.0f}"
                for axis in sorted(axes.get(name, ()), key=lambda axis: axis.starttime)
                if axis.chan == chan and axis.starttime < end and axis.endtime > start
                if axis.slot is not None and axis.slot != usual.get(chan[-1:])
            ]
            if said:
                decisive[name + chan[-1:]] = ", ".join(said)
    return decisive


def _visits(turns: Iterable[Turn], padding: float) -> list[Visit]:
    """Turns of one sensor that lie so near that what is read for them overlaps, together."""
    visits: list[Visit] = []
    for turn in sorted(turns, key=lambda turn: (turn.channel_group, turn.start)):
        last = visits[-1] if visits else None
        if last and last.channel_group == turn.channel_group and turn.start - padding <= last.endtime:
            visits[-1] = Visit(turn.channel_group, [*last.times, *_of(turn)], last.starttime, turn.end + padding)
        else:
            visits.append(Visit(turn.channel_group, _of(turn), turn.start - padding, turn.end + padding))
    return visits


def _left_over(
    present: Sequence[str],
    named: Sequence[str],
    usable: Mapping[str, Any],
    unoriented: Sequence[str],
    covered: Mapping[str, list[Interval]],
    picked: list[Interval],
) -> dict[str, list[Interval]]:
    """When something records that nothing is picked of, by reason."""
    of_reason = {
        "seconds_on_other_sensors": [name for name in usable if name not in unoriented],
        "unoriented_seconds": unoriented,
        "refused_rate_seconds": [name for name in named if name not in usable],
        "unnamed_sensor_seconds": [name for name in present if name not in named],
    }
    left = {}
    for reason, names in of_reason.items():
        spans = without(union(span for name in names for span in covered[name]), picked)
        if seconds(spans) >= LEAST_SECONDS:
            left[reason] = spans
    return left


def _say(
    choice: SensorChoice,
    left: Mapping[str, list[Interval]],
    inside: Mapping[str, Sequence[Segment]],
    present: Sequence[str],
    named: Sequence[str],
    unoriented: Sequence[str],
) -> None:
    if not present:
        return
    station = ".".join(present[0].split(".")[:2])
    rates = sorted({_rate(segment) for name in named for segment in inside[name]})
    directionless = sorted({segment["chan"] for name in unoriented for segment in inside[name]})
    refused = ", ".join(f"{rate:g}" for rate in rates if not usable_rate(rate))
    others = ", ".join(name for name in present if name not in named)
    why = {
        "seconds_on_other_sensors": "left over between turns of better sensors",
        "unoriented_seconds": f"which of {', '.join(directionless)} is the vertical is not known; "
        "catalogdb ingest stations FILE with their dip and azimuth",
        "refused_rate_seconds": f"at {refused} Hz; picking takes {LOWEST_RATE_HZ:g} to {HIGHEST_RATE_HZ:g} Hz",
        "unnamed_sensor_seconds": f"channel_priority has none of its sensors: {others}",
    }
    for reason, spans in left.items():
        choice.counts[reason] = round(seconds(spans))
        choice.problems.append(f"{station}: {seconds(spans):.0f} s not picked: {why[reason]}")
    if "unnamed_sensor_seconds" in left and not choice.visits:
        choice.counts["no_sensor_in_priority"] = 1


def _takeovers(turns: Sequence[Turn], by_sensor: Mapping[str, Sequence[Segment]], padding: float) -> list[str]:
    """Lines on changes of sensor where one of the two doesn't record long enough on the other's side."""
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
    for one, other in pairwise(turns):
        if one.channel_group != other.channel_group and other.start - one.end < padding:
            around = (other.start - padding, other.start), (one.end, one.end + padding)
            ahead = _covered_seconds(by_sensor[other.channel_group], around[0])
            behind = _covered_seconds(by_sensor[one.channel_group], around[1])
            if min(ahead, behind) < padding - LEAST_SECONDS:
                found[one.channel_group, other.channel_group].append((other.start, ahead, behind))
    lines = []
    for (earlier, later), changes in found.items():
        time, ahead, behind = changes[0]
        first = datetime.fromtimestamp(round(time), UTC).strftime("%Y-%m-%dT%H:%M:%S")
        lines.append(
            f"{later} follows {earlier} {len(changes)} times, first at {first}, with {ahead:.0f} s of its own before "
            f"and {behind:.0f} s of the other's after: the picker looks at {padding:g} s on either side, so arrivals "
            "near the change may be missed"
        )
    return lines


def _covered_seconds(segments: Iterable[Segment], period: Interval) -> float:
    inside = _inside(segments, period)
    return seconds(_best_covered(inside, period)) if inside else 0.0


def _rate(segment: Segment) -> float:
    return 1 / segment["delta"] if segment["delta"] > 0 else 0.0


def _inside(segments: Iterable[Segment], period: Interval) -> list[Segment]:
    return [segment for segment in segments if segment["starttime"] < period[1] and segment["endtime"] >= period[0]]


def _read_by(segment: Segment, visit: Visit) -> bool:
    near = segment["starttime"] < visit.endtime and segment["endtime"] >= visit.starttime
    return segment["channel_group"] == visit.channel_group and near


def _best_covered(segments: Iterable[Segment], shard: Interval) -> list[Interval]:
    """What the best-covered component of one sensor covers inside the shard."""
    spans: dict[str, list[Interval]] = defaultdict(list)
    for segment in segments:
        spans[segment["chan"]].append((segment["starttime"], segment["endtime"] + segment["delta"]))
    return max((common(union(spans[chan]), [shard]) for chan in sorted(spans)), key=seconds)


def _of(turn: Turn) -> list[Interval]:
    return [(turn.start, turn.end)]
