"""The same schedule for other clocks: cron, systemd timers and Slurm's scrontab, as text.

A job with an `ingest` block is given as two commands: the second one is run where the first one succeeds.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime

from catalogdb.errors import InputError
from catalogdb.job_schedule import ScheduleBlock, parsed_cron, weekdays_of

WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


def commands_of(program: Sequence[str], job: str, options: Sequence[str], schedule: ScheduleBlock) -> list[list[str]]:
    """What one firing runs, one after the other: the ingest, where the schedule has one, and the job.

    Args:
        program: how catalogdb is called.
        job: job file, or name of a packaged job.
        options: of `catalogdb run`.
    """
    run = [*program, "run", job, *options]
    if schedule.ingest is None:
        return [run]
    return [[*program, "ingest", "waveforms", *schedule.ingest.waveforms], run]


def crontab(name: str, schedule: ScheduleBlock, commands: Sequence[Sequence[str]]) -> str:
    """Lines of a user's crontab. A run that lasts until the next one is due makes that one be left out."""
    line = _in_a_row(commands)
    line = (shlex.join(["sh", "-c", line]) if len(commands) > 1 else line).replace("%", r"\%")  # bare: a line break
    return (
        f"# catalogdb job {name}. Times are in {schedule.timezone}: cronie reads CRON_TZ; Debian's cron does not, and\n"
        "# takes the machine's own zone. cron does not catch up what was missed while the machine was off, and\n"
        "# does not look for programs where your shell does.\n"
        f"CRON_TZ={schedule.timezone}\n"
        f'{_five_fields(name, schedule)} flock -n "$HOME/.catalogdb-{name}.lock" {line}\n'
    )


def scrontab(
    name: str, schedule: ScheduleBlock, commands: Sequence[Sequence[str]], time_limit: str = "12:00:00"
) -> str:
    """Lines for Slurm's scrontab. Slurm starts no second job of an entry while one of it runs."""
    return (
        f"# catalogdb job {name}. Times are in {schedule.timezone}; Slurm takes the zone of its controller.\n"
        f"#SCRON --job-name=catalogdb-{name}\n"
        f"#SCRON --time={time_limit}\n"
        f"#SCRON --output=catalogdb-{name}-%j.log\n"
        f"{_five_fields(name, schedule)} {_in_a_row(commands)}\n"
    )


def systemd(
    name: str, schedule: ScheduleBlock, commands: Sequence[Sequence[str]], description: str = ""
) -> dict[str, str]:
    """A service and its timer, by file name. A unit runs once at a time."""
    what = f"catalogdb job {name}" + (f": {description}" if description else "")
    what = what.replace("%", "%%").replace("\n", " ")
    lines = [" ".join(_quoted(word) for word in command) for command in commands]
    steps = "".join(f"ExecStartPre={line}\n" for line in lines[:-1])
    service = (
        "[Unit]\n"
        f"Description={what}\n"
        "After=network-online.target\n"
        "Wants=network-online.target\n"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        "# CATALOGDB_URI and the like; readable by its owner alone\n"
        "EnvironmentFile=-%h/.config/catalogdb/environment\n"
        "# by its path: systemd does not look where your shell does\n"
        f"{steps}ExecStart={lines[-1]}\n"
    )
    timer = (
        "[Unit]\n"
        f"Description=Times of {what}\n"
        "\n"
        "[Timer]\n"
        f"OnCalendar={on_calendar(schedule)}\n"
        "AccuracySec=1s\n"
        f"# true: once after the machine was off, however late{_grace(schedule)}\n"
        f"Persistent={'true' if schedule.misfire_grace_hours else 'false'}\n"
        "\n"
        "[Install]\n"
        "WantedBy=timers.target\n"
    )
    return {f"catalogdb-{name}.service": service, f"catalogdb-{name}.timer": timer}


def on_calendar(schedule: ScheduleBlock) -> str:
    """The times as systemd's calendar events have them."""
    times = parsed_cron(schedule.cron, datetime.now(UTC))
    weekdays = weekdays_of(times)
    of_week = "" if len(weekdays) == len(WEEKDAYS) else ",".join(WEEKDAYS[day] for day in weekdays) + " "
    date = f"*-{_event_part(times.months, 12)}-{_event_part(times.days, 31)}"
    clock = ":".join(
        _event_part(values, all_of_them)
        for values, all_of_them in ((times.hours, 24), (times.minutes, 60), (times.seconds, 60))
    )
    return f"{of_week}{date} {clock} {schedule.timezone}"


def _in_a_row(commands: Sequence[Sequence[str]]) -> str:
    """Commands for a shell, each run where the one before it succeeded."""
    return " && ".join(shlex.join(command) for command in commands)


def _event_part(values: set[int], all_of_them: int) -> str:
    """`00,15,30,45`; `*` for all."""
    return "*" if len(values) == all_of_them else ",".join(f"{value:02d}" for value in sorted(values))


def _five_fields(name: str, schedule: ScheduleBlock) -> str:
    if len(schedule.cron.split()) != 5:
        raise InputError(
            f"job {name}: {schedule.cron!r} has seconds, which cron can't tell", hint="--as systemd, or five fields"
        )
    return schedule.cron


def _grace(schedule: ScheduleBlock) -> str:
    return f" (systemd knows no grace time of {schedule.misfire_grace_hours:g} h)"


def _quoted(word: str) -> str:
    """A word of a command line as systemd reads it."""
    word = word.replace("%", "%%").replace("$", "$$")
    if not word or any(letter in word for letter in " \t\"'\\;"):
        return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return word
