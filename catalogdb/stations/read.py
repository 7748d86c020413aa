"""One file of station metadata, told apart by content."""

from __future__ import annotations

from pathlib import Path

from catalogdb.errors import InputError
from catalogdb.stations.metadata import StationMetadata
from catalogdb.stations.stationxml import read_stationxml
from catalogdb.stations.table import read_table


def read_stations(path: Path, default_network: str = "") -> StationMetadata:
    """Read a StationXML or csv file, told apart by content.

    Args:
        default_network: network code for csv rows that have none.

    Raises:
        InputError: naming file and reason, when the file as a whole is not usable.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    if not content.strip():
        raise InputError(f"{path}: the file is empty")
    if content.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<"):
        return read_stationxml(Path(path), content)
    return read_table(Path(path), content, default_network)
