"""What all writers for other locators take: events by number, their first P and S, stations and a model of layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from catalogdb.documents.data import OriginArrival
from catalogdb.traveltimes.velocity import VelocityConfig

Position = tuple[float, float, float]
"""Latitude and longitude (degrees), elevation (km above sea level)."""
WORST_WEIGHT = 4
"""Of the weights of HYPO71 and its kin: 0 counts fully, 4 not at all."""


@dataclass(frozen=True)
class PeerEvent:
    """One event.

    Args:
        number: what the other program knows it by; `event_ids.csv` says whose it is.
        event_id: its id.
        origin: the preferred one.
        magnitude: 0 for none.
        arrivals: first P and S of stations that are known, by time.
        weights: 0..4 of each arrival.
        uncertainties: of their picks, s; None where they have none.
    """

    number: int
    event_id: str
    origin: dict[str, Any]
    magnitude: float
    arrivals: list[OriginArrival]
    weights: list[int]
    uncertainties: list[float | None]

    @property
    def depth_km(self) -> float:
        """0 where the origin has none."""
        return float(self.origin.get("depth_km") or 0.0)


@dataclass(frozen=True)
class PeerPair:
    """Differential times of two events by their numbers: station, phase, s (travel times after the origin times that
    are written), weight or coefficient."""

    first: int
    second: int
    times: list[tuple[str, str, float, float]]


@dataclass(frozen=True)
class PeerInput:
    """What one export holds.

    Args:
        events: by time.
        stations: by code.
        velocity: model that the catalog was located in.
        linked: numbers of the events of pairs that the catalog was relocated by.
        correlated: pairs with times by cross-correlation.
    """

    events: list[PeerEvent]
    stations: dict[str, Position]
    velocity: VelocityConfig
    linked: list[tuple[int, int]] = field(default_factory=list)
    correlated: list[PeerPair] = field(default_factory=list)

    @property
    def layers(self) -> list[tuple[float, float, float]]:
        """Top (km below sea level), P and S speed (km/s) of each layer."""
        if self.velocity.homogeneous is not None:
            return [(0.0, *self.velocity.homogeneous)]
        return [(layer.depth_km, layer.vp, layer.vs) for layer in self.velocity.layers or ()]

    @property
    def deepest_km(self) -> float:
        """Depth that tables of travel times have to reach."""
        return max([event.depth_km for event in self.events] + [0.0]) + 20.0

    @property
    def farthest_km(self) -> float:
        """Distance that they have to reach."""
        distances = [float(arrival.get("distance_km") or 0.0) for event in self.events for arrival in event.arrivals]
        return max([*distances, 50.0]) * 1.5 + 50.0

    def ids(self) -> str:
        """`event_ids.csv`: whose the numbers are, with origin times as they are written: differential times count from
        these."""
        rows = [f"{event.number},{event.event_id},{round(event.origin['time'], 2):.2f}\n" for event in self.events]
        return "number,event_id,time\n" + "".join(rows)


def moment(time: float, digits: int) -> tuple[datetime, float]:
    """The minute that a time (epoch seconds) lies in, and the seconds since, rounded to below 60."""
    whole = int(round(time, digits) // 60.0)
    return datetime.fromtimestamp(60.0 * whole, UTC), round(time - 60.0 * whole, digits) + 0.0  # of -0.0, 0.0


def minutes(degrees: float) -> tuple[int, float]:
    """Whole degrees and minutes of an absolute value, below 60."""
    hundredths = round(abs(degrees) * 60.0 * 10_000.0)
    return hundredths // 600_000, hundredths % 600_000 / 10_000.0
