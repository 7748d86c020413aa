"""Processes that die at any moment: after one more run the catalog equals the undisturbed one, document for document.

A small part of what `make chaos` does (tests/chaos).
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

import poison_stage
import pytest
from fault_runs import clear, dump, fill, finish, in_mid_work, leases, start, write_day
from poison_stage import POISONED, SHARDS, PoisonStage, run_poison

from catalogdb.database.connection import connect, embedded
from catalogdb.engines import EngineOptions, executor
from catalogdb.engines.local import InProcessExecutor
from catalogdb.ledger import tasks
from catalogdb.ledger.lost import requeue
from catalogdb.settings import Settings

KILLS = 3
MONGOD_KILLS = 2
LATEST_KILL = 0.5  # seconds after work was seen to go on


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    return write_day(tmp_path_factory.mktemp("day"))


@pytest.fixture(scope="module")
def own_server(tmp_path_factory, day):
    """Settings of a server of the tests' own, filled with stations and waveforms."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), database="faults")
    fill(settings, day)
    yield settings
    embedded(settings).stop()


@pytest.fixture(scope="module")
def undisturbed(own_server, day):
    finish(own_server, day)
    return dump(own_server)


@pytest.fixture
def filled(undisturbed, own_server):
    """The server without what runs made."""
    clear(own_server)
    return own_server


# -- killed at random moments


def test_undisturbed_run_finds_something(undisturbed):
    assert len(undisturbed["pick"]) > 20 and len(undisturbed["event"]) > 2
    assert {row["status"] for row in undisturbed["task"]} == {"done"}


def test_worker_killed_at_random_moments(undisturbed, filled, day):
    moments = random.Random(1)
    hits = 0
    for _ in range(KILLS):
        process = start(filled, day)
        hits += in_mid_work(filled, process, moments.uniform(0, LATEST_KILL))
        process.kill()
        process.communicate()
    assert hits > KILLS / 2, "most kills came too late"
    finish(filled, day)
    assert dump(filled) == undisturbed


def test_database_killed_at_random_moments(undisturbed, filled, day):
    moments = random.Random(2)
    hits = 0
    for _ in range(MONGOD_KILLS):
        process = start(filled, day)
        hits += in_mid_work(filled, process, moments.uniform(0, LATEST_KILL))
        os.kill(embedded(filled).status().pid, signal.SIGKILL)
        output, errors = process.communicate(timeout=120)
        assert process.returncode in (0, 3), errors  # 0: it had just finished
        assert process.returncode == 0 or errors.count("error:") == 1
        assert process.returncode == 0 or json.loads(output)["exit_code"] == 3
        assert "Traceback" not in errors
    assert hits > MONGOD_KILLS / 2, "most kills came too late"
    finish(filled, day)
    assert dump(filled) == undisturbed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_run_gives_its_leases_back(filled, day, number):
    process = start(filled, day)
    assert in_mid_work(filled, process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted" in errors and "Traceback" not in errors
    db = connect(filled)
    assert leases(filled) == 0
    assert db.task.count_documents({"crashes": {"$exists": True}}) == 0
    assert db.run.count_documents({"status": "interrupted"}) == 1


# -- a shard that takes its process down


def poisoned_process(settings, how):
    """Do the poisoned stage in a process of its own, as the local engine does."""
    command = [sys.executable, poison_stage.__file__, str(settings.data_dir), settings.database, how]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def poisoned_row(db):
    return db.task.find_one({"stage": "poison", "shard.part": f"N{POISONED}"})


def test_poison_is_quarantined_with_the_local_engine(settings, db):
    for attempt in range(settings.task_attempts):
        process = poisoned_process(settings, ("kill", "segfault", "exit")[attempt % 3])
        assert process.returncode in (-signal.SIGKILL, -signal.SIGSEGV, 7), process.stderr
    assert poisoned_row(db)["crashes"]["count"] == settings.task_attempts - 1
    assert db.pick.count_documents({}) == SHARDS - 1, "the others go on"
    report = json.loads(poisoned_process(settings, "kill").stdout)
    assert (report["quarantined"], report["up_to_date"]) == (1, SHARDS - 1)
    (failure,) = report["failures"]
    assert f"N{POISONED}" in failure and "quarantined" in failure

    row = poisoned_row(db)
    assert row["status"] == "quarantined" and "lease" not in row
    assert f"N{POISONED}" in row["error"]
    assert json.loads(poisoned_process(settings, "kill").stdout)["quarantined"] == 1, "not claimed again"
    assert poisoned_row(db) == row

    requeue(db, {"_id": row["_id"]})
    report = run_poison(settings, PoisonStage("nothing"), InProcessExecutor(), 1)
    assert (report.done, report.quarantined) == (1, 0)
    assert poisoned_row(db)["status"] == "done" and "crashes" not in poisoned_row(db)


def test_poison_is_quarantined_with_dask_and_no_one_else_charged(settings, db):
    with executor(EngineOptions("dask", 2)) as (pool, capacity):
        report = run_poison(settings, PoisonStage("segfault"), pool, capacity)
    assert (report.done, report.quarantined, report.failed, report.held) == (SHARDS - 1, 1, 0, 0)
    assert db.pick.count_documents({}) == SHARDS - 1
    assert poisoned_row(db)["crashes"]["count"] == poisoned_row(db)["attempts"] == settings.task_attempts
    assert db.task.count_documents({"crashes": {"$exists": True}}) == 1

    report = run_poison(settings, PoisonStage("nothing", inputs="changed"), InProcessExecutor(), 1)
    assert (report.done, report.quarantined) == (SHARDS, 0), "changed inputs are tried"


def test_an_expired_lease_is_a_lost_attempt(db):
    stage, lease_terms = PoisonStage("nothing"), tasks.LeaseTerms(seconds=0.05, attempts=2)
    to_do, _ = tasks.register(db, stage, stage.plan(db))
    identity = tasks.task_id(stage, to_do[0].shard)
    assert tasks.claim(db, identity, "f", terms=lease_terms)
    time.sleep(0.1)
    assert tasks.claim(db, identity, "f", terms=lease_terms)
    time.sleep(0.1)
    assert tasks.claim(db, identity, "f", terms=lease_terms) is None
    assert db.task.find_one({"_id": identity})["status"] == "quarantined"
    assert tasks.claim(db, identity, "other inputs", terms=lease_terms)
    to_do, _ = tasks.register(db, stage, stage.plan(db))
    assert tasks.task_id(stage, to_do[-1].shard) == identity, "suspects come last"
