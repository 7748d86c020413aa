"""Help in the order of work, names that the shell completes, and mongosh."""

import os
import stat
import subprocess
import sys

import pytest
import typer.main
from typer.testing import CliRunner

from catalogdb.cli import completion
from catalogdb.cli.app import app
from catalogdb.cli.help_order import PANELS
from catalogdb.database import shell
from catalogdb.errors import InputError


def test_commands_stand_under_headings_in_the_order_of_work():
    names = typer.main.get_command(app).list_commands(None)
    ordered = [name for panel in PANELS.values() for name in panel]
    assert names[: len(ordered)] == ordered
    text = CliRunner().invoke(app, ["--help"]).output
    places = [text.index(panel) for panel in PANELS]
    assert places == sorted(places)


def test_names_without_a_database_are_completed():
    assert "ridgecrest-2019" in completion.jobs("ridge")
    assert "arrivals" in completion.views("arr") and completion.views("nothing-like-it") == []
    assert completion.catalog_formats("geo") == ["geojson"]
    assert set(completion.read_formats("n")) >= {"ndk", "nlloc-hyp", "nordic"}
    assert completion.pick_formats("gam") == ["gamma"] and completion.station_formats("sp") == ["specfem"]


def of_all_commands(command):
    for child in getattr(command, "commands", {}).values():
        yield from of_all_commands(child)
    if not hasattr(command, "commands"):
        yield command


def test_what_names_a_result_or_station_is_completed():
    of_elsewhere = {("waveforms", "station")}  # `fetch` asks a web service
    named = [
        (command.name, parameter.name, parameter._custom_shell_complete)
        for command in of_all_commands(typer.main.get_command(app))
        for parameter in command.params
        if parameter.name in ("catalog", "reference", "pick_set", "station", "old")
        and (command.name, parameter.name) not in {("move-archive", "old"), *of_elsewhere}
    ]
    assert len(named) > 15 and [where for *where, complete in named if complete is None] == []


def test_completion_is_of_the_command_however_it_is_called():
    done = subprocess.run(
        [sys.executable, "-m", "catalogdb", "--show-completion", "bash"],
        capture_output=True, text=True, env=os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )  # fmt: skip
    assert "_CATALOGDB_COMPLETE=complete_bash" in done.stdout and done.stdout.rstrip().endswith(" catalogdb")


def test_a_database_that_does_not_answer_completes_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("CATALOGDB_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("CATALOGDB_URI", raising=False)
    assert completion.catalogs("") == [] and not list(tmp_path.iterdir())


def test_mongosh_gets_its_password_in_a_private_file(monkeypatch, tmp_path, capfd):
    program = tmp_path / "mongosh"
    program.write_text(
        '#!/bin/sh\nfor last; do :; done\necho "$@"\nstat -c %a "$(dirname "$last")"\ncat "$last"\nexit 7\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert shell.run_mongosh("mongodb://me:secret@host/", "catalogdb", "db.event.countDocuments()") == 7
    arguments, mode, *script = capfd.readouterr().out.splitlines()
    assert "secret" not in arguments and "--shell" not in arguments and mode == "700"
    assert "secret" in script[0] and 'getSiblingDB("catalogdb")' in script[0] and "countDocuments" in script[1]


def test_without_mongosh_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(shell, "PLACES", ())
    with pytest.raises(InputError, match="not installed") as caught:
        shell.find_mongosh()
    assert "conda install" in caught.value.hint


@pytest.mark.parametrize(("word", "names"), [("", 60), ("quakeml", 2), ("geojson", 1)])
def test_formats_are_listed(word, names):
    found = CliRunner().invoke(app, ["formats", *([word] if word else []), "--json"])
    assert found.exit_code == 0 and found.output.count('"format"') >= names
