"""Association of analysts' picks with false ones added, beside plain GaMMA and PyOcto: recall, precision, time, memory.

catalogdb's rows go through the windows, the checks and the location, as a job does; the plain rows are each package
called once for the whole period with the same settings, as its own examples do. catalogdb locates in OGS's layered
model, and the scan searches with its own settings. Each runs in a process of its own.
Rows have `method`, `load`, `recall`, `precision`, `cpu_s`, `peak_mb` and more, medians over the seeds of false picks;
`ratio` is plain GaMMA's CPU time over the row's, on the same picks. `--event-hours` adds false picks to the hours
with events alone: precision then says nothing of the others. Needs CATALOGDB_REALDATA (folder ogs_2024_h1).

    python -m benchmarks.association --json
    python -m benchmarks.association --start 2024-03-27 --end 2024-03-31 --patterns uniform bursts hours --seeds 1 2 3
    python -m benchmarks.association --together --loads 0
    python -m benchmarks.association --methods "catalogdb scan" --loads 150 --patterns bursts --event-hours
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._false_picks import false_picks, pushed_together
from benchmarks._processes import medians
from benchmarks._real_data import real_data
from benchmarks._seeds import with_seeds
from catalogdb.association.config import AssociateConfig
from catalogdb.geo import Region
from catalogdb.tuning.compare import Task, through_windows
from catalogdb.tuning.search import changed

REGION = Region(
    minlatitude=44.3,
    maxlatitude=47.5,
    minlongitude=9.5,
    maxlongitude=15.0,
    projection="+proj=sterea +lon_0=12 +lat_0=46 +units=km",
)
LIMITS_KM = {"x": (-300.0, 400.0), "y": (-350.0, 250.0), "z": (0.0, 40.0)}
VELOCITY = {"vp": 5.85, "vs": 3.28}
LAYERS = [{"depth_km": top, "vp": vp, "vs": vp / 1.78} for top, vp in ((0.0, 5.85), (22.0, 6.8), (39.5, 8.0))]
PRESET = {"velocity": VELOCITY, "min_picks": 5, "min_p": 3, "min_s": 2, "min_stations": 1}
GAMMA = AssociateConfig(**PRESET, associator="gamma", gamma={"dbscan_eps": 8.1, "max_sigma11": 1.5})
PYOCTO = AssociateConfig(**PRESET, associator="pyocto", pyocto={"time_before": 300.0})
IN_LAYERS = {"location_velocity": {"layers": LAYERS}}
AROUND_SECONDS = 600.0  # of hours with events: more than a window reads, and the minutes that rates are counted in
SCAN = AssociateConfig(associator="scan", velocity={"layers": LAYERS}, min_picks=4, min_p=2, min_s=0, min_stations=2)


def _epoch(times: pd.Series) -> np.ndarray:
    return pd.to_datetime(times, format="ISO8601", utc=True).astype("datetime64[ns, UTC]").astype("int64") / 1e9


def load(folder: Path, start: str, end: str) -> Task:
    """Read the picks, the stations with coordinates, and the reference events of a period."""
    starttime, endtime = _epoch(pd.Series([start, end]))
    picks = pd.read_csv(folder / "picks_manual.csv").assign(epoch=lambda rows: _epoch(rows.time))
    events = pd.read_csv(folder / "events_ogs_hypo71.csv").assign(epoch=lambda rows: _epoch(rows.time))
    picks = picks[picks.epoch.between(starttime, endtime, inclusive="left")].sort_values("epoch", kind="stable")
    events = events[events.epoch.between(starttime, endtime, inclusive="left")]
    stations = pd.read_csv(folder / "stations.csv").dropna(subset=["latitude", "longitude"])
    rows = [
        {"_id": f"{number:06d}", "net": "", "sta": row.station, "phase": row.phase, "time": row.epoch}
        for number, row in enumerate(picks.itertuples())
    ]
    own: dict[int, list[str]] = {}
    for row, event in zip(rows, picks.event_id, strict=True):
        own.setdefault(event, []).append(row["_id"])
    return Task(
        rows,
        [{"net": "", "sta": row.station, "latitude": row.latitude, "longitude": row.longitude,
          "elevation_km": row.elevation_m / 1000.0} for row in stations.itertuples()],
        REGION, float(starttime), float(endtime),
        [{"time": row.epoch, "latitude": row.latitude, "longitude": row.longitude,
          "picks": own.get(row.event_id, [])} for row in events.itertuples()],
    )  # fmt: skip


def with_false_picks(task: Task, per_station_day: float, pattern: str, seed: int, event_hours: bool = False) -> Task:
    """Add false picks at the stations that have coordinates; with `event_hours` in and around hours with events."""
    added = false_picks(task.stations, task.starttime, task.endtime, per_station_day, pattern, seed)
    if event_hours:
        hours = np.unique([event["time"] // 3600.0 for event in task.reference])
        time = np.array([pick["time"] for pick in added])
        before = hours[np.maximum(np.searchsorted(hours, (time + AROUND_SECONDS) // 3600.0, side="right") - 1, 0)]
        around = (before * 3600.0 - AROUND_SECONDS <= time) & (time < (before + 1.0) * 3600.0 + AROUND_SECONDS)
        added = [pick for pick, is_around in zip(added, around, strict=True) if is_around]
    picks = sorted([*task.picks, *added], key=lambda pick: pick["time"])
    return Task(picks, task.stations, task.region, task.starttime, task.endtime, task.reference)


def with_events_together(task: Task, seed: int) -> Task:
    """Shift every second event to 5..30 s after the one before it."""
    event_of = {pick: number for number, event in enumerate(task.reference) for pick in event["picks"]}
    picks, shift = pushed_together(
        task.picks, event_of, {number: event["time"] for number, event in enumerate(task.reference)}, seed
    )
    reference = [event | {"time": event["time"] + shift[number]} for number, event in enumerate(task.reference)]
    return Task(picks, task.stations, task.region, task.starttime, task.endtime, reference)


def plain_gamma(task: Task, config: AssociateConfig, limits_km: Mapping[str, tuple] = LIMITS_KM) -> list[dict]:
    """Call GaMMA once, as its own examples do, on one process."""
    from gamma.utils import association
    from threadpoolctl import threadpool_limits

    picks, places, projection = _tables(task)
    settings = {
        "dims": ["x(km)", "y(km)", "z(km)"], "ncpu": 1, "use_amplitude": False, "use_dbscan": True,
        **{f"{name}(km)": limits for name, limits in limits_km.items()},
        "bfgs_bounds": (*limits_km.values(), (None, None)),
        "vel": {"p": config.velocity.vp, "s": config.velocity.vs}, "dbscan_eps": config.gamma.dbscan_eps,
        "dbscan_min_samples": config.gamma.dbscan_min_samples, "oversample_factor": config.gamma.oversample_factor,
        "min_picks_per_eq": config.min_picks, "min_p_picks_per_eq": config.min_p, "min_s_picks_per_eq": config.min_s,
        "max_sigma11": config.gamma.max_sigma11,
    }  # fmt: skip
    rows = pd.DataFrame(
        {
            "id": picks.station,
            "timestamp": pd.to_datetime(picks.time, unit="s", utc=True),
            "type": picks.phase.str.lower(),
            "prob": 1.0,
            "amp": 0.0,
        }
    )
    places = places.rename(columns={"x": "x(km)", "y": "y(km)", "z": "z(km)"})
    quiet = contextlib.ExitStack()
    with quiet, open(os.devnull, "w") as nowhere:
        quiet.enter_context(contextlib.redirect_stdout(nowhere))
        quiet.enter_context(contextlib.redirect_stderr(nowhere))
        quiet.enter_context(threadpool_limits(limits=1))  # on all cores it takes longer, and its results vary
        events, assigned = association(rows, places, settings, 0, config.gamma.method)
    members: dict[int, list[int]] = {}
    for row, event, _ in assigned:
        members.setdefault(event, []).append(row)
    found = pd.DataFrame(events)
    return _origins(
        _epoch(found["time"]), found["x(km)"], found["y(km)"], [members[event] for event in found.event_index], picks,
        projection,
    )  # fmt: skip


def plain_pyocto(task: Task, config: AssociateConfig) -> list[dict]:
    """Call PyOcto once, as its own examples do, on one thread."""
    from pyocto import OctoAssociator, VelocityModel0D

    picks, places, projection = _tables(task)
    associator = OctoAssociator(
        xlim=LIMITS_KM["x"], ylim=LIMITS_KM["y"], zlim=LIMITS_KM["z"], time_before=config.pyocto.time_before,
        velocity_model=VelocityModel0D(config.velocity.vp, config.velocity.vs, config.pyocto.tolerance),
        n_picks=config.min_picks, n_p_picks=config.min_p, n_s_picks=config.min_s, n_p_and_s_picks=config.min_p_and_s,
        pick_match_tolerance=config.pyocto.pick_match_tolerance, n_threads=1,
    )  # fmt: skip
    found, assigned = associator.associate(picks[["station", "phase", "time"]], places)
    members = assigned.groupby("event_idx")["pick_idx"].apply(list) if len(found) else {}
    return _origins(found.time, found.x, found.y, [members[event] for event in found.idx], picks, projection)


def _tables(task: Task):
    projection = task.region.map_projection()
    stations = pd.DataFrame(task.stations)
    x, y = projection.to_xy(stations.longitude, stations.latitude)
    places = pd.DataFrame({"id": stations.sta, "x": x, "y": y, "z": -stations.elevation_km})
    picks = pd.DataFrame(task.picks).rename(columns={"sta": "station"})
    return picks[picks.station.isin(places.id)].reset_index(drop=True), places, projection


def _origins(times, x, y, members, picks, projection) -> list[dict]:
    longitude, latitude = projection.to_lonlat(x, y)
    ids = picks["_id"].to_numpy()
    return [
        {"time": float(time), "latitude": float(lat), "longitude": float(lon),
         "arrivals": [{"pick_id": ids[row]} for row in rows]}
        for time, lat, lon, rows in zip(times, latitude, longitude, members, strict=True)
    ]  # fmt: skip


METHODS = {
    "plain gamma": (plain_gamma, GAMMA),
    "plain pyocto": (plain_pyocto, PYOCTO),
    "catalogdb gamma": (through_windows, changed(GAMMA, IN_LAYERS)),
    "catalogdb pyocto": (through_windows, changed(PYOCTO, IN_LAYERS)),
    "catalogdb scan": (through_windows, SCAN),
}


def _load_name(false: float, pattern: str, arguments: argparse.Namespace) -> str:
    name = f"{false:g} a station-day, {pattern}" if false else "no false picks"
    if false and arguments.event_hours:
        name += " around events"
    return f"{name}, events together" if arguments.together else name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="write one JSON document instead of tables")
    parser.add_argument("--start", default="2024-01-01", help="first day (UTC)")
    parser.add_argument("--end", default="2024-07-01", help="day after the last (UTC)")
    parser.add_argument("--loads", type=float, nargs="+", default=[0, 20, 150], help="false picks per station and day")
    parser.add_argument("--patterns", nargs="+", default=["uniform"], choices=["uniform", "bursts", "hours"])
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--together", action="store_true", help="push every second event to 5..30 s after another")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="of the false picks, and of the shifts")
    parser.add_argument("--event-hours", action="store_true", help="false picks in and around hours with events alone")
    parser.add_argument("--most-cpu", type=float, help="give a method up after so many seconds of CPU, for all seeds")
    arguments = parser.parse_args()
    root = real_data(parser, "ogs_2024_h1")
    task = load(root / "ogs_2024_h1", arguments.start, arguments.end)
    methods = {name: METHODS[name] for name in arguments.methods}
    results = []
    for false in arguments.loads:
        for pattern in arguments.patterns if false else ["none"]:
            rows = _median_rows(task, methods, false, pattern, arguments)
            results += rows
            if not arguments.json:
                print(pd.DataFrame(rows).to_string(index=False), flush=True)
    if arguments.json:
        settings = {name: getattr(arguments, name) for name in ("start", "end", "together", "event_hours", "seeds")}
        print(json.dumps({"benchmark": "association"} | settings | {"results": results}))


def _median_rows(task: Task, methods: Mapping, false: float, pattern: str, arguments: argparse.Namespace) -> list[dict]:
    """One row per method, medians over the seeds."""
    # Clean picks where they are are the same with every seed.
    seeds = arguments.seeds if false or arguments.together else arguments.seeds[:1]

    def made(seed: int) -> Task:
        loaded = with_events_together(task, seed) if arguments.together else task
        return with_false_picks(loaded, false, pattern, seed, arguments.event_hours) if false else loaded

    found, given_up = with_seeds((made(seed) for seed in seeds), methods, most_cpu_s=arguments.most_cpu)
    plain = found.get("plain gamma", [])
    for rows in found.values():
        for row, beside in zip(rows, plain, strict=False):
            row["ratio"] = beside["cpu_s"] / row["cpu_s"]
    load_name = _load_name(false, pattern, arguments)
    return [{"load": load_name} | row for row in (*map(medians, found.values()), *given_up)]


if __name__ == "__main__":
    main()
