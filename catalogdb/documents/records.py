"""Types of documents: names, the ledger, runs and schedules.

Made by `python docs/reference/generate.py` from `schemas/*.yaml`, which say more of every field. A field that is
not known is not there (`NotRequired`), and never None.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

from catalogdb.documents.free import Json

CatalogKind = Literal["automatic", "reference", "reviewed"]
FiringStatus = Literal["running", "done", "failed", "interrupted", "missed"]
JobFile = Literal["same", "changed", "missing", "unreadable"]
LeaseKind = Literal["catalog", "pick_set", "model", "ingest"]
ModelKind = Literal["trained"]
ModelStatus = Literal["candidate", "accepted", "refused", "pretrained"]
PickSetKind = Literal["automatic", "reference", "reviewed"]
RunStatus = Literal["running", "done", "failed", "interrupted"]
TaskStatus = Literal["pending", "running", "done", "failed", "quarantined"]
TrainingSetKind = Literal["files", "picks", "waveforms"]
VelocityModelKind = Literal["layers", "grid"]


class Catalog(TypedDict):
    """A named earthquake catalog and what made it."""

    _id: str  # Name of the catalog
    kind: CatalogKind  # Who made it
    config_id: str  # Identity of everything that decides the result
    config: NotRequired[Json]  # The resolved configuration
    pick_set: NotRequired[str]  # Name of the pick set that its events are made from
    starttime: NotRequired[float]  # s: Start of the period covered (epoch seconds UTC)
    endtime: NotRequired[float]  # s: End of the period covered (epoch seconds UTC)
    periods: NotRequired[list[Any]]  # Periods [starttime, endtime) of the runs that made it, joined where they ...
    agency_id: NotRequired[str]  # Agency that vouches for it
    source: NotRequired[str]  # File or publication it came from
    licence: NotRequired[str]  # Licence of the data
    created: NotRequired[datetime]  # Server time of the first write
    made_as: NotRequired[str]  # Name that config_id was made with, where the catalog was renamed since
    copied_from: NotRequired[str]  # Name of the catalog that it is a copy of, as that was at `created`
    renamed_from: NotRequired[str]  # Name that documents are being moved from


class Firing(TypedDict):
    """One time at which a scheduled job was due, and what became of it."""

    _id: str  # Content id of (schedule, due)
    schedule: str  # Name of the job
    due: datetime  # When it was due
    status: FiringStatus  # missed
    stands_for: NotRequired[int]  # Firings that were due and are settled with this one, itself included
    started: NotRequired[datetime]  # Server time
    ended: NotRequired[datetime]  # Server time
    host: NotRequired[str]  # Host that runs it
    token: NotRequired[str]  # Of the process that may write here
    run_id: NotRequired[str]  # Its run
    exit: NotRequired[int]  # Exit code, as `catalogdb run` has them
    error: NotRequired[str]  # Why it failed
    losses: NotRequired[int]  # Times that the process which ran it was gone without a word
    job_file: NotRequired[JobFile]  # The file beside the job that ran, as the host saw it


class Lease(TypedDict):
    """The right of one process to write, replace or remove what stands under a name, or to read a job's files."""

    _id: str  # Kind and name
    kind: LeaseKind  # What the name is of
    name: str  # The name
    lease: NotRequired[Json]  # token, owner (host, process, its start), until (server time)


class Migration(TypedDict):
    """Every change of a collection's schema, validator or indexes that was applied to this database, in order."""

    _id: NotRequired[Any]  # ObjectId given by MongoDB
    collection: str  # Collection or view that was changed
    schema_id: str  # Content id of the schema now in force
    previous_schema_id: NotRequired[str]  # Content id of the schema before
    changes: NotRequired[list[Any]]  # What was done, in words
    version: NotRequired[str]  # catalogdb version
    applied: NotRequired[datetime]  # Server time


class ModelParent(TypedDict):
    """The weights that it began with."""

    weights: str  # As the training named them
    sha256: str  # SHA-256 of their tensors' file


