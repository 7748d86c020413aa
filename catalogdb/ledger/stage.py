"""The stage contract: what every step of the pipeline gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pymongo.database import Database

from catalogdb.ledger.parts import Parts


@dataclass(frozen=True)
class Shard:
    """What one task covers.

    Args:
        key: plain values that tell the shards of a stage apart.
        starttime: start of the shard's own period (epoch seconds UTC); it owns what happens in `[starttime, endtime)`.
        endtime: end of that period.
    """

    key: Mapping[str, Any]
    starttime: float
    endtime: float


@dataclass(frozen=True)
class PlannedTask:
    """A shard that should exist, with the fingerprint of the inputs that it would be made from now, and their glance
    (see `Inputs`) where the stage has one and had to look further."""

    shard: Shard
    fingerprint: str
    glance: str | None = None


@dataclass(frozen=True)
class Inputs:
    """What a task was given: data for the science, with the parts that they are made from and their fingerprint.

    Args:
        glance: what of the collections can be seen without looking at each input; where it is as it was, so are the
            inputs. None where a stage has no such short cut.
    """

    data: Any
    fingerprint: str
    parts: Parts = field(default_factory=dict)
    glance: str | None = None


@dataclass
class Output:
    """What a task made.

    Args:
        documents: new documents by collection, each complete but for `task_id`.
        counts: what was read, kept and rejected, by reason.
        choices: choices made for this shard, with the alternatives.
        problems: inputs passed over, each naming file or record and reason.
        backend: what ran a network, if one ran.
        parts, glance: what it was made from, as in `Inputs`; entered where the task is executed.
        digests: identity of the documents by collection, empty for none; entered likewise.
    """

    documents: dict[str, list[dict[str, Any]]]
    counts: dict[str, int] = field(default_factory=dict)
    choices: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    backend: str | None = None
    parts: Parts = field(default_factory=dict)
    glance: str | None = None
    digests: dict[str, str] = field(default_factory=dict)


class Stage(Protocol):
    """One step of the pipeline, bound to one configuration."""

    name: str
    collections: tuple[str, ...]
    config_id: str
    result: str

    def parts(self, db: Database) -> Iterable[tuple[Shard, Parts]]:
        """The shards that should exist (those with inputs, and those that once had some), and their inputs' parts."""

    def plan(self, db: Database) -> Iterable[PlannedTask]:
        """The same shards, each with the fingerprint of its parts."""

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Fetch one shard's inputs; the only place where a stage reads collections or files."""

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Make the documents; pure."""
