"""kill -9 of workers, of the process that runs the job, and of the embedded mongod, at random moments."""

import json
import os
import signal
import time

import pytest
from fault_runs import clear, dump, finish, in_mid_work, leases, start, workers

from catalogdb.database.connection import connect, embedded
from catalogdb.ledger.lost import requeue

WORKER_KILLS = 50
ROOT_KILLS = 10
MONGOD_KILLS = 10
DASK = ("--engine", "dask", "--workers", "2")
LATEST = 0.6  # seconds after work was seen to go on
PATIENCE = 3600
pytestmark = pytest.mark.timeout(PATIENCE)


def unfinished(settings, process, record):
    """Whether a run that has ended left something to do; a quarantine that kills brought about is lifted, as a user
    would."""
    output, errors = process.communicate(timeout=300)
    assert "Traceback" not in errors, errors
    record.count(f"exit {process.returncode}")
    if process.returncode in (0, -signal.SIGKILL):
        return process.returncode != 0
    assert process.returncode == 1 and json.loads(output)["status"] == "failed", errors
    stages = json.loads(output)["stages"].values()
    assert sum(len(stage["failures"]) for stage in stages) >= sum(
        stage["failed"] + stage["quarantined"] for stage in stages
    )
    freed = requeue(connect(settings), {"status": "quarantined"})
    for _ in range(freed):
        record.count("quarantined, retried")
    return True


def test_dask_workers_killed(record, undisturbed, own_server, day):
    record.fault = "kill -9 of a random Dask worker (2 workers)"
    process = start(own_server, day, *DASK)
    while record.times < WORKER_KILLS:
        in_mid_work(own_server, process, record.random.uniform(0, LATEST))
        victims = workers(process)
        if process.poll() is None and victims:
            record.random.choice(sorted(victims, key=lambda victim: victim.pid)).kill()
            record.times += 1
            continue
        if not unfinished(own_server, process, record):
            record.same(dump(own_server), undisturbed)
            clear(own_server)
        process = start(own_server, day, *DASK)
    while unfinished(own_server, process, record):
        process = start(own_server, day, *DASK)
    assert leases(own_server) == 0
    record.same(dump(own_server), undisturbed)


@pytest.mark.parametrize(("engine", "kills"), [((), WORKER_KILLS), (DASK, ROOT_KILLS)], ids=["local", "dask"])
def test_root_killed(record, undisturbed, own_server, day, engine, kills):
    record.fault = f"kill -9 of the process that runs the job, {'with its scheduler' if engine else 'a local worker'}"
    while record.times < kills:
        process = start(own_server, day, *engine)
        if in_mid_work(own_server, process, record.random.uniform(0, LATEST)):
            children = workers(process)
            process.kill()
            record.times += 1
            for child in children:  # workers end with their scheduler
                child.wait(60)
        if not unfinished(own_server, process, record):
            record.same(dump(own_server), undisturbed)
            clear(own_server)
    while unfinished(own_server, process := start(own_server, day, *engine), record):
        pass
    record.same(dump(own_server), undisturbed)


def test_embedded_mongod_killed(record, undisturbed, own_server, day):
    record.fault = "kill -9 of the embedded mongod"
    while record.times < MONGOD_KILLS:
        process = start(own_server, day)
        if not in_mid_work(own_server, process, record.random.uniform(0, LATEST)):
            process.communicate()
            clear(own_server)
            continue
        os.kill(embedded(own_server).status().pid, signal.SIGKILL)
        record.times += 1
        _, errors = process.communicate(timeout=120)
        record.count(f"exit {process.returncode}")
        assert process.returncode in (0, 3), errors
        assert process.returncode == 0 or errors.count("error:") == 1
        assert "Traceback" not in errors
        time.sleep(0.1)
        connect(own_server)  # starts it again
    finish(own_server, day)
    record.count("the next run completes")
    record.same(dump(own_server), undisturbed)
