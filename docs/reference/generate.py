"""Write what is made from the code and the schemas: `python docs/reference/generate.py` (`--check` only compares).

`schemas.md` comes from `schemas/*.yaml` and `schemas/views/*.json`, `cli.md` from the commands, the models of job files
and the settings, `catalogdb/documents/` from `schemas/*.yaml`. A test fails when the committed files say something
else.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import typer
from document_types import document_types
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from catalogdb.cli import app as cli
from catalogdb.jobs import JobFile
from catalogdb.schema import CollectionSchema, SchemaField, ViewSchema, collections, views
from catalogdb.settings import Settings

FOLDER = Path(__file__).parent
NOTE = "<!-- Made by docs/reference/generate.py. Change the code that it reads, then run it again. -->"
EXAMPLE = re.compile(r"(?:Example|for example):\s*(?P<command>.+?)\s*$", re.DOTALL | re.IGNORECASE)
FEW_STAGES = 8
"""Pipelines of views up to this many stages are shown whole."""


# -- schemas.md


def schemas_page() -> str:
    """The page on collections and views."""
    lines = [
        "# Collections and views",
        "",
        NOTE,
        "",
        "What is stored, field by field. Every time is epoch seconds UTC as a double (a BSON date has only",
        "milliseconds), every depth kilometres below sea level, positive down. A field that is not known is not",
        "written: test with `{$exists: true}`. Fields marked `*` are always there. MongoDB enforces this with",
        "validators made from `schemas/*.yaml`; the views are `schemas/views/*.json`.",
        "",
        "| collection | holds |",
        "|---|---|",
        *(f"| [{name}](#{name}) | {_cell(schema.concept)} |" for name, schema in collections().items()),
        "",
        "| view | shows |",
        "|---|---|",
        *(f"| [{name}](#{name}) | {_cell(_first_sentence(view.concept))} |" for name, view in views().items()),
        "",
        "# Collections",
        "",
    ]
    for schema in collections().values():
        lines += _collection(schema)
    lines += [
        "# Views",
        "",
        "A view is read like a collection, and its pipeline can be pasted into mongosh or Compass as it is. Those with",
        'parameters are to be filled in: each `{"$param": "name"}` stands for a value.',
        "",
    ]
    for view in views().values():
        lines += _view(view)
    return "\n".join(lines).rstrip() + "\n"


def _collection(schema: CollectionSchema) -> list[str]:
    owner = " A collection of MsPASS, with our keys added: it takes further fields." if schema.owner == "mspass" else ""
    rows = [row for name, field in schema.fields.items() for row in _field_rows(name, field)]
    indexes = ["`_id`", *(_index(index) for index in schema.indexes)]
    return [
        f"## {schema.collection}",
        "",
        f"{schema.concept}{owner}",
        "",
        f"Identity: {schema.identity}.",
        "",
        "| field | type | unit | meaning |",
        "|---|---|---|---|",
        *rows,
        "",
        f"Indexes: {'; '.join(indexes)}.",
        "",
    ]


def _field_rows(name: str, field: SchemaField) -> Iterator[str]:
    meaning = field.concept + (f" One of {', '.join(f'`{value}`' for value in field.enum)}." if field.enum else "")
    yield f"| `{name}`{'*' if field.required else ''} | {field.type} | {field.unit or ''} | {_cell(meaning)} |"
    for inner, inner_field in (field.fields or {}).items():
        yield from _field_rows(f"{name}.{inner}", inner_field)


def _index(index: Any) -> str:
    ways = {1: "", -1: " descending"}
    keys = ", ".join(f"{key}{ways.get(way, f' {way}')}" for key, way in index.keys.items())
    only = f" of those with `{index.only_with}`" if index.only_with else ""
    return f"`{keys}`{' unique' if index.unique else ''}{only}"


def _view(view: ViewSchema) -> list[str]:
    lines = [f"## {view.name}", "", view.concept, "", f"On `{view.on}`.", ""]
    if view.parameters:
        lines += ["| parameter | meaning |", "|---|---|"]
        lines += [f"| `{name}` | {_cell(str(meaning))} |" for name, meaning in view.parameters.items()]
        values = ", ".join(f"{name}={name}" for name in view.parameters)
        example = f'db.{view.on}.aggregate(filled_pipeline("{view.name}", {values}))'
        lines += ["", "```python", "from catalogdb.comparisons import filled_pipeline", "", example, "```"]
        lines += ["", f"{len(view.pipeline)} stages: `schemas/views/{view.name}.json`.", ""]
        return lines
    if {"catalog", "reference"} <= set(collections()[view.on].fields):
        filters, document = "catalog=mine reference=analysts ", '{catalog: "mine", reference: "analysts"}'
    else:
        filters, document = "", ""
    mongosh = f"> db.{view.name}.find({document}).limit(10)      // mongosh"
    lines += ["```", f"catalogdb query {view.name} {filters}--limit 10", mongosh, "```"]
    if len(view.pipeline) <= FEW_STAGES:
        stages = ",\n".join("  " + json.dumps(stage, ensure_ascii=False) for stage in view.pipeline)
        lines += ["", "<details><summary>pipeline</summary>", "", "```json", f"[\n{stages}\n]", "```", "", "</details>"]
    return [*lines, ""]


# -- cli.md


def cli_page() -> str:
    """The page on commands, job files and settings."""
    group = typer.main.get_command(cli.app)
    commands = list(walk_commands(group))
    lines = [
        "# Commands, job files, settings",
        "",
        NOTE,
        "",
        "Every command has `--help`. With `--json` it prints one JSON object on standard output and nothing else",
        "there; problems go to standard error. Where the reader of a pipe has seen enough (`| head`), the exit code is",
        "still that of the command.",
        "",
        "| exit code | meaning |",
        "|---|---|",
        *(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()),
        "",
        "Before the command: `catalogdb [OPTIONS] COMMAND`.",
        "",
        *_options_table(group),
        "| command | what it does |",
        "|---|---|",
        *(f"| [{name}](#{_anchor(name)}) | {_cell(_first_sentence(help_of(command)))} |" for name, command in commands),
        "",
    ]
    for name, command in commands:
        lines += _command(name, command)
    lines += [
        "# Job files",
        "",
        "YAML, `catalogdb run FILE`. Unknown keys are refused. `--set block.key=value` changes a key for one run.",
        "",
    ]
    lines += [*_model_table("", JobFile), "# Settings", "", (Settings.__doc__ or "").strip(), ""]
    lines += [
        "The command line decides before the environment, and that before the configuration file: TOML with the same",
        "names, `config.toml` in `~/.config/catalogdb` or the file that `CATALOGDB_CONFIG` names.",
        "",
        "| setting | variable | default | meaning |",
        "|---|---|---|---|",
        *(_setting_row(name, field) for name, field in Settings.model_fields.items()),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _setting_row(name: str, field: Any) -> str:
    default = _default(field, SETTINGS_DEFAULTS.get(name))
    return f"| `{name}` | `CATALOGDB_{name.upper()}` | {default} | {_cell(field.description)} |"


EXIT_CODES = {
    0: "done",
    1: "failed, or part of it did",
    2: "wrong input, configuration or usage",
    3: "no database",
    130: "interrupted; what was finished is kept",
}
SETTINGS_DEFAULTS = {"data_dir": "the user's data folder: `~/.local/share/catalogdb`"}


def walk_commands(group: Any, prefix: str = "catalogdb") -> Iterator[tuple[str, Any]]:
    """All commands of a group and its groups, by full name, in the order of the help page."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from walk_commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def help_of(command: Any) -> str:
    """Help text of a command without its example, paragraphs joined."""
    text = " ".join(EXAMPLE.sub("", inspect.cleandoc(command.help or "")).strip().rstrip(",").split())
    return text if text.endswith((".", "!")) else f"{text}."


