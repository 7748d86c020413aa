"""Giving a catalog or pick set another name; ids of documents stay, since `made_as` keeps what they were made with."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Literal

from pymongo.client_session import ClientSession
from pymongo.database import Database

from catalogdb import logs
from catalogdb.database.lease import holder, name_lease
from catalogdb.database.named import no_such
from catalogdb.documents.free import AnyDocument, Json, Query
from catalogdb.errors import InputError, NameTaken
from catalogdb.ledger.lost import release_dead_tasks
from catalogdb.ledger.run_life import live_run
from catalogdb.names import checked_name
from catalogdb.stages.registry import outputs
from catalogdb.stages.results import own_tasks
from catalogdb.upkeep.removal import (
    DOCUMENTS_PER_STEP,
    LIVE_LEASE,
    Counts,
    Progress,
    Tally,
    compared_pairs,
    comparison_counts,
    remove_comparison,
    tasks_of_pair,
)

Kind = Literal["catalog", "pick_set"]
KINDS: tuple[Kind, ...] = ("catalog", "pick_set")


def rename_counts(db: Database, kind: Kind, old: str, new: str) -> tuple[Counts, Counts]:
    """What a rename would change, and the comparisons that would go, as documents by collection.

    Raises:
        InputError: as `rename`.
        NameTaken: as `rename`.
    """
    named = _named(db, kind, old, new)
    _check(db, named, old, new)
    pairs = compared_pairs(db, old) if "catalog" in named else []
    changed = {name: db[name].count_documents(query) for name, query in _documents(named, old)}
    gone: Counts = {"task": db.task.count_documents({"$or": list(map(tasks_of_pair, pairs))}) if pairs else 0}
    for pair in pairs:
        for name, number in comparison_counts(db, pair).items():
            gone[name] = gone.get(name, 0) + number
    return changed, {name: number for name, number in gone.items() if number}


def rename(
    db: Database, kind: Kind, old: str, new: str, progress: Progress = lambda collection, number: None
) -> dict[str, Counts]:
    """Give a catalog or a pick set another name.

    A catalog and a pick set that were ingested together are renamed together. Comparisons of a catalog, whose ids are
    made from its name, are removed. The name goes first, in one transaction, marked with `renamed_from`; the documents
    follow in steps, and the mark goes last. While it is there the result can't be read by its name, nor written; broken
    off, the same call goes on.

    Args:
        progress: told of each step: collection and number of documents.

    Returns:
        `renamed` and `removed`: documents by collection.

    Raises:
        InputError: for a name that isn't there, which a run works on, or which a schedule or training set names.
        NameTaken: for a new name that stands for something.
    """
    with ExitStack() as leases:
        for name in sorted({old, new}):  # in one order, so that two renames never wait for each other
            for of_kind in KINDS:
                leases.enter_context(name_lease(db, of_kind, name, _waiting))
        named = _named(db, kind, old, new)
        _check(db, named, old, new)
        renamed, removed = Tally(progress), Tally(progress)
        if "catalog" in named:
            for pair in compared_pairs(db, old):
                removed.add(remove_comparison(db, pair))
        if any(document["_id"] == old for document in named.values()):
            with db.client.start_session() as session:
                session.with_transaction(lambda current: _move_names(db, named, old, new, current))
        for name, query in _documents(named, old):
            renamed.add({name: _move(db, name, query, new)})
        for of_kind, document in named.items():  # a run that came up just before the names went
            _check_idle(db, of_kind, document, old, new)
        for of_kind in named:
            db[of_kind].update_one({"_id": new}, {"$unset": {"renamed_from": ""}})
        return {"renamed": renamed.counts() | dict.fromkeys(named, 1), "removed": removed.counts()}


def _waiting(holder: str) -> None:
    logs.notice(f"the name is being written by {holder}: waiting for it")


def _named(db: Database, kind: Kind, old: str, new: str) -> dict[Kind, Json]:
    """The documents to be renamed, by kind; those that a rename which was broken off has moved are there already."""
    under = {"$or": [{"_id": old}, {"_id": new, "renamed_from": old}]}
    document = db[kind].find_one(under)
    if document is None:
        raise no_such(db, kind, old)
    found = {kind: document}
    for other in KINDS:
        if other != kind and (twin := db[other].find_one(under | {"config_id": document["config_id"]})):
            found[other] = twin
    return found


def _check(db: Database, named: dict[Kind, AnyDocument], old: str, new: str) -> None:
    checked_name(new, "name")
    if old == new:
        raise InputError(f"{old!r} has that name already")
    for kind, document in named.items():
        words = f"{kind.replace('_', ' ')} {old!r}"
        if document.get("renamed_from", old) != old:
            raise InputError(
                f"{words} is still being renamed from {document['renamed_from']!r}",
                hint=f"first: catalogdb rename {_as_command(kind)} {document['renamed_from']} {old}",
            )
        _check_new(db, kind, old, new)
        _check_idle(db, kind, document, old, new)
    if "catalog" in named:
        of_catalog = {"$or": [{"catalog": old}, {"reference": old}]} | LIVE_LEASE
        if owner := next(filter(None, map(holder, db.comparison.find(of_catalog, {"lease": 1}))), None):
            raise InputError(f"catalog {old!r}: {owner} compares it now", hint="wait for its end")
    _check_not_scheduled(db, tuple(named), old)
    if "pick_set" in named and (row := db.training_set.find_one({"config.pick_sets": old}, {"_id": 1})):
        raise InputError(
            f"pick set {old!r}: training set {row['_id']!r} is made from it, and its identity names it",
            hint="keep the name, or remove the training set's description first",
        )


def _check_idle(db: Database, kind: Kind, document: AnyDocument, old: str, new: str) -> None:
    """No run makes or reads what stands under the name, or under the new one that a rename has given it."""
    words = f"{kind.replace('_', ' ')} {old!r}"
    if run := live_run(db, kind, old) or live_run(db, kind, new):
        raise InputError(f"{words}: run {run} works on it now", hint="end it first, or wait for its end")
    own = own_tasks(db, kind, document)
    release_dead_tasks(db, own)
    if row := db.task.find_one(own | LIVE_LEASE, {"lease.owner": 1}):
        raise InputError(f"{words}: {row['lease'].get('owner')} works on it now", hint="catalogdb watch shows it")


def _check_new(db: Database, kind: Kind, old: str, new: str) -> None:
    """The new name stands for nothing, and nothing is left under it."""
    words = kind.replace("_", " ")
    if db[kind].find_one({"_id": new, "renamed_from": {"$ne": old}}, {"_id": 1}) is not None:
        raise NameTaken(
            f"there is a {words} {new!r} already",
            hint=f"another name, or first: catalogdb remove {_as_command(kind)} {new}",
        )
    if db[kind].find_one({"_id": new}, {"_id": 1}) is None:
        left = next((name for name in outputs(kind) if db[name].find_one({kind: new}, {"_id": 1})), None)
        if left is not None:
            raise NameTaken(
                f"documents of {left} are left under the name {new!r}",
                hint=f"first: catalogdb remove {_as_command(kind)} {new}",
            )


def _as_command(kind: str) -> str:
    """A kind as the command line writes it."""
    return kind.replace("_", "-")


def _check_not_scheduled(db: Database, kinds: tuple[Kind, ...], old: str) -> None:
    """A schedule's job would go on under the old name."""
    fields = {"catalog": ("catalog", "evaluate.reference"), "pick_set": ("pick_set",)}
    ways: list[Query] = [{f"job_document.{field}": old} for kind in kinds for field in fields[kind]]
    if "pick_set" in kinds:
        ways.append({"job_document.pick_set": None, "job_document.catalog": old})
    if row := db.schedule.find_one({"$or": ways}, {"_id": 1}):
        raise InputError(
            f"{old!r}: schedule {row['_id']!r} names it, and would make it again",
            hint=f"first: catalogdb schedule remove {row['_id']}; then change the job file, and add it again",
        )


