"""Association of swarms: an event every 10 s and every 20 s, made on real station geometries with a picker's faults.

Each method runs with its default settings and the network's velocity model in a process of its own. An event counts as
found within 1.5 s and 6 km; asked for are those whose picks meet the default minima. Rows are medians over the seeds.
`--day` associates a whole day by the scan, its windows shared by `--workers` processes, and gives seconds of wall
besides; with `--through-run` it is `catalogdb run` on a database. `peak_mb` is that of all workers together then.
Needs CATALOGDB_REALDATA (stations of hengill_2018 and ogs_2024_h1). GaMMA takes minutes where events are 10 s apart,
and runs there only when it is named.

    python -m benchmarks.swarm --json
    python -m benchmarks.swarm --methods scan --networks hengill-12 --gaps 20 --seeds 1 2 3
    python -m benchmarks.swarm --day --networks hengill-12 --gaps 15 --seeds 1 [--through-run]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd

from benchmarks._real_data import real_data
from benchmarks._seeds import with_seeds
from benchmarks._swarm_day import day_row
from benchmarks._swarms import Network, networks, swarm
from benchmarks.association import plain_gamma
from catalogdb.association.config import AssociateConfig
from catalogdb.association.prepared import Volume
from catalogdb.evaluation.gates import Gates
from catalogdb.tuning.compare import Method, Task, through_windows

METHODS = ("scan", "pyocto", "gamma")
PLAIN = "plain gamma"
NETWORKS = ("hengill-20", "hengill-12", "friuli-25", "trentino-15")
GATES = Gates(max_dt=1.5, max_km=6.0)
# Of plain GaMMA's mean speeds and of those that GaMMA gets beside it.
MEAN_SPEEDS = {"vp": 5.8, "vs": 3.25}
SHORTEST_GAP_OF_GAMMA = 15.0


def measure(folder: Path, arguments: argparse.Namespace) -> list[dict]:
    """One row per method and load, medians over the seeds."""
    rows = []
    known = networks(folder)
    for name in arguments.networks:
        network = known[name]
        for gap in arguments.gaps:
            load = f"{name}, every {gap:g} s"
            methods = arguments.methods or [
                method for method in METHODS if method != "gamma" or gap >= SHORTEST_GAP_OF_GAMMA
            ]
            configs = {method: _called(method, network, PLAIN in methods) for method in methods}
            tasks = (swarm(network, gap, arguments.duration, seed) for seed in arguments.seeds)
            found, given_up = with_seeds(tasks, configs, GATES, arguments.most_cpu)
            for method, own in found.items():
                middle = pd.DataFrame(own).drop(columns="method").median(numeric_only=True)
                rows.append(
                    {"method": method, "load": load, "recall": middle.recall,
                     "precision": middle.precision, "cpu_s": middle.cpu_s, "peak_mb": middle.peak_mb,
                     "picks_right": middle.picks_right, "events": middle.reference_events, "picks": middle.picks}
                )  # fmt: skip
            rows += [{"load": load} | row for row in given_up]
    return rows


def _called(method: str, network: Network, beside_plain: bool) -> tuple[Method, AssociateConfig]:
    """How a method runs; where plain GaMMA does too, GaMMA has its homogeneous model and its reach of clusters."""
    if method != PLAIN and not (method == "gamma" and beside_plain):
        return through_windows, AssociateConfig(associator=method, velocity=network.velocity, second_pass=False)
    config = AssociateConfig(associator="gamma", velocity=MEAN_SPEEDS, second_pass=False, gamma={"dbscan_eps": 6.0})
    return plain_gamma_of_swarm if method == PLAIN else through_windows, config


def plain_gamma_of_swarm(task: Task, config: AssociateConfig) -> list[dict]:
    """GaMMA called once, in the volume that it is given within catalogdb."""
    volume = Volume.around(task.region.completed(task.stations), config.search_margin_km)
    depths = volume.region.mindepth_km, volume.region.maxdepth_km
    limits = {"x": (volume.minx_km, volume.maxx_km), "y": (volume.miny_km, volume.maxy_km), "z": depths}
    return plain_gamma(task, config, limits)


def measure_days(folder: Path, arguments: argparse.Namespace) -> list[dict]:
    """One row per load and seed."""
    known = networks(folder)
    method = "catalogdb run" if arguments.through_run else "scan"
    return [
        {"method": method, "load": f"{name}, a day, every {gap:g} s", "workers": arguments.workers}
        | day_row(known[name], gap, seed, arguments.workers, arguments.through_run, GATES)
        for name in arguments.networks
        for gap in arguments.gaps
        for seed in arguments.seeds
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--gaps", type=float, nargs="+", default=[10.0, 20.0], help="mean time between events, s")
    parser.add_argument("--methods", nargs="+", choices=[*METHODS, PLAIN])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--most-cpu", type=float, help="give a method up after so many seconds of CPU, for all seeds")
    parser.add_argument("--duration", type=float, default=540.0, help="length of a swarm, s")
    parser.add_argument("--day", action="store_true", help="a whole day by the scan, a row for each seed")
    parser.add_argument("--through-run", action="store_true", help="with --day: by catalogdb run")
    parser.add_argument("--workers", type=int, default=2, help="with --day: processes")
    arguments = parser.parse_args()
    folder = real_data(parser, "hengill_2018 and ogs_2024_h1")
    rows = measure_days(folder, arguments) if arguments.day else measure(folder, arguments)
    rows = [{key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()} for row in rows]
    if arguments.json:
        print(json.dumps({"benchmark": "swarm", "seeds": arguments.seeds, "results": rows}))
    else:
        print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
