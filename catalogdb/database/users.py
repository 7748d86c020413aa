"""Users and roles of one catalog database, kept by MongoDB in that database itself.

A role holds rights on its own database only, so an admin of one catalog database has no rights on another, or on the
server. Users log in with `authSource=` the database's name.
"""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

from pymongo.database import Database
from pymongo.errors import OperationFailure

from catalogdb.documents.free import AnyDocument, Json
from catalogdb.errors import InputError
from catalogdb.schema import collections

Role = Literal["analyst", "worker", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
LEAST_PASSWORD = 8
USER_EXISTS = 51003
NO_USER = 11
UNAUTHORIZED = 13

READ = ("find", "listCollections", "listIndexes", "collStats", "dbStats", "indexStats", "changeStream")
WRITE = ("insert", "update", "remove")
SCHEMA = ("createCollection", "collMod", "dropCollection", "createIndex", "dropIndex")
USERS = (
    *("createUser", "dropUser", "viewUser", "changePassword", "changeCustomData"),
    *("createRole", "updateRole", "dropRole", "viewRole", "grantRole", "revokeRole"),
)
OF_THE_ADMIN = ("migration",)
"""Collections that workers only read."""
OF_OTHERS = ("elog", "history_global", "history_object")
"""Collections of MsPASS that workers write to and that the schema says nothing of."""


def role_documents(database: str) -> dict[Role, AnyDocument]:
    """What each role may do, as MongoDB's `createRole` takes it; each role includes the one before."""
    everything = {"db": database, "collection": ""}
    written = [name for name in collections() if name not in OF_THE_ADMIN]
    return {
        "analyst": {
            "privileges": [{"resource": everything, "actions": [*READ, "changeOwnPassword"]}],
            "roles": [],
        },
        "worker": {
            "privileges": [
                {"resource": {"db": database, "collection": name}, "actions": [*WRITE]}
                for name in (*written, *OF_OTHERS)
            ],
            "roles": [{"role": "analyst", "db": database}],
        },
        "admin": {
            "privileges": [{"resource": everything, "actions": [*WRITE, *SCHEMA, *USERS]}],
            "roles": [{"role": "worker", "db": database}],
        },
    }


def ensure_roles(db: Database) -> list[str]:
    """Make the roles, or bring them to this version's schema; returns the changes made, in words."""
    changes = []
    present = {row["role"]: row for row in db.command("rolesInfo", 1, showPrivileges=True)["roles"]}
    for name, document in role_documents(db.name).items():
        if name not in present:
            db.command("createRole", name, **document)
            changes.append(f"role {name} created")
        elif _rights(present[name]) != _rights(document):
            db.command("updateRole", name, **document)
            changes.append(f"role {name} updated")
    return changes


def update_roles(db: Database) -> list[str]:
    """`ensure_roles` where the database has users of its own and we may see them; elsewhere nothing."""
    try:
        users = list_users(db)
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        return []
    return ensure_roles(db) if users else []


def add_user(db: Database, name: str, role: Role, password: str) -> None:
    """Make a user of this database.

    Raises:
        InputError: for a name or password that won't do, or a name that is taken.
    """
    _check(name, password)
    ensure_roles(db)
    try:
        db.command("createUser", name, pwd=password, roles=[{"role": role, "db": db.name}])
    except OperationFailure as error:
        if error.code != USER_EXISTS:
            raise
        raise InputError(
            f"there is a user {name!r} in database {db.name!r} already",
            hint=f"catalogdb db users password {name}, or catalogdb db users remove {name}",
        ) from None


def set_password(db: Database, name: str, password: str) -> None:
    """Give a user another password; everyone may do so for oneself.

    Raises:
        InputError: for a password that won't do, or a user that isn't there.
    """
    _check(name, password)
    _must_exist(db, name, lambda: db.command("updateUser", name, pwd=password))


def remove_user(db: Database, name: str) -> None:
    """Remove a user; what they made stays.

    Raises:
        InputError: for a user that isn't there.
    """
    _must_exist(db, name, lambda: db.command("dropUser", name))


def list_users(db: Database) -> list[Json]:
    """Users of this database with their roles, by name."""
    rows = db.command("usersInfo", 1)["users"]
    return [
        {"name": row["user"], "roles": sorted(_role(role, db.name) for role in row["roles"])}
        for row in sorted(rows, key=lambda row: row["user"])
    ]


def _role(role: dict[str, str], database: str) -> str:
    return role["role"] if role["db"] == database else f"{role['role']}@{role['db']}"


def _must_exist(db: Database, name: str, change: Any) -> None:
    try:
        change()
    except OperationFailure as error:
        if error.code != NO_USER:
            raise
        raise InputError(f"there is no user {name!r} in database {db.name!r}", hint="catalogdb db users list") from None


def _check(name: str, password: str) -> None:
    if not NAME.match(name):
        raise InputError(f"user name {name!r}: letters, digits, dots, dashes and underscores, 64 at most")
    if len(password) < LEAST_PASSWORD:
        raise InputError(f"the password is too short: {LEAST_PASSWORD} characters at least")


def _rights(document: AnyDocument) -> tuple[set[Any], set[Any]]:
    """Privileges and inherited roles in a form that can be compared."""
    privileges = {
        (item["resource"]["db"], item["resource"]["collection"], action)
        for item in document["privileges"]
        for action in item["actions"]
    }
    return privileges, {(role["role"], role["db"]) for role in document["roles"]}
