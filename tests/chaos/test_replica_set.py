"""A replica set of three, whose primary is killed or stepped down in the middle of a run: the run itself survives."""

import json

import pytest
from fault_runs import clear, dump, fill, in_mid_work, leases, start
from pydantic import SecretStr
from replica_set import ReplicaSet

from catalogdb.settings import Settings

TIMES = 10
LATEST = 1.0
DASK = ("--engine", "dask", "--workers", "2")
pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def replica_set(tmp_path_factory):
    replica_set = ReplicaSet(tmp_path_factory.mktemp("replica-set"))
    yield replica_set
    replica_set.stop()


@pytest.fixture(scope="module")
def settings(replica_set, tmp_path_factory, day):
    folder = tmp_path_factory.mktemp("settings")
    settings = Settings(uri=SecretStr(replica_set.uri()), database="faults", data_dir=folder)
    fill(settings, day)
    return settings


@pytest.mark.parametrize("engine", [(), DASK], ids=["local", "dask"])
@pytest.mark.parametrize("fault", ["killed", "stepped down"])
def test_primary_lost(record, undisturbed, replica_set, settings, day, fault, engine):
    record.fault = f"primary of three mongods {fault}, {'dask' if engine else 'local'} engine"
    while record.times < TIMES // 2:
        clear(settings)
        process = start(settings, day, *engine)
        if not in_mid_work(settings, process, record.random.uniform(0, LATEST)):
            process.communicate()
            continue
        record.times += 1
        if fault == "killed":
            port = replica_set.kill_primary()
        else:
            replica_set.step_down()
        output, errors = process.communicate(timeout=300)
        record.count(f"exit {process.returncode}")
        if fault == "killed":
            replica_set.start(port)
        replica_set.wait_until_whole()
        assert process.returncode == 0, errors + output
        assert json.loads(output)["status"] == "done" and "Traceback" not in errors
        assert leases(settings) == 0
        record.same(dump(settings), undisturbed)
