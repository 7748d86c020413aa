"""The network between a run and its database is cut: short cuts are survived; after long ones a next run completes."""

import json

import pytest
from fault_runs import clear, dump, in_mid_work, leases, start
from proxy import Proxy
from pydantic import SecretStr

from catalogdb.database.connection import embedded

LATEST = 0.5
SHORT, LONG = 2.0, 120.0
SHORT_CUTS = 3
DASK = ("--engine", "dask", "--workers", "2")
pytestmark = pytest.mark.timeout(3600)


@pytest.fixture
def proxy(own_server):
    proxy = Proxy(embedded(own_server).status().port)
    yield proxy
    proxy.close()


@pytest.fixture
def through_proxy(own_server, proxy):
    """The same database, behind the proxy."""
    port = embedded(own_server).status().port
    uri = embedded(own_server).uri().replace(f":{port}/", f":{proxy.port}/")
    return own_server.model_copy(update={"uri": SecretStr(uri)})


@pytest.mark.parametrize("engine", [(), DASK], ids=["local", "dask"])
@pytest.mark.parametrize("cut", ["freeze", "drop"])
def test_short_cut(record, undisturbed, own_server, through_proxy, proxy, day, cut, engine):
    record.fault = f"network cut for 2 s ({cut}), {'dask' if engine else 'local'} engine"
    while record.times < SHORT_CUTS:
        clear(own_server)
        process = start(through_proxy, day, *engine)
        if not in_mid_work(own_server, process, record.random.uniform(0, LATEST)):
            process.communicate()
            continue
        getattr(proxy, cut)(SHORT)
        record.times += 1
        output, errors = process.communicate(timeout=300)
        record.count(f"exit {process.returncode}")
        assert process.returncode == 0, errors + output
        assert json.loads(output)["status"] == "done"
        assert leases(own_server) == 0
        record.same(dump(own_server), undisturbed)


@pytest.mark.parametrize("cut", ["freeze", "drop"])
def test_long_cut(record, undisturbed, own_server, through_proxy, proxy, day, cut):
    record.fault = f"network cut for 2 min ({cut}), local engine"
    process = start(through_proxy, day)
    assert in_mid_work(own_server, process, record.random.uniform(0, LATEST))
    getattr(proxy, cut)(LONG)
    record.times += 1
    output, errors = process.communicate(timeout=300)
    record.count(f"exit {process.returncode}")
    assert process.returncode in (0, 3), errors + output
    if process.returncode == 3:
        assert errors.count("error:") == 1 and "Traceback" not in errors
        assert json.loads(output)["exit_code"] == 3
        following = start(through_proxy, day)
        output, errors = following.communicate(timeout=300)
        assert following.returncode == 0, errors + output
        record.count("the next run completes")
    assert leases(own_server) == 0
    record.same(dump(own_server), undisturbed)


def test_another_worker_takes_what_a_cut_off_one_held(record, undisturbed, own_server, through_proxy, proxy, day):
    """During the cut the lease expires and another run does the task; the cut-off one's late commit is refused."""
    record.fault = "network cut past the lease, while another run does the tasks"
    lease = {"CATALOGDB_LEASE_SECONDS": "2"}
    while record.times < 2:
        clear(own_server)
        process = start(through_proxy, day, **lease)
        if not in_mid_work(own_server, process, record.random.uniform(0, LATEST)):
            process.communicate()
            continue
        proxy.cut()
        try:
            other = None
            while other is None or other.returncode == 1:  # 1: the lease had not expired yet
                other = start(own_server, day, **lease)
                output, errors = other.communicate(timeout=300)
                assert other.returncode in (0, 1), errors
        finally:
            proxy.mend()
        before = dump(own_server)
        output, errors = process.communicate(timeout=300)
        record.times += 1
        record.count(f"exit {process.returncode} of the cut-off run")
        assert process.returncode in (0, 1, 3), errors
        assert dump(own_server) == before, "what came late was written"
        record.same(dump(own_server), undisturbed)
