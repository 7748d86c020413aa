"""What all writers for other locators take: events by number, their first P and S, stations and a model of layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np

from catalogdb.documents.data import OriginArrival
from catalogdb.traveltimes.velocity import VelocityConfig

Position = tuple[float, float, float]
"""Latitude and longitude (degrees), elevation (km above sea level)."""
MOST_STEPS = 20
"""HYPOINVERSE takes no more layers."""
THINNEST_KM = 0.05
"""Nodes that are closer stand for an interface."""
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
    origin: Mapping[str, Any]
    magnitude: float
    arrivals: list[OriginArrival]
    weights: list[int]
    uncertainties: list[float | None]

    @property
    def depth_km(self) -> float:
        """0 where the origin has none."""
        return float(self.origin.get("depth_km") or 0.0)

    @property
    def written_time(self) -> tuple[datetime, float]:
        """The minute and the seconds of the origin time, as precise as all formats but NonLinLoc's write it."""
        return moment(self.origin["time"], 2)

    @property
    def started(self) -> float:
        """The same in epoch seconds: travel and differential times count from it, so they keep what rounding took."""
        date, seconds = self.written_time
        return date.timestamp() + seconds


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
        left_out: arrivals that the program has no room for, by reason; the writer counts them.
    """

    events: list[PeerEvent]
    stations: dict[str, Position]
    velocity: VelocityConfig
    linked: list[tuple[int, int]] = field(default_factory=list)
    correlated: list[PeerPair] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def layers(self) -> list[tuple[float, float, float]]:
        """Top (km below sea level), P and S speed (km/s) of each layer, or of each node of a gradient."""
        return self.velocity.rows

    @property
    def below_sea_level(self) -> list[tuple[float, float, float]]:
        """The same from sea level down: the first one, or first node, is at 0."""
        below = [layer for layer in self.layers if layer[0] > 0.0]
        if self.velocity.gradient:
            tops, *speeds = zip(*self.layers, strict=True)
            vp, vs = (float(np.interp(0.0, tops, own)) for own in speeds)
            return [(0.0, vp, vs), *below]
        above = [layer for layer in self.layers if layer[0] <= 0.0]
        return [(0.0, *(above or below)[-1 if above else 0][1:]), *below[0 if above else 1 :]]

    def in_steps(self, layers: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
        """Layers of one speed each, no more than about `MOST_STEPS`, in place of a gradient between nodes."""
        if not self.velocity.gradient or len(layers) < 2:
            return layers
        between = [(up, low) for up, low in pairwise(np.array(layers)) if low[0] - up[0] > THINNEST_KM]
        graded = [bool((up[1:] != low[1:]).any()) for up, low in between]
        most = (MOST_STEPS - 1 - graded.count(False)) // max(graded.count(True), 1)
        steps = []
        for (up, low), is_graded in zip(between, graded, strict=True):
            parts = max(min(most, int((low[0] - up[0]) / THINNEST_KM)), 1) if is_graded else 1
            for part in range(parts):
                top = up[0] + (low[0] - up[0]) * part / parts
                vp, vs = up[1:] + (low[1:] - up[1:]) * (part + 0.5) / parts
                steps.append((float(top), float(vp), float(vs)))
        return [*steps, layers[-1]]

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
        rows = [f"{event.number},{event.event_id},{event.started:.2f}\n" for event in self.events]
        return "number,event_id,time\n" + "".join(rows)


def moment(time: float, digits: int) -> tuple[datetime, float]:
    """The minute that a time (epoch seconds) lies in, and the seconds since, rounded to below 60."""
    whole = int(round(time, digits) // 60.0)
    return datetime.fromtimestamp(60.0 * whole, UTC), round(time - 60.0 * whole, digits) + 0.0  # of -0.0, 0.0


def minutes(degrees: float) -> tuple[int, float]:
    """Whole degrees and minutes of an absolute value, below 60."""
    hundredths = round(abs(degrees) * 60.0 * 10_000.0)
    return hundredths // 600_000, hundredths % 600_000 / 10_000.0
