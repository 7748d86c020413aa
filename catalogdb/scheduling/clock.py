"""A job's times for APScheduler, whose clock wakes us."""

from __future__ import annotations

from datetime import datetime

from apscheduler.triggers.base import BaseTrigger

from catalogdb.job_schedule import ScheduleBlock


class ScheduleTrigger(BaseTrigger):
    """Fires when the schedule does. What was missed is found in the database, not here."""

    def __init__(self, schedule: ScheduleBlock):
        self.schedule = schedule

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The first firing after now, and after the previous one."""
        return self.schedule.next_after(max(previous_fire_time or now, now))
