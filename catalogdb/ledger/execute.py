"""The one way in which a task of any stage is carried out."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from pymongo.database import Database

from catalogdb import logs
from catalogdb.database.connection import DATABASE_GONE
from catalogdb.errors import CatalogdbError, LostLease
from catalogdb.ledger import beside, tasks
from catalogdb.ledger.lost import shard_name
from catalogdb.ledger.parts import documents_digest
from catalogdb.ledger.stage import Output, PlannedTask, Shard, Stage
from catalogdb.profile import profiled, timed

ATTEMPTS = 5
"""So often a task is retried because the database went away under it and came back, or a lease besides its own."""


@dataclass(frozen=True)
class TaskReport:
    """What became of one task.

    Args:
        status: `done`, `failed`, `quarantined` (it was refused, since it takes workers down) or `held` (another worker
            has it, or has just done it).
    """

    task_id: str
    shard: Shard
    status: str
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    error: str | None = None
    backend: str | None = None


class _Again(Exception):
    """The database went away under a task, and is there again; or a lease that it took besides its own."""


def execute(
    db: Database,
    stage: Stage,
    planned: PlannedTask,
    run_id: str | None = None,
    terms: tasks.LeaseTerms = tasks.LeaseTerms(),
) -> TaskReport:
    """Carry out one task under a lease: claim, read, process, commit.

    A failure of the task is recorded in the ledger and reported; raised are only a lost database and an interrupt.
    Where another primary takes over, the server is back in time, or a lease besides the task's own was lost, the task
    is retried.
    """
    identity = tasks.task_id(stage, planned.shard)
    shard = shard_name(planned.shard.key, planned.shard.starttime)
    with logs.bound(run_id=run_id, task_id=identity, stage=stage.name, result=stage.result, shard=shard):
        for _ in range(ATTEMPTS):
            try:
                report = _attempt(db, stage, planned, identity, run_id, terms)
            except _Again as again:
                reason = again.__cause__ or again
                logs.event("task retried", logging.WARNING, error=str(reason))
            else:
                _log(report)
                return report
    if isinstance(reason, LostLease):
        return TaskReport(identity, planned.shard, "held", error=str(reason))
    raise reason


def _log(report: TaskReport) -> None:
    level = logging.INFO if report.status in ("done", "held") else logging.ERROR
    seconds = {step: round(value, 4) for step, value in report.seconds.items()}
    error = {"error": report.error} if report.error else {}
    logs.event(f"task {report.status}", level, seconds=seconds, counts=report.counts, **error)


def _attempt(
    db: Database, stage: Stage, planned: PlannedTask, identity: str, run_id: str | None, terms: tasks.LeaseTerms
) -> TaskReport:
    shard = planned.shard
    lease = tasks.claim(db, identity, planned.fingerprint, run_id, terms)
    if lease is None:
        return _refused(db, planned, identity, run_id)
    with lease.kept(), profiled() as seconds:
        try:
            with timed("read"):
                inputs = stage.read(db, shard)
            with timed("process"):
                output = stage.process(shard, inputs)
            with timed("write"):
                _complete(output, stage, identity)
                output.parts, output.glance, output.kind = inputs.parts, inputs.glance, stage.kind
                output.digests = {name: documents_digest(rows) for name, rows in output.documents.items()}
                written = beside.write(db, identity, stage.config_id, stage.beside, output.beside)
                output.mark = written.mark
                tasks.commit(db, lease, output, inputs.fingerprint, dict(seconds))
                beside.drop_older(db, identity, stage.beside, written)
        except LostLease as error:
            if tasks.give_back(lease):  # it is one that the stage takes besides that was lost, as of a comparison
                raise _Again from error
            return TaskReport(identity, shard, "held", error=str(error))
        except DATABASE_GONE as error:
            tasks.give_back(lease)  # raises where there is still no server
            raise _Again from error
        except Exception as error:  # whatever a shard's data do, it must not stop the others
            message = str(error) if isinstance(error, CatalogdbError) else f"{type(error).__name__}: {error}"
            tasks.fail(lease, message)
            return TaskReport(identity, shard, "failed", seconds=seconds, error=message)
        except BaseException:  # Ctrl-C, SIGTERM
            tasks.release(lease)
            raise
    return TaskReport(identity, shard, "done", output.counts, output.problems, seconds, backend=output.backend)


def _refused(db: Database, planned: PlannedTask, identity: str, run_id: str | None) -> TaskReport:
    """Why a task could not be claimed."""
    fields = {"status": 1, "error": 1, "fingerprint": 1, "run_id": 1, "counts": 1, "problems": 1}
    row = db.task.find_one({"_id": identity}, fields) or {}
    if row.get("status") == "quarantined":
        return TaskReport(identity, planned.shard, "quarantined", error=row["error"])
    ours = run_id is not None and row.get("run_id") == run_id and row.get("fingerprint") == planned.fingerprint
    if ours and row["status"] == "done":  # committed, and then the server or the worker went before it could be said
        return TaskReport(identity, planned.shard, "done", row.get("counts", {}), row.get("problems", []))
    return TaskReport(identity, planned.shard, "held")


def _complete(output: Output, stage: Stage, identity: str) -> None:
    """Give every document the fields that say where it comes from."""
    unknown = {*output.documents, *output.beside} - set(stage.collections)
    if unknown:
        raise CatalogdbError(f"stage {stage.name} may not write to {sorted(unknown)}")
    for documents in output.documents.values():
        for document in documents:
            document["config_id"] = stage.config_id
            document["task_id"] = identity
