"""Job files: which stages run, where, when and how. One YAML file per job, in `jobs/` or anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    PrivateAttr,
    ValidationError,
    create_model,
    field_validator,
    model_serializer,
    model_validator,
)

from catalogdb import dotted_keys, stage_list
from catalogdb.association.config import AssociateConfig
from catalogdb.channels import SENSOR_PRIORITY
from catalogdb.discrimination.config import EventTypeConfig
from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.features.config import FeaturesConfig
from catalogdb.geo import Region
from catalogdb.job_mistakes import problem
from catalogdb.job_schedule import IngestBlock, ScheduleBlock
from catalogdb.location.config import LocateConfig
from catalogdb.magnitude import MagnitudeConfig
from catalogdb.names import NAME_PATTERN
from catalogdb.picking.config import PickConfig
from catalogdb.relocation.config import RelocateConfig
from catalogdb.resources import resource_folder
from catalogdb.station_patterns import matches_station
from catalogdb.strict_model import StrictModel
from catalogdb.times import in_utc
from catalogdb.yaml_text import packaged_or_own, read_keys

STAGES_OF_A_JOB = ("pick", "associate", "magnitude", "evaluate")  # that names none
PICKING_ALONE = ("pick",)
"""Stages of a job that makes nothing but its pick set."""

_Validated = TypeVar("_Validated", bound=BaseModel)


def _known_stage(name: str) -> str:
    known = stage_list.names_in_jobs()
    if name in known:
        return name
    said, _ = stage_list.unknown(name)
    raise ValueError(f"{said}; jobs may have {', '.join(known)}")


StageName = Annotated[str, AfterValidator(_known_stage)]


def blocks() -> tuple[str, ...]:
    """Names of the blocks that decide results: those of stages that a job always has."""
    fields = _JobBlocks.model_fields
    own = (name for name in stage_list.names_in_jobs() if name in fields and fields[name].default is not None)
    return (*own, *_added())


def _added() -> dict[str, type[BaseModel]]:
    """Blocks of the stages for which a job has no field of its own."""
    others = [name for name in stage_list.names_in_jobs() if name not in _JobBlocks.model_fields]
    settings = ((name, stage_list.stage_class(name).settings) for name in others)
    return {name: model for name, model in settings if model}


def _default(model: type[BaseModel]) -> BaseModel | None:
    """The block where a job doesn't give it: none, where it has keys that must be given."""
    return None if any(field.is_required() for field in model.model_fields.values()) else model()


class Period(StrictModel):
    """The time that a job covers, `[starttime, endtime)`.

    A catalog holds the events whose origin time lies in it. Picks are made of whole shards, so a pick set may hold
    more: events near the end need the picks that come after it.
    """

    starttime: datetime
    endtime: datetime

    @field_validator("starttime", "endtime")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        return in_utc(value)

    @model_validator(mode="after")
    def _ordered(self) -> Period:
        _check_order(self.starttime, self.endtime)
        return self


class PeriodBlock(StrictModel):
    """A period as a job file gives it: two times, or counted back from the start of the run."""

    starttime: datetime | None = Field(None, description="Start; without endtime the period lasts until the run.")
    endtime: datetime | None = Field(None, description="End; with starttime only.")
    last_days: float | None = Field(
        None, gt=0, le=36525, description="Instead of both: so many days up to the start of the run."
    )
    delay_hours: float = Field(
        0,
        ge=0,
        le=87660,
        description="A period that lasts until the run ends so many hours before: what came later is left out.",
    )

    @field_validator("starttime", "endtime")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        return value and in_utc(value)

    @model_validator(mode="after")
    def _one_form(self) -> PeriodBlock:
        if (self.starttime is None) == (self.last_days is None) or (self.last_days and self.endtime):
            raise ValueError("give starttime and endtime, or starttime alone (until the run), or last_days")
        if self.endtime and self.delay_hours:
            raise ValueError("delay_hours is for a period that lasts until the run; this one has an endtime")
        if self.starttime and self.endtime:
            _check_order(self.starttime, self.endtime)
        return self

    def at(self, now: datetime) -> Period:
        """The period of a run that starts at `now`.

        Raises:
            ValueError: for a starttime that lies in the future.
        """
        end = self.endtime or now.astimezone(UTC) - timedelta(hours=self.delay_hours)
        return Period(starttime=self.starttime or end - timedelta(days=self.last_days or 0.0), endtime=end)


class StationSelection(StrictModel):
    """Stations by patterns of `NET.STA` (`*` and `?`), or of `STA` alone."""

    include: tuple[str, ...] = Field(("*",), description="Stations that take part.")
    exclude: tuple[str, ...] = Field((), description="Stations that are left out of them.")

    def takes(self, net: str, sta: str) -> bool:
        """True for a station that takes part."""
        return matches_station(self.include, net, sta) and not matches_station(self.exclude, net, sta)


