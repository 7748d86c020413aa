"""Times of jobs: cron expressions, missed firings, relative periods, and the same times for other clocks."""

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from typer.testing import CliRunner

from catalogdb.cli.app import app
from catalogdb.errors import InputError
from catalogdb.job_schedule import ScheduleBlock, parsed_cron, weekdays_of
from catalogdb.jobs import JobFile, load_job, load_job_file, packaged_jobs
from catalogdb.scheduling.due import Verdict, judge
from catalogdb.scheduling.export import commands_of, crontab, on_calendar, scrontab, systemd

ROOT = Path(__file__).parent.parent.parent.parent
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


def test_a_folder_of_the_same_name_hides_no_packaged_job(tmp_path, monkeypatch):
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_job(Path("demo")).catalog == "demo"
    with pytest.raises(InputError, match="no such job file"):
        load_job(tmp_path / "demo")


# -- the same for others


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


# systemd leaves out a time that does not exist, as half past two in that spring night
@pytest.mark.parametrize(
    ("cron", "timezone"),
    [(cron, zone) for cron in EXPRESSIONS for zone in ("UTC", "Europe/Rome") if zone == "UTC" or cron != "30 2 * * *"],
)
def test_systemd_reads_the_same_times(cron, timezone):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    schedule = block(cron, timezone=timezone)
    base = START.strftime("--base-time=%Y-%m-%d %H:%M:%S UTC")
    command = ["systemd-analyze", "calendar", "--iterations=12", base, on_calendar(schedule)]
    environment = {"TZ": "UTC", "PATH": "/usr/bin:/bin"}
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    found = re.findall(r"(?:Next elapse|Iter\. #\d+): \w+ (\S+ \S+) UTC", output)
    assert found == [due.strftime("%Y-%m-%d %H:%M:%S") for due in times(schedule, 12)]


def test_systemd_accepts_the_units(tmp_path):
    command = [shutil.which("env"), "catalogdb", "run", '/data/my "jobs"/100%.yaml', "--set", "a=$HOME"]
    files = systemd("nightly", block(), [[shutil.which("true"), "a b"], command], 'The "last" 3 days: 100% of it')
    assert set(files) == {"catalogdb-nightly.service", "catalogdb-nightly.timer"}
    service = files["catalogdb-nightly.service"]
    assert 'catalogdb run "/data/my \\"jobs\\"/100%%.yaml" --set a=$$HOME\n' in service
    assert "OnCalendar=*-*-* 02:30:00 UTC\n" in files["catalogdb-nightly.timer"]
    assert "Persistent=true" in files["catalogdb-nightly.timer"]
    assert "Persistent=false" in systemd("a", block(misfire_grace_hours=0), [command])["catalogdb-a.timer"]
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here: the units were checked as text alone")
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    verify = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in files)]
    result = subprocess.run(verify, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_cron_lines():
    text = crontab("nightly", block(timezone="Europe/Rome"), [["/opt/catalogdb", "run", "/data/my jobs/100%.yaml"]])
    assert "\nCRON_TZ=Europe/Rome\n" in text
    line = text.splitlines()[-1]
    assert line.startswith('30 2 * * * flock -n "$HOME/.catalogdb-nightly.lock" /opt/catalogdb run ')
    assert line.endswith(r"'/data/my jobs/100\%.yaml'")
    with pytest.raises(InputError, match="has seconds"):
        crontab("a", block("*/5 * * * * *"), [["catalogdb"]])


def test_crontab_accepts_the_lines(tmp_path):
    program = shutil.which("crontab")
    if not program:
        pytest.skip("no crontab here")
    path = tmp_path / "crontab"
    path.write_text("".join(crontab("a", block(cron), [["catalogdb"]]) for cron in EXPRESSIONS[:-1]))
    help_text = subprocess.run([program, "-h"], capture_output=True, text=True)
    check = "-T" if "-T" in help_text.stdout + help_text.stderr else "-n"
    result = subprocess.run([program, check, str(path)], capture_output=True, text=True)
    assert "errors in crontab" not in result.stderr and "bad" not in result.stderr, result.stderr


def test_scrontab_lines():
    text = scrontab("nightly", block(), [["/opt/catalogdb", "run", "nightly"]])
    options = [line for line in text.splitlines() if line.startswith("#SCRON ")]
    assert [option.split("=")[0] for option in options] == ["#SCRON --job-name", "#SCRON --time", "#SCRON --output"]
    assert text.splitlines()[-1] == "30 2 * * * /opt/catalogdb run nightly"


# -- what comes before the job

WITH_INGEST = {"waveforms": ["/data/my archive/100%", "/data/late"]}


def test_the_ingest_comes_first_and_the_job_where_it_succeeded(tmp_path):
    """The lines as a shell carries them out, with a program that says what it was called with."""
    program = tmp_path / "catalogdb"
    said = tmp_path / "said"
    program.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >> {said}\necho >> {said}\ntest "$1" != "$FAIL"\n')
    program.chmod(0o755)
    commands = commands_of([str(program)], "nightly", ["--set", "a=1"], block(ingest=WITH_INGEST))
    both = ["ingest|waveforms|/data/my archive/100%|/data/late|", "run|nightly|--set|a=1|"]
    lines = [crontab("a", block(), commands).splitlines()[-1].replace(r"\%", "%").partition(" flock")[2]]
    lines = [f"flock{lines[0]}", scrontab("a", block(), commands).splitlines()[-1].removeprefix("30 2 * * * ")]
    for line in lines:
        for fails, expected in (("", both), ("ingest", both[:1])):
            said.unlink(missing_ok=True)
            environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "FAIL": fails}
            done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True)
            assert said.read_text().splitlines() == expected, done.stderr
            assert (done.returncode != 0) == bool(fails)
    unit = systemd("a", block(), commands)["catalogdb-a.service"]
    assert (
        f'ExecStartPre={program} ingest waveforms "/data/my archive/100%%" /data/late\nExecStart={program} run' in unit
    )


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


