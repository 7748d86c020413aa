"""Columns of station tables: the names that people give them, and how their cells are read."""

from __future__ import annotations

import math
from pathlib import Path

from catalogdb.errors import InputError
from catalogdb.stations.epochs import is_absent
from catalogdb.table_header import column_name

COLUMNS = {
    "net": ("network", "net", "network_code"),
    "sta": ("station", "sta", "code", "id", "station_code", "station_id"),
    "loc": ("loc", "location", "location_code", "locationcode", "loc_code"),
    "chan": ("channel", "chan", "cha", "channel_code"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "long", "lng"),
    "elevation_m": ("elevation_m", "elevation", "elev", "elev_m", "elevation(m)", "height_m"),
    "elevation_km": ("elevation_km", "elev_km", "elevation(km)"),
    "depth_m": ("depth_m", "depth", "depth(m)", "burial_depth", "local_depth", "sensor_depth"),
    "depth_km": ("depth_km", "depth(km)"),
    "azimuth": ("azimuth", "hang"),
    "dip": ("dip",),
    "scale": ("scale",),
    "scale_frequency": ("scalefreq", "scale_freq", "scalefrequency", "scale_frequency"),
    "scale_units": ("scaleunits", "scale_units"),
    "sample_rate": ("samplerate", "sample_rate", "sampling_rate"),
    "start": (
        *("starttime", "start_time", "start", "startdate", "start_date", "begin", "begin_time", "begintime"),
        *("ondate", "on_date", "date_on", "starttime(utc)", "valid_from"),
    ),
    "end": (
        *("endtime", "end_time", "end", "enddate", "end_date", "stop", "stop_time", "stoptime"),
        *("offdate", "off_date", "date_off", "endtime(utc)", "valid_to"),
    ),
}
"""Our name -> names of the column, in lower case; the first one present is taken."""
REQUIRED = ("sta", "latitude", "longitude")
OF_CHANNELS = ("azimuth", "dip", "scale", "scale_frequency", "scale_units", "sample_rate")
WITHOUT_LOSS = ("sitename", "site_name", "sensordescription", "description")
"""Columns of fdsnws-station text that the database has no place for."""


def column_names(header: list[str]) -> list[str]:
    """The header's names as `COLUMNS` writes them."""
    return [column_name(name) for name in header]


def find_columns(path: Path, line: int, names: list[str]) -> dict[str, int]:
    """Position of each known column.

    Raises:
        InputError: where one that is needed isn't there.
    """
    column = {}
    for meaning, accepted in COLUMNS.items():
        if found := [name for name in accepted if name in names]:
            column[meaning] = names.index(found[0])
    if missing := [meaning for meaning in REQUIRED if meaning not in column]:
        wanted = "; ".join(f"{meaning}: {' or '.join(COLUMNS[meaning])}" for meaning in missing)
        raise InputError(
            f"{path}: line {line}: columns {', '.join(names)[:200]!r} found; wanted besides: {wanted}",
            hint="the first line names the columns; StationXML and fdsnws-station text are read too",
        )
    return column


def unused_columns(names: list[str], column: dict[str, int]) -> list[str]:
    """Names of the columns that nothing is read from."""
    taken = set(column.values())
    return [name for at, name in enumerate(names) if name and at not in taken and name not in WITHOUT_LOSS]


def number(text: str, what: str) -> float:
    """A cell's number, with a decimal point or comma; NaN where it is absent.

    Raises:
        ValueError: naming what it is no number of.
    """
    if is_absent(text):
        return math.nan
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise ValueError(f"{what} {text[:40]!r} is no number") from None
