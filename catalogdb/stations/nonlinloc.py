"""Stations of NonLinLoc: the GTSRCE lines of its control files (NonLinLoc, Control File, Generic statements)."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from catalogdb.decoding import decode
from catalogdb.errors import InputError
from catalogdb.stations.metadata import StationMetadata, bad_coordinates, bad_elevation, is_code
from catalogdb.stations.table import read_table

GTSRCE = re.compile(rb"^\s*GTSRCE\s", re.MULTILINE)
COLUMNS = ("network", "station", "latitude", "longitude", "elevation_m")
ANGLE_PARTS = {"LATLON": 1, "LATLONDM": 2, "LATLONDS": 3}
"""Numbers that an angle has: degrees, minutes and seconds; with more than one, N, S, E or W follows."""


def read_gtsrce(path: Path, content: bytes, default_network: str = "") -> StationMetadata:
    """Read the GTSRCE lines of a text, whatever else is in it. They know no network.

    Raises:
        InputError: naming the file, when none of the lines is usable.
    """
    good: dict[str, tuple[float, float, float]] = {}
    rejected = []
    for number, line in enumerate(decode(path, content).splitlines(), 1):
        words = line.split()
        if not words or words[0] != "GTSRCE":
            continue
        try:
            place = _place(words)
            if good.setdefault(words[1], place) != place:
                raise ValueError("it stands at another place before")
        except ValueError as error:
            rejected.append(f"{path}: line {number}: {' '.join(words[1:2]) or 'no station code'}: {error}")
    if not good:
        raise InputError(f"{path}: no usable GTSRCE line" + (f": {rejected[0]}" if rejected else ""))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows((default_network, sta, *map(repr, place)) for sta, place in good.items())
    metadata = read_table(path, text.getvalue().encode(), default_network)
    metadata.rejected = rejected + metadata.rejected
    return metadata


def _place(words: list[str]) -> tuple[float, float, float]:
    """Latitude and longitude (degrees), elevation of the sensor (m)."""
    if len(words) < 3 or not is_code(words[1]):
        raise ValueError("no station code and place")
    if words[2] not in ANGLE_PARTS:
        raise ValueError(f"places as {words[2]} need the control file's projection: give latitude and longitude")
    parts = ANGLE_PARTS[words[2]]
    width = parts + (parts > 1)
    if len(words) < 5 + 2 * width:
        raise ValueError(f"columns are missing: {words[2]} has {5 + 2 * width}")
    latitude, longitude = (
        _angle(words[3 + at * width : 3 + (at + 1) * width], parts, sides) for at, sides in enumerate(("NS", "EW"))
    )
    depth_km, elevation_km = (float(word) for word in words[3 + 2 * width : 5 + 2 * width])
    elevation_m = round((elevation_km - depth_km) * 1000.0, 3)
    if reason := bad_coordinates(latitude, longitude) or bad_elevation(elevation_m):
        raise ValueError(reason)
    return latitude, longitude, elevation_m


def _angle(words: list[str], parts: int, sides: str) -> float:
    numbers = [float(word) for word in words[:parts]]
    degrees = sum(number / 60.0**place for place, number in enumerate(numbers))
    if parts == 1:
        return degrees
    if words[parts].upper() not in tuple(sides):
        raise ValueError(f"{words[parts]} is none of {', '.join(sides)}")
    if not (numbers[0] >= 0.0 and all(0.0 <= number < 60.0 for number in numbers[1:])):
        raise ValueError(f"{' '.join(words[:parts])} are no degrees with parts of 60")
    return -degrees if words[parts].upper() in "SW" else degrees