class ModelTrainingSet(TypedDict):
    """What it learned from."""

    name: str  # Name of the training set
    digest: str  # Its digest then


class ModelScore(TypedDict):
    """The gate's figures, candidate against parent, on the test part of each training set."""

    on: str  # Training set whose test part it is
    figure: str  # f1_p, f1_s, or error_p, error_s
    parent: float  # The parent's
    candidate: float  # Mean over the seeds
    difference: float  # Candidate less parent
    interval: list[Any]  # Of the difference, by bootstrap of the events
    verdict: str  # better or worse where the whole interval says so, else same
    onsets: int  # Number of labels
    events: int  # Number of events


class Model(TypedDict):
    """A named model of the registry, with one set of weights for each seed in model_weights, and the gate's ...."""

    _id: str  # Name of the model
    kind: ModelKind  # Who made it
    config_id: str  # Identity of everything that decides its weights, but for the seed
    config: Json  # The resolved configuration, with library versions
    description: NotRequired[str]  # What the training's description says
    task: str  # What the network was to learn, for example pick
    architecture: str  # Kind of network, for example phasenet
    parent: NotRequired[ModelParent]  # The weights that it began with
    training_set: ModelTrainingSet  # What it learned from
    licence: NotRequired[str]  # Licence of the weights
    status: ModelStatus  # What the gate said
    chosen: NotRequired[int]  # Seed of the weights that model:NAME stands for
    scores: NotRequired[list[ModelScore]]  # The gate's figures, candidate against parent, on the test part of each ...
    reasons: NotRequired[list[Any]]  # Why it was refused
    judged: NotRequired[str]  # Content id of what the gate judged, and how
    created: NotRequired[datetime]  # Server time of the first write


class PickSetPicked(TypedDict):
    """Of a copy, what the picks were made from, where that is known."""

    net: str  # Network code
    sta: str  # Station code
    spans: list[Any]  # [start, end] of each span that was picked (epoch seconds UTC)


class PickSet(TypedDict):
    """A named set of picks and what made it."""

    _id: str  # Name of the pick set
    kind: PickSetKind  # Who made it
    config_id: str  # Identity of everything that decides the result
    config: NotRequired[Json]  # The resolved configuration, with weights' hash and library versions
    agency_id: NotRequired[str]  # Agency that vouches for it
    source: NotRequired[str]  # File or publication it came from
    licence: NotRequired[str]  # Licence of the data
    repicked_from: NotRequired[str]  # Pick set whose stored peaks it was chosen from
    created: NotRequired[datetime]  # Server time of the first write
    made_as: NotRequired[str]  # Name that config_id was made with, where the pick set was renamed since
    copied_from: NotRequired[str]  # Name of the catalog that it is a copy of, as that was at `created`
    picked: NotRequired[list[PickSetPicked]]  # Of a copy, what the picks were made from, where that is known
    renamed_from: NotRequired[str]  # Name that documents are being moved from


class Run(TypedDict):
    """One execution of a job."""

    _id: str  # Run id
    job: str  # Name of the job
    job_document: NotRequired[Json]  # The resolved job file
    catalog: NotRequired[str]  # Name of the catalog written
    pick_set: NotRequired[str]  # Name of the pick set written
    engine: NotRequired[str]  # local, dask, mpi or slurm
    host: NotRequired[str]  # Host that started it
    versions: NotRequired[Json]  # Versions of the libraries in use
    status: RunStatus  # How it ended
    stages: NotRequired[Json]  # Per stage
    owner: NotRequired[str]  # Process that began it
    workers: NotRequired[list[Any]]  # The processes that take part now
    alive: NotRequired[datetime]  # Server time of its last heartbeat
    lease: NotRequired[Json]  # token, owner (host, process, its start), until (server time), while a participant ...
    started: NotRequired[datetime]  # Server time
    ended: NotRequired[datetime]  # Server time
    error: NotRequired[str]  # Why it ended badly


