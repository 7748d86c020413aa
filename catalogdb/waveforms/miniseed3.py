"""miniSEED 3 (FDSN, 2023) -> ObsPy's traces, by pymseed, since ObsPy reads miniSEED 2 alone."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obspy import Trace

MINISEED3 = "MSEED3"
"""As `wf_miniseed.format` has it."""
SIGNATURE = b"MS\x03"
FIXED_BYTES = 40
LENGTHS = struct.Struct("<BHI")
"""Of the source identifier, the extra headers and the data, from byte 33 of a record on."""


def read_miniseed3(content: bytes) -> list[Trace]:
    """The traces of a file's records: by source identifier and time, without gaps in any; start times to 1 ns.

    Raises:
        ValueError: for a file that is cut, or holds something else behind a record.
        pymseed.MiniSEEDError: for a record whose checksum or data are wrong.
    """
    import numpy as np
    from obspy import Trace, UTCDateTime
    from pymseed import MS3TraceList, sourceid2nslc

    _check_whole(content)
    traces = []
    for of_channel in MS3TraceList.from_buffer(content, unpack_data=True):
        network, station, location, channel = sourceid2nslc(of_channel.sourceid)
        codes = {"network": network, "station": station, "location": location, "channel": channel}
        for stretch in of_channel:
            times = {"starttime": UTCDateTime(ns=stretch.starttime), "sampling_rate": stretch.samprate}
            traces.append(Trace(np.array(stretch.np_datasamples), codes | times))
    return traces


def _check_whole(content: bytes) -> None:
    """pymseed passes over what is left behind the last whole record."""
    at = 0
    while at < len(content):
        if content[at : at + 3] != SIGNATURE:
            raise ValueError(f"byte {at} begins no record of miniSEED 3")
        if at + FIXED_BYTES > len(content):
            raise ValueError(f"the record at byte {at} is cut")
        at += FIXED_BYTES + sum(LENGTHS.unpack_from(content, at + 33))
    if at > len(content):
        raise ValueError(f"the file is cut: its last record should end at byte {at}, not {len(content)}")
