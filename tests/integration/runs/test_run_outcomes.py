"""What a run says of itself: failures by name and by exit code, nothing to do as such, and no success that was none."""

import json
import subprocess
import sys
import time
import uuid
from functools import partial

import pytest
from commands import environment_of
from fault_runs import clear, fill, write_day

from catalogdb.database.connection import connect
from catalogdb.ledger import tasks


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """The job file of a day of its own."""
    return write_day(tmp_path_factory.mktemp("day")) / "job.yaml"


@pytest.fixture(scope="module")
def ingested(server, job):
    """Settings of a database that the day is ingested in."""
    settings = server.model_copy(update={"database": f"test_{uuid.uuid4().hex[:12]}"})
    fill(settings, job.parent)
    yield settings
    connect(settings).client.drop_database(settings.database)


@pytest.fixture
def db(ingested):
    """It, without what runs made."""
    clear(ingested)
    return connect(ingested)


@pytest.fixture
def cli(command, db, ingested):
    return partial(command, ingested)


def failures(result):
    return [line for stage in result.json["stages"].values() for line in stage["failures"]]


def test_done_and_nothing_to_do(cli, job):
    first = cli("run", job, "--json")
    assert first.code == 0 and first.json["status"] == "done" and not first.json["nothing_to_do"]
    again = cli("run", job, "--json")
    assert again.code == 0 and again.json["nothing_to_do"]
    assert all(stage["done"] == 0 < stage["planned"] == stage["up_to_date"] for stage in again.json["stages"].values())
    text = cli("run", job)
    assert text.code == 0 and "nothing to do: everything is up to date" in text.out
    planned = cli("run", job, "--dry-run", "--json")
    assert planned.code == 0 and planned.json["status"] == "planned" and not planned.json["nothing_to_do"]


def test_a_failed_task_is_named(cli, db, job):
    path = next((job.parent / "waveforms").rglob("*BOO*HHZ*2024*"))
    content = path.read_bytes()
    path.unlink()
    result = cli("run", job, "--json")
    assert result.code == 1 and result.json["status"] == "failed" and not result.json["nothing_to_do"]
    assert result.json["stages"]["pick"]["failed"] == len(failures(result)) == 2
    assert all("OX.BOO" in line and str(path) in line for line in failures(result))
    assert db.run.find_one({"_id": result.json["run_id"]})["status"] == "failed"
    text = cli("run", job)
    assert text.code == 1 and "OX.BOO" in text.err and str(path) in text.err
    assert "the run had failures; mend what they name" in text.err
    assert "nothing to do" not in text.out
    path.write_bytes(content)
    mended = cli("run", job, "--json")
    assert mended.code == 0 and mended.json["stages"]["pick"]["done"] == 2


@pytest.fixture
def one_pick_task(cli, db, job):
    """A task of the job, done once and to be done again."""
    cli("run", job, "--json")
    row = db.task.find_one({"stage": "pick"}, sort=[("_id", 1)])
    db.task.update_one({"_id": row["_id"]}, {"$set": {"status": "pending"}, "$unset": {"fingerprint": ""}})
    return row


def test_a_quarantined_task_is_named(cli, db, job, one_pick_task):
    deadly = tasks.LeaseTerms(seconds=0.05, attempts=1)
    assert tasks.claim(db, one_pick_task["_id"], one_pick_task["fingerprint"], terms=deadly)
    time.sleep(0.1)
    assert tasks.claim(db, one_pick_task["_id"], one_pick_task["fingerprint"], terms=deadly) is None
    station = one_pick_task["shard"]["sta"]
    result = cli("run", job, "--json")
    assert result.code == 1 and result.json["status"] == "failed"
    assert result.json["stages"]["pick"]["quarantined"] == 1 and result.json["stages"]["pick"]["done"] == 0
    (line,) = failures(result)
    assert station in line and "quarantined" in line
    assert db.run.find_one({"_id": result.json["run_id"]})["stages"]["pick"]["quarantined"] == 1
    text = cli("run", job)
    assert text.code == 1 and station in text.err and "catalogdb retry" in text.err and "nothing to do" not in text.out
    assert cli("retry").code == 0
    assert cli("run", job, "--json").code == 0


def test_a_task_in_other_hands_is_waited_for(cli, db, job, one_pick_task):
    seconds = 6.0
    assert tasks.claim(db, one_pick_task["_id"], one_pick_task["fingerprint"], terms=tasks.LeaseTerms(seconds))
    began = time.monotonic()
    result = cli("run", job)
    assert result.code == 0 and "pick: 1 task is in the hands of" in result.err
    assert db.task.find_one({"_id": one_pick_task["_id"]})["status"] == "done"
    assert time.monotonic() - began > seconds


def test_two_runs_at_once_share_the_work_and_end_well(ingested, db, job):
    line = [sys.executable, "-m", "catalogdb", "run", str(job), "--json"]
    both = [
        subprocess.Popen(line, env=environment_of(ingested), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ended = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    stages = [json.loads(out)["stages"] for out, _ in ended]
    for name in stages[0]:
        done = sum(of_run[name]["done"] for of_run in stages)
        assert done == stages[0][name]["planned"] and not any(of_run[name]["held"] for of_run in stages), name
    assert {row["status"] for row in db.task.find()} == {"done"}
    assert {row["status"] for row in db.run.find()} == {"done"}
