"""The `schedule` block of a job file: a cron expression with its time zone, what becomes of missed firings, and what
comes before the job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")  # as cron counts them; 7 is Sunday, too
WEEKDAY_TOKEN = re.compile(r"^(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?$")
PLAIN_TOKEN = re.compile(r"^(\*|\d+(-\d+)?)(/\d+)?$")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FIELDS = ("second", "minute", "hour", "day", "month", "day_of_week")


class IngestBlock(BaseModel):
    """What is brought into the database before the job."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    waveforms: tuple[str, ...] = Field(
        min_length=1,
        description="Folders or files, by absolute paths, that are indexed before each run as `catalogdb ingest "
        "waveforms` does: what is new or has changed is read. Files that can't be read stop nothing; a path that is "
        "not there stops the run.",
    )

    @field_validator("waveforms")
    @classmethod
    def _absolute(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for path in value:
            if not PurePosixPath(path).is_absolute():
                raise ValueError(f"{path!r} is no absolute path; nobody can tell what folder a scheduler runs in")
        return value


class ScheduleBlock(BaseModel):
    """When a job runs by itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cron: str = Field(
        description="Minute, hour, day of month, month, weekday (0 or 7 is Sunday), as crontab has them; with six "
        "fields the first is the second."
    )
    timezone: str = Field("UTC", description="Zone of these times (IANA name).")
    misfire_grace_hours: float = Field(
        12,
        ge=0,
        le=8766,
        description="How late a firing may start that was missed while no scheduler ran; later it is skipped.",
    )
    coalesce: bool = Field(True, description="Several missed firings are one run. False: one after the other.")
    ingest: IngestBlock | None = Field(None, description="What each run is preceded by; none: nothing.")

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone; for example UTC or Europe/Rome") from None
        return value

    @field_validator("cron")
    @classmethod
    def _fires(cls, value: str) -> str:
        if _wall_clock(value).get_next_fire_time(None, datetime.now(UTC)) is None:
            raise ValueError(f"{value!r} never comes")
        return " ".join(value.split())

    @property
    def grace(self) -> timedelta:
        """How late a missed firing may start."""
        return timedelta(hours=self.misfire_grace_hours)

    def firings(self, after: datetime, until: datetime | None = None) -> Iterator[datetime]:
        """Times in UTC at which the job is due, in (`after`, `until`]; endless without `until`.

        A time that the clocks leave out in spring comes an hour later; one that they repeat in autumn counts once, the
        first time.
        """
        # on the wall clock: over a change of clocks APScheduler's own zones lose firings between midnight and one
        zone, trigger = ZoneInfo(self.timezone), _wall_clock(self.cron)
        wall = after.astimezone(zone).replace(tzinfo=UTC, fold=0)
        while True:
            wall = trigger.get_next_fire_time(None, wall + timedelta(microseconds=1))
            if wall is None:
                return
            due = wall.replace(tzinfo=zone).astimezone(UTC)
            if until is not None and due > until:
                return
            if due > after:
                after = due
                yield due

    def next_after(self, time: datetime) -> datetime:
        """When the job is due next, in UTC."""
        return next(self.firings(time))


def cron_fields(cron: str) -> dict[str, str]:
    """The fields of a cron expression by name, months as numbers, weekdays as names (`*`, or `mon,tue`).

    Raises:
        ValueError: saying what is wrong.
    """
    values = cron.lower().split()
    if len(values) not in (5, 6):
        raise ValueError(f"{cron!r} has {len(values)} fields; it must have five: minute hour day month weekday")
    fields = dict(zip(FIELDS, values if len(values) == 6 else ["0", *values], strict=True))
    for number, month in enumerate(MONTHS, 1):  # APScheduler takes names, and passes over a step behind them
        fields["month"] = re.sub(rf"\b{month}\b", str(number), fields["month"])
    for name, field in fields.items():
        if name != "day_of_week" and not all(PLAIN_TOKEN.match(token) for token in field.split(",")):
            raise ValueError(f"{cron!r}: {field!r} is no {name.replace('_', ' ')} of cron")
    fields["day_of_week"] = _weekdays(fields["day_of_week"])
    if fields["day"] != "*" and fields["day_of_week"] != "*":
        raise ValueError(f"{cron!r}: give a day of month or a weekday, not both: programs disagree on what that means")
    return fields


def _wall_clock(cron: str) -> CronTrigger:
    """The expression for a clock without a zone, which UTC stands for."""
    from apscheduler.triggers.cron import CronTrigger

    fields = cron_fields(cron)
    try:
        return CronTrigger(**fields, timezone=UTC)
    except ValueError as error:
        raise ValueError(f"{cron!r}: {error}") from None


def _weekdays(field: str) -> str:
    """Weekdays by name: APScheduler counts them from Monday, cron from Sunday."""
    if field == "*":
        return field
    days: set[int] = set()
    for token in field.split(","):
        match = WEEKDAY_TOKEN.match(token)
        if not match:
            raise ValueError(f"{token!r} is no weekday")
        every, first, last, step = match.groups()
        start = 0 if every else _weekday(first)
        end = 6 if every or (step and not last) else _weekday(last or first)
        if end < start and end == 0:
            end = 7
        if end < start or step == "0":
            raise ValueError(f"{token!r} is no range of weekdays")
        days.update(day % 7 for day in range(start, end + 1, int(step or 1)))
    return ",".join(WEEKDAYS[day] for day in sorted(days))


def _weekday(text: str) -> int:
    if text in WEEKDAYS:
        return WEEKDAYS.index(text)
    if text.isdigit() and int(text) <= 7:
        return int(text)
    raise ValueError(f"{text!r} is no weekday: 0 to 7, or sun to sat")
