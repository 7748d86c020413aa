"""Events of a catalog -> one file, which is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

from pymongo.database import Database

from catalogdb.database.named import require_catalog
from catalogdb.errors import InputError
from catalogdb.exchange.documents import event_keys
from catalogdb.exchange.event_filter import EventFilter

BATCH_EVENTS = 500
BATCH_PICKS = 5000
OF_NO_EVENT = "picks of no event"
OF_A_MISSING_EVENT = "picks whose event is not in the catalog"
NAME_OF_A_MISSING_EVENT = "names of events that are not in the catalog, of picks written as of no event"

OgsFormat = Literal["ogs-dat", "ogs-hpl", "ogs-hpc", "ogs-pun", "ogs-txt", "ogs-txt-separated", "hypo71"]
ExportFormat = Literal["quakeml", "csv", "parquet"] | OgsFormat
SUFFIXES: dict[str, ExportFormat] = {
    ".xml": "quakeml",
    ".qml": "quakeml",
    ".quakeml": "quakeml",
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".dat": "ogs-dat",
    ".hpl": "ogs-hpl",
    ".hpc": "ogs-hpc",
    ".pun": "ogs-pun",
    ".txt": "ogs-txt",
}
OGS_FORMATS: tuple[str, ...] = get_args(OgsFormat)
EventWithPicks = tuple[dict[str, Any], list[dict[str, Any]]]
FORMATS = {*SUFFIXES.values(), *OGS_FORMATS}
NUMBERED_FORMATS = ("ogs-dat", "ogs-hpl", "ogs-txt", "ogs-txt-separated")
WITH_PICKS = ("quakeml", "ogs-dat", "ogs-hpl", "ogs-hpc", "hypo71")
NAMES_STATIONS = ("ogs-txt", "ogs-txt-separated")  # of the picks, and holds none


def export_catalog(
    db: Database,
    catalog: str,
    output: Path,
    format: ExportFormat | None = None,
    filter: EventFilter | None = None,
    table: Literal["events", "arrivals"] = "events",
) -> dict[str, Any]:
    """Write the events of a catalog that pass a filter, with their picks, to a file.

    The events are streamed: memory holds some hundred of them, whatever the catalog's size. The file takes its name
    only once it is complete and on disk; on any failure an older file stays as it was and nothing else is left behind.

    With an event go the picks of its arrivals and those that the source put in it. An ingested catalog may have picks
    of no event: `.dat` holds them behind the last event; elsewhere they are counted as left out. A filter that chooses
    events leaves them out as well, as it does the events that it does not choose, and they are not counted.

    Args:
        catalog: name of the catalog.
        output: the file to write.
        format: none: by the suffix, `.xml`/`.qml`/`.quakeml`, `.csv`, `.parquet`, `.dat`, `.hpl`, `.hpc`, `.pun`,
            `.txt`.
        filter: which events, and in which order; none: all, by time.
        table: rows of csv and Parquet: one per event, or one per arrival of the preferred origins.

    Returns:
        Summary: catalog, output, format, selected (events that the filter lets through), events and picks that are in
        the file, picks_of_no_event among them, bytes, and `left_out`: what the format can't hold, by reason.

    Raises:
        InputError: for an unknown catalog, an unknown suffix or an output that can't be written.
    """
    output = Path(output)
    chosen = format or SUFFIXES.get(output.suffix.lower())
    if chosen not in FORMATS:
        raise InputError(
            f"{output}: no known format for the suffix {output.suffix!r}",
            hint=f"use one of {', '.join(SUFFIXES)}, or --format",
        )
    if chosen not in ("csv", "parquet") and table != "events":
        name = "QuakeML" if chosen == "quakeml" else chosen
        raise InputError(f"{name} holds events with their arrivals: a table of arrivals is csv or Parquet")
    require_catalog(db, catalog)
    filter = filter or EventFilter()
    task = _Export(db, catalog, chosen, table, filter)
    size = write_atomically(output, task.write)
    return {
        "catalog": catalog,
        "output": str(output),
        "format": chosen,
        "selected": task.read["events"],
        "events": task.written["events"],
        "picks": task.written["picks"],
        "picks_of_no_event": task.written["picks_of_no_event"],
        "bytes": size,
        "left_out": {reason: number for reason, number in task.left_out.items() if number},
    }


@dataclass
class _Export:
    """One export, and what becomes of events and picks: how many are `read`, `written`, and `left_out` by reason."""

    db: Database
    catalog: str
    format: str
    table: str
    filter: EventFilter
    read: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def write(self, stream: BinaryIO) -> None:
        """Write the whole file."""
        holds_picks = self.format in WITH_PICKS or self.table == "arrivals"
        is_with_picks = holds_picks or self.format in NAMES_STATIONS
        events = _events_with_picks(self.db, self.catalog, self.filter, is_with_picks, self.read)
        if self.format in OGS_FORMATS:
            self._write_ogs(events, stream)
        elif self.format == "quakeml":
            from catalogdb.exchange.quakeml_writer import write_quakeml

            self.written["events"] = write_quakeml(events, stream, self.catalog)
            self.written["picks"] = self.read["picks"]
        else:
            self._write_table(events, stream)
        if holds_picks and self.format != "ogs-dat":
            for pick in self._picks_of_no_event({"event_key": 1, "other_event_keys": 1}):
                self.left_out[OF_A_MISSING_EVENT if "event_key" in pick else OF_NO_EVENT] += 1

    def _write_ogs(self, events: Iterator[EventWithPicks], stream: BinaryIO) -> None:
        from catalogdb.exchange.ogs import write_cards, write_listing, write_summaries

        write = {
            "ogs-dat": write_cards.write_dat,
            "ogs-hpl": write_listing.write_hpl,
            "ogs-hpc": write_listing.write_hpc,
            "ogs-pun": write_summaries.write_pun,
            "ogs-txt": write_summaries.write_txt,
            "ogs-txt-separated": write_summaries.write_separated_txt,
            "hypo71": write_cards.write_hypo71,
        }[self.format]
        more: dict[str, Any] = {}
        if self.format in NUMBERED_FORMATS:
            more["source_ids"] = _source_ids(self.db, self.catalog, self.filter)
        if self.format in WITH_PICKS:
            more["written"] = self.written
        if self.format == "ogs-dat":
            more["picks_of_no_event"] = self._nameless(self._picks_of_no_event())
        self.written["events"] = write(events, stream, self.left_out, **more)

    def _write_table(self, events: Iterator[EventWithPicks], stream: BinaryIO) -> None:
        from catalogdb.exchange import tables

        write = tables.write_csv if self.format == "csv" else tables.write_parquet
        if self.table == "events":
            rows = (tables.event_row(event) for event, _ in events)
            self.written["events"] = write(rows, tables.EVENT_COLUMNS, stream)
            return

        def arrivals() -> Iterator[dict[str, Any]]:
            for event, picks in events:
                rows = list(tables.arrival_rows(event, picks))
                self.written["events"] += bool(rows)
                self.left_out["events without arrivals"] += not rows
                yield from rows

        self.written["picks"] = write(arrivals(), tables.ARRIVAL_COLUMNS, stream)
        self.left_out["picks that are in no arrival of a preferred origin"] = self.read["picks"] - self.written["picks"]

    def _picks_of_no_event(self, fields: dict[str, int] | None = None) -> Iterator[dict[str, Any]]:
        """Picks of an ingested catalog that name no event of it, by time; none where a filter chooses events."""
        held = self.db.catalog.find_one({"_id": self.catalog}, {"pick_set": 1, "config.files": 1}) or {}
        is_filtered = self.filter.model_copy(update={"orderby": "time-asc"}) != EventFilter()
        if is_filtered or "pick_set" not in held or "files" not in held.get("config", {}):
            return
        keys = set(_source_ids(self.db, self.catalog, self.filter))
        picks = self.db.pick.find({"pick_set": held["pick_set"]}, fields).sort([("time", 1), ("_id", 1)])
        for pick in picks.batch_size(BATCH_PICKS):
            if keys.isdisjoint(event_keys(pick)):
                yield pick

    def _nameless(self, picks: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The picks; where they name an event that is not there, the file can't hold its name."""
        for pick in picks:
            if "event_key" in pick:
                self.left_out[NAME_OF_A_MISSING_EVENT] += 1
            yield pick


