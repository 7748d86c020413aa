"""Schedules as documents: what is stored, what is refused, and what another version stored."""

import json
from datetime import UTC, timedelta

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from schedules import NIGHTLY, hourly_job
from typer.testing import CliRunner

from catalogdb.cli.app import app
from catalogdb.errors import InputError
from catalogdb.scheduling.schedule import add_schedule, job_of, list_schedules, next_firings
from catalogdb.scheduling.scheduler import Scheduler


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
