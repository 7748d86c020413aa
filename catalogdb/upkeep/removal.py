"""Removing a pick set or catalog by its name, in steps that each leave ledger and results in agreement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from pymongo.client_session import ClientSession
from pymongo.database import Database

from catalogdb import logs
from catalogdb.database.lease import HELD, holder, name_lease
from catalogdb.database.named import require_catalog, require_model, require_pick_set
from catalogdb.documents.free import Query
from catalogdb.errors import InputError
from catalogdb.ledger.lost import release_dead_tasks
from catalogdb.stages.registry import keepers, kept, outputs
from catalogdb.stages.results import check_unused, own_tasks

Kind = Literal["pick_set", "catalog", "model"]
Counts = dict[str, int]
Progress = Callable[[str, int], None]

REQUIRE = {"pick_set": require_pick_set, "catalog": require_catalog, "model": require_model}
TASKS_PER_STEP = 50
DOCUMENTS_PER_STEP = 20_000
"""What is larger may not fit the server's cache as one transaction."""
LIVE_LEASE: Query = {"status": "running", **HELD}
"""Filter of tasks that a worker holds, and of comparisons that are computed."""


class Tally:
    """Documents removed so far; each step is told to `progress`."""

    def __init__(self, progress: Progress):
        self._progress = progress
        self._counts: Counter[str] = Counter()

    def add(self, removed: Mapping[str, int]) -> None:
        self._counts.update(removed)
        for collection, number in removed.items():
            self._progress(collection, number)

    def counts(self) -> Counts:
        """By collection, without those of which none was removed."""
        return dict(+self._counts)


def removal_counts(db: Database, kind: Kind, name: str) -> Counts:
    """What would go with a name: documents by collection.

    Raises:
        InputError: for a name that isn't there, on which others stand, or which a run works on.
    """
    document = _checked(db, kind, name)
    counts = Counter({collection: db[collection].count_documents({kind: name}) for collection in outputs(kind)})
    pairs = compared_pairs(db, name) if kind == "catalog" else []
    counts["task"] = db.task.count_documents({"$or": [own_tasks(db, kind, document), *map(tasks_of_pair, pairs)]})
    for pair in pairs:
        counts.update(comparison_counts(db, pair))
    return dict(+counts) | {kind: db[kind].count_documents({"_id": name})}


def pick_set_left(db: Database, catalog: str) -> str | None:
    """Name of the pick set that stands for nothing else once a catalog is gone: neither another catalog nor another
    pick set is made from it. None where there is none."""
    name = (db.catalog.find_one({"_id": catalog}, {"pick_set": 1}) or {}).get("pick_set")
    if name is None or db.pick_set.find_one({"_id": name}, {"_id": 1}) is None:
        return None
    is_used = db.catalog.find_one({"pick_set": name, "_id": {"$ne": catalog}}, {"_id": 1}) is not None
    return None if is_used or db.pick_set.find_one({"repicked_from": name}, {"_id": 1}) else str(name)


def remove(db: Database, kind: Kind, name: str, progress: Progress = lambda collection, number: None) -> Counts:
    """Remove a pick set or catalog with all that was made for it.

    Each step removes some tasks and what they wrote in one transaction, and the name goes last: broken off, it is done
    again by the same call, and a run that comes up under the name meanwhile finds a ledger that tells the truth.

    Args:
        progress: told of each step: collection and number of documents removed.

    Returns:
        Documents removed, by collection.

    Raises:
        InputError: as `removal_counts`, and where a run came up under the name meanwhile.
    """
    with name_lease(
        db, kind, name, lambda holder: logs.notice(f"{name!r} is being written by {holder}: waiting for it")
    ):
        return _remove(db, kind, name, progress)


def _remove(db: Database, kind: Kind, name: str, progress: Progress) -> Counts:
    document = _checked(db, kind, name)
    tally = Tally(progress)
    if document.get("config", {}).get("files") or "copied_from" in document:
        # read from files or copied, as one task that no run does again: as `ingest` has it, the name goes first
        tally.add({kind: db[kind].delete_one({"_id": name}).deleted_count})
    own = own_tasks(db, kind, document)
    tally.add(remove_tasks(db, own, outputs(kind)))
    _none_is_left(db, name, own)
    for collection in outputs(kind):  # of tasks that are no longer in the ledger
        tally.add({collection: remove_documents(db, collection, {kind: name})})
    if kind == "catalog":
        for pair in compared_pairs(db, name):
            tally.add(remove_comparison(db, pair))
    with db.client.start_session() as session:
        tally.add(session.with_transaction(lambda current: _remove_name(db, kind, name, own, current)))
    return tally.counts()


def _remove_name(db: Database, kind: Kind, name: str, own: Query, session: ClientSession) -> Counts:
    check_unused(db, kind, name)  # a run that has come up meanwhile may have no task yet
    _none_is_left(db, name, own, session)
    return {kind: db[kind].delete_one({"_id": name}, session=session).deleted_count}


def _none_is_left(db: Database, name: str, own: Query, session: ClientSession | None = None) -> None:
    if db.task.find_one(own, {"_id": 1}, session=session) is not None:
        raise InputError(f"{name!r}: a run has come up under this name meanwhile", hint="remove it when that has ended")


