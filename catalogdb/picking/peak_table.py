"""All that is needed to choose the picks of one shard, for every threshold from a floor on: a table of measured peaks.

Picks are always chosen from such a table, whether the network has just run or the table was stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

import numpy as np
import zstandard

from catalogdb.documents.data import Peak, PeakFields
from catalogdb.errors import InputError

PHASES = ("P", "S")
CODEC = "peaks-zstd-1"
PEAK = np.dtype(
    [
        ("stretch", "<u4"),  # number of the stretch in `PeakTable.stretches`
        ("phase", "u1"),  # index in PHASES
        ("near_edge", "u1"),  # 1 within the guard of a start or end of data
        ("time_us", "<i8"),  # microseconds since 1970, UTC
        ("probability", "<f4"),
        ("saddle", "<f4"),  # lowest probability since the peak before, of the same phase and stretch
        ("width", "<f4"),  # s, see `quality`
        ("competing", "<f4"),  # the other phase's probability
        ("snr", "<f4"),  # NaN where unknown
        ("amplitude", "<f4"),  # counts
    ]
)


COLUMNS: tuple[str, ...] = PEAK.names or ()


class Channels(TypedDict):
    """The components that a picker had, and by phase the channel that picks are reported on."""

    components: str
    chan: dict[str, str | None]


class LaterChannels(Channels):
    """The same from a time (microseconds since 1970, UTC) on."""

    time_us: int


class StretchChannels(Channels):
    """Those of a stretch from its start on, and each change of them, ascending in time."""

    changes: NotRequired[list[LaterChannels]]


@dataclass
class PeakTable:
    """Peaks of one channel group and shard.

    Attributes:
        floor: lowest threshold that picks can be chosen with.
        stretches: `runs` of the document.
        peaks: structured array `PEAK`, by stretch, phase and time.
    """

    floor: float
    stretches: list[StretchChannels] = field(default_factory=list)
    peaks: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=PEAK))

    def within(self, starttime: float, endtime: float) -> PeakTable:
        """The peaks of a period [starttime, endtime], epoch seconds."""
        times = self.peaks["time_us"]
        return PeakTable(
            self.floor, self.stretches, self.peaks[(times >= round(starttime * 1e6)) & (times <= round(endtime * 1e6))]
        )

    def to_document(self, starttime: float, endtime: float) -> PeakFields:
        """Fields of the `peak` collection but the sensor's, of a shard [starttime, endtime), epoch seconds."""
        columns = b"".join(np.ascontiguousarray(self.peaks[name]).tobytes() for name in COLUMNS)
        return {
            "starttime": starttime,
            "endtime": endtime,
            "floor": self.floor,
            "codec": CODEC,
            "count": int(self.peaks.size),
            "runs": self.stretches,
            "blob": zstandard.compress(columns),
        }

    @classmethod
    def from_document(cls, document: Peak) -> PeakTable:
        """From what `to_document` gave.

        Raises:
            InputError: for a codec that this version doesn't know, or a damaged blob.
        """
        if document["codec"] != CODEC:
            raise InputError(
                f"peaks {document.get('_id')}: codec {document['codec']!r} is not known here, only {CODEC}"
            )
        peaks = np.empty(document["count"], dtype=PEAK)
        try:
            content = zstandard.decompress(document["blob"], max_output_size=max(1, peaks.nbytes))
        except zstandard.ZstdError as error:
            raise InputError(f"peaks {document.get('_id')}: damaged: {error}") from error
        if len(content) != peaks.nbytes:
            raise InputError(f"peaks {document.get('_id')}: damaged: {len(content)} bytes, not {peaks.nbytes}")
        position = 0
        for name in COLUMNS:
            column = np.frombuffer(content, PEAK[name], peaks.size, position)
            peaks[name] = column
            position += column.nbytes
        return cls(document["floor"], list(document["runs"]), peaks)


def turns_of(document: Peak) -> list[tuple[float, float]]:
    """When the sensor of a `peak` document is picked: [start, end), epoch seconds, ascending."""
    turns = document.get("turns") or [(document["starttime"], document["endtime"])]
    return [(start, end) for start, end in turns]


def joined(tables: Sequence[PeakTable], floor: float) -> PeakTable:
    """One table of the peaks of all stretches, in the order of the tables."""
    stretches = [stretch for table in tables for stretch in table.stretches]
    parts, before = [], 0
    for table in tables:
        part = table.peaks.copy()
        part["stretch"] += before
        before += len(table.stretches)
        parts.append(part)
    return PeakTable(floor, stretches, np.concatenate(parts) if parts else np.empty(0, dtype=PEAK))
