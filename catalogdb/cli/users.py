"""`catalogdb db users`: who may do what in this database."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, quote

import typer

from catalogdb.cli import common

app = typer.Typer(help="Add, list and remove users of this database, and set their passwords.", no_args_is_help=True)

PASSWORD_VARIABLE = "CATALOGDB_NEW_PASSWORD"
CREDENTIAL = re.compile("auth|user|pass|certificatekey|certfile|keyfile", re.IGNORECASE)
"""Options of a URI that say who somebody is."""


class RoleName(StrEnum):
    """Roles as the command line names them."""

    analyst = "analyst"
    worker = "worker"
    admin = "admin"


NameArgument = Annotated[str, typer.Argument(help="Name of the user.", show_default=False)]
PasswordFile = Annotated[
    Path | None,
    typer.Option(help=f"File with the password in one line; without it {PASSWORD_VARIABLE}, else you are asked."),
]


@app.command(epilog="Example: catalogdb db users add anna --role analyst --password-file anna.txt")
def add(
    name: NameArgument,
    role: Annotated[
        RoleName,
        typer.Option(help="analyst: reads. worker: reads, runs jobs. admin: both, and changes schema and users."),
    ],
    password_file: PasswordFile = None,
    json: common.JsonOption = False,
) -> None:
    """Add a user. The password comes from a file, the environment or a prompt, never from an argument."""
    import shlex

    from catalogdb.database import users
    from catalogdb.database.connection import connect, connection_uri

    settings = common.settings()
    db = connect(settings)
    users.add_user(db, name, role.value, _new_password(password_file))
    uri = uri_of_user(connection_uri(settings), name, db.name)
    facts = {"name": name, "role": role.value, "database": db.name, "uri": uri}
    if json:
        common.print_json(facts)
        return
    common.out.print(f"user {name} may log in as {role.value} of database {db.name}", markup=False)
    common.out.print(f"CATALOGDB_URI={shlex.quote(uri)}\nCATALOGDB_DATABASE={db.name}", markup=False, soft_wrap=True)
    common.out.print("and CATALOGDB_PASSWORD_FILE=FILE with the password in it", markup=False)


@app.command("list", epilog="Example: catalogdb db users list")
def list_(json: common.JsonOption = False) -> None:
    """List the users of this database with their roles."""
    from catalogdb.database import users
    from catalogdb.database.connection import connect

    db = connect(common.settings())
    rows = users.list_users(db)
    if json:
        common.print_json({"database": db.name, "users": rows})
    elif rows:
        common.print_rows([row | {"roles": ", ".join(row["roles"])} for row in rows], title=f"users of {db.name}")
    else:
        common.err.print(f"database {db.name} has no users of its own: catalogdb db users add NAME --role ROLE")


@app.command(epilog="Example: catalogdb db users password anna --password-file anna.txt")
def password(name: NameArgument, password_file: PasswordFile = None, json: common.JsonOption = False) -> None:
    """Give a user another password; everyone may do so for oneself."""
    from catalogdb.database import users
    from catalogdb.database.connection import connect

    db = connect(common.settings())
    users.set_password(db, name, _new_password(password_file))
    common.print_json({"name": name, "changed": True}) if json else common.out.print(f"password of {name} changed")


@app.command(epilog="Example: catalogdb db users remove anna")
def remove(name: NameArgument, json: common.JsonOption = False) -> None:
    """Remove a user; what they made stays."""
    from catalogdb.database import users
    from catalogdb.database.connection import connect

    users.remove_user(connect(common.settings()), name)
    common.print_json({"name": name, "removed": True}) if json else common.out.print(f"user {name} removed")


def uri_of_user(uri: str, name: str, database: str) -> str:
    """The address of a server for a user of a database, without a password.

    Args:
        uri: of the server, for whoever added the user. Its options are kept (TLS, replica set), its credentials not.
    """
    scheme, _, rest = uri.partition("://")
    address, _, query = rest.partition("?")
    hosts = address.rpartition("@")[2].partition("/")[0]
    options = [item for item in parse_qsl(query, keep_blank_values=True) if not CREDENTIAL.search(item[0])]
    text = "&".join(f"{key}={quote(value, safe='/:,')}" for key, value in [*options, ("authSource", database)])
    return f"{scheme}://{quote(name, safe='')}@{hosts}/?{text}"


def _new_password(path: Path | None) -> str:
    import os

    from catalogdb.errors import InputError
    from catalogdb.settings import read_secret

    if path is not None:
        return read_secret(path)
    if word := os.environ.get(PASSWORD_VARIABLE):
        return word
    if not sys.stdin.isatty():
        raise InputError(
            "no password was given, and there is no terminal to ask at",
            hint=f"--password-file FILE, or {PASSWORD_VARIABLE} in the environment",
        )
    return typer.prompt("Password", hide_input=True, confirmation_prompt=True)
