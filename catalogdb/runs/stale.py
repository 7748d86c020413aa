"""Staleness as a query: what stands in the ledger against what would be made from now; nothing is computed.

A task is `stale` when its inputs differ from those that its result was made from; a run does it again. It is `waiting`
when its inputs are as they were, but come from tasks that are stale: a run does it again only if they change.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError
from pymongo.database import Database

from catalogdb.batches import batches
from catalogdb.database.named import require_catalog
from catalogdb.documents.free import Json, Query
from catalogdb.documents.records import Task
from catalogdb.errors import InputError
from catalogdb.jobs import Job, Period
from catalogdb.ledger import tasks
from catalogdb.ledger.parts import Parts, changes, fingerprint
from catalogdb.ledger.stage import Reads, Shard, Stage
from catalogdb.runs.run_record import of_makers
from catalogdb.runs.stale_reasons import UNFINISHED, Reason, config_reasons, listed, reasons_of
from catalogdb.stages import registry
from catalogdb.stages.file_states import IDENTITIES_PER_QUERY
from catalogdb.stages.models import provide_models
from catalogdb.stages.repick import stage_of
from catalogdb.stages.resolve import pick_set_stages, resolve

BATCH = 1000


class Why(BaseModel):
    """One reason of a task to be done again."""

    reason: str
    what: str


class StaleTask(BaseModel):
    """One task of a result that is not what a run would make now."""

    result: str
    stage: str
    shard: Json
    starttime: float
    endtime: float
    state: Literal["stale", "waiting"]
    why: list[Why]


class Staleness(BaseModel):
    """What of a job's results, and of the comparisons of its catalog, is stale."""

    job: str | None
    pick_set: str | None
    catalog: str | None
    unknown: str | None = Field(None, description="Why it can't be said, where it can't.")
    counts: list[Json] = []
    tasks: list[StaleTask] = []
    notes: list[str] = []


def stale_of_job(db: Database, job: Job) -> Staleness:
    """What a run of the job would do, and why.

    Raises:
        InputError: for a job that can't run as it stands.
    """
    result = Staleness(job=job.name, pick_set=job.pick_set_name, catalog=job.catalog)
    stages, names = resolve(db, job)
    outdated: dict[str, tuple[str, list[Reason]]] = {}
    for name in names:
        held = db[name.kind].find_one({"_id": name.name}, {"config": 1, "config_id": 1})
        if held and held["config_id"] != name.config_id:
            outdated[name.kind] = held["config_id"], config_reasons(held.get("config", {}), name.config)
            words = name.kind.replace("_", " ")
            result.notes.append(f"{words} {name.name} was made in another way: run with --replace, or with --name")
    if not registry.makes(job.stages, "pick_set"):
        result.tasks += _picks_of_others(db, job, result.notes)
    for stage in stages:
        old_config_id, reasons = outdated.get(stage.kind or "", ("", []))
        if old_config_id:
            result.tasks += _outdated(db, stage, old_config_id, reasons)
        else:
            result.tasks += _compared(db, stage)
            result.tasks += list(_waiting(db, stage, result.tasks))
    result.tasks += list(_made_by_hand(db, job.catalog, job, result))
    return _counted(result)


def stale_of_catalog(db: Database, name: str) -> Staleness:
    """What of a catalog is stale, by the job that last associated it; of an ingested one the comparisons with it.

    Raises:
        InputError: for an unknown catalog, and where its job is not on record as this version knows jobs.
    """
    catalog = require_catalog(db, name)
    job = _last_job(db, {"catalog": name} | of_makers("catalog"))  # others made picks alone
    if job is not None:
        if not job.period or "starttime" not in catalog:
            return stale_of_job(db, job)
        whole = Period(starttime=catalog["starttime"], endtime=catalog["endtime"])
        result = stale_of_job(db, job.model_copy(update={"period": whole}))
        if result.tasks and whole != job.period:
            start, end = job.period.starttime.isoformat(), job.period.endtime.isoformat()
            result.notes.append(f"the last run was of {start} to {end}; the catalog covers more, and so does this list")
        return result
    result = Staleness(job=None, pick_set=catalog.get("pick_set"), catalog=name)
    result.tasks = list(_made_by_hand(db, name, None, result))
    return _counted(result)


