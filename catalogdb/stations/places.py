"""Where a station stands at a time: the place of the channel, as `site` and `channel` documents have it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NotRequired, TypedDict, cast

from catalogdb.documents.archive import Channel, Site
from catalogdb.documents.data import Pick


class Place(NamedTuple):
    """Degrees (WGS84), km above sea level."""

    latitude: float
    longitude: float
    elevation_km: float


class StationRow(TypedDict):
    """A station at one place, as `associate` takes it: degrees, km above sea level; `place` is 0 where absent."""

    net: str
    sta: str
    latitude: float
    longitude: float
    elevation_km: float
    place: NotRequired[int]


class PlacedPick(Pick):
    """A pick with the number of its station's place; 0 where absent."""

    place: NotRequired[int]


class _Epoch(NamedTuple):
    loc: str
    chan: str
    starttime: float
    endtime: float
    place: Place

    def overlap(self, starttime: float, endtime: float) -> float:
        return min(self.endtime, endtime) - max(self.starttime, starttime)


class StationPlaces:
    """Places of stations by time.

    Args:
        sites: `site` documents: net, sta, loc, lat, lon, elev, starttime, endtime.
        channels: `channel` documents: the same, and chan; where a pick names its sensor they come first.
    """

    def __init__(self, sites: Iterable[Site], channels: Iterable[Channel] = ()):
        self._sites = _by_station(sites)
        self._channels = _by_station(channels)
        self._networks: dict[str, set[str]] = defaultdict(set)
        for net, sta in self._sites:
            self._networks[sta].add(net)

    def at(self, net: str, sta: str, time: float, loc: str | None = None, chan: str | None = None) -> Place | None:
        """The place of a station at a time (epoch seconds); None where none of its epochs holds it.

        Of a known location code or channel its own place, else that of the station's first location code. Where
        epochs overlap the one that began last counts. Bulletins know no location codes: theirs, empty, may be any.
        """
        sites = [row for row in self._sites.get((net, sta), ()) if row.starttime <= time < row.endtime]
        if loc is not None and chan:
            channels = [row for row in self._channels.get((net, sta), ()) if row.starttime <= time < row.endtime]
            for length in (len(chan), 2):  # the channel, else another of its sensor
                alike = [row for row in channels if row.loc == loc and row.chan[:length] == chan[:length]]
                if alike:
                    return max(alike, key=lambda row: row.starttime).place
        own = [row for row in sites if row.loc == loc] if loc is not None else []
        rows = own or [row for row in sites if row.loc == sites[0].loc]
        return max(rows, key=lambda row: row.starttime).place if rows else None

    def of_pick(self, pick: Pick) -> Place | None:
        """The place of a pick's sensor at its time; the only network with its station counts where it names none."""
        return self.at(*self._station(pick), pick["time"], pick.get("loc"), pick.get("chan"))

    def _during(self, net: str, sta: str, starttime: float, endtime: float) -> list[Place]:
        """Where the station's first location code stands for most of `[starttime, endtime)`; none: nowhere."""
        rows = [row for row in self._sites.get((net, sta), ()) if row.overlap(starttime, endtime) > 0]
        first = [row for row in rows if row.loc == rows[0].loc]
        return [max(first, key=lambda row: row.overlap(starttime, endtime)).place] if first else []

    def nearest(self, net: str, sta: str, time: float) -> Place | None:
        """Where the station stands in the epoch that is nearest to a time (epoch seconds)."""
        rows = self._sites.get((net, sta))
        if not rows:
            return None
        return min(rows, key=lambda row: (max(row.starttime - time, time - row.endtime, 0.0), -row.starttime)).place

    def moves(self, net: str, sta: str) -> bool:
        """True for a station that `site` has at more than one place."""
        return len({row.place for row in self._sites.get((net, sta), ())}) > 1

    def stations(self, starttime: float, endtime: float) -> list[tuple[str, str]]:
        """Codes (net, sta) of the stations with an epoch that meets `[starttime, endtime)`, in order."""
        return [
            station
            for station, rows in sorted(self._sites.items())
            if any(row.overlap(starttime, endtime) > 0 for row in rows)
        ]

    def rows(
        self, picks: Sequence[Pick], starttime: float, endtime: float
    ) -> tuple[list[StationRow], list[PlacedPick]]:
        """Stations and picks of a window as `associate` takes them.

        A station has one row for each place that its picks were recorded at, told apart by `place` (0, 1, ... in order
        of time), which its picks name too where it isn't 0: so a sensor that moves within the window, or stands apart
        under another location code, has its own travel times. A station without picks has the place that it kept
        longest.

        Returns:
            rows with net, sta, latitude, longitude (degrees), elevation_km and, beyond the first, place; and the picks.
        """
        found: dict[tuple[str, str], list[Place]] = defaultdict(list)
        placed: list[PlacedPick] = []
        for pick in picks:
            place = self.of_pick(pick)
            number = 0
            if place is not None:
                known = found[self._station(pick)]
                if place not in known:
                    known.append(place)
                number = known.index(place)
            placed.append({**pick, "place": number} if number else cast(PlacedPick, pick))
        stations: list[StationRow] = []
        for net, sta in sorted({*self.stations(starttime, endtime), *found}):
            places = found.get((net, sta)) or self._during(net, sta, starttime, endtime)
            for number, place in enumerate(places):
                row = StationRow(
                    net=net,
                    sta=sta,
                    latitude=place.latitude,
                    longitude=place.longitude,
                    elevation_km=place.elevation_km,
                )
                if number:
                    row["place"] = number
                stations.append(row)
        return stations, placed

    def _station(self, pick: Pick) -> tuple[str, str]:
        net, sta = pick.get("net") or "", pick["sta"]
        if not net and len(networks := self._networks.get(sta, ())) == 1:
            net = next(iter(networks))
        return net, sta


def _by_station(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[_Epoch]]:
    stations: dict[tuple[str, str], list[_Epoch]] = defaultdict(list)
    for row in rows:
        place = Place(row["lat"], row["lon"], row["elev"])
        epoch = _Epoch(row.get("loc") or "", row.get("chan") or "", row["starttime"], row["endtime"], place)
        stations[row["net"], row["sta"]].append(epoch)
    for epochs in stations.values():
        epochs.sort()
    return dict(stations)
