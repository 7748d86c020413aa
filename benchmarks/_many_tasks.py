"""A database with many finished tasks, made without waveforms, and what `catalogdb status --stale` costs on it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from pymongo import UpdateOne
from pymongo.database import Database

from benchmarks._processes import in_own_process, peak_mb
from catalogdb.batches import batches
from catalogdb.database.connection import connect
from catalogdb.database.initialise import initialise
from catalogdb.identity import content_id
from catalogdb.jobs import Job
from catalogdb.ledger import tasks
from catalogdb.ledger.parts import fingerprint
from catalogdb.runs.stale import stale_of_job
from catalogdb.settings import Settings
from catalogdb.stages.file_states import with_extent
from catalogdb.stages.pick import PickStage

DAYS = 1000
FIRST_DAY = 19_000 * 86_400.0
JOB = {"name": "many", "catalog": "many", "stages": ["pick"], "pick": {"picker": "stalta", "shard_hours": 24}}
BATCH = 10_000


def measure_many(server: Settings, number: int) -> dict[str, Any]:
    """Make `number` finished tasks, of stations with a thousand days of three channels, and ask what is stale, in a
    process of its own.

    Returns:
        Number of tasks, of stale ones, wall and processor seconds of the question, its process's peak memory (MB) and
        how much of that there was before the question.
    """
    db = connect(server)
    initialise(db)
    for segments in batches(_segments(-(-number // DAYS), min(DAYS, number)), BATCH):
        db.wf_miniseed.insert_many(segments, ordered=False)
    _finish(db, PickStage(Job.model_validate(JOB)))
    return in_own_process("benchmarks._many_tasks", str(server.data_dir), server.database)


def _ask(data_dir: str, database: str) -> dict[str, Any]:
    db = connect(Settings(data_dir=Path(data_dir), database=database))
    job = Job.model_validate(JOB)
    before, wall, processor = peak_mb(), time.perf_counter(), time.process_time()
    found = stale_of_job(db, job)
    return {
        "tasks": db.task.count_documents({}),
        "stale": len(found.tasks),
        "wall_seconds": round(time.perf_counter() - wall, 2),
        "cpu_seconds": round(time.process_time() - processor, 2),
        "peak_mb_before": round(before, 1),
        "peak_mb": round(peak_mb(), 1),
    }


def _segments(stations: int, days: int) -> Iterator[dict[str, Any]]:
    for station, day, component in product(range(stations), range(days), "ZNE"):
        name, start = f"XX.S{station:03d}..HH{component}.{day:04d}", FIRST_DAY + day * 86_400.0
        segment = {
            "file_id": content_id(name),
            "content": f"{8_000_000 + day} {content_id('digest', name)}",
            "net": "XX",
            "sta": f"S{station:03d}",
            "loc": "",
            "chan": f"HH{component}",
            "channel_group": f"XX.S{station:03d}..HH",
            "starttime": start,
            "endtime": start + 86_399.99,
            "npts": 8_640_000,
            "delta": 0.01,
            "sampling_rate": 100.0,
            "dir": f"/archive/S{station:03d}",
            "dfile": name,
            "foff": 0,
            "nbytes": 8_000_000 + day,
        }
        yield with_extent(segment)


def _finish(db: Database, stage: PickStage) -> None:
    """Ledger rows of all planned tasks, as they are when they are done."""
    names = {"_id": stage.result, "kind": "automatic", "config": stage.config, "config_id": stage.config_id}
    db.pick_set.insert_one(names)
    tasks.register(db, stage, stage.plan(db))
    for batch in batches(stage.parts(db), BATCH):
        done = [
            UpdateOne(
                {"_id": tasks.task_id(stage, shard)},
                {"$set": {"status": "done", "fingerprint": fingerprint(parts), "inputs": parts}},
            )
            for shard, parts in batch
        ]
        db.task.bulk_write(done, ordered=False)
    tasks.register(db, stage, stage.plan(db))  # what the index looks like at a glance goes in where a task is current


if __name__ == "__main__":
    print(json.dumps(_ask(*sys.argv[2:])))
