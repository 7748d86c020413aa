"""Which stages there are and where: those that come with catalogdb, one line each, those of installed packages, and
those that a script has registered. Job files and `stages.registry` both go by this list; a stage is imported when it
is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from catalogdb import logs
from catalogdb.errors import InputError

GROUP = "catalogdb.stages"
"""Entry points of this group are stages of other packages."""
DECLARED = ("name", "reads", "collections", "settings", "is_implied", "identity")
"""What a class has to have to be taken for a stage."""
RESERVED = (
    *("name", "description", "catalog", "pick_set", "stages", "period", "stations", "region"),
    *("ingest", "schedule", "matrix"),
)
"""Keys of job files that are no stage's block."""


@dataclass(frozen=True)
class Place:
    """Where a stage is.

    Args:
        path: `module:Class`.
        in_jobs: job files may name it in `stages`; the others are implied, or read files before a job runs.
        follows: a block of this stage in a job file is enough to have it run, after the last of these.
    """

    path: str
    in_jobs: bool = True
    follows: tuple[str, ...] = ()


STAGES = {
    "ingest_stations": Place("catalogdb.stages.ingest_stations:IngestStations", in_jobs=False),
    "ingest_waveforms": Place("catalogdb.stages.ingest_waveforms:IngestWaveforms", in_jobs=False),
    "ingest_catalog": Place("catalogdb.stages.ingest_catalog:IngestCatalog", in_jobs=False),
    "train": Place("catalogdb.stages.train:TrainStage", in_jobs=False),
    "pick": Place("catalogdb.stages.pick:PickStage"),
    "associate": Place("catalogdb.stages.associate:AssociateStage"),
    "locate": Place("catalogdb.stages.locate:LocateStage", follows=("associate",)),
    "relocate": Place("catalogdb.stages.relocate:RelocateStage", follows=("associate", "locate")),
    "magnitude": Place("catalogdb.stages.magnitude:MagnitudeStage"),
    "event_type": Place("catalogdb.stages.event_type:EventTypeStage", follows=("associate", "locate", "relocate")),
    "assemble": Place("catalogdb.stages.assemble:AssembleStage", in_jobs=False),
    "features": Place(
        "catalogdb.stages.features:FeaturesStage", follows=("associate", "locate", "relocate", "magnitude")
    ),
    "evaluate": Place("catalogdb.stages.evaluate:EvaluateStage"),
}
"""Stages that come with catalogdb."""

_registered: dict[str, Any] = {}


@dataclass(frozen=True)
class Packaged:
    """Stages of installed packages, by name, and why others can't be used, by the names of their entry points."""

    stages: dict[str, Any]
    broken: dict[str, str]


@cache
def packaged() -> Packaged:
    """Stages of installed packages. One that can't be used is left out, and that is said once."""
    found = Packaged({}, {})
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        package = entry.dist.name if entry.dist else entry.module
        try:
            stage = _checked(entry.load(), found.stages)
        except Exception as error:  # whatever the package does, it must not stop the others
            what = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            found.broken[entry.name] = f"stage {entry.name!r} of package {package} ({entry.value}): {what}"
            logs.notice(f"{found.broken[entry.name]}; update or uninstall {package}")
        else:
            found.stages[stage.name] = stage
    return found


def _checked(stage: Any, others: dict[str, Any]) -> Any:
    missing = [name for name in DECLARED if not hasattr(stage, name)]
    if missing:
        raise InputError(f"it is no stage: it has no {missing[0]}")
    if stage.name in STAGES or stage.name in others:
        raise InputError(f"the name {stage.name!r} is taken")
    if stage.name in RESERVED:
        raise InputError(f"the name {stage.name!r} is a key of job files")
    return stage


def add(stage: Any) -> None:
    """Add a stage for as long as this process lives; a second time it changes nothing.

    Raises:
        InputError: where the name is another stage's.
    """
    if stage.name in names():
        if stage is not stage_class(stage.name):
            raise InputError(f"stage {stage.name!r}: the name is taken", hint="give the stage another name")
        return
    if stage.name in RESERVED:
        raise InputError(f"stage {stage.name!r}: that is a key of job files", hint="give the stage another name")
    _registered[stage.name] = stage


def drop(name: str) -> None:
    """Take away what `add` has added."""
    _registered.pop(name, None)


def registered() -> tuple[Any, ...]:
    """What `add` has added."""
    return tuple(_registered.values())


def names() -> list[str]:
    """Names of all stages."""
    return [*STAGES, *packaged().stages, *_registered]


def names_in_jobs() -> list[str]:
    """Names of the stages that job files may name."""
    added = packaged().stages | _registered
    return [
        *(name for name, place in STAGES.items() if place.in_jobs),
        *(name for name, stage in added.items() if not stage.is_implied),
    ]


def stage_class(name: str) -> Any:
    """The stage of a name.

    Raises:
        InputError: for a name that no stage has, and for a stage of a package that can't be used.
    """
    if name in _registered:
        return _registered[name]
    if name in STAGES:
        return _imported(STAGES[name].path)
    if name in packaged().stages:
        return packaged().stages[name]
    raise InputError(*unknown(name))


def unknown(name: str) -> tuple[str, str]:
    """What is said of a name that no stage has, and the hint."""
    if name in packaged().broken:
        return packaged().broken[name], "update or uninstall that package"
    return f"no stage {name!r}", f"stages are {', '.join(names())}"


@cache
def _imported(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
