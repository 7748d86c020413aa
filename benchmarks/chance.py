"""The test of chance: how many events it lets through where there is none, beside how many it promises to.

Picks are the analysts' of OGS and false ones, with the times of each station shifted by a time of its own, circular
within the period: what a station records stays as it is, and no two stations agree but by chance. With `--made` the
picks are false ones alone, in bursts that hit neighbouring stations together, which no shift keeps. Each load is
associated once with the largest limit; an event counts for the limits that its score meets.
Needs CATALOGDB_REALDATA (folder ogs_2024_h1).

    python -m benchmarks.chance --json
    python -m benchmarks.chance --plot chance.svg --start 2024-02-01 --end 2024-02-11
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._false_picks import false_picks
from benchmarks._real_data import real_data
from benchmarks.association import SCAN, load, with_false_picks
from catalogdb.tuning.compare import Task, through_windows
from catalogdb.tuning.search import changed

LIMITS = (0.001, 0.01, 0.03, 0.1, 0.3, 1.0)


def shifted(task: Task, seed: int) -> Task:
    """The picks of each station shifted by a random time, circular within the period."""
    random = np.random.default_rng(seed)
    length = task.endtime - task.starttime
    shift = {code: random.uniform(0.0, length) for code in sorted({pick["sta"] for pick in task.picks})}
    picks = [
        pick | {"time": task.starttime + (pick["time"] - task.starttime + shift[pick["sta"]]) % length}
        for pick in task.picks
    ]
    return replace(task, picks=sorted(picks, key=lambda pick: (pick["time"], pick["_id"])), reference=[])


def loads(task: Task, rates: list[float], made: bool, seed: int) -> dict[str, Task]:
    """Loads without any event, by name."""
    if made:
        return {
            f"{rate:g} a station-day in bursts": replace(
                task,
                picks=false_picks(task.stations, task.starttime, task.endtime, rate, "bursts", seed),
                reference=[],
            )
            for rate in rates
        }
    return {
        f"shifted, {rate:g} a station-day added": shifted(with_false_picks(task, rate, "bursts", seed), seed)
        for rate in rates
    }


def found_per_day(task: Task, limits: tuple[float, ...] = LIMITS) -> list[dict]:
    """One row per limit: events promised at most, and events found, per day."""
    origins = through_windows(task, changed(SCAN, {"max_chance_per_day": max(limits)}))
    scores = np.array([origin["score"] for origin in origins])
    days = (task.endtime - task.starttime) / 86400.0
    return [
        {"promised": limit, "found": float(np.count_nonzero(scores >= -np.log10(limit)) / days), "days": days}
        for limit in limits
    ]


def plot(rows: list[dict], path: Path) -> None:
    """Found over promised; none found is drawn at a third of one in the period."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5.0, 4.2), layout="constrained")
    for load_name, own in pd.DataFrame(rows).groupby("load", sort=False):
        axes.loglog(own.promised, np.maximum(own.found, 1.0 / 3.0 / own.days), marker="o", label=load_name)
    axes.loglog(LIMITS, LIMITS, color="black", linewidth=0.8, label="as promised")
    axes.set_xlabel("allowed by max_chance_per_day")
    axes.set_ylabel("found per day where there is no event")
    axes.legend(fontsize="small")
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--plot", type=Path, help="draw the rows into this file")
    parser.add_argument("--start", default="2024-02-01", help="first day (UTC)")
    parser.add_argument("--end", default="2024-02-11", help="day after the last (UTC)")
    parser.add_argument("--rates", type=float, nargs="+", default=[20.0, 150.0], help="false picks per station and day")
    parser.add_argument("--made", action="store_true", help="false picks in bursts alone, not shifted")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    root = real_data(parser, "ogs_2024_h1")
    task = load(root / "ogs_2024_h1", arguments.start, arguments.end)
    rows = [
        {"load": name} | row
        for name, noise in loads(task, arguments.rates, arguments.made, arguments.seed).items()
        for row in found_per_day(noise)
    ]
    if arguments.json:
        print(json.dumps({"benchmark": "chance", "seed": arguments.seed, "results": rows}))
    else:
        print(pd.DataFrame(rows).to_string(index=False))
    if arguments.plot:
        plot(rows, arguments.plot)


if __name__ == "__main__":
    main()
