"""Help and errors are those of all commands, though the options of the called one alone are read."""

import pytest
from typer.main import get_command

from catalogdb.cli.app import app
from catalogdb.cli.called import COMPLETION, WITH_A_VALUE, called_command, with_options_of_called


@pytest.mark.parametrize(
    ("words", "called"),
    [
        (["run", "demo"], "run"),
        (["--database", "run", "query", "events"], "query"),
        (["--uri=mongodb://x", "db", "status"], "db"),
        (["--help"], None),
        ([], None),
        (["--database"], None),
    ],
)
def test_called_command_is_the_first_word_that_is_no_value(words, called):
    assert called_command(words) == called


@pytest.mark.parametrize("words", [["run", "demo"], ["db", "status"], ["--help"]])
def test_all_commands_keep_their_names_and_help(words):
    whole, found = get_command(app).commands, get_command(with_options_of_called(app, words)).commands
    assert list(found) == list(whole)
    for name, command in whole.items():
        assert (found[name].help, found[name].short_help, found[name].epilog) == (
            command.help,
            command.short_help,
            command.epilog,
        )
    called = called_command(words)
    if called:
        assert [one.name for one in found[called].params] == [one.name for one in whole[called].params]
        assert list(getattr(found[called], "commands", ())) == list(getattr(whole[called], "commands", ()))


def test_completion_knows_all_options(monkeypatch):
    monkeypatch.setenv(COMPLETION, "complete_bash")
    assert with_options_of_called(app, ["run"]) is app


def test_options_before_the_command_that_take_a_value_are_known():
    options = [one for one in get_command(app).params if not getattr(one, "is_flag", False)]
    assert sorted(name for one in options for name in one.opts) == sorted(WITH_A_VALUE)
