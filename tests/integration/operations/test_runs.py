"""`runs` and `watch`: runs as they are, not as their records were left."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from commands import environment_of

from catalogdb.database.lease import Lease, server_now
from catalogdb.database.owner import owner
from catalogdb.errors import InputError
from catalogdb.jobs import load_job
from catalogdb.ledger import lost, tasks
from catalogdb.ledger.execute import execute
from catalogdb.ledger.run_life import SILENT_SECONDS
from catalogdb.runs import run_record
from catalogdb.runs.listing import find_run, list_runs
from catalogdb.runs.run import new_report, prepare
from catalogdb.runs.run_report import StageReport, Standing
from catalogdb.runs.watch import progress_of

# a run that begins a stage, holds a task, says so, and then does nothing more
A_RUN = """
import sys, time
from pathlib import Path
from catalogdb.database.connection import connect
from catalogdb.errors import InputError
from catalogdb.jobs import load_job
from catalogdb.settings import load_settings
from catalogdb.ledger import tasks
from catalogdb.runs import run_record
from catalogdb.runs.run import new_report
from catalogdb.ledger.run_life import run_kept
db = connect(load_settings())
job = load_job(Path(sys.argv[1]))
report = new_report(job, "abcd" * 8)
run_record.join(db, job, report, "local")
with run_kept(db, report.run_id):
    run_record.begin_stage(db, report.run_id, "pick", 8, 6)
    assert tasks.claim(db, sys.argv[2], "other inputs", report.run_id)
    print("going", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def going(copy):
    """A run in a process of its own, in the middle of its first task; and that task."""
    task = copy.db.task.find_one({"stage": "pick"})
    copy.db.task.update_one({"_id": task["_id"]}, {"$set": {"status": "pending"}})
    process = subprocess.Popen(
        [sys.executable, "-c", A_RUN, str(copy.job_file), task["_id"]],
        env=environment_of(copy.settings),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "going\n"
        copy.process, copy.run_id, copy.task = process, "abcd" * 8, task
        yield copy
    finally:
        process.kill()
        process.communicate()


def states(db):
    return {row["run_id"]: row["status"] for row in list_runs(db)}


def test_runs_are_listed_with_what_they_came_to(finished, command):
    rows = command(finished.settings, "runs", "--json").json["runs"]
    assert [row["run_id"] for row in rows] == [report.run_id for report in reversed(finished.reports)]
    assert [(row["status"], row["catalog"], row["pick_set"]) for row in rows] == [
        ("done", "twin", "ops"),
        ("done", "ops", "ops"),
    ]
    for row, report in zip(rows, reversed(finished.reports), strict=True):
        assert row["done"] == sum(stage.done for stage in report.stages.values()) > 0 and row["failed"] == 0
        assert row["engine"] == "local" and row["seconds"] > 0
    assert command(finished.settings, "runs", "--status", "failed", "--json").json["runs"] == []
    assert len(command(finished.settings, "runs", "--job", "ops", "--limit", "1", "--json").json["runs"]) == 1
    assert command(finished.settings, "runs", "--job", "other", "--json").json["runs"] == []
    assert finished.reports[0].run_id[:12] in command(finished.settings, "runs").out


def test_one_run_is_shown_whole(finished, command):
    report = finished.reports[0]
    run = command(finished.settings, "runs", report.run_id[:10], "--json").json
    assert run["run_id"] == report.run_id and run["versions"]["catalogdb"]
    assert run["stages"]["pick"]["done"] == report.stages["pick"].done and run["failures"] == []
    assert run["job_document"]["pick"]["picker"] == "phasenet"
    text = command(finished.settings, "runs", report.run_id)
    assert text.code == 0 and "mspasspy" in text.out and "magnitude" in text.out


def test_a_failed_run_names_its_failures(failing, command):
    report = failing.run("stages=[pick]")
    run = command(failing.settings, "runs", report.run_id, "--json").json
    assert (run["status"], run["failed"], len(run["failed_tasks"])) == ("failed", 2, 2)
    assert run["failures"] == report.stages["pick"].failures
    assert "gone-" in command(failing.settings, "runs", report.run_id).err
    assert len(command(failing.settings, "runs", "--status", "failed", "--json").json["runs"]) == 1


def test_a_run_is_lost_when_its_process_is_gone(going, command):
    state = command(going.settings, "watch", "--once", "--json").json
    assert (state["run_id"], state["status"]) == (going.run_id, "running")
    (stage,) = state["stages"]
    counts = {key: stage[key] for key in ("planned", "up_to_date", "done", "failed", "running", "pending")}
    assert counts == {"planned": 8, "up_to_date": 6, "done": 0, "failed": 0, "running": 1, "pending": 1}
    (worker,) = state["workers"]
    assert f":{going.process.pid}:" in worker["owner"] and worker["task_id"] == going.task["_id"]
    assert worker["lease_seconds"] > 0 and worker["shard"].startswith("OX.")
    assert states(going.db)[going.run_id] == "running"

    going.process.send_signal(signal.SIGKILL)
    going.process.wait()
    assert states(going.db)[going.run_id] == "lost"
    assert going.db.run.find_one({"_id": going.run_id})["status"] == "running"
    followed = command(going.settings, "watch", going.run_id)
    assert followed.code == 1 and "lost" in followed.out
    assert command(going.settings, "runs", "--status", "lost", "--json").json["runs"][0]["run_id"] == going.run_id
    assert command(going.settings, "runs", "--status", "running", "--json").json["runs"] == []


def test_a_run_of_another_host_is_lost_without_heartbeats(copy):
    long_ago = server_now(copy.db) - timedelta(seconds=SILENT_SECONDS + 60)
    elsewhere = {"job": "ops", "status": "running", "owner": "elsewhere/1:1:1", "started": long_ago}
    copy.db.run.insert_one({"_id": "silent", "alive": long_ago} | elsewhere)
    copy.db.run.insert_one({"_id": "beating", "alive": server_now(copy.db)} | elsewhere)
    copy.db.run.insert_one({"_id": "young", "job": "ops", "status": "running", "started": server_now(copy.db)})
    copy.db.run.insert_one({"_id": "working", "alive": long_ago} | elsewhere)
    worker = f"{owner()}:1"
    copy.db.run.insert_one({"_id": "shared", "alive": server_now(copy.db), "workers": [worker]} | elsewhere)
    gone = ":".join([*owner().split(":")[:2], "1", "1"])
    copy.db.run.insert_one({"_id": "left", "alive": server_now(copy.db), "workers": [gone]} | elsewhere)
    task = copy.db.task.find_one({"stage": "pick"})
    assert tasks.claim(copy.db, task["_id"], "other inputs", "working") is not None
    expected = {"silent": "lost", "beating": "running", "young": "running", "working": "running"}
    expected |= {"shared": "running", "left": "lost"}
    assert {name: status for name, status in states(copy.db).items() if name in expected} == expected
    assert find_run(copy.db)["_id"] in ("beating", "young", "working", "shared")


def test_a_lost_run_lasted_until_its_last_heartbeat(copy, command):
    started = server_now(copy.db) - timedelta(seconds=SILENT_SECONDS + 600)
    elsewhere = {"job": "ops", "status": "running", "owner": "elsewhere/1:1:1", "started": started}
    copy.db.run.insert_one({"_id": "early", "alive": started} | elsewhere)
    copy.db.run.insert_one({"_id": "later", "alive": started + timedelta(seconds=90)} | elsewhere)
    rows = command(copy.settings, "runs", "--status", "lost", "--json").json["runs"]
    assert {row["run_id"]: row["seconds"] for row in rows} == {"early": None, "later": 90.0}
    assert progress_of(copy.db, "early")["seconds"] is None
    assert "unknown" in command(copy.settings, "runs", "early").out
    assert "at least 1:30" in command(copy.settings, "runs", "later").out


def test_watching_ends_when_nobody_reads_it(going):
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "catalogdb", "watch", "--interval", "0.2"]
    with open(writing, "wb") as closed:
        watched = subprocess.run(
            words, env=environment_of(going.settings), stdout=closed, stderr=subprocess.PIPE, timeout=60
        )
    assert (watched.returncode, watched.stderr, states(going.db)[going.run_id]) == (0, b"", "running")


def test_a_run_is_watched_to_its_end_and_its_log_names_its_tasks(copy, command):
    reset = command(copy.settings, "reset", "--pick-set", "ops", "--yes", "--json").json["tasks"]
    process = subprocess.Popen(
        [sys.executable, "-m", "catalogdb", "run", str(copy.job_file), "--json"],
        env=environment_of(copy.settings) | {"CATALOGDB_LOG": "json"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        while copy.db.run.count_documents({"status": "running"}) == 0 and process.poll() is None:
            pass
        watched = command(copy.settings, "watch", "--interval", "0.2")
        report, log = process.communicate(timeout=120)
    report = json.loads(report)
    assert process.returncode == watched.code == 0
    lines = watched.out.splitlines()
    assert report["run_id"][:12] in lines[-1] and " done; " in lines[-1] and f"done {reset}" in lines[-1]

    happenings = [json.loads(line) for line in log.splitlines()]
    assert {line["run_id"] for line in happenings} == {report["run_id"]}
    assert [line["event"] for line in happenings if line["event"].startswith("run ")] == ["run started", "run ended"]
    done = [line for line in happenings if line["event"] == "task done" and line["stage"] == "pick"]
    assert {line["task_id"] for line in done} == {row["_id"] for row in copy.db.task.find({"stage": "pick"})}
    assert all(line["shard"].startswith("OX.") and line["seconds"]["process"] >= 0 for line in done)


@pytest.fixture
def shared(copy):
    """A shared run with its eight picking tasks to be done again; carries some of them out as a worker would."""
    again = {"$set": {"status": "pending", "attempts": 0}, "$unset": {"fingerprint": "", "run_id": ""}}
    copy.db.task.update_many({"stage": "pick"}, again)
    job = load_job(copy.job_file)
    job, (stage, *_), _ = prepare(copy.db, job, None)
    joined = run_record.join(copy.db, job, new_report(job, "together"), "work")
    planned = list(stage.plan(copy.db))
    run_record.begin_stage(copy.db, "together", "pick", len(planned), 0)

    def carry_out(*items):
        report = StageReport()
        for item in items:
            report.add(execute(copy.db, stage, item, "together"))
        return report

    def lose(item):
        """Let the task's worker be lost for good."""
        identity = tasks.task_id(stage, item.shard)
        tasks.register(copy.db, stage, [item])
        assert tasks.claim(copy.db, identity, item.fingerprint, "together") is not None
        assert lost.charge(copy.db, copy.db.task.find_one({"_id": identity}), attempts=1) == "quarantined"

    def leave(report, standing=Standing()):
        run_record.add_stage(copy.db, "together", "pick", report, standing)

    copy.planned, copy.carry_out, copy.lose, copy.leave, copy.participant = (
        planned,
        carry_out,
        lose,
        leave,
        joined.participant,
    )
    return copy


def seen(place):
    (stage,) = progress_of(place.db, "together")["stages"]
    return {key: stage[key] for key in ("done", "failed", "quarantined", "running", "pending")}


def test_a_shared_run_is_seen_right_when_a_worker_has_left(shared):
    number = len(shared.planned)
    first = shared.carry_out(*shared.planned[:2])
    shared.leave(first)
    shared.carry_out(*shared.planned[2:5])  # of another worker, that goes on
    expected = {"done": 5, "failed": 0, "quarantined": 0, "running": 0, "pending": number - 5}
    assert seen(shared) == expected
    shared.lose(shared.planned[5])
    assert seen(shared) == expected | {"quarantined": 1, "pending": number - 6}


def test_a_job_of_other_settings_does_not_join_a_run(shared):
    other = load_job(shared.job_file, ["pick.p_threshold=0.9"])
    with pytest.raises(InputError, match="other settings"):
        run_record.join(shared.db, other, new_report(other, "together"), "work")
    assert shared.db.run.find_one({"_id": "together"})["workers"] == [shared.participant]


def test_who_joins_at_the_same_moment_takes_the_job_of_the_first(copy, monkeypatch):
    first, second = (
        load_job(copy.job_file, [f"period={{starttime: 2024-01-01, endtime: 2024-01-0{day}}}"]) for day in (2, 3)
    )
    make, others = run_record._first, [first]

    def with_another(job, report, engine):
        if others:  # after the record was looked for, and before it is written
            run_record.join(copy.db, others.pop(), report, engine)
        return make(job, report, engine)

    monkeypatch.setattr(run_record, "_first", with_another)
    joined = run_record.join(copy.db, second, new_report(second, "at once"), "work")
    assert joined.job.period == first.period and joined.ended is None
    assert len(copy.db.run.find_one({"_id": "at once"})["workers"]) == 2


def test_quarantined_tasks_of_a_shared_run_are_counted_once(shared):
    number = len(shared.planned)
    shared.lose(shared.planned[0])
    done = shared.carry_out(*shared.planned[1:])
    shared.leave(done, Standing(quarantined=1, failures=["its worker was lost"]))
    expected = {"done": number - 1, "failed": 0, "quarantined": 1, "running": 0, "pending": 0}
    assert seen(shared) == expected
    run_record.leave(shared.db, "together", shared.participant, "failed")
    assert progress_of(shared.db, "together")["status"] == "failed" and seen(shared) == expected


def test_what_a_killed_worker_of_a_shared_run_did_is_counted(shared):
    shared.carry_out(*shared.planned[:3])  # and never left the stage
    shared.leave(shared.carry_out(*shared.planned[3:]))
    lease = Lease(shared.db.run, "together")
    assert lease.take()
    run_record.end(lease, "done")
    assert seen(shared)["done"] == len(shared.planned) and seen(shared)["pending"] == 0


def test_watching_reads_indexes_alone(going, server):
    going.db.command("profile", 2)
    try:
        progress_of(going.db, going.run_id)
    finally:
        going.db.command("profile", 0)
    plans = [
        (row["ns"].rpartition(".")[2], row["planSummary"], row["docsExamined"])
        for row in going.db["system.profile"].find({"planSummary": {"$exists": True}})
    ]
    assert len(plans) >= 4 and not [plan for plan in plans if "COLLSCAN" in plan[1]]
    grouped = [examined for name, _, examined in plans if name == "task"]
    assert min(grouped) == 0  # counts are read from the index


def test_unknown_runs_are_refused(finished, db, command, settings):
    assert "no run 'ffffffff'" in command(finished.settings, "watch", "ffffffff").err
    assert command(finished.settings, "runs", "--status", "odd").code == 2
    nothing = command(settings, "watch")
    assert nothing.code == 2 and "no run yet" in nothing.err
