"""What a reader of catalog files gives: events and picks as schema documents, with nothing of a database in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NotRequired

from catalogdb.documents.data import EventFields, PickDraft, PickFields


@dataclass(frozen=True, slots=True)
class ReadFrom:
    """Where a record was read.

    line: counted from 1; None where the file has none to speak of (XML).
    source_id: what the event's source called it, where the file calls it otherwise.
    """

    file: str
    line: int | None = None
    source_id: str | None = None


class ReadEvent(EventFields):
    """An event before it is stored. Its origins and magnitudes have an `_id`, and no other field of the database."""

    read_from: NotRequired[ReadFrom]


class ReadPick(PickFields):
    """A pick before it is stored, with what a table of arrivals says of the arrival."""

    arrival: NotRequired[dict[str, float]]
    read_from: NotRequired[ReadFrom]


class ReadPickDraft(PickDraft, total=False):
    """The same in the making."""

    arrival: dict[str, float] | None
    read_from: ReadFrom | None


@dataclass(frozen=True)
class FileReport:
    """What became of one file's records: those read are kept or rejected; those repaired are kept.

    repaired: number of records, in the bulletin's files of lines, of which something was read with a guess or left in
        part. Of QuakeML it is the least that it can be: what is said of picks together is not told apart.
    repaired_lines: their lines.
    rejected_lines: their lines, one entry per record; a line with two phase readings may stand here twice.
    """

    file: str
    format: str
    read: int
    kept: int
    repaired: int
    rejected: int
    repaired_lines: list[int] = field(default_factory=list)
    rejected_lines: list[int] = field(default_factory=list)


@dataclass
class ReferenceCatalog:
    """Events and picks of catalog files.

    events: documents as in `schemas/event.yaml` without `_id`, `catalog`, `config_id`, `task_id`. `source_id` is the
        source's own id. Their `origins` and `magnitudes` are those of `origin.yaml` and `magnitude.yaml`, likewise
        without the database's fields; they have an `_id` (the source's, or a number as text) that differs within the
        event, and that `preferred_origin_id` and `preferred_magnitude_id` name. An origin's `arrivals` name a pick by
        its `source_id` in `pick_id`. An event whose origins have no arrivals gets all picks with its `source_id` as
        `event_key` as arrivals of its preferred origin.
    picks: documents as in `schemas/pick.yaml` without `_id`, `pick_set`, `config_id`, `task_id`. `arrival`, where it
        stands, has the fields of an origin's arrival that a table of arrivals gives with the pick.
        Events and picks may have `read_from` (`ReadFrom`). It and `arrival` are not stored with them.
    rejected: what was left out: "file: record: reason".
    repaired: what was read with a guess or left in part: "file: what was done".
    files: one report per file, of readers that count records and lines.
    notes: what was found out about the files together.
    """

    events: list[ReadEvent] = field(default_factory=list)
    picks: list[ReadPick] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    files: list[FileReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def extend(self, other: ReferenceCatalog) -> None:
        """Take in what another file holds."""
        self.events += other.events
        self.picks += other.picks
        self.rejected += other.rejected
        self.repaired += other.repaired
        self.files += other.files
        self.notes += other.notes
