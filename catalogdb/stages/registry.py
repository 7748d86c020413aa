"""What all stages declare, put together: their order, who writes what, what belongs to a kind of result. Which stages
there are stands in `catalogdb.stage_list`; all else that is known of one stands in its own file.

Stages run in the order in which they read what others write.
"""

from __future__ import annotations

from collections.abc import Iterable

from catalogdb import stage_list
from catalogdb.errors import InputError
from catalogdb.ledger.stage import Declared, FileStage, Stage

KINDS = ("model", "pick_set", "catalog")
"""Kinds of named results: a catalog is made from a pick set, and a pick set with a model or other weights."""


def register(stage: type[Stage]) -> None:
    """Add a stage, of a notebook or a test, to those that jobs may have; a second time it changes nothing. Stages of an
    installed package need none of this: they are entry points of the group `catalogdb.stages`.

    Raises:
        InputError: where the name is another stage's.
    """
    stage_list.add(stage)


def unregister(name: str) -> None:
    """Take away what `register` has added."""
    stage_list.drop(name)


def added() -> tuple[type[Stage], ...]:
    """What `register` has added."""
    return stage_list.registered()


def stage_type(name: str) -> type[Declared]:
    """The stage of a name.

    Raises:
        InputError: for a name that no stage has.
    """
    return stage_list.stage_class(name)


def stage_types() -> list[type[Declared]]:
    """All stages in the order in which they run."""
    left = [stage_type(name) for name in stage_list.names()]
    ordered: list[type[Declared]] = []
    while left:
        ready = [stage for stage in left if not any(_reads_from(stage, other) for other in left if other is not stage)]
        if not ready:
            names = ", ".join(stage.name for stage in left)
            raise InputError(f"stages {names}: each reads what another of them writes")
        ordered.append(ready[0])
        left.remove(ready[0])
    return ordered


def _reads_from(stage: type[Declared], other: type[Declared]) -> bool:
    """Whether a stage reads what another one writes; what both of them read and write goes by their turns."""
    return any(
        reads.collection in other.written() and (reads.collection not in stage.written() or other.turn <= stage.turn)
        for reads in stage.reads
    )


def run_stages() -> list[type[Stage]]:
    """The stages that runs of jobs carry out, in order."""
    return [stage for stage in stage_types() if issubclass(stage, Stage)]


def file_stages() -> list[type[FileStage]]:
    """The stages that read files before a job runs, in order."""
    return [stage for stage in stage_types() if issubclass(stage, FileStage)]


def names_in_order() -> list[str]:
    """Names of all stages in the order in which they run."""
    return [stage.name for stage in stage_types()]


def writers(collection: str) -> list[str]:
    """Names of the stages that write a collection."""
    return [stage.name for stage in stage_types() if collection in stage.written()]


def stages_of(names: Iterable[str], kind: str) -> list[type[Stage]]:
    """The stages of a job that make one kind of result, in order: those of the given names and those implied, without
    those that read what no other of them makes."""
    chosen: list[type[Stage]] = []
    named, of_kind = set(names), [stage for stage in run_stages() if stage.kind == kind]
    for stage in of_kind:
        needs = [reads.collection for reads in stage.reads if not reads.optional]
        own = {collection for other in of_kind if other is not stage for collection in other.collections}
        made = {collection for other in chosen for collection in other.collections}
        if (stage.name in named or stage.is_implied) and made.issuperset(own.intersection(needs)):
            chosen.append(stage)
    return chosen


def makers(kind: str) -> list[str]:
    """Names of the stages that a kind of result begins with: one of them makes it of nothing of its own kind."""
    of_kind = [stage for stage in run_stages() if stage.kind == kind]
    return [stage.name for stage in of_kind if not any(_reads_from(stage, other) for other in of_kind)]


def makes(names: Iterable[str], kind: str) -> bool:
    """Whether stages of these names make a kind of result, rather than read one that is there."""
    return not set(makers(kind)).isdisjoint(names)


def outputs(kind: str) -> tuple[str, ...]:
    """Collections that the tasks of one kind of result write."""
    written = [collection for stage in run_stages() if stage.kind == kind for collection in stage.collections]
    return tuple(dict.fromkeys(written))


def beside() -> tuple[str, ...]:
    """Collections that tasks write beside their commits."""
    return tuple(dict.fromkeys(collection for stage in run_stages() for collection in stage.beside))


def copied() -> tuple[str, ...]:
    """Collections that a copy of a catalog takes along besides its events and picks."""
    return tuple(dict.fromkeys(collection for stage in run_stages() for collection in stage.copied))


def kept() -> tuple[str, ...]:
    """Collections that stages keep by themselves, by the names of the catalogs that they are about."""
    return tuple(dict.fromkeys(collection for stage in run_stages() for collection in stage.keeps))


def keepers() -> list[str]:
    """Names of the stages that do so."""
    return [stage.name for stage in run_stages() if stage.keeps]


def never_repeated() -> list[str]:
    """What stands in the ledger as stage of tasks that no run does again: files were read."""
    return [stage.in_ledger for stage in file_stages() if stage.in_ledger]


def verb(name: str) -> str:
    """What the stage of a name in the ledger did to what it wrote."""
    for stage in file_stages():
        if stage.in_ledger == name:
            return stage.verb
    return stage_type(name).verb if name in stage_list.names() else "made"


def begins(stage: Stage) -> bool:
    """Whether a stage reads nothing that another one of a run writes, so that all its shards can be planned from the
    start."""
    return not any(_reads_from(type(stage), other) for other in run_stages() if other is not type(stage))
