"""Files of events and picks -> a named catalog and pick set, like any that was made here."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Literal, cast

from pymongo.database import Database

from catalogdb import logs
from catalogdb.database.lease import name_lease
from catalogdb.decoding import check_regular
from catalogdb.documents.free import AnyDocument, Json
from catalogdb.documents.records import Catalog, Task
from catalogdb.errors import InputError, NameTaken
from catalogdb.exchange.catalog_files import FORMATS_HINT, known_format, read_catalog_files
from catalogdb.exchange.documents import CatalogDocuments, catalog_documents
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.file_names import distinct_names
from catalogdb.exchange.reference_catalog import FileReport, ReadFrom, ReferenceCatalog
from catalogdb.exchange.table_judgement import TableOptions
from catalogdb.identity import content_id, file_sha256
from catalogdb.ledger.stage import FileStage, Reads
from catalogdb.names import checked_name
from catalogdb.stages.results import check_not_moving
from catalogdb.stages.station_places import StationNetworks
from catalogdb.stages.write_catalog import write_catalog

SELF_DESCRIBING = ("quakeml", "scml", "geojson")
"""Formats that say what they are, so that a file without events is one nevertheless."""
SAID_OF_FILES = ("reports", "notes")
"""What a catalog's configuration says of the files besides how they were read."""
REVISION = 12  # of the readers: a change that gives other documents for the same files raises it
PROBLEMS_KEPT = 1000  # lines in the ledger row; their number is kept in full
STATIONS_NAMED = 30
LINES_KEPT = 1000  # line numbers of one kind in a file's report

CatalogKind = Literal["reference", "reviewed", "automatic"]


class IngestCatalog(FileStage):
    """Catalogs of others: each is one task in the ledger, and its document says what became of each file."""

    name = "ingest_catalog"
    in_ledger = "ingest"
    states = "catalog"
    reads = (Reads("site", "stations", optional=True),)
    collections = ("event", "pick", "catalog", "pick_set")
    revision = REVISION
    verb = "read"


def ingest_catalog(
    db: Database,
    paths: Path | list[Path],
    name: str,
    format: str | None = None,
    kind: CatalogKind = "reference",
    replace: bool = False,
    *,
    agency_id: str | None = None,
    source: str | None = None,
    licence: str | None = None,
    evaluation_mode: EvaluationMode = "manual",
    tables: TableOptions | None = None,
    read: Callable[[list[Path]], ReferenceCatalog] | None = None,
) -> Json:
    """Write the events and picks of files as catalog `name` and, where there are picks, pick set `name`.

    The same files again change nothing, but where picks without a network can be given one now. One process at a time
    writes under a name; another one waits for it, and then finds the name taken, or its own files there. How it is
    written: `write_catalog`.

    Args:
        db: an initialised database.
        paths: the catalog's file, or its files.
        name: of the catalog and the pick set.
        format: as `read_catalog_files` takes it.
        kind: who made the catalog.
        replace: write over a catalog of that name that was ingested from other files; also reads the same files afresh.
        agency_id, source, licence: for the catalog's document; the source is the files' names unless given.
        evaluation_mode: what events and picks are that don't say.
        tables: what tables don't say themselves: the order of day and month, the unit of depths.
        read: another reader, for formats not known here.

    Returns:
        Summary: catalog, config_id, changed, counts (events, picks, rejected, ...), files (of each: records read, kept,
        merged, repaired, rejected, and the lines of these), notes (how files were linked), and problems: what was left
        out or guessed.

    Raises:
        NameTaken: when the name stands for another content.
        InputError: naming the file and the reason, or a name that is none.
    """
    format = known_format(format)
    checked_name(name, "catalog")
    files = [Path(path) for path in ([paths] if isinstance(paths, (str, Path)) else paths)]
    config = _config(files, kind, format, evaluation_mode, tables)
    with name_lease(db, "catalog", name, partial(_say_waiting, name)) as lease:
        check_not_moving(db, name)
        held = db.catalog.find_one({"_id": name})
        made_as = (held or {}).get("made_as", name)
        config_id = _identity(config, made_as)
        if not held or held["config_id"] != config_id:
            made_as, config_id = name, _identity(config, name)
        _check_name(db, name, held, config, config_id, replace)
        task_id = content_id(IngestCatalog.in_ledger, config_id, {"catalog": made_as})
        if held and not replace and not _can_name_networks(db, name):
            row = db.task.find_one({"_id": task_id}) or {}
            said = held.get("config", {})
            reports, notes = said.get("reports", []), said.get("notes", [])
            return _summary(name, config_id, False, row.get("counts", {}), reports, notes, row.get("problems", []))

        reference = read(files) if read else read_catalog_files(files, format, evaluation_mode, tables)
        documents = catalog_documents(reference, name, config_id, task_id, _single_networks(db, reference), agency_id)
        problems = reference.rejected + documents.merged + reference.repaired + documents.said
        if not documents.events and not documents.picks and not _is_empty(reference):
            raise InputError(
                f"{', '.join(map(str, files))}: no usable events and no usable picks"
                + "".join(f"; {line}" for line in problems[:3]),
                hint=FORMATS_HINT,
            )
        documents.counts["rejected"] = len(reference.rejected)
        names = distinct_names([report.file for report in reference.files])
        config["reports"] = [_stored_report(report, names[report.file], documents.twice) for report in reference.files]
        config["notes"] = notes = reference.notes + _network_note(documents)
        counts = {key: int(value) for key, value in sorted(documents.counts.items())}
        named = _named_documents(
            db, documents, name, kind, config_id, config, agency_id, source or ", ".join(p.name for p in files), licence
        )
        if made_as != name:
            for document in named.values():
                document["made_as"] = made_as
        ledger = ledger_row(task_id, config_id, name, named["catalog"], counts, problems)
        write_catalog(db, name, documents, named, ledger, lease)
        return _summary(name, config_id, True, counts, config["reports"], notes, problems)


