"""Station files -> `site` and `channel`: written by MsPASS, then brought to exactly what the files say."""

from __future__ import annotations

import contextlib
import copy
import io
import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field
from pymongo import DeleteOne, UpdateOne
from pymongo.database import Database

from catalogdb.decoding import PACKED_SUFFIXES, unpacked_name
from catalogdb.errors import InputError
from catalogdb.file_formats import misplaced
from catalogdb.ledger.stage import FileStage
from catalogdb.stages.station_doubles import give_networks, network_notes, overlaps, take_known_networks
from catalogdb.stations.documents import channel_documents, site_documents
from catalogdb.stations.read import read_stations
from catalogdb.stations.response import by_channels, overlapping_epochs, response_remarks

if TYPE_CHECKING:
    import mspasspy.db
    from obspy import Inventory
    from obspy.core.inventory import Channel

Document = Any  # a `site` or a `channel`
SITE_KEY = ("net", "sta", "loc")
CHANNEL_KEY = ("net", "sta", "loc", "chan")
SAME_EPOCH_SECONDS = 10.0
"""MsPASS takes epochs whose start and end agree to this as one."""
SUFFIXES = (".xml", ".stationxml", ".csv", ".seed", ".dataless", ".xseed")
PICKLED = "serialized_channel_data"
"""MsPASS's pickle of the ObsPy channel. MsPASS's matchers and readers don't ask for it (only `get_response` and its
calibration engine do), unpickling runs whatever code the database holds, and a response takes tens of kB: the plain
`response` takes its place, and the StationXML file stays the full source."""


class StationIngestSummary(BaseModel):
    """What one ingest of station metadata did, in documents."""

    files: int = Field(0, description="Station files read.")
    unreadable: int = Field(0, description="Station files that are not usable.")
    sites: int = Field(0, description="Station epochs that the files tell of.")
    channels: int = Field(0, description="Channel epochs that the files tell of.")
    new: int = Field(0, description="Site and channel documents added.")
    changed: int = Field(0, description="Documents whose content was replaced; not those that came from another file.")
    unchanged: int = Field(0, description="Documents that were as the files say.")
    removed: int = Field(0, description="Epochs that a file told of before and has dropped.")
    replaced: int = Field(0, description="Documents without a network that gave way to the same station with one.")
    rejected: int = Field(0, description="Records of the files left out.")
    notes: list[str] = Field(
        default_factory=list, description="What is not used, and what to repair with which command."
    )
    problems: list[str] = Field(default_factory=list, description="Each names file, record and reason.")


class IngestStations(FileStage):
    """Station metadata; each document names the file that it comes from."""

    name = "ingest_stations"
    states = "site"
    collections = ("site", "channel")
    verb = "read"


def ingest_stations(
    db: Database, mspass_db: mspasspy.db.Database, paths: Iterable[Path | str], default_network: str = ""
) -> StationIngestSummary:
    """Bring `site` and `channel` to what station files say; a second run changes nothing.

    A file that is not usable is counted and reported, and the others go on. Where two files speak of one epoch and
    differ, the one named first wins.

    Args:
        paths: files, or folders whose files of `SUFFIXES` are meant, packed or not, at any depth.
        default_network: network code for stations that have none; stations that stood without one give way to them.

    Raises:
        InputError: when a path does not exist, or not one of the files is usable.
    """
    summary = StationIngestSummary()
    inventories: list[Inventory] = []
    sites: dict[tuple, Document] = {}
    channels: dict[tuple, Document] = {}
    for path in _files(paths):
        try:
            if (found := misplaced(path, "stations")) is not None:
                way_out = found.way_out(path)
                raise InputError(f"{path}: no stations: it is {found.name}" + (f"; {way_out}" if way_out else ""))
            metadata = read_stations(path, default_network)
        except InputError as error:
            summary.unreadable += 1
            summary.problems.append(str(error))
            continue
        summary.files += 1
        summary.rejected += len(metadata.rejected)
        summary.problems += metadata.rejected + metadata.warnings
        summary.notes += metadata.notes
        inventories.append(metadata.inventory)
        _add(sites, site_documents(metadata.inventory, path.name), SITE_KEY, path, summary)
        of_file = channel_documents(metadata.inventory, path.name)
        summary.problems += [f"{path}: {line}" for line in response_remarks(of_file)]
        _add(channels, of_file, CHANNEL_KEY, path, summary)
    if summary.unreadable and not summary.files:
        raise InputError("no usable station file: " + "; ".join(summary.problems))
    summary.sites, summary.channels = len(sites), len(channels)
    summary.notes += take_known_networks(db, sites, channels)
    new_sites = _not_stored(db.site, sites, SITE_KEY)
    _save_sites_alone(mspass_db, new_sites)
    _reconcile(db.site, sites, new_sites, SITE_KEY, "site_id", summary)
    # MsPASS finds the sites as they are to be, and adds none: it knows one place for each station epoch
    new_channels = _not_stored(db.channel, channels, CHANNEL_KEY)
    _save_inventories(mspass_db, inventories, new_channels, sites)
    _reconcile(db.channel, channels, new_channels, CHANNEL_KEY, "chan_id", summary)
    summary.replaced, notes = give_networks(db, sites.values())
    codes = {document["sta"] for document in (*sites.values(), *channels.values())}
    summary.notes += notes + network_notes(db, codes)
    summary.problems += overlaps(db.site.find({"sta": {"$in": sorted(codes)}}))
    summary.problems += _overlaps(db.channel, channels)
    return summary


