"""Databases at the schema that go from test to test, emptied in between: to make one takes longer than most tests."""

from __future__ import annotations

import uuid
from collections import deque
from typing import Any

from bson import encode

from catalogdb.database.connection import connect
from catalogdb.database.initialise import initialise
from catalogdb.schema import collections
from catalogdb.settings import Settings
from catalogdb.stages import registry

REST = 3  # what a test left running has so many tests' time to show itself in its database


class Databases:
    """Databases of one server without documents, collections or indexes of an earlier test.

    A test's database is emptied when the test ends, and rests while others are used. Before it is handed out it is
    compared with a new one: where anything differs it is dropped.
    """

    def __init__(self, server: Settings):
        self._server = server
        self._resting: deque[str] = deque()
        self._new: dict[str, Any] = {}

    def take(self) -> Settings:
        """Settings of a database at the schema that no other test uses."""
        while len(self._resting) >= REST:
            own = self._named(self._resting.popleft())
            if self._look(own) == self._new:
                return own
            drop(own)
        own = self._named(f"test_{uuid.uuid4().hex[:12]}")
        initialise(connect(own))
        self._new = self._new or self._look(own)
        return own

    def give_back(self, own: Settings) -> None:
        """Empty a test's database; the records of its migrations stay."""
        database = connect(own)
        for name in database.list_collection_names(filter={"type": "collection"}):
            if name not in ("migration", "system.views"):
                database[name].delete_many({})
        self._resting.append(own.database)

    def _named(self, name: str) -> Settings:
        return self._server.model_copy(update={"database": name})

    @staticmethod
    def _look(own: Settings) -> dict[str, Any]:
        """Of each collection and view the options and indexes, and the number of documents of all."""
        database = connect(own)
        catalog = database.client.admin.aggregate([{"$listCatalog": {}}, {"$match": {"db": own.database}}])
        look = {}
        for entry in catalog:
            md = entry.get("md", {})
            options = {key: value for key, value in md.get("options", {}).items() if key != "uuid"}
            indexes = sorted(encode(index["spec"]) for index in md.get("indexes", []))
            view = {key: entry[key] for key in ("viewOn", "pipeline") if key in entry}
            look[entry["name"]] = (encode(options), indexes, encode(view))
        return look | {"documents": database.command("dbStats")["objects"]}


def copy_documents(source: Settings, target: Settings) -> None:
    """Copy all documents to another database of the server, which is at the schema; records of migrations stay."""
    database = connect(source)
    for name in database.list_collection_names(filter={"type": "collection"}):
        if name not in ("migration", "system.views"):
            database[name].aggregate([{"$merge": {"into": {"db": target.database, "coll": name}}}])


def dump(database: Any, *without: str) -> dict[str, list[Any]]:
    """All documents by collection, but for those of the collections that are named."""
    return {name: list(database[name].find().sort("_id")) for name in collections() if name not in without}


def result_collections() -> tuple[str, ...]:
    """Collections that the stages of runs fill."""
    return registry.outputs("pick_set") + registry.outputs("catalog")


def drop(own: Settings) -> None:
    """Drop a database."""
    connect(own).client.drop_database(own.database)