def _say_waiting(name: str, holder: str) -> None:
    logs.notice(f"catalog {name!r} is being ingested or removed by {holder}: waiting for it")


def _config(
    files: list[Path], kind: str, format: str | None, evaluation_mode: str, tables: TableOptions | None
) -> Json:
    if not files:
        raise InputError("no catalog files given")
    contents = []
    for path in files:
        check_regular(path)
        try:
            contents.append({"name": path.name, "sha256": file_sha256(path)})
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    config = {
        "files": contents,
        "kind": kind,
        "format": format,
        "evaluation_mode": evaluation_mode,
        **{key: value for key, value in asdict(tables or TableOptions()).items() if value is not None},
        "revision": REVISION,
    }
    return {key: value for key, value in config.items() if value is not None}


def _identity(config: Json, name: str) -> str:
    return content_id("catalog", name, _by_content(config))


def _by_content(config: Json) -> Json:
    """A configuration with its files by their content, not their names: a renamed file is the same catalog."""
    return config | {"files": [content["sha256"] for content in config["files"]]}


def _check_name(db: Database, name: str, held: Catalog | None, config: Json, config_id: str, replace: bool) -> None:
    for collection, found in (("catalog", held), ("pick set", db.pick_set.find_one({"_id": name}))):
        if not found:
            continue
        if "files" not in found.get("config", {}):
            made = f"is a copy of {found['copied_from']!r}" if "copied_from" in found else "was made by a job"
            raise NameTaken(
                f"{collection} {name!r} {made}, not ingested from files",
                hint="give the ingested catalog another --name",
            )
        if found["config_id"] != config_id and not replace:
            raise NameTaken(
                f"{collection} {name!r} was ingested from {_what_else(found['config'], config)}",
                hint="--replace writes over it, another --name keeps both",
            )
    for collection in ("catalog", "pick_set"):
        other = db[collection].find_one({"config_id": config_id, "_id": {"$ne": name}}, {"_id": 1})
        if other is not None:
            raise NameTaken(
                f"{collection.replace('_', ' ')} {name!r} of these files was renamed to {other['_id']!r}",
                hint=f"--name {other['_id']}, or another one than both",
            )
    if held and held["config_id"] != config_id:
        users = [row["_id"] for row in db.catalog.find({"pick_set": name, "_id": {"$ne": name}}, {"_id": 1})]
        if users:
            raise NameTaken(
                f"pick set {name!r} can't be replaced: catalogs {', '.join(sorted(users))} are made from it",
                hint="give the ingested catalog another --name",
            )


def _what_else(there: Json, here: Json) -> str:
    """What differs from an earlier ingest, in words."""
    of_both = (_by_content(there), _by_content(here))
    old, new = ({key: value for key, value in config.items() if key not in SAID_OF_FILES} for config in of_both)
    differing = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    if "files" in differing:
        return "other files"
    if differing in ([], ["revision"]):
        return (
            "these files by another version of catalogdb, whose readers give other documents (revision "
            f"{old.get('revision')} there, {REVISION} here)"
        )
    how = ", ".join(f"{key}: {old.get(key)!r} there, {new.get(key)!r} here" for key in differing)
    return f"these files in another way ({how})"


