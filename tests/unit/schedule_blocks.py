"""Schedules of tests, and when they fire."""

from datetime import UTC, datetime
from itertools import islice

from catalogdb.job_schedule import ScheduleBlock

START = datetime(2026, 3, 27, 12, 0, 30, tzinfo=UTC)  # a Friday, two days before clocks change in Europe
EXPRESSIONS = (
    *(
        "30 2 * * *",
        "20 0 * * *",
        "*/15 * * * *",
        "0 4 * * 1-5",
        "0 4 * * 0",
        "0 4 * * 7",
        "0 4 * * sat,sun",
        "5 4 * * */2",
    ),
    *("0 0 1 * *", "0 0 */10 * *", "15 1,13 5-8 jan-mar/2 *", "10-50/20 22 * 4,6 *", "0 3 * * 5-7", "*/20 * * * * *"),
)


def block(cron="30 2 * * *", **keys):
    return ScheduleBlock(cron=cron, **keys)


def times(schedule, number, after=START):
    return list(islice(schedule.firings(after), number))
