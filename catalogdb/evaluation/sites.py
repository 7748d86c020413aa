"""Where stations stand and which network they are of, by the numbers that the comparison gives them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from catalogdb.documents.archive import Site
from catalogdb.evaluation.columns import Codes, Events
from catalogdb.evaluation.pairing import haversine_km
from catalogdb.stations.places import Place, StationPlaces


@dataclass
class Sites:
    """Coordinates (degrees; NaN where unknown) and network numbers by station number, grown as stations come up."""

    stations: Codes
    networks: Codes
    _known: dict[str, tuple[float, float, str]]
    _moved: dict[str, Callable[[float], Place | None]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        rows: Sequence[Site],
        recorded: Iterable[tuple[str, str]],
        stations: Codes,
        networks: Codes,
    ) -> Sites:
        """Stations go by their code alone, since bulletins know no networks; a code in several has none of its own.

        Args:
            rows: `site` documents by start time: net, sta, loc, lat, lon, elev, starttime, endtime.
            recorded: (net, sta) of the waveforms.
        """
        by_time = StationPlaces(rows)
        places: dict[str, tuple[float, float]] = {}
        nets: dict[str, set[str]] = defaultdict(set)
        moved: dict[str, Callable[[float], Place | None]] = {}
        for row in rows:
            places[row["sta"]] = (row["lat"], row["lon"])
            nets[row["sta"]].add(row["net"])
            if by_time.moves(row["net"], row["sta"]):
                moved[row["sta"]] = partial(by_time.at, row["net"], row["sta"])
        for net, sta in recorded:
            nets[sta].add(net)
        known = {}
        for station, codes in nets.items():
            named = codes - {""}
            known[station] = (*places.get(station, (np.nan, np.nan)), named.pop() if len(named) == 1 else "")
        return cls(stations, networks, known, moved)

    def _table(self) -> list[tuple[float, float, str]]:
        return [self._known.get(station, (np.nan, np.nan, "")) for station in self.stations]

    def distances_km(self, station: NDArray[np.int32], events: Events, event: NDArray[np.int64]) -> np.ndarray:
        """Epicentral distance of each (station, position of its event or -1); NaN where either place is unknown."""
        places = np.array([row[:2] for row in self._table()], float).reshape(-1, 2)
        distance = np.full(len(station), np.nan)
        with_event = np.flatnonzero(event >= 0)
        at, place = event[with_event], places[station[with_event]]
        codes = list(self.stations)
        moving = [number for number, sta in enumerate(codes) if sta in self._moved]
        for number in np.flatnonzero(np.isin(station[with_event], moving)):
            then = self._moved[codes[station[with_event[number]]]](float(events.time[at[number]]))
            if then is not None:
                place[number] = then.latitude, then.longitude
        distance[with_event] = haversine_km(events.latitude[at], events.longitude[at], place[:, 0], place[:, 1])
        return distance

    def networks_of(self, station: NDArray[np.int32], network: NDArray[np.int32]) -> NDArray[np.int32]:
        """The network numbers, with that of the station's site or waveforms where a pick itself has none."""
        unknown = self.networks[""]
        own = np.array([self.networks[row[2]] for row in self._table()], np.int32)
        return np.where(network == unknown, own[station], network).astype(np.int32)
