"""PyOcto's own test set (northern Chile, 20 stations, 50 deep and shallow events, made-up picks), by each associator.

`plain pyocto` is the package as its own test calls it, in a homogeneous model; its layered one needs a package that is
not at hand here, and is what `catalogdb pyocto, layers` has. An event is found where at least half of an origin's picks
are of it, and they are half of its own. Needs CATALOGDB_REALDATA (folder chile_pyocto).

    python -m benchmarks.association_chile [--json]
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks._real_data import real_data
from catalogdb.association.config import AssociateConfig
from catalogdb.geo import Region
from catalogdb.tuning.compare import Task, through_windows

REGION = Region(
    minlatitude=-25.5,
    maxlatitude=-17.9,
    minlongitude=-71.6,
    maxlongitude=-67.8,
    mindepth_km=0,
    maxdepth_km=250,
)
HOMOGENEOUS = {"vp": 7.0, "vs": 4.0}
MINIMA = {"min_picks": 10, "min_p": 2, "min_s": 2, "window_seconds": 86400.0}
TOLERANCES = {"time_before": 300.0, "tolerance": 2.0, "pick_match_tolerance": 2.0}
OWN = {"pyocto": {"min_p_and_s": 4, "pyocto": TOLERANCES}, "scan": {}, "gamma": {"gamma": {"dbscan_eps": 60.0}}}
LAYER_KM = 2.0


def layers(model: pd.DataFrame) -> list[dict[str, float]]:
    """Layers of one speed each from a model whose speeds (km/s) grow with depth by `vp_grad` and `vs_grad` per km."""
    found = []
    for row, base in zip(model.itertuples(), [*model.depth[1:], model.depth.iloc[-1] + LAYER_KM], strict=True):
        top = row.depth
        while top < base:
            thick = min(LAYER_KM, base - top) if row.vp_grad else base - top
            below = top + thick / 2.0 - row.depth
            found.append({"depth_km": top, "vp": row.vp + row.vp_grad * below, "vs": row.vs + row.vs_grad * below})
            top += thick
    return found


def judged(origins: Iterable[Sequence[int]], truth: Sequence[int]) -> dict[str, Any]:
    """Count by the labels of picks what origins, given as rows of their picks, have found; -1 is noise."""
    size = Counter(event for event in truth if event >= 0)
    found, right, picks, number = set(), 0, 0, 0
    for rows in origins:
        number, picks = number + 1, picks + len(rows)
        (event, own), *_ = Counter(truth[row] for row in rows).most_common(1)
        if event >= 0 and event not in found and 2 * own >= max(len(rows), size[event]):
            found.add(event)
            right += own
    return {
        "events": number,
        "found": len(found),
        "of": len(size),
        "false": number - len(found),
        "picks_right": round(right / sum(size.values()), 3),
        "picks_wrong": picks - right,
    }


def plain_pyocto(picks: pd.DataFrame, stations: pd.DataFrame) -> list[list[int]]:
    """Rows of picks of each event, as PyOcto's test makes them, on one thread."""
    from pyocto import OctoAssociator, VelocityModel0D
    from pyproj import CRS

    associator = OctoAssociator(
        xlim=(250.0, 600.0), ylim=(7200.0, 8000.0), zlim=(0.0, 250.0), time_before=300.0,
        velocity_model=VelocityModel0D(7.0, 4.0, 2.0), n_picks=10, n_p_picks=2, n_s_picks=2, n_p_and_s_picks=4,
        pick_match_tolerance=2.0, crs=CRS.from_epsg(9155), n_threads=1,
    )  # fmt: skip
    places = stations.copy()
    associator.transform_stations(places)
    _, assigned = associator.associate(picks[["station", "phase", "time"]], places)
    return assigned.groupby("event_idx")["pick_idx"].apply(list).tolist()


def measure(folder: Path) -> list[dict[str, Any]]:
    """One row per method."""
    picks = pd.read_csv(folder / "picks.csv")
    times = pd.to_datetime(picks.time, format="ISO8601", utc=True).astype("datetime64[ns, UTC]").astype("int64") / 1e9
    picks = picks.assign(time=times).sort_values("time", kind="stable").reset_index(drop=True)
    stations = pd.read_csv(folder / "stations.csv")
    task = Task(
        [
            {"_id": number, "net": "CX", "sta": row.station, "phase": row.phase, "time": row.time}
            for number, row in enumerate(picks.itertuples())
        ],
        [
            {"net": "CX", "sta": row.id, "latitude": row.latitude, "longitude": row.longitude,
             "elevation_km": row.elevation / 1000.0}
            for row in stations.itertuples()
        ],
        REGION, picks.time.iloc[0] - 300.0, picks.time.iloc[-1], [],
    )  # fmt: skip
    methods = {"plain pyocto": lambda: plain_pyocto(picks, stations)}
    for model, velocity in (
        ("homogeneous", HOMOGENEOUS),
        ("layers", {"layers": layers(pd.read_csv(folder / "graeber.csv"))}),
    ):
        for associator, own in OWN.items():
            config = AssociateConfig(associator=associator, velocity=velocity, **MINIMA, **own)
            methods[f"catalogdb {associator}, {model}"] = lambda config=config: [
                [arrival["pick_id"] for arrival in origin["arrivals"]] for origin in through_windows(task, config)
            ]
    rows = []
    for name, method in methods.items():
        before = time.process_time()
        found = method()
        seconds = round(time.process_time() - before, 2)
        rows.append({"method": name} | judged(found, picks.event.tolist()) | {"cpu_seconds": seconds})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    root = real_data(parser, "chile_pyocto")
    logging.getLogger("pyocto").setLevel(logging.ERROR)
    rows = measure(root / "chile_pyocto")
    if arguments.json:
        print(json.dumps({"benchmark": "association_chile", "results": rows}))
    else:
        print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
