"""What a picker found in a shard, and the picks chosen from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from catalogdb.documents.data import DetectionFields, PickFields
from catalogdb.picking.peak_table import PeakTable
from catalogdb.probability.traces import ProbabilityTrace


@dataclass
class Findings:
    """What there is to pick in one shard.

    Attributes:
        channel_group: ``net.sta.loc.BI``; None where there was nothing to look at.
        peaks: of the shard and of some seconds on both sides.
        probability: traces of the shard and its padding; empty for pickers without a network.
        detections: documents with the science fields of the ``detection`` collection.
        counts: seconds and samples looked at or passed over, by reason.
        problems: what was passed over, each naming the channel and the reason.
    """

    channel_group: str | None = None
    peaks: PeakTable = field(default_factory=lambda: PeakTable(1.0))
    probability: list[ProbabilityTrace] = field(default_factory=list)
    detections: list[DetectionFields] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@dataclass
class PickResult:
    """Picks of one shard.

    Attributes:
        picks: documents with the science fields of the ``pick`` collection, ascending in time.
        counts: what was kept and dropped, by reason.
        problems: what was passed over, each naming the channel and the reason.
        findings: what the picks were chosen from.
    """

    picks: list[PickFields]
    counts: dict[str, int]
    problems: list[str]
    findings: Findings
