"""Bring a database to the schema in `schemas/`: collections, validators, indexes and views, each change recorded as a migration."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure

from catalogdb import __version__
from catalogdb.errors import DatabaseError
from catalogdb.schema import CollectionSchema, ViewSchema, collections, views

NAMESPACE_EXISTS = 48


def initialise(db: Database) -> list[str]:
    """Create or update what the schema asks for; returns the changes made, in words (none when all is in place).

    Raises:
        DatabaseError: when data in the database stand against the schema (a unique index over duplicates).
    """
    in_force = _schemas_in_force(db)
    changes: list[str] = []
    for name, schema in collections().items():
        if in_force.get(name) != schema.schema_id:
            done = _apply_collection(db, schema)
            _record(db, name, schema.schema_id, in_force.get(name), done)
            changes += [f"{name}: {change}" for change in done]
    for name, view in views().items():
        if not view.parameters and in_force.get(name) != view.schema_id:
            done = _apply_view(db, view)
            _record(db, name, view.schema_id, in_force.get(name), done)
            changes += [f"{name}: {change}" for change in done]
    return changes


def _schemas_in_force(db: Database) -> dict[str, str]:
    newest = db.migration.aggregate(
        [{"$sort": {"applied": 1, "_id": 1}}, {"$group": {"_id": "$collection", "schema_id": {"$last": "$schema_id"}}}]
    )
    return {row["_id"]: row["schema_id"] for row in newest}


def _apply_collection(db: Database, schema: CollectionSchema) -> list[str]:
    changes = []
    options: dict[str, Any] = {
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
    for name, index in wanted.items():
        if name not in existing:
            try:
                db[schema.collection].create_index(list(index.keys.items()), unique=index.unique, name=name)
            except (DuplicateKeyError, OperationFailure) as error:
                raise DatabaseError(
                    f"collection {schema.collection}: index {name} cannot be made: {str(error)[:200]}",
                    hint="documents written by other programs stand against the schema; remove them or use another database",
                ) from error
            changes.append(f"index {name} created")
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
        db.create_collection(name, **options)
        return True
    except CollectionInvalid:
        return False
    except OperationFailure as error:
        if error.code == NAMESPACE_EXISTS:
            return False
        raise


def _index_name(keys: dict[str, int | str]) -> str:
    return "cdb_" + "_".join(f"{key}_{order}" for key, order in keys.items())


def _record(db: Database, name: str, schema_id: str, previous: str | None, changes: list[str]) -> None:
    row = {"collection": name, "schema_id": schema_id, "changes": changes, "version": __version__}
    if previous:
        row["previous_schema_id"] = previous
    # an update with $currentDate, since only the server's clock orders migrations
    key = (
        {"collection": name, "schema_id": schema_id, "previous_schema_id": previous}
        if previous
        else {"collection": name, "schema_id": schema_id}
    )
    db.migration.update_one(key, {"$set": row, "$currentDate": {"applied": True}}, upsert=True)
