"""Probability traces <-> documents of the `probability` collection, one per UTC hour.

A sample belongs to the hour that its own time lies in, so documents don't depend on how long a shard is.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from catalogdb.documents.data import Probability, ProbabilityFields
from catalogdb.errors import InputError
from catalogdb.probability import codec
from catalogdb.probability.traces import ProbabilityTrace

HOUR_SECONDS = 3600
LARGEST_MISALIGNMENT = 0.5
"""Hours are joined only if no sample then lies more than this many samples from its own time."""
_ROUNDING = 1e-3
"""A softmax in half precision gives probabilities this much above 1."""


def hour_documents(
    traces: Sequence[ProbabilityTrace], starttime: float, endtime: float, floor: float
) -> list[ProbabilityFields]:
    """Documents of the hours that hold samples, ascending in time; identity and names are the caller's to add.

    An hour in which the network sees nothing has a document of some hundred bytes; an hour without data has none.

    Args:
        traces: of one channel group, with the same labels, in any order.
        starttime, endtime: whole UTC hours [starttime, endtime), epoch seconds; samples outside are left out.
        floor: probabilities below this are stored as 0; with 0 all are kept.

    Raises:
        ValueError: for borders that aren't whole hours, a floor outside [0, 1), traces with different labels, and
            values above 1.
    """
    if starttime % HOUR_SECONDS or endtime % HOUR_SECONDS:
        raise ValueError(f"{starttime} to {endtime}: not whole hours")
    if not 0 <= floor < 1:
        raise ValueError(f"floor {floor}: not in [0, 1)")
    if len(kinds := {trace.labels for trace in traces}) > 1:
        raise ValueError(f"traces with different labels: {sorted(kinds)}")
    segments: dict[int, list[ProbabilityTrace]] = defaultdict(list)
    for trace in sorted(traces, key=lambda trace: trace.start_ns):
        for hour, part in _hours(trace, starttime, endtime):
            segments[hour].append(part)
    return [_document(hour, segments[hour], floor) for hour in sorted(segments)]


def _hours(trace: ProbabilityTrace, starttime: float, endtime: float) -> Iterable[tuple[int, ProbabilityTrace]]:
    """The trace's parts inside [starttime, endtime) by the hour (epoch seconds) that they lie in."""
    if trace.samples == 0:
        return
    hour = math.floor(max(trace.time(0), starttime) / HOUR_SECONDS) * HOUR_SECONDS
    first = trace.first_sample(hour)
    while hour < endtime and first < trace.samples:
        last = trace.first_sample(hour + HOUR_SECONDS)
        if last > first:
            yield hour, trace.part(first, last)
        hour, first = hour + HOUR_SECONDS, last


def _document(hour: int, segments: list[ProbabilityTrace], floor: float) -> ProbabilityFields:
    labels = segments[0].labels
    largest: dict[str, float] = {}
    above = dict.fromkeys(labels, 0.0)
    said_seconds = 0.0
    codes = []
    for segment in segments:
        codes.append(codec.quantise(segment.values, floor))
        silent = np.ones(segment.samples, dtype=bool)
        for label, values, row in zip(labels, segment.values, codes[-1], strict=True):
            highest = float(values.max())
            if math.isnan(highest):
                missing = row == codec.NOTHING_SAID
                silent &= missing
                highest = float(np.fmax.reduce(values))
            else:
                silent[:] = False
            if highest > 1 + _ROUNDING:
                raise ValueError(f"a probability of {highest:g} at {label} in the hour from {hour}")
            if not math.isnan(highest):
                largest[label] = max(largest.get(label, 0.0), min(highest, 1.0))
                above[label] += int(np.count_nonzero(values >= np.float32(floor))) / segment.rate
        said_seconds += int(np.count_nonzero(~silent)) / segment.rate
    return {
        "starttime": float(hour),
        "endtime": float(hour + HOUR_SECONDS),
        "labels": list(labels),
        "floor": float(floor),
        "codec": codec.CODEC,
        "segments": [
            {
                "start_ns": int(segment.start_ns),
                "rate": float(segment.rate),
                "npts": segment.samples,
                "components": segment.components,
            }
            for segment in segments
        ],
        "seconds": round(said_seconds, 6),
        "seconds_above_floor": {label: round(seconds, 6) for label, seconds in above.items()},
        "largest": largest,
        "blob": codec.compress(codes),
    }


def traces_of(document: Probability) -> list[ProbabilityTrace]:
    """The traces that a document holds, ascending in time; probabilities below its floor are 0.

    Raises:
        InputError: naming the document, when its codec isn't known or its blob is damaged.
    """
    labels = tuple(document["labels"])
    segments = document["segments"]
    try:
        shapes = [(len(labels), segment["npts"]) for segment in segments]
        codes = codec.decompress(document["blob"], document["codec"], shapes)
    except ValueError as error:
        name = f"{document.get('channel_group', '')} {document.get('_id', '')}".strip()
        raise InputError(
            f"probability document {name} of the hour from {document['starttime']:.0f}: {error}",
            hint="a newer catalogdb may know the codec; a damaged document is made again by picking that shard again",
        ) from None
    return [
        ProbabilityTrace(
            start_ns=int(segment["start_ns"]),
            rate=float(segment["rate"]),
            labels=labels,
            values=codec.read_back(part),
            components=segment["components"],
            channel_group=document.get("channel_group", ""),
        )
        for segment, part in zip(segments, codes, strict=True)
    ]


def joined(traces: Iterable[ProbabilityTrace]) -> list[ProbabilityTrace]:
    """Traces that continue one another put together, ascending in time.

    Two traces continue one another if sensor, components and labels are the same, and if the first one's clock, carried
    on, leaves every sample of the second within `LARGEST_MISALIGNMENT` samples of its own time. Hours of one run of
    data are cut at whole samples, so they always do, and each sample keeps its time to a nanosecond.
    """
    groups: list[list[ProbabilityTrace]] = []
    for trace in sorted(traces, key=lambda trace: (trace.channel_group, trace.start_ns)):
        if trace.samples == 0:
            continue
        if groups and _continues(groups[-1], trace):
            groups[-1].append(trace)
        else:
            groups.append([trace])
    whole = [group[0] if len(group) == 1 else _concatenated(group) for group in groups]
    return sorted(whole, key=lambda trace: trace.start_ns)


def _continues(group: list[ProbabilityTrace], trace: ProbabilityTrace) -> bool:
    first = group[0]
    if any(getattr(first, name) != getattr(trace, name) for name in ("channel_group", "components", "labels")):
        return False
    before = sum(part.samples for part in group)
    off_ns = max(
        abs(first.sample_ns(before + sample) - trace.sample_ns(sample)) for sample in (0, max(trace.samples - 1, 0))
    )
    return off_ns * first.rate / 1e9 < LARGEST_MISALIGNMENT


def _concatenated(group: list[ProbabilityTrace]) -> ProbabilityTrace:
    first = group[0]
    return ProbabilityTrace(
        first.start_ns,
        first.rate,
        first.labels,
        np.concatenate([part.values for part in group], axis=1),
        first.components,
        first.channel_group,
    )