def _overlaps(collection: Any, channels: dict[tuple, Document]) -> list[str]:
    """Epochs of the channels given that overlap, also those that other files told of, the same pair of times once."""
    stored = _stored(collection, channels, CHANNEL_KEY)
    epochs = [row for codes in sorted({key[:-1] for key in channels}) for row in stored[codes]]
    codes_of: dict[str, list[str]] = defaultdict(list)
    for overlap in overlapping_epochs(epochs):
        codes_of[overlap.text].append(overlap.code)
    return by_channels(codes_of, "channel")


def _files(paths: Iterable[Path | str]) -> list[Path]:
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            files += sorted(item for item in path.rglob("*") if _may_be_stations(item, path))
        elif path.exists():
            files.append(path)
        else:
            raise InputError(f"{path}: no such file or folder")
    if not files:
        endings = f"{', '.join(SUFFIXES)}, or these with {', '.join(PACKED_SUFFIXES)}"
        raise InputError(f"no station file ({endings}) in {', '.join(map(str, paths)) or 'the paths given'}")
    return list(dict.fromkeys(files))


def _may_be_stations(item: Path, folder: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in item.relative_to(folder).parts)
    return not is_hidden and unpacked_name(item).suffix.lower() in SUFFIXES and item.is_file()


def _key(document: Document, names: tuple[str, ...]) -> tuple:
    return tuple(document.get(name, "") for name in names)


def _add(
    known: dict[tuple[Any, ...], Any],
    documents: list[Document],
    names: tuple[str, ...],
    path: Path,
    summary: StationIngestSummary,
) -> None:
    for document in documents:
        key = (*_key(document, names), document["starttime"])
        first: Any = known.setdefault(key, document)
        if first is not document and _content(first) != _content(document):
            summary.rejected += 1
            summary.problems.append(f"{path}: {'.'.join(key[:-1])}: differs from {first['source']}, which is used")


def _content(document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "source"}


def _stored(collection: Any, documents: dict[tuple, Document], names: tuple[str, ...]) -> dict[tuple, list[Document]]:
    """Stored rows of the documents' stations, by their codes."""
    stations = sorted({document["sta"] for document in documents.values()})
    rows: dict[tuple, list[Document]] = defaultdict(list)
    for row in collection.find({"sta": {"$in": stations}}):
        rows[_key(row, names)].append(row)
    return rows


def _same_epoch(document: Document, rows: list[Document]) -> Document | None:
    exact = [row for row in rows if row["starttime"] == document["starttime"]]
    near = [
        row
        for row in rows
        if all(abs(row[end] - document[end]) < SAME_EPOCH_SECONDS for end in ("starttime", "endtime"))
    ]
    return next(iter(exact + near), None)


def _not_stored(collection: Any, documents: dict[tuple, Document], names: tuple[str, ...]) -> dict[tuple, Document]:
    stored = _stored(collection, documents, names)
    return {key: document for key, document in documents.items() if _same_epoch(document, stored[key[:-1]]) is None}


