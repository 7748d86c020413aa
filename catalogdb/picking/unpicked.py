"""What of waveforms and peaks became no pick: seconds and picks by reason, as counts and as lines for a user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from catalogdb.intervals import Interval, seconds, union

REASONS = {
    "short_run_seconds": "not picked, in stretches too short for the picker",
    "unused_channel_seconds": "have channels that are no component, or one too many",
    "incomplete_seconds": "picked with a component missing",
    "refused_rate_seconds": "not picked, at sampling rates that picking doesn't take",
    "unnamed_sensor_seconds": "not picked, on sensors that channel_priority doesn't name",
    "unoriented_seconds": "not picked, on sensors whose vertical is not known",
    "seconds_on_other_sensors": "not picked, on sensors left over between turns of better ones",
    "dead_seconds": "not picked, on channels that show one constant value",
}
"""What each count of seconds means, as it follows "... s at ... stations"."""
DROPPED = {
    "near_edge": "so close to a gap that the waveform around is missing",
    "too_close": "beside more probable ones",
}
"""What each count of picks that were not kept means."""
LEAST_SECONDS = 0.5
"""Less is what rounding to samples leaves."""


@dataclass
class Unpicked:
    """What of one sensor's data is not picked, or not in full."""

    short: list[float] = field(default_factory=list)
    absent: dict[str, list[Interval]] = field(default_factory=dict)
    unused: dict[tuple[str, str], list[Interval]] = field(default_factory=dict)

    def add_short(self, length: float) -> None:
        """A stretch too short to be picked, with so many seconds where it should have been."""
        if length > 0:
            self.short.append(length)

    def add_absent(self, components: Sequence[str], when: Iterable[Interval]) -> None:
        """A stretch that is picked without some components."""
        if components:
            self.absent.setdefault(" and ".join(components), []).extend(when)

    def add_unused(self, channel: str, why: str, when: Sequence[Interval]) -> None:
        """A channel that is in no stretch."""
        if seconds(when) >= LEAST_SECONDS:
            self.unused.setdefault((channel, why), []).extend(when)

    def counts(self) -> Counter[str]:
        """Whole seconds by reason; those of a sensor's several channels count once."""
        unused = seconds(union(span for spans in self.unused.values() for span in spans))
        absent = sum(seconds(spans) for spans in self.absent.values())
        found = {"short_run_seconds": sum(self.short), "unused_channel_seconds": unused, "incomplete_seconds": absent}
        return Counter({name: round(value) for name, value in found.items() if value >= LEAST_SECONDS})

    def problems(self, shortest_seconds: float, bridge_samples: int) -> list[str]:
        """One line per reason, each with its seconds."""
        lines = []
        if (total := sum(self.short)) >= LEAST_SECONDS:
            lines.append(
                f"{total:.0f} s in {len(self.short)} segments not picked, the longest {max(self.short):.2f} s: the "
                f"picker needs {shortest_seconds:g} s without a gap of more than {bridge_samples} samples "
                "(pick.bridge_samples)"
            )
        for (channel, why), spans in sorted(self.unused.items()):
            lines.append(f"{channel}: {seconds(spans):.0f} s not used: {why}")
        for components, spans in sorted(self.absent.items()):
            if (total := seconds(spans)) >= LEAST_SECONDS:
                lines.append(f"{total:.0f} s picked without {components}: no data of it then")
        return lines


def picking_outcome(counts: Mapping[str, int]) -> tuple[str, list[str]]:
    """What picking found and lost, in words.

    Args:
        counts: of all tasks of a run.

    Returns:
        Picks by phase and the length of what was picked, "" where nothing was; what was left out, with why.
    """
    p, s = counts.get("P_picks", 0), counts.get("S_picks", 0)
    if not (p or s or counts.get("picked_seconds")):
        return "", []
    lost = [f"{counts[name]} picks {words}" for name, words in DROPPED.items() if counts.get(name)]
    unpicked = {name: words for name, words in REASONS.items() if words.startswith("not picked")}
    lost += [f"{counts[name]} s {words}" for name, words in unpicked.items() if counts.get(name)]
    return f"{p + s} picks (P {p}, S {s}) in {counts.get('picked_seconds', 0) / 3600.0:.1f} h of records", lost
