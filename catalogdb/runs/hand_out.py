"""A stage's tasks through an engine, until each has a report: what a lost worker held is charged and done elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass, replace

from pymongo.database import Database

from catalogdb import logs
from catalogdb.batches import batches
from catalogdb.database.connection import DATABASE_GONE, through_failover, wait_for_server
from catalogdb.database.lease import ASK_AGAIN_SECONDS
from catalogdb.engines import map_unordered, worker_was_lost
from catalogdb.errors import CatalogdbError
from catalogdb.ledger import tasks
from catalogdb.ledger.execute import TaskReport
from catalogdb.ledger.lost import release_dead, take_back
from catalogdb.ledger.stage import PlannedTask, Stage
from catalogdb.ledger.tasks import LeaseTerms
from catalogdb.runs.run_report import tasks_are
from catalogdb.runs.stage_run import Plan

BATCH = 1000
MOST_LOSSES = 10
"""A task whose worker was lost so often before it got to it, or that another run had in hand so often, is given up."""


@dataclass(frozen=True)
class HandOut:
    """Hands tasks to the workers of an engine, which says when each call ends.

    The engine only says that a worker is lost. Which task it held stands in the ledger: that one, and no other, is
    charged, and quarantined when it has taken down so many workers in a row as the terms say.

    Args:
        pool, capacity: as `engines.executor` gives them.
        on_worker: gives for a stage what carries out one task of it; sent to the workers.
    """

    pool: Executor
    capacity: int
    on_worker: Callable[[Stage], Callable[[PlannedTask], TaskReport]]
    terms: LeaseTerms = LeaseTerms()
    waits: bool = True

    def carry_out(
        self, db: Database, stage: Stage, plan: Plan, run_id: str, done: Callable[[TaskReport], None]
    ) -> None:
        """Carry out the tasks; those of lost workers again, and at last those that another run had in hand, unless it
        has done them.

        Raises:
            CatalogdbError, PyMongoError: what would meet every other task, too.
            KeyboardInterrupt: a worker was told to end.
        """
        losses: Counter[str] = Counter()
        to_do, function = plan.to_do, self.on_worker(stage)
        while to_do:
            again, held = [], []
            for item, future in map_unordered(self.pool, self.capacity, function, to_do):
                report = _report(db, stage, item, future, run_id, self.terms.attempts, losses)
                if report is None:
                    again.append(item)
                elif report.status == "held" and losses[report.task_id] < MOST_LOSSES:
                    losses[report.task_id] += 1
                    held.append(item)
                else:
                    done(report)
            _wait_for_others(db, stage, [tasks.task_id(stage, item.shard) for item in held], self.terms.attempts)
            to_do = again + held


def _report(
    db: Database,
    stage: Stage,
    item: PlannedTask,
    future: Future,
    run_id: str,
    attempts: int,
    losses: Counter[str],
) -> TaskReport | None:
    """What became of a task; None where it is to be done again."""
    identity = tasks.task_id(stage, item.shard)
    try:
        error = future.exception()
    except CancelledError:
        raise CatalogdbError(
            "the engine has given up a task: its scheduler was lost", hint="run the same command again to go on"
        ) from None
    if error is None:
        report = future.result()
        if report.status != "held":
            return report
        if take_back(db, identity, run_id, attempts, charged=True) is not None:
            return None  # the engine gave it to a second worker while the ledger still had the lost one's lease
        return _done_elsewhere(db, item, report)
    if isinstance(error, (CatalogdbError, KeyboardInterrupt)):  # KeyboardInterrupt: a worker was told to end
        raise error
    if isinstance(error, DATABASE_GONE):
        wait_for_server(db)  # raises where not just that worker is cut off
        take_back(db, identity, run_id, attempts, charged=False)
        lost = "its workers lost the database"
    elif worker_was_lost(error):
        if take_back(db, identity, run_id, attempts, charged=True) is not None:
            return None
        lost = "its workers were lost before they began it"
    else:
        take_back(db, identity, run_id, attempts, charged=False)
        return TaskReport(identity, item.shard, "failed", error=f"{type(error).__name__}: {error}")
    losses[identity] += 1
    if losses[identity] < MOST_LOSSES:
        return None
    return TaskReport(identity, item.shard, "failed", error=f"{lost}, {MOST_LOSSES} times")


def _wait_for_others(db: Database, stage: Stage, identities: list[str], attempts: int) -> None:
    """Wait until no other run has one of these tasks in hand."""
    holders = _holders(db, identities)
    for holder, number in holders.items():
        logs.notice(f"{stage.name}: {tasks_are(number)} in the hands of {holder}: waiting for it")
    while holders:
        time.sleep(ASK_AGAIN_SECONDS)
        release_dead(db, stage, attempts)
        holders = _holders(db, identities)


def _holders(db: Database, identities: list[str]) -> Counter[str]:
    """Who has how many of these tasks in hand."""

    def find() -> Counter[str]:
        running = [{"_id": {"$in": batch}, "status": "running"} for batch in batches(identities, BATCH)]
        return Counter(row["lease"]["owner"] for query in running for row in db.task.find(query, {"lease.owner": 1}))

    return through_failover(db, find)


def _done_elsewhere(db: Database, item: PlannedTask, report: TaskReport) -> TaskReport:
    """A task that another run has done meanwhile, with the same inputs, is up to date; nothing of it is left to do."""
    done = {"_id": report.task_id, "status": "done", "fingerprint": item.fingerprint}
    if db.task.find_one(done, {"_id": 1}) is None:
        return report
    problems = [*report.problems, *([report.error] if report.error else [])]
    return replace(report, status="up_to_date", problems=problems, error=None)
