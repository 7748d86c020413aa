"""Finding and removing what no pick set and no catalog stands for any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pymongo.database import Database

from catalogdb.batches import batches
from catalogdb.database.lease import name_holder
from catalogdb.documents.free import Json, Query
from catalogdb.ledger.beside import marks_left
from catalogdb.stages.registry import KINDS, beside, kept, outputs
from catalogdb.upkeep.removal import (
    LIVE_LEASE,
    Counts,
    Progress,
    Tally,
    comparison_counts,
    remove_comparison,
    remove_documents,
    remove_tasks,
    tasks_of_pair,
)

TASKS_PER_QUERY = 5000
MISSING = {"state": "missing"}


@dataclass(frozen=True)
class Leftover:
    """Documents of one collection that one task wrote for a name that is gone."""

    collection: str
    task_id: str
    config_id: str
    in_ledger: bool


@dataclass(frozen=True)
class Uncounted:
    """Documents of one collection that one task wrote beside its commits, and that count no more, or never did."""

    collection: str
    task_id: str
    marks: list[str]

    def query(self) -> Query:
        """Filter of them."""
        return {"task_id": self.task_id, "mark": {"$in": self.marks}}


@dataclass
class Leftovers:
    """What nothing stands for any more.

    Attributes:
        configs: config_ids of tasks that no model, pick set or catalog has.
        documents: results of such tasks, and of tasks that stand for a name of the other kind alone.
        uncounted: what attempts that were broken off left of results that stand.
        pairs: catalog and reference of comparisons of which one is gone.
        held: config_ids left out, with the worker that holds a task of theirs now.
    """

    configs: list[str] = field(default_factory=list)
    documents: list[Leftover] = field(default_factory=list)
    uncounted: list[Uncounted] = field(default_factory=list)
    pairs: list[dict[str, str]] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)


def find_leftovers(db: Database) -> Leftovers:
    """What nothing stands for any more; reads indexes, and a document of each task that isn't in the ledger."""
    # results before ledger before names: each is written only when what follows is there, so what is new never looks
    # left over
    written = {collection: list(_tasks_of(db, collection)) for collection in _results()}
    in_ledger = {row["_id"] for row in db.task.aggregate(_distinct("config_id", {"stage": {"$gt": ""}}))}
    standing = {kind: _standing(db, kind) for kind in KINDS}
    held = {row["config_id"]: row["lease"]["owner"] for row in _held(db)}
    found = Leftovers(sorted(in_ledger - set().union(*standing.values()) - held.keys()))
    found.held = {
        config: owner for config, owner in held.items() if not any(config in ids for ids in standing.values())
    }
    for kind in KINDS:
        for collection in outputs(kind):
            for leftover in _not_standing(db, collection, written[collection], standing[kind]):
                if leftover.config_id not in held:
                    found.documents.append(leftover)
    elsewhere = {(item.collection, item.task_id) for item in found.documents}
    for collection in beside():
        for identity in written[collection]:
            if (collection, identity) not in elsewhere and (marks := marks_left(db, collection, identity)):
                found.uncounted.append(Uncounted(collection, identity, marks))
    found.pairs = _pairs_without_catalog(db)
    return found


def count_leftovers(db: Database, found: Leftovers, missing_files: bool = False) -> tuple[Counts, Counts]:
    """How many documents there are of them, by collection: in the ledger's care, and those that no task there wrote.

    Args:
        missing_files: count also the `wf_file` rows of files that are gone.
    """
    left = [_of_configs(found.configs), *map(tasks_of_pair, found.pairs)]
    counts: Counter[str] = Counter(task=db.task.count_documents({"$or": left}))
    unclaimed: Counter[str] = Counter()
    for is_in_ledger, into in ((True, counts), (False, unclaimed)):
        leftovers = [item for item in found.documents if item.in_ledger == is_in_ledger]
        for collection, identities in _by_collection(leftovers):
            number = db[collection].count_documents({"task_id": {"$in": identities}})
            into[collection] += number
    for item in found.uncounted:
        counts[item.collection] += db[item.collection].count_documents(item.query())
    for pair in found.pairs:
        counts.update(comparison_counts(db, pair))
    if missing_files:
        counts["wf_file"] = db.wf_file.count_documents(MISSING)
    return dict(+counts), dict(+unclaimed)