def stale_of_all(db: Database) -> list[Staleness]:
    """What is stale of every catalog, and of every pick set that no catalog is made from. Of those whose job can't run
    any more, as where its model was removed, it says why it is not known."""
    results = []
    for row in db.catalog.find({}, {"pick_set": 1}).sort("_id", 1):
        try:
            results.append(stale_of_catalog(db, row["_id"]))
        except InputError as error:
            results.append(Staleness(job=None, pick_set=row.get("pick_set"), catalog=row["_id"], unknown=str(error)))
    covered = {result.pick_set for result in results}
    for row in db.pick_set.find({"kind": "automatic", "_id": {"$nin": sorted(filter(None, covered))}}).sort("_id", 1):
        try:
            job = _last_job(db, {"pick_set": row["_id"]} | of_makers("pick_set"))
            if job is not None:
                of_picks = tuple(stage.name for stage in registry.stages_of(job.stages, "pick_set"))
                results.append(stale_of_job(db, job.model_copy(update={"stages": of_picks})))
        except InputError as error:
            results.append(Staleness(job=None, pick_set=row["_id"], catalog=None, unknown=str(error)))
    return results


# -- plan against ledger


def _compared(db: Database, stage: Stage) -> Iterator[StaleTask]:
    """Tasks whose inputs differ from those on record, or that were never finished."""
    for batch in batches(stage.changed_parts(db), BATCH):
        planned = {tasks.task_id(stage, shard): (shard, parts) for shard, parts in batch}
        query = {"_id": {"$in": list(planned)}}
        found = db.task.find(query, {"fingerprint": 1, "status": 1}).batch_size(BATCH)
        rows = {row["_id"]: row for row in found}
        current = {
            identity
            for identity, (_, parts) in planned.items()
            if identity in rows
            and rows[identity]["status"] == "done"
            and rows[identity].get("fingerprint") == fingerprint(parts)
        }
        query = {"_id": {"$in": [identity for identity in planned if identity not in current]}}
        fields = {"fingerprint": 1, "status": 1, "error": 1, "counts": 1, "inputs": 1}
        rows |= {row["_id"]: row for row in db.task.find(query, fields)} if len(current) < len(planned) else {}
        before = {identity: row["inputs"] for identity, row in rows.items() if "inputs" in row}
        stale = [parts for identity, (_, parts) in planned.items() if identity not in current]
        file_names = _file_names(db, [*stale, *before.values()])
        for identity, (shard, parts) in planned.items():
            if identity not in current:
                why = [*_unfinished(rows.get(identity), parts, file_names)]
                why += _changed(stage, rows.get(identity), before.get(identity), parts, file_names)
                yield _task(stage.name, stage.result, shard, "stale", why)


def _unfinished(row: Task | None, parts: Parts, file_names: Mapping[str, str]) -> Iterator[Reason]:
    if row is None or ("fingerprint" not in row and "counts" not in row and row["status"] != "failed"):
        files = sorted(file_names.get(file, file) for file in parts.get("file", {}))
        yield Reason("new file", listed(files)) if files else Reason("new", "not done yet")
    elif "fingerprint" not in row and row["status"] == "pending":  # `counts` are of a result: it was done once
        yield Reason("reset", "marked to be done again")
    elif row["status"] != "done":
        yield Reason(UNFINISHED.get(row["status"], row["status"]), row.get("error", "")[:200])


