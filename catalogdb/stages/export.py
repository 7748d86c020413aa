"""Events of a catalog -> one file, which is there whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

from pymongo.database import Database

from catalogdb.documents.data import Pick
from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.exchange.event_filter import EventFilter
from catalogdb.exchange.formats import Command, Format, load, of_command, suffixes
from catalogdb.exchange.writer_words import NO_ARRIVALS
from catalogdb.output_file import write_atomically
from catalogdb.stages.read_catalog import CatalogContents, catalog_contents

OF_NO_EVENT = "picks of no event"
OF_A_MISSING_EVENT = "picks whose event is not in the catalog"
NAME_OF_A_MISSING_EVENT = "names of events that are not in the catalog, of picks written as of no event"

NUMBERED_FORMATS = ("ogs-dat", "ogs-hpl", "ogs-txt", "ogs-txt-separated")
NAMES_STATIONS = ("ogs-txt", "ogs-txt-separated")  # of the picks, and holds none
TABLES = ("csv", "parquet")


def export_catalog(
    db: Database,
    catalog: str,
    output: Path,
    format: str | None = None,
    filter: EventFilter | None = None,
    table: Literal["events", "arrivals"] = "events",
) -> Json:
    """Write the events of a catalog that pass a filter, with their picks, to a file.

    The catalog is read from one snapshot of the database, and streamed: memory holds some hundred events, whatever the
    catalog's size. The file takes its name only once it is complete and on disk; on any failure an older file stays as
    it was and nothing else is left behind.

    With an event go the picks of its arrivals and those that the source put in it. An ingested catalog may have picks
    of no event: `.dat` holds them behind the last event; elsewhere they are counted as left out. A filter that chooses
    events leaves them out as well, as it does the events that it does not choose, and they are not counted.

    Args:
        catalog: name of the catalog.
        output: the file to write.
        format: one of `catalogdb.exchange.formats` that is written into one file; none: by the suffix.
        filter: which events, and in which order; none: all, by time.
        table: rows of csv and Parquet: one per event, or one per arrival of the preferred origins.

    Returns:
        Summary: catalog, output, format, selected (events that the filter lets through), events and picks that are in
        the file, picks_of_no_event among them, bytes, and `left_out`: what the format can't hold, by reason.

    Raises:
        InputError: for an unknown catalog, an unknown suffix or an output that can't be written.
    """
    output = Path(output)
    chosen = written_format("catalog", output, format)
    if chosen.name not in TABLES and table != "events":
        name = "QuakeML" if chosen.name == "quakeml" else chosen.name
        raise InputError(f"{name} holds events with their arrivals: a table of arrivals is csv or Parquet")
    holds_picks = table == "arrivals" if chosen.name in TABLES else chosen.holds == "events and picks"
    wanted = holds_picks or chosen.name in NAMES_STATIONS
    with catalog_contents(db, catalog, filter or EventFilter(), wanted, holds_picks) as contents:
        task = _Export(contents, catalog, chosen, table)
        size = write_atomically(output, task.write)
    return {
        "catalog": catalog,
        "output": str(output),
        "format": chosen.name,
        "selected": contents.counts["events"],
        "events": task.written["events"],
        "picks": task.written["picks"],
        "picks_of_no_event": task.written["picks_of_no_event"],
        "bytes": size,
        "left_out": {reason: number for reason, number in task.left_out.items() if number},
    }


def written_format(command: Command, output: Path, name: str | None) -> Format:
    """The format of a file to write: the one named, in any case, else by the file's suffix.

    Raises:
        InputError: naming the formats that there are.
    """
    written = of_command(command, is_written=True)
    known = {name: item for name, item in written.items() if not item.is_folder}
    if name is not None and name.lower() not in known:
        raise InputError(f"no format {name!r} of {command} is written", hint=f"there are {', '.join(written)}")
    chosen = name.lower() if name else suffixes(command).get(output.suffix.lower())
    if chosen is None:
        folders = [name for name, item in written.items() if item.is_folder]
        of_folders = f"; for a folder, --format with one of {', '.join(folders)}" if folders else ""
        raise InputError(
            f"{output}: no known format for the suffix {output.suffix!r}",
            hint=f"use one of {', '.join(suffixes(command))}, or --format with one of {', '.join(known)}{of_folders}",
        )
    return known[chosen]


@dataclass
class _Export:
    """One export, and what becomes of events and picks: how many are `written`, and `left_out` by reason."""

    contents: CatalogContents
    catalog: str
    format: Format
    table: str
    written: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def write(self, stream: BinaryIO) -> None:
        """Write the whole file."""
        if self.format.name in TABLES:
            self._write_table(stream)
        elif self.format.name == "quakeml":
            from catalogdb.exchange.quakeml_writer import write_quakeml

            self.written["events"] = write_quakeml(self.contents.events, stream, self.catalog)
            self.written["picks"] = self.contents.counts["picks"]
        else:
            self._write_events(stream)
        for pick in self.contents.picks_of_no_event:  # what no writer took
            self.left_out[OF_A_MISSING_EVENT if "event_key" in pick else OF_NO_EVENT] += 1

    def _write_events(self, stream: BinaryIO) -> None:
        more: Json = {}
        if self.format.name in NUMBERED_FORMATS:
            more["source_ids"] = iter(self.contents.source_ids)
        if self.format.holds == "events and picks":
            more["written"] = self.written
        if self.format.name == "ogs-dat":
            more["picks_of_no_event"] = self._nameless(self.contents.picks_of_no_event)
        write = load(self.format.writer or "")
        self.written["events"] = write(self.contents.events, stream, self.left_out, **more)

    def _write_table(self, stream: BinaryIO) -> None:
        from catalogdb.exchange import tables

        write = tables.write_csv if self.format.name == "csv" else tables.write_parquet
        if self.table == "events":
            rows = (tables.event_row(event) for event, _ in self.contents.events)
            self.written["events"] = write(rows, tables.EVENT_COLUMNS, stream)
            return

        def arrivals() -> Iterator[Json]:
            for event, picks in self.contents.events:
                rows = list(tables.arrival_rows(event, picks))
                self.written["events"] += bool(rows)
                self.left_out[NO_ARRIVALS] += not rows
                yield from rows

        self.written["picks"] = write(arrivals(), tables.ARRIVAL_COLUMNS, stream)
        self.left_out["picks that are in no arrival of a preferred origin"] = (
            self.contents.counts["picks"] - self.written["picks"]
        )

    def _nameless(self, picks: Iterator[Pick]) -> Iterator[Pick]:
        """The picks; where they name an event that is not there, the file can't hold its name."""
        for pick in picks:
            if "event_key" in pick:
                self.left_out[NAME_OF_A_MISSING_EVENT] += 1
            yield pick