def _move_names(db: Database, named: dict[Kind, AnyDocument], old: str, new: str, session: ClientSession) -> None:
    """The documents of the names, and all that refers to them by name alone."""
    for kind, document in named.items():
        if run := live_run(db, kind, old):  # one that has come up since
            raise InputError(f"{old!r}: run {run} works on it now", hint="end it first, or wait for its end")
        if not db[kind].delete_one({"_id": old, "config_id": document["config_id"]}, session=session).deleted_count:
            continue  # moved before
        made_as = document.get("made_as", old)
        moved = document | {"_id": new, "renamed_from": old, "made_as": made_as}
        if made_as == new:
            del moved["made_as"]
        db[kind].insert_one(moved, session=session)
    if "pick_set" in named:
        for collection, field in (
            *(("catalog", "pick_set"), ("pick_set", "repicked_from")),
            *(("comparison", "pick_set"), ("comparison", "reference_pick_set")),
        ):
            db[collection].update_many({field: old}, {"$set": {field: new}}, session=session)


def _documents(named: dict[Kind, AnyDocument], old: str) -> list[tuple[str, AnyDocument]]:
    """Collections with filters of what a rename moves; the field that a filter names first is that of the name."""
    found: list[tuple[str, AnyDocument]] = []
    for kind, document in named.items():
        found += [(collection, {kind: old}) for collection in outputs(kind)]
        found += [("task", {"result": old, "config_id": document["config_id"]}), ("run", {kind: old})]
    return found


def _move(db: Database, collection: str, query: Query, new: str) -> int:
    """Give documents the new name, so many at a time."""
    field = next(iter(query))
    moved = 0
    while batch := [row["_id"] for row in db[collection].find(query, {"_id": 1}).limit(DOCUMENTS_PER_STEP)]:
        moved += db[collection].update_many({"_id": {"$in": batch}, **query}, {"$set": {field: new}}).modified_count
    return moved
