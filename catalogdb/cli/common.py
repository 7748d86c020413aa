"""What commands share: settings, printing, and turning errors into one clear message and an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from catalogdb.cli.console import WIDTH_OF_PIPES as WIDTH_OF_PIPES
from catalogdb.cli.console import SafeConsole, visible_json
from catalogdb.documents.free import Json, Row
from catalogdb.errors import CatalogdbError
from catalogdb.interrupts import end_cleanly_on_sigterm as end_cleanly_on_sigterm

if TYPE_CHECKING:
    from pymongo.database import Database

    from catalogdb.settings import Settings

out = SafeConsole()
err = SafeConsole(stderr=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]

AFTER_FAILURES = "mend what they name (data, settings), or wait where it passes; the same command does what is missing"

# what --uri and --database said, for the command that runs
arguments: Json = {}


def settings(**defaults: Any) -> Settings:
    """Settings of this call; `defaults` hold where neither file, environment nor command line say anything."""
    from catalogdb.errors import InputError
    from catalogdb.mongo_uri import holds_secret
    from catalogdb.settings import load_settings

    if holds_secret(arguments.get("uri") or ""):
        raise InputError(
            "--uri: what stands on a command line is seen by everyone on this host, so it may hold no password",
            hint="put the URI into CATALOGDB_URI, or the password into a file that CATALOGDB_PASSWORD_FILE names",
        )
    return load_settings(defaults, **arguments)


def global_options() -> list[str]:
    """--uri and --database of this call, for commands that are written down to run elsewhere."""
    settings()  # refuses a password
    return [word for name, value in arguments.items() if value for word in (f"--{name}", str(value))]


def database() -> Database:
    """The database of this call, brought to the schema if it is not."""
    from catalogdb.database.connection import connect
    from catalogdb.database.initialise import initialise

    db = connect(settings())
    initialise(db)
    return db


def print_json(value: Any) -> None:
    """Print one JSON object on standard output."""
    print(json_text(value), flush=True)


def json_text(value: Any) -> str:
    """One JSON object without control characters."""
    return visible_json(json.dumps(value, indent=2, default=_json_default, ensure_ascii=False))


def print_rows(rows: list[Row], title: str | None = None) -> None:
    """Print documents as a table: one column per key that occurs, in order of first occurrence."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if title:
        out.print(title, style="italic", markup=False, soft_wrap=True)
    table = Table(header_style="bold")
    for column in columns:
        table.add_column(_escaped(column), overflow="fold")
    for row in rows:
        table.add_row(*(_escaped(as_cell(row.get(column))) for column in columns))
    out.print(table)


def print_notice(message: str) -> None:
    """Print on standard error what goes on now, such as a wait."""
    err.print(message, markup=False, style="dim", soft_wrap=True)


def as_cell(value: Any) -> str:
    """A value as tables show it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
    if isinstance(value, (dict, list)):
        return json.dumps(value, default=_json_default)
    return str(value)


def _json_default(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def report_error(error: BaseException) -> int:
    """Print what went wrong and what to do next; returns the exit code."""
    import pymongo.errors

    if isinstance(error, pymongo.errors.PyMongoError):
        error = _explained(error)
    if isinstance(error, CatalogdbError):
        if "--json" in sys.argv:
            with suppress(CatalogdbError):  # where standard output can't be written, either
                print_json({"error": str(error), "next": error.hint, "exit_code": error.exit_code})
        err.print(f"[bold red]error:[/] {_escaped(error)}", soft_wrap=True)
        if error.hint:
            err.print(f"[dim]next:[/]  {_escaped(error.hint)}", soft_wrap=True)
        return error.exit_code
    if isinstance(error, OSError):
        err.print(f"[bold red]error:[/] {_escaped(error)}", soft_wrap=True)
        return 1
    raise error


def _explained(error: Exception) -> CatalogdbError:
    from catalogdb.database.connection import database_errors

    try:
        with database_errors(settings()):
            raise error
    except CatalogdbError as explained:
        return explained


def _escaped(text: Any) -> str:
    from rich.markup import escape

    return escape(str(text))


def epoch_seconds(text: str, option: str) -> float:
    """A time as people write it -> epoch seconds UTC.

    Raises:
        InputError: naming the option.
    """
    from catalogdb.errors import InputError
    from catalogdb.times import parse_time

    try:
        return parse_time(text)
    except ValueError:
        raise InputError(f"{option} {text}: not an ISO 8601 time", hint="for example 2024-03-20T12:00:00") from None


def optional_epoch_seconds(text: str | None, option: str) -> float | None:
    """`epoch_seconds` of an option that may be left out."""
    return None if text is None else epoch_seconds(text, option)


def confirm(question: str, yes: bool) -> None:
    """Ask before something is removed or done over; ends the command where the answer isn't yes.

    Args:
        yes: it was said on the command line, so nothing is asked.

    Raises:
        InputError: where nobody is there to answer.
    """
    from catalogdb.errors import InputError

    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError(f"{question} Nobody is there to answer", hint="say --yes, or --dry-run to look only")
    if not typer.confirm(question, err=True):
        err.print("nothing was changed")
        raise typer.Exit(1)


@contextmanager
def progress_bar(title: str, as_json: bool) -> Iterator[Callable[[int, Any], None]]:
    """One bar; what is given takes (total, None) first, and then (total, report) for each step done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not progress_allowed(as_json)) as bar:
        task = bar.add_task(title, total=None)

        def advance(total: int, report: Any) -> None:
            bar.update(task, total=total, advance=0 if report is None else 1)

        yield advance


def progress_allowed(as_json: bool) -> bool:
    """Progress bars are for people at a terminal."""
    return not as_json and sys.stderr.isatty()
