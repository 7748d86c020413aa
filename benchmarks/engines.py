"""Engines and ledger: what a shard costs that has nothing to do, how picking scales, and many claimers at once."""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import psutil

from benchmarks import _engine_processes
from benchmarks._engine_processes import settings_text
from benchmarks._scaling import scaling
from benchmarks._trivial import TrivialStage
from catalogdb.database.connection import connect, embedded
from catalogdb.database.initialise import initialise
from catalogdb.ledger import tasks
from catalogdb.settings import Settings

ROOT = Path(__file__).parent.parent
ENGINES = ("local", "dask", "mpi", "work", "slurm")
PROCESSES_OF_CLAIMERS = 4
CLAIMERS_BEGIN_AFTER = 15.0
"""Seconds that the processes of claimers have to start in."""
OPEN_MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
}


def not_here(engine: str) -> str | None:
    """Why an engine can't be measured here; None where it can."""
    if engine == "mpi" and shutil.which("mpirun") is None:
        return "no mpirun"
    if engine == "slurm" and (shutil.which("sbatch") is None or "SLURM_CONF" not in os.environ):
        return "no Slurm: deploy/slurm/single-node.sh start FOLDER; export SLURM_CONF=FOLDER/slurm.conf"
    return None


def trivial_shards(server: Settings, engine: str, shards: int, workers: int) -> dict[str, Any]:
    """Run shards that have nothing to do through one engine."""
    settings = _new_database(server)
    own = [settings_text(settings), str(shards)]
    cpu, own_cpu = _cpu_seconds(server), _cpu_seconds_of_children()
    if engine == "work":
        started = [_start("work", *own, str(number)) for number in range(workers)]
    elif engine == "mpi":
        launcher = ["mpirun", "-n", str(workers + 1)]
        started = [_start("mpi", *own, launcher=launcher)]
    else:
        started = [_start(engine, *own, str(workers))]
    found = [_result(process) for process in started]
    done = sum(part["done"] for part in found)
    db = connect(settings)
    written = db.pick.count_documents({"pick_set": "trivial"})
    if not done == written == shards:
        raise RuntimeError(f"{engine}: {done} done and {written} picks of {shards} shards")
    began = min(part["planned"] for part in found)
    seconds = max(part["ended"] for part in found) - began
    concurrent = 1 if engine == "local" else workers
    row = {
        "workers": concurrent,
        "shards": shards,
        "plan_seconds": round(began - min(part["began"] for part in found), 2),
        "seconds": round(seconds, 2),
        "shards_per_second": round(shards / seconds, 1),
        "ms_per_shard": round(1000 * seconds * concurrent / shards, 2),
        "server_cpu_ms_per_shard": round(1000 * (_cpu_seconds(server) - cpu) / shards, 2),
    }
    if engine != "slurm":  # its workers are no children of ours
        row["client_cpu_ms_per_shard"] = round(1000 * (_cpu_seconds_of_children() - own_cpu) / shards, 2)
    db.client.drop_database(settings.database)
    return row


def claimers(server: Settings, shards: int, number: int) -> dict[str, Any]:
    """Let many claimers take shards from the ledger at once.

    Raises:
        RuntimeError: where a shard was given to two of them, or to none.
    """
    settings = _new_database(server)
    db = connect(settings)
    stage = TrivialStage(shards)
    tasks.register(db, stage, stage.plan(db))
    each = [number // PROCESSES_OF_CLAIMERS] * PROCESSES_OF_CLAIMERS
    each[0] += number % PROCESSES_OF_CLAIMERS
    start_at = time.time() + CLAIMERS_BEGIN_AFTER
    arguments = settings_text(settings), str(shards)
    started = [_start("claim", *arguments, str(count), str(start_at)) for count in each]
    most = 0
    while any(process.poll() is None for process in started) and time.time() < start_at + 2:
        most = max(most, db.client.admin.command("serverStatus")["connections"]["current"])
        time.sleep(0.2)
    found = [_result(process) for process in started]
    tokens: dict[str, list[str]] = {}
    for part in found:
        for identity, given in part["leases"].items():
            tokens.setdefault(identity, []).extend(given)
    rows = {row["_id"]: row for row in db.task.find({}, {"attempts": 1, "lease.token": 1})}
    twice = [identity for identity, given in tokens.items() if len(given) != 1]
    if twice or set(tokens) != set(rows):
        raise RuntimeError(f"{len(twice)} shards claimed twice, {len(set(rows) - set(tokens))} by nobody")
    if any(row["attempts"] != 1 or row["lease"]["token"] != tokens[row["_id"]][0] for row in rows.values()):
        raise RuntimeError("the ledger does not say what the claimers were told")
    seconds = max(part["ended"] for part in found) - start_at
    db.client.drop_database(settings.database)
    return {
        "claimers": number,
        "shards": shards,
        "claimed_once": len(tokens),
        "claimed_twice": len(twice),
        "came_too_late": sum(part["late"] for part in found),
        "seconds": round(seconds, 2),
        "claims_per_second": round(shards / seconds, 1),
        "connections": most,
    }


def _start(what: str, *arguments: str, launcher: list[str] | None = None) -> subprocess.Popen:
    command = [*(launcher or []), sys.executable, "-m", _engine_processes.__name__, what, *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | OPEN_MPI, stdout=subprocess.PIPE, text=True)


def _result(process: subprocess.Popen) -> dict[str, Any]:
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, process.args))}: exit code {process.returncode}")
    return json.loads(output)


def _new_database(server: Settings) -> Settings:
    settings = server.model_copy(update={"database": f"engines_{uuid.uuid4().hex[:8]}"})
    initialise(connect(settings))
    return settings


def _cpu_seconds(server: Settings) -> float:
    times = psutil.Process(embedded(server).status().pid).cpu_times()
    return times.user + times.system


def _cpu_seconds_of_children() -> float:
    """Of processes that have ended, their start included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("--shards", type=int, default=10_000, help="that have nothing to do (default %(default)s)")
    parser.add_argument("--engines", nargs="*", default=ENGINES, choices=ENGINES, help="default all that are here")
    parser.add_argument("--workers", type=int, default=2, help="of each engine but local (default %(default)s)")
    parser.add_argument("--claimers", type=int, default=1000, help="at once (default %(default)s; 0: leave it out)")
    parser.add_argument("--stations", type=int, default=6, help="picked for the scaling; 0: leave it out")
    parser.add_argument("--hours", type=int, default=12, help="of waveforms of each (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="of 1, 2, 2 and 1 workers (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    found: dict[str, Any] = {"engines": {}}
    with tempfile.TemporaryDirectory() as folder:
        server = Settings(data_dir=Path(folder) / "mongod")
        embedded(server).start()
        try:
            for engine in arguments.engines:
                reason = not_here(engine)
                row = {"skipped": reason} if reason else {}
                row = row or trivial_shards(server, engine, arguments.shards, arguments.workers)
                found["engines"][engine] = row
                _say(arguments, engine, row)
            if arguments.claimers:
                found["claimers"] = claimers(server, arguments.shards, arguments.claimers)
                _say(arguments, "claimers", found["claimers"])
            if arguments.stations:
                sizes = arguments.stations, arguments.hours, arguments.rounds
                found["scaling"] = scaling(server, Path(folder), *sizes, _new_database, _cpu_seconds)
                _say(arguments, "scaling", found["scaling"])
        finally:
            embedded(server).stop()
    if arguments.json:
        print(json.dumps(found, indent=2))


def _say(arguments: argparse.Namespace, name: str, row: dict[str, Any]) -> None:
    if not arguments.json:
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
