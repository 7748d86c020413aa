"""The same schedule for other clocks: cron, systemd timers and Slurm's scrontab, as text."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from catalogdb.errors import InputError
from catalogdb.scheduling.cron import ScheduleBlock, cron_fields


def crontab(name: str, schedule: ScheduleBlock, command: Sequence[str]) -> str:
    """Lines of a user's crontab. A run that lasts until the next one is due makes that one be left out."""
    line = shlex.join(command).replace("%", r"\%")  # a bare % is a line break to cron
    return (
        f"# catalogdb job {name}. Times are in {schedule.timezone}: cronie reads CRON_TZ; Debian's cron does not, and\n"
        "# takes the machine's own zone. cron does not catch up what was missed while the machine was off.\n"
        f"CRON_TZ={schedule.timezone}\n"
        f'{_five_fields(name, schedule)} flock -n "$HOME/.catalogdb-{name}.lock" {line}\n'
    )


def scrontab(name: str, schedule: ScheduleBlock, command: Sequence[str], time_limit: str = "12:00:00") -> str:
    """Lines for Slurm's scrontab. Slurm starts no second job of an entry while one of it runs."""
    return (
        f"# catalogdb job {name}. Times are in {schedule.timezone}; Slurm takes the zone of its controller.\n"
        f"#SCRON --job-name=catalogdb-{name}\n"
        f"#SCRON --time={time_limit}\n"
        f"#SCRON --output=catalogdb-{name}-%j.log\n"
        f"{_five_fields(name, schedule)} {shlex.join(command)}\n"
    )


def systemd(name: str, schedule: ScheduleBlock, command: Sequence[str], description: str = "") -> dict[str, str]:
    """A service and its timer, by file name. A unit runs once at a time."""
    what = f"catalogdb job {name}" + (f": {description}" if description else "")
    what = what.replace("%", "%%").replace("\n", " ")
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
        f"ExecStart={' '.join(_quoted(word) for word in command)}\n"
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
    fields = cron_fields(schedule.cron)
    weekdays = fields["day_of_week"]
    day = "" if weekdays == "*" else ",".join(name.capitalize() for name in weekdays.split(",")) + " "
    month = ",".join(_event_part(token, 1) for token in fields["month"].split(","))
    date = ",".join(_event_part(token, 1) for token in fields["day"].split(","))
    time = ":".join(
        ",".join(_event_part(token, 0) for token in fields[unit].split(",")) for unit in ("hour", "minute", "second")
    )
    return f"{day}*-{month}-{date} {time} {schedule.timezone}"


def _event_part(token: str, first: int) -> str:
    """`*/15` -> `00/15`, `1-5` -> `01..05`, `3` -> `03`."""
    values, slash, step = token.partition("/")
    if values == "*":
        return f"{first:02d}/{step}" if slash else "*"
    start, dash, end = values.partition("-")
    return f"{int(start):02d}" + (f"..{int(end):02d}" if dash else "") + slash + step


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
