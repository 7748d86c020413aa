"""The `schedule` block of a job file: a cron expression with its time zone, what becomes of missed firings, and what
comes before the job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator

from catalogdb.strict_model import StrictModel

MONTH_DAYS, WEEK_DAYS = 31, 7
SUNDAY_LAST = re.compile(r"-sun\b", re.IGNORECASE)  # fri-sun: 0 and 7 are Sunday


class IngestBlock(StrictModel):
    """What is brought into the database before the job."""

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


class ScheduleBlock(StrictModel):
    """When a job runs by itself."""

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
        parsed_cron(value, datetime.now(UTC))
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
        zone = ZoneInfo(self.timezone)
        # on the wall clock: with a zone of its own CronSim follows Debian's cron over a change of clocks
        for wall in parsed_cron(self.cron, after.astimezone(zone).replace(tzinfo=UTC, fold=0)):
            due = wall.replace(tzinfo=zone).astimezone(UTC)
            if until is not None and due > until:
                return
            if due > after:
                after = due
                yield due

    def next_after(self, time: datetime) -> datetime:
        """When the job is due next, in UTC."""
        return next(self.firings(time))


def parsed_cron(cron: str, wall: datetime) -> CronSim:
    """The times that a cron expression gives after one of a clock without a zone, which UTC stands for.

    Raises:
        ValueError: saying what is wrong.
    """
    number = len(cron.split())
    if number not in (5, 6):
        raise ValueError(f"{cron!r} has {number} fields; it must have five: minute hour day month weekday")
    try:
        times = CronSim(SUNDAY_LAST.sub("-7", cron), wall)
    except CronSimError as error:
        raise ValueError(f"{cron!r}: {str(error).lower()}") from None
    weekdays = weekdays_of(times)
    if min(times.days) < 1 or not all(isinstance(day, int) for day in times.weekdays):
        raise ValueError(f"{cron!r}: L, W and # are not of every cron")
    if len(times.days) < MONTH_DAYS and len(weekdays) < WEEK_DAYS:
        raise ValueError(f"{cron!r}: give a day of month or a weekday, not both: programs disagree on what that means")
    return times


def weekdays_of(times: CronSim) -> list[int]:
    """Its weekdays, from Sunday, 0."""
    return sorted({day % WEEK_DAYS for day in times.weekdays if isinstance(day, int)})
