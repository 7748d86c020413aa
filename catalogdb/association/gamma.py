"""GaMMA behind plain arrays: same picks, same events, whatever else the process does."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from catalogdb.association.config import AssociateConfig, GammaConfig
from catalogdb.association.prepared import Candidate, PreparedPicks, PreparedStations, Volume
from catalogdb.traveltimes.first_arrivals import LayeredTimes, TravelTimes

SEED = 0
GRID_STEP_KM = 1.0
CLUSTERS_KEPT = 200

# GaMMA draws from NumPy's one global generator.
_one_at_a_time = threading.Lock()


def find_events(
    picks: PreparedPicks,
    stations: PreparedStations,
    volume: Volume,
    times: TravelTimes,
    config: AssociateConfig,
) -> list[Candidate]:
    """Form events from picks (in order of time).

    The picks are cut into clusters first, and every cluster starts from the same random state at its own time zero: a
    cluster's events depend on its picks alone, so that neighbouring windows find the same ones.

    Source: Zhu et al. (2022), doi:10.1029/2021JB023249; package GMMA.
    """
    if len(picks) < config.min_picks:
        return []
    utils = _quiet_gamma()
    from threadpoolctl import threadpool_limits

    settings = config.gamma
    vel = {"p": times.vp, "s": times.vs}
    locations = np.column_stack([stations.x_km, stations.y_km, stations.depth_km])[picks.station]
    phase = _letters(picks.is_s)
    weight = picks.probability[:, None]
    # The number of threads changes the order of sums, and with it the last digits that a mixture starts to grow from.
    with _one_at_a_time, threadpool_limits(limits=1):
        labels = _clusters(utils, picks, locations, phase, weight, vel, stations, settings)
        search = _Search(volume, stations, times, config)
        candidates = []
        for label in np.unique(labels[labels >= 0]):
            rows = np.flatnonzero(labels == label)
            start = picks.time[rows[0]]
            cluster = _Cluster(search, picks.time[rows] - start, picks.station[rows], picks.is_s[rows], weight[rows])
            candidates += [
                replace(found, time=float(start + found.time), picks=tuple(rows[list(found.picks)].tolist()))
                for found in _events_of(cluster)
            ]
    return candidates


def _clusters(
    utils: Any,
    picks: PreparedPicks,
    locations: np.ndarray,
    phase: np.ndarray,
    weight: np.ndarray,
    vel: dict[str, float],
    stations: PreparedStations,
    settings: GammaConfig,
) -> np.ndarray:
    if not settings.use_dbscan:
        return np.zeros(len(picks), dtype=int)
    return utils.hierarchical_dbscan_clustering(
        (picks.time - picks.time[0])[:, None],
        locations,
        phase,
        weight,
        vel,
        eps=settings.dbscan_eps if settings.dbscan_eps is not None else default_eps(stations, vel["p"]),
        min_samples=settings.dbscan_min_samples,
        min_cluster_size=settings.dbscan_min_cluster_size,
        max_time_space_ratio=settings.dbscan_max_time_space_ratio,
    )


def default_eps(stations: PreparedStations, vp: float) -> float:
    """Reach of a cluster (s) from the station spacing: 1.5 times the time to nearly every station's second neighbour.

    The mean plus two standard deviations of the distance to the second nearest other station, as in GaMMA's own
    `estimate_eps`; stations at one place count once, and of two places the other one is the neighbour.
    """
    from scipy.spatial import KDTree

    places = np.column_stack([stations.place_x_km, stations.place_y_km])
    if len(places) < 2:
        return 10.0
    nearest = KDTree(places).query(places, k=min(3, len(places)))[0][:, -1]
    return float(np.clip((nearest.mean() + 2.0 * nearest.std()) / vp * 1.5, 1.0, 30.0))


class _Search:
    """What GaMMA is given besides picks, comparable by content."""

    def __init__(self, volume: Volume, stations: PreparedStations, times: TravelTimes, config: AssociateConfig):
        self.locations = np.column_stack([stations.x_km, stations.y_km, stations.depth_km])
        self.vel, self.method = {"p": times.vp, "s": times.vs}, config.gamma.method
        self.content = (
            volume.minx_km, volume.maxx_km, volume.miny_km, volume.maxy_km,
            volume.region.mindepth_km, volume.region.maxdepth_km,
            self.locations.tobytes(), times.key, config.gamma, config.min_picks,
        )  # fmt: skip
        self.parts = volume, stations, times, config

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Search) and self.content == other.content

    def __hash__(self) -> int:
        return hash(self.content)


@lru_cache(maxsize=1)
def _gamma_config(search: _Search) -> dict[str, Any]:
    """The search in GaMMA's own names."""
    volume, stations, times, config = search.parts
    region, settings = volume.region, config.gamma
    bounds = [
        (volume.minx_km, volume.maxx_km),
        (volume.miny_km, volume.maxy_km),
        (region.mindepth_km, region.maxdepth_km),
    ]
    gamma_config: dict[str, Any] = {
        "dims": ["x(km)", "y(km)", "z(km)"],
        "x(km)": bounds[0],
        "y(km)": bounds[1],
        "z(km)": bounds[2],
        "bfgs_bounds": (*bounds, (None, None)),
        "use_amplitude": False,
        "oversample_factor": settings.oversample_factor,
        "min_picks_per_eq": config.min_picks,
        "max_sigma11": settings.max_sigma11,
        "eikonal": _time_table(volume, stations, times) if isinstance(times, LayeredTimes) else None,
    }
    if settings.covariance_prior is not None:
        gamma_config["covariance_prior"] = [settings.covariance_prior]
    return gamma_config


