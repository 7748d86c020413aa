"""A tiny job run by the real command, to be disturbed; and what its catalog holds afterwards."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
from databases import result_collections

from catalogdb.database.connection import connect, mspass_database
from catalogdb.database.initialise import initialise
from catalogdb.demo.dataset import write_demo_day
from catalogdb.settings import Settings
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.ingest_waveforms import ingest_waveforms

JOB = """
name: faults
catalog: faults
stages: [pick, associate]
pick: {picker: stalta, shard_hours: 1}
associate: {associator: pyocto, window_seconds: 900, min_picks: 4, min_p: 2, min_s: 0}
"""
STAGES = ("pick", "associate", "magnitude", "assemble")
FINISH_SECONDS = 600


def write_day(folder: Path) -> Path:
    """Two hours of four stations, and the job."""
    write_demo_day(folder, seed=7, duration_s=2 * 3600, stations=4, events=8)
    (folder / "job.yaml").write_text(JOB)
    return folder


def fill(settings: Settings, day: Path) -> None:
    """Ingest stations and waveforms."""
    db = connect(settings)
    initialise(db)
    ingest_stations(db, mspass_database(settings), [day / "stations.xml"])
    ingest_waveforms(db, [day / "waveforms"])


def clear(settings: Settings) -> None:
    """Remove what runs made; what was ingested stays."""
    db = connect(settings)
    for name in (*result_collections(), "pick_set", "catalog", "run"):
        db[name].delete_many({})
    db.task.delete_many({"stage": {"$in": STAGES}})


def start(
    settings: Settings, day: Path, *arguments: str, launcher: tuple[str, ...] = (), **environment: str
) -> subprocess.Popen:
    """Start `catalogdb run` of the job; output and errors are pipes.

    Args:
        arguments: after the job file.
        launcher: what starts the command, and with which arguments; none: it is started itself.
        environment: further variables.
    """
    own = {key: value for key, value in os.environ.items() if not key.startswith("CATALOGDB_")}
    own |= {"CATALOGDB_TIMEOUT_SECONDS": "1", "CATALOGDB_DATABASE": settings.database}
    if settings.uri:
        own["CATALOGDB_URI"] = settings.uri.get_secret_value()
    own |= {"CATALOGDB_DATA_DIR": str(settings.data_dir)} | environment
    command = [*launcher, sys.executable, "-m", "catalogdb", "run", str(day / "job.yaml"), "--json", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=own, preexec_fn=_as_in_a_terminal, **pipes)


def _as_in_a_terminal() -> None:
    """A shell lets what it runs in the background ignore Ctrl-C, and that is passed on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(settings: Settings, day: Path, *arguments: str, **environment: str) -> str:
    """Run the job undisturbed to its end."""
    process = start(settings, day, *arguments, **environment)
    output, errors = process.communicate(timeout=FINISH_SECONDS)
    assert process.returncode == 0, errors + output
    return output


def holders(settings: Settings) -> dict[int, str]:
    """Process ids that hold a lease, with the task that each holds."""
    rows = connect(settings).task.find({"status": "running"}, {"lease.owner": 1})
    return {int(re.search(r":(\d+):", row["lease"]["owner"])[1]): row["_id"] for row in rows if "lease" in row}


def in_mid_work(settings: Settings, process: subprocess.Popen, seconds: float = 0.0) -> bool:
    """Wait until the process, or a worker of it, works on a task, and `seconds` more; False where it ended before."""
    while process.poll() is None and not any(pid in family(process) for pid in holders(settings)):
        time.sleep(0.005)
    time.sleep(seconds)
    return process.poll() is None


def family(process: subprocess.Popen) -> list[int]:
    """The process and all that it started."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return [process.pid, *(child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE)]
    except psutil.NoSuchProcess:
        return []


def workers(process: subprocess.Popen) -> list[psutil.Process]:
    """Dask's worker processes of a run."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return [child for child in children if any("spawn_main" in part for part in child.cmdline())]
    except psutil.NoSuchProcess:
        return []


def leases(settings: Settings) -> int:
    """Tasks that the ledger says are in somebody's hands."""
    return connect(settings).task.count_documents({"$or": [{"status": "running"}, {"lease": {"$exists": True}}]})


def dump(settings: Settings) -> dict[str, list]:
    """All that a catalog's users see, and the ledger without its clocks."""
    db = connect(settings)
    content = {name: list(db[name].find().sort("_id")) for name in result_collections()}
    content |= {name: list(db[name].find({}, {"created": 0}).sort("_id")) for name in ("pick_set", "catalog")}
    lasting = dict.fromkeys(("fingerprint", "inputs", "outputs", "status", "counts", "choices", "shard"), 1)
    others = {"stage": {"$ne": "evaluate"}}  # its inputs say when the reference was ingested
    content["task"] = list(db.task.find(others, lasting).sort("_id"))
    return content
