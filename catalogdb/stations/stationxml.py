"""StationXML and SeisComP inventories, read by ObsPy after a check of each element."""

from __future__ import annotations

import copy
import io
import warnings as python_warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalogdb.errors import InputError
from catalogdb.stations.epochs import epoch_end, epoch_start
from catalogdb.stations.metadata import StationMetadata, short
from catalogdb.stations.stationxml_check import StationXmlCheck
from catalogdb.xml_text import local_name, parse_xml

OF_OBSPY = {"seiscomp": "SC3ML", "xseed": "XSEED", "inventory": "INVENTORYXML"}
"""ObsPy's formats of XML that it converts, by the root element."""
FETCH_AGAIN = "is the file whole? fetch it again from its source"

if TYPE_CHECKING:
    from obspy import Inventory
    from obspy.core.inventory import Channel, Network, Station


def read_xml(path: Path, content: bytes, default_network: str = "") -> StationMetadata:
    """Read StationXML, or a SeisComP inventory by way of it.

    Raises:
        InputError: naming file and reason, when the file as a whole is not usable.
    """
    root, said = parse_xml(path, content, "StationXML", FETCH_AGAIN)
    name = local_name(root)
    if name in OF_OBSPY:
        from lxml import etree

        root = _as_stationxml(path, etree.tostring(root), OF_OBSPY[name])
    elif name != "FDSNStationXML":
        raise InputError(
            f"{path}: XML, but not StationXML: its root element is {name[:40]}, FDSNStationXML is wanted",
            hint="catalogdb ingest catalog reads QuakeML",
        )
    return _checked(path, root, said, default_network)


def read_by_obspy(path: Path, content: bytes, obspy_format: str, default_network: str = "") -> StationMetadata:
    """Read dataless SEED by way of StationXML.

    Args:
        obspy_format: as `obspy.read_inventory` has it.

    Raises:
        InputError: naming file and reason, when ObsPy can't read it.
    """
    return _checked(path, _as_stationxml(path, content, obspy_format), [], default_network)


def _checked(path: Path, root: Any, said: list[str], default_network: str) -> StationMetadata:
    check = StationXmlCheck(path, default_network)
    check.check(root)
    metadata = StationMetadata(None, check.rejected, [*said, *check.warnings])
    networks = _merged(_inventory(path, root, metadata), path, metadata)
    _part_repeated_epochs(networks, path, metadata)
    if not networks and not metadata.rejected:
        metadata.notes.append(f"{path}: a valid file with no station in it")
    from obspy.core.inventory import Inventory

    metadata.inventory = Inventory(networks=networks)
    return metadata


def _as_stationxml(path: Path, content: bytes, obspy_format: str) -> Any:
    """Metadata of another format as StationXML, converted by ObsPy."""
    import obspy

    with _warnings():
        try:
            inventory = obspy.read_inventory(io.BytesIO(content), format=obspy_format)
            buffer = io.BytesIO()
            inventory.write(buffer, format="STATIONXML")
        except Exception as error:  # ObsPy's readers have errors of any kind
            what = "this SeisComP inventory" if obspy_format == "SC3ML" else f"it as {obspy_format}"
            raise InputError(
                f"{path}: ObsPy can't read {what}: {short(error)}",
                hint="export it as StationXML (SeisComP: fdsnxml2inv --to-staxml), or ask your data centre for it",
            ) from error
    return parse_xml(path, buffer.getvalue(), "StationXML", FETCH_AGAIN)[0]


def _inventory(path: Path, root: Any, metadata: StationMetadata) -> Inventory:
    """What ObsPy reads of the tree; responses that it can't read are left out of their channels."""
    import obspy
    from lxml import etree

    def read(element: Any) -> Inventory:
        return obspy.read_inventory(io.BytesIO(etree.tostring(element)), format="STATIONXML")

    with _warnings() as caught:
        try:
            inventory = read(root)
        except Exception:  # lxml's and ObsPy's errors have no common base
            _drop_unreadable_responses(path, root, metadata, read)
            try:
                inventory = read(root)
            except Exception as error:
                raise InputError(f"{path}: not valid StationXML: {short(error)}") from error
    metadata.warnings += sorted({f"{path}: {short(warning.message)}" for warning in caught})
    return inventory


