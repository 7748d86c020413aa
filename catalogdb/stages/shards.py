"""Shards of time that waveforms fall into."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any


def shards_of(piece: Mapping[str, Any], length: float, padding: float, within: tuple[float, float]) -> Iterable[float]:
    """Starts of the shards whose padded period holds samples of a piece, ascending; no more than it has samples, times
    the shards that one sample is in.

    Args:
        piece: `wf_miniseed` document (starttime, endtime, delta, npts).
        length: of a shard (s); shards start at its multiples.
        padding: of a shard on either side (s).
        within: first and end of the starts that count (epoch seconds).
    """
    first = max(_floor(piece["starttime"] - padding, length), within[0])
    last = min(_floor(piece["endtime"] + padding, length), within[1] - length)
    number = math.floor((last - first) / length) + 1
    if number <= piece["npts"]:
        return (first + step * length for step in range(number))
    starts = set()
    for sample in range(piece["npts"]):
        time = piece["starttime"] + sample * piece["delta"]
        lowest, highest = _floor(time - padding, length), _floor(time + padding, length)
        starts |= {lowest + step * length for step in range(math.floor((highest - lowest) / length) + 1)}
    return sorted(start for start in starts if first <= start <= last)


def _floor(time: float, length: float) -> float:
    return math.floor(time / length) * length
