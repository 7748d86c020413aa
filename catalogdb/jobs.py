"""Job files: which stages run, where, when and how. One YAML file per job, in `jobs/` or anywhere."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from catalogdb.association.config import AssociateConfig
from catalogdb.errors import InputError
from catalogdb.geo import Region
from catalogdb.magnitude import MagnitudeConfig
from catalogdb.picking.config import PickConfig
from catalogdb.resources import resource_folder

StageName = Literal["pick", "associate", "magnitude", "evaluate"]
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Period(_Block):
    """The time that a job covers, `[starttime, endtime)`, rounded outward to whole shards and windows."""

    starttime: datetime
    endtime: datetime

    @field_validator("starttime", "endtime")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    @model_validator(mode="after")
    def _ordered(self) -> Period:
        if self.starttime >= self.endtime:
            raise ValueError(f"endtime {self.endtime.isoformat()} is not after starttime {self.starttime.isoformat()}")
        return self


class StationSelection(_Block):
    """Stations by patterns of `NET.STA` (`*` and `?`), or of `STA` alone."""

    include: tuple[str, ...] = Field(("*",), description="Stations that take part.")
    exclude: tuple[str, ...] = Field((), description="Stations that are left out of them.")

    def takes(self, net: str, sta: str) -> bool:
        """True for a station that takes part."""
        return _matches(self.include, net, sta) and not _matches(self.exclude, net, sta)


class PickBlock(PickConfig):
    """The picking stage of a job."""

    channel_priority: tuple[str, ...] = Field(
        (
            *("HH", "EH", "EP", "HN", "EN", "HG", "BH", "SH", "CH", "DH"),
            *("DP", "GP", "CN", "BN", "HL", "SL"),
        ),
        description="Band and instrument codes, best first. One sensor of each station and shard is picked: the first "
        "of these that covers at least half of what the best-covered one does.",
    )
    shard_hours: int = Field(24, ge=1, le=24, description="Length of one task; a divisor of 24.")

    @field_validator("shard_hours")
    @classmethod
    def _divides_a_day(cls, value: int) -> int:
        if 24 % value:
            raise ValueError("must divide 24")
        return value


class EvaluateBlock(_Block):
    """The comparison at the end of a job."""

    reference: str = Field(description="Catalog to compare with; passed over where the database has none of that name.")
    min_magnitude: float | None = Field(None, description="Reference events from this magnitude on are counted.")
    max_dt: float = Field(2.0, gt=0, description="Largest difference of origin times (s).")
    max_km: float = Field(8.0, gt=0, description="Largest distance of epicentres (km).")
    max_pick_dt: float = Field(0.5, gt=0, description="Largest difference of pick times (s).")


class Job(_Block):
    """One job file."""

    name: str = Field(pattern=NAME_PATTERN)
    description: str = ""
    catalog: str = Field(pattern=NAME_PATTERN, description="Name of the catalog that it writes.")
    pick_set: str | None = Field(
        None, pattern=NAME_PATTERN, description="Name of the pick set; none: the catalog's name."
    )
    stages: tuple[StageName, ...] = ("pick", "associate", "magnitude", "evaluate")
    period: Period | None = Field(None, description="None: all that the waveforms, or the picks, cover.")
    region: Region = Region()
    stations: StationSelection = StationSelection()
    pick: PickBlock = PickBlock()
    associate: AssociateConfig = AssociateConfig()
    magnitude: MagnitudeConfig = MagnitudeConfig()
    evaluate: EvaluateBlock | None = None

    @property
    def pick_set_name(self) -> str:
        """Name of the pick set, which is the catalog's unless the job says otherwise."""
        return self.pick_set or self.catalog


def load_job(path: Path, overrides: Sequence[str] = ()) -> Job:
    """Read a job file, or one of the packaged jobs by name, and apply `key.sub=value` overrides (values as in YAML).

    Raises:
        InputError: naming the file, the key and what is wrong with it.
    """
    document = _read(path)
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator or not key:
            raise InputError(
                f"--set {override}: not of the form key=value", hint="for example --set pick.p_threshold=0.2"
            )
        _set(document, key.strip().split("."), _parse(text, override), override)
    try:
        return Job.model_validate(document)
    except ValidationError as error:
        raise InputError(f"{path}: " + "; ".join(_problem(item) for item in error.errors())) from None


def packaged_jobs() -> list[Path]:
    """The job files that come with catalogdb."""
    return sorted(resource_folder("jobs").glob("*.yaml"))


def _read(path: Path) -> dict[str, Any]:
    found = path
    if not path.exists() and path.name == str(path):  # a bare name
        found = resource_folder("jobs") / (path.name if path.suffix == ".yaml" else f"{path.name}.yaml")
    try:
        document = yaml.safe_load(found.read_text())
    except FileNotFoundError:
        names = ", ".join(job.stem for job in packaged_jobs())
        raise InputError(f"{path}: no such job file", hint=f"a path, or one of {names}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not a readable YAML file: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: not a job: the file holds no keys")
    return document


def _parse(text: str, override: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"--set {override}: the value is not YAML: {error}") from error


def _set(document: dict[str, Any], keys: list[str], value: Any, override: str) -> None:
    for key in keys[:-1]:
        document = document.setdefault(key, {})
        if not isinstance(document, dict):
            raise InputError(f"--set {override}: {key} is a value, not a block of keys")
    document[keys[-1]] = value


def _problem(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"]) or "the job"
    if item["type"] == "extra_forbidden":
        known = _keys_beside(item["loc"])
        close = difflib.get_close_matches(str(item["loc"][-1]), known, 1)
        return f"{where}: unknown key; " + (f"did you mean {close[0]}?" if close else f"keys are {', '.join(known)}")
    if item["type"] == "missing":
        return f"{where}: missing"
    if item["type"] == "model_type":
        return f"{where}: must be a block of keys, such as {{{', '.join(_keys_beside((*item['loc'], '')))}}}"
    return f"{where}: {item['msg'].removeprefix('Value error, ')}" + (
        "" if item["type"] == "value_error" else f" (got {item['input']!r})"
    )


def _keys_beside(location: tuple[str | int, ...]) -> list[str]:
    """Keys of the block that a location lies in."""
    model: Any = Job
    for part in location[:-1]:
        annotation = model.model_fields[part].annotation if part in getattr(model, "model_fields", {}) else None
        candidates = [annotation, *get_args(annotation)]
        model = next((item for item in candidates if isinstance(item, type) and issubclass(item, BaseModel)), None)
        if model is None:
            return []
    return list(model.model_fields)


def _matches(patterns: Sequence[str], net: str, sta: str) -> bool:
    return any(fnmatch.fnmatchcase(f"{net}.{sta}" if "." in pattern else sta, pattern) for pattern in patterns)
