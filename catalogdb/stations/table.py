"""Tables of stations: csv, in the columns and separators that people use."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from catalogdb.errors import InputError
from catalogdb.stations.metadata import StationMetadata, bad_coordinates

LONGEST_CODE = 8

_COLUMNS = {
    "net": ("network", "net", "network_code"),
    "sta": ("station", "sta", "code", "id", "station_code", "station_id"),
    "loc": ("loc", "location", "location_code"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "long", "lng"),
    "elevation_m": ("elevation_m", "elevation", "elev", "elev_m", "elevation(m)", "height_m"),
    "elevation_km": ("elevation_km", "elev_km", "elevation(km)"),
}
_REQUIRED = ("sta", "latitude", "longitude")


def read_table(path: Path, content: bytes, default_network: str) -> StationMetadata:
    from obspy.core.inventory import Inventory, Network, Station
    from obspy.core.inventory import Site as SiteName

    text = _text(path, content)
    delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = ((reader.line_num, row) for row in reader if any(cell.strip() for cell in row))
    column = _columns(path, next(rows)[1])
    rejected: list[str] = []
    warnings: list[str] = []
    stations: dict[tuple[str, str], tuple[int, tuple[float, ...]]] = {}
    networks: dict[str, Network] = {}
    for line, net, sta, place, reason in _csv_stations(rows, column, default_network):
        record = f"{path}: line {line}"
        if reason:
            rejected.append(f"{record}: {sta or 'no station code'}: {reason}")
            continue
        known = stations.setdefault((net, sta), (line, place))
        if known[0] != line:
            if repr(known[1]) != repr(place):
                rejected.append(f"{record}: {sta}: already in line {known[0]} with another place; the first is used")
            continue
        network = networks.setdefault(net, Network(code=net))
        latitude, longitude, elevation_m = place
        if math.isnan(elevation_m):
            warnings.append(f"{record}: {sta}: no elevation; taken as sea level")
            elevation_m = 0.0
        network.stations.append(Station(sta, latitude, longitude, elevation_m, site=SiteName(name=sta)))
    if not stations and not rejected:
        warnings.append(f"{path}: no station in it")
    return StationMetadata(Inventory(networks=list(networks.values())), rejected, warnings)


def _text(path: Path, content: bytes) -> str:
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "latin-1"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise InputError(f"{path}: neither StationXML nor text")


def _columns(path: Path, header: list[str]) -> dict[str, int]:
    names = [name.strip().strip("#").strip().lower().replace(" ", "_") for name in header]
    column = {}
    for meaning, accepted in _COLUMNS.items():
        for name in accepted:
            if name in names:
                column[meaning] = names.index(name)
                break
    if missing := [meaning for meaning in _REQUIRED if meaning not in column]:
        wanted = "; ".join(f"{meaning}: {' or '.join(_COLUMNS[meaning])}" for meaning in missing)
        raise InputError(f"{path}: line 1: columns {', '.join(names)[:200]!r} found; wanted besides: {wanted}")
    return column


def _csv_stations(
    rows: Iterable[tuple[int, list[str]]], column: dict[str, int], default_network: str
) -> Iterator[tuple[int, str, str, tuple[float, float, float], str | None]]:
    """Yield (line number, network, station, (latitude, longitude, elevation in m), reason to reject it)."""
    for line, row in rows:
        cells = {meaning: row[at].strip() for meaning, at in column.items() if at < len(row)}
        net, sta = cells.get("net", ""), cells.get("sta", "")
        if "." in sta:  # an id such as CX.PB01. or CX.PB01..BHZ
            first, sta = sta.split(".")[:2]
            net = net or first
        net = net or default_network
        place, reason = _csv_place(cells)
        if not re.fullmatch(rf"[A-Za-z0-9_\-]{{1,{LONGEST_CODE}}}", sta):
            reason = f"{sta!r} is no station code"
        yield line, net, sta, place, reason


def _csv_place(cells: dict[str, str]) -> tuple[tuple[float, float, float], str | None]:
    values = []
    for meaning in ("latitude", "longitude", "elevation_m", "elevation_km"):
        text = cells.get(meaning, "")
        if text.lower() in ("", "nan", "none", "null", "-"):
            values.append(math.nan)
            continue
        try:
            values.append(float(text.replace(",", ".")))
        except ValueError:
            return (math.nan, math.nan, math.nan), f"{meaning} {text!r} is no number"
    latitude, longitude, elevation_m, elevation_km = values
    if math.isnan(elevation_m):
        elevation_m = elevation_km * 1000
    reason = bad_coordinates(latitude, longitude)
    return (latitude, longitude - 360.0 if longitude > 180.0 else longitude, elevation_m), reason
