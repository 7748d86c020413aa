"""Jobs with schedules, and schedulers in processes of their own: what the tests of scheduling share."""

import json
import signal
import time
from datetime import UTC, datetime

NIGHTLY = """
name: often
catalog: often
stages: [pick]
period: {last_days: 3}
schedule: {cron: "*/2 * * * * *", misfire_grace_hours: 1}
pick: {picker: stalta, shard_hours: 1}
"""
WAIT_SECONDS = 240


def hourly_job(name="hourly", coalesce="true", minutes=30):
    """Text of a job that is due once an hour, next in so many minutes."""
    minute = (datetime.now(UTC).minute + minutes) % 60
    schedule = f"{{cron: {minute} * * * *, misfire_grace_hours: 4, coalesce: {coalesce}}}"
    return f"schedule: {schedule}\nname: {name}\ncatalog: {name}\n"


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


def once(scheduler):
    """What one pass over the schedules came to: exit code, what it told."""
    process = scheduler("--once")
    output, errors = process.communicate(timeout=WAIT_SECONDS)
    assert "Traceback" not in errors, errors
    return process.returncode, [json.loads(line) for line in output.splitlines()]
