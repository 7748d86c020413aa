"""Tables of stations and channels: csv in the columns and separators that people use, and fdsnws-station text."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from obspy import UTCDateTime

from catalogdb.decoding import decode
from catalogdb.errors import InputError
from catalogdb.geo import turned
from catalogdb.stations.epochs import epoch_start, parse_time
from catalogdb.stations.metadata import (
    HIGHEST_RATE_HZ,
    StationMetadata,
    TablePlace,
    bad_coordinates,
    bad_depth,
    bad_elevation,
    bad_epoch,
    is_code,
    is_location,
    location_code,
)
from catalogdb.stations.table_columns import OF_CHANNELS, column_names, find_columns, number, unused_columns

if TYPE_CHECKING:
    from obspy.core.inventory import Channel

FDSN_HEADERS = {
    8: "#Network|Station|Latitude|Longitude|Elevation|SiteName|StartTime|EndTime",
    17: "#Network|Station|Location|Channel|Latitude|Longitude|Elevation|Depth|Azimuth|Dip|SensorDescription|Scale"
    "|ScaleFreq|ScaleUnits|SampleRate|StartTime|EndTime",
}
"""fdsnws-station text by its number of columns, for files that have lost their header."""
LONGEST_LOCATION = 2
HIGHEST_KM = 9.0


@dataclass
class _Row:
    """One line, its values checked: degrees, metres; `unused_id` is an id whose channel code counts for nothing."""

    line: int
    net: str
    sta: str
    loc: str
    chan: str
    latitude: float = math.nan
    longitude: float = math.nan
    elevation_m: float = math.nan
    depth_m: float = math.nan
    start: UTCDateTime | None = None
    end: UTCDateTime | None = None
    values: dict[str, float] = field(default_factory=dict)
    units: str = ""
    unused_id: str = ""

    @property
    def name(self) -> str:
        return ".".join(part for part in (self.net, self.sta) if part) or "no station code"


def read_table(path: Path, content: bytes, default_network: str = "") -> StationMetadata:
    """Read a table whose first line names the columns; rows with a channel code become channels, others stations.

    Raises:
        InputError: naming file and reason, when the file as a whole is not usable.
    """
    from obspy.core.inventory import Inventory

    metadata = StationMetadata(Inventory(networks=[]))
    header_line, names, rows = _table(path, content)
    if names[0] == "network" and "totalstations" in names:
        metadata.notes.append(
            f"{path}: fdsnws-station text of level network: {len(rows)} networks and no station; ask the service for "
            "level=station or level=channel"
        )
        return metadata
    column = find_columns(path, header_line, names)
    if "loc" in column and not _are_locations(rows, column["loc"]):
        del column["loc"]  # names of places
    if "chan" not in column:
        column = {meaning: at for meaning, at in column.items() if meaning not in OF_CHANNELS}
    if unused := unused_columns(names, column):
        metadata.notes.append(f"{path}: columns not used: {', '.join(unused)}")
    good: list[_Row] = []
    for line, cells in rows:
        row, reason = _row(line, cells, names, column, default_network)
        if reason:
            metadata.rejected.append(f"{path}: line {line}: {row.sta or 'no station code'}: {reason}")
        else:
            good.append(row)
    if with_channel := [row.unused_id for row in good if row.unused_id]:
        metadata.notes.append(
            f"{path}: channel codes of {len(with_channel)} ids such as {with_channel[0]} are not used, their rows are "
            "stations; in a column of its own, channel, a code makes its row a channel"
        )
    _judge_elevations(path, column, good, metadata)
    _take(path, good, metadata)
    if not rows:
        metadata.notes.append(f"{path}: a valid table with no station in it")
    return metadata


def _table(path: Path, content: bytes) -> tuple[int, list[str], list[tuple[int, list[str]]]]:
    """Line number and names of the header, and the rows under it, each with its line number."""
    try:
        text = decode(path, content)
    except InputError as error:
        raise InputError(f"{path}: neither StationXML nor text", hint=str(error)) from error
    if "\0" in text:
        raise InputError(f"{path}: neither StationXML nor text")
    lines = text.splitlines(keepends=True)
    first = next((at for at, line in enumerate(lines) if _is_header(line)), 0)
    delimiter = max(",;\t|", key=lines[first].count)
    table = io.StringIO("".join(lines[first:]), newline="")
    quoting: Literal[0, 3] = csv.QUOTE_NONE if delimiter == "|" else csv.QUOTE_MINIMAL
    reader = csv.reader(table, delimiter=delimiter, quoting=quoting)
    try:
        rows = [(first + reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"{path}: line {first + reader.line_num}: {error}") from error
    if not rows:
        raise InputError(f"{path}: the file is empty")
    names = column_names(rows[0][1])
    if delimiter == "|" and len(names) in FDSN_HEADERS and "station" not in names:
        return 0, column_names(FDSN_HEADERS[len(names)].split("|")), rows
    return rows[0][0], names, [row for row in rows[1:] if not row[1][0].lstrip().startswith("#")]


def _is_header(line: str) -> bool:
    """False for blank lines, and for comments before the line that names the columns."""
    return bool(line.strip()) and not (line.lstrip().startswith("#") and not any(mark in line for mark in ",;\t|"))


def _are_locations(rows: list[tuple[int, list[str]]], at: int) -> bool:
    cells = {location_code(row[at]) for _, row in rows if at < len(row)}
    return all(len(cell) <= LONGEST_LOCATION and is_location(cell) for cell in cells)


def _row(
    line: int, cells: list[str], names: list[str], column: dict[str, int], default_network: str
) -> tuple[_Row, str | None]:
    """One line, and the reason to reject it."""
    found = {meaning: cells[at].strip() if at < len(cells) else "" for meaning, at in column.items()}
    net, sta, chan = found.get("net", ""), found["sta"], found.get("chan", "")
    loc = location_code(found.get("loc"))
    behind: list[str] = []
    if "." in sta:  # an id such as CX.PB01. or CX.PB01.00.BHZ
        first, sta, *behind = sta.split(".")
        net = net or first
        loc = loc or location_code(behind[0] if behind else "")
    row = _Row(line, net or default_network, sta, loc, chan)
    if len(behind) > 2:
        return row, f"{found['sta'][:40]!r} is no id NET.STA.LOC.CHAN"
    if len(behind) == 2 and behind[1] and not chan:
        row.unused_id = found["sta"]
    if any(cell.strip() for cell in cells[len(names) :]):
        return row, f"{len(cells)} cells, but the first line names {len(names)} columns"
    if not is_code(sta):
        return row, f"{sta[:40]!r} is no station code"
    if not is_location(loc):
        return row, f"{loc[:40]!r} is no location code"
    for what, code in (("network", row.net), ("channel", chan)):
        if code and not is_code(code):
            return row, f"{code[:40]!r} is no {what} code"
    try:
        return row, _fill(row, found)
    except ValueError as error:
        return row, str(error)


def _fill(row: _Row, found: dict[str, str]) -> str | None:
    """Enter the numbers and times of a line; gives the reason to reject it."""
    row.latitude, row.longitude = (number(found[name], name) for name in ("latitude", "longitude"))
    if reason := bad_coordinates(row.latitude, row.longitude):
        return reason
    row.longitude = turned(row.longitude)
    for name in ("elevation", "depth"):
        metres, kilometres = (number(found.get(f"{name}_{unit}", ""), f"{name}_{unit}") for unit in ("m", "km"))
        setattr(row, f"{name}_m", kilometres * 1000 if math.isnan(metres) else metres)
    if not math.isnan(row.elevation_m) and (reason := bad_elevation(row.elevation_m)):
        return reason
    if not math.isnan(row.depth_m) and (reason := bad_depth(row.depth_m)):
        return reason
    for name in ("start", "end"):
        try:
            setattr(row, name, parse_time(found.get(name)))
        except ValueError as error:
            raise ValueError(f"{name} {error}") from error
    if reason := bad_epoch(row.start, row.end):
        return reason
    if not row.chan:
        return None
    row.values = {name: number(found.get(name, ""), name) for name in OF_CHANNELS if name != "scale_units"}
    row.units = found.get("scale_units", "")
    limits = {"azimuth": (0.0, 360.0), "dip": (-90.0, 90.0), "sample_rate": (0.0, HIGHEST_RATE_HZ)}
    for name, (lowest, highest) in limits.items():
        if not math.isnan(row.values[name]) and not lowest <= row.values[name] <= highest:
            return f"{name} {row.values[name]:g} is outside {lowest:g}..{highest:g}"
    return None


def _judge_elevations(path: Path, column: dict[str, int], rows: list[_Row], metadata: StationMetadata) -> None:
    """The unit of a column shows in all its values: kilometres in a column of metres are small and have decimals."""
    for row in rows:
        if math.isnan(row.elevation_m):
            metadata.warnings.append(f"{path}: line {row.line}: {row.sta}: no elevation; taken as sea level")
    known = [row.elevation_m for row in rows if not math.isnan(row.elevation_m)]
    look_like_km = len(known) > 1 and any(value % 1 for value in known) and max(map(abs, known)) <= HIGHEST_KM
    if "elevation_m" in column and look_like_km:
        metadata.warnings.append(
            f"{path}: elevations from {min(known):g} to {max(known):g} m: if they are kilometres, name the column "
            "elevation_km and ingest the file again"
        )


def _take(path: Path, rows: list[_Row], metadata: StationMetadata) -> None:
    """The rows as stations and channels; of two that say different things of one epoch the first is used."""
    from obspy.core.inventory import Network, Site, Station

    networks: dict[str, Network] = {}
    known: dict[tuple[Any, ...], _Row] = {}
    stations: dict[tuple[str, str], Station] = {}
    for row in rows:
        first = known.setdefault((row.net, row.sta, row.loc, row.chan, epoch_start(row.start)), row)
        if first is not row:
            if _content(first) != _content(row):
                what = "place" if _place(first) != _place(row) else "metadata"
                metadata.rejected.append(
                    f"{path}: line {row.line}: {row.sta}: already in line {first.line} with another {what}; the first "
                    "is used"
                )
            continue
        network = networks.setdefault(row.net, Network(code=row.net))
        latitude, longitude, elevation_m, _ = _place(row)
        place = {"latitude": latitude, "longitude": longitude, "elevation": elevation_m, "site": Site(name=row.sta)}
        if not row.chan:
            table_place = TablePlace(row.sta, **place, start_date=row.start, end_date=row.end)
            table_place.location_code = row.loc
            table_place.depth_m = None if math.isnan(row.depth_m) else row.depth_m
            network.stations.append(table_place)
            continue
        station = stations.get((row.net, row.sta))
        if station is None:
            station = stations[row.net, row.sta] = Station(row.sta, **place, start_date=row.start, end_date=row.end)
            network.stations.append(station)
        elif station.start_date is not None and (row.start is None or row.start < station.start_date):
            station.start_date = row.start
        if station.end_date is not None and (row.end is None or row.end > station.end_date):
            station.end_date = row.end
        station.channels.append(_channel(row))
    metadata.inventory.networks = list(networks.values())


def _place(row: _Row) -> tuple[float, float, float, float]:
    return (
        row.latitude,
        row.longitude,
        0.0 if math.isnan(row.elevation_m) else row.elevation_m,
        0.0 if math.isnan(row.depth_m) else row.depth_m,
    )


def _content(row: _Row) -> tuple[str, ...]:
    return repr(_place(row)), repr(row.end), repr(row.values), row.units


def _channel(row: _Row) -> Channel:
    from obspy.core.inventory import Channel, InstrumentSensitivity, Response

    latitude, longitude, elevation_m, depth_m = _place(row)
    known = {name: None if math.isnan(value) else value for name, value in row.values.items()}
    channel = Channel(
        row.chan,
        row.loc,
        latitude,
        longitude,
        elevation_m,
        depth_m,
        azimuth=known["azimuth"],
        dip=known["dip"],
        sample_rate=known["sample_rate"],
        start_date=row.start,
        end_date=row.end,
    )
    if known["scale"] is not None:
        channel.response = Response(
            instrument_sensitivity=InstrumentSensitivity(
                known["scale"], known["scale_frequency"] or 1.0, row.units or None, "COUNTS"
            )
        )
    return channel
