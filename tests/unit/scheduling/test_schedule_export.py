"""Schedules for other clocks, systemd and cron: the same times, and the commands."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from schedule_blocks import EXPRESSIONS, START, block, times
from typer.testing import CliRunner

from catalogdb.cli.app import app
from catalogdb.errors import InputError
from catalogdb.scheduling.export import commands_of, crontab, on_calendar, scrontab, systemd

ROOT = Path(__file__).parent.parent.parent.parent


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
