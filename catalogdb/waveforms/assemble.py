"""Decoded segments of one channel -> contiguous segments without overlaps, the same whatever files the data came in."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from catalogdb.times import format_time
from catalogdb.waveforms.clock import CHAIN_TEAR, straight_clocks
from catalogdb.waveforms.records import RATE_TOLERANCE

OVERLAP_TOLERANCE_SAMPLES = 0.1
"""A sample this near to another's time is the same sample; clocks corrected by most of a sample still keep all of
theirs."""


@dataclass
class Segment:
    """Samples without a gap.

    Attributes:
        start_ns: time of sample 0 (nanoseconds since 1970, UTC).
        rate: samples per second by the record headers.
        data: samples (n,).
        record_start_ns, record_first_sample: time by its header and number of the first sample of each record in it.
        index_start: start in the index of the segment that it comes from (epoch seconds), which decides conflicts:
            unlike `start_ns` it doesn't depend on the period that is read.
        drift: the samples' clock runs at rate / (1 + drift).
    """

    start_ns: int
    rate: float
    data: np.ndarray
    record_start_ns: np.ndarray
    record_first_sample: np.ndarray
    index_start: float
    drift: float = 0.0

    @property
    def interval_ns(self) -> float:
        return 1e9 / self.rate * (1 + self.drift)

    def time_ns(self, sample: int) -> int:
        return self.start_ns + round(sample * self.interval_ns)

    @property
    def end_ns(self) -> int:
        """Time of the last sample."""
        return self.time_ns(len(self.data) - 1)

    def cut(self, first: int, end: int) -> Segment:
        """Samples first to end (not included), on the same clock."""
        inside = (self.record_first_sample > first) & (self.record_first_sample < end)
        return replace(
            self,
            start_ns=self.time_ns(first),
            data=self.data[first:end],
            record_start_ns=np.concatenate([[self.time_ns(first)], self.record_start_ns[inside]]),
            record_first_sample=np.concatenate([[0], self.record_first_sample[inside] - first]),
        )


def assemble(segments: Sequence[Segment], name: str) -> tuple[list[Segment], list[str]]:
    """Join what continues, cut it into parts with a straight clock each (clock.py), and resolve overlaps.

    Returns:
        Segments in time order, no two of them overlapping, and one text for each two segments of the index whose
        samples differ where they overlap, the same for whatever period is read.
    """
    conflicts: list[str] = []
    chains = join(segments)
    settled: list[Segment] = []
    clusters = _clusters(chains)
    for cluster in clusters:
        kept: list[Segment] = []
        for chain in _by_precedence(cluster):
            remaining = [chain]
            for winner in kept:
                remaining = [part for loser in remaining for part in _outside(loser, winner, name, conflicts)]
            kept += remaining
        settled += kept
    overlapped = any(len(cluster) > 1 for cluster in clusters)
    return (join(settled) if overlapped else settled), conflicts


def join(segments: Sequence[Segment]) -> list[Segment]:
    """Put segments that continue one another together, on straight clocks; the result is in time order."""
    chains: list[list[Segment]] = []
    open_chains: list[int] = []
    for segment in _in_time_order(segments):
        limit = CHAIN_TEAR * 1e9 / segment.rate
        open_chains = [number for number in open_chains if _next_ns(chains[number]) > segment.start_ns - 4 * limit]
        tears = {number: abs(segment.record_start_ns[0] - _next_ns(chains[number])) for number in open_chains}
        fitting = [number for number in open_chains if tears[number] < limit and _alike(chains[number][-1], segment)]
        if fitting:
            chains[min(fitting, key=lambda number: tears[number])].append(segment)
        else:
            chains.append([segment])
            open_chains.append(len(chains) - 1)
    straight = [part for chain in chains for part in _straightened(_concatenated(chain))]
    return sorted(straight, key=lambda part: part.start_ns)


def _in_time_order(segments: Sequence[Segment]) -> list[Segment]:
    return sorted(segments, key=lambda segment: (segment.start_ns, -len(segment.data), _checksum(segment, segments)))


def _by_precedence(chains: Sequence[Segment]) -> list[Segment]:
    return sorted(chains, key=lambda chain: (chain.index_start, -len(chain.data), _checksum(chain, chains)))


def _checksum(segment: Segment, among: Sequence[Segment]) -> int:
    """Of the samples; not worth computing where nothing else is at hand."""
    return zlib.crc32(np.ascontiguousarray(segment.data).data) if len(among) > 1 else 0


def _next_ns(chain: Sequence[Segment]) -> float:
    """Where the chain's last record ends."""
    last = chain[-1]
    return float(last.record_start_ns[-1] + (len(last.data) - last.record_first_sample[-1]) * 1e9 / last.rate)


