"""Processes killed at any moment: after one more run the catalog equals the undisturbed one, document for document."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from catalogdb.database.connection import connect, embedded
from catalogdb.database.initialise import initialise
from catalogdb.demo.dataset import write_demo_day
from catalogdb.settings import Settings
from catalogdb.stages.ingest_waveforms import ingest_waveforms

KILLS = 10
LATEST_KILL = 0.5  # seconds after work was seen to go on
JOB = """
name: faults
catalog: faults
stages: [pick, associate]
pick: {picker: stalta, shard_hours: 1}
associate: {associator: pyocto, window_seconds: 900, min_picks: 4, min_p: 2, min_s: 0}
"""


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    folder = tmp_path_factory.mktemp("day")
    write_demo_day(folder, seed=7, duration_s=2 * 3600, stations=4, events=8)
    (folder / "job.yaml").write_text(JOB)
    return folder


@pytest.fixture
def own_server(tmp_path, day):
    """Settings of a server of the test's own, filled with stations and waveforms."""
    settings = Settings(data_dir=tmp_path / "data", database="faults")
    _fill(settings, day)
    yield settings
    embedded(settings).stop()


def _fill(settings, day):
    from catalogdb.database.connection import mspass_database
    from catalogdb.stages.ingest_stations import ingest_stations

    db = connect(settings)
    initialise(db)
    ingest_stations(db, mspass_database(settings), [day / "stations.xml"])
    ingest_waveforms(db, [day / "waveforms"])


def _command(settings, day):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CATALOGDB_")}
    environment |= {
        "CATALOGDB_TIMEOUT_SECONDS": "1",
        "CATALOGDB_DATA_DIR": str(settings.data_dir),
        "CATALOGDB_DATABASE": settings.database,
    }
    return [sys.executable, "-m", "catalogdb", "run", str(day / "job.yaml"), "--json"], environment


def _start(settings, day):
    command, environment = _command(settings, day)
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _finish(settings, day):
    process = _start(settings, day)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output


def _in_mid_work(settings, process, seconds):
    """Wait until the process works on a task, and `seconds` more; false where it has ended before."""
    db = connect(settings)
    its_own = {"lease.owner": {"$regex": f":{process.pid}:"}}
    while not db.task.count_documents(its_own) and process.poll() is None:
        time.sleep(0.002)
    time.sleep(seconds)
    return process.poll() is None


def dump(settings):
    """All that a catalog's users see, and the ledger without its clocks."""
    db = connect(settings)
    content = {name: list(db[name].find().sort("_id")) for name in ("pick", "origin", "magnitude", "event")}
    named = {"created": 0}
    content |= {name: list(db[name].find({}, named).sort("_id")) for name in ("pick_set", "catalog")}
    content["task"] = list(db.task.find({}, {"fingerprint": 1, "status": 1, "counts": 1, "shard": 1}).sort("_id"))
    return content


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, day):
    settings = Settings(data_dir=tmp_path_factory.mktemp("undisturbed"), database="faults")
    _fill(settings, day)
    _finish(settings, day)
    result = dump(settings)
    embedded(settings).stop()
    return result


def test_undisturbed_run_finds_something(undisturbed):
    assert len(undisturbed["pick"]) > 20 and len(undisturbed["event"]) > 2
    assert {row["status"] for row in undisturbed["task"]} == {"done"}


def test_worker_killed_at_random_moments(undisturbed, own_server, day):
    moments = random.Random(1)
    hits = 0
    for _ in range(KILLS):
        process = _start(own_server, day)
        hits += _in_mid_work(own_server, process, moments.uniform(0, LATEST_KILL))
        process.kill()
        process.communicate()
    assert hits > KILLS / 2, "most kills came too late"
    _finish(own_server, day)
    assert dump(own_server) == undisturbed


def test_database_killed_at_random_moments(undisturbed, own_server, day):
    moments = random.Random(2)
    hits = 0
    for _ in range(KILLS):
        process = _start(own_server, day)
        hits += _in_mid_work(own_server, process, moments.uniform(0, LATEST_KILL))
        os.kill(embedded(own_server).status().pid, signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
        assert process.returncode in (0, 3), errors  # 0: it had just finished
        assert process.returncode == 0 or errors.count("error:") == 1
        assert "Traceback" not in errors
    assert hits > KILLS / 2, "most kills came too late"
    _finish(own_server, day)
    assert dump(own_server) == undisturbed


def test_interrupted_run_gives_its_leases_back(own_server, day):
    process = _start(own_server, day)
    db = connect(own_server)
    deadline = time.monotonic() + 60
    while not db.task.count_documents({"status": "running"}) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted" in errors
    assert db.task.count_documents({"status": "running"}) == 0
    assert db.run.count_documents({"status": "interrupted"}) == 1
