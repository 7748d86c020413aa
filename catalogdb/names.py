"""Names that people give to results, jobs and runs: one pattern for all of them."""

from __future__ import annotations

import re

from catalogdb.errors import InputError

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


def checked_name(name: str, what: str) -> str:
    """The name, where it may stand in file names, queries and commands as it is.

    Raises:
        InputError: naming `what` it is of.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise InputError(
            f"{what}: {name!r} is no name",
            hint="a letter or digit, then letters, digits, dots, underscores and hyphens: 100 at most",
        )
    return name
