"""Events of a catalog -> a folder of files that another locator reads."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

from pymongo.database import Database

from catalogdb.errors import InputError
from catalogdb.exchange.event_filter import EventFilter
from catalogdb.exchange.peer_files import PeerWriter, Position
from catalogdb.output_file import write_atomically
from catalogdb.stages.read_catalog import EventWithPicks, catalog_contents
from catalogdb.stages.station_places import stations_in_operation
from catalogdb.times import ALWAYS

PeerFormat = Literal["nlloc-obs", "hypodd"]
PEER_FORMATS: tuple[str, ...] = get_args(PeerFormat)
LONGEST_TRAVEL_SECONDS = 3600.0


def export_for_peer(
    db: Database, catalog: str, folder: Path, format: PeerFormat, filter: EventFilter | None = None
) -> dict[str, Any]:
    """Write the events of a catalog that pass a filter as another program's input, one file of each kind.

    Args:
        folder: made where it isn't there; older files of the same names are replaced.
        format: `nlloc-obs` (events.obs, stations.in) or `hypodd` (phase.dat, station.dat, event_ids.csv).

    Returns:
        Summary as that of `export_catalog`.

    Raises:
        InputError: for an unknown catalog, or a folder that can't be made.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: can't be made: {error.strerror}", hint="--output names a folder here") from None
    with catalog_contents(db, catalog, filter or EventFilter(), True, False) as contents:
        writer = PeerWriter(_positions(db, catalog))
        write = _nlloc if format == "nlloc-obs" else _hypodd
        texts = write(writer, contents.events)
        selected = contents.counts["events"]
    size = sum(write_atomically(folder / name, partial(_fill, text)) for name, text in texts.items())
    return {
        "catalog": catalog,
        "output": str(folder),
        "format": format,
        "selected": selected,
        "events": writer.written["events"],
        "picks": writer.written["picks"],
        "picks_of_no_event": 0,
        "bytes": size,
        "left_out": dict(writer.left_out),
    }


def _fill(text: str, stream: BinaryIO) -> None:
    stream.write(text.encode())


def _nlloc(writer: PeerWriter, events: Iterator[EventWithPicks]) -> dict[str, str]:
    observations, stations = io.StringIO(), io.StringIO()
    writer.write_nlloc(events, observations)
    writer.write_nlloc_stations(stations)
    return {"events.obs": observations.getvalue(), "stations.in": stations.getvalue()}


def _hypodd(writer: PeerWriter, events: Iterator[EventWithPicks]) -> dict[str, str]:
    phases, stations, ids = io.StringIO(), io.StringIO(), io.StringIO()
    writer.write_hypodd(events, phases, ids)
    writer.write_hypodd_stations(stations)
    return {"phase.dat": phases.getvalue(), "station.dat": stations.getvalue(), "event_ids.csv": ids.getvalue()}


def _positions(db: Database, catalog: str) -> dict[tuple[str, str], Position]:
    """Where every station stood longest in the time of the catalog's events; one without an epoch then, ever."""
    of_catalog = {"catalog": catalog}
    times = [row["time"] for order in (1, -1) for row in db.event.find(of_catalog).sort("time", order).limit(1)]
    rows = stations_in_operation(db, *ALWAYS)
    if times:
        rows += stations_in_operation(db, times[0], times[-1] + LONGEST_TRAVEL_SECONDS)
    return {(row["net"], row["sta"]): (row["latitude"], row["longitude"], row["elevation_km"]) for row in rows}