def _changed(
    stage: Stage, row: Task | None, before: Parts | None, parts: Parts, file_names: Mapping[str, str]
) -> list[Reason]:
    """Reasons of a task that was done before with other inputs."""
    if row is None or "fingerprint" not in row or row["fingerprint"] == fingerprint(parts):
        return []
    if before is None:
        return [Reason("not recorded", "made by a version that did not keep its inputs")]
    return reasons_of(type(stage), changes(_by_path(before, file_names), _by_path(parts, file_names)))


def _outdated(db: Database, stage: Stage, config_id: str, reasons: list[Reason]) -> Iterator[StaleTask]:
    """All tasks of a result that another configuration made, and those that the present one asks for besides."""
    seen = set()
    for row in db.task.find({"stage": stage.name, "config_id": config_id}).sort([("starttime", 1), ("_id", 1)]):
        shard = Shard(row["shard"], row["starttime"], row["endtime"])
        seen.add(_place(shard))
        yield _task(stage.name, stage.result, shard, "stale", reasons)
    if registry.begins(stage):
        yield from (task for task in _compared(db, stage) if _place(task) not in seen)


def _place(shard: Shard | StaleTask) -> tuple[Any, ...]:
    key = shard.key if isinstance(shard, Shard) else shard.shard
    return (*sorted(key.items()), shard.starttime, shard.endtime)


def _task(
    stage: str, result: str, shard: Shard, state: Literal["stale", "waiting"], why: Iterable[Reason]
) -> StaleTask:
    return StaleTask(
        result=result,
        stage=stage,
        shard=dict(shard.key),
        starttime=shard.starttime,
        endtime=shard.endtime,
        state=state,
        why=[Why(reason=reason.reason, what=reason.what) for reason in why],
    )


def _file_names(db: Database, inputs: Iterable[Parts]) -> dict[str, str]:
    """Paths of the waveform files in tasks' inputs, by `wf_file._id`, now or before the archive moved; those of files
    that are gone stay on record."""
    wanted = sorted({file for parts in inputs for file in parts.get("file", {})})
    names: dict[str, str] = {}
    for batch in batches(wanted, IDENTITIES_PER_QUERY):
        for key in ("earlier_ids", "_id"):
            for row in db.wf_file.find({key: {"$in": batch}}, {"dir": 1, "dfile": 1, "earlier_ids": 1}):
                identities = row["earlier_ids"] if key == "earlier_ids" else [row["_id"]]
                names |= dict.fromkeys(identities, os.path.join(row["dir"], row["dfile"]))
    return names


def _by_path(parts: Parts, file_names: Mapping[str, str]) -> Parts:
    """The parts with files by their paths of now: a file that has moved and changed has changed, and is not another."""
    files = {file_names.get(file, file): state for file, state in parts.get("file", {}).items()}
    return parts | {"file": files} if files else parts


# -- what waits for stale tasks


def _waiting(db: Database, stage: Stage, found: Sequence[StaleTask]) -> Iterator[StaleTask]:
    """Finished tasks that read what is written by tasks that are stale or waiting."""
    query = {"stage": stage.name, "config_id": stage.config_id, "status": "done"}
    stale = {_place(task) for task in found if task.stage == stage.name}
    shards: list[Shard] = []
    coming: dict[int, tuple[Reads, set[str]]] = {}
    for reads in stage.reads:
        writers = registry.writers(reads.collection)
        sources = [task for task in found if task.stage in writers and reads.takes(stage, task.shard)]
        if sources and not shards:
            rows = db.task.find(query, {"shard": 1, "starttime": 1, "endtime": 1}).sort("starttime", 1)
            shards = [Shard(row["shard"], row["starttime"], row["endtime"]) for row in rows]
        for number, task in _meeting(shards, sources, reads.padding(stage)):
            first, names = coming.setdefault(number, (reads, set()))
            if first is reads:
                names.add(".".join(map(str, task.shard.values())) or f"stage {task.stage}")
    for number, (reads, names) in sorted(coming.items()):
        if _place(shards[number]) not in stale:
            why = [Reason(f"{reads.words} to come", listed(sorted(names)))]
            yield _task(stage.name, stage.result, shards[number], "waiting", why)


