"""Station metadata from StationXML and csv files, as one ObsPy Inventory and as `site` and `channel` documents.

Sources: FDSN StationXML 1.2; MsPASS's units and keys (elevation in km, `hang` azimuth, `vang` angle from the upward
vertical).
"""

from __future__ import annotations

import csv
import io
import math
import re
import warnings as python_warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalogdb.errors import InputError

if TYPE_CHECKING:
    from obspy import Inventory, UTCDateTime
    from obspy.core.inventory import Channel, Station

ALWAYS = 0.0
"""Start of an epoch whose start nobody wrote down, as MsPASS has it (epoch seconds)."""
OPEN_END = 2556144000.0
"""End of an epoch that is still open: 2051-01-01, as MsPASS has it (epoch seconds)."""
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


@dataclass
class StationMetadata:
    """What one file tells.

    Attributes:
        inventory: each station epoch once, with its channels; csv stations have none.
        rejected: records left out, each as "file: record: reason".
        warnings: things worth knowing that left nothing out.
    """

    inventory: Inventory
    rejected: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


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
        return _read_stationxml(Path(path), content)
    return _read_csv(Path(path), content, default_network)


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
        document |= _finite("sensitivity", sensitivity.value) | _finite("sensitivity_frequency", sensitivity.frequency)
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
            document |= _finite("normalization_factor", float(a0) * to_radians ** (len(poles) - len(zeros)))
        if "input_units" not in document and stages[0].input_units:
            document["input_units"] = stages[0].input_units.upper()
    return document or None


def site_documents(inventory: Inventory, source: str) -> list[dict[str, Any]]:
    """`site` documents: one per station epoch and location code; where epochs of one location lie apart, the first
    one's place."""
    documents = {}
    for network in inventory:
        for station in network:
            places: dict[str, Any] = {}
            for channel in sorted(station.channels, key=lambda item: _start(item.start_date)):
                places.setdefault(channel.location_code, channel)
            for loc, place in (places or {"": station}).items():
                document = {
                    "net": network.code,
                    "sta": station.code,
                    "loc": loc,
                    **_place(place),
                    "starttime": _start(station.start_date),
                    "endtime": _end(station.end_date),
                    "source": source,
                }
                documents.setdefault((network.code, station.code, loc, document["starttime"]), document)
    return list(documents.values())


def channel_documents(inventory: Inventory, source: str) -> list[dict[str, Any]]:
    """`channel` documents: one per channel epoch; orientation and response are absent where the file doesn't know
    them."""
    documents = {}
    for network in inventory:
        for station in network:
            for channel in station.channels:
                document = {
                    "net": network.code,
                    "sta": station.code,
                    "loc": channel.location_code,
                    "chan": channel.code,
                    **_place(channel),
                    **_finite("edepth", channel.depth, 1e-3),
                    **_finite("hang", channel.azimuth),
                    "starttime": _start(channel.start_date),
                    "endtime": _end(channel.end_date),
                    **_finite("sampling_rate", channel.sample_rate or None),
                    "source": source,
                }
                if channel.dip is not None:
                    document |= _finite("vang", float(channel.dip) + 90.0)
                if response := response_document(channel):
                    document["response"] = response
                documents.setdefault(
                    (network.code, station.code, channel.location_code, channel.code, document["starttime"]), document
                )
    return list(documents.values())


def _place(item: Station | Channel) -> dict[str, float]:
    return {"lat": float(item.latitude), "lon": float(item.longitude), "elev": float(item.elevation) / 1000.0}


def _finite(name: str, value: Any, factor: float = 1.0) -> dict[str, float]:
    return {} if value is None or not math.isfinite(float(value)) else {name: float(value) * factor}


def _start(time: UTCDateTime | None) -> float:
    return ALWAYS if time is None else time.timestamp


def _end(time: UTCDateTime | None) -> float:
    return OPEN_END if time is None else min(time.timestamp, OPEN_END)