class _Cluster:
    """The picks of one cluster, times from its first pick on (s), comparable by content."""

    def __init__(self, search: _Search, time: np.ndarray, station: np.ndarray, is_s: np.ndarray, weight: np.ndarray):
        self.search, self.time, self.station, self.is_s, self.weight = search, time, station, is_s, weight
        self._content = (search.content, *(part.tobytes() for part in (time, station, is_s, weight)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Cluster) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)


def forget_clusters() -> None:
    """Compute the events of all clusters again, where GaMMA's time is measured."""
    _events_of.cache_clear()


@lru_cache(maxsize=CLUSTERS_KEPT)
def _events_of(cluster: _Cluster) -> list[Candidate]:
    """Events of a cluster, times and rows from its first pick on; what two windows read is computed once."""
    search, phase = cluster.search, _letters(cluster.is_s)
    size = cluster.time.size
    channel = np.array([f"{station}_{letter}" for station, letter in zip(cluster.station, phase, strict=True)])
    state = np.random.get_state()
    np.random.seed(SEED)
    try:
        events, assignment = _quiet_gamma().associate(
            0, np.zeros(size), cluster.time[:, None], search.locations[cluster.station], phase, cluster.weight,
            np.arange(size), channel, _gamma_config(search), 0.0, search.vel, search.method, 0,
        )  # fmt: skip
    finally:
        np.random.set_state(state)
    members: dict[int, list[int]] = {}
    for row, event, _ in assignment:
        members.setdefault(event, []).append(int(row))
    return [
        Candidate(
            time=_seconds(event["time"]),
            x_km=float(event["x(km)"]),
            y_km=float(event["y(km)"]),
            depth_km=float(event["z(km)"]),
            picks=tuple(members[event["event_index"]]),
            score=float(event["gamma_score"]),
        )
        for event in events
    ]


def _letters(is_s: np.ndarray) -> np.ndarray:
    """GaMMA's names of phases, as Python's own strings: it looks each of them up whenever it computes a time."""
    return np.where(is_s, "s", "p").astype(object)


def _seconds(text: str) -> float:
    """Undo GaMMA's ISO time (milliseconds) from the epoch."""
    return float((np.datetime64(text, "ms") - np.datetime64(0, "ms")) / np.timedelta64(1, "s"))


def _time_table(volume: Volume, stations: PreparedStations, times: LayeredTimes) -> dict[str, Any]:
    """Give travel times in GaMMA's form: over distance and depth below the station, taken at the mean station depth."""
    station_depth = float(stations.depth_km.mean())
    width = np.hypot(volume.maxx_km - volume.minx_km, volume.maxy_km - volume.miny_km)
    r = np.arange(0.0, width + GRID_STEP_KM, GRID_STEP_KM)
    z = np.arange(
        volume.region.mindepth_km - stations.depth_km.max() - GRID_STEP_KM,
        volume.region.maxdepth_km - stations.depth_km.min() + 2 * GRID_STEP_KM,
        GRID_STEP_KM,
    )
    table = {"rgrid": r, "zgrid": z, "nr": r.size, "nz": z.size, "h": GRID_STEP_KM}
    for letter, is_s in (("p", False), ("s", True)):
        grid = times(r[:, None], z[None, :] + station_depth, np.float64(station_depth), np.bool_(is_s))
        table[f"u{letter}"] = grid.ravel()
        table[f"grad_u{letter}"] = np.stack([part.ravel() for part in np.gradient(grid, GRID_STEP_KM)])
    return table


@lru_cache(maxsize=1)
def _quiet_gamma() -> Any:
    """Import GaMMA and give its modules a `print` that writes nothing: it reports every cluster, with no switch."""
    import gamma._base
    import gamma.seismic_ops
    import gamma.utils

    for module in (gamma.utils, gamma._base, gamma.seismic_ops):
        module.print = lambda *_, **__: None
    gamma.utils.tqdm = lambda iterable, **_: iterable
    return gamma.utils