def write_atomically(output: Path, write: Callable[[BinaryIO], Any]) -> int:
    """Let `write` fill a file beside `output` and give it that name when it is complete; its size in bytes is returned.

    Raises:
        InputError: when the folder or the file can't be written.
    """
    temporary = None
    try:
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{output.name}.", suffix=".part", dir=output.parent)
            mode = output.stat().st_mode & 0o777 if output.exists() else 0o666 & ~_umask()
            os.fchmod(handle, mode)
            with open(handle, "wb") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            size = os.path.getsize(temporary)
            os.replace(temporary, output)
            temporary = None
        finally:
            if temporary is not None:
                os.unlink(temporary)
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error.strerror or error}") from error
    _sync_folder(output.parent)
    return size


def _events_with_picks(
    db: Database, catalog: str, filter: EventFilter, want_picks: bool, read: Counter[str]
) -> Iterator[EventWithPicks]:
    """Events with the picks of their arrivals and those that name them in `event_key`; both are counted in `read`."""
    pick_set = (db.catalog.find_one({"_id": catalog}, {"pick_set": 1}) or {}).get("pick_set") if want_picks else None
    for batch in _batches(_chosen(db, catalog, filter).batch_size(BATCH_EVENTS)):
        known = _picks(db, batch) if want_picks else {}
        keyed = {} if pick_set is None else _keyed_picks(db, pick_set, batch)
        for event in batch:
            identities = dict.fromkeys(
                arrival["pick_id"] for origin in event["origins"] for arrival in origin.get("arrivals", [])
            )
            picks = {identity: known[identity] for identity in identities if identity in known}
            picks |= {pick["_id"]: pick for pick in keyed.get(event.get("source_id"), [])}
            read["events"] += 1
            read["picks"] += len(identities | picks) if want_picks else 0
            yield event, list(picks.values())


