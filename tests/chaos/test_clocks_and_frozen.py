"""Workers that are frozen past their lease and wake up, and workers whose clocks are wrong by an hour."""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from fault_runs import clear, dump, holders, in_mid_work, leases, start

from catalogdb.database.connection import connect

LATEST = 0.4
LEASE = {"CATALOGDB_LEASE_SECONDS": "2"}
pytestmark = pytest.mark.timeout(3600)


def frozen_in_mid_work(record, settings, day, **environment):
    """A run that was stopped while it holds a lease."""
    while True:
        clear(settings)
        process = start(settings, day, **environment)
        if in_mid_work(settings, process, record.random.uniform(0, LATEST)):
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.2)
            if process.pid in holders(settings):
                return process
            process.send_signal(signal.SIGCONT)
        process.communicate()


def test_frozen_past_its_lease(record, undisturbed, own_server, day):
    record.fault = "worker frozen past its lease (SIGSTOP), then woken"
    refused = 0
    while record.times < 3:
        frozen = frozen_in_mid_work(record, own_server, day, **LEASE)
        (held,) = holders(own_server).values()
        time.sleep(2.5)
        other = start(own_server, day, **LEASE)
        output, errors = other.communicate(timeout=300)
        assert other.returncode == 0, errors + output
        assert connect(own_server).task.find_one({"_id": held})["status"] == "done"
        before = dump(own_server)
        frozen.send_signal(signal.SIGCONT)
        output, errors = frozen.communicate(timeout=300)
        record.times += 1
        record.count(f"exit {frozen.returncode} of the woken run")
        assert frozen.returncode == 0, errors + output  # nothing is left to do
        problems = [line for stage in json.loads(output)["stages"].values() for line in stage["problems"]]
        refused += any("its lease has gone to another worker" in line for line in problems)
        assert dump(own_server) == before, "what came late was written"
        assert leases(own_server) == 0
        record.same(dump(own_server), undisturbed)
    record.ended["late commits refused"] = refused
    assert refused == record.times


SLEEP = "import select, time; time.sleep = lambda seconds: select.select([], [], [], max(seconds, 0))"


def shifted(offset, folder):
    """Environment of a process whose clock is wrong by so much.

    Under libfaketime 0.9 `clock_nanosleep`, by which Python sleeps, fails (EINVAL): there it waits by `select`.
    """
    (folder / "sitecustomize.py").write_text(SLEEP)
    faked = subprocess.run(["faketime", "-f", offset, "env"], capture_output=True, text=True, check=True).stdout
    variables = dict(line.partition("=")[::2] for line in faked.splitlines())
    kept = {name: variables[name] for name in ("LD_PRELOAD", "FAKETIME")}
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return kept | {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": path}


def test_clock_skew(record, undisturbed, own_server, day, tmp_path):
    """An hour ahead or behind, a worker neither takes a lease that holds nor leaves one that has expired."""
    if shutil.which("faketime") is None:
        pytest.skip("no faketime here: apt-get install faketime")
    record.fault = "clocks of two workers an hour ahead and behind"
    for holder, taker in (("+1h", "-1h"), ("-1h", "+1h")):
        first, second = shifted(holder, tmp_path), shifted(taker, tmp_path)
        slow = frozen_in_mid_work(record, own_server, day, **first)
        held = holders(own_server)
        other = start(own_server, day, **second)
        said = []
        while not said or "waiting for it" not in said[-1]:  # for as long as the lease holds
            said.append(other.stderr.readline())
            assert said[-1], "".join(said) + other.communicate()[0]
        other.kill()
        other.communicate()
        assert holders(own_server).items() >= held.items(), "a lease that holds was taken"
        slow.send_signal(signal.SIGCONT)
        output, errors = slow.communicate(timeout=300)
        record.count(f"exit {slow.returncode} of the holder")
        last = start(own_server, day, **second)
        output, errors = last.communicate(timeout=300)
        assert last.returncode == 0, errors + output
        record.times += 1
        assert leases(own_server) == 0
        record.same(dump(own_server), undisturbed)
        frozen = frozen_in_mid_work(record, own_server, day, **first, **LEASE)
        time.sleep(2.5)
        other = start(own_server, day, **second, **LEASE)
        output, errors = other.communicate(timeout=300)
        assert other.returncode == 0, errors + output  # it has taken the expired one
        record.times += 1
        record.count("expired lease taken")
        frozen.kill()
        frozen.communicate()
        record.same(dump(own_server), undisturbed)