class PickBlock(PickConfig):
    """The picking stage of a job."""

    channel_priority: tuple[str, ...] = Field(
        SENSOR_PRIORITY,
        description="Band and instrument codes, best first. At each time the best sensor of a station that there is "
        "is picked; then, of equals, that of the first location code.",
    )
    shard_hours: int = Field(24, ge=1, le=24, description="Length of one task; a divisor of 24.")

    @field_validator("shard_hours")
    @classmethod
    def _divides_a_day(cls, value: int) -> int:
        if 24 % value:
            raise ValueError("must divide 24")
        return value


class EvaluateBlock(StrictModel):
    """The comparison at the end of a job."""

    reference: str = Field(description="Catalog to compare with; passed over where the database has none of that name.")
    min_magnitude: float | None = Field(
        None, description="Count events from this magnitude on: the reference's, and proposed ones by their own."
    )
    max_dt: float = Field(2.0, gt=0, le=3600, description="Largest difference of origin times (s).")
    max_km: float = Field(8.0, gt=0, le=20_000, description="Largest distance of epicentres (km).")
    max_pick_dt: float = Field(0.5, gt=0, le=3600, description="Largest difference of pick times (s).")
    event_types: tuple[str, ...] = Field(
        (), description='Types of events that count, such as "quarry blast"; none: all that exist.'
    )


class _JobBlocks(StrictModel):
    name: str = Field(pattern=NAME_PATTERN)
    description: str = ""
    catalog: str = Field(pattern=NAME_PATTERN, description="Name of the catalog that it writes.")
    pick_set: str | None = Field(
        None, pattern=NAME_PATTERN, description="Name of the pick set; none: the catalog's name."
    )
    stages: tuple[StageName, ...] = Field(
        STAGES_OF_A_JOB, description="Stages that it runs: these, and those of installed packages."
    )
    region: Region = Region()
    stations: StationSelection = StationSelection()
    pick: PickBlock = PickBlock()
    associate: AssociateConfig = AssociateConfig()
    locate: LocateConfig = LocateConfig()
    relocate: RelocateConfig = RelocateConfig()
    magnitude: MagnitudeConfig = MagnitudeConfig()
    event_type: EventTypeConfig = EventTypeConfig()
    features: FeaturesConfig = FeaturesConfig()
    evaluate: EvaluateBlock | None = None
    _blocks: dict[str, BaseModel | None] = PrivateAttr(default_factory=dict)

    def block(self, name: str) -> Any:
        """Settings of the stage of this name, a model; None where the job runs without it."""
        return self._blocks[name] if name in self._blocks else getattr(self, name)

    @model_validator(mode="wrap")
    @classmethod
    def _with_added_blocks(cls, document: Any, handler: Callable[[Any], Any]) -> Any:
        """The job with the blocks of stages that were added."""
        added = _added()
        if not added or not isinstance(document, dict):
            return handler(document)
        job = handler({key: value for key, value in document.items() if key not in added})
        blocks: dict[str, Any] = {name: (model | None, _default(model)) for name, model in added.items()}
        given = {key: value for key, value in document.items() if key in added}
        job._blocks.update(dict(create_model("AddedBlocks", **blocks).model_validate(given)))
        return job

    @model_serializer(mode="wrap")
    def _and_added_blocks(self, handler: Callable[[Any], Json]) -> Json:
        added = {name: block and block.model_dump(mode="json") for name, block in self._blocks.items()}
        return handler(self) | added

    @model_validator(mode="after")
    def _prior_in_region(self) -> Self:
        prior, region = self.associate.depth_prior, self.region
        if prior and not region.mindepth_km <= prior.depth_km <= region.maxdepth_km:
            raise ValueError(
                f"associate.depth_prior.depth_km ({prior.depth_km:g}) lies outside of region.mindepth_km "
                f"({region.mindepth_km:g}) and maxdepth_km ({region.maxdepth_km:g})"
            )
        return self

    @property
    def pick_set_name(self) -> str:
        """Name of the pick set, which is the catalog's unless the job says otherwise."""
        return self.pick_set or self.catalog


class Job(_JobBlocks):
    """A job that is ready to run: its period is absolute."""

    period: Period | None = Field(None, description="None: all that the waveforms, or the picks, cover.")


