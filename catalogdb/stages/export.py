"""Events of a catalog -> one file, which is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

from pymongo.database import Database

from catalogdb.database.named import require_catalog
from catalogdb.errors import InputError
from catalogdb.exchange.event_filter import EventFilter

BATCH_EVENTS = 500

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
FORMATS = {*SUFFIXES.values(), *OGS_FORMATS}
NUMBERED_FORMATS = ("ogs-dat", "ogs-hpl", "ogs-txt", "ogs-txt-separated")
WITH_PICKS = ("quakeml", "ogs-dat", "ogs-hpl", "ogs-hpc", "ogs-txt", "ogs-txt-separated", "hypo71")
MOST_SECONDS_OF_AN_EVENT = 600.0  # between its time and its picks, either way


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

    Args:
        catalog: name of the catalog.
        output: the file to write.
        format: none: by the suffix, `.xml`/`.qml`/`.quakeml`, `.csv`, `.parquet`, `.dat`, `.hpl`, `.hpc`, `.pun`,
            `.txt`.
        filter: which events, and in which order; none: all, by time.
        table: rows of csv and Parquet: one per event, or one per arrival of the preferred origins.

    Returns:
        Summary: catalog, output, format, events, picks (those of the events, where the format holds any), bytes; for
        the formats of OGS and HYPO71 also `left_out`: what they can't hold, by reason.

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
    counts = {"events": 0, "picks": 0}
    filter = filter or EventFilter()
    events = _events_with_picks(
        db, catalog, filter, chosen in WITH_PICKS or table == "arrivals", counts, chosen in OGS_FORMATS
    )
    left_out: Counter[str] = Counter()
    if chosen in OGS_FORMATS:
        write = _ogs_writer(chosen)
        if chosen in NUMBERED_FORMATS:
            write = partial(write, source_ids=_source_ids(db, catalog, filter))
        size = write_atomically(output, lambda stream: write(events, stream, left_out))
    else:
        size = write_atomically(output, lambda stream: _write(events, catalog, chosen, table, stream))
    summary = {"catalog": catalog, "output": str(output), "format": chosen, **counts, "bytes": size}
    return summary | ({"left_out": dict(left_out)} if chosen in OGS_FORMATS else {})


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
    db: Database,
    catalog: str,
    filter: EventFilter,
    want_picks: bool,
    counts: dict[str, int],
    want_keyed: bool = False,
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Events with the picks of their arrivals; `want_keyed`: with the picks that name them in `event_key` as well."""
    pick_set = (db.catalog.find_one({"_id": catalog}, {"pick_set": 1}) or {}).get("pick_set") if want_keyed else None
    for batch in _batches(_chosen(db, catalog, filter).batch_size(BATCH_EVENTS)):
        known = _picks(db, batch) if want_picks else {}
        keyed = _keyed_picks(db, pick_set, batch) if pick_set is not None and want_picks else {}
        for event in batch:
            identities = dict.fromkeys(
                arrival["pick_id"] for origin in event["origins"] for arrival in origin.get("arrivals", [])
            )
            picks = {identity: known[identity] for identity in identities if identity in known}
            picks |= {pick["_id"]: pick for pick in keyed.get(event.get("source_id"), [])}
            counts["events"] += 1
            counts["picks"] += len(identities | picks) if want_picks else 0
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
    times = [event["time"] for event in events]
    keys = [event["source_id"] for event in events if "source_id" in event]
    # the times are there for the index
    between = {"$gte": min(times) - MOST_SECONDS_OF_AN_EVENT, "$lte": max(times) + MOST_SECONDS_OF_AN_EVENT}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for pick in db.pick.find({"pick_set": pick_set, "time": between, "event_key": {"$in": keys}}):
        found[pick["event_key"]].append(pick)
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


def _write(events: Iterator[Any], catalog: str, format: str, table: str, stream: BinaryIO) -> None:
    if format == "quakeml":
        from catalogdb.exchange.quakeml_writer import write_quakeml

        write_quakeml(events, stream, catalog)
        return
    from catalogdb.exchange import tables

    if table == "events":
        rows, columns = (tables.event_row(event) for event, _ in events), tables.EVENT_COLUMNS
    else:
        rows = (row for event, picks in events for row in tables.arrival_rows(event, picks))
        columns = tables.ARRIVAL_COLUMNS
    (tables.write_csv if format == "csv" else tables.write_parquet)(rows, columns, stream)


def _ogs_writer(format: str) -> Callable[..., int]:
    from catalogdb.exchange.ogs import write_cards, write_listing, write_summaries

    return {
        "ogs-dat": write_cards.write_dat,
        "ogs-hpl": write_listing.write_hpl,
        "ogs-hpc": write_listing.write_hpc,
        "ogs-pun": write_summaries.write_pun,
        "ogs-txt": write_summaries.write_txt,
        "ogs-txt-separated": write_summaries.write_separated_txt,
        "hypo71": write_cards.write_hypo71,
    }[format]


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
