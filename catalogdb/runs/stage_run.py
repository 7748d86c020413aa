"""One stage of a run: its plan against the ledger, its tasks by one of two ways, what became of them in the record."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pymongo.database import Database
from pymongo.errors import PyMongoError

from catalogdb.database.connection import through_failover
from catalogdb.database.lease import server_now
from catalogdb.ledger import tasks
from catalogdb.ledger.execute import TaskReport
from catalogdb.ledger.stage import PlannedTask, Stage
from catalogdb.runs import run_record
from catalogdb.runs.run_report import StageReport, Standing

Progress = Callable[[str, int, TaskReport | str | None], None]
"""Called with (stage, number of tasks, None) when a stage starts, then with what is to be known before its tasks begin,
a line each, and with each task's report."""


@dataclass(frozen=True)
class Plan:
    """What is to be done of a stage.

    Args:
        began: server time at which the planning began; what was done since has newer inputs than the plan.
        planned: number of tasks that should exist.
        to_do: those of them that are missing or stale.
    """

    began: datetime
    planned: int
    to_do: list[PlannedTask]
    up_to_date: int


class Way(Protocol):
    """How the tasks of a stage are carried out: `HandOut` to the workers of an engine, or `Claim` from the ledger."""

    @property
    def terms(self) -> tasks.LeaseTerms:
        """On which tasks are held."""

    @property
    def waits(self) -> bool:
        """Whether it waits for what other participants have in hand."""

    def carry_out(
        self, db: Database, stage: Stage, plan: Plan, run_id: str, done: Callable[[TaskReport], None]
    ) -> Standing | None:
        """Carry out the tasks.

        Args:
            done: called with the report of each task that this participant did.

        Returns:
            How the stage stands; None where this participant's own reports say all.
        """


def run_stage(
    db: Database,
    stage: Stage,
    run_id: str,
    result: StageReport,
    way: Way,
    progress: Progress = lambda stage, total, report: None,
) -> Standing:
    """Do what is missing or stale of one stage.

    Args:
        result: what this participant does is added to it.
        progress: see `Progress`.
    """

    def plan_now() -> Plan:
        began = server_now(db)
        tasks.release_dead(db, stage, way.terms.attempts)
        planned = list(stage.plan(db))
        return Plan(began, len(planned), *tasks.register(db, stage, planned))

    plan = through_failover(db, plan_now)
    result.planned, result.up_to_date = plan.planned, plan.up_to_date
    run_record.begin_stage(db, run_id, stage.name, plan.planned, plan.up_to_date)
    progress(stage.name, len(plan.to_do), None)
    for line in stage.before(len(plan.to_do)):
        progress(stage.name, len(plan.to_do), line)

    def done(task: TaskReport) -> None:
        result.add(task)
        progress(stage.name, len(plan.to_do), task)

    def record(standing: Standing) -> None:
        run_record.add_stage(db, run_id, stage.name, result, standing, result.up_to_date - plan.up_to_date)

    try:
        standing = way.carry_out(db, stage, plan, run_id, done) or Standing.of(result)
    except BaseException:
        with suppress(PyMongoError):
            record(Standing.of(result))
        raise
    record(standing)
    return standing