def _meeting(shards: Sequence[Shard], tasks: Iterable[StaleTask], padding: float) -> Iterator[tuple[int, StaleTask]]:
    """Which shards, by start, meet the times of which tasks with padding (s) on either side; where both
    have a key, such as a station, it must be the same."""
    starts = [shard.starttime for shard in shards]
    longest = max((shard.endtime - shard.starttime for shard in shards), default=0.0)
    for task in tasks:
        first, last = task.starttime - padding, task.endtime + padding
        for number in range(bisect_left(starts, first - longest), bisect_left(starts, last)):
            shard = shards[number]
            if shard.endtime > first and all(task.shard.get(key, value) == value for key, value in shard.key.items()):
                yield number, task


# -- picks that another job makes


def _picks_of_others(db: Database, job: Job, notes: list[str]) -> list[StaleTask]:
    """Stale tasks of the pick set that a job only reads."""
    name = job.pick_set_name
    made: Any = db.pick_set.find_one({"_id": name}) or {}
    source = made.get("repicked_from")
    maker = _last_job(db, {"pick_set": source or name} | of_makers("pick_set"))
    if maker is None:
        return []
    provide_models(db, maker)
    stages, (result,) = pick_set_stages(maker, db)
    held: Any = made if source is None else db.pick_set.find_one({"_id": source}) or {}
    picks: list[StaleTask] = []
    for stage in stages:
        if held.get("config_id") != result.config_id:
            reasons = config_reasons(held.get("config", {}), result.config)
            picks += _outdated(db, stage, held.get("config_id", ""), reasons)
        else:
            picks += _compared(db, stage)
    if source is not None and held and (repicking := stage_of(db, held, made)) is not None:
        picks += _compared(db, repicking)
    if picks:
        verb = f"repick --pick-set {source} --name {name}" if source else f"run (job {maker.name})"
        notes.append(f"pick set {name} is not made by this job; its stale picks are made by: catalogdb {verb}")
    return picks


def _last_job(db: Database, query: Query) -> Job | None:
    """The job of the newest run of the query."""
    run = next(iter(db.run.find(query, {"job_document": 1}).sort("started", -1).limit(1)), None)
    if run is None:
        return None
    try:
        return Job.model_validate(run["job_document"])
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"run {run['_id']}: its job is not one that this version knows: {first['loc']}: {first['msg']}",
            hint="name the job file: catalogdb status --stale JOB.yaml",
        ) from None


# -- what no run of the job makes


def _made_by_hand(db: Database, catalog: str, job: Job | None, result: Staleness) -> Iterator[StaleTask]:
    """What commands made for the catalog that is older than what it was made from."""
    commands = set()
    is_to_come = any(task.stage not in registry.keepers() for task in result.tasks)
    for stage in registry.run_stages():
        for made in stage.made_by_hand(db, catalog, job):
            if made.before is None:
                why = [Reason("new", "not finished")]
            else:
                why = reasons_of(stage, changes(made.before, made.now))
            state: Literal["stale", "waiting"] = "stale"
            if not why and is_to_come:
                state, why = "waiting", [Reason("catalog to come", catalog)]
            if why:
                commands.add(made.command)
                yield _task(stage.name, made.result, made.shard, state, why)
    if commands:
        result.notes.append(f"comparisons that no run of this job makes: {'; '.join(sorted(commands))}")


def _counted(result: Staleness) -> Staleness:
    counts = Counter((task.stage, task.state, why.reason) for task in result.tasks for why in task.why)
    order = {name: number for number, name in enumerate(registry.names_in_order())}
    result.counts = [
        {"stage": stage, "state": state, "reason": reason, "tasks": number}
        for (stage, state, reason), number in sorted(counts.items(), key=lambda item: (order[item[0][0]], item[0]))
    ]
    return result
