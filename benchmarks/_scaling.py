"""How picking scales from one worker of one core to two: by the clock, and by what it is made of.

The clock of a busy machine says little of the program. So besides it stand the processor's seconds that workers and
server take for a shard, without what they take to start, to load the network, and while idle; the rate of each worker
between its first and its last task, without the end, where one worker has nothing left; and what two cores can give at
most, where the server is on the same two.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from catalogdb.database.connection import connect, mspass_database
from catalogdb.demo.dataset import DemoDay, write_demo_day
from catalogdb.settings import Settings
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.ingest_waveforms import ingest_waveforms

JOB = """
name: scaling
catalog: scaling
stages: [pick]
pick: {picker: phasenet, weights: demo, shard_hours: 3}
"""
LOAD = """
import time
from catalogdb.picking.config import PickConfig
from catalogdb.picking.picker import load_picker
from catalogdb.stages import pick
picker, before = load_picker(PickConfig(picker="phasenet", weights="demo")), time.process_time()
picker.preload().result()
print(time.process_time() - before)
"""
IDLE_SECONDS = 10.0
TURNS = (1, 2, 2, 1)
ServerCpu = Callable[[Settings], float]
NewDatabase = Callable[[Settings], Settings]


@dataclass(frozen=True)
class Measured:
    """One run.

    Attributes:
        wall: from the start of the stage to the end of its last task, s.
        worker_cpu: processor's seconds of all workers, from their start to their end.
        server_cpu: those of the server meanwhile, without those that it takes while idle.
        rate: shards a second, of all workers together, each between its first and its last task.
        gap: mean time from the end of a task to the start of the worker's next, s.
        uneven: from the end of the first worker's last task to that of the last one's, s.
    """

    wall: float
    worker_cpu: float
    server_cpu: float
    rate: float
    gap: float
    uneven: float


def scaling(
    server: Settings, folder: Path, stations: int, hours: int, rounds: int, new: NewDatabase, server_cpu: ServerCpu
) -> dict[str, Any]:
    """Pick the same waveforms by one worker and by two in turns; each worker has a core of its own, and one thread.

    Args:
        rounds: times that 1, 2, 2 and 1 workers follow one another.
        new: makes a database beside those of given settings.
        server_cpu: seconds that the server has had.
    """
    day = write_demo_day(folder, seed=5, duration_s=hours * 3600, stations=stations, events=5 * hours)
    job = folder / "job.yaml"
    job.write_text(JOB)
    runs: dict[int, list[Measured]] = {1: [], 2: []}
    shards, start_cpu, load_cpu = 0, 0.0, _load_cpu()
    idle = _idle_share(server, server_cpu)
    for workers in TURNS * rounds:
        settings = new(server)
        db = connect(settings)
        _ingest(settings, day)
        before, began = server_cpu(server), time.monotonic()
        cpu, tasks = _work(settings, job, workers)
        of_server = server_cpu(server) - before - idle * (time.monotonic() - began)
        run = db.run.find_one({}) or {}
        shards = run["stages"]["pick"]["done"]
        last = (db.task.find_one({"stage": "pick"}, sort=[("updated", -1)]) or {})["updated"]
        wall = (last - run["stages"]["pick"]["started"]).total_seconds()
        runs[workers].append(Measured(wall, cpu, of_server, **_schedule(tasks)))
        start_cpu, _ = _work(settings, job, 1)  # nothing is left to do
        db.client.drop_database(settings.database)
    return _told(runs, shards, start_cpu, load_cpu)


def _told(runs: dict[int, list[Measured]], shards: int, start_cpu: float, load: float) -> dict[str, Any]:
    per_shard = {
        workers: [(run.worker_cpu - workers * (start_cpu + load)) / shards for run in found]
        for workers, found in runs.items()
    }
    server = [run.server_cpu / shards for run in runs[2]]
    best = {workers: min(run.wall for run in found) for workers, found in runs.items()}
    rates = {workers: max(run.rate for run in found) for workers, found in runs.items()}
    of_one, of_two = min(per_shard[1]), min(per_shard[2]) + min(server)
    return {
        "shards": shards,
        "seconds": {str(workers): [round(run.wall, 1) for run in found] for workers, found in runs.items()},
        "speedup": round(best[1] / best[2], 2),
        "speedup_between_first_and_last_task": round(rates[2] / rates[1], 2),
        "worker_cpu_per_shard": {
            str(workers): [round(cpu, 3) for cpu in found] for workers, found in per_shard.items()
        },
        "server_cpu_per_shard": [round(cpu, 4) for cpu in server],
        "start_cpu": round(start_cpu, 2),
        "load_cpu": round(load, 2),
        "gap_seconds": [round(run.gap, 3) for found in runs.values() for run in found],
        "uneven_seconds": [round(run.uneven, 2) for run in runs[2]],
        "most_by_cpu": round(2 * of_one / of_two, 2),
        "most_with_load": round((load + shards * of_one) / (load + shards * of_two / 2), 2),
    }


def _load_cpu() -> float:
    """Processor's seconds that a worker takes to load the network and its libraries."""
    output = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True).stdout
    return float(output)


def _idle_share(server: Settings, server_cpu: ServerCpu) -> float:
    """Share of a core that the server takes with nothing to do."""
    before = server_cpu(server)
    time.sleep(IDLE_SECONDS)
    return (server_cpu(server) - before) / IDLE_SECONDS


def _ingest(settings: Settings, day: DemoDay) -> None:
    db = connect(settings)
    ingest_stations(db, mspass_database(settings), [day.stations_path])
    ingest_waveforms(db, [day.waveforms_dir])


def _work(settings: Settings, job: Path, workers: int) -> tuple[float, list[list[tuple[float, float]]]]:
    """One run by so many workers: the processor's seconds of all, and start and end of each worker's tasks."""
    own = {"CATALOGDB_DATA_DIR": str(settings.data_dir), "CATALOGDB_DATABASE": settings.database}
    own |= {"OMP_NUM_THREADS": "1", "CATALOGDB_LOG": "json"}
    command = [sys.executable, "-m", "catalogdb", "work", str(job), "--run-id", uuid.uuid4().hex, "--json"]
    before = _children()
    started = [
        subprocess.Popen(
            ["taskset", "--cpu-list", str(core), *command],
            env=os.environ | own,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for core in sorted(os.sched_getaffinity(0))[:workers]
    ]
    tasks = [_tasks(process) for process in started]
    return _children() - before, tasks


def _tasks(process: subprocess.Popen[str]) -> list[tuple[float, float]]:
    _, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, process.args))}: exit code {process.returncode}: {errors[-500:]}")
    found = []
    for line in errors.splitlines():
        row = json.loads(line) if line.startswith("{") else {}
        if row.get("event") == "task done":
            end = datetime.fromisoformat(row["time"]).timestamp()
            found.append((end - sum(row["seconds"].values()), end))
    return found


def _schedule(workers: list[list[tuple[float, float]]]) -> dict[str, float]:
    """What of `Measured` the tasks' times say."""
    gaps = [later[0] - earlier[1] for tasks in workers for earlier, later in pairwise(tasks)]
    ends = [tasks[-1][1] for tasks in workers]
    return {
        "rate": sum((len(tasks) - 2) / (tasks[-2][1] - tasks[0][1]) for tasks in workers),
        "gap": sum(gaps) / len(gaps),
        "uneven": max(ends) - min(ends),
    }


def _children() -> float:
    """Processor's seconds of processes of this one that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
