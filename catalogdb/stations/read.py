"""One file of station metadata, told apart by content."""

from __future__ import annotations

import re
from pathlib import Path

from catalogdb.decoding import read_bytes
from catalogdb.errors import InputError
from catalogdb.stations.metadata import StationMetadata
from catalogdb.stations.nonlinloc import GTSRCE, read_gtsrce
from catalogdb.stations.stationxml import read_by_obspy, read_xml
from catalogdb.stations.table import read_table

BEFORE_XML = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"
"""Byte order marks, UTF-16's zero bytes, white space."""
SEED_VOLUME = re.compile(rb"\d{6}V ")


def read_stations(path: Path, default_network: str = "") -> StationMetadata:
    """Read StationXML, a SeisComP or Arclink inventory, dataless SEED, XML-SEED, NonLinLoc's GTSRCE lines,
    fdsnws-station text or a csv table; packed or not, in any encoding.

    Args:
        default_network: network code for stations that have none.

    Raises:
        InputError: naming file and reason, when the file as a whole is not usable.
    """
    path = Path(path)
    content = read_bytes(path)
    if not content.strip():
        raise InputError(f"{path}: the file is empty")
    if content.lstrip(BEFORE_XML).startswith(b"<"):
        return read_xml(path, content, default_network)
    if SEED_VOLUME.match(content):
        return read_by_obspy(path, content, "SEED", default_network)
    read = read_gtsrce if GTSRCE.search(content) else read_table
    return read(path, content, default_network)
