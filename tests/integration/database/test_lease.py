"""Leases on documents: one holder at a time, the dead are noticed, and who slept writes nothing."""

import json
import os
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from catalogdb.comparisons.lease import ComparisonLease
from catalogdb.database.lease import Change, Lease, holder, name_lease, server_now
from catalogdb.errors import LostLease
from catalogdb.upkeep.removal import remove

NEVER = pytest.fail
SAY_OWNER = "from catalogdb.database.owner import owner; print(owner())"
X = {"kind": "catalog", "name": "x"}
DEAD = {"input": "$lease.owner", "find": f":{os.getpid()}:", "replacement": ":999999999:"}
DIES_HOLDING = """
from catalogdb.database.connection import connect
from catalogdb.database.lease import Change, Lease
from catalogdb.settings import Settings
import os, sys
db = connect(Settings.model_validate_json(sys.argv[1]))
assert Lease(db.lease, "catalog x", upsert=True).take(Change({"kind": "catalog", "name": "x"}))
os._exit(9)
"""


def expire(db, identity):
    db.lease.update_one({"_id": identity}, [{"$set": {"lease.until": {"$subtract": ["$$NOW", 1]}}}])


def test_one_holder_at_a_time(db):
    first, second = Lease(db.lease, "a", upsert=True), Lease(db.lease, "a", upsert=True)
    assert first.take(Change(X | {"name": "$odd"}))
    assert not second.take(Change(X))
    assert db.lease.find_one({"_id": "a"})["name"] == "$odd"
    assert first.give_back()
    assert second.take(Change(X))


def test_lease_of_a_dead_process_is_free_at_once(db, settings):
    subprocess.run([sys.executable, "-c", DIES_HOLDING, settings.model_dump_json()], check=False)
    row = db.lease.find_one({"_id": "catalog x"})
    assert row["lease"]["owner"] and holder(row) is None
    assert Lease(db.lease, "catalog x", upsert=True).take(Change(X))


def test_lease_of_another_host_is_free_when_it_expires(db):
    away = Lease(db.lease, "a", upsert=True)
    assert away.take(Change(X))
    db.lease.update_one({"_id": "a"}, {"$set": {"lease.owner": "elsewhere/0.0:1:1"}})
    here = Lease(db.lease, "a", upsert=True)
    assert not here.take(Change(X))
    expire(db, "a")
    assert here.take(Change(X))


def test_who_slept_through_its_lease_is_refused(db):
    slow, quick = Lease(db.lease, "a", upsert=True), Lease(db.lease, "a", upsert=True)
    assert slow.take(Change(X))
    expire(db, "a")
    assert quick.take(Change(X))
    with pytest.raises(LostLease):
        slow.confirm()
    with db.client.start_session() as session, pytest.raises(LostLease):
        session.with_transaction(slow.confirm)
    assert not slow.give_back(Change({"name": "slow"}))
    slow.drop()
    quick.confirm()
    assert db.lease.find_one({"_id": "a"})["name"] == "x"


def test_heartbeats_renew_the_lease(db):
    lease = Lease(db.lease, "a", seconds=0.8, upsert=True)
    assert lease.take(Change(X))
    with lease.kept():
        threading.Event().wait(1.6)
        assert not Lease(db.lease, "a", upsert=True).take(Change(X))


def test_waiting_names_the_holder_once_and_goes_on(db):
    said = []
    with name_lease(db, "catalog", "x", NEVER) as held:
        owner = db.lease.find_one({"_id": held.identity})["lease"]["owner"]
        entered = threading.Event()

        def follow():
            with name_lease(db, "catalog", "x", said.append):
                entered.set()

        follower = threading.Thread(target=follow)
        follower.start()
        assert not entered.wait(1.5)
    follower.join(10)
    assert entered.is_set() and said == [owner]
    assert db.lease.count_documents({}) == 0


def test_waiting_for_what_a_killed_process_was_writing_is_said(db):
    held = Lease(db.lease, "catalog x", upsert=True)
    assert held.take(Change(X))
    db.lease.update_one({"_id": "catalog x"}, [{"$set": {"lease.owner": {"$replaceAll": DEAD}}}])
    said, entered = [], threading.Event()

    def follow():
        with name_lease(db, "catalog", "x", said.append):
            entered.set()

    with db.client.start_session() as session:
        session.start_transaction()
        held.confirm(session)
        follower = threading.Thread(target=follow)
        follower.start()
        assert not entered.wait(4)
        assert len(said) == 1 and "killed; the server gives up" in said[0]
        session.abort_transaction()
    follower.join(10)
    assert entered.is_set() and len(said) == 1


DIES_COMPUTING = """
from catalogdb.database.connection import connect
from catalogdb.comparisons.lease import ComparisonLease
from catalogdb.settings import Settings
import json, os, sys
db = connect(Settings.model_validate_json(sys.argv[1]))
assert ComparisonLease(db, "c", json.loads(sys.argv[2])).take()
os._exit(9)
"""


def test_comparison_of_a_dead_process_is_free_at_once(db, settings):
    document = {"catalog": "a", "reference": "b", "fingerprint": "f"}
    document |= {"gates": {"max_dt": 2.0, "max_km": 8.0, "max_pick_dt": 0.5}}
    document |= {"period": {"starttime": 0.0, "endtime": 1.0}}
    command = [sys.executable, "-c", DIES_COMPUTING, settings.model_dump_json(), json.dumps(document)]
    subprocess.run(command, check=False)
    assert db.comparison.find_one({"_id": "c"})["status"] == "running"
    assert ComparisonLease(db, "c", document).take()


def test_removal_after_a_killed_run_goes_on_at_once(db):
    dead = subprocess.run([sys.executable, "-c", SAY_OWNER], capture_output=True, text=True, check=True).stdout.strip()
    db.catalog.insert_one({"_id": "x", "kind": "automatic", "config_id": "i", "config": {}})
    row = {"_id": "t", "stage": "associate", "config_id": "i", "result": "x", "shard": {}, "attempts": 1}
    lease = {"token": "t", "owner": dead, "until": server_now(db) + timedelta(seconds=100), "fingerprint": "f"}
    db.task.insert_one(row | {"status": "running", "lease": lease})
    assert remove(db, "catalog", "x")["task"] == 1
    assert db.catalog.count_documents({}) == 0