def example_of(command: Any) -> str | None:
    """The example that a command's epilog or help gives."""
    for text in (command.epilog, command.help):
        if found := EXAMPLE.search(text or ""):
            return " ".join(found["command"].split())
    return None


def _command(name: str, command: Any) -> list[str]:
    lines = [f"## {name}", "", help_of(command), ""]
    return [*lines, "```", example_of(command) or "", "```", "", *_options_table(command)]


def _options_table(command: Any) -> list[str]:
    hints = typing.get_type_hints(inspect.unwrap(command.callback))
    rows = []
    for parameter in command.params:
        if parameter.name not in hints:
            continue  # those that Typer adds by itself
        is_option = parameter.param_type_name == "option"
        spelled = ", ".join(f"`{text}`" for text in [*parameter.opts, *parameter.secondary_opts])
        name = spelled if is_option else f"`{parameter.name.upper()}`{'...' if parameter.nargs == -1 else ''}"
        default = "required" if parameter.required else _value(parameter.default)
        kind = "flag" if getattr(parameter, "is_flag", False) else _type_name(hints[parameter.name])
        rows.append(f"| {name} | {_cell(kind)} | {'' if default == '`false`' else default} | {_cell(parameter.help)} |")
    return ["| | type | default | meaning |", "|---|---|---|---|", *rows, ""] if rows else []


