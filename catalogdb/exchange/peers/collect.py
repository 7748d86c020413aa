"""Events of a catalog -> what other locators can take of them; what they can't is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from catalogdb.documents.data import Event, OriginArrival, Pick
from catalogdb.exchange.event_parts import preferred_origin
from catalogdb.exchange.peers.events import WORST_WEIGHT, PeerEvent, Position
from catalogdb.phases import phase_type

LONGEST_CODE = 7
"""Of stations, in HypoDD's files."""
UNLOCATED, NO_ARRIVALS, UNKNOWN = "events without a location", "events without arrivals", "arrivals of unknown stations"
NO_FIRST_ARRIVALS = "arrivals that are no first P or S"
SECOND_OF_A_CODE = "arrivals of stations whose code another one has"
AS_ZERO = {
    "depth_km": "events without a depth, written as 0 km",
    "magnitude": "events without a magnitude, written as 0",
}
"""Formats of numbers alone have no word for these."""


class PeerCollector:
    """Takes events; `written` and `left_out` count what became of them, `stations` are those that they have, and
    `unknown` counts the fields of `AS_ZERO` that those written lack.

    Args:
        positions: of stations by (network, station).
    """

    def __init__(self, positions: Mapping[tuple[str, str], Position]):
        self._positions = positions
        self.written: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.stations: dict[str, Position] = {}

    def take(self, events: Iterable[tuple[Event, list[Pick]]]) -> list[PeerEvent]:
        """Events with a location and arrivals, numbered from 1."""
        found: list[PeerEvent] = []
        for event, picks in events:
            arrivals = self._arrivals(event)
            if arrivals:
                self.unknown.update(name for name in AS_ZERO if name not in event)
                of_pick: Mapping[str, Any] = {pick["_id"]: pick for pick in picks}
                own = [of_pick.get(arrival["pick_id"], {}) for arrival in arrivals]
                weights = [_weight(arrival, pick) for arrival, pick in zip(arrivals, own, strict=True)]
                found.append(
                    PeerEvent(
                        len(found) + 1,
                        event["_id"],
                        preferred_origin(event),
                        float(event.get("magnitude") or 0.0),
                        arrivals,
                        weights,
                        [pick.get("uncertainty") for pick in own],
                    )
                )
        return found

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
            if position is None or len(arrival["sta"]) > LONGEST_CODE:
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


def _weight(arrival: OriginArrival, pick: Mapping[str, Any]) -> int:
    """0..4: the analyst's, else by what the location gave the arrival."""
    if pick.get("hypo71_weight") is not None:
        return min(max(int(pick["hypo71_weight"]), 0), WORST_WEIGHT)
    return round(WORST_WEIGHT * (1.0 - min(max(arrival.get("weight", 1.0), 0.0), 1.0)))
