"""Bring a database to the schema in `schemas/`; each change of a collection or view is recorded as a migration."""

from __future__ import annotations

from typing import Any

from pymongo import IndexModel, UpdateOne
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure
from pymongo.write_concern import WriteConcern

from catalogdb.database.connection import through_failover
from catalogdb.documents.free import Json
from catalogdb.errors import DatabaseError
from catalogdb.schema import CollectionSchema, ViewSchema, collections, views
from catalogdb.version import __version__

NAMESPACE_EXISTS = 48


def initialise(db: Database, back: bool = False) -> list[str]:
    """Create or update what the schema asks for; returns the changes made, in words (none when all is in place).

    Args:
        back: bring it to this version's schema also where another version has replaced that one here. Otherwise a host
            with an earlier version would take indexes and validators away from those that work with the later one.

    Raises:
        DatabaseError: when data in the database stand against the schema (a unique index over duplicates), or the
            schema of this version was replaced here.
    """
    return through_failover(db, lambda: _apply(db, back))


def _apply(db: Database, back: bool) -> list[str]:
    history = _history(db)
    in_force = {name: row["schema_ids"][-1] for name, row in history.items()}
    stored_views = {name: view for name, view in views().items() if not view.parameters}
    wanted = {name: schema.schema_id for name, schema in (collections() | stored_views).items()}
    if not back:
        _check_not_replaced(db, history, wanted)
    changes: dict[str, list[str]] = {}
    # A majority is waited for once: it has all that came before what it has.
    unwaited = db.with_options(write_concern=WriteConcern(w=1))
    for name, schema in collections().items():
        if in_force.get(name) != wanted[name]:
            changes[name] = _apply_collection(unwaited, schema)
    for name, view in stored_views.items():
        if in_force.get(name) != wanted[name]:
            changes[name] = _apply_view(unwaited, view)
    if changes:
        # last: an initialisation that was broken off is done again, and each of its steps can be
        db.migration.bulk_write(
            [_record(name, wanted[name], in_force.get(name), done) for name, done in changes.items()]
        )
    return [f"{name}: {change}" for name, done in changes.items() for change in done]


def _history(db: Database) -> dict[str, Json]:
    """Of each collection and view the ids of its schemas here, the one in force last, and when that one came."""
    rows = db.migration.aggregate(
        [
            {"$sort": {"applied": 1, "_id": 1}},
            {"$group": {"_id": "$collection", "schema_ids": {"$push": "$schema_id"}, "applied": {"$last": "$applied"}}},
        ]
    )
    return {row["_id"]: row for row in rows}


def _check_not_replaced(db: Database, history: dict[str, Json], wanted: dict[str, str]) -> None:
    for name, schema_id in wanted.items():
        known = history[name]["schema_ids"] if name in history else []
        if schema_id in known and schema_id != known[-1]:
            since = history[name]["applied"].isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
            raise DatabaseError(
                f"database {db.name}: another version of catalogdb replaced this one's schema of {name} on {since} UTC",
                hint="use that version on this host, too; or, when no process of it works on the database any more, "
                "bring it back to this version's schema: catalogdb db init",
            )


def _apply_collection(db: Database, schema: CollectionSchema) -> list[str]:
    changes = []
    options: Json = {
        "validator": schema.validator(),
        "validationLevel": "strict",
        "validationAction": "error",
    }
    if _create(db, schema.collection, **options):
        changes.append("created")
    else:
        db.command("collMod", schema.collection, **options)
        changes.append("validator updated")
    wanted = {_index_name(index.keys): index for index in schema.indexes}
    existing = db[schema.collection].index_information()
    missing = [
        IndexModel(
            list(index.keys.items()),
            unique=index.unique,
            name=name,
            **({"partialFilterExpression": {index.only_with: {"$exists": True}}} if index.only_with else {}),
        )
        for name, index in wanted.items()
        if name not in existing
    ]
    if missing:
        try:
            db[schema.collection].create_indexes(missing)
        except (DuplicateKeyError, OperationFailure) as error:
            raise DatabaseError(
                f"collection {schema.collection}: its indexes cannot be made: {str(error)[:200]}",
                hint="documents of other programs stand against the schema; remove them or use another database",
            ) from error
        changes += [f"index {index.document['name']} created" for index in missing]
    for name in existing:
        if name.startswith("cdb_") and name not in wanted:
            db[schema.collection].drop_index(name)
            changes.append(f"index {name} dropped")
    return changes


def _apply_view(db: Database, view: ViewSchema) -> list[str]:
    if _create(db, view.name, viewOn=view.on, pipeline=view.pipeline):
        return ["view created"]
    db.command("collMod", view.name, viewOn=view.on, pipeline=view.pipeline)
    return ["view updated"]


def _create(db: Database, name: str, **options: Any) -> bool:
    """False where it exists; another process may create it at the same moment."""
    try:
        db.create_collection(name, check_exists=False, **options)
        return True
    except OperationFailure as error:
        if error.code == NAMESPACE_EXISTS:
            return False
        raise


def _index_name(keys: dict[str, int | str]) -> str:
    return "cdb_" + "_".join(f"{key}_{order}" for key, order in keys.items())


def _record(name: str, schema_id: str, previous: str | None, changes: list[str]) -> UpdateOne:
    key = {"collection": name, "schema_id": schema_id} | ({"previous_schema_id": previous} if previous else {})
    # an update with $currentDate, since only the server's clock orders migrations
    row = {"$set": {"changes": changes, "version": __version__}, "$currentDate": {"applied": True}}
    return UpdateOne(key, row, upsert=True)
