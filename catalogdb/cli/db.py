"""`catalogdb db`: the embedded server and the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from catalogdb.cli import common, users

if TYPE_CHECKING:
    from catalogdb.database.embedded import EmbeddedMongod, ServerStatus

app = typer.Typer(help="Start, stop and look at the database; manage its users.", no_args_is_help=True)
app.add_typer(users.app, name="users")


@app.command(epilog="Example: catalogdb db start")
def start(json: common.JsonOption = False) -> None:
    """Start the embedded MongoDB unless it runs. Where a URI is set there is nothing to start."""
    _print_status(_embedded("start").start(), json)


@app.command(epilog="Example: catalogdb db stop")
def stop(json: common.JsonOption = False) -> None:
    """Stop the embedded MongoDB cleanly; its data stay."""
    stopped = _embedded("stop").stop()
    common.print_json({"stopped": stopped}) if json else common.out.print(
        "stopped" if stopped else "it was not running"
    )


@app.command(epilog="Example: catalogdb db status --json")
def status(json: common.JsonOption = False) -> None:
    """Say which server is used, where its data lie, and whether it answers. Exit code 3 where it doesn't."""
    from catalogdb.database.connection import connect, embedded, redacted
    from catalogdb.settings import config_file

    settings = common.settings()
    if settings.uri is None:
        state = embedded(settings).status()
        _print_status(state, json)
        raise typer.Exit(0 if state.running else 3)
    connect(settings)
    facts = {
        "running": True,
        "uri": redacted(settings.uri.get_secret_value()),
        "database": settings.database,
        "config_file": str(config_file()),
    }
    common.print_json(facts) if json else common.print_rows([facts])


@app.command(epilog="Example: catalogdb db shell --eval 'db.event.countDocuments()'")
def shell(
    evaluate: Annotated[
        str | None, typer.Option("--eval", help="Evaluate this and end, instead of asking for input.")
    ] = None,
    json: common.JsonOption = False,
) -> None:
    """Open mongosh on the database. The URI with its password goes through a private file, not the command line."""
    from catalogdb.database.connection import connection_uri
    from catalogdb.database.shell import run_mongosh

    settings = common.settings()
    raise typer.Exit(run_mongosh(connection_uri(settings), settings.database, evaluate, json))


@app.command(epilog="Example: catalogdb db uri")
def uri(json: common.JsonOption = False) -> None:
    """Print the URI of the database, its password included, for Compass, pymongo or a configuration file.

    As an argument of another program everyone on the host would see it: for mongosh there is catalogdb db shell.
    """
    from catalogdb.database.connection import connection_uri

    text = connection_uri(common.settings())
    common.print_json({"uri": text}) if json else print(text)


@app.command(epilog="Example: catalogdb db init")
def init(json: common.JsonOption = False) -> None:
    """Create collections, validators, indexes and views from the schema, and bring the roles of its users up to date.

    What is in place is left as it is. Other commands do the same by themselves, except where another version of
    catalogdb has replaced this one's schema: going back to an earlier version takes this command.
    """
    from catalogdb.database.connection import connect
    from catalogdb.database.initialise import initialise
    from catalogdb.database.users import update_roles

    settings = common.settings()
    db = connect(settings)
    changes = [*initialise(db, back=True), *update_roles(db)]
    if json:
        common.print_json({"database": settings.database, "changes": changes})
    else:
        common.out.print("\n".join(changes) or f"database {settings.database}: already up to date", markup=False)


def _embedded(verb: str) -> EmbeddedMongod:
    from catalogdb.database.connection import embedded
    from catalogdb.errors import InputError

    settings = common.settings()
    if settings.uri is not None:
        raise InputError(
            f"db {verb} is for the embedded server, but a URI is set (CATALOGDB_URI, configuration file or --uri)"
        )
    return embedded(settings)


def _print_status(state: ServerStatus, json: bool) -> None:
    facts = {"running": state.running, "pid": state.pid, "port": state.port, "data_dir": str(state.data_dir)}
    if json:
        common.print_json(facts)
    elif state.running:
        common.out.print(
            f"embedded MongoDB runs on 127.0.0.1:{state.port} (pid {state.pid}), data in {state.data_dir}",
            soft_wrap=True,
        )
    else:
        common.out.print(f"embedded MongoDB does not run; data in {state.data_dir}", soft_wrap=True)
