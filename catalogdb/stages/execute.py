"""The one way in which a task of any stage is carried out."""

from __future__ import annotations

from dataclasses import dataclass, field

from pymongo.database import Database

from catalogdb.errors import CatalogdbError, LostLease
from catalogdb.profile import profiled, timed
from catalogdb.stages import tasks
from catalogdb.stages.stage import Output, PlannedTask, Shard, Stage


@dataclass(frozen=True)
class TaskReport:
    """What became of one task: `done`, `failed` or `held` (another worker has it, or has just done it)."""

    task_id: str
    shard: Shard
    status: str
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    error: str | None = None
    backend: str | None = None


def execute(db: Database, stage: Stage, planned: PlannedTask, run_id: str | None = None) -> TaskReport:
    """Carry out one task under a lease: claim, read, process, commit.

    A failure of the task is recorded in the ledger and reported; raised are only a lost database and an interrupt.
    """
    shard = planned.shard
    identity = tasks.task_id(stage, shard)
    lease = tasks.claim(db, identity, planned.fingerprint, run_id)
    if lease is None:
        return TaskReport(identity, shard, "held")
    with tasks.heartbeat(db, lease), profiled() as seconds:
        try:
            with timed("read"):
                inputs = stage.read(db, shard)
            with timed("process"):
                output = stage.process(shard, inputs)
            with timed("write"):
                _complete(output, stage, identity)
                tasks.commit(db, lease, output, inputs.fingerprint, dict(seconds))
        except LostLease as error:
            return TaskReport(identity, shard, "held", error=str(error))
        except tasks.DATABASE_GONE:
            raise
        except Exception as error:  # whatever a shard's data do, it must not stop the others
            message = str(error) if isinstance(error, CatalogdbError) else f"{type(error).__name__}: {error}"
            tasks.fail(db, lease, message)
            return TaskReport(identity, shard, "failed", seconds=seconds, error=message)
        except BaseException:  # Ctrl-C, SIGTERM
            tasks.release(db, lease)
            raise
    return TaskReport(identity, shard, "done", output.counts, output.problems, seconds, backend=output.backend)


def _complete(output: Output, stage: Stage, identity: str) -> None:
    """Give every document the fields that say where it comes from."""
    unknown = set(output.documents) - set(stage.collections)
    if unknown:
        raise CatalogdbError(f"stage {stage.name} may not write to {sorted(unknown)}")
    for documents in output.documents.values():
        for document in documents:
            document["config_id"] = stage.config_id
            document["task_id"] = identity
