"""Which stages there are; all else that is known of one stands in its own file. A new stage is one line here.

Stages run in the order in which they read what others write. A stage of an optional package, a notebook or a test joins
by `register`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module

from catalogdb import jobs
from catalogdb.errors import InputError
from catalogdb.ledger.stage import Stage

STAGES = {
    "pick": "catalogdb.stages.pick:PickStage",
    "associate": "catalogdb.stages.associate:AssociateStage",
    "locate": "catalogdb.stages.locate:LocateStage",
    "magnitude": "catalogdb.stages.magnitude:MagnitudeStage",
    "assemble": "catalogdb.stages.assemble:AssembleStage",
}
"""Where each stage is; imported when it is asked for."""
EVALUATE = "evaluate"
"""The comparison at the end of a job, which has no tasks in the ledger; see `catalogdb.comparisons`."""
INGEST = "ingest"
"""Reading of catalog files, one task for each name, which no run does again; see `catalogdb.stages.ingest_catalog`."""
KINDS = ("pick_set", "catalog")
"""Kinds of named results: a catalog is made from a pick set."""

_registered: dict[str, type[Stage]] = {}


def register(stage: type[Stage]) -> None:
    """Add a stage to those that jobs may have; a second time it changes nothing.

    Raises:
        InputError: where the name is another stage's.
    """
    if stage.name in STAGES or stage.name in _registered:
        if stage is not stage_type(stage.name):
            raise InputError(f"stage {stage.name!r}: the name is taken", hint="give the stage another name")
        return
    _registered[stage.name] = stage
    if not stage.is_implied:
        jobs.add_stage(stage.name, stage.settings)


def unregister(name: str) -> None:
    """Take away what `register` has added."""
    _registered.pop(name, None)
    jobs.drop_stage(name)


def added() -> tuple[type[Stage], ...]:
    """What `register` has added."""
    return tuple(_registered.values())


def stage_type(name: str) -> type[Stage]:
    """The stage of a name.

    Raises:
        InputError: for a name that no stage has.
    """
    if name in _registered:
        return _registered[name]
    if name not in STAGES:
        raise InputError(f"no stage {name!r}", hint=f"stages are {', '.join([*STAGES, *_registered])}")
    return _imported(STAGES[name])


@cache
def _imported(place: str) -> type[Stage]:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def stage_types() -> list[type[Stage]]:
    """All stages in the order in which they run."""
    left = [stage_type(name) for name in [*STAGES, *_registered]]
    ordered: list[type[Stage]] = []
    while left:
        ready = [stage for stage in left if not any(_reads_from(stage, other) for other in left if other is not stage)]
        if not ready:
            names = ", ".join(stage.name for stage in left)
            raise InputError(f"stages {names}: each reads what another of them writes")
        ordered.append(ready[0])
        left.remove(ready[0])
    return ordered


def _reads_from(stage: type[Stage], other: type[Stage]) -> bool:
    return any(reads.collection in other.collections for reads in stage.reads)


def names_in_order() -> list[str]:
    """Names of all stages in the order in which they run, the comparison last."""
    return [*(stage.name for stage in stage_types()), EVALUATE]


def writers(collection: str) -> list[str]:
    """Names of the stages that write a collection."""
    return [stage.name for stage in stage_types() if collection in stage.collections]


def stages_of(names: Iterable[str], kind: str) -> list[type[Stage]]:
    """The stages of a job that make one kind of result, in order: those of the given names and those implied, without
    those that read what no other of them makes."""
    chosen: list[type[Stage]] = []
    named, of_kind = set(names), [stage for stage in stage_types() if stage.kind == kind]
    for stage in of_kind:
        needs = [reads.collection for reads in stage.reads if not reads.optional]
        own = {collection for other in of_kind if other is not stage for collection in other.collections}
        made = {collection for other in chosen for collection in other.collections}
        if (stage.name in named or stage.is_implied) and made.issuperset(own.intersection(needs)):
            chosen.append(stage)
    return chosen


def makers(kind: str) -> list[str]:
    """Names of the stages that a kind of result begins with: one of them makes it of nothing of its own kind."""
    of_kind = [stage for stage in stage_types() if stage.kind == kind]
    return [stage.name for stage in of_kind if not any(_reads_from(stage, other) for other in of_kind)]


def makes(names: Iterable[str], kind: str) -> bool:
    """Whether stages of these names make a kind of result, rather than read one that is there."""
    return not set(makers(kind)).isdisjoint(names)


def outputs(kind: str) -> tuple[str, ...]:
    """Collections that the stages of one kind of result write."""
    written = [collection for stage in stage_types() if stage.kind == kind for collection in stage.collections]
    return tuple(dict.fromkeys(written))


def verb(name: str) -> str:
    """What the stage of a name did to what it wrote; what no stage here wrote was read from a file."""
    return stage_type(name).verb if name in STAGES or name in _registered else "read"


def begins(stage: Stage) -> bool:
    """Whether a stage reads nothing that another one writes, so that all its shards can be planned from the start."""
    return not any(_reads_from(type(stage), other) for other in stage_types() if other is not type(stage))
