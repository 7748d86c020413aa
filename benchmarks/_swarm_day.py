"""A whole day of a swarm by the scan: its windows shared by worker processes, or by `catalogdb run`."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._processes import ROOT, peak_mb
from benchmarks._swarms import Network, swarm
from catalogdb.association.associate import associate
from catalogdb.association.config import AssociateConfig
from catalogdb.association.windows import AssociationWindow, association_windows
from catalogdb.evaluation.gates import Gates
from catalogdb.tuning.compare import Task, score

DAY_SECONDS = 86400.0
INSERTED_AT_A_TIME = 10_000


def day_row(network: Network, gap: float, seed: int, workers: int, through_run: bool, gates: Gates) -> dict[str, Any]:
    """Associate one day: picks, seconds of wall and CPU, the memory of all workers together, and what was found.

    Args:
        network: where the swarm is.
        gap: mean time between events, s.
        seed: of the generator.
        workers: processes.
        through_run: by `catalogdb run` on a database, all of the command; else by the function that its stage calls.
        gates: within which an event counts as found.
    """
    task = swarm(network, gap, DAY_SECONDS, seed)
    measured = _by_run if through_run else _by_function
    origins, figures = measured(task, AssociateConfig(velocity=network.velocity), workers)
    scores = score(origins, task.reference, gates)
    return {"picks": len(task.picks), **figures, "events": len(task.reference)} | {
        key: scores[key] for key in ("recall", "precision")
    }


def _by_function(task: Task, config: AssociateConfig, workers: int) -> tuple[list[dict], dict[str, Any]]:
    began = time.perf_counter()
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        running = [
            pool.submit(_one_window, picks, task.stations, task.region, config, window)
            for window, picks in _windows(task, config)
        ]
        parts = [future.result() for future in running]
    wall = time.perf_counter() - began
    cpu, peak = ({part["pid"]: part[key] for part in parts} for key in ("cpu_s", "peak_mb"))  # the last of each
    origins = [origin for part in parts for origin in part["origins"]]
    return origins, {"wall_s": wall, "cpu_s": sum(cpu.values()), "peak_mb": sum(peak.values())}


def _windows(task: Task, config: AssociateConfig) -> Iterator[tuple[AssociationWindow, list]]:
    """The windows of the day with the picks that each reads."""
    picks = sorted(task.picks, key=lambda pick: (pick["time"], str(pick["_id"])))
    times = np.array([pick["time"] for pick in picks])
    for window in association_windows(task.starttime, task.endtime, config.window_seconds, config.overlap_seconds):
        first, last = np.searchsorted(times, [window.read_starttime, window.read_endtime])
        yield window, picks[first:last]


def _one_window(picks: list, stations: Any, region: Any, config: AssociateConfig, window: AssociationWindow) -> dict:
    """What the stage does for one task; figures are of the process so far."""
    origins = associate(picks, stations, region, config, (window.starttime, window.endtime)).origins
    return {"origins": origins, "pid": os.getpid(), "cpu_s": time.process_time(), "peak_mb": peak_mb()}


def _by_run(task: Task, config: AssociateConfig, workers: int) -> tuple[list[dict], dict[str, Any]]:
    from catalogdb.database.connection import connect
    from catalogdb.database.embedded import EmbeddedMongod
    from catalogdb.database.initialise import initialise
    from catalogdb.settings import Settings

    job = {
        "name": "day", "catalog": "day", "pick_set": "picks", "stages": ["associate"],
        "associate": config.model_dump(mode="json", exclude_unset=True),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="catalogdb-bench-") as folder:
        server = EmbeddedMongod(Path(folder) / "mongod")
        server.start()
        try:
            settings = Settings(data_dir=server.data_dir, database="day")
            db = connect(settings)
            initialise(db)
            _fill(db, task)
            path = Path(folder) / "day.yaml"
            path.write_text(json.dumps(job))
            command = [sys.executable, "-m", "catalogdb", "run", str(path)]
            command += ["--engine", "dask", "--workers", str(workers), "--json"]
            environment = os.environ | {"CATALOGDB_DATA_DIR": str(server.data_dir), "CATALOGDB_DATABASE": "day"}
            before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
            wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
            if done.returncode:
                raise RuntimeError(f"catalogdb run failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
            origins = list(db.origin.find({"catalog": "day"}))
        finally:
            server.stop()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return origins, {"wall_s": wall, "cpu_s": cpu, "peak_mb": workers * after.ru_maxrss / 1024.0}


def _fill(db: Any, task: Task) -> None:
    """Put the stations and the picks into a new database."""
    db.site.insert_many(
        {"net": row["net"], "sta": row["sta"], "loc": "", "lat": row["latitude"], "lon": row["longitude"],
         "elev": row["elevation_km"], "starttime": 0.0, "endtime": 4e9}
        for row in task.stations
    )  # fmt: skip
    options = {"bypass_document_validation": True}
    db.pick_set.insert_many([{"_id": "picks", "config_id": "made", "kind": "automatic"}], **options)
    made = {"pick_set": "picks", "config_id": "made", "task_id": "made", "loc": "", "chan": "HHZ"}
    made |= {"evaluation_mode": "automatic"}
    rows = [pick | made | {"channel_group": f"{pick['net']}.{pick['sta']}..HH"} for pick in task.picks]
    for first in range(0, len(rows), INSERTED_AT_A_TIME):
        db.pick.insert_many(rows[first : first + INSERTED_AT_A_TIME], **options)
