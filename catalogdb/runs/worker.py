"""What an engine's workers run. Connection and stage, with its model and inventory, are kept per process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from pymongo.database import Database

from catalogdb import logs
from catalogdb.database.connection import connect
from catalogdb.errors import CatalogdbError
from catalogdb.jobs import Job
from catalogdb.ledger.execute import TaskReport, execute
from catalogdb.ledger.stage import PlannedTask, Stage
from catalogdb.ledger.tasks import LeaseTerms
from catalogdb.settings import Settings
from catalogdb.stages import registry
from catalogdb.stages.models import provide_models
from catalogdb.stages.resolve import build_stage, keep_identity


@dataclass(frozen=True)
class CarryOut:
    """Carries out tasks of one stage, in whatever process it is sent to; what comes back is only a report.

    Args:
        added: stages that the job may name besides those that come with catalogdb.
    """

    settings: Settings
    job_json: str
    stage_name: str
    config_id: str
    run_id: str
    added: tuple[type[Stage], ...] = ()

    def __call__(self, planned: PlannedTask) -> TaskReport:
        """Carry out one task.

        Raises:
            CatalogdbError: where this process would make another result than the one that planned the run.
        """
        logs.configure(self.settings.log)
        for added in self.added:
            registry.register(added)
        stage = _process_stage(self.settings, self.job_json, self.stage_name, self.config_id)
        if stage.config_id != self.config_id:
            raise CatalogdbError("this worker has other versions or weights than the process that planned the run")
        terms = LeaseTerms(self.settings.lease_seconds, self.settings.task_attempts)
        return execute(_process_database(self.settings), stage, planned, self.run_id, terms)


@lru_cache(maxsize=8)
def _process_stage(settings: Settings, job_json: str, stage_name: str, config_id: str) -> Stage:
    job = Job.model_validate_json(job_json)
    db = _process_database(settings)
    provide_models(db, job)
    stage = build_stage(stage_name, job, config_id)
    if stage.config_id != config_id:
        keep_identity(db, stage)
    return stage


@cache
def _process_database(settings: Settings) -> Database:
    """A worker never starts a server: on another host that would be another, empty one."""
    return connect(settings, start=False)