def _drop_unreadable_responses(path: Path, root: Any, metadata: StationMetadata, read: Any) -> None:
    """Find the channels whose response ObsPy refuses, each read alone."""
    response = root.tag.replace("FDSNStationXML", "Response")
    for element in list(root.iter(response)):
        channel = element.getparent()
        station, network = channel.getparent(), channel.getparent().getparent()
        try:
            read(_alone(root, network, station, channel))
        except Exception as error:
            codes = network.get("code"), station.get("code"), channel.get("locationCode"), channel.get("code")
            channel.remove(element)
            metadata.warnings.append(
                f"{path}: {'.'.join(codes)}: its response can't be read ({short(error)}); kept without it, so it "
                "gives no magnitude"
            )


def _alone(root: Any, *line: Any) -> Any:
    """A copy of a tree with just one channel."""
    copied = target = root.makeelement(root.tag, root.attrib)
    for child in root:
        if local_name(child) != "Network":
            copied.append(copy.deepcopy(child))
    for element in line[:-1]:
        inner = target.makeelement(element.tag, element.attrib)
        for child in element:
            if local_name(child) not in ("Station", "Channel"):
                inner.append(copy.deepcopy(child))
        target.append(inner)
        target = inner
    target.append(copy.deepcopy(line[-1]))
    return copied


@contextmanager
def _warnings() -> Iterator[list[Any]]:
    """What is warned of meanwhile, so that each line names the file that it is of."""
    with python_warnings.catch_warnings(record=True) as caught:
        python_warnings.simplefilter("always")
        yield caught


def _merged(inventory: Inventory, path: Path, metadata: StationMetadata) -> list[Network]:
    from obspy.core.inventory import Network

    networks: dict[str, Network] = {}
    for network in inventory:
        target = networks.setdefault(network.code, Network(code=network.code))
        for station in network:
            _merge_station(target, station, path, metadata.rejected)
    return [network for network in networks.values() if network.stations]


def _merge_station(target: Network, station: Station, path: Path, rejected: list[str]) -> None:
    """Files of OGS and INGV repeat `<Station>` for each channel: equal code and start make one station."""
    channels = station.channels
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
    for channel in channels:
        key = (channel.location_code, channel.code, epoch_start(channel.start_date))
        if key not in present:
            known.channels.append(channel)
            present[key] = channel
        elif _differs(channel, present[key]):
            record = f"{target.code}.{station.code}.{channel.location_code}.{channel.code}"
            rejected.append(f"{path}: {record}: the same epoch twice, with different metadata; the first is used")


def _part_repeated_epochs(networks: list[Network], path: Path, metadata: StationMetadata) -> None:
    """A channel epoch that stands under several epochs of its station with different metadata: each keeps its part."""
    for network in networks:
        epochs: dict[tuple[str, ...], list[tuple[Station, Channel]]] = {}
        for station in sorted(network.stations, key=lambda station: epoch_start(station.start_date)):
            for channel in station.channels:
                key = (station.code, channel.location_code, channel.code, repr(epoch_start(channel.start_date)))
                epochs.setdefault(key, []).append((station, channel))
        for codes, repeated in epochs.items():
            record = f"{path}: {network.code}.{'.'.join(codes[:3])}"
            _part(record, repeated, metadata)


def _part(record: str, repeated: list[tuple[Station, Channel]], metadata: StationMetadata) -> None:
    _, first = repeated[0]
    starts = {epoch_start(first.start_date)}
    for (before, earlier), (station, channel) in zip(repeated, repeated[1:], strict=False):
        if not _differs(channel, first):
            station.channels.remove(channel)  # the same epoch, listed under each of its station's
            continue
        start = station.start_date
        if start is None or start.timestamp in starts or epoch_end(channel.end_date) <= start.timestamp:
            station.channels.remove(channel)
            metadata.rejected.append(
                f"{record} from {channel.start_date}: stands under two epochs of its station with different metadata, "
                "which can't be told apart by time; the first is used"
            )
            continue
        metadata.warnings.append(
            f"{record} from {channel.start_date}: stands under two epochs of its station with different metadata; "
            f"each is used within its own, which part at {start}"
        )
        starts.add(start.timestamp)
        channel.start_date = start
        if before.end_date is not None or epoch_end(earlier.end_date) > start.timestamp:
            earlier.end_date = min(end for end in (before.end_date, earlier.end_date, start) if end is not None)


def _differs(one: Channel, other: Channel) -> bool:
    names = ("latitude", "longitude", "elevation", "depth", "azimuth", "dip", "sample_rate", "end_date")
    return any(getattr(one, name) != getattr(other, name) for name in names) or one.response != other.response
