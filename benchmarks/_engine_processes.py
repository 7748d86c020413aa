"""Processes that the benchmark of the engines starts: `python -m benchmarks._engine_processes WHAT SETTINGS ...`.

Each prints one JSON object. What is measured are the tasks: not starting the processes, nor imports.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks._trivial import CarryOutTrivial, TrivialStage
from catalogdb.database.connection import connect
from catalogdb.database.lease import server_now
from catalogdb.engines import EngineOptions, executor
from catalogdb.engines.options import BatchOptions
from catalogdb.ledger import tasks
from catalogdb.runs.claims import OpenTasks
from catalogdb.runs.hand_out import HandOut
from catalogdb.runs.run_report import StageReport
from catalogdb.runs.stage_run import run_stage
from catalogdb.runs.work import this_worker
from catalogdb.settings import Settings

RUN_ID = "benchmark"


def by_engine(settings: Settings, options: EngineOptions, shards: int) -> dict[str, Any]:
    """Run the trivial shards through an engine."""
    db = connect(settings, start=False)
    stage = TrivialStage(shards)
    result = StageReport()
    moments: dict[str, float] = {}

    def progress(name: str, total: int, report: object) -> None:
        moments.setdefault("planned" if report is None else "first", time.time())

    with executor(options) as (pool, capacity):
        moments["began"] = time.time()
        carry_out = CarryOutTrivial(settings, stage, RUN_ID)
        run_stage(db, stage, RUN_ID, result, HandOut(pool, capacity, lambda stage: carry_out), progress)
        moments["ended"] = time.time()
    return {"done": result.done, "workers": capacity} | moments


def by_workers(settings: Settings, shards: int, number: int) -> dict[str, Any]:
    """Be one of several workers that claim the trivial shards from the ledger."""
    db = connect(settings, start=False)
    worker = this_worker(settings, RUN_ID, environment={"SLURM_JOB_ID": "1", "SLURM_PROCID": str(number)})
    result = StageReport()
    moments: dict[str, float] = {"began": time.time()}

    def progress(*_: object) -> None:
        moments.setdefault("planned", time.time())

    run_stage(db, TrivialStage(shards), RUN_ID, result, worker.claim, progress)
    return {"done": result.done, "ended": time.time()} | moments


def by_mpi(settings: Settings, shards: int) -> dict[str, Any] | None:
    """Be one of MPI's ranks."""
    from catalogdb.engines import mpi

    if not mpi.serve_unless_root():
        return None
    try:
        return by_engine(settings, EngineOptions("mpi"), shards)
    finally:
        mpi.dismiss()


def claim_all(settings: Settings, shards: int, claimers: int, start_at: float) -> dict[str, Any]:
    """Claim shards with many threads at once, each as a worker of its own that does nothing with what it has.

    Returns:
        The tokens of the leases that were given, by task; and how often a claim came too late.
    """
    db = connect(settings, start=False)
    stage = TrivialStage(shards)
    planned = list(stage.plan(db))
    now = server_now(db)
    leases: dict[str, list[str]] = {}
    late = [0] * claimers
    terms = tasks.LeaseTerms(seconds=3600.0)  # nobody renews them
    lock = threading.Lock()

    def claimer(number: int) -> None:
        left = OpenTasks(db, stage, planned, RUN_ID, now, random.random())
        time.sleep(max(0.0, start_at - time.time()))
        while free := left.free():
            for item in free:
                identity = tasks.task_id(stage, item.shard)
                lease = tasks.claim(db, identity, item.fingerprint, RUN_ID, terms)
                if lease is None:
                    late[number] += 1
                    left.move_to()
                    break
                with lock:
                    leases.setdefault(identity, []).append(lease.token)

    threads = [threading.Thread(target=claimer, args=(number,)) for number in range(claimers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"leases": leases, "late": sum(late), "ended": time.time()}


def main() -> None:
    what, settings_json, *numbers = sys.argv[1:]
    settings = _settings(settings_json)
    if what == "claim":
        shards, claimers, start_at = numbers
        found = claim_all(settings, int(shards), int(claimers), float(start_at))
    elif what == "work":
        found = by_workers(settings, *map(int, numbers))
    elif what == "mpi":
        found = by_mpi(settings, *map(int, numbers))
    else:
        shards, workers = map(int, numbers)
        batch = BatchOptions(memory="1GB", walltime="01:00:00") if what == "slurm" else BatchOptions()
        options = EngineOptions(what, workers if what != "local" else None, batch=batch)
        found = by_engine(settings, options, shards)
    if found is not None:
        print(json.dumps(found))


def settings_text(settings: Settings) -> str:
    """Settings as a process is given them; the password, if any, comes from the embedded server's own file."""
    return json.dumps({"data_dir": str(settings.data_dir), "database": settings.database})


def _settings(text: str) -> Settings:
    values = json.loads(text)
    return Settings(data_dir=Path(values["data_dir"]), database=values["database"])


if __name__ == "__main__":
    main()
