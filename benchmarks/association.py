"""Association beside plain GaMMA on the same analysts' picks: seconds, memory, recall, precision.

Ours goes through the windows, the checks and the location, as a job does; plain GaMMA gets the period in one call with
the same settings. `ratio` and `cpu_ratio` are plain GaMMA's over ours: above 1 we are faster. Needs CATALOGDB_REALDATA
(folder ogs_2024_h1).

    python -m benchmarks.association --json --start 2024-03-20 --end 2024-04-20
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from catalogdb.association.associate import associate
from catalogdb.association.config import AssociateConfig
from catalogdb.association.windows import association_windows, owned
from catalogdb.geo import Region, distance_azimuth

MATCH_SECONDS, MATCH_KM = 2.0, 8.0
REGION = Region(
    minlatitude=44.3,
    maxlatitude=47.5,
    minlongitude=9.5,
    maxlongitude=15.0,
    projection="+proj=sterea +lon_0=12 +lat_0=46 +units=km",
)
VELOCITY = {"vp": 5.85, "vs": 3.28}
GAMMA = AssociateConfig(
    velocity=VELOCITY, min_picks=5, min_p=3, min_s=2, gamma={"dbscan_eps": 8.1, "max_sigma11": 1.5}, min_stations=1
)
PYOCTO = AssociateConfig(
    associator="pyocto", velocity=VELOCITY, min_picks=5, min_p=3, min_s=2, min_stations=1, pyocto={"time_before": 300.0}
)


def _epoch(times: pd.Series) -> np.ndarray:
    return (
        pd.to_datetime(times, format="ISO8601", utc=True).astype("datetime64[ns, UTC]").astype("int64").to_numpy() / 1e9
    )


def load(folder: Path, start: str, end: str) -> tuple[list[dict], list[dict], pd.DataFrame, float, float]:
    """Read picks and stations as documents, the reference events, and the period as epoch seconds."""
    starttime, endtime = _epoch(pd.Series([start, end]))
    picks = pd.read_csv(folder / "picks_manual.csv").assign(epoch=lambda rows: _epoch(rows.time))
    events = pd.read_csv(folder / "events_ogs_hypo71.csv").assign(epoch=lambda rows: _epoch(rows.time))
    picks = picks[picks.epoch.between(starttime, endtime, inclusive="left")].sort_values("epoch", kind="stable")
    events = events[events.epoch.between(starttime, endtime, inclusive="left")]
    stations = pd.read_csv(folder / "stations.csv").dropna(subset=["latitude", "longitude"])
    return (
        [{"_id": f"{i:06d}", "sta": row.station, "phase": row.phase, "time": row.epoch} for i, row in
         enumerate(picks.itertuples())],
        [{"net": "", "sta": row.station, "latitude": row.latitude, "longitude": row.longitude,
          "elevation_km": row.elevation_m / 1000.0} for row in stations.itertuples()],
        events, starttime, endtime,
    )  # fmt: skip


def ours(picks, stations, starttime, endtime, config) -> list[dict]:
    """Associate window by window, as the stage does."""
    times = np.array([pick["time"] for pick in picks])
    origins = []
    for window in association_windows(starttime, endtime, config.window_seconds, config.overlap_seconds):
        first, last = np.searchsorted(times, [window.read_starttime, window.read_endtime])
        if first < last:
            origins += owned(associate(picks[first:last], stations, REGION, config).origins, window)
    return origins


def plain_gamma(picks, stations, starttime, endtime, config) -> list[dict]:
    """Call GaMMA once, as its own examples do, on one process."""
    from gamma.utils import association

    projection = REGION.map_projection()
    table = pd.DataFrame(stations)
    x, y = projection.to_xy(table.longitude, table.latitude)
    places = pd.DataFrame({"id": table.sta, "x(km)": x, "y(km)": y, "z(km)": -table.elevation_km})
    rows = pd.DataFrame(
        {
            "id": [pick["sta"] for pick in picks],
            "timestamp": pd.to_datetime([pick["time"] for pick in picks], unit="s", utc=True),
            "type": [pick["phase"].lower() for pick in picks],
            "prob": 1.0,
            "amp": 0.0,
        }
    )
    settings = {
        "dims": ["x(km)", "y(km)", "z(km)"], "x(km)": (-300, 400), "y(km)": (-350, 250), "z(km)": (0, 40), "ncpu": 1,
        "bfgs_bounds": ((-300, 400), (-350, 250), (0, 40), (None, None)), "use_amplitude": False, "use_dbscan": True,
        "vel": {"p": config.velocity.vp, "s": config.velocity.vs}, "dbscan_eps": config.gamma.dbscan_eps,
        "dbscan_min_samples": config.gamma.dbscan_min_samples, "oversample_factor": config.gamma.oversample_factor,
        "min_picks_per_eq": config.min_picks, "min_p_picks_per_eq": config.min_p, "min_s_picks_per_eq": config.min_s,
        "max_sigma11": config.gamma.max_sigma11,
    }  # fmt: skip
    events, _ = association(rows, places, settings, 0, config.gamma.method)
    found = pd.DataFrame(events)
    longitude, latitude = projection.to_lonlat(found["x(km)"], found["y(km)"])
    return [
        {"time": moment, "latitude": place[0], "longitude": place[1]}
        for moment, place in zip(_epoch(found["time"]), zip(latitude, longitude, strict=True), strict=True)
    ]


def matched(origins: list[dict], events: pd.DataFrame) -> int:
    """Count one-to-one matches within 2 s and 8 km, the nearest in time first (Hungarian assignment)."""
    from scipy.optimize import linear_sum_assignment

    apart = np.abs(events.epoch.to_numpy()[:, None] - np.array([origin["time"] for origin in origins]))
    event, origin = np.nonzero(apart <= MATCH_SECONDS)
    distance_km, _ = distance_azimuth(
        events.latitude.to_numpy()[event],
        events.longitude.to_numpy()[event],
        [origins[number]["latitude"] for number in origin],
        [origins[number]["longitude"] for number in origin],
    )
    near = distance_km <= MATCH_KM
    gain = np.zeros(apart.shape)
    gain[event[near], origin[near]] = 2.0 - apart[event[near], origin[near]] / MATCH_SECONDS
    return int(np.count_nonzero(gain[linear_sum_assignment(-gain)]))


METHODS = {"plain gamma": (plain_gamma, GAMMA), "catalogdb gamma": (ours, GAMMA), "catalogdb pyocto": (ours, PYOCTO)}


def measure(name: str, folder: Path, start: str, end: str, connection) -> None:
    """Run one method in a process of its own, so that its peak memory is its own."""
    with open(os.devnull, "w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        picks, stations, events, starttime, endtime = load(folder, start, end)
        method, config = METHODS[name]
        warm = [pick for pick in picks if pick["time"] < picks[0]["time"] + 600.0]
        ours(warm, stations, warm[0]["time"], warm[-1]["time"] + 1.0, config)
        before = time.perf_counter(), time.process_time()
        origins = method(picks, stations, starttime, endtime, config)
        seconds, cpu_seconds = time.perf_counter() - before[0], time.process_time() - before[1]
    found = matched(origins, events)
    connection.send(
        {
            "method": name,
            "picks": len(picks),
            "reference_events": len(events),
            "events": len(origins),
            "seconds": round(seconds, 2),
            "cpu_seconds": round(cpu_seconds, 2),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0, 1),
            "recall": round(found / len(events), 3),
            "precision": round(found / len(origins), 3),
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="write one JSON document instead of a table")
    parser.add_argument("--start", default="2024-03-20", help="first day (UTC)")
    parser.add_argument("--end", default="2024-04-20", help="day after the last (UTC)")
    arguments = parser.parse_args()
    root = os.environ.get("CATALOGDB_REALDATA")
    if not root:
        parser.error("set CATALOGDB_REALDATA to the folder that holds ogs_2024_h1")
    context = multiprocessing.get_context("spawn")
    rows = []
    for name in METHODS:
        receiver, sender = context.Pipe(duplex=False)
        worker = context.Process(
            target=measure, args=(name, Path(root) / "ogs_2024_h1", arguments.start, arguments.end, sender)
        )
        worker.start()
        sender.close()
        rows.append(receiver.recv())
        worker.join()
    for row in rows:
        row["ratio"] = round(rows[0]["seconds"] / row["seconds"], 3)
        row["cpu_ratio"] = round(rows[0]["cpu_seconds"] / row["cpu_seconds"], 3)
    if arguments.json:
        print(json.dumps({"benchmark": "association", "start": arguments.start, "end": arguments.end, "results": rows}))
    else:
        print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