class Schedule(TypedDict):
    """A job that runs at set times, as `catalogdb schedule add` stored it."""

    _id: str  # Name of the job
    file: str  # Job file that it was read from
    host: NotRequired[str]  # Host where it was added
    overrides: NotRequired[list[Any]]  # key=value changes that were given to `schedule add`
    job_document: Json  # The job as it runs
    cron: str  # Minute, hour, day of month, month, weekday
    timezone: str  # Zone of these times
    options: NotRequired[Json]  # engine, workers and scheduler of its runs
    added: NotRequired[datetime]  # Server time of the last `schedule add`
    settled: datetime  # Firings due up to here have been run, or recorded as missed
    lease: NotRequired[Json]  # token, owner and until (server time) while a firing is run


class Task(TypedDict):
    """The ledger, one row per unit of work."""

    _id: str  # Content id of (stage, config_id, shard)
    stage: str  # ingest, pick, associate, magnitude, assemble, evaluate, or one of another package
    config_id: str  # Identity of the configuration
    result: NotRequired[str]  # Name of the pick set or catalog that it belongs to
    shard: Json  # What the task covers
    starttime: NotRequired[float]  # s: Start of the shard's own period (epoch seconds UTC)
    endtime: NotRequired[float]  # s: End of the shard's own period (epoch seconds UTC)
    status: TaskStatus  # Where it stands
    fingerprint: NotRequired[str]  # Hash of the inputs that the committed output was made from
    inputs: NotRequired[Json]  # What the committed output was made from
    glance: NotRequired[str]  # How many segments of the waveform index the shard had, the sum of their numbers ...
    outputs: NotRequired[Json]  # Short hash of the committed documents by collection, empty for none
    mark: NotRequired[str]  # Of the documents beside the transaction that count, of tasks that write such
    attempts: int  # Times it was claimed since it last succeeded
    crashes: NotRequired[Json]  # Attempts in a row that its worker did not live to end
    lease: NotRequired[Json]  # token, owner (host, process, its start), until (server time) and fingerprint of the ...
    counts: NotRequired[Json]  # What was read, kept and rejected, by reason
    choices: NotRequired[Json]  # Choices made for this shard, such as the channel family, with the alternatives
    problems: NotRequired[list[Any]]  # Inputs that were passed over, each naming the file or record and the reason
    error: NotRequired[str]  # Why the last attempt failed, or was lost
    seconds: NotRequired[Json]  # Wall time by step
    run_id: NotRequired[str]  # Run that last worked on it
    updated: NotRequired[datetime]  # Server time of the last change


class TrainingSet(TypedDict):
    """A named set of labelled records to train and judge pickers with."""

    _id: str  # Name of the training set
    kind: TrainingSetKind  # Where its records are
    config_id: str  # Identity of its description
    config: Json  # Its description
    folders: NotRequired[list[Any]]  # Folders of its files, absolute
    digest: str  # Content id of all that its records are made from
    counts: Json  # Records, events, stations, onsets of P and of S, records of each part, and those of no part, by ...
    rejected: NotRequired[list[Any]]  # What gives no record, each line naming file or record and the reason
    ignored: NotRequired[list[Any]]  # Labelled phases that pickers don't know
    borders: NotRequired[list[Any]]  # Start of the validation and of the test part (epoch seconds UTC), where time ...
    licence: NotRequired[str]  # Licence of the data
    created: NotRequired[datetime]  # Server time of the last change


class VelocityModel(TypedDict):
    """A named velocity model, layers or a 3-D grid."""

    _id: str  # Name of the model, for `locate.velocity_model`
    model_id: str  # Content id of the model
    kind: VelocityModelKind  # layers
    content: Json  # Of layers, what a job's `velocity` holds
    vp: NotRequired[bytes]  # P speeds of a grid, km/s
    vs: NotRequired[bytes]  # S speeds, likewise
    resolution_p: NotRequired[bytes]  # Of a grid that was inverted for, at each node
    resolution_s: NotRequired[bytes]  # Of S slowness, likewise
    source: str  # Files that it was read from, or the catalog whose arrivals it was made from
    created: NotRequired[datetime]  # Server time of the first write