@pytest.mark.parametrize("kind", ["cron", "scrontab", "systemd"])
def test_exported_commands_name_the_database_of_the_call(kind):
    """Other clocks know nothing of the call's options: the job would run in the default database."""
    arguments = ["export", "nightly", "--as", kind, "--set", "schedule.ingest.waveforms=[/srv/waveforms]"]
    done = CliRunner().invoke(app, ["--database", "season", "schedule", *arguments])
    assert done.exit_code == 0, done.output
    assert done.stdout.count("catalogdb --database season ingest waveforms /srv/waveforms") == 1
    assert done.stdout.count("catalogdb --database season run nightly") == 1


@pytest.mark.parametrize("kind", ["systemd", "cron", "scrontab"])
def test_exported_commands_name_the_program_by_its_path(kind):
    done = CliRunner().invoke(app, ["schedule", "export", "nightly", "--as", kind])
    assert done.exit_code == 0, done.output
    program = Path(re.search(r"(\S*) run nightly\n", done.stdout)[1].removeprefix("ExecStart="))
    assert program.is_absolute() and program.is_file() and program.name == "catalogdb"


# -- the job files that come with catalogdb


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


def test_the_files_in_deploy_are_what_the_command_writes(tmp_path):
    """Placeholders are the program's path and the folder of waveforms."""
    arguments = ["schedule", "export", "nightly", "--set", "schedule.ingest.waveforms=[/srv/waveforms]"]
    arguments += ["--command", "/opt/catalogdb/.venv/bin/catalogdb", "--output", str(tmp_path)]
    for kind in ("systemd", "cron", "scrontab"):
        done = CliRunner().invoke(app, [*arguments, "--as", kind])
        assert done.exit_code == 0, done.output
    for path in tmp_path.iterdir():
        folder = "systemd" if path.suffix in (".service", ".timer") else "cron"
        assert (ROOT / "deploy" / folder / path.name).read_text() == path.read_text()
    assert len(list(tmp_path.iterdir())) == 4


def test_every_packaged_job_with_a_matrix_has_cells():
    from catalogdb.matrix import cells

    swept = [path for path in packaged_jobs() if load_job_file(path).matrix]
    assert swept and all(len(cells(load_job_file(path), START)) > 1 for path in swept)
