"""A shard that always kills its process, with the real command: killed from outside whenever the ledger says that its
task is being worked on."""

import json
import os
import signal
import subprocess
import sys

import pytest
from fault_runs import dump, finish, leases, start

from catalogdb.database.connection import connect

DASK = ("--engine", "dask", "--workers", "2")
pytestmark = pytest.mark.timeout(1800)


def kill_whoever_works_on(settings, shard, process):
    """Until the run ends; returns how often."""
    db = connect(settings)
    kills, seen = 0, set()
    query = {"stage": "pick", "status": "running", "shard.sta": shard[0], "starttime": shard[1]}
    while process.poll() is None:
        row = db.task.find_one(query, {"lease": 1})
        if row and row["lease"]["token"] not in seen:
            seen.add(row["lease"]["token"])
            try:
                os.kill(int(row["lease"]["owner"].split(":")[1]), signal.SIGKILL)
                kills += 1
            except ProcessLookupError:
                continue
    return kills


@pytest.mark.parametrize("engine", [(), DASK], ids=["local", "dask"])
def test_poisoned_shard(record, undisturbed, own_server, day, engine):
    record.fault = f"a shard that kills its process whenever it is tried, {'dask' if engine else 'local'} engine"
    finish(own_server, day)
    poisoned = min(row["starttime"] for row in connect(own_server).task.find({"stage": "pick"}))
    station = sorted(row["shard"]["sta"] for row in connect(own_server).task.find({"stage": "pick"}))[0]
    from fault_runs import clear

    clear(own_server)
    while True:
        process = start(own_server, day, *engine)
        record.times += kill_whoever_works_on(own_server, (station, poisoned), process)
        output, errors = process.communicate(timeout=300)
        record.count(f"exit {process.returncode}")
        if process.returncode != -signal.SIGKILL:
            break
        assert record.times <= own_server.task_attempts
    assert process.returncode == 1, errors + output
    report = json.loads(output)
    assert report["status"] == "failed"
    assert record.times == own_server.task_attempts
    pick = report["stages"]["pick"]
    assert (pick["quarantined"], pick["failed"], pick["held"]) == (1, 0, 0)
    assert station in pick["failures"][0] and "quarantined" in pick["failures"][0]
    assert connect(own_server).task.count_documents({"stage": "pick", "status": "done"}) == pick["planned"] - 1
    assert connect(own_server).task.count_documents({"crashes": {"$exists": True}}) == 1, "only that one is charged"
    assert leases(own_server) == 0

    again = start(own_server, day, *engine)
    assert kill_whoever_works_on(own_server, (station, poisoned), again) == 0, "it was claimed again"
    output, errors = again.communicate(timeout=300)
    assert again.returncode == 1 and json.loads(output)["stages"]["pick"]["quarantined"] == 1

    retry = [sys.executable, "-m", "catalogdb", "retry", "--json"]
    retried = subprocess.run(retry, env=start_environment(own_server), capture_output=True, text=True, timeout=300)
    assert retried.returncode == 0, retried.stderr
    finish(own_server, day, *engine)
    record.count("quarantined; done after catalogdb retry")
    record.same(dump(own_server), undisturbed)


def start_environment(settings):
    own = {key: value for key, value in os.environ.items() if not key.startswith("CATALOGDB_")}
    return own | {"CATALOGDB_DATA_DIR": str(settings.data_dir), "CATALOGDB_DATABASE": settings.database}
