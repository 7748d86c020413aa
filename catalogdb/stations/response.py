"""An ObsPy Response as the `response` field of a channel document."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from catalogdb.identity import canonical_json
from catalogdb.stations.epochs import OPEN_END, finite

if TYPE_CHECKING:
    from obspy.core.inventory import Channel

DESCRIBES = ("lat", "lon", "elev", "edepth", "hang", "vang", "sampling_rate", "response")
"""What a channel document says of its sensor, besides codes, epoch and source."""


def response_document(channel: Channel) -> dict[str, Any] | None:
    """The `response` field of a channel document: overall sensitivity, and the first stage's poles and zeros in
    rad/s."""
    from obspy.core.inventory.response import PolesZerosResponseStage

    response = channel.response
    if response is None:
        return None
    document: dict[str, Any] = {}
    sensitivity = response.instrument_sensitivity
    if sensitivity is not None:
        document |= finite("sensitivity", sensitivity.value) | finite("sensitivity_frequency", sensitivity.frequency)
        if sensitivity.input_units:
            document["input_units"] = sensitivity.input_units.upper()
    stages = [stage for stage in response.response_stages or [] if isinstance(stage, PolesZerosResponseStage)]
    if stages and stages[0].pz_transfer_function_type.startswith("LAPLACE"):
        to_radians = 2 * math.pi if "HERTZ" in stages[0].pz_transfer_function_type else 1.0
        zeros, poles = list(stages[0].zeros), list(stages[0].poles)
        document["poles"] = [[float(pole.real) * to_radians, float(pole.imag) * to_radians] for pole in poles]
        document["zeros"] = [[float(zero.real) * to_radians, float(zero.imag) * to_radians] for zero in zeros]
        # A0 goes with the unit of the poles and zeros
        a0 = stages[0].normalization_factor
        if a0 is not None:
            document |= finite("normalization_factor", float(a0) * to_radians ** (len(poles) - len(zeros)))
        if "input_units" not in document and stages[0].input_units:
            document["input_units"] = stages[0].input_units.upper()
    return document or None


@dataclass(frozen=True)
class EpochOverlap:
    """Two epochs of one channel that are valid at the same time.

    Attributes:
        code: NET.STA.LOC.CHAN.
        starttime, endtime: when both are valid (epoch seconds UTC).
        differs: names of the fields in which they differ; empty where the two say the same.
        earlier, later: the two documents, by start, the one with the earlier end last among equal starts.
    """

    code: str
    starttime: float
    endtime: float
    differs: tuple[str, ...]
    earlier: Mapping[str, Any]
    later: Mapping[str, Any]

    def __str__(self) -> str:
        from obspy import UTCDateTime

        end = "now" if self.endtime >= OPEN_END else str(UTCDateTime(self.endtime))[:19]
        what = f"differ in {', '.join(self.differs)}" if self.differs else "say the same"
        values = [epoch.get("response", {}).get("sensitivity") for epoch in (self.earlier, self.later)]
        if values[0] != values[1]:
            what += f" (sensitivity {' and '.join('none' if value is None else f'{value:g}' for value in values)})"
        return (
            f"{self.code}: two epochs are valid from {str(UTCDateTime(self.starttime))[:19]} to {end} and {what}; "
            "the one that starts later is used"
        )


def overlapping_epochs(channels: Iterable[Mapping[str, Any]]) -> list[EpochOverlap]:
    """Pairs of `channel` documents of one channel whose epochs overlap, by channel and time.

    Epochs hold their start and not their end, so one that starts when the other ends does not overlap it.

    Args:
        channels: `channel` documents of any number of channels, in any order.
    """
    by_channel: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for epoch in channels:
        by_channel[channel_code(epoch)].append(epoch)
    found = []
    for code, epochs in sorted(by_channel.items()):
        for earlier, later in combinations(sorted(epochs, key=precedence), 2):
            start = max(earlier["starttime"], later["starttime"])
            end = min(earlier["endtime"], later["endtime"])
            if start < end:
                differs = tuple(name for name in DESCRIBES if earlier.get(name) != later.get(name))
                found.append(EpochOverlap(code, start, end, differs, earlier, later))
    return found


def precedence(epoch: Mapping[str, Any]) -> tuple[float, float, bytes]:
    """Sort key of epochs that are valid at one time: the last one counts.

    The epoch that starts last is the newest statement: as a rule the one before was never closed. Of equal starts the
    shorter one counts, and then the content decides, so that the order in which epochs come never does.
    """
    content = {name: epoch[name] for name in DESCRIBES if name in epoch}
    return epoch["starttime"], -epoch["endtime"], canonical_json(content)


def channel_code(channel: Mapping[str, Any]) -> str:
    """NET.STA.LOC.CHAN of a `channel` document."""
    return f"{channel['net']}.{channel['sta']}.{channel.get('loc') or ''}.{channel['chan']}"