def _checked(db: Database, kind: Kind, name: str) -> Mapping[str, Any]:
    document = _document(db, kind, name)
    check_unused(db, kind, name)
    own = own_tasks(db, kind, document)
    release_dead_tasks(db, own)
    held = own | LIVE_LEASE
    if row := db.task.find_one(held, {"lease.owner": 1}):
        raise InputError(
            f"{name!r}: a run works on it now ({row['lease'].get('owner')})",
            hint="end the run first; catalogdb watch shows it",
        )
    return document


def _document(db: Database, kind: Kind, name: str) -> Mapping[str, Any]:
    """The document of a name; where its removal or ingestion was broken off, what documents of its own tell."""
    try:
        return REQUIRE[kind](db, name)
    except InputError:
        for collection in outputs(kind):
            if (left := db[collection].find_one({kind: name}, {"config_id": 1})) is not None:
                return {"_id": name, "config_id": left["config_id"]}
        raise


# -- the steps, which pruning takes too


def remove_tasks(db: Database, own: Query, collections: tuple[str, ...]) -> Counts:
    """Remove tasks, but those that a worker holds, and what they wrote to some collections."""
    counts: Counter[str] = Counter()
    while batch := list(db.task.find(_free(own), {"_id": 1}).limit(TASKS_PER_STEP)):
        for identities in _steps(db, [row["_id"] for row in batch], collections):
            counts.update(_remove_step(db, identities, collections))
    return dict(counts)


def _free(own: Query) -> Query:
    return {"$and": [own, {"$nor": [LIVE_LEASE]}]}


def _steps(db: Database, identities: list[str], collections: tuple[str, ...]) -> Iterator[list[str]]:
    """The tasks in groups that wrote no more than `DOCUMENTS_PER_STEP` documents, or in groups of one."""
    step: list[str] = []
    size = 0
    for identity in identities:
        number = sum(db[collection].count_documents({"task_id": identity}) for collection in collections)
        if step and size + number > DOCUMENTS_PER_STEP:
            yield step
            step, size = [], 0
        step.append(identity)
        size += number
    if step:
        yield step


def _remove_step(db: Database, identities: list[str], collections: tuple[str, ...]) -> Counts:
    """Remove some tasks with what they wrote: in one transaction, but for a task that wrote more than one holds."""
    if len(identities) == 1:
        written = {"task_id": identities[0]}
        for collection in collections:
            if db[collection].count_documents(written, limit=DOCUMENTS_PER_STEP + 1) > DOCUMENTS_PER_STEP:
                removed = {"task": db.task.delete_many(_free({"_id": identities[0]})).deleted_count}
                if removed["task"]:
                    removed |= {name: remove_documents(db, name, written) for name in collections}
                return removed

    def step(session: ClientSession) -> Counts:
        free = [row["_id"] for row in db.task.find(_free({"_id": {"$in": identities}}), {"_id": 1}, session=session)]
        removed = {"task": db.task.delete_many({"_id": {"$in": free}}, session=session).deleted_count}
        for name in collections:
            removed[name] = db[name].delete_many({"task_id": {"$in": free}}, session=session).deleted_count
        return removed

    with db.client.start_session() as session:
        return session.with_transaction(step)


def remove_documents(db: Database, collection: str, query: Query) -> int:
    """Delete what a filter finds, so many documents at a time; returns how many."""
    deleted = 0
    while batch := [row["_id"] for row in db[collection].find(query, {"_id": 1}).limit(DOCUMENTS_PER_STEP)]:
        deleted += db[collection].delete_many({"_id": {"$in": batch}}).deleted_count
    return deleted


# -- comparisons


def compared_pairs(db: Database, name: str) -> list[dict[str, str]]:
    """Catalog and reference of each pair that was compared, of which the name is one."""
    rows = db.comparison.find(
        {"$or": [{"catalog": name}, {"reference": name}]}, {"_id": 0, "catalog": 1, "reference": 1}
    )
    pairs = {(row["catalog"], row["reference"]) for row in rows}
    for collection in kept():
        pairs |= {(name, reference) for reference in db[collection].distinct("reference", {"catalog": name})}
    return [{"catalog": catalog, "reference": reference} for catalog, reference in sorted(pairs)]


def comparison_counts(db: Database, pair: dict[str, str]) -> Counts:
    """What was written for a pair of catalogs, by collection."""
    return {collection: db[collection].count_documents(pair) for collection in kept()}


def remove_comparison(db: Database, pair: dict[str, str]) -> Counts:
    """Remove what was written for a pair of catalogs; one that is computed now is left alone."""
    computed_now = pair | LIVE_LEASE
    if any(holder(row) is not None for row in db.comparison.find(computed_now, {"lease": 1})):
        return {}
    removed = {collection: remove_documents(db, collection, pair) for collection in kept()}
    return removed | {"task": db.task.delete_many(_free(tasks_of_pair(pair))).deleted_count}


def tasks_of_pair(pair: dict[str, str]) -> Query:
    """Filter of what the ledger says of the pair's comparison."""
    of_pair = {"result": pair["catalog"], "shard.reference": pair["reference"]}
    return {"stage": {"$in": keepers()}, "config_id": {"$gt": ""}} | of_pair
