"""The end of a run: what its results come to, as its stages tell, and what shows them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from pymongo.database import Database

from catalogdb.jobs import Job
from catalogdb.ledger.stage import Stage
from catalogdb.runs.run_report import RunReport


def conclude(db: Database, job: Job, stages: Iterable[Stage], report: RunReport) -> None:
    """Enter the figures and notes of the run's stages in its report, and the commands that show its results."""
    for stage in stages:
        figures, notes = stage.report(db)
        report.evaluation = figures or report.evaluation
        report.notes += notes
    report.next_commands = list(_next_commands(db, job))


def _next_commands(db: Database, job: Job) -> Iterator[str]:
    """Commands that show what there is of the job's results."""
    name = shlex.quote(job.catalog)
    if db.event.find_one({"catalog": job.catalog}, {"_id": 1}):
        yield f"catalogdb query events catalog={name}"
        yield f"catalogdb report --catalog {name} -o {name}.html"
    elif db.pick.find_one({"pick_set": job.pick_set_name}, {"_id": 1}):
        yield f"catalogdb query picks_per_station_day pick_set={shlex.quote(job.pick_set_name)}"
