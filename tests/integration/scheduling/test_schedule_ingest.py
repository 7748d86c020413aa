"""What a firing ingests before its job, and jobs that write on in one catalog night after night."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest
from schedules import NIGHTLY, once

from catalogdb.database.lease import server_now
from catalogdb.runs.run import run_job
from catalogdb.scheduling.schedule import add_schedule, job_of
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.ingest_waveforms import ingest_waveforms


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