def _save_inventories(
    mspass_db: mspasspy.db.Database,
    inventories: list[Inventory],
    new_channels: dict[tuple, Document],
    sites: dict[tuple, Document],
) -> None:
    """Hand the new channels to MsPASS, in the one form that it stores rightly: each station with one location code, in
    an epoch that `site` has.

    Of a station with several locations, `save_inventory` stores every channel under every location code.
    """
    from obspy import UTCDateTime
    from obspy.core.inventory import Inventory, Network

    wanted = set(new_channels)
    epochs: dict[tuple, Document] = {}
    for document in sites.values():
        epochs.setdefault(_key(document, SITE_KEY), document)
    networks = []
    for inventory in inventories:
        for network in inventory:
            for station in network:
                by_location: dict[str, list[SimpleNamespace]] = defaultdict(list)
                for channel in station.channels:
                    start = channel.start_date.timestamp if channel.start_date else 0.0
                    key = (network.code, station.code, channel.location_code, channel.code, start)
                    if key in wanted:
                        wanted.discard(key)
                        by_location[channel.location_code].append(_plain_channel(channel))
                for loc, located in by_location.items():
                    alone = copy.copy(station)
                    alone.channels = located
                    epoch = epochs[network.code, station.code, loc]
                    alone.start_date, alone.end_date = UTCDateTime(epoch["starttime"]), UTCDateTime(epoch["endtime"])
                    networks.append(Network(code=network.code, stations=[alone]))
    if networks:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints a summary and its remarks on station coordinates
            mspass_db.save_inventory(Inventory(networks=networks), networks_to_exclude=None)


def _plain_channel(channel: Channel) -> SimpleNamespace:
    """What MsPASS reads of a channel: without the response (it would be pickled), with NaN for what is unknown.

    MsPASS can't leave an unknown orientation out, and ObsPy's own class refuses NaN; the reconciliation removes it.
    """
    return SimpleNamespace(
        code=channel.code,
        location_code=channel.location_code,
        latitude=float(channel.latitude),
        longitude=float(channel.longitude),
        elevation=float(channel.elevation),
        depth=_or_nan(channel.depth),
        azimuth=_or_nan(channel.azimuth),
        dip=_or_nan(channel.dip),
        start_date=channel.start_date,
        end_date=channel.end_date,
    )


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _save_sites_alone(mspass_db: mspasspy.db.Database, sites: dict[tuple, Document]) -> None:
    """Stations without channels, which `save_inventory` passes over; the same keys as it writes."""
    for document in sites.values():
        mspass_db["site"].insert_one(_mspass_extras(dict(document)))


def _mspass_extras(document: Document) -> Document:
    """Add the two forms of coordinates that MsPASS keeps besides lat and lon."""
    coordinates = [document["lon"], document["lat"]]
    return {**document, "coords": coordinates, "location": {"type": "Point", "coordinates": coordinates}}


def _reconcile(
    collection: Any,
    documents: dict[tuple, Document],
    new: dict[tuple, Document],
    names: tuple[str, ...],
    id_name: str,
    summary: StationIngestSummary,
) -> None:
    """Bring the stored rows to the documents' content, and drop epochs that their own file no longer tells of."""
    stored = _stored(collection, documents, names)
    operations: list[UpdateOne | DeleteOne] = []
    matched = set()
    for key, document in documents.items():
        row = _same_epoch(document, stored[key[:-1]])
        if row is None or row["_id"] in matched:
            summary.problems.append(
                f"{document['source']}: {'.'.join(key[:-1])}: epoch not stored: another one starts and ends with it"
            )
            continue
        matched.add(row["_id"])
        wanted = {**_mspass_extras(document), id_name: row["_id"]}
        ours = {"hang", "vang", "edepth", "sampling_rate", "response", PICKLED}
        changes = {name: value for name, value in wanted.items() if row.get(name) != value}
        dropped = {name: "" for name in ours if name in row and name not in wanted}
        if key in new:
            summary.new += 1
        elif changes.keys() - {"source"} or dropped:
            summary.changed += 1
        else:
            summary.unchanged += 1
        if changes or dropped:
            update = {"$set": changes} if changes else {}
            operations.append(UpdateOne({"_id": row["_id"]}, {**update, "$unset": dropped} if dropped else update))
    sources = {(key[:-1], document["source"]) for key, document in documents.items()}
    for codes, rows in stored.items():
        for row in rows:
            if row["_id"] not in matched and (codes, row.get("source")) in sources:
                summary.removed += 1
                operations.append(DeleteOne({"_id": row["_id"]}))
    if operations:
        collection.bulk_write(operations)
