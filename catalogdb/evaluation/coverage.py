"""When a picker had waveforms of stations, so that what it could not have seen is not counted as missed."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from math import nextafter

import numpy as np
from numpy.typing import NDArray

from catalogdb.evaluation.columns import Codes

Span = tuple[float, float]
Station = tuple[str, str]


class Coverage:
    """Spans of time with waveforms, by station number.

    Args:
        segments: station number -> (start, end) of segments in epoch seconds, by start; any channel counts.
    """

    def __init__(self, segments: dict[int, list[Span]]):
        self._spans = {}
        for station, spans in segments.items():
            starts, ends = np.array(spans, float).T
            reach = np.maximum.accumulate(ends)
            first = np.r_[True, starts[1:] > reach[:-1]]
            self._spans[station] = starts[first], reach[np.r_[np.flatnonzero(first)[1:] - 1, len(ends) - 1]]

    def has_data(self, station: NDArray[np.int32], time: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell for each (station, time) whether the station has waveforms then; shape (n,)."""
        found = np.zeros(len(time), bool)
        order = np.argsort(station, kind="stable")
        begins = np.flatnonzero(np.r_[True, np.diff(station[order]) != 0])
        for rows in np.split(order, begins[1:]) if len(order) else []:
            if (spans := self._spans.get(int(station[rows[0]]))) is not None:
                found[rows] = _inside(*spans, time[rows])
        return found

    def stations_at(self, time: NDArray[np.float64]) -> NDArray[np.int64]:
        """Number of stations with waveforms at each time, shape (n,)."""
        number = np.zeros(len(time), np.int64)
        for spans in self._spans.values():
            number += _inside(*spans, time)
        return number


def _inside(starts: np.ndarray, ends: np.ndarray, time: np.ndarray) -> NDArray[np.bool_]:
    at = np.searchsorted(starts, time, "right") - 1
    return (at >= 0) & (time <= ends[np.maximum(at, 0)])


@dataclass(frozen=True)
class PickedWaveforms:
    """What a pick set was made from.

    Attributes:
        segments: net, sta, start and end (epoch seconds) of segments of waveforms, by start.
        shards: (net, sta) -> [start, end) of the shards whose picks are stored, by start and disjoint; None where the
            ledger doesn't tell, and all segments count.
    """

    segments: list[tuple[str, str, float, float]]
    shards: dict[Station, list[Span]] | None

    def spans(self) -> Iterator[tuple[str, Span]]:
        """Codes of stations, each with what of one segment was picked."""
        for net, sta, start, end in self.segments:
            for span in [(start, end)] if self.shards is None else _common((start, end), self.shards[net, sta]):
                yield sta, span

    def coverage(self, stations: Codes) -> Coverage:
        """What was picked, by station number; stations go by their code alone, since bulletins know no networks."""
        segments: dict[int, list[Span]] = defaultdict(list)
        for sta, span in self.spans():
            segments[stations[sta]].append(span)
        return Coverage({station: sorted(spans) for station, spans in segments.items()})


def _common(segment: Span, spans: list[Span]) -> Iterator[Span]:
    """What a segment, ends included, has in common with disjoint [start, end) in ascending order; ends included."""
    for start, end in spans[bisect_right(spans, segment[0], key=lambda span: span[1]) :]:
        if start > segment[1]:
            break
        yield max(start, segment[0]), min(nextafter(end, start), segment[1])
