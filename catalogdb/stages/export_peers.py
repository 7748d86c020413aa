"""Events of a catalog -> a folder of files that another locator reads."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from pymongo.database import Database

from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.exchange.event_filter import EventFilter
from catalogdb.exchange.formats import Format, load, of_command
from catalogdb.exchange.peers.collect import AS_ZERO, PeerCollector
from catalogdb.exchange.peers.events import PeerEvent, PeerInput, PeerPair, Position
from catalogdb.output_file import make_folder, write_atomically
from catalogdb.stages.preferred import FURTHER, preferred_origin
from catalogdb.stages.read_catalog import EventWithPicks, catalog_contents
from catalogdb.stages.station_places import stations_in_operation
from catalogdb.stages.velocity_models import velocity_model
from catalogdb.times import ALWAYS
from catalogdb.traveltimes.model_files import NAMED, model_setting
from catalogdb.traveltimes.velocity import AS_FLAT, VelocityConfig
from catalogdb.traveltimes.velocity_grid import VelocityGrid

HOLDS: dict[str, tuple[str, ...]] = {
    "nlloc-obs": (),
    "hypoinverse": ("depth_km",),
    **dict.fromkeys(("hypodd", "growclust", "velest"), ("depth_km", "magnitude")),
}
"""Of the fields of events that may be unknown."""
WITH_PAIRS = ("hypodd", "growclust")
WITHOUT_MODEL = ("hypodd",)
LONGEST_TRAVEL_SECONDS = 3600.0


def peer_formats() -> dict[str, Format]:
    """The formats of folders that other locators read, by name."""
    return {name: item for name, item in of_command("catalog", is_written=True).items() if item.is_folder}


def export_for_peer(
    db: Database,
    catalog: str,
    folder: Path,
    format: str,
    filter: EventFilter | None = None,
    model: str | None = None,
) -> Json:
    """Write the events of a catalog that pass a filter as another program's input, one file of each kind.

    Args:
        folder: made where it isn't there; older files of the same names are replaced.
        format: `nlloc-obs` (events.obs, stations.in, nlloc.in), `hypodd` (phase.dat, station.dat, dt.ct, dt.cc),
            `growclust` (evlist.txt, stlist.txt, xcordata.txt, vzmodel.txt, growclust.inp), `velest` (catalog.cnv,
            stations.sta, model.mod) or `hypoinverse` (catalog.phs, stations.sta, p.crh, s.crh, catalog.hyp); all but
            the first with event_ids.csv, which says whose the numbers are.
        model: name of a velocity model of layers that is written; left out: that of the catalog's last locations.

    Returns:
        Summary as that of `export_catalog`, and `notes`: sentences on what the files can't say of the model.

    Raises:
        InputError: for an unknown catalog, a folder that can't be made, or a model that the format can't hold.
    """
    folder = Path(folder)
    velocity = VelocityConfig() if format in WITHOUT_MODEL else _velocity(db, catalog, format, model)
    make_folder(folder)
    with catalog_contents(db, catalog, filter or EventFilter(), True, False) as contents:
        collector, read = PeerCollector(_positions(db, catalog)), list(contents.events)
        selected = contents.counts["events"]
    events = collector.take(read)
    pairs = _pairs(db, catalog, events, read) if format in WITH_PAIRS else ([], [])
    given = PeerInput(events, collector.stations, velocity, *pairs)
    texts = load(peer_formats()[format].writer or "")(given)
    collector.written["picks"] -= given.left_out.total()
    collector.left_out.update(given.left_out)
    collector.left_out.update({AS_ZERO[name]: collector.unknown[name] for name in HOLDS[format]})
    size = sum(write_atomically(folder / name, partial(_fill, text)) for name, text in texts.items())
    return {
        "catalog": catalog,
        "output": str(folder),
        "format": format,
        "selected": selected,
        "events": collector.written["events"],
        "picks": collector.written["picks"],
        "picks_of_no_event": 0,
        "bytes": size,
        "left_out": {reason: number for reason, number in collector.left_out.items() if number},
        "notes": [AS_FLAT] if velocity.spherical else [],
    }


def _fill(text: str, stream: BinaryIO) -> None:
    stream.write(text.encode())


def _velocity(db: Database, catalog: str, format: str, model: str | None) -> VelocityConfig:
    """The model of a name, else that which a catalog was located in; of one that says none, the default."""
    if model:
        return _layers(velocity_model(db, model, "--velocity-model"), f"--velocity-model {model}", format)
    config = (db.catalog.find_one({"_id": catalog}, {"config": 1}) or {}).get("config") or {}
    setting, found = model_setting(config)
    if setting != NAMED:
        return VelocityConfig.model_validate(found)
    named = velocity_model(db, found)
    _check_same(db, catalog, found, named.earth_model_id)
    return _layers(named, f"catalog {catalog!r} was located in {found!r}", format)


def _check_same(db: Database, catalog: str, name: str, earth_model_id: str) -> None:
    """Refuse a model that has taken the name of that which a catalog was located in."""
    origin = db.origin.find_one({"catalog": catalog, "method": FURTHER[0]}, {"earth_model_id": 1}) or {}
    if origin.get("earth_model_id", earth_model_id) != earth_model_id:
        raise InputError(
            f"catalog {catalog!r} was located in {name!r}, which has another content now",
            hint="run its job again, or name a model: --velocity-model NAME",
        )


def _layers(model: VelocityConfig | VelocityGrid, words: str, format: str) -> VelocityConfig:
    """The model, which must be one of layers."""
    if isinstance(model, VelocityConfig):
        return model
    raise InputError(
        f"{words}: a 3-D velocity model, and {format} takes layers",
        hint="name a model of layers: --velocity-model NAME (catalogdb ingest velocity-model); "
        f"--format {', '.join(WITHOUT_MODEL)} writes no model",
    )


def _pairs(
    db: Database, catalog: str, events: list[PeerEvent], read: list[EventWithPicks]
) -> tuple[list[tuple[int, int]], list[PeerPair]]:
    """Pairs that the catalog was relocated by, and those with correlated times: these count from the origin times that
    are written, as they stood from those that relocation started from."""
    number = {event.event_id: event.number for event in events}
    started = {event.event_id: event.started for event in events}
    later = {event["_id"]: _start(event) - started[event["_id"]] for event, _ in read if event["_id"] in number}
    linked, correlated = [], []
    order = [("first_event_id", 1), ("second_event_id", 1)]
    for pair in db.differential_time.find({"catalog": catalog}).sort(order):
        first, second = pair["first_event_id"], pair["second_event_id"]
        if first in number and second in number:
            linked.append((number[first], number[second]))
            times = [
                (time["sta"], time["phase"], time["dt"] + later[first] - later[second], time["cc"])
                for time in pair["times"]
                if "cc" in time
            ]
            correlated += [PeerPair(number[first], number[second], times)] if times else []
    return linked, correlated


def _start(event: Any) -> float:
    """Origin time that relocation started from: that of the preferred one of the other origins."""
    others = [origin for origin in event["origins"] if origin.get("method") != FURTHER[-1]]
    return float(preferred_origin(others)["time"] if others else event["time"])


def _positions(db: Database, catalog: str) -> dict[tuple[str, str], Position]:
    """Where every station stood longest in the time of the catalog's events; one without an epoch then, ever."""
    of_catalog = {"catalog": catalog}
    times = [row["time"] for order in (1, -1) for row in db.event.find(of_catalog).sort("time", order).limit(1)]
    rows = stations_in_operation(db, *ALWAYS)
    if times:
        rows += stations_in_operation(db, times[0], times[-1] + LONGEST_TRAVEL_SECONDS)
    return {(row["net"], row["sta"]): (row["latitude"], row["longitude"], row["elevation_km"]) for row in rows}
