"""Tasks claimed straight from the ledger, by any number of workers beside one another, with no scheduler."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.database import Database

from catalogdb.batches import batches
from catalogdb.database.connection import through_failover
from catalogdb.database.lease import FIELDS as LEASE_FIELDS
from catalogdb.ledger.execute import TaskReport, execute
from catalogdb.ledger.stage import PlannedTask, Stage
from catalogdb.ledger.tasks import LeaseTerms, release_dead, task_id
from catalogdb.runs.run_report import Standing, located
from catalogdb.runs.stage_run import Plan

LOOK_AT = 200
"""Rows of the ledger asked for at once."""
FIELDS = {"status": 1, "fingerprint": 1, "run_id": 1, "updated": 1, "error": 1, "crashes.fingerprint": 1}
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
"""Seconds between looks at the ledger while all that is left is in other hands."""


@dataclass(frozen=True)
class Claim:
    """Claims tasks from the ledger and carries them out in this process, one after the other.

    Args:
        place: where among the tasks to begin, in [0, 1).
        waits: wait for what other workers have in hand, to go on with the next stage; else end when nothing is free.
    """

    place: float
    waits: bool = True
    terms: LeaseTerms = LeaseTerms()

    def carry_out(
        self, db: Database, stage: Stage, plan: Plan, run_id: str, done: Callable[[TaskReport], None]
    ) -> Standing:
        """Do what is free; where it waits, until no task is pending or running."""
        left = OpenTasks(db, stage, plan.to_do, run_id, plan.began, self.place)
        pause = FIRST_PAUSE
        while len(left):
            if free := through_failover(db, left.free):
                pause = FIRST_PAUSE
                for item in free:
                    task = execute(db, stage, item, run_id, self.terms)
                    if task.status == "held" or not task.seconds:  # no seconds: another worker of this run has done it
                        left.move_to()
                        break
                    left.finished(task.task_id, task.error)
                    done(task)
            elif not len(left) or not self.waits:
                break
            else:
                time.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(2 * pause, LONGEST_PAUSE)
                release_dead(db, stage, self.terms.attempts)
        failures = list(left.failures.values())
        return Standing(len(failures) - left.quarantined, left.quarantined, failures, len(left))


class OpenTasks:
    """The tasks of one stage that nobody has finished yet.

    Workers that begin at different places meet seldom; a worker that meets another one goes elsewhere.

    Args:
        db: the database.
        stage: the stage.
        to_do: tasks that were not up to date when this worker planned.
        run_id: the run that the worker belongs to: what has failed in it is not tried again.
        planned_at: server time at which this worker began to plan; what was done since has newer inputs than its plan.
        place: where among the tasks to begin, in [0, 1).
    """

    def __init__(
        self,
        db: Database,
        stage: Stage,
        to_do: list[PlannedTask],
        run_id: str,
        planned_at: datetime,
        place: float,
    ):
        self._db = db
        self._run_id = run_id
        self._planned_at = planned_at
        self._open = {task_id(stage, item.shard): item for item in to_do}
        self.failures: dict[str, str] = {}
        """By task: what it covers and why it failed, with whatever worker."""
        self.quarantined = 0
        self.move_to(place)

    def __len__(self) -> int:
        return len(self._open)

    def move_to(self, place: float | None = None) -> None:
        """Go on at another place among the tasks; None: anywhere."""
        items = list(self._open.items())
        first = int(len(items) * (random.random() if place is None else place))
        self._open = dict(items[first:] + items[:first])

    def finished(self, identity: str, error: str | None = None) -> None:
        """Leave out a task that is finished; with the reason, where it failed."""
        item = self._open.pop(identity)
        if error is not None:
            self.failures[identity] = located(item.shard, error)

    def free(self) -> list[PlannedTask]:
        """The next tasks that can be claimed; none where all that are left are in other hands."""
        for identities in batches(list(self._open), LOOK_AT):
            rows = self._db.task.find({"_id": {"$in": identities}}, FIELDS | LEASE_FIELDS)
            states = {row["_id"]: row for row in rows}
            for identity in identities:
                self._leave_out_if_finished(identity, states.get(identity))
            free = [
                self._open[identity]
                for identity in identities
                if identity in self._open and (states[identity]["status"] != "running" or states[identity]["expired"])
            ]
            if free:
                return free
        return []

    def _leave_out_if_finished(self, identity: str, row: Mapping[str, Any] | None) -> None:
        if row is None:  # removed with its pick set or catalog
            self.finished(identity, "its results were removed while it was to be made")
            return
        status, wanted = row["status"], self._open[identity].fingerprint
        if status == "done":
            # `updated` guards against doing a task again for ever whose inputs change while we look
            over = row.get("fingerprint") == wanted or row["updated"] >= self._planned_at
        elif status == "quarantined":
            over = row.get("crashes", {}).get("fingerprint") == wanted
        else:
            over = status == "failed" and row.get("run_id") == self._run_id
        if over:
            self.quarantined += status == "quarantined"
            self.finished(identity, None if status == "done" else row.get("error", "failed"))
