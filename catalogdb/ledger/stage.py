"""The stage contract: what every step of the pipeline declares and does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import BaseModel
from pymongo.database import Database

from catalogdb.documents.free import Json
from catalogdb.ledger.parts import Change, Parts, Tell, fingerprint


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
        beside: documents that one transaction wouldn't hold, see `ledger.beside`.
        counts: what was read, kept and rejected, by reason.
        choices: choices made for this shard, with the alternatives.
        problems: inputs passed over, each naming file or record and reason.
        backend: what ran a network, if one ran.
        parts, glance: what it was made from, as in `Inputs`; entered where the task is executed.
        digests: identity of the documents by collection, empty for none; entered likewise.
        kind: of the named result that it belongs to, as in `Stage`; entered likewise.
        mark: of what was written beside; entered likewise.
    """

    documents: dict[str, list[Any]]
    counts: dict[str, int] = field(default_factory=dict)
    choices: Json = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    backend: str | None = None
    parts: Parts = field(default_factory=dict)
    glance: str | None = None
    digests: dict[str, str] = field(default_factory=dict)
    kind: str | None = None
    beside: Mapping[str, Iterable[Any]] = field(default_factory=dict)
    mark: str | None = None


@dataclass(frozen=True)
class MadeByHand:
    """What a stage keeps that was made by a command, not by a run of the job at hand.

    Args:
        result: name of the catalog that it was made for.
        shard: what it covers.
        before, now: parts of the inputs that it was made from (None: it was broken off), and those of now.
        command: makes it again.
    """

    result: str
    shard: Shard
    before: Parts | None
    now: Parts
    command: str


@dataclass(frozen=True)
class Reads:
    """One collection that a stage reads.

    Args:
        collection: its name.
        words: what it holds, as notes name it ("picks").
        padding: what a task of the stage reads on either side of its shard (s).
        takes: whether the stage reads what belongs to a shard of this key.
        optional: the stage runs in a job that doesn't make it, too.
    """

    collection: str
    words: str
    padding: Callable[[Any], float] = lambda stage: 0.0
    takes: Callable[[Any, Mapping[str, Any]], bool] = lambda stage, key: True
    optional: bool = False


class Declared:
    """What a step of the pipeline declares of itself, so that planning, staleness, removal and documentation know no
    stage by name; see docs/how-to/add-a-stage.md.

    Attributes:
        name: in job files and in the ledger.
        kind: of the named result that it belongs to, `pick_set` or `catalog`.
        reads: what it reads of the database; what other stages write decides the order of the stages.
        collections: what it writes; of a stage with tasks, what their commits write.
        beside: those of them that are too large for the commit, see `ledger.beside`.
        copied: collections that a copy of the catalog takes along: their documents are about one event (`event_id`), or
            about the catalog as a whole. Origins and magnitudes are in the events.
        keeps: what it writes by itself, in a stream of its own, since one transaction can't hold it; the documents name
            the catalogs that they are about, and go with them.
        settings: model of its block in job files, which has its name; a job where that is null runs without it.
        revision: raised when another version of the code makes other results, see `identity`.
        turn: of two stages that read and write one collection, that of the later turn reads what the other writes.
        is_implied: it runs in every job that makes what it reads; job files don't name it, and have no block of it.
        words: by kind of its inputs' parts, what a change of one is called.
        verb: what it does to what it writes ("picked").
    """

    name: ClassVar[str]
    kind: ClassVar[str | None] = None
    reads: ClassVar[tuple[Reads, ...]] = ()
    collections: ClassVar[tuple[str, ...]] = ()
    beside: ClassVar[tuple[str, ...]] = ()
    copied: ClassVar[tuple[str, ...]] = ()
    keeps: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[type[BaseModel] | None] = None
    revision: ClassVar[int] = 1
    turn: ClassVar[int] = 0
    is_implied: ClassVar[bool] = False
    words: ClassVar[Mapping[str, Tell]] = {}
    verb: ClassVar[str] = "made"

    @classmethod
    def written(cls) -> tuple[str, ...]:
        """All collections that it writes."""
        return (*cls.collections, *cls.keeps)

    @classmethod
    def identity(cls, job: Any) -> Json:
        """What of it decides the result of a job that it belongs to, as part of the result's configuration."""
        if not cls.is_implied and cls.name not in job.stages:
            return {}
        block = job.block(cls.name) if cls.settings else None
        if cls.settings and block is None:
            return {}
        return {cls.name: {"revision": cls.revision, **(block.model_dump(mode="json") if block else {})}}


