"""Scheduled jobs: one run at a time whoever runs them, each firing settled once, none lost to a process that died."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from typer.testing import CliRunner

from catalogdb.cli.app import app
from catalogdb.demo.dataset import write_demo_day
from catalogdb.errors import InputError
from catalogdb.ledger.run_life import server_now
from catalogdb.runs.run import run_job
from catalogdb.scheduling.schedule import (
    add_schedule,
    claim,
    job_of,
    list_schedules,
    next_firings,
    settle,
)
from catalogdb.scheduling.scheduler import Scheduler
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.ingest_waveforms import ingest_waveforms

NIGHTLY = """
name: often
catalog: often
stages: [pick]
period: {last_days: 3}
schedule: {cron: "*/2 * * * * *", misfire_grace_hours: 1}
pick: {picker: stalta, shard_hours: 1}
"""
WAIT_SECONDS = 240


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """Waveforms of two days ago: in the last three days of every firing of the last day."""
    start = (datetime.now(UTC) - timedelta(days=2)).replace(minute=30, second=0, microsecond=0, tzinfo=None)
    folder = tmp_path_factory.mktemp("day")
    return write_demo_day(folder, 5, start.isoformat(), duration_s=3 * 3600, stations=3, events=3, gaps=0)


@pytest.fixture
def job_file(tmp_path):
    def write(text, name="job.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def hourly_job(name="hourly", coalesce="true", minutes=30):
    """Text of a job that is due once an hour, next in so many minutes."""
    minute = (datetime.now(UTC).minute + minutes) % 60
    schedule = f"{{cron: {minute} * * * *, misfire_grace_hours: 4, coalesce: {coalesce}}}"
    return f"schedule: {schedule}\nname: {name}\ncatalog: {name}\n"


@pytest.fixture
def hourly(db, job_file):
    """Schedules a job, its last settled firing some hours ago; gives its name."""

    def add(hours, name="hourly", coalesce="true"):
        add_schedule(db, job_file(hourly_job(name, coalesce), f"{name}.yaml"), [], {})
        db.schedule.update_one({"_id": name}, {"$set": {"settled": server_now(db) - timedelta(hours=hours)}})
        return name

    return add


@pytest.fixture
def scheduler(settings):
    """Starts schedulers, and ends those that a test leaves."""
    started = []

    def start(*arguments):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("CATALOGDB_")}
        environment |= {"CATALOGDB_DATA_DIR": str(settings.data_dir), "CATALOGDB_DATABASE": settings.database}
        command = [sys.executable, "-m", "catalogdb", "schedule", "run", "--json", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, env=environment, **pipes))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait_for(condition):
    """Wait until something holds, for as long as a loaded machine may need."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.05)
    return found


def end(process):
    """End a scheduler as systemd does: exit code and what it told."""
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=WAIT_SECONDS)
    assert "Traceback" not in errors, errors
    return process.returncode, [json.loads(line) for line in output.splitlines()]


def expire(db, name):
    """Let a lease run out, as if its process had been cut off for long."""
    past = server_now(db) - timedelta(seconds=1)
    db.schedule.update_one({"_id": name}, {"$set": {"lease.until": past, "lease.owner": "elsewhere:1:1"}})


# -- what is stored


def test_a_schedule_is_a_document_and_notices_a_changed_file(db, job_file):
    path = job_file(NIGHTLY)
    row = add_schedule(db, path, ["pick.p_threshold=0.4"], {"engine": "dask", "workers": 2})
    assert row["job_document"]["period"]["last_days"] == 3 and row["job_document"]["pick"]["p_threshold"] == 0.4
    assert (row["cron"], row["options"]) == ("*/2 * * * * *", {"engine": "dask", "workers": 2})
    assert list_schedules(db)[0]["job_file"] == "same"
    path.write_text(NIGHTLY.replace("last_days: 3", "last_days: 4"))
    assert list_schedules(db)[0]["job_file"] == "changed"
    path.write_text("name: [")
    assert list_schedules(db)[0]["job_file"] == "unreadable"
    path.unlink()
    assert list_schedules(db)[0]["job_file"] == "missing"
    assert db.schedule.find_one()["job_document"]["period"]["last_days"] == 3


def test_adding_again_keeps_what_is_due_unless_the_times_change(db, hourly, job_file):
    name = hourly(2)
    settled = db.schedule.find_one({"_id": name})["settled"]
    assert add_schedule(db, job_file(hourly_job(name)), [], {})["settled"] == settled
    assert add_schedule(db, job_file(hourly_job(name, minutes=35)), [], {})["settled"] > settled


def test_what_cannot_be_scheduled_is_refused(db, job_file):
    with pytest.raises(InputError, match="has no schedule"):
        add_schedule(db, job_file("name: a\ncatalog: a\n"), [], {})
    with pytest.raises(InputError, match="a matrix can't be scheduled"):
        add_schedule(db, job_file(NIGHTLY + "matrix: {pick.p_threshold: [0.1]}\n"), [], {})