def prune(
    db: Database,
    found: Leftovers,
    missing_files: bool = False,
    unclaimed: bool = False,
    progress: Progress = lambda collection, number: None,
) -> tuple[Counts, list[str]]:
    """Remove what was found, in steps; what a worker has taken or a name stands for again meanwhile is left alone.

    Args:
        found: of `find_leftovers`.
        missing_files: remove also the `wf_file` rows of files that are gone.
        unclaimed: remove also documents that no task in the ledger wrote. An ingestion of a large catalog enters its
            task last: what is being ingested now is left alone.
        progress: told of each step: collection and number of documents removed.

    Returns:
        Documents removed, by collection, and the config_ids for which a name came up while they were being removed: a
        run that planned with them then has to be done again.
    """
    tally = Tally(progress)
    for config_id in found.configs:
        if not _stands(db, config_id):
            tally.add(remove_tasks(db, _of_configs([config_id]), _results()))
    gone_with_their_tasks = set(found.configs)
    for item in found.documents:
        if item.config_id in gone_with_their_tasks if item.in_ledger else not unclaimed:
            continue
        kind = next(kind for kind in KINDS if item.collection in outputs(kind))
        if not item.in_ledger and _is_being_written(db, item, kind):
            continue
        if db[kind].find_one({"config_id": item.config_id}, {"_id": 1}) is None:
            query = {"task_id": item.task_id, "config_id": item.config_id}
            tally.add({item.collection: remove_documents(db, item.collection, query)})
    for left in found.uncounted:
        tally.add({left.collection: remove_documents(db, left.collection, left.query())})
    for pair in found.pairs:
        tally.add(remove_comparison(db, pair))
    if missing_files:
        tally.add({"wf_file": db.wf_file.delete_many(MISSING).deleted_count})
    return tally.counts(), [config_id for config_id in found.configs if _stands(db, config_id)]


def _results() -> tuple[str, ...]:
    return tuple(collection for kind in KINDS for collection in outputs(kind))


def _is_being_written(db: Database, item: Leftover, kind: str) -> bool:
    written = db[item.collection].find_one({"task_id": item.task_id}, {kind: 1}) or {}
    return name_holder(db, written.get(kind, "")) is not None


def _standing(db: Database, kind: str) -> set[str]:
    return {row["config_id"] for row in db[kind].find({}, {"config_id": 1})}


def _stands(db: Database, config_id: str) -> bool:
    return any(db[kind].find_one({"config_id": config_id}, {"_id": 1}) for kind in KINDS)


def _held(db: Database) -> Iterable[Json]:
    stages = {"stage": {"$in": db.task.distinct("stage")}, "config_id": {"$gt": ""}}
    return db.task.find(stages | LIVE_LEASE, {"config_id": 1, "lease.owner": 1})


def _of_configs(configs: list[str]) -> Query:
    return {"stage": {"$gt": ""}, "config_id": {"$in": configs}}


def _distinct(key: str, match: Query) -> list[Query]:
    return [{"$match": match}, {"$group": {"_id": f"${key}"}}]


def _tasks_of(db: Database, collection: str) -> Iterator[str]:
    """The tasks that documents of a collection name; the index on task_id has them, each looked up once."""
    pipeline: list[Query] = [{"$sort": {"task_id": 1}}, {"$group": {"_id": "$task_id"}}]
    return (row["_id"] for row in db[collection].aggregate(pipeline, hint={"task_id": 1}))


def _not_standing(db: Database, collection: str, identities: list[str], standing: set[str]) -> Iterator[Leftover]:
    for batch in batches(identities, TASKS_PER_QUERY):
        configs = {row["_id"]: row["config_id"] for row in db.task.find({"_id": {"$in": batch}}, {"config_id": 1})}
        for identity in batch:
            config_id = configs.get(identity)
            if config_id is None:
                written = db[collection].find_one({"task_id": identity}, {"config_id": 1})
                config_id = written and written["config_id"]
            if config_id is not None and config_id not in standing:
                yield Leftover(collection, identity, config_id, identity in configs)


def _pairs_without_catalog(db: Database) -> list[dict[str, str]]:
    names = {row["_id"] for row in db.catalog.find({}, {"_id": 1})}
    rows = db.comparison.find({}, {"catalog": 1, "reference": 1})
    pairs = {(row["catalog"], row["reference"]) for row in rows}
    for collection in kept():
        for catalog in db[collection].distinct("catalog"):
            pairs |= {(catalog, reference) for reference in db[collection].distinct("reference", {"catalog": catalog})}
    return [{"catalog": pair[0], "reference": pair[1]} for pair in sorted(pairs) if not names.issuperset(pair)]


def _by_collection(leftovers: list[Leftover]) -> Iterator[tuple[str, list[str]]]:
    for collection in _results():
        for batch in batches((item.task_id for item in leftovers if item.collection == collection), TASKS_PER_QUERY):
            yield collection, batch