def _source_ids(db: Database, catalog: str, filter: EventFilter) -> Iterator[str]:
    """Ids in the source of the events that a filter lets through, where they have one."""
    for event in _chosen(db, catalog, filter, {"_id": 0, "source_id": 1}):
        if "source_id" in event:
            yield event["source_id"]


def _chosen(db: Database, catalog: str, filter: EventFilter, fields: dict[str, int] | None = None) -> Any:
    cursor = db.event.find(filter.query(catalog), fields).sort(filter.sort()).allow_disk_use(True)
    return cursor.skip(filter.offset).limit(filter.limit or 0)


def _picks(db: Database, events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    wanted = {
        arrival["pick_id"] for event in events for origin in event["origins"] for arrival in origin.get("arrivals", [])
    }
    return {pick["_id"]: pick for pick in db.pick.find({"_id": {"$in": list(wanted)}})} if wanted else {}


def _keyed_picks(db: Database, pick_set: str, events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Picks by the event that they name; events without origins have them in no arrivals."""
    keys = [event["source_id"] for event in events if "source_id" in event]
    if not keys:
        return {}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    wanted = {"$or": [{name: {"$in": keys}} for name in ("event_key", "other_event_keys")]}
    for pick in db.pick.find(wanted | {"pick_set": pick_set}):
        for key in event_keys(pick):
            found[key].append(pick)
    for picks in found.values():
        picks.sort(key=lambda pick: (pick["time"], pick["_id"]))
    return found


def _batches(cursor: Any) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for document in cursor:
        batch.append(document)
        if len(batch) == BATCH_EVENTS:
            yield batch
            batch = []
    if batch:
        yield batch


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