def _read_stationxml(path: Path, content: bytes) -> StationMetadata:
    import obspy
    from obspy.core.inventory import Inventory, Network

    if b"FDSNStationXML" not in content[:4096]:
        raise InputError(f"{path}: XML, but not StationXML: no FDSNStationXML element at its start")
    rejected: list[str] = []
    with python_warnings.catch_warnings(record=True) as caught:
        python_warnings.simplefilter("always")
        try:
            inventory = obspy.read_inventory(io.BytesIO(content), format="STATIONXML")
        except Exception as error:  # lxml's and ObsPy's errors have no common base
            raise InputError(f"{path}: not valid StationXML: {_short(error)}") from error
    found = sorted({_short(warning.message) for warning in caught if "oordinate" not in str(warning.message)})
    rejected += [
        f"{path}: {reason}" for reason in sorted({_short(w.message) for w in caught if "oordinate" in str(w.message)})
    ]
    networks: dict[str, Network] = {}
    for network in inventory:
        target = networks.setdefault(network.code, Network(code=network.code))
        for station in network:
            _merge_station(target, station, path, rejected)
    kept = [network for network in networks.values() if network.stations]
    if not kept and not rejected:
        found.append("no station in it")
    return StationMetadata(Inventory(networks=kept), rejected, [f"{path}: {text}" for text in found])


def _merge_station(target: Any, station: Station, path: Path, rejected: list[str]) -> None:
    """Files of OGS and INGV repeat `<Station>` for each channel: equal code and start make one station."""
    name = f"{target.code}.{station.code}"
    good_channels = []
    for channel in station.channels:
        if channel.location_code == "--":  # how some write an empty one
            channel.location_code = ""
        if reason := _bad_place(channel):
            rejected.append(f"{path}: {name}.{channel.location_code}.{channel.code}: {reason}")
        else:
            good_channels.append(channel)
    if reason := _bad_place(station):
        rejected.append(f"{path}: {name}: {reason}")
        return
    for known in target.stations:
        if known.code == station.code and _start(known.start_date) == _start(station.start_date):
            break
    else:
        known = station
        known.channels = []
        target.stations.append(known)
    if known.end_date is not None and (station.end_date is None or station.end_date > known.end_date):
        known.end_date = station.end_date
    present = {(item.location_code, item.code, _start(item.start_date)): item for item in known.channels}
    for channel in good_channels:
        key = (channel.location_code, channel.code, _start(channel.start_date))
        if key not in present:
            known.channels.append(channel)
            present[key] = channel
        elif _differs(channel, present[key]):
            record = f"{name}.{channel.location_code}.{channel.code}"
            rejected.append(f"{path}: {record}: the same epoch twice, with different metadata; the first is used")


def _differs(one: Channel, other: Channel) -> bool:
    names = ("latitude", "longitude", "elevation", "depth", "azimuth", "dip", "sample_rate", "end_date")
    return any(getattr(one, name) != getattr(other, name) for name in names)


def _bad_place(item: Station | Channel) -> str | None:
    if item.latitude is None or item.longitude is None:
        return "no coordinates"
    latitude, longitude = float(item.latitude), float(item.longitude)
    if item.elevation is None or not math.isfinite(float(item.elevation)):
        return "no elevation"
    return _bad_coordinates(latitude, longitude)


def _bad_coordinates(latitude: float, longitude: float) -> str | None:
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return "no coordinates"
    if not -90 <= latitude <= 90:
        return f"latitude {latitude} is outside -90..90"
    if not -180 <= longitude <= 360:
        return f"longitude {longitude} is outside -180..360"
    if latitude == 0 and longitude == 0:
        return "coordinates 0, 0: taken as unknown"
    return None


def _read_csv(path: Path, content: bytes, default_network: str) -> StationMetadata:
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
    reason = _bad_coordinates(latitude, longitude)
    return (latitude, longitude - 360.0 if longitude > 180.0 else longitude, elevation_m), reason


def _short(error: object) -> str:
    return " ".join(str(error).split())[:200]
