"""A worker that claims shards of a job straight from the ledger; any number of them do a run with no scheduler."""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass

from catalogdb import logs
from catalogdb.database.connection import connect
from catalogdb.database.initialise import initialise
from catalogdb.jobs import Job
from catalogdb.ledger.tasks import LeaseTerms
from catalogdb.runs.claims import Claim
from catalogdb.runs.run import Progress, new_report, prepare, take_part
from catalogdb.runs.run_report import RunReport
from catalogdb.settings import Settings

ENGINE = "work"
GOLDEN_RATIO = 0.6180339887
FIRST_SPECIAL_STEP = 0xFFFFFFF0
"""From here on Slurm numbers what srun did not start, such as the shell of an interactive allocation."""


@dataclass(frozen=True)
class Worker:
    """One of a run's workers.

    Args:
        run_id: the run that it takes part in.
        claim: how it takes tasks.
    """

    run_id: str
    claim: Claim


def this_worker(
    settings: Settings, run_id: str | None = None, wait: bool = True, environment: Mapping[str, str] = os.environ
) -> Worker:
    """This process as a worker.

    Elements of a Slurm job array take part in one run, and so do the tasks of an srun step of several; every other
    worker has a run of its own, unless it is given one. Multiples of the golden ratio, modulo 1, lie far apart however
    many workers there are.
    """
    place = random.random()
    shared = _shared_on_slurm(environment)
    if shared:
        element, process = (int(environment.get(name, 0)) for name in ("SLURM_ARRAY_TASK_ID", "SLURM_PROCID"))
        index = element * int(environment.get("SLURM_NTASKS", 1)) + process
        place = index * GOLDEN_RATIO % 1
        run_id = run_id or f"slurm-{environment.get('SLURM_CLUSTER_NAME', 'cluster')}-{shared}"
    terms = LeaseTerms(settings.lease_seconds, settings.task_attempts)
    return Worker(run_id or uuid.uuid4().hex, Claim(place, wait, terms))


def _shared_on_slurm(environment: Mapping[str, str]) -> str | None:
    """What this process has in common with others that Slurm started for the same command: the array, or the step."""
    if array := environment.get("SLURM_ARRAY_JOB_ID"):
        return array
    job, step = (environment.get(name, "") for name in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    alone = int(environment.get("SLURM_NTASKS", 1)) < 2
    if alone or not job or not step.isdigit() or int(step) >= FIRST_SPECIAL_STEP:
        return None
    return f"{job}.{step}"


def work_job(
    settings: Settings,
    job: Job,
    worker: Worker,
    name: str | None = None,
    progress: Progress = lambda stage, total, report: None,
) -> RunReport:
    """Take part in a run of a job: do what is free of each stage, until nothing is left.

    Returns:
        What this worker did. Its status is that of the run, `running` where others go on with it.

    Raises:
        InputError: for a job that can't run as it stands, and for a run of another job.
        DatabaseError, PyMongoError: when the database can't be used.
    """
    logs.configure(settings.log)
    db = connect(settings, start=False)
    initialise(db)
    prepared = prepare(db, job, name)
    report = new_report(prepared.job, worker.run_id)
    return take_part(db, prepared, report, ENGINE, nullcontext(worker.claim), progress)
