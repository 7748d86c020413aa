"""Input files of other programs that locate: NonLinLoc's observations and HypoDD's phases, with their stations.

Formats: NonLinLoc's `NLLOC_OBS` phase file and `GTSRCE` lines (its documentation, Formats and Control File); ph2dt's
phase and station files (Waldhauser, 2001, hypoDD, USGS Open-File Report 01-113). HypoDD knows whole numbers alone for
events: they count from 1, and `event_ids.csv` says whose they are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TextIO

from catalogdb.documents.data import Event, OriginArrival, Pick
from catalogdb.exchange.tables import preferred_origin
from catalogdb.phases import phase_type

Position = tuple[float, float, float]
"""Latitude and longitude (degrees), elevation (km above sea level)."""
DEFAULT_UNCERTAINTY = 0.1
"""Of picks that have none, s."""
LONGEST_HYPODD_CODE = 7
UNLOCATED, NO_ARRIVALS, UNKNOWN = "events without a location", "events without arrivals", "arrivals of unknown stations"
NO_FIRST_ARRIVALS = "arrivals that are no first P or S"
SECOND_OF_A_CODE = "arrivals of stations whose code another one has"


class PeerWriter:
    """Writes events one after the other; `written` and `left_out` count what became of them.

    Args:
        positions: of stations by (network, station).
    """

    def __init__(self, positions: Mapping[tuple[str, str], Position]):
        self._positions = positions
        self.written: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.stations: dict[str, Position] = {}

    def write_nlloc(self, events: Iterable[tuple[Event, list[Pick]]], stream: TextIO) -> None:
        """Observations of NonLinLoc, each event with its id as a PUBLIC_ID, a blank line behind it."""
        for event, picks in events:
            arrivals = self._arrivals(event)
            if not arrivals:
                continue
            uncertainty = {pick["_id"]: pick.get("uncertainty") for pick in picks}
            stream.write(f"PUBLIC_ID {event['_id']}\n")
            for arrival in arrivals:
                date, seconds = _minute(arrival["time"])
                error = uncertainty.get(arrival["pick_id"]) or DEFAULT_UNCERTAINTY
                stream.write(
                    f"{arrival['sta']:<6s} ?    ?    ? {arrival['phase']:<6s} ? {date:%Y%m%d %H%M} {seconds:9.4f} "
                    f"GAU {error:9.2e} {-1:9.2e} {-1:9.2e} {-1:9.2e} {1:9.4f}\n"
                )
            stream.write("\n")

    def write_nlloc_stations(self, stream: TextIO) -> None:
        """GTSRCE lines of NonLinLoc's control file, of the stations that observations were written of."""
        for sta, (latitude, longitude, elevation_km) in sorted(self.stations.items()):
            stream.write(f"GTSRCE {sta:<6s} LATLON {latitude:11.6f} {longitude:11.6f} 0.0 {elevation_km:7.3f}\n")

    def write_hypodd(self, events: Iterable[tuple[Event, list[Pick]]], stream: TextIO, ids: TextIO) -> None:
        """Phases of ph2dt, and the ids of the events by their numbers."""
        ids.write("number,event_id\n")
        for event, _ in events:
            arrivals = self._arrivals(event)
            if not arrivals:
                continue
            origin, number = preferred_origin(event), self.written["events"]
            date, seconds = _minute(origin["time"], 2)
            stream.write(
                f"# {date:%Y %m %d %H %M} {seconds:6.2f} {origin['latitude']:10.6f} {origin['longitude']:11.6f} "
                f"{origin.get('depth_km') or 0.0:8.3f} {event.get('magnitude') or 0.0:5.2f} "
                f"{origin.get('horizontal_uncertainty_km') or 0.0:7.3f} "
                f"{origin.get('depth_uncertainty_km') or 0.0:7.3f} "
                f"{origin.get('rms') or 0.0:6.3f} {number:9d}\n"
            )
            started = date.timestamp() + seconds  # as it was written: travel times must not lose what rounding took
            for arrival in arrivals:
                weight = min(max(arrival.get("weight", 1.0), 0.0), 1.0)
                stream.write(
                    f"{arrival['sta']:<7s} {arrival['time'] - started:9.4f} {weight:6.3f} "
                    f"{phase_type(arrival['phase'])}\n"
                )
            ids.write(f"{number},{event['_id']}\n")

    def write_hypodd_stations(self, stream: TextIO) -> None:
        """Stations of HypoDD: code, latitude, longitude, elevation in metres."""
        for sta, (latitude, longitude, elevation_km) in sorted(self.stations.items()):
            stream.write(f"{sta:<7s} {latitude:10.6f} {longitude:11.6f} {elevation_km * 1000.0:7.0f}\n")

    def _arrivals(self, event: Event) -> list[OriginArrival]:
        """First P and S of stations that are known, by time; none where the event has no use for a locator."""
        origin = preferred_origin(event)
        if not origin:
            self.left_out[UNLOCATED] += 1
            return []
        found: dict[tuple[str, str | None], OriginArrival] = {}
        for arrival in sorted(origin.get("arrivals", []), key=lambda arrival: arrival["time"]):
            slot = arrival["sta"], phase_type(arrival["phase"])
            if slot[1] is None:
                self.left_out[NO_FIRST_ARRIVALS] += 1
                continue
            position = self._position(arrival.get("net") or "", arrival["sta"])
            if position is None or len(arrival["sta"]) > LONGEST_HYPODD_CODE:
                self.left_out[UNKNOWN] += 1
                continue
            if self.stations.setdefault(arrival["sta"], position) != position:  # the formats know no networks
                self.left_out[SECOND_OF_A_CODE] += 1
                continue
            if slot in found:
                self.left_out[NO_FIRST_ARRIVALS] += 1
                continue
            found[slot] = arrival
        if not found:
            self.left_out[NO_ARRIVALS] += 1
            return []
        self.written["events"] += 1
        self.written["picks"] += len(found)
        return list(found.values())

    def _position(self, net: str, sta: str) -> Position | None:
        """Where a station stands; the only one of its code counts for an arrival without a network."""
        if (net, sta) in self._positions:
            return self._positions[net, sta]
        same = [position for (_, code), position in self._positions.items() if code == sta]
        return same[0] if len(same) == 1 and not net else None


def _minute(time: float, digits: int = 4) -> tuple[datetime, float]:
    """The minute that a time (epoch seconds) lies in, and the seconds since, rounded to below 60."""
    whole = math.floor(round(time, digits) / 60.0)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=whole), round(time - 60.0 * whole, digits)