# -- models of job files


def _model_table(prefix: str, model: type[BaseModel]) -> list[str]:
    """One table of a model's own keys, then those of its blocks."""
    lines = [f"## {prefix.rstrip('.') or 'The job'}", "", inspect.cleandoc(model.__doc__ or "").split("\n\n")[0], ""]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    blocks = []
    for name, field in model.model_fields.items():
        inner = _inner_model(field.annotation)
        meaning = field.description or (inspect.cleandoc(inner.__doc__ or "").split("\n")[0] if inner else "")
        kind = f"[block](#{_anchor(prefix + name)})" if inner else _cell(_type_name(field.annotation))
        default = "" if inner and not field.is_required() else _default(field)
        lines.append(f"| `{prefix}{name}` | {kind} | {default} | {_cell(meaning)} |")
        if inner:
            blocks.append((f"{prefix}{name}.", inner))
    lines.append("")
    for block_prefix, inner in blocks:
        lines += _model_table(block_prefix, inner)
    return lines


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *typing.get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
        for deeper in typing.get_args(candidate):
            if isinstance(deeper, type) and issubclass(deeper, BaseModel):
                return deeper
    return None


def _default(field: Any, known: str | None = None) -> str:
    if known:
        return known
    if field.is_required():
        return "required"
    value = field.default if field.default is not PydanticUndefined else field.default_factory()
    return _value(value)


# -- words


NAMES = {"str": "text", "int": "integer", "float": "number", "bool": "true or false", "NoneType": "", "Path": "path"}
NAMES |= {"datetime": "ISO 8601 time", "SecretStr": "text"}


def _type_name(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type_name(arguments[0])
    if origin is Literal:
        return ", ".join(f"`{_plain(value)}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(name for name in map(_type_name, arguments) if name)
    if origin in (list, tuple):
        inner = list(dict.fromkeys(_type_name(item) for item in arguments if item is not Ellipsis))
        return f"list of {', '.join(inner)}"
    if origin is dict:
        return f"{_type_name(arguments[0])} to {_type_name(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "block"
    name = getattr(annotation, "__name__", str(annotation))
    return NAMES.get(name, name)


def _value(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, tuple | list):
        return ", ".join(f"`{_plain(item)}`" for item in value) or "none"
    return f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cell(text: str | None) -> str:
    """Text for a table cell; code spans are left as they are but for the bar that would end the cell."""
    parts = re.split(r"(`[^`]*`)", " ".join((text or "").split()).replace("|", "\\|"))
    return "".join(part if part.startswith("`") else part.replace("*", "\\*").replace("<", "&lt;") for part in parts)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.])\s", text, maxsplit=1)[0]


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-")


PAGES = {"schemas.md": schemas_page, "cli.md": cli_page}


def texts() -> dict[Path, str]:
    """What each file is to hold."""
    return {FOLDER / name: make() for name, make in PAGES.items()} | document_types()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where a page is stale")
    if parser.parse_args().check:
        stale = [path for path, text in texts().items() if not path.exists() or path.read_text() != text]
        print("\n".join(f"{path}: stale" for path in stale) or "up to date")
        return int(bool(stale))
    for path, text in texts().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
