"""An ObsPy Inventory as `site` and `channel` documents.

Sources: FDSN StationXML 1.2; MsPASS's units and keys (elevation in km, `hang` azimuth, `vang` angle from the upward
vertical).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from catalogdb.channels import SENSOR_PRIORITY
from catalogdb.documents.archive import Channel as ChannelDocument
from catalogdb.documents.archive import Site
from catalogdb.documents.free import AnyDocument
from catalogdb.geo import turned
from catalogdb.stations.epochs import epoch_end, epoch_start, finite
from catalogdb.stations.response import response_document

if TYPE_CHECKING:
    from obspy import Inventory
    from obspy.core.inventory import Channel, Station


def site_documents(inventory: Inventory, source: str) -> list[Site]:
    """`site` documents: one for each time that a station's location code keeps its place.

    A station epoch is parted where the place of its channels changes. Where channels of one location stand at several
    places at once, the best sensor's counts (`SENSOR_PRIORITY`, vertical first).
    """
    documents: dict[tuple[Any, ...], AnyDocument] = {}
    for network in inventory:
        for station in network:
            for loc, start, end, item in _standing_places(station):
                document = {
                    "net": network.code,
                    "sta": station.code,
                    "loc": loc,
                    **_place(item),
                    **finite("edepth", getattr(item, "depth", getattr(item, "depth_m", None)), 1e-3),
                    "starttime": start,
                    "endtime": end,
                    "source": source,
                }
                documents.setdefault((network.code, station.code, loc, start), document)
    return cast(list[Site], list(documents.values()))


def channel_documents(inventory: Inventory, source: str) -> list[ChannelDocument]:
    """`channel` documents: one per channel epoch; orientation and response are absent where the file doesn't know
    them."""
    documents: dict[tuple[Any, ...], AnyDocument] = {}
    for network in inventory:
        for station in network:
            for channel in station.channels:
                document = {
                    "net": network.code,
                    "sta": station.code,
                    "loc": channel.location_code,
                    "chan": channel.code,
                    **_place(channel),
                    **finite("edepth", channel.depth, 1e-3),
                    **finite("hang", channel.azimuth),
                    "starttime": epoch_start(channel.start_date),
                    "endtime": epoch_end(channel.end_date),
                    **finite("sampling_rate", channel.sample_rate or None),
                    "source": source,
                }
                if channel.dip is not None:
                    document |= finite("vang", float(channel.dip) + 90.0)
                if response := response_document(channel):
                    document["response"] = response
                documents.setdefault(
                    (network.code, station.code, channel.location_code, channel.code, document["starttime"]), document
                )
    return cast(list[ChannelDocument], list(documents.values()))


def _standing_places(station: Station) -> Iterator[tuple[str, float, float, Station | Channel]]:
    """Location code, start and end (epoch seconds) of each time with one place, and what stands there."""
    start, end = epoch_start(station.start_date), epoch_end(station.end_date)
    by_location: dict[str, list[Channel]] = defaultdict(list)
    for channel in station.channels:
        by_location[channel.location_code].append(channel)
    if not by_location:
        yield getattr(station, "location_code", ""), start, end, station
    for loc, channels in by_location.items():
        places: list[tuple[float, Channel]] = []
        for time in _changes(channels, start, end):
            item = _standing(channels, time)
            if places and (item is None or _place(item) == _place(places[-1][1])):
                continue
            places.append((time, item or min(channels, key=lambda channel: epoch_start(channel.start_date))))
        for (begin, item), until in zip(places, [begin for begin, _ in places[1:]] + [end], strict=True):
            yield loc, begin, until, item


def _changes(channels: list[Channel], start: float, end: float) -> list[float]:
    """Starts of epochs, and the ends after which none of the sensor's channels goes on."""
    spans = [(item.code[:2], epoch_start(item.start_date), epoch_end(item.end_date)) for item in channels]
    edges = {begin for _, begin, _ in spans}
    edges |= {
        until
        for sensor, _, until in spans
        if not any(other == sensor and begin <= until < last for other, begin, last in spans)
    }
    return [start, *sorted(edge for edge in edges if start < edge < end)]


def _standing(channels: list[Channel], time: float) -> Channel | None:
    """The best of the channels there are at a time; of its epochs the one that began last."""
    there = [item for item in channels if epoch_start(item.start_date) <= time < epoch_end(item.end_date)]
    return min(there, key=_preference, default=None)


def _preference(channel: Channel) -> tuple[Any, ...]:
    sensor = channel.code[:2]
    rank = SENSOR_PRIORITY.index(sensor) if sensor in SENSOR_PRIORITY else len(SENSOR_PRIORITY)
    return rank, sensor, not channel.code.endswith("Z"), channel.code, -epoch_start(channel.start_date)


def _place(item: Station | Channel) -> dict[str, float]:
    longitude = turned(float(item.longitude))
    return {"lat": float(item.latitude), "lon": longitude, "elev": float(item.elevation) / 1000.0}
