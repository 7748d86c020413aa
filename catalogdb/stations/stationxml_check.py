"""What of a StationXML tree can be used: bad values are found element by element, before ObsPy reads the rest.

ObsPy refuses a whole file for one bad value, or takes it as absent: a channel whose start can't be read would count
from 1970 on. Source of the elements: FDSN StationXML 1.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from catalogdb.geo import distance_azimuth, turned
from catalogdb.stations.epochs import parse_time
from catalogdb.stations.metadata import (
    FAR_KM,
    FARTHEST_KM,
    HIGHEST_RATE_HZ,
    bad_coordinates,
    bad_depth,
    bad_elevation,
    bad_epoch,
    is_code,
    is_location,
    location_code,
)
from catalogdb.xml_text import local_name

NAMESPACE = "http://www.fdsn.org/xml/station/1"
PLACE = ("Latitude", "Longitude", "Elevation")
KEPT = {
    "FDSNStationXML": ("Network",),
    "Network": ("Station",),
    "Station": (*PLACE, "Channel"),
    "Channel": (*PLACE, "Depth", "Azimuth", "Dip", "SampleRate", "Response"),
}
"""What becomes documents; the rest (comments, equipment, operators, ...) can be wrong without harm."""
ATTRIBUTES = ("code", "locationCode", "startDate", "endDate")
LIMITS = {"Azimuth": (0.0, 360.0), "Dip": (-90.0, 90.0), "SampleRate": (0.0, HIGHEST_RATE_HZ)}
METRES = ("", "M", "METER", "METERS", "METRE", "METRES")


class StationXmlCheck:
    """Takes out of a tree, in place, what can't be used.

    Args:
        path: the file, for the lines on it.
        default_network: code of networks that have none.

    Attributes:
        rejected, warnings: as in `StationMetadata`.
    """

    def __init__(self, path: Path, default_network: str = ""):
        self._path, self._default_network = path, default_network
        self.rejected: list[str] = []
        self.warnings: list[str] = []

    def check(self, root: Any) -> None:
        """Leave the stations and channels that can be used, in the namespace and form that ObsPy reads."""
        self._use_namespace(root)
        _keep(root)
        for name, text in (("Created", "1970-01-01T00:00:00"), ("Source", "")):
            _insist(root, name, text)
        for network in _children(root, "Network"):
            code = (network.get("code") or "").strip() or self._default_network
            network.attrib.clear()
            network.set("code", code)
            _keep(network)
            stations = list(_children(network, "Station"))
            if code and not is_code(code):
                self._reject(f"network {code[:40]!r}", f"no network code; its {len(stations)} stations are left out")
                root.remove(network)
                continue
            for station in stations:
                if not self._takes_station(code, station):
                    network.remove(station)

    def _use_namespace(self, root: Any) -> None:
        namespace = root.tag.rpartition("}")[0].lstrip("{")
        version = root.get("schemaVersion", "")
        if namespace != NAMESPACE:
            self.warnings.append(f"{self._path}: namespace {namespace!r} is not StationXML's; read as {NAMESPACE}")
            for element in root.iter():
                if isinstance(element.tag, str) and element.tag.rpartition("}")[0].lstrip("{") == namespace:
                    element.tag = _tag(local_name(element))
        if not version.startswith("1."):
            self.warnings.append(f"{self._path}: schemaVersion {version!r} is not known; read as 1.2")
            root.set("schemaVersion", "1.2")

    def _takes_station(self, net: str, station: Any) -> bool:
        code = (station.get("code") or "").strip()
        name = f"{net}.{code}"
        _keep(station)
        if not is_code(code):
            channels = len(list(_children(station, "Channel")))
            self._reject(name, f"{code[:40]!r} is no station code; its {channels} channels are left out")
            return False
        _insist(_insist(station, "Site"), "Name")
        for channel in list(_children(station, "Channel")):
            if reason := self._bad_channel(name, channel):
                self._reject(_channel_name(name, channel), reason)
                station.remove(channel)
        return self._check_own_place(name, station) and self._check_own_dates(name, station)

    def _bad_channel(self, station: str, channel: Any) -> str | None:
        """Why a channel can't be used; its values are brought to the form that ObsPy reads."""
        code = (channel.get("code") or "").strip()
        if not is_code(code):
            return f"{code[:40]!r} is no channel code"
        if "locationCode" not in channel.attrib:
            self.warnings.append(f"{self._path}: {station}.{code}: no location code; taken as empty")
        location = location_code(channel.get("locationCode"))
        if not is_location(location):
            return f"{location[:40]!r} is no location code"
        channel.set("locationCode", location)
        _keep(channel)
        if reason := _bad_dates(channel) or self._bad_place(_channel_name(station, channel), channel):
            return reason
        depth, reason = _number(channel, "Depth")
        if reason := reason or ("no depth" if depth is None else bad_depth(depth)):
            return reason
        for name, (lowest, highest) in LIMITS.items():
            value, reason = _number(channel, name)
            if reason:
                return reason
            if value is not None and not lowest <= value <= highest:
                return f"{name} {value:g} is outside {lowest:g}..{highest:g}"
        return None

    def _check_own_place(self, name: str, station: Any) -> bool:
        """Where a station's own place can't be, its first channel's stands for it; channels far off are left out."""
        channels = list(_children(station, "Channel"))
        if reason := self._bad_place(name, station):
            if not channels:
                self._reject(name, reason)
                return False
            self.warnings.append(f"{self._path}: {name}: {reason}; the place of its channels is used")
            for tag in PLACE:
                if (element := _child(station, tag)) is not None:
                    station.remove(element)
                _insist(station, tag, _child(channels[0], tag).text)
        if not channels:
            return True
        places = [[float(_child(item, tag).text) for tag in PLACE[:2]] for item in (station, *channels)]
        (latitude, longitude), *others = places
        distances, _ = distance_azimuth(latitude, longitude, [row[0] for row in others], [row[1] for row in others])
        moved = {}
        for channel, distance_km in zip(channels, distances, strict=True):
            if distance_km > FARTHEST_KM:
                self._reject(
                    _channel_name(name, channel), f"it lies {distance_km:.0f} km from its station: one place is wrong"
                )
                station.remove(channel)
            elif distance_km > FAR_KM:
                moved[_channel_name(name, channel)] = float(distance_km)
        if moved:
            self.warnings.append(
                f"{self._path}: {name}: {len(moved)} channel epochs lie up to {max(moved.values()):.1f} km from the "
                "station's own place; the channels' places are used, each for its time"
            )
        return True

    def _check_own_dates(self, name: str, station: Any) -> bool:
        """Where a station's own dates can't be, its channels' stand for them."""
        reason = _bad_dates(station)
        if not reason:
            return True
        channels = list(_children(station, "Channel"))
        if not channels:
            self._reject(name, reason)
            return False
        self.warnings.append(f"{self._path}: {name}: {reason}; the dates of its channels are used")
        for attribute, choose in (("startDate", min), ("endDate", max)):
            dates = [channel.get(attribute) for channel in channels]
            station.attrib.pop(attribute, None)
            if None not in dates:
                station.set(attribute, choose(dates))
        return True

    def _bad_place(self, name: str, element: Any) -> str | None:
        values = []
        for tag in PLACE:
            value, reason = _number(element, tag)
            if reason:
                return reason
            values.append(math.nan if value is None else value)
        latitude, longitude, elevation_m = values
        if reason := bad_coordinates(latitude, longitude) or bad_elevation(elevation_m):
            return reason
        _child(element, "Longitude").text = repr(turned(longitude))
        for tag in ("Elevation", "Depth"):
            item = _child(element, tag)
            unit = "" if item is None else item.get("unit", "")
            if unit.strip().upper() not in METRES:
                self.warnings.append(f"{self._path}: {name}: unit {unit[:20]!r} of its {tag}; taken as metres")
        for tag in (*PLACE, "Depth"):  # uncertainties and units, which ObsPy refuses the file for
            if (item := _child(element, tag)) is not None:
                item.attrib.clear()
        return None

    def _reject(self, name: str, reason: str) -> None:
        self.rejected.append(f"{self._path}: {name}: {reason}")


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _children(element: Any, name: str) -> Iterator[Any]:
    return iter(element.findall(_tag(name)))


