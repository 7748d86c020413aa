"""Shards of time that waveforms fall into."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from catalogdb.documents.archive import WfMiniseed

Station = tuple[str, str]


def segments_by_shard(
    segments: Iterable[WfMiniseed],
    known: Iterable[tuple[str, str, float]],
    length: float,
    padding: float,
    within: tuple[float, float],
) -> Iterator[tuple[float, dict[Station, tuple[list[Any], bool]]]]:
    """Shards in order of time, each with its stations: the segments that its padded period holds samples of, and
    whether it is known. No more of them are held than lie around one time.

    Args:
        segments: `wf_miniseed` documents, by start.
        known: network, station and start of shards that are there with or without segments, by start.
        length, padding, within: as `shards_of`.
    """
    open_shards: dict[float, dict[Station, list[Any]]] = {}
    starts: list[float] = []
    known_here: dict[float, set[Station]] = {}
    known_iterator = iter(known)
    ahead = next(known_iterator, None)

    def shard(start: float) -> dict[Station, list[Any]]:
        if start not in open_shards:
            open_shards[start] = defaultdict(list)
            known_here[start] = set()
            heapq.heappush(starts, start)
        return open_shards[start]

    def until(time: float) -> Iterator[tuple[float, dict[Station, tuple[list[Any], bool]]]]:
        """What no segment that starts at `time` or later is in."""
        nonlocal ahead
        while ahead is not None and (ahead[2] < time or starts and ahead[2] <= starts[0]):
            shard(ahead[2])
            known_here[ahead[2]].add(ahead[:2])
            ahead = next(known_iterator, None)
        while starts and starts[0] + length + padding <= time:
            start = heapq.heappop(starts)
            of_shard, is_known = open_shards.pop(start), known_here.pop(start)
            yield (
                start,
                {station: (of_shard.get(station, []), station in is_known) for station in of_shard.keys() | is_known},
            )

    for segment in segments:
        if starts and starts[0] + length + padding <= segment["starttime"]:
            yield from until(segment["starttime"])
        station = segment["net"], segment["sta"]
        for start in shards_of(segment, length, padding, within):
            (open_shards.get(start) or shard(start))[station].append(segment)
    yield from until(math.inf)


def shards_of(
    segment: Mapping[str, Any], length: float, padding: float, within: tuple[float, float]
) -> Iterable[float]:
    """Starts of the shards whose padded period holds samples of a segment, ascending; no more than it has samples,
    times the shards that one sample is in.

    Args:
        segment: `wf_miniseed` document (starttime, endtime, delta, npts).
        length: of a shard (s); shards start at its multiples.
        padding: of a shard on either side (s).
        within: first and end of the starts that count (epoch seconds).
    """
    first = max(_floor(segment["starttime"] - padding, length), within[0])
    last = min(_floor(segment["endtime"] + padding, length), within[1] - length)
    number = math.floor((last - first) / length) + 1
    if number <= segment["npts"]:
        return [first + step * length for step in range(number)]
    starts = set()
    for sample in range(segment["npts"]):
        time = segment["starttime"] + sample * segment["delta"]
        lowest, highest = _floor(time - padding, length), _floor(time + padding, length)
        starts |= {lowest + step * length for step in range(math.floor((highest - lowest) / length) + 1)}
    return sorted(start for start in starts if first <= start <= last)


def _floor(time: float, length: float) -> float:
    return math.floor(time / length) * length
