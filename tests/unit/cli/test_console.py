"""What is printed can't command a terminal, whoever wrote it into a file."""

import io
import json
import os
import subprocess
import sys

import pytest
from rich.text import Text
from rich.tree import Tree

from catalogdb.cli import common
from catalogdb.cli.console import SafeConsole

EVIL = "\x1b]0;PWNED\x07\x1b[31mX\x9b2J\x7f\u202e\rover"
SHOWN = r"\x1b]0;PWNED\x07\x1b[31mX\x9b2J\x7f\u202e\x0dover"


def console(**options):
    return SafeConsole(file=io.StringIO(), width=200, **options)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_commands_work_with_closed_standard_streams(closed):
    script = f'"{sys.executable}" -m catalogdb jobs {closed}'
    process = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, "")


def test_control_characters_are_written_out_wherever_they_stand():
    tree = Tree(Text(EVIL))
    tree.add(EVIL.replace("[", "("))
    for printed in (EVIL.replace("[31m", "(31m"), tree, Text(EVIL)):
        into = console()
        into.print(printed, markup=False)
        written = into.file.getvalue()
        assert "\\x1b]0;PWNED" in written
        assert not any(mark in written for mark in ("\x1b", "\x07", "\x9b", "\x7f", "\u202e", "\r"))


def test_a_terminal_still_gets_the_styles_of_the_program():
    into = console(force_terminal=True, color_system="standard")
    into.print("[bold red]error:[/] it broke")
    assert "\x1b[1;31m" in into.file.getvalue()


def test_rows_show_markup_and_emoji_codes_as_they_are(monkeypatch):
    into = console()
    monkeypatch.setattr(common, "out", into)
    common.print_rows([{"[red]key": f"[red]{EVIL} :bug: [/]", "n": 1}])
    written = into.file.getvalue()
    assert "[red]key" in written and f"[red]{SHOWN} :bug: [/]" in written


def test_json_keeps_the_value_and_writes_control_characters_out(capsys):
    common.print_json({"place": EVIL})
    written = capsys.readouterr().out
    assert json.loads(written) == {"place": EVIL}
    assert not any(mark in written for mark in ("\x1b", "\x9b", "\x7f", "\u202e"))


@pytest.mark.parametrize("text", ["[31mplain", "[/]", "[bold"])
def test_errors_show_brackets_of_files(monkeypatch, text):
    from catalogdb.errors import InputError

    into = console()
    monkeypatch.setattr(common, "err", into)
    common.report_error(InputError(f"file {text}: no"))
    assert f"file {text}: no" in into.file.getvalue()


@pytest.fixture(params=["buffered", "unbuffered"])
def run(request):
    """A command, given its arguments and what takes its standard streams."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    words = [sys.executable, *(["-u"] if request.param == "unbuffered" else []), "-m", "catalogdb"]
    return lambda arguments, **streams: subprocess.run(
        [*words, *arguments.split()], text=True, env=environment, **{"stderr": subprocess.PIPE} | streams
    )


@pytest.fixture
def closed_pipe():
    """The writing end of a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


PRINTING = pytest.mark.parametrize("arguments", ["jobs", "jobs --json", "--help", "jobs --help", "--version"])


@PRINTING
def test_a_full_standard_output_is_named(run, arguments):
    with open("/dev/full", "wb") as full:
        process = run(arguments, stdout=full)
    said = "error: standard output: cannot be written: No space left on device\n"
    assert (process.returncode, process.stderr) == (1, said)


def test_a_full_standard_output_hides_no_other_error(run):
    with open("/dev/full", "wb") as full:
        process = run("run nosuch --json", stdout=full)
    assert process.returncode == 2 and process.stderr.startswith("error: nosuch: no such job file\n")


@PRINTING
def test_the_reader_of_a_pipe_may_close_it(run, closed_pipe, arguments):
    process = run(arguments, stdout=closed_pipe)
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize(("arguments", "code"), [("run nosuch --json", 2), ("formats nosuch", 1), ("nosuch", 2)])
def test_closed_pipes_leave_the_exit_code_of_a_failure(run, closed_pipe, arguments, code):
    assert run(arguments, stdout=closed_pipe).returncode == code
    assert run(arguments, stdout=closed_pipe, stderr=closed_pipe).returncode == code
