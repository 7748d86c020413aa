"""Names of processes: who is gone, and who can't be known to be."""

import os
import subprocess
import sys

from catalogdb.ledger.owner import is_gone, owner

NAME_OF_CHILD = "from catalogdb.ledger.owner import owner; print(owner(), flush=True); input()"


def test_the_living_the_dead_and_the_unreaped():
    assert not is_gone(owner())
    child = subprocess.Popen(
        [sys.executable, "-c", NAME_OF_CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    name = child.stdout.readline().strip()
    assert f":{child.pid}:" in name and not is_gone(name)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(name), "a process that nobody has waited for yet"
    child.communicate()
    assert is_gone(name)


def test_a_process_id_that_was_used_again():
    host, pid, started = owner().split(":")
    assert is_gone(f"{host}:{pid}:{int(started) - 1}")


def test_elsewhere_nothing_can_be_seen():
    _, pid, _ = owner().split(":")
    assert not is_gone(f"another-host/4026531836:{pid}:1")
    assert not is_gone("")