class FileStage(Declared):
    """A step that reads files into the database before jobs run, as `catalogdb ingest` does. Its shards are files; it
    plans no tasks, since what is known of each file stands in a collection of its own.

    Attributes:
        states: that collection.
        in_ledger: the stage that the ledger's rows of it name, where it has some; no run does them again.
    """

    is_implied = True
    states: ClassVar[str]
    in_ledger: ClassVar[str | None] = None

    @classmethod
    def bring_in(cls, db: Database, block: Any, unread: list[str]) -> None:
        """Read what is new or has changed of what a block of its `settings` names.

        Args:
            unread: what can't be read is added to it, each line with its file.

        Raises:
            InputError: where what the block names is not there.
        """


class Stage(Declared, ABC):
    """One step that runs of jobs carry out, bound to a job and a configuration.

    Attributes:
        job, config_id, result: the job, identity of the configuration, and name of the result.
    """

    config_id: str
    result: str

    def __init__(self, job: Any, config_id: str):
        self.job = job
        self.config_id = config_id
        self.result = job.pick_set_name if self.kind == "pick_set" else job.catalog

    def check(self, db: Database) -> None:  # noqa: B027  nothing to check, by default
        """Refuse a job that can't run as it stands.

        Raises:
            InputError: where the database holds nothing that the stage could work on.
        """

    def parts(self, db: Database) -> Iterable[tuple[Shard, Parts]]:
        """The shards that should exist (those with inputs, and those that once had some), and their inputs' parts."""
        return ()

    def changed_parts(self, db: Database) -> Iterable[tuple[Shard, Parts]]:
        """Those of them that may be other than what their tasks were made from; all of them, unless a stage can tell
        without looking at each."""
        return self.parts(db)

    def plan(self, db: Database) -> Iterable[PlannedTask]:
        """The same shards, each with the fingerprint of its parts."""
        for shard, parts in self.parts(db):
            yield PlannedTask(shard, fingerprint(parts))

    @abstractmethod
    def read(self, db: Database, shard: Shard) -> Inputs:
        """Fetch one shard's inputs; the only place where a stage reads collections or files."""

    @abstractmethod
    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Make the documents; pure."""

    @staticmethod
    def notes(counts: Mapping[str, int], done: int, planned: int) -> list[str]:
        """What a run came to means for a user: what is missing, why, and the next step.

        Args:
            counts: of the tasks that the run did, added up.
            done, planned: numbers of the tasks that the run did, and of all.
        """
        return []

    @staticmethod
    def outcome(counts: Mapping[str, int]) -> tuple[str, list[str]]:
        """What the tasks of a run found, in a few words ("" for nothing worth a line), and what they lost, with why.

        Args:
            counts: of the tasks that the run did, added up.
        """
        return "", []

    def before(self, to_do: int) -> list[str]:
        """What a user should know before so many tasks begin, such as a setting by which they take less time."""
        return []

    def report(self, db: Database) -> tuple[Json | None, list[str]]:
        """At the end of a run: figures of the result for the run's report, where the stage has some, and notes."""
        return None, []

    @classmethod
    def made_by_hand(cls, db: Database, catalog: str, job: Any) -> Iterable[MadeByHand]:
        """Of what it keeps, what is about a catalog and no run of the job makes again."""
        return ()

    @classmethod
    def telling(cls, changes: Sequence[Change]) -> Iterable[Change]:
        """The changes of a task's inputs without those that follow from others."""
        return changes
