"""Ranks of `mpirun` are signalled and killed: the run ends as a whole, and the next one completes the catalog."""

import shutil

import psutil
import pytest
from fault_runs import clear, dump, finish, holders, in_mid_work, leases, start

from catalogdb.database.connection import connect

pytest.importorskip("mpi4py.futures", reason="mpi4py is not installed")
if shutil.which("mpirun") is None:
    pytest.skip("no mpirun here", allow_module_level=True)

TIMES = 3
LATEST = 0.5
LAUNCHER = ("mpirun", "-n", "3")
OPEN_MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_odls_base_sigkill_timeout": "4",
}
pytestmark = [pytest.mark.timeout(3600), pytest.mark.mpi]


def ranks_of(process):
    """Its ranks in order; none where it has just ended."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return sorted(children, key=lambda child: int(child.environ()["OMPI_COMM_WORLD_RANK"]))
    except psutil.NoSuchProcess:
        return []


@pytest.mark.parametrize("how", ["terminate", "kill"])
@pytest.mark.parametrize("who", ["first", "busy"])
def test_one_rank(record, undisturbed, own_server, day, who, how):
    record.fault = f"{who} rank of three: {'kill -9' if how == 'kill' else 'SIGTERM'}, mpi engine"
    while record.times < TIMES:
        clear(own_server)
        process = start(own_server, day, "--engine", "mpi", launcher=LAUNCHER, **OPEN_MPI)
        if not in_mid_work(own_server, process, record.random.uniform(0, LATEST)):
            process.communicate()
            continue
        ranks, busy = ranks_of(process), holders(own_server)
        victim = next((rank for rank in ranks if who == "first" or rank.pid in busy), None)
        if victim is None:
            process.communicate()
            continue
        getattr(victim, how)()
        record.times += 1
        _, errors = process.communicate(timeout=300)
        record.count(f"exit {process.returncode}")
        assert psutil.wait_procs(ranks, timeout=60)[1] == [], "ranks outlived mpirun"
        assert process.returncode != 0 and "Traceback" not in errors
        if how == "terminate":
            assert process.returncode == 130, errors
            assert leases(own_server) == 0
            assert connect(own_server).run.find_one()["status"] == "interrupted"
        finish(own_server, day)
        record.same(dump(own_server), undisturbed)
