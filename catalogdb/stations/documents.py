"""An ObsPy Inventory as `site` and `channel` documents.

Sources: FDSN StationXML 1.2; MsPASS's units and keys (elevation in km, `hang` azimuth, `vang` angle from the upward
vertical).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalogdb.stations.epochs import epoch_end, epoch_start, finite
from catalogdb.stations.response import response_document

if TYPE_CHECKING:
    from obspy import Inventory
    from obspy.core.inventory import Channel, Station


def site_documents(inventory: Inventory, source: str) -> list[dict[str, Any]]:
    """`site` documents: one per station epoch and location code; where epochs of one location lie apart, the first
    one's place."""
    documents = {}
    for network in inventory:
        for station in network:
            places: dict[str, Any] = {}
            for channel in sorted(station.channels, key=lambda item: epoch_start(item.start_date)):
                places.setdefault(channel.location_code, channel)
            for loc, place in (places or {"": station}).items():
                document = {
                    "net": network.code,
                    "sta": station.code,
                    "loc": loc,
                    **_place(place),
                    "starttime": epoch_start(station.start_date),
                    "endtime": epoch_end(station.end_date),
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
    return list(documents.values())


def _place(item: Station | Channel) -> dict[str, float]:
    return {"lat": float(item.latitude), "lon": float(item.longitude), "elev": float(item.elevation) / 1000.0}