def _is_empty(reference: ReferenceCatalog) -> bool:
    """True for files that are whole and hold nothing: valid QuakeML of no event, which a query may well give."""
    reports = reference.files
    return bool(reports) and all(report.format in SELF_DESCRIBING and not report.read for report in reports)


def _single_networks(db: Database, reference: ReferenceCatalog) -> dict[str, str]:
    """Network of each station code that the picks give without network, where there is just one that it can be."""
    networks = StationNetworks(db)
    named = {pick["sta"]: networks.only(pick["sta"]) for pick in reference.picks if not pick["net"]}
    return {sta: net for sta, net in named.items() if net}


def _can_name_networks(db: Database, name: str) -> bool:
    """True where stations have come since, of which picks of the set have no network yet."""
    networks = StationNetworks(db)
    return any(networks.only(sta) for sta in db.pick.distinct("sta", {"pick_set": name, "net": ""}))


def _named_documents(
    db: Database,
    documents: CatalogDocuments,
    name: str,
    kind: str,
    config_id: str,
    config: Json,
    agency_id: str | None,
    source: str,
    licence: str | None,
) -> dict[str, Json]:
    now = db.client.admin.command("hello")["localTime"]
    common = {"_id": name, "kind": kind, "config_id": config_id, "config": config, "source": source, "created": now}
    common |= {key: value for key, value in (("agency_id", agency_id), ("licence", licence)) if value is not None}
    times = [event["time"] for event in documents.events] or [pick["time"] for pick in documents.picks]
    if not times:
        return {"catalog": common}
    # whole seconds outwards: the period is half-open and must hold its last event
    catalog = common | {"starttime": float(math.floor(min(times))), "endtime": float(math.floor(max(times)) + 1)}
    if not documents.picks:
        return {"catalog": catalog}
    return {"catalog": catalog | {"pick_set": name}, "pick_set": common}


def ledger_row(
    task_id: str, config_id: str, name: str, catalog: Json, counts: dict[str, int], problems: list[str]
) -> Task:
    """The row of `task` that says what was read; `catalog` is the catalog's document."""
    kept = problems[:PROBLEMS_KEPT]
    if len(problems) > len(kept):
        kept.append(f"... and {len(problems) - len(kept)} more")
    row: Json = {
        "_id": task_id,
        "stage": IngestCatalog.in_ledger,
        "config_id": config_id,
        "result": name,
        "shard": {"catalog": name},
        **{key: catalog[key] for key in ("starttime", "endtime") if key in catalog},
        "status": "done",
        "attempts": 0,
        "counts": counts,
        "problems": kept,
        "updated": catalog["created"],
    }
    return cast(Task, row)


def _network_note(documents: CatalogDocuments) -> list[str]:
    stations = documents.without_network
    if not stations:
        return []
    named = ", ".join(f"{code} ({number})" for code, number in stations.most_common(STATIONS_NAMED))
    more = f" and {len(stations) - STATIONS_NAMED} more" if len(stations) > STATIONS_NAMED else ""
    return [f"stations whose network `site` does not tell, with their picks, kept without one: {named}{more}"]


def _stored_report(report: FileReport, name: str, twice: list[ReadFrom]) -> Json:
    """The report as it is stored; records that occur twice are known only when all files are read."""
    of_this_file = [place for place in twice if place.file == report.file]
    lines = [place.line for place in of_this_file if place.line is not None]
    seen = set(lines)
    repaired = [line for line in report.repaired_lines if line not in seen]  # what is repaired is kept
    stored = asdict(report) | {
        "file": name,
        "kept": report.kept - len(of_this_file),
        "merged": len(of_this_file),
        "repaired": report.repaired - len(report.repaired_lines) + len(repaired),
        "repaired_lines": repaired,
        "merged_lines": sorted(lines),
    }
    for name in ("repaired_lines", "merged_lines", "rejected_lines"):
        if len(stored[name]) > LINES_KEPT:
            stored[name] = stored[name][:LINES_KEPT]
    return stored


def _summary(
    name: str,
    config_id: str,
    changed: bool,
    counts: dict[str, int],
    files: list[AnyDocument],
    notes: list[str],
    problems: list[str],
) -> Json:
    return {
        "catalog": name,
        "config_id": config_id,
        "changed": changed,
        "counts": counts,
        "files": files,
        "notes": notes,
        "problems": problems,
    }
