"""The end of a run: what its results come to, as its stages tell."""

from __future__ import annotations

from pymongo.database import Database

from catalogdb.jobs import Job
from catalogdb.runs.run_report import RunReport
from catalogdb.stages.resolve import build_stage, stages_in


def conclude(db: Database, job: Job, report: RunReport) -> None:
    """Enter the figures and notes of the job's stages in the run's report."""
    for stage in stages_in(job, "catalog"):
        figures, notes = build_stage(stage.name, job).report(db)
        report.evaluation = figures or report.evaluation
        report.notes += notes
