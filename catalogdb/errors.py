"""Errors that a user can act on; each carries the exit code of the command that meets it."""

from __future__ import annotations


class CatalogdbError(Exception):
    """Something went wrong that one sentence can explain.

    Args:
        message: what happened, naming the file, record or setting.
        hint: what to do next, when that is known.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None):
        super().__init__(message)
        self.hint = hint


class InputError(CatalogdbError):
    """A file, a configuration or an argument is not usable."""

    exit_code = 2


class DatabaseError(CatalogdbError):
    """MongoDB can't be reached, refuses us, or went away."""

    exit_code = 3


class NameTaken(InputError):
    """A pick set or catalog of that name was made by another configuration."""


class LostLease(CatalogdbError):
    """Another worker holds the task now, so this one's result is refused."""
