"""Names of processes: who is gone, and who can't be known to be."""

import os
import socket
import subprocess
import sys

from catalogdb.database import owner as owner_module
from catalogdb.database.owner import is_gone, owner
from catalogdb.ledger.lost import charge

NAME_OF_CHILD = "from catalogdb.database.owner import owner; print(owner(), flush=True); input()"


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


def test_machines_of_one_name_do_not_take_each_other_for_dead(tmp_path, monkeypatch):
    """Both in their first process-id namespace, which has the same number everywhere."""
    theirs = tmp_path / "boot_id"
    theirs.write_text("00000000-1111-2222-3333-444444444444\n")
    host, pid, _ = owner().split(":")
    gone = f"{host}:{pid}:1"
    assert is_gone(gone)
    monkeypatch.setattr(owner_module, "BOOT_ID", theirs)
    assert not is_gone(gone)
    assert owner().split(":")[0] != host and owner().split("/")[0] == host.split("/")[0]


def test_where_there_is_no_boot_id_names_are_still_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(owner_module, "BOOT_ID", tmp_path / "none")
    host, pid, started = owner().split(":")
    assert not is_gone(owner()) and is_gone(f"{host}:{pid}:{int(started) - 1}")


def test_messages_name_the_host_as_people_know_it():
    class Ledger:
        def update_one(self, query, change):
            self.change = change
            return type("Result", (), {"modified_count": 1})

    db = type("Database", (), {"task": Ledger()})
    row = {"_id": "t", "shard": {}, "starttime": 0.0, "lease": {"owner": owner(), "token": "x"}}
    assert charge(db, row, attempts=3) == "pending"
    assert f"the worker on {socket.gethostname()} was lost" in db.task.change[0]["$set"]["error"]["$literal"]
