"""YAML that people write, with limits that no honest file reaches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from catalogdb.documents.free import Json
from catalogdb.errors import InputError

MOST_BYTES = 2**20
MOST_VALUES = 100_000
"""Values of a document, those counted again that an alias (`*name`) repeats."""
DEEPEST = 50
"""Blocks within one another."""
LONGEST_REASON = 300


def parse_yaml(text: str, where: str) -> Any:
    """The value of one YAML document of plain types.

    Args:
        where: file or option, for the error.

    Raises:
        InputError: naming `where`, the line and the reason; for what is too large, nested too deeply, or grows beyond
            all measure by aliases.
    """
    try:
        _check_size(text, where)
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{where}: not readable YAML: {_one_line(error)}") from error
    except (ValueError, OverflowError) as error:  # numbers and dates that are none
        raise InputError(f"{where}: a value can't be read: {_one_line(error)}") from error


def packaged_or_own(path: Path, packaged: Path) -> Path:
    """Where a file lies: the path itself, or that of the packaged file of this name, given with .yaml or without."""
    if path.is_file() or path.name != str(path):
        return path
    return packaged / (path.name if path.suffix == ".yaml" else f"{path.name}.yaml")


def read_keys(path: Path, packaged: Path, kind: str) -> Json:
    """The document of a YAML file, or of a packaged one by its name.

    Args:
        packaged: folder of the packaged files.
        kind: what the file is of ("job"), for the error.

    Raises:
        InputError: naming the path, and the packaged files where it is no file.
    """
    try:
        text = packaged_or_own(path, packaged).read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError):
        names = ", ".join(sorted(each.stem for each in packaged.glob("*.yaml")))
        raise InputError(f"{path}: no such {kind} file", hint=f"a path, or one of {names}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable YAML file: {error}") from error
    document = parse_yaml(text, str(path))
    if not isinstance(document, dict):
        raise InputError(f"{path}: not a {kind}: the file holds no keys")
    return document


def yaml_word(text: str) -> str:
    """A text as YAML within a line, quoted where it would be read as something else (2024, no, null)."""
    return yaml.safe_dump([text], default_flow_style=True, allow_unicode=True, width=10_000).strip()[1:-1]


def _check_size(text: str, where: str) -> None:
    if len(text) > MOST_BYTES:
        raise InputError(f"{where}: {len(text)} characters are too many for a file that people write")
    sizes: dict[str, int] = {}
    enclosing: list[tuple[str | None, int]] = []  # anchor, and the number of values before
    total = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = f"{where}: line {event.start_mark.line + 1 if event.start_mark else 1}"
        if isinstance(event, yaml.CollectionStartEvent):
            enclosing.append((event.anchor, total))
            if len(enclosing) > DEEPEST:
                raise InputError(f"{line}: more than {DEEPEST} blocks within one another")
            total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = enclosing.pop()
            if anchor:
                sizes[anchor] = total - before
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in enclosing):
                raise InputError(f"{line}: *{event.anchor} stands within what it repeats")
            total += sizes.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
            if event.anchor:
                sizes[event.anchor] = 1
        if total > MOST_VALUES:
            raise InputError(f"{line}: more than {MOST_VALUES} values, counting what aliases (*name) repeat")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:LONGEST_REASON]