class JobFile(_JobBlocks):
    """One job file."""

    period: PeriodBlock | None = Field(None, description="None: all that the waveforms, or the picks, cover.")
    ingest: IngestBlock | None = Field(
        None, description="What is brought in before the job, by `catalogdb run` and by each firing of its schedule."
    )
    schedule: ScheduleBlock | None = Field(None, description="When `catalogdb schedule` runs it.")
    matrix: dict[str, list[Any] | dict[str, Json]] = Field(
        {},
        description="What `catalogdb sweep` varies: a key with its values (pick.p_threshold: [0.1, 0.3]), or a word "
        "with labels that each set several keys (thresholds: {low: {pick.p_threshold: 0.1, pick.s_threshold: 0.1}}).",
    )

    @property
    def ingest_at_firing(self) -> IngestBlock | None:
        """What a firing of its schedule brings in: what each run does, and what the schedule names besides."""
        of_schedule = self.schedule.ingest if self.schedule else None
        given = [block for block in (self.ingest, of_schedule) if block is not None]
        paths = dict.fromkeys(path for block in given for path in block.waveforms)
        return IngestBlock(waveforms=tuple(paths)) if given else None

    def at(self, now: datetime) -> Job:
        """The job that a run at `now` carries out.

        Raises:
            InputError: for a period that starts in the future.
        """
        try:
            period = self.period and self.period.at(now)
        except ValidationError as error:
            raise InputError(f"job {self.name}: period: {problem(error.errors()[0], Period)}") from None
        document = self.model_dump(exclude={"period", "ingest", "schedule", "matrix"})
        return Job.model_validate(document | {"period": period})


def load_job(path: Path, overrides: Sequence[str] = (), now: datetime | None = None) -> Job:
    """Read a job file, or one of the packaged jobs by name, and make it ready to run.

    Args:
        overrides: `key.sub=value`, values as in YAML.
        now: what a relative period is counted back from; none: the present.

    Raises:
        InputError: naming the file, the key and what is wrong with it; for a job file with a matrix.
    """
    job_file = load_job_file(path, overrides)
    if job_file.matrix:
        raise InputError(
            f"{path}: holds a matrix, so it is many jobs",
            hint=f"catalogdb sweep {path}; or leave the matrix out: --set 'matrix={{}}'",
        )
    return job_file.at(now or datetime.now(UTC))


def load_job_file(path: Path, overrides: Sequence[str] = ()) -> JobFile:
    """Read a job file as it stands: the period may be relative, and there may be a schedule or a matrix.

    Raises:
        InputError: naming the file, the key and what is wrong with it, such as a block that no stage of the job reads.
    """
    document = read_keys(path, resource_folder("jobs"), "job")
    of_file = _with_stages_of_blocks(document).get("stages", ())
    dotted_keys.set_overrides(document, overrides)
    job_file = validated(JobFile, _with_stages_of_blocks(document), str(path))
    _check_blocks_are_read(job_file, document, of_file, path)
    return job_file


def _with_stages_of_blocks(document: Json) -> Json:
    """The document with those stages that a block of their own asks for, each after the one that it follows."""
    stages = document.get("stages", JobFile.model_fields["stages"].default)
    if not isinstance(stages, list | tuple):
        return document
    for name, place in stage_list.STAGES.items():
        before = [number for number, stage in enumerate(stages, 1) if stage in place.follows]
        if name in document and name not in stages and before:
            stages = [*stages[: before[-1]], name, *stages[before[-1] :]]
            document = document | {"stages": stages}
    return document


def _check_blocks_are_read(job_file: JobFile, document: Json, of_file: Any, path: Path) -> None:
    """Refuse a block of a stage that no job has unless it asks for it, where neither the file nor an override names it;
    a stage of the file that an override leaves out may keep its block.

    Args:
        document: what the job file was made of.
        of_file: the stages before overrides.
    """
    asked_for = (*(name for name, place in stage_list.STAGES.items() if place.follows), *_added())
    named = (*job_file.stages, *(of_file if isinstance(of_file, list | tuple) else ()))
    for name in asked_for:
        if document.get(name) is not None and name not in named:
            place = stage_list.STAGES.get(name)
            needed = place.follows[:1] if place else ()  # of which there is none, or the block would have been enough
            raise InputError(
                f"{path}: {name}: a block of a stage that this job does not run",
                hint=f"stages: [{', '.join((*job_file.stages, *needed, name))}], or leave the block out",
            )


def validated(model: type[_Validated], document: Json, where: str) -> _Validated:
    """The document as a `Job` or `JobFile`.

    Raises:
        InputError: naming `where`, the key and what is wrong with it.
    """
    return dotted_keys.validated(model, document, where, _added())


def with_keys(job: Job, values: Mapping[str, Any], where: str) -> Job:
    """The job with some dotted keys changed.

    Raises:
        InputError: naming `where`, the key and what is wrong with it.
    """
    return dotted_keys.with_keys(job, values, where, _added())


def job_path(path: Path) -> Path:
    """Where a job file lies: the path itself, or that of the packaged job of this name."""
    return packaged_or_own(path, resource_folder("jobs"))


def packaged_jobs() -> list[Path]:
    """The job files that come with catalogdb."""
    return sorted(resource_folder("jobs").glob("*.yaml"))


def _check_order(starttime: datetime, endtime: datetime) -> None:
    if starttime >= endtime:
        raise ValueError(f"endtime {endtime.isoformat()} is not after starttime {starttime.isoformat()}")
