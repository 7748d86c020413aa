"""Real Slurm jobs on a Slurm of this host: an array without a scheduler, an MPI run, and Dask workers as jobs."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import environment_of
from engine_day import STAGES, made_by

from catalogdb.database.connection import connect

SINGLE_NODE = Path(__file__).parent.parent.parent.parent / "deploy" / "slurm" / "single-node.sh"
SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"
for program in ("slurmd", "munged"):
    if shutil.which(program, path=SYSTEM) is None:
        pytest.skip(f"no {program} here (apt-get install slurm-wlm munge)", allow_module_level=True)


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """Folder of a running Slurm; its slurm.conf is in it."""
    folder = tmp_path_factory.mktemp("slurm")
    started = subprocess.run([SINGLE_NODE, "start", folder, "4"], capture_output=True, text=True)
    if started.returncode:
        pytest.skip(f"Slurm does not start here: {started.stderr[-500:]}")
    yield folder
    subprocess.run([SINGLE_NODE, "stop", folder], check=True)


@pytest.fixture
def on_slurm(slurm, tmp_path):
    """Runs a command in a folder of its own, with the environment for that Slurm and for given settings."""

    def on_slurm(settings, *command, **options):
        environment = environment_of(settings, SLURM_CONF=str(slurm / "slurm.conf"), **options)
        command = [str(part) for part in command]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)

    return on_slurm


def written(on_slurm, settings, *arguments):
    """The script that the command writes."""
    path = f"export PATH={Path(sys.executable).parent}:$PATH"
    common = ["--cpus", "1", "--memory", "512M", "--time", "00:10:00", "--setup", path, "-o", "job.sbatch"]
    done = on_slurm(settings, sys.executable, "-m", "catalogdb", "deploy", "slurm", *arguments, *common)
    assert done.returncode == 0, done.stderr
    return "job.sbatch"


def logs(tmp_path):
    return "\n".join(path.read_text() for path in sorted(tmp_path.glob("*.log")))


def test_array_makes_the_same_catalog(engine_day, on_slurm, tmp_path):
    settings = engine_day.filled()
    script = written(on_slurm, settings, engine_day.job_file, "--array", "3")
    done = on_slurm(settings, "sbatch", "--wait", script)
    assert done.returncode == 0, logs(tmp_path)
    assert made_by(settings) == engine_day.by_local
    (run,) = connect(settings).run.find()
    assert run["_id"].startswith("slurm-single-") and run["status"] == "done" and run["engine"] == "work"
    assert all(run["stages"][name]["done"] == run["stages"][name]["planned"] > 0 for name in STAGES)
    assert logs(tmp_path).count("engines against truth") == 1, "one element evaluates"


def test_a_cancelled_array_s_tasks_are_taken_by_the_next(engine_day, on_slurm, tmp_path):
    settings = engine_day.filled()
    db = connect(settings)
    script = written(on_slurm, settings, engine_day.job_file, "--array", "2")
    job = on_slurm(settings, "sbatch", "--parsable", script).stdout.strip()
    deadline = time.monotonic() + 120
    while not db.task.count_documents({"status": "running"}) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert on_slurm(settings, "scancel", job).returncode == 0
    while on_slurm(settings, "squeue", "--noheader", "-j", job).stdout and time.monotonic() < deadline:
        time.sleep(0.2)
    assert db.task.count_documents({"$or": [{"lease": {"$exists": True}}, {"status": "running"}]}) == 0
    assert db.run.find_one()["status"] == "interrupted", logs(tmp_path)
    assert on_slurm(settings, "sbatch", "--wait", script).returncode == 0, logs(tmp_path)
    assert made_by(settings) == engine_day.by_local


def test_one_allocation_does_one_job_after_the_other(engine_day, on_slurm, tmp_path):
    """A step of two tasks shares a run; what follows it in the same allocation is done, too."""
    settings = engine_day.filled()
    work = f"{sys.executable} -m catalogdb work {engine_day.job_file}"
    lines = ["#!/bin/bash", "#SBATCH --ntasks=2 --cpus-per-task=1 --mem-per-cpu=512M --time=00:10:00"]
    lines += ["#SBATCH --output=%x-%j.log", "set -e", f"srun --ntasks=2 {work}"]
    lines += [f"{work} --name strict --set associate.min_picks=6", work]
    (tmp_path / "two.sbatch").write_text("\n".join(lines) + "\n")
    assert on_slurm(settings, "sbatch", "--wait", "two.sbatch").returncode == 0, logs(tmp_path)
    step, strict, again = connect(settings).run.find().sort("started", 1)
    assert step["_id"].startswith("slurm-single-") and step["_id"].endswith(".0") and step["stages"]["pick"]["done"] > 0
    assert strict["catalog"] == "strict" and strict["stages"]["associate"]["done"] > 0
    assert again["stages"]["pick"]["up_to_date"] == step["stages"]["pick"]["planned"]
    assert [run["status"] for run in (step, strict, again)] == ["done"] * 3


@pytest.mark.mpi
@pytest.mark.skipif(shutil.which("mpirun") is None, reason="no mpirun here")
def test_mpi_run_makes_the_same_catalog(engine_day, on_slurm, tmp_path):
    pytest.importorskip("mpi4py.futures", reason="mpi4py is not installed")
    settings = engine_day.filled()
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    script = written(on_slurm, settings, engine_day.job_file, "--mpi", "3")
    done = on_slurm(settings, "sbatch", "--wait", script, **root)
    assert done.returncode == 0, logs(tmp_path)
    assert made_by(settings) == engine_day.by_local


def test_dask_workers_as_jobs_make_the_same_catalog(engine_day, on_slurm, tmp_path):
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed")
    settings = engine_day.filled()
    options = ["--workers", "2", "--queue", "main", "--memory", "1GB", "--walltime", "00:10:00", "--json"]
    command = [sys.executable, "-m", "catalogdb", "run", engine_day.job_file, "--engine", "slurm", *options]
    done = on_slurm(settings, *command, by_uri=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "done"
    assert made_by(settings) == engine_day.by_local
    owners = {path.name for path in tmp_path.glob("slurm-*.out")}
    assert len(owners) == 2, "two jobs were submitted"
    deadline = time.monotonic() + 60
    while jobs := on_slurm(settings, "squeue", "--noheader").stdout:
        assert time.monotonic() < deadline, f"jobs outlive the run: {jobs}"
        time.sleep(0.2)


@pytest.mark.parametrize("name", ["array-cpu.sbatch", "mpi.sbatch"])
def test_slurm_takes_the_committed_scripts(engine_day, on_slurm, name):
    fits = ["--ntasks", "2", "--cpus-per-task", "1", "--mem-per-cpu", "256M"]
    done = on_slurm(engine_day.local, "sbatch", "--test-only", *fits, SINGLE_NODE.with_name(name))
    assert done.returncode == 0 and "to start at" in done.stderr
