"""Made arrivals from exact to poor, in the model that they are located in and in one whose top is slower."""

from __future__ import annotations

import numpy as np

from catalogdb.location.arrivals import Arrivals, Network
from catalogdb.location.locate import Locator
from catalogdb.location.solve import Earth
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer

STATIONS, AREA_KM, DEPTHS_KM = 8, 40.0, (0.0, 30.0)


def _model(*rows: tuple[float, float, float]) -> VelocityConfig:
    return VelocityConfig(layers=tuple(VelocityLayer(depth_km=top, vp=vp, vs=vs) for top, vp, vs in rows))


RIGHT = _model((0.0, 5.85, 3.29), (22.0, 6.8, 3.82))
SLOW_TOP = _model((0.0, 5.5, 3.03), (2.0, 5.85, 3.29), (22.0, 6.8, 3.82))
"""Vertically 22 ms later in P and 52 ms in S."""


def nearly_exact(
    seconds: float, events: int = 60, keep: float = 0.75, velocity: VelocityConfig = RIGHT
) -> tuple[Locator, Arrivals, np.ndarray]:
    """A locator with the model `RIGHT`, arrivals and the true (x, y, depth, time).

    Args:
        seconds: standard deviation of a reading of P; of S half as much again.
        events: how many.
        keep: share of all arrivals that are picked.
        velocity: model that the arrivals are made in.
    """
    rng = np.random.default_rng(7)
    network = Network(*rng.uniform(-AREA_KM, AREA_KM, (2, STATIONS)), -rng.uniform(0.0, 1.5, STATIONS))
    truth = np.column_stack([rng.uniform(-25.0, 25.0, (events, 2)), rng.uniform(3.0, 18.0, events), np.zeros(events)])
    station = np.tile(np.repeat(np.arange(STATIONS), 2), (events, 1))
    is_s = np.tile([False, True], (events, STATIONS))
    reach = (float(network.depth_km.min()), float(network.depth_km.max()))
    used, made = (travel_times(own, 6 * AREA_KM, *DEPTHS_KM, reach) for own in (RIGHT, velocity))
    distance = np.hypot(truth[:, :1] - network.x_km[station], truth[:, 1:2] - network.y_km[station])
    time = made(distance, truth[:, 2:3], network.depth_km[station], is_s)
    time = time + seconds * np.where(is_s, 1.5, 1.0) * rng.standard_normal(time.shape)
    zero = np.zeros(time.shape)
    whole = Arrivals(time, station, is_s, is_s.astype(int), np.ones(time.shape, bool), zero, zero[:, 0])
    arrivals = whole.where(rng.random(time.shape) < keep)
    limit = 2.0 * AREA_KM
    earth = Earth(network, used, np.array([-limit, -limit, DEPTHS_KM[0]]), np.array([limit, limit, DEPTHS_KM[1]]))
    return Locator(earth), arrivals, truth
