"""Ctrl-C and SIGTERM at random moments: every one ends the run with exit code 130, and no lease stays behind."""

import json
import signal
import time

import pytest
from fault_runs import clear, dump, family, finish, in_mid_work, leases, start

from catalogdb.database.connection import connect

TIMES = 60
SPREAD = 3.0  # seconds
DASK = ("--engine", "dask", "--workers", "2")
SIGNALS = (signal.SIGINT, signal.SIGTERM)
pytestmark = pytest.mark.timeout(3600)


def has_begun(process):
    """Whether the program, rather than the loading of Python, is what the signal would meet."""
    try:
        with open(f"/proc/{process.pid}/status") as stream:
            caught = next(line.split()[1] for line in stream if line.startswith("SigCgt"))
    except (OSError, StopIteration):
        return False
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("engine", [(), DASK], ids=["local", "dask"])
def test_interrupted_at_random_moments(record, undisturbed, own_server, day, engine):
    record.fault = f"Ctrl-C or SIGTERM, {'dask' if engine else 'local'} engine"
    times = TIMES // 3 if engine else TIMES
    while record.times < times:
        process = start(own_server, day, *engine)
        number = SIGNALS[record.times % 2]
        while not has_begun(process) and process.poll() is None:
            time.sleep(0.001)
        if record.times % 3 == 2:  # some surely in mid work
            in_mid_work(own_server, process)
        moment = record.random.uniform(0, 2 * SPREAD if engine else SPREAD)
        time.sleep(moment)
        if process.poll() is not None:
            process.communicate()
            clear(own_server)
            continue
        started = family(process)
        process.send_signal(number)
        output, errors = process.communicate(timeout=120)
        where = f"{number.name} {moment:.2f} s after the start: {errors}"
        record.times += 1
        record.count(f"{number.name}: exit {process.returncode}")
        if process.returncode == 0:  # it had just ended
            assert json.loads(output)["status"] == "done", where
            clear(own_server)
        else:
            assert process.returncode == 130, where
            assert "interrupted" in errors and "Traceback" not in errors, where
        assert leases(own_server) == 0, where
        assert connect(own_server).run.count_documents({"status": "running"}) == 0, where
        assert connect(own_server).task.count_documents({"crashes": {"$exists": True}}) == 0, where
        assert not alive(started), where
    finish(own_server, day)
    record.same(dump(own_server), undisturbed)


def alive(pids):
    """Those of the run's processes that outlived it by more than a moment, the database apart."""
    import psutil

    def left():
        found = []
        for pid in pids:
            try:
                process = psutil.Process(pid)
                if process.status() != psutil.STATUS_ZOMBIE and "mongod" not in process.name():
                    found.append(process.cmdline())
            except psutil.Error:
                continue
        return found

    deadline = time.monotonic() + 30
    while left() and time.monotonic() < deadline:
        time.sleep(0.05)
    return left()
