"""StationXML files."""

from __future__ import annotations

import io
import warnings as python_warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalogdb.errors import InputError
from catalogdb.stations.epochs import epoch_start
from catalogdb.stations.metadata import StationMetadata, bad_place, short

if TYPE_CHECKING:
    from obspy.core.inventory import Channel, Station


def read_stationxml(path: Path, content: bytes) -> StationMetadata:
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
            raise InputError(f"{path}: not valid StationXML: {short(error)}") from error
    found = sorted({short(warning.message) for warning in caught if "oordinate" not in str(warning.message)})
    rejected += [
        f"{path}: {reason}" for reason in sorted({short(w.message) for w in caught if "oordinate" in str(w.message)})
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
        if reason := bad_place(channel):
            rejected.append(f"{path}: {name}.{channel.location_code}.{channel.code}: {reason}")
        else:
            good_channels.append(channel)
    if reason := bad_place(station):
        rejected.append(f"{path}: {name}: {reason}")
        return
    for known in target.stations:
        if known.code == station.code and epoch_start(known.start_date) == epoch_start(station.start_date):
            break
    else:
        known = station
        known.channels = []
        target.stations.append(known)
    if known.end_date is not None and (station.end_date is None or station.end_date > known.end_date):
        known.end_date = station.end_date
    present = {(item.location_code, item.code, epoch_start(item.start_date)): item for item in known.channels}
    for channel in good_channels:
        key = (channel.location_code, channel.code, epoch_start(channel.start_date))
        if key not in present:
            known.channels.append(channel)
            present[key] = channel
        elif _differs(channel, present[key]):
            record = f"{name}.{channel.location_code}.{channel.code}"
            rejected.append(f"{path}: {record}: the same epoch twice, with different metadata; the first is used")


def _differs(one: Channel, other: Channel) -> bool:
    names = ("latitude", "longitude", "elevation", "depth", "azimuth", "dip", "sample_rate", "end_date")
    return any(getattr(one, name) != getattr(other, name) for name in names)
