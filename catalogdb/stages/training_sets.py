"""Training sets: defined over files or the database's picks, and read record by record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo.database import Database

from catalogdb.database.lease import server_now
from catalogdb.database.named import no_such
from catalogdb.documents import records
from catalogdb.documents.free import AnyDocument, Json
from catalogdb.errors import InputError, NameTaken
from catalogdb.identity import canonical, content_id, file_sha256
from catalogdb.ledger.tasks import shortened
from catalogdb.stages.picked_records import read_picked
from catalogdb.stages.unlabelled_records import read_unlabelled
from catalogdb.training.config import REVISION, TrainingSetConfig
from catalogdb.training.formats import files_of, read_folder, write_seisbench
from catalogdb.training.records import LabelledRecord, with_events
from catalogdb.training.split import Parted, parted


@dataclass
class TrainingSet:
    """A training set with its records.

    Attributes:
        document: of `training_set`.
        parted: its records by part.
    """

    document: records.TrainingSet
    parted: Parted


def ingest_training_set(
    db: Database, folders: Iterable[Path], config: TrainingSetConfig, licence: str = "", replace: bool = False
) -> records.TrainingSet:
    """Enter labelled files as a training set. They stay where they are, and are looked at again before each training.

    Args:
        folders: of SeisBench's format, or of arrays with a table; see `training.formats`.
        replace: write over a set of that name that is another one.

    Returns:
        The document of `training_set`.

    Raises:
        InputError: for a folder without labelled records.
        NameTaken: when the name stands for another set.
    """
    paths = [str(folder.expanduser().resolve()) for folder in folders]
    return _enter(db, config, {"kind": "files", "folders": paths, **({"licence": licence} if licence else {})}, replace)


def define_training_set(
    db: Database, config: TrainingSetConfig, replace: bool = False, licence: str = ""
) -> records.TrainingSet:
    """Enter a training set of the database's picks and waveforms; its records are those of now.

    Raises:
        InputError: where the picks and waveforms give no record.
        NameTaken: when the name stands for another set.
    """
    kind = "waveforms" if config.unlabelled else "picks"
    return _enter(db, config, {"kind": kind, **({"licence": licence} if licence else {})}, replace)


def _enter(db: Database, config: TrainingSetConfig, fields: AnyDocument, replace: bool) -> records.TrainingSet:
    described = canonical(config.model_dump(mode="json"))
    document: Any = {"_id": config.name, "config": described, **fields}
    read = _read(db, document)
    document |= {
        "config_id": content_id(described, fields.get("folders", [])),
        "digest": read.digest,
        "counts": _counts(read),
        "rejected": shortened(read.rejected),
        "ignored": read.ignored,
    }
    if read.parted.borders:
        document["borders"] = list(read.parted.borders)
    held = db.training_set.find_one({"_id": config.name})
    same = held is not None and (held["config_id"], held["digest"]) == (document["config_id"], document["digest"])
    if held is not None and not same and not replace:
        what = "other records" if held["config_id"] == document["config_id"] else "another description"
        raise NameTaken(
            f"training set {config.name!r} stands with {what}",
            hint="give this one a name of its own, or write over it (--replace): models made from it keep its digest",
        )
    if not same:
        document["created"] = server_now(db)
        db.training_set.replace_one({"_id": config.name}, document, upsert=True)
    return held if held is not None and same else document


def require_training_set(db: Database, name: str) -> records.TrainingSet:
    """The document of a training set.

    Raises:
        InputError: naming those that there are.
    """
    document = db.training_set.find_one({"_id": {"$eq": name}})
    if document is None:
        how = f"catalogdb ingest training-set FOLDER --name {name}"
        more = f"; {how}, or describe one under training_set in the training's file"
        raise no_such(db, "training_set", name, more)
    return document


def load_training_set(db: Database, name: str) -> TrainingSet:
    """A training set with its records.

    Raises:
        InputError: for a name that isn't there, and where the records are not those of before.
    """
    document = require_training_set(db, name)
    read = _read(db, document)
    if read.digest != document["digest"]:
        raise InputError(
            f"training set {name!r}: its {'files' if document['kind'] == 'files' else 'picks or waveforms'} are not "
            "those that it was entered with, or this version reads them in another way",
            hint="enter it again under its name (--replace), or under another one",
        )
    return TrainingSet(document, read.parted)


def export_training_set(db: Database, name: str, folder: Path) -> Json:
    """Write a training set in SeisBench's format: metadata.csv and waveforms.hdf5.

    Returns:
        name, folder, and how many records were written and left out.
    """
    loaded = load_training_set(db, name)
    parts = loaded.parted.parts
    rows = ((record, part) for part, records in parts.items() for record in records)
    return {"training_set": name, "folder": str(folder), **write_seisbench(rows, folder)}


@dataclass
class _Read:
    parted: Parted
    records: list[LabelledRecord]
    digest: str
    rejected: list[str]
    ignored: list[str]


def _read(db: Database, document: Mapping[str, Any]) -> _Read:
    config = TrainingSetConfig.model_validate(document["config"])
    rejected: list[str] = []
    ignored: list[str] = []
    if document["kind"] == "files":
        records, hashes = [], []
        for folder in map(Path, document["folders"]):
            hashes += [file_sha256(path) for path in files_of(folder)]
            found = read_folder(folder, config.unpicked)
            records += found.records
            rejected += found.rejected
            ignored += [name for name in found.ignored if name not in ignored]
        digest = content_id(hashes, REVISION)
        source = ", ".join(document["folders"])
    elif document["kind"] == "waveforms":
        records, rejected, digest = read_unlabelled(db, config)
        source = "the waveforms"
    else:
        records, rejected, digest = read_picked(db, config)
        source = f"pick sets {', '.join(config.pick_sets)}"
    names = Counter(record.name for record in records)
    if twice := [name for name, number in names.items() if number > 1]:
        raise InputError(
            f"training set {config.name!r}: two records are called {twice[0]}",
            hint="give folders of the same name other names, or enter them as sets of their own",
        )
    if not records:
        raise InputError(
            f"training set {config.name!r}: {source} give no record{': ' + rejected[0] if rejected else ''}",
            hint="look at the labels' times and stations, and at the waveforms: catalogdb query availability",
        )
    records = with_events(records, config.event_gap_seconds)
    return _Read(parted(records, config.split), records, digest, rejected, ignored)


def _counts(read: _Read) -> Json:
    onsets = Counter(onset.phase for record in read.records for onset in record.onsets)
    return {
        "records": len(read.records),
        "events": len({record.event for record in read.records}),
        "stations": len({record.station for record in read.records}),
        "P": onsets["P"],
        "S": onsets["S"],
        "without_onset": sum(not record.onsets for record in read.records),
        "rejected": len(read.rejected),
        **{part: len(records) for part, records in read.parted.parts.items()},
        "left_out": dict(read.parted.left_out),
    }
