"""What the tests of scheduling share."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from schedules import hourly_job

from catalogdb.database.lease import server_now
from catalogdb.demo.dataset import write_demo_day
from catalogdb.scheduling.schedule import add_schedule


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