def test_next_firings_of_all_schedules_in_order(db, hourly):
    hourly(0, "a")
    hourly(0, "b")
    rows = next_firings(db, 4)
    assert [row["name"] for row in rows] == ["a", "b", "a", "b"]
    assert rows[0]["due"] == rows[1]["due"] == rows[2]["due"] - timedelta(hours=1)


def test_the_verbs(db, settings, job_file):
    environment = {"CATALOGDB_DATA_DIR": str(settings.data_dir), "CATALOGDB_DATABASE": settings.database}

    def schedule(*arguments):
        result = CliRunner().invoke(app, ["schedule", *arguments, "--json"], env=environment, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    path = job_file(NIGHTLY)
    added = schedule("add", str(path), "--set", "schedule.cron=0 4 * * *")
    assert added["name"] == "often" and added["next"].endswith("T04:00:00+00:00")
    listed = schedule("list")["schedules"]
    assert listed == [added]
    due = [row["due"] for row in schedule("next", "--count", "2")["next"]]
    assert due[0] == added["next"] and len(set(due)) == 2
    assert schedule("remove", "often") == {"removed": "often"}
    assert schedule("list")["schedules"] == []
    with pytest.raises(InputError, match="no schedule 'often'"):
        schedule("remove", "often")
    files = schedule("export", str(path), "--as", "systemd", "--command", "catalogdb")["files"]
    assert f"ExecStart=catalogdb run {path}\n" in files["catalogdb-often.service"]


# -- what another version stored


@pytest.fixture
def of_another_version(db, hourly):
    """Two schedules; what is stored of `b` has a key that this version doesn't know."""
    hourly(0.1, "a")
    hourly(0.1, "b")
    db.schedule.update_one({"_id": "b"}, {"$set": {"job_document.pick.colour": "red"}})


def test_a_schedule_that_cannot_be_read_hides_no_other(db, of_another_version):
    good, bad = list_schedules(db)
    assert good["next"] and good["problem"] is None and good["job_file"] == "same"
    assert (bad["name"], bad["next"], bad["job_file"]) == ("b", None, "changed")
    assert bad["problem"].startswith("schedule 'b': what is stored can't be read: pick.colour: unknown key")
    assert {row["name"] for row in next_firings(db, 3)} == {"a"}
    with pytest.raises(InputError, match="schedule 'b'") as caught:
        job_of(db.schedule.find_one({"_id": "b"}))
    assert "catalogdb schedule add" in caught.value.hint and "schedule remove b" in caught.value.hint


@pytest.mark.parametrize("verb", ["list", "next"])
def test_the_verbs_go_on_beside_a_schedule_that_cannot_be_read(settings, command, of_another_version, verb):
    shown = command(settings, "schedule", verb)
    assert shown.code == 0 and "a" in shown.out.split()
    assert "schedule 'b'" in shown.err and "schedule remove b" in shown.err and "Traceback" not in shown.err
    assert command(settings, "schedule", verb, "--json").code == 0


def test_a_problem_is_told_once_until_it_is_another(db, settings, of_another_version):
    told = []
    scheduler = Scheduler(settings, tell=told.append)
    scheduler._clock = BackgroundScheduler(timezone=UTC)
    scheduler._clock.start(paused=True)
    try:

        def problems_of_a_look():
            before = len(told)
            scheduler._look()
            return [event for event in told[before:] if event["event"] == "problem"]

        (problem,) = problems_of_a_look()
        assert problem["name"] == "b" and "pick.colour" in problem["error"] and "remove b" in problem["hint"]
        assert problems_of_a_look() == problems_of_a_look() == []
        assert not scheduler._attend("b") and len([event for event in told if event["event"] == "problem"]) == 1
        change = {"$set": {"job_document.pick.shape": "round"}, "$unset": {"job_document.pick.colour": ""}}
        db.schedule.update_one({"_id": "b"}, change)
        assert ["pick.shape" in event["error"] for event in problems_of_a_look()] == [True]
        db.schedule.update_one({"_id": "b"}, {"$unset": {"job_document.pick.shape": ""}})
        assert problems_of_a_look() == [] and scheduler._attend("b")
        db.schedule.update_one({"_id": "b"}, {"$set": {"job_document.pick.shape": "round"}})
        assert len(problems_of_a_look()) == 1, "it came back"
    finally:
        scheduler._clock.shutdown()


# -- what comes before the job


@pytest.fixture
def archive(day, tmp_path):
    """A folder with yesterday's waveforms."""
    return shutil.copytree(day.waveforms_dir, tmp_path / "archive")


@pytest.fixture
def with_ingest(db, job_file):
    """Schedules a job that picks what its folders hold, a day behind; `due` makes it due again."""

    def due():
        db.schedule.update_one({"_id": "often"}, {"$set": {"settled": server_now(db) - timedelta(days=1)}})
        db.firing.delete_many({})

    def add(*folders):
        path = job_file(NIGHTLY.replace("*/2 * * * * *", "0 4 * * *"))
        listed = ", ".join(map(str, folders))
        overrides = [f"schedule.ingest.waveforms=[{listed}]", "schedule.misfire_grace_hours=30"]
        add_schedule(db, path, overrides, {})
        due()
        return due

    return add


def once(scheduler):
    """What one pass over the schedules came to: exit code, what it told."""
    process = scheduler("--once")
    output, errors = process.communicate(timeout=WAIT_SECONDS)
    assert "Traceback" not in errors, errors
    return process.returncode, [json.loads(line) for line in output.splitlines()]


def test_a_firing_ingests_what_is_new_and_its_job_sees_it(db, archive, scheduler, with_ingest):
    late = archive.parent / "late"
    late.mkdir()
    files = [path for path in archive.rglob("*") if path.is_file()]
    station = max(path.name.split(".")[1] for path in files)
    to_come = [path for path in files if path.name.split(".")[1] == station]
    assert 0 < len(to_come) < len(files)
    for path in to_come:
        path.rename(late / path.name)
    due = with_ingest(archive)
    assert once(scheduler)[0] == 0
    row = db.firing.find_one()
    assert (row["status"], row["exit"]) == ("done", 0) and "error" not in row
    assert db.task.count_documents({"status": "done"}) > 0
    indexed = {file["_id"]: file["indexed_at"] for file in db.wf_file.find()}

    assert station not in db.task.distinct("shard.sta")

    for path in to_come:
        (late / path.name).rename(path)
    due()
    assert once(scheduler)[0] == 0
    held = {file["_id"]: file["indexed_at"] for file in db.wf_file.find()}
    assert len(held) == len(files) and indexed.items() <= held.items(), "those that were there are not read again"
    assert station in db.task.distinct("shard.sta", {"status": "done"})


def test_unreadable_files_stop_no_job_and_are_told(db, archive, scheduler, with_ingest):
    (archive / "broken.mseed").write_bytes(b"\x00 not miniSEED" * 100)
    with_ingest(archive)
    code, events = once(scheduler)
    row = db.firing.find_one()
    assert code == 0 and (row["status"], row["exit"]) == ("done", 0)
    assert row["error"].startswith("ingest: ") and "broken.mseed" in row["error"]
    assert [event["error"] for event in events if event["event"] == "ended"] == [row["error"]]
    assert db.task.count_documents({"status": "done"}) > 0


def test_a_folder_that_is_not_there_stops_the_job(db, archive, scheduler, with_ingest):
    due = with_ingest(archive, archive.parent / "unmounted")
    code, events = once(scheduler)
    row = db.firing.find_one()
    assert code == 1 and (row["status"], row["exit"]) == ("failed", 2) and "run_id" not in row
    assert "unmounted: No such file or directory, as seen from " in row["error"]
    assert [event["error"] for event in events if event["event"] == "ended"] == [row["error"]]
    assert db.run.count_documents({}) == db.task.count_documents({}) == 0

    due = with_ingest(archive)
    assert once(scheduler)[0] == 0 and db.run.count_documents({}) == 1
    held = list(db.wf_file.find())
    shutil.rmtree(archive)
    for there, said in ((False, "No such file or directory"), (True, f"holds none of the {len(held)} files")):
        if there:
            archive.mkdir()
        due()
        assert once(scheduler)[0] == 1
        assert said in db.firing.find_one()["error"]
        assert db.run.count_documents({}) == 1 and list(db.wf_file.find()) == held


def test_every_night_writes_on_in_the_same_catalog(db, settings, mspass_db, day, job_file):
    ingest_stations(db, mspass_db, [day.stations_path])
    ingest_waveforms(db, [day.waveforms_dir])
    nightly = NIGHTLY.replace("stages: [pick]", "stages: [pick, associate]").replace("last_days: 3", "last_days: 0.5")
    nightly += "associate: {associator: pyocto, window_seconds: 1800, min_picks: 4, min_p: 2, min_s: 0}\n"
    stored = job_of(add_schedule(db, job_file(nightly), [], {}))
    first, last = (
        db.wf_miniseed.find_one({}, sort=[(key, way)])[key] for key, way in (("starttime", 1), ("endtime", -1))
    )
    nights = [datetime.fromtimestamp(time, UTC) for time in ((first + last) / 2, last)]
    runs = [run_job(settings, stored.at(night)) for night in (*nights, nights[-1])]
    assert [run.status for run in runs] == ["done"] * 3
    done = [[run.stages[stage].done for stage in ("pick", "associate")] for run in runs]
    assert done[0][0] > 0 < done[1][0] and done[2] == [0, 0]
    assert runs[1].stages["pick"].up_to_date >= done[0][0] - 3, "but for the hour that was cut"
    assert db.catalog.count_documents({}) == db.pick_set.count_documents({}) == 1
    extent = db.catalog.find_one()
    assert extent["endtime"] - extent["starttime"] > 43200 + (last - first) / 3


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


def test_a_firing_whose_process_died_is_taken_over_and_not_for_ever(db, hourly):
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


def test_two_schedulers_run_a_job_every_two_seconds_one_at_a_time(db, day, job_file, scheduler):
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
