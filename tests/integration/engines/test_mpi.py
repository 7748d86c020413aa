"""`catalogdb run --engine mpi` under a real mpirun: the same catalog, and an end of all ranks whatever happens.

What becomes of it when single ranks are signalled or killed is among the chaos tests.
"""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from commands import environment_of
from engine_day import STAGES, made_by

from catalogdb.database.connection import connect

pytest.importorskip("mpi4py.futures", reason="mpi4py is not installed")
if shutil.which("mpirun") is None:
    pytest.skip("no mpirun here", allow_module_level=True)

pytestmark = pytest.mark.mpi
OPEN_MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",  # more ranks than cores
    "OMPI_MCA_odls_base_sigkill_timeout": "4",  # mpirun waits so long before SIGTERM, and again before SIGKILL
}

LONG_PICKING = "{picker: phasenet, weights: demo, shard_hours: 1, overlap: 0.98}"
"""Takes longer than mpirun waits before it passes a signal on."""


def start(settings, *arguments, ranks=3):
    command = ["mpirun", "-n", str(ranks), sys.executable, "-m", "catalogdb", "run", *map(str, arguments)]
    return subprocess.Popen(
        [*command, "--engine", "mpi", "--json"],
        env=environment_of(settings, **OPEN_MPI),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ranks_make_the_same_catalog_and_the_first_alone_reports(engine_day):
    settings = engine_day.filled()
    process = start(settings, engine_day.job_file)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    report = json.loads(output)  # one object: the other ranks print nothing
    assert report["status"] == "done" and report["evaluation"]["events"]["matched"] > 0
    assert set(report["stages"]) == {*STAGES, "evaluate"}
    assert made_by(settings) == engine_day.by_local
    assert connect(settings).run.find_one()["engine"] == "mpi"


def test_failure_of_a_task_is_reported_by_the_exit_code(engine_day):
    settings = engine_day.filled()
    file = next(Path(engine_day.data.waveforms_dir).rglob("OX.BOO..HH*"))
    away = file.rename(file.with_suffix(".away"))
    try:
        process = start(settings, engine_day.job_file, "--set", "stages=[pick]")
        output, errors = process.communicate(timeout=300)
    finally:
        away.rename(file)
    assert process.returncode == 1, errors
    assert all(file.name in line for line in json.loads(output)["stages"]["pick"]["failures"])
    assert "Traceback" not in errors


def test_what_is_wrong_before_the_work_ends_all_ranks(engine_day):
    process = start(engine_day.local, engine_day.job_file.with_name("none.yaml"))
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "no such job file" in json.loads(output)["error"] and errors.count("error:") == 1


def test_interrupt_ends_all_ranks_and_gives_their_tasks_back(engine_day):
    settings = engine_day.filled()
    db = connect(settings)
    process = start(settings, engine_day.job_file, "--set", f"pick={LONG_PICKING}")
    deadline = time.monotonic() + 120
    while not db.task.count_documents({"status": "running"}) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    ranks = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert psutil.wait_procs(ranks, timeout=30)[1] == [], "ranks outlived mpirun"
    assert process.returncode != 0 and "Traceback" not in errors
    assert db.task.count_documents({"$or": [{"lease": {"$exists": True}}, {"status": "running"}]}) == 0
    assert db.run.find_one()["status"] == "interrupted"
