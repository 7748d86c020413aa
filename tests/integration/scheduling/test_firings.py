"""Scheduled jobs: one run at a time whoever runs them, each firing settled once, none lost to a process that died."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from schedules import NIGHTLY, WAIT_SECONDS, end, wait_for

from catalogdb.database.lease import server_now
from catalogdb.scheduling.schedule import add_schedule, claim, list_schedules, settle
from catalogdb.stages.ingest_waveforms import ingest_waveforms


def expire(db, name):
    """Let a lease run out, as if its process had been cut off for long."""
    past = server_now(db) - timedelta(seconds=1)
    db.schedule.update_one({"_id": name}, {"$set": {"lease.until": past, "lease.owner": "elsewhere:1:1"}})


# -- who runs a firing


def test_of_many_schedulers_one_runs_a_firing(db, hourly):
    name = hourly(1.7)
    with ThreadPoolExecutor(8) as pool:
        firings = [firing for firing in pool.map(lambda _: claim(db, name), range(16)) if firing]
    assert len(firings) == 1
    assert list_schedules(db)[0]["running"]
    assert settle(db, firings[0], "done", exit=0)
    assert claim(db, name) is None and not list_schedules(db)[0]["running"]


def test_missed_firings_are_caught_up_once_or_recorded_as_missed(db, hourly):
    name = hourly(9.7)
    firing = claim(db, name)
    row = db.firing.find_one({"_id": firing.identity})
    assert server_now(db) - firing.due < timedelta(hours=1)
    missed = db.firing.find_one({"status": "missed"})
    assert (row["stands_for"], missed["stands_for"]) == (4, 6)
    assert server_now(db) - missed["due"] > timedelta(hours=4)
    settle(db, firing, "done")
    assert claim(db, name) is None and db.firing.count_documents({}) == 2


def test_without_coalescing_each_is_run_in_turn(db, hourly):
    name = hourly(3.7, coalesce="false")
    due = []
    while firing := claim(db, name):
        due.append(firing.due)
        settle(db, firing, "done")
    assert len(due) == 4 and due == sorted(set(due))


def test_all_missed_leaves_nothing_to_run(db, hourly):
    name = hourly(48)
    db.schedule.update_one({"_id": name}, {"$set": {"job_document.schedule.misfire_grace_hours": 0}})
    assert claim(db, name) is None
    assert [row["status"] for row in db.firing.find()] == ["missed"]
    assert claim(db, name) is None and "lease" not in db.schedule.find_one({"_id": name})


def test_an_interrupted_firing_is_run_again(db, hourly):
    name = hourly(1.7)
    first = claim(db, name)
    settle(db, first, "interrupted", exit=130)
    second = claim(db, name)
    assert second.due == first.due
    settle(db, second, "done", exit=0)
    assert db.firing.find_one({"_id": first.identity})["status"] == "done"


def test_a_firing_of_a_dead_process_is_taken_over_not_for_ever(db, hourly):
    name = hourly(1.7)
    first = claim(db, name)
    assert claim(db, name) is None
    expire(db, name)
    second = claim(db, name)
    assert second.due == first.due and second.token != first.token
    assert not settle(db, first, "done"), "the one that was cut off must not settle it any more"
    assert db.firing.find_one({"_id": first.identity})["status"] == "running"
    for _ in range(2):
        expire(db, name)
        last = claim(db, name)
    assert last is None
    row = db.firing.find_one({"_id": first.identity})
    assert (row["status"], row["losses"]) == ("failed", 3) and "3 times" in row["error"]
    assert claim(db, name) is None


# -- the scheduler


def test_two_schedulers_run_one_firing_of_a_job_at_a_time(db, day, job_file, scheduler):
    ingest_waveforms(db, [day.waveforms_dir])
    add_schedule(db, job_file(NIGHTLY), [], {})
    add_schedule(db, job_file(NIGHTLY.replace("often", "broken"), "broken.yaml"), ["pick.picker=phasenet"], {})
    db.schedule.update_one({"_id": "broken"}, {"$set": {"job_document.pick.weights": "nowhere"}})
    processes = [scheduler(), scheduler()]
    wait_for(lambda: db.firing.count_documents({"schedule": "often", "status": "done"}) >= 2)
    wait_for(lambda: db.firing.count_documents({"schedule": "broken", "status": "failed"}) >= 1)
    told = [end(process) for process in processes]
    assert [code for code, _ in told] == [0, 0]
    events = [event for _, found in told for event in found]
    assert {event["event"] for event in events} >= {"scheduled", "started", "ended"}
    for name in ("often", "broken"):
        rows = list(db.firing.find({"schedule": name, "status": {"$ne": "interrupted"}}).sort("started"))
        assert all(first["ended"] <= second["started"] for first, second in zip(rows, rows[1:], strict=False))
        assert not db.schedule.find_one({"_id": name}).get("lease")
    assert "nowhere" in db.firing.find_one({"schedule": "broken", "status": "failed"})["error"]
    firing = db.firing.find_one({"schedule": "often", "status": "done"}, sort=[("due", 1)])
    run = db.run.find_one({"_id": firing["run_id"]})
    period = run["job_document"]["period"]
    assert firing["exit"] == 0 and run["status"] == "done"
    assert datetime.fromisoformat(period["endtime"]) == firing["due"]
    assert datetime.fromisoformat(period["starttime"]) == firing["due"] - timedelta(days=3)
    assert run["stages"]["pick"]["done"] > 0
    assert len(db.pick_set.distinct("config_id")) == 1, "every run writes on in the same pick set"


def test_sigterm_ends_a_run_cleanly_and_it_is_caught_up(db, day, job_file, scheduler):
    ingest_waveforms(db, [day.waveforms_dir])
    add_schedule(db, job_file(NIGHTLY.replace("*/2 * * * * *", "0 4 * * *")), [], {})
    db.schedule.update_one({"_id": "often"}, {"$set": {"settled": server_now(db) - timedelta(days=1)}})
    db.schedule.update_one({"_id": "often"}, {"$set": {"job_document.schedule.misfire_grace_hours": 24}})
    process = scheduler()
    wait_for(lambda: db.task.find_one({"status": {"$in": ["running", "done"]}}))
    code, events = end(process)
    assert code == 0 and [event["status"] for event in events if event["event"] == "ended"] == ["interrupted"]
    assert db.run.find_one()["status"] == "interrupted"
    assert db.task.count_documents({"lease": {"$exists": True}}) == 0
    first = db.firing.find_one()
    assert (first["status"], first["exit"]) == ("interrupted", 130) and first["run_id"] == db.run.find_one()["_id"]
    done = scheduler("--once")
    output, errors = done.communicate(timeout=WAIT_SECONDS)
    assert done.returncode == 0, errors + output
    assert [row["status"] for row in db.firing.find()] == ["done"]
    assert db.task.count_documents({"status": "done"}) == db.task.count_documents({}) > 6


def test_what_is_killed_is_taken_up_again(db, day, job_file, scheduler):
    """First the process of a run, then its successor together with the scheduler."""
    ingest_waveforms(db, [day.waveforms_dir])
    add_schedule(db, job_file(NIGHTLY.replace("*/2 * * * * *", "0 4 * * *")), ["schedule.misfire_grace_hours=30"], {})
    db.schedule.update_one({"_id": "often"}, {"$set": {"settled": server_now(db) - timedelta(days=1)}})
    first = scheduler()

    def runner(other_than):
        """Process that runs the firing, once it has taken it over from the scheduler."""
        owner = (db.schedule.find_one().get("lease") or {}).get("owner", "::").split(":")[1]
        return owner if owner not in ("", str(first.pid), other_than) else None

    wait_for(lambda: db.task.find_one({"status": {"$in": ["running", "done"]}}))
    child = runner(None)
    os.kill(int(child), signal.SIGKILL)
    successor = wait_for(lambda: runner(child))
    os.kill(first.pid, signal.SIGKILL)
    os.kill(int(successor), signal.SIGKILL)
    first.communicate()
    second = scheduler()
    wait_for(lambda: db.firing.find_one({"status": "done"}))
    assert end(second)[0] == 0
    row = db.firing.find_one()
    assert (row["losses"], db.firing.count_documents({})) == (2, 1)
    assert db.task.count_documents({"status": "done"}) == db.task.count_documents({}) > 6
