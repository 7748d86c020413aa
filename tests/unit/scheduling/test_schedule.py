"""Times of jobs: cron expressions, missed firings, relative periods."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from schedule_blocks import EXPRESSIONS, START, block, times

from catalogdb.errors import InputError
from catalogdb.job_schedule import ScheduleBlock, parsed_cron, weekdays_of
from catalogdb.jobs import JobFile, load_job, load_job_file, packaged_jobs
from catalogdb.scheduling.due import Verdict, judge

# -- cron


def test_weekdays_count_from_sunday_as_in_cron():
    def weekdays(field):
        return weekdays_of(parsed_cron(f"0 0 * * {field}", START))

    assert weekdays("0") == weekdays("7") == weekdays("sun") == [0]
    assert weekdays("1-5") == [1, 2, 3, 4, 5]
    assert weekdays("fri-sun") == [0, 5, 6]
    assert weekdays("*") == weekdays("0-7") == [0, 1, 2, 3, 4, 5, 6]
    assert [due.strftime("%a") for due in times(block("0 4 * * 0"), 2)] == ["Sun", "Sun"]


def test_a_firing_comes_once_in_the_night_when_clocks_go_forward():
    due = times(block(timezone="Europe/Rome"), 3, datetime(2026, 3, 28, tzinfo=UTC))
    assert [time.strftime("%d %H:%M") for time in due] == ["28 01:30", "29 01:30", "30 00:30"]


def test_a_firing_comes_once_in_the_night_when_clocks_go_back():
    due = times(block(timezone="Europe/Rome"), 3, datetime(2026, 10, 24, tzinfo=UTC))
    assert [time.strftime("%d %H:%M") for time in due] == ["24 00:30", "25 00:30", "26 01:30"]
    in_between = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # ten past two for the second time
    assert block(timezone="Europe/Rome").next_after(in_between).strftime("%d %H:%M") == "26 01:30"


@given(
    st.sampled_from(EXPRESSIONS[:-1]),
    st.sampled_from(["UTC", "Europe/Rome", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"]),
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
)
def test_firings_do_not_depend_on_where_the_count_begins(cron, timezone, after):
    schedule = block(cron, timezone=timezone)
    due = times(schedule, 8, after)
    assert due == sorted(set(due)) and due[0] > after
    assert [schedule.next_after(time) for time in due[:-1]] == due[1:]


def test_firings_lie_after_the_start_and_not_after_the_end():
    first, second = times(block(), 2)
    assert list(block().firings(first, second)) == [second]
    assert list(block().firings(first - timedelta(microseconds=1), first)) == [first]
    assert list(block().firings(first, second - timedelta(microseconds=1))) == []


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"cron": "30 2 * *"}, "4 fields; it must have five"),
        ({"cron": "61 2 * * *"}, "'61 2 * * *'"),
        ({"cron": "0 0 30 2 *"}, "bad day-of-month"),
        ({"cron": "0 0 1 * 1"}, "not both"),
        ({"cron": "0 0 * * 8"}, "'0 0 * * 8': bad day-of-week"),
        ({"cron": "0 0 * * 5-3"}, "bad day-of-week"),
        ({"cron": "0 0 last * *"}, "bad day-of-month"),
        ({"cron": "0 0 L * *"}, "not of every cron"),
        ({"cron": "0 0 LW * *"}, "not of every cron"),
        ({"cron": "0 0 * * 1#2"}, "not of every cron"),
        ({"cron": "0 0 * * 1L"}, "not of every cron"),
        ({"cron": "0 0 * * 1,2L"}, "not of every cron"),
        ({"cron": "30 2 * * *", "timezone": "Europe/Udine"}, "no time zone"),
        ({"cron": "30 2 * * *", "timezone": "../etc"}, "no time zone"),
        ({"cron": "30 2 * * *", "misfire_grace_hours": -1}, "greater than or equal"),
        ({"cron": "30 2 * * *", "misfire_grace": 1}, "misfire_grace"),
    ],
)
def test_wrong_schedules_are_refused(keys, said):
    with pytest.raises(ValidationError) as caught:
        ScheduleBlock(**keys)
    assert said in str(caught.value)


def test_a_job_file_says_where_its_schedule_is_wrong(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text("name: a\ncatalog: a\nschedule: {cron: 0 0 * * 9}\n")
    with pytest.raises(InputError, match=r"job.yaml: schedule.cron: '0 0 \* \* 9': bad day-of-week"):
        load_job_file(path)
    path.write_text("name: a\ncatalog: a\nschedule: {cron: 0 0 * * 1, time_zone: UTC}\n")
    with pytest.raises(InputError, match=r"schedule.time_zone: unknown key; did you mean timezone"):
        load_job_file(path)


# -- what is due, what is missed


DUE = [START + timedelta(hours=hours) for hours in range(4)]


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("due", "grace", "coalesce", "verdict"),
    [
        ([], HOUR, True, Verdict()),
        (DUE[3:], HOUR, True, Verdict(DUE[3], 1)),
        (DUE, 9 * HOUR, True, Verdict(DUE[3], 4)),
        (DUE, 9 * HOUR, False, Verdict(DUE[0], 1)),
        (DUE, HOUR, True, Verdict(DUE[3], 2, DUE[1], 2)),
        (DUE, HOUR, False, Verdict(DUE[2], 1, DUE[1], 2)),
        (DUE[:2], HOUR, True, Verdict(None, 0, DUE[1], 2)),
        (DUE, timedelta(0), True, Verdict(DUE[3], 1, DUE[2], 3)),
    ],
)
def test_missed_firings_are_caught_up_within_the_grace_time(due, grace, coalesce, verdict):
    assert judge(due, DUE[3], grace, coalesce) == verdict


@given(st.lists(st.integers(0, 10_000), unique=True, max_size=20).map(sorted), st.integers(0, 5_000), st.booleans())
def test_every_firing_is_run_or_missed_and_none_twice(minutes, grace, coalesce):
    """Judging until nothing is due, as the scheduler does, settles each firing exactly once."""
    now = START + timedelta(minutes=10_000)
    due = [START + timedelta(minutes=minute) for minute in minutes]
    limit = timedelta(minutes=grace)
    settled, runs, missed = START - HOUR, [], 0
    while (verdict := judge([time for time in due if time > settled], now, limit, coalesce)) != Verdict():
        settled = verdict.run or verdict.missed
        runs += [(verdict.run, verdict.stands_for)] if verdict.run else []
        missed += verdict.missed_count
    assert sum(number for _, number in runs) + missed == len(due)
    assert all(now - time <= limit for time, _ in runs)
    assert len(runs) <= 1 or not coalesce


# -- periods


def job_at(period, now=START):
    return JobFile.model_validate({"name": "a", "catalog": "a", "period": period}).at(now)


def test_periods_are_counted_back_from_the_start_of_the_run():
    period = job_at({"last_days": 3, "delay_hours": 12}).period
    assert (period.endtime, period.starttime) == (START - 12 * HOUR, START - 84 * HOUR)
    assert job_at({"starttime": "2026-01-01"}).period.endtime == START
    fixed = {"starttime": "2024-03-20T00:00:00Z", "endtime": "2024-06-20T00:00:00Z"}
    assert job_at(fixed) == job_at(fixed, START + 999 * HOUR)
    assert job_at(None).period is None


def test_a_job_that_is_read_is_ready_to_run(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text("name: a\ncatalog: a\nperiod: {last_days: 1.5}\nschedule: {cron: 30 2 * * *}\n")
    job = load_job(path, now=START)
    assert job.period.endtime - job.period.starttime == 36 * HOUR
    assert abs(load_job(path).period.endtime - datetime.now(UTC)) < HOUR
    assert type(job).model_validate_json(job.model_dump_json()) == job
    assert "schedule" not in job.model_dump()


@pytest.mark.parametrize(
    ("period", "said"),
    [
        ({}, "give starttime and endtime"),
        ({"endtime": "2026-01-01"}, "give starttime and endtime"),
        ({"last_days": 3, "starttime": "2026-01-01"}, "give starttime and endtime"),
        ({"last_days": 3, "endtime": "2026-01-01"}, "give starttime and endtime"),
        ({"last_days": 0}, "greater than 0"),
        ({"last_days": 1e9}, "less than or equal"),
        ({"starttime": "2026-01-02", "endtime": "2026-01-01"}, "not after starttime"),
        ({"starttime": "2026-01-01", "endtime": "2026-01-02", "delay_hours": 1}, "lasts until the run"),
    ],
)
def test_wrong_periods_are_refused(period, said):
    with pytest.raises(ValidationError) as caught:
        job_at(period)
    assert said in str(caught.value)


def test_a_period_that_has_not_begun_is_refused():
    with pytest.raises(InputError, match="job a: period: .*not after starttime"):
        job_at({"starttime": "2030-01-01"})


def test_the_catalog_is_the_same_whatever_the_period():
    from catalogdb.stages.resolve import catalog_config

    first, second = (job_at({"last_days": 3}, START + hours * HOUR) for hours in (0, 24))
    assert first.period != second.period
    assert catalog_config(first, "picks") == catalog_config(second, "picks")


# -- job files


def test_a_folder_of_the_same_name_hides_no_packaged_job(tmp_path, monkeypatch):
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_job(Path("demo")).catalog == "demo"
    with pytest.raises(InputError, match="no such job file"):
        load_job(tmp_path / "demo")


def test_folders_of_the_ingest_are_absolute(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text("name: a\ncatalog: a\nschedule: {cron: 0 0 * * 1, ingest: {waveforms: [archive]}}\n")
    with pytest.raises(InputError, match=r"schedule.ingest.waveforms: 'archive' is no absolute path"):
        load_job_file(path)
    with pytest.raises(InputError, match=r"schedule.ingest.waveforms"):
        load_job_file(path, ["schedule.ingest.waveforms=[]"])
    with pytest.raises(InputError, match=r"schedule.ingest.waveform: unknown key; did you mean waveforms"):
        load_job_file(path, ["schedule.ingest={waveform: [/a]}"])
    job_file = load_job_file(path, ["schedule.ingest.waveforms=[/archive, /late]"])
    assert job_file.schedule.ingest.waveforms == ("/archive", "/late")
    assert "ingest" not in job_file.at(START).model_dump_json()


def test_a_firing_brings_in_what_runs_do_and_what_its_schedule_names(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text("name: a\ncatalog: a\nschedule: {cron: 0 0 * * 1}\n")
    assert load_job_file(path).ingest_at_firing is None
    of_runs, of_schedule = "ingest.waveforms=[/a, /b]", "schedule.ingest.waveforms=[/b, /c]"
    assert load_job_file(path, [of_runs]).ingest_at_firing.waveforms == ("/a", "/b")
    assert load_job_file(path, [of_schedule]).ingest_at_firing.waveforms == ("/b", "/c")
    assert load_job_file(path, [of_runs, of_schedule]).ingest_at_firing.waveforms == ("/a", "/b", "/c")


@pytest.mark.parametrize("name", ["nightly", "catch-up"])
def test_scheduled_jobs_have_times_and_a_period_that_moves(name):
    job_file = load_job_file(Path(name))
    assert job_file.schedule
    assert job_file.at(START).period.endtime <= START


def test_nightly_and_catch_up_write_the_same_catalog():
    from catalogdb.stages.resolve import catalog_config

    nightly, catch_up = (load_job_file(Path(name)).at(START) for name in ("nightly", "catch-up"))
    assert catalog_config(nightly, "picks") == catalog_config(catch_up, "picks")
    assert (nightly.pick, nightly.pick_set_name) == (catch_up.pick, catch_up.pick_set_name)
    assert catch_up.period.starttime < nightly.period.starttime


def test_every_packaged_job_with_a_matrix_has_cells():
    from catalogdb.matrix import cells

    swept = [path for path in packaged_jobs() if load_job_file(path).matrix]
    assert swept and all(len(cells(load_job_file(path), START)) > 1 for path in swept)
