"""What is indexed of one segment -> its `wf_miniseed` document."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from catalogdb.channels import channel_group
from catalogdb.documents.archive import WfMiniseedFields

MINISEED = "mseed"
"""As `wf_miniseed.format` has it; of other files it is ObsPy's name of their format."""


class IndexedSegment(NamedTuple):
    """Contiguous samples of one channel in one file.

    Attributes:
        starttime, endtime: of the first and the last sample (epoch seconds UTC).
        sampling_rate: Hz.
        foff, nbytes: place in the file, as the index has it (bytes; of other formats than miniSEED the trace's number).
        last_packet_time: start of the last miniSEED record; None for other formats.
    """

    net: str
    sta: str
    loc: str
    chan: str
    starttime: float
    endtime: float
    npts: int
    sampling_rate: float
    foff: int
    nbytes: int
    last_packet_time: float | None = None


def segment_document(segment: IndexedSegment, path: Path, format: str = MINISEED) -> WfMiniseedFields:
    """Its document, without what an ingest gives it."""
    document: WfMiniseedFields = {
        "net": segment.net,
        "sta": segment.sta,
        "loc": segment.loc,
        "chan": segment.chan,
        "channel_group": channel_group(segment.net, segment.sta, segment.loc, segment.chan),
        "starttime": segment.starttime,
        "endtime": segment.endtime,
        "npts": segment.npts,
        "sampling_rate": segment.sampling_rate,
        "delta": 1.0 / segment.sampling_rate,
        "foff": segment.foff,
        "nbytes": segment.nbytes,
        "dir": os.path.dirname(os.path.abspath(path)),
        "dfile": path.name,
        "format": format,
        "storage_mode": "file",
        "time_standard": "UTC",
    }
    if segment.last_packet_time is not None:
        document["last_packet_time"] = segment.last_packet_time
    return document