def _alike(one: Segment, other: Segment) -> bool:
    return abs(one.rate / other.rate - 1) <= RATE_TOLERANCE and one.data.dtype == other.data.dtype


def _straightened(chain: Segment) -> list[Segment]:
    parts = []
    samples = np.append(chain.record_first_sample, len(chain.data))
    for clock in straight_clocks(chain.record_start_ns, chain.record_first_sample, 1e9 / chain.rate):
        first, end = int(samples[clock.first]), int(samples[clock.end])
        part = replace(
            chain,
            start_ns=clock.start_ns,
            drift=clock.drift,
            data=chain.data[first:end],
            record_start_ns=chain.record_start_ns[clock.first : clock.end],
            record_first_sample=chain.record_first_sample[clock.first : clock.end] - first,
        )
        parts.append(part)
    return parts


def _concatenated(chain: list[Segment]) -> Segment:
    if len(chain) == 1:
        return chain[0]
    before = np.cumsum([0, *(len(part.data) for part in chain[:-1])])
    return replace(
        chain[0],
        data=np.concatenate([part.data for part in chain]),
        record_start_ns=np.concatenate([part.record_start_ns for part in chain]),
        record_first_sample=np.concatenate(
            [part.record_first_sample + n for part, n in zip(chain, before, strict=True)]
        ),
    )


def _clusters(chains: Sequence[Segment]) -> list[list[Segment]]:
    """Chains in time order, those that overlap together."""
    clusters: list[list[Segment]] = []
    reach = 0.0
    for chain in chains:
        if clusters and chain.start_ns <= reach:
            clusters[-1].append(chain)
        else:
            clusters.append([chain])
            reach = 0.0
        reach = max(reach, chain.end_ns + OVERLAP_TOLERANCE_SAMPLES * chain.interval_ns)
    return clusters


def _outside(loser: Segment, winner: Segment, name: str, conflicts: list[str]) -> list[Segment]:
    """What the loser holds before and after the winner."""
    tolerance = OVERLAP_TOLERANCE_SAMPLES * loser.interval_ns
    first = max(0, int(np.ceil((winner.start_ns - tolerance - loser.start_ns) / loser.interval_ns)))
    end = min(len(loser.data), int(np.floor((winner.end_ns + tolerance - loser.start_ns) / loser.interval_ns)) + 1)
    if first >= end:
        return [loser]
    if not _equal(loser, winner, first, end):
        # not which samples: those depend on the period that is read, and each of many would say it in other words
        starts = " and ".join(dict.fromkeys(format_time(one.index_start) for one in (winner, loser)))
        said = f"{name}: two versions of the same time in segments that start at {starts}: that of the first is used"
        if said not in conflicts:
            conflicts.append(said)
    parts = [loser.cut(0, first)] if first else []
    return [*parts, loser.cut(end, len(loser.data))] if end < len(loser.data) else parts


def _equal(loser: Segment, winner: Segment, first: int, end: int) -> bool:
    if abs(loser.rate / winner.rate - 1) > RATE_TOLERANCE:
        return False
    at = round((loser.time_ns(first) - winner.start_ns) / winner.interval_ns)
    other = winner.data[at : at + end - first]
    mine = loser.data[first:end]
    return at >= 0 and len(other) == len(mine) and np.array_equal(mine, other, equal_nan=mine.dtype.kind == "f")
