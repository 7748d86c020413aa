"""Labelled records: traces of one sensor around the onsets that somebody picked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from obspy import Trace

PHASES = "PS"
Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Onset:
    """An onset: phase P or S, and its time (epoch seconds UTC)."""

    phase: str
    time: float


@dataclass(frozen=True)
class LabelledRecord:
    """Traces with their onsets.

    Attributes:
        name: unique in its training set.
        station: NET.STA.
        traces: contiguous traces of one channel group, in counts.
        onsets: ascending in time; none in a window of noise.
        known: the phases of which all onsets in the record are labelled; of the others nothing is known.
        event: what tells the event apart; empty where the source names none.
        given: the part that the source puts it in.
        event_type: QuakeML's type of the event, in the source's words; empty where nothing is known of it.
        origin_time: of the event (epoch seconds UTC), where the source gives one.
    """

    name: str
    station: str
    traces: Sequence[Trace]
    onsets: tuple[Onset, ...]
    known: str
    event: str = ""
    given: Part | None = None
    event_type: str = ""
    origin_time: float | None = None

    @property
    def starttime(self) -> float:
        """First sample of any trace (epoch seconds UTC)."""
        return min(trace.stats.starttime.timestamp for trace in self.traces)

    @property
    def endtime(self) -> float:
        """Last sample of any trace (epoch seconds UTC)."""
        return max(trace.stats.endtime.timestamp for trace in self.traces)

    @property
    def time(self) -> float:
        """When it happened: its first onset, or its first sample where it has none."""
        return self.onsets[0].time if self.onsets else self.starttime


def known_phases(onsets: Iterable[Onset], unpicked: str) -> str:
    """Phases that labels say something of: all of them where what is not picked is ``noise``, or there is no onset at
    all, else those that are picked."""
    picked = {onset.phase for onset in onsets}
    return PHASES if unpicked == "noise" or not picked else "".join(phase for phase in PHASES if phase in picked)


def with_events(records: Sequence[LabelledRecord], gap_seconds: float) -> list[LabelledRecord]:
    """The records, each with an event: those without one that follow one another by less than the gap share one."""
    named = [record for record in records if record.event]
    others = sorted((record for record in records if not record.event), key=lambda record: (record.time, record.name))
    number, before = 0, float("-inf")
    for record in others:
        number += record.time - before > gap_seconds
        before = record.time
        named.append(replace(record, event=f"#{number}"))
    return named
