"""Of the commands the one that is called: to read the options of all takes a third of the time of `--help`."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.models import CommandInfo, TyperInfo

WITH_A_VALUE = ("--uri", "--database")
"""Options before the command that the word behind belongs to."""
COMPLETION = "_CATALOGDB_COMPLETE"
"""Set where a shell asks for the words that may follow."""


def with_options_of_called(app: typer.Typer, words: Sequence[str]) -> typer.Typer:
    """The app with the options of the command that the words call; of the others there are names and help."""
    if COMPLETION in os.environ:
        return app
    called = called_command(words)
    found = copy.copy(app)
    found.registered_commands = [
        info if info.name == called else _described_command(info) for info in app.registered_commands
    ]
    found.registered_groups = [
        info if info.name == called else _described_group(info) for info in app.registered_groups
    ]
    return found


def called_command(words: Sequence[str]) -> str | None:
    """The first word that is no option and no option's value."""
    is_value = False
    for word in words:
        if not is_value and not word.startswith("-"):
            return word
        is_value = not is_value and word in WITH_A_VALUE
    return None


def _described_command(info: CommandInfo) -> CommandInfo:
    found = copy.copy(info)
    found.callback = _described(info.callback)
    return found


def _described_group(info: TyperInfo) -> TyperInfo:
    found = copy.copy(info)
    found.typer_instance = copy.copy(info.typer_instance)
    if found.typer_instance is not None:
        found.typer_instance.registered_commands, found.typer_instance.registered_groups = [], []
    return found


def _described(callback: Callable[..., Any] | None) -> Callable[[], None]:
    def described() -> None:
        """Stands for a command that is not called."""

    described.__doc__ = callback.__doc__ if callback else None
    return described
