"""Waveforms around the picks of a cluster, for cross-correlation: which segments they are in, and their samples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pymongo.database import Database

from catalogdb.phases import phase_type
from catalogdb.relocation.config import CorrelateConfig
from catalogdb.stages.waveform_segments import (
    Interval,
    identify,
    joined,
    read_intervals,
    segments_meeting,
    waveform_parts,
)

if TYPE_CHECKING:
    from catalogdb.relocation.correlate import WaveformKey, Waveforms
    from catalogdb.relocation.documents import Arrival

BATCH_INTERVALS = 200

Needed = dict[str, list[Interval]]
"""Times (epoch seconds) that are read of each channel group."""
Segments = dict[str, list[Any]]
"""`wf_miniseed` documents of each channel group, by start, with their `identity`."""


def segments_needed(
    db: Database, arrivals: Sequence[Sequence[Arrival]], config: CorrelateConfig
) -> tuple[Needed, Segments, dict[str, str]]:
    """Times and segments that correlation reads, and the identity of what is in them by channel group."""
    needed = _intervals(arrivals, config)
    found: Segments = defaultdict(list)
    for group, intervals in needed.items():
        for first in range(0, len(intervals), BATCH_INTERVALS):
            part = intervals[first : first + BATCH_INTERVALS]
            rows = segments_meeting(db, {"channel_group": group}, part)
            found[group] += sorted(rows, key=lambda row: (row["starttime"], row["chan"]))
    identify(db, [segment for own in found.values() for segment in own])
    return needed, dict(found), waveform_parts(found)


def read_waveforms(
    db: Database, arrivals: Sequence[Sequence[Arrival]], needed: Needed, segments: Segments, config: CorrelateConfig
) -> tuple[dict[WaveformKey, Waveforms], list[str]]:
    """Samples around each pick, by event, station and phase, and what could not be decoded.

    Raises:
        WaveformUnavailable: where a file can't be read; the task fails, and earlier results stay.
    """
    from catalogdb.relocation.correlate import Snippet, Waveforms, read_after, read_before

    traces: dict[str, list[Any]] = {}
    problems: list[str] = []
    for group, intervals in needed.items():
        traces[group], failed = read_intervals(db, segments.get(group, ()), intervals)
        problems += [problem for problem in failed if problem not in problems]
    waveforms: dict[WaveformKey, Waveforms] = {}
    for event, own in enumerate(arrivals):
        for arrival in own:
            phase = phase_type(arrival.phase)
            key = (event, arrival.net, arrival.sta, str(phase))
            if phase is None or key in waveforms:
                continue
            window = arrival.time - read_before(config), arrival.time + read_after(config, phase)
            snippets = [
                Snippet(trace.stats.channel, float(trace.stats.sampling_rate), *_cut(trace, *window))
                for trace in traces.get(arrival.channel_group, ())
                if trace.stats.starttime.timestamp <= arrival.time <= trace.stats.endtime.timestamp
            ]
            if snippets:
                waveforms[key] = Waveforms(arrival.time, snippets)
    return waveforms, problems


def _cut(trace: Any, start: float, end: float) -> tuple[float, Any]:
    """Time of the first sample in an interval, and the samples in it as floats."""
    rate, first_time = float(trace.stats.sampling_rate), trace.stats.starttime.timestamp
    first = max(int((start - first_time) * rate), 0)
    last = max(int((end - first_time) * rate) + 2, first)
    return first_time + first / rate, trace.data[first:last].astype(float)


def _intervals(arrivals: Iterable[Sequence[Arrival]], config: CorrelateConfig) -> Needed:
    """Times around the picks by channel group."""
    from catalogdb.relocation.correlate import read_after, read_before

    before, after = read_before(config) + 1.0, read_after(config, "S") + 1.0
    own = (arrival for event in arrivals for arrival in event if arrival.channel_group)
    spans = ((str(arrival.channel_group), arrival.time - before, arrival.time + after) for arrival in own)
    return dict(sorted(joined(spans).items()))