def _child(element: Any, name: str) -> Any:
    return element.find(_tag(name))


def _insist(element: Any, name: str, text: str = "") -> Any:
    """Give an element a child that ObsPy can't do without."""
    child = element.makeelement(_tag(name))
    child.text = text
    element.insert(0, child)
    return child


def _channel_name(station: str, channel: Any) -> str:
    name = f"{station}.{channel.get('locationCode', '')}.{channel.get('code', '')}"
    start = channel.get("startDate")
    return f"{name} from {start[:19]}" if start else name


def _keep(element: Any) -> None:
    """Drop what isn't read: other children, other attributes, and all but the first of values that stand once."""
    several = ("Network", "Station", "Channel")
    kept = [_tag(name) for name in KEPT[local_name(element)]]
    seen = set()
    for child in list(element):
        if child.tag not in kept or (child.tag in seen and local_name(child) not in several):
            element.remove(child)
        seen.add(child.tag)
    if local_name(element) in several:
        for name in [name for name in element.attrib if name not in ATTRIBUTES]:
            del element.attrib[name]
        element.set("code", (element.get("code") or "").strip())


def _number(element: Any, name: str) -> tuple[float | None, str | None]:
    """A child's value, and why it is none; an empty or absent child is neither."""
    child = _child(element, name)
    if child is None:
        return None, None
    text = (child.text or "").strip()
    if not text:
        element.remove(child)
        return None, None
    try:
        value = float(text)
    except ValueError:
        return None, f"{name} {text[:40]!r} is no number"
    if math.isnan(value):
        element.remove(child)
        return None, None
    for attribute in ("plusError", "minusError"):
        child.attrib.pop(attribute, None)
    child.text = repr(value)
    return value, None


def _bad_dates(element: Any) -> str | None:
    times = {}
    for attribute in ("startDate", "endDate"):
        try:
            times[attribute] = parse_time(element.get(attribute))
        except ValueError as error:
            return f"{attribute} {error}"
        element.attrib.pop(attribute, None)
        if times[attribute] is not None:
            element.set(attribute, str(times[attribute]))
    return bad_epoch(*times.values())
