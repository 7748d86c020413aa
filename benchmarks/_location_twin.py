"""A synthetic twin of a catalog: its stations, its events' places and which picks they have, but times whose errors are
known. The locators are given another velocity model than the one that the times are made in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from catalogdb.location.arrivals import Arrivals, Network
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer

READING_SECONDS = (0.03, 0.05, 0.08, 0.15, 0.3)
"""Standard deviation of a P reading by its weight, 0 to 4; of S half as much again."""
SITE_SECONDS = (0.08, 0.14)
PATH_SECONDS = (0.12, 0.2)
"""Standard deviations of P and S: of a station's own delay, and of a path of 30 km."""
SOURCE_KM, STATION_KM = 20.0, 30.0
"""Distances of sources and of stations at which path errors correlate by 1/e."""
OUTLIERS, OUTLIER_SECONDS = 0.02, 3.0
MODEL_OFF = 0.03
"""Standard deviation of the logarithm of the speeds that the locators don't know."""


def unknown_model(velocity: VelocityConfig, rng: np.random.Generator) -> VelocityConfig:
    """A model that differs from the one that is used: other speeds and Vp/Vs in layers of other depths, and a slower
    top."""
    layers = velocity.layers or ()
    depths = [layer.depth_km * np.exp(0.1 * rng.standard_normal()) for layer in layers]
    vp = [layer.vp * np.exp(MODEL_OFF * rng.standard_normal()) for layer in layers]
    ratio = [layer.vp / layer.vs * np.exp(0.4 * MODEL_OFF * rng.standard_normal()) for layer in layers]
    rows = [(3.0 if number == 0 else depth, p, p / r) for number, (depth, p, r) in enumerate(
        zip(depths, vp, ratio, strict=True))]  # fmt: skip
    top = (0.0, rows[0][1] * 0.93, rows[0][2] * 0.91)
    return VelocityConfig(layers=tuple(VelocityLayer(depth_km=d, vp=p, vs=s) for d, p, s in (top, *rows)))


def twin(
    arrivals: Arrivals,
    truth: np.ndarray,
    weight: np.ndarray,
    network: Network,
    velocity: VelocityConfig,
    seed: int,
) -> Arrivals:
    """Arrivals with made times.

    Args:
        arrivals: which stations and phases each event has; their times are replaced.
        truth: (x, y, depth, time) of the events, km, and s after the reference.
        weight: of each pick, 0 (best) to 4: (events, arrivals).
        network: the stations.
        velocity: the model that the locators use.
        seed: of the random numbers.
    """
    rng = np.random.default_rng(seed)
    x, y, z = (axis[arrivals.station] for axis in (network.x_km, network.y_km, network.depth_km))
    distance = np.hypot(truth[:, :1] - x, truth[:, 1:2] - y)
    model = unknown_model(velocity, rng)
    reach = (float(network.depth_km.min()), float(network.depth_km.max()))
    travel = travel_times(model, float(distance.max()), 0.0, 40.0, reach)(distance, truth[:, 2:3], z, arrivals.is_s)
    phase = arrivals.is_s.astype(int)
    shared = rng.standard_normal((len(network.x_km), 1))
    site = (0.8 * shared + 0.6 * rng.standard_normal((len(network.x_km), 2))) * SITE_SECONDS
    length = np.hypot(distance, truth[:, 2:3] - z)
    path = _paths(truth, network, rng)[np.arange(len(arrivals))[:, None], arrivals.station, phase]
    path = path * np.asarray(PATH_SECONDS)[phase] * np.sqrt(np.maximum(length, 1.0) / 30.0)
    reading = np.asarray(READING_SECONDS)[weight] * np.where(arrivals.is_s, 1.5, 1.0)
    error = reading * rng.standard_normal(reading.shape)
    outlier = rng.random(reading.shape) < OUTLIERS
    error = np.where(outlier, rng.uniform(-OUTLIER_SECONDS, OUTLIER_SECONDS, reading.shape), error)
    time = truth[:, 3:4] + travel + site[arrivals.station, phase] + path + error
    return replace(arrivals, time=np.where(arrivals.present, time, 0.0))


def _paths(truth: np.ndarray, network: Network, rng: np.random.Generator) -> np.ndarray:
    """Unit normal errors of paths, (events, stations, phases), correlated between near sources and near stations."""
    apart = np.sqrt(((truth[:, None, :3] - truth[None, :, :3]) ** 2).sum(axis=-1))
    stations = np.hypot(network.x_km[:, None] - network.x_km, network.y_km[:, None] - network.y_km)
    of_sources = np.linalg.cholesky(np.exp(-apart / SOURCE_KM) + 1e-6 * np.eye(len(truth)))
    of_stations = np.linalg.cholesky(np.exp(-stations / STATION_KM) + 1e-6 * np.eye(len(stations)))
    independent = rng.standard_normal((2, len(truth), len(stations)))
    p, s = of_sources @ independent @ of_stations.T
    return np.stack([p, 0.7 * p + np.sqrt(1.0 - 0.49) * s], axis=-1)
