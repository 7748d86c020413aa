"""PyOcto behind plain arrays, on one thread."""

from __future__ import annotations

import os
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from catalogdb.association.config import AssociateConfig, PyoctoConfig
from catalogdb.association.prepared import Candidate, PreparedPicks, PreparedStations, Volume
from catalogdb.traveltimes.first_arrivals import HomogeneousTimes, LayeredTimes, TravelTimes

if TYPE_CHECKING:
    from pandas import DataFrame

TABLE_STEP_KM = 1.0


def find_events(
    picks: PreparedPicks,
    stations: PreparedStations,
    volume: Volume,
    times: TravelTimes,
    config: AssociateConfig,
    longest_time: float,
) -> list[Candidate]:
    """Form events from picks (in order of time).

    The picks are cut wherever nothing arrives for `longest_time` seconds, the longest travel time in the region: no
    event reaches across, and what is found then depends on the picks around it alone, not on where the window starts.

    Source: Münchmeyer (2024), doi:10.26443/seismica.v3i1.1130; package pyocto.
    """
    if len(picks) < config.min_picks:
        return []
    import pandas as pd

    table = pd.DataFrame(
        {
            "station": [str(number) for number in picks.station],
            "phase": np.where(picks.is_s, "S", "P"),
            "time": picks.time,
        }
    )
    places = pd.DataFrame(
        {
            "id": [str(number) for number in range(len(stations.codes))],
            "x": stations.x_km,
            "y": stations.y_km,
            "z": stations.depth_km,
        }
    )
    silences = np.flatnonzero(np.diff(picks.time) > longest_time) + 1
    candidates = []
    with tempfile.TemporaryDirectory() as folder:
        associator = _associator(Path(folder), volume, times, config, longest_time)
        for rows in np.split(np.arange(len(picks)), silences):
            if rows.size >= config.min_picks:
                candidates += _group_events(associator, table, places, rows)
    return candidates


def _group_events(associator: Any, table: DataFrame, places: DataFrame, rows: np.ndarray) -> list[Candidate]:
    group = table.iloc[rows].reset_index(drop=True)
    start = group["time"].iloc[0]
    group["time"] -= start
    events, assignments = associator.associate(group, places)
    if len(events) == 0:
        return []
    members = {event: sorted(found) for event, found in assignments.groupby("event_idx")["pick_idx"]}
    return [
        Candidate(
            time=float(start + event.time),
            x_km=float(event.x),
            y_km=float(event.y),
            depth_km=float(event.z),
            picks=tuple(int(rows[number]) for number in members[event.idx]),
        )
        for event in events.itertuples()
    ]


def _associator(folder: Path, volume: Volume, times: TravelTimes, config: AssociateConfig, longest_time: float) -> Any:
    import logging

    from pyocto import OctoAssociator

    # It warns of pick counts that don't add up, each time that it is made.
    logging.getLogger("pyocto").setLevel(logging.ERROR)
    settings = config.pyocto
    region = volume.region
    own = {"time_before", "tolerance", "association_cutoff_distance"}
    return OctoAssociator(
        xlim=(volume.minx_km, volume.maxx_km),
        ylim=(volume.miny_km, volume.maxy_km),
        zlim=(
            max(region.mindepth_km, 0.0) if isinstance(times, LayeredTimes) else region.mindepth_km,
            region.maxdepth_km,
        ),
        velocity_model=_velocity_model(folder, volume, times, settings),
        time_before=settings.time_before if settings.time_before is not None else longest_time,
        n_picks=config.min_picks,
        n_p_picks=config.min_p,
        n_s_picks=config.min_s,
        n_p_and_s_picks=config.min_p_and_s,
        n_threads=1,
        **settings.model_dump(exclude=own),
    )


def _velocity_model(folder: Path, volume: Volume, times: TravelTimes, settings: PyoctoConfig) -> Any:
    from pyocto import VelocityModel0D, VelocityModel1D

    if isinstance(times, HomogeneousTimes):
        return VelocityModel0D(times.vp, times.vs, settings.tolerance, settings.association_cutoff_distance)
    path = folder / "times"
    _write_time_table(path, volume, times)
    return VelocityModel1D(
        os.fspath(path),
        settings.tolerance,
        settings.association_cutoff_distance,
        surface_p_velocity=times.surface_vp,
        surface_s_velocity=times.surface_vs,
    )


def _write_time_table(path: Path, volume: Volume, times: LayeredTimes) -> None:
    """Write PyOcto's binary table: node counts (2 int32), step (double), then P and S times from sea level (double).

    It must be larger than the volume's diagonal.
    """
    width = np.hypot(volume.maxx_km - volume.minx_km, volume.maxy_km - volume.miny_km)
    r = np.arange(0.0, width + 10.0, TABLE_STEP_KM)
    z = np.arange(0.0, volume.region.maxdepth_km + 10.0, TABLE_STEP_KM)
    with open(path, "wb") as stream:
        stream.write(struct.pack("iid", r.size, z.size, TABLE_STEP_KM))
        for is_s in (False, True):
            grid = times(r[:, None], z[None, :], np.float64(0.0), np.bool_(is_s))
            stream.write(np.ascontiguousarray(grid, dtype=np.float64).tobytes())
