"""Schedules as plain documents: which there are, who runs a firing now, and what became of each."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Any

from pymongo.database import Database

from catalogdb.database.lease import NOW, Change, Lease, holder, server_now
from catalogdb.documents.free import AnyDocument, Json
from catalogdb.documents.records import Schedule
from catalogdb.errors import InputError
from catalogdb.identity import content_id, milliseconds
from catalogdb.job_schedule import ScheduleBlock
from catalogdb.jobs import JobFile, job_path, load_job_file, validated
from catalogdb.scheduling.due import Verdict, judge

LEASE_SECONDS = 60.0
MOST_LOSSES = 3
"""A firing whose process was gone so often is not tried again."""
LOST = "its process ended without a word"
ENDED_AS_LOST = Change({"status": "failed", "error": LOST}, {"ended": NOW}, ("token",)).update()


@dataclass(frozen=True)
class Firing:
    """The right to run one firing, for as long as the token stands in the schedule."""

    schedule: str
    due: datetime
    token: str

    @property
    def identity(self) -> str:
        """`_id` of its document."""
        return _firing_id(self.schedule, self.due)

    def lease(self, db: Database) -> Lease:
        """The lease of the schedule, by which the firing is held."""
        return Lease(db.schedule, self.schedule, LEASE_SECONDS, self.token)


# -- which schedules there are


def add_schedule(db: Database, path: Path, overrides: Sequence[str], options: Json) -> Json:
    """Store a job with its schedule, or replace it; firings count from now, unless its times are as before.

    Args:
        options: engine, workers and scheduler of its runs.

    Returns:
        The stored document.

    Raises:
        InputError: for a job file that is wrong, or has no schedule, or a matrix.
    """
    job_file = load_job_file(path, overrides)
    if job_file.schedule is None:
        raise InputError(f"{path}: has no schedule", hint="add one: schedule: {cron: '30 2 * * *'}")
    if job_file.matrix:
        raise InputError(f"{path}: a matrix can't be scheduled", hint="schedule its cells as jobs of their own")
    values: Json = {
        "file": str(job_path(path).resolve()),
        "host": socket.gethostname(),
        "overrides": list(overrides),
        "job_document": _document(job_file),
        "cron": job_file.schedule.cron,
        "timezone": job_file.schedule.timezone,
        "options": {key: value for key, value in options.items() if value is not None},
    }
    name, now = job_file.name, server_now(db)
    held = db.schedule.find_one({"_id": name}, {"cron": 1, "timezone": 1})
    if held is None or any(held[key] != values[key] for key in ("cron", "timezone")):
        values["settled"] = now
    change = {"$set": values, "$currentDate": {"added": True}}
    db.schedule.update_one({"_id": name}, change, upsert=True)
    return db.schedule.find_one({"_id": name}) or {"_id": name, **values}


def remove_schedule(db: Database, name: str) -> None:
    """Remove a schedule; a run that is going on ends by itself, and its firings stay.

    Raises:
        InputError: where there is none of that name.
    """
    if not db.schedule.delete_one({"_id": name}).deleted_count:
        raise unknown_schedule(db, name)


def unknown_schedule(db: Database, name: str) -> InputError:
    """The error that lists the schedules there are."""
    known = ", ".join(sorted(row["_id"] for row in db.schedule.find({}, {"_id": 1}))) or "none"
    return InputError(f"no schedule {name!r} in database {db.name!r}", hint=f"schedules: {known}")


def list_schedules(db: Database) -> list[Json]:
    """The schedules by name: cron, timezone, next (firing), last (firing's document), running, file, job_file, problem.

    `problem` says why this version can't read what is stored; `next` is None then. Else it is None.
    """
    now = server_now(db)
    rows = []
    for row in db.schedule.find().sort("_id"):
        last = db.firing.find_one({"schedule": row["_id"]}, {"token": 0, "_id": 0}, sort=[("due", -1)])
        following, problem = None, None
        try:
            following = block_of(row).next_after(max(now, row["settled"]))
        except InputError as error:
            problem = str(error)
        rows.append(
            {
                "name": row["_id"],
                "cron": row["cron"],
                "timezone": row["timezone"],
                "next": following,
                "running": holder(row, now) is not None,
                "last": last,
                "file": row["file"],
                "job_file": job_file_state(row),
                "options": row.get("options", {}),
                "problem": problem,
            }
        )
    return rows


def next_firings(db: Database, count: int) -> list[Json]:
    """The next firings of all schedules that this version can read, in order of time: due, name."""
    now = server_now(db)

    def firings(name: str, block: ScheduleBlock, settled: datetime) -> Iterator[tuple[datetime, str]]:
        return ((due, name) for due in block.firings(max(now, settled)))

    found = []
    for row in db.schedule.find().sort("_id"):
        with suppress(InputError):
            found.append(firings(row["_id"], block_of(row), row["settled"]))
    return [{"due": due, "name": name} for due, name in islice(merge(*found), count)]


def unreadable(db: Database) -> list[InputError]:
    """What is wrong with the schedules that this version can't read."""
    errors = []
    for row in db.schedule.find().sort("_id"):
        try:
            job_of(row)
        except InputError as error:
            errors.append(error)
    return errors


def job_file_state(row: Schedule) -> str:
    """Whether the file still says what is stored, as seen from this host: same, changed, missing or unreadable."""
    path = Path(row["file"])
    if not path.is_file():
        return "missing"
    try:
        held = load_job_file(path, row["overrides"])
    except InputError:
        return "unreadable"
    try:
        return "same" if held == job_of(row) else "changed"
    except InputError:
        return "changed"


def job_of(row: Schedule) -> JobFile:
    """The job of a stored schedule.

    Raises:
        InputError: naming the schedule, for one that another version of catalogdb stored and this one can't read.
    """
    name = row["_id"]
    hint = f"catalogdb schedule add {row.get('file', 'FILE')}, or catalogdb schedule remove {name}"
    try:
        job_file = validated(JobFile, row["job_document"], f"schedule {name!r}: what is stored can't be read")
    except InputError as error:
        raise InputError(str(error), hint=hint) from None
    if job_file.schedule is None:
        raise InputError(f"schedule {name!r}: what is stored has no times", hint=hint)
    return job_file


def block_of(row: Schedule) -> ScheduleBlock:
    """The times of a stored schedule.

    Raises:
        InputError: as `job_of`.
    """
    schedule = job_of(row).schedule
    assert schedule is not None  # `job_of` refuses a job without
    return schedule


# -- who runs a firing


def due_now(row: Schedule, now: datetime) -> Verdict:
    """What a schedule's document asks for at a server time."""
    block = block_of(row)
    return judge(block.firings(row["settled"], now), now, block.grace, block.coalesce)


def claim(db: Database, name: str) -> Firing | None:
    """Take the next firing that is due; what can't be caught up any more is recorded as missed.

    None while no firing is due, or another process runs one: of a job one runs at a time, whatever the number of
    schedulers. All times are the server's.
    """
    while True:
        row, now = db.schedule.find_one({"_id": name}), server_now(db)
        if row is None:
            return None
        verdict = due_now(row, now)
        if verdict.run is None and verdict.missed is None:
            return None
        lease = Lease(db.schedule, name, LEASE_SECONDS)
        if not lease.take(Change(where={"settled": row["settled"]})):
            return None
        if verdict.missed is not None:
            _record_missed(db, name, verdict)
        if verdict.run is None:
            lease.give_back(Change({"settled": verdict.missed}))
            continue
        firing = Firing(name, verdict.run, lease.token)
        if _begin(db, firing, verdict, job_file_state(row)):
            return firing
        lease.give_back(Change({"settled": firing.due}))


@contextmanager
def kept(db: Database, firing: Firing, lost: Callable[[], object]) -> Iterator[bool]:
    """Within the block, this process keeps the right to a firing that its parent has claimed.

    Args:
        lost: called where another process has it. A firing whose schedule was removed runs to its end.

    Yields:
        False where another process had it before.
    """

    def unless_removed() -> None:
        if db.schedule.find_one({"_id": firing.schedule}, {"_id": 1}) is not None:
            lost()

    lease = firing.lease(db)
    if not lease.take_over():
        yield False
        return
    with lease.kept(unless_removed):
        yield True


def settle(db: Database, firing: Firing, status: str, **values: Any) -> bool:
    """Record what became of a firing and give the right to it back; False where another process has taken it over.

    An interrupted one stays due, so it is run again within its grace time.
    """
    found = {key: value for key, value in values.items() if value is not None}
    mine = {"_id": firing.identity, "token": firing.token}
    change = Change({"status": status, **found}, {"ended": NOW}, ("token",)).update()
    settled = db.firing.update_one(mine, change).matched_count == 1
    firing.lease(db).give_back(Change({} if status == "interrupted" else {"settled": firing.due}))
    return settled


def give_back(db: Database, firing: Firing) -> None:
    """Give back the right to a firing whose process died: it is due still, and the next claim counts the loss."""
    firing.lease(db).give_back()


def _record_missed(db: Database, name: str, verdict: Verdict) -> None:
    """One document for all that were missed, unless the last of them was begun."""
    if verdict.missed is None:
        return
    row = {"schedule": name, "due": verdict.missed, "status": "missed", "stands_for": verdict.missed_count}
    db.firing.update_one({"_id": _firing_id(name, verdict.missed)}, {"$setOnInsert": row}, upsert=True)
    begun = {"schedule": name, "status": "running", "due": {"$lte": verdict.missed}}
    db.firing.update_many(begun, ENDED_AS_LOST)


def _begin(db: Database, firing: Firing, verdict: Verdict, file_state: str) -> bool:
    """Enter the firing as running; False where it is settled already, or was lost too often."""
    others = {"schedule": firing.schedule, "status": "running", "due": {"$ne": firing.due}}
    db.firing.update_many(others, ENDED_AS_LOST)
    held = db.firing.find_one({"_id": firing.identity}) or {}
    if held.get("status") in ("done", "failed"):
        return False
    losses = held.get("losses", 0) + (held.get("status") == "running")
    if losses >= MOST_LOSSES:
        values = {"status": "failed", "error": f"{LOST}, {losses} times", "losses": losses}
        db.firing.update_one({"_id": firing.identity}, Change(values, {"ended": NOW}, ("token",)).update())
        return False
    values = {
        "schedule": firing.schedule,
        "due": firing.due,
        "status": "running",
        "stands_for": verdict.stands_for,
        "host": socket.gethostname(),
        "token": firing.token,
        "losses": losses,
        "job_file": file_state,
    }
    change = Change(values, {"started": NOW}, ("ended", "error", "exit", "run_id"))
    db.firing.update_one({"_id": firing.identity}, change.update(), upsert=True)
    return True


def _firing_id(name: str, due: datetime) -> str:
    return content_id("firing", name, milliseconds(due.timestamp()))


def _document(job_file: JobFile) -> AnyDocument:
    return json.loads(job_file.model_dump_json(exclude={"matrix"}))
