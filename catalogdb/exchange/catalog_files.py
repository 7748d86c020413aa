"""Catalog files of any known format -> one catalog: what each file is, who reads it, and what is merged."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from catalogdb.errors import InputError
from catalogdb.exchange.decoding import encoding_of, open_unpacked, unpacked_name
from catalogdb.exchange.file_names import distinct_names
from catalogdb.exchange.joined_picks import join_picks, take_source_ids
from catalogdb.exchange.ogs.detect import detect
from catalogdb.exchange.ogs.merge import Part, merge
from catalogdb.exchange.reference import EvaluationMode, FileReport, ReadFrom, ReferenceCatalog
from catalogdb.exchange.table_judgement import TableOptions
from catalogdb.exchange.table_rows import PARQUET

BLANK = b"\xef\xbb\xbf \t\r\n"  # with UTF-8's byte order mark
XML = re.compile(rb"<(\?xml|(\w+:)?quakeml)\b")
SOURCE_LINE = re.compile(r".*:(\d+):[PS]", re.DOTALL)  # the id of a reading in the bulletin's files
EVENT_SAID = re.compile(r"event (\d+) \(")  # a message's record in QuakeML
PICKS_SAID = re.compile(r"(\d+) picks without .*, taken as ")
START = 4096  # bytes that tell a file's format
MINISEED = re.compile(rb"(\d{6}[DRQM][ \0]|MS\x03)")  # the fixed headers of miniSEED 2 and 3

CatalogFormat = Literal["quakeml", "csv", "ogs-dat", "ogs-hpl", "ogs-pun", "ogs-txt", "hypo71"]  # written in any case
FORMATS_HINT = (
    "read are QuakeML, csv with a header line, Parquet, and the OGS bulletin's .dat, .hpl, .hpc, .pun and .txt; "
    f"--format says which it is: {', '.join(get_args(CatalogFormat))}"
)
FORMAT_ALIASES = {
    "dat": "ogs-dat",
    "hpl": "ogs-hpl",
    "hpc": "ogs-hpl",
    "ogs-hpc": "ogs-hpl",
    "pun": "ogs-pun",
    "txt": "ogs-txt",
}


def read_catalog_files(
    paths: list[Path],
    format: str | None = None,
    evaluation_mode: EvaluationMode = "manual",
    tables: TableOptions | None = None,
) -> ReferenceCatalog:
    """Read catalog files of any known format.

    Several files that hold events, or a file of the OGS bulletin and others, are merged: each event stands once
    (`catalogdb.exchange.ogs.merge`). A table of events and one of picks are linked by their event ids, unless times
    speak against it (`catalogdb.exchange.joined_picks`).

    Args:
        paths: files of one catalog.
        format: one of `CatalogFormat`, in any case; none: by each file's first lines, else by its suffix (`.xml`,
            `.qml`, `.quakeml`, `.dat`, `.hpl`, `.hpc`, `.pun`, `.txt`), else csv.
        evaluation_mode: what events and picks are that don't say.
        tables: what tables don't say themselves: the order of day and month, the unit of depths.

    Raises:
        InputError: naming the file and the reason.
    """
    wanted = known_format(format)
    parts = []
    for path in paths:
        start = _first_bytes(path)
        own_format = wanted or _format_of(path, start)
        catalog = _read_file(path, own_format, evaluation_mode, tables)
        if not catalog.files:
            catalog.files.append(_file_report(path, own_format, catalog))
        for pick in catalog.picks:
            pick.setdefault("read_from", _place(path, pick.get("source_id")))
        for event in catalog.events:
            event.setdefault("read_from", _place(path, None))
        # cards are cards, whoever says their century
        parts.append(Part(path.name, "ogs-dat" if own_format == "hypo71" else own_format, catalog))
    is_ogs = any(part.format.startswith("ogs-") for part in parts)
    if len(parts) > 1 and (is_ogs or sum(bool(part.catalog.events) for part in parts) > 1):
        for part in parts:
            take_source_ids(part.catalog)
        catalog = merge(parts)
        catalog.notes = [note for part in parts for note in part.catalog.notes] + catalog.notes
        return catalog
    names = distinct_names([str(path) for path in paths])
    for path, part in zip(paths, parts, strict=True):
        part.name = names[str(path)]
    catalog = join_picks(parts)
    take_source_ids(catalog)
    return catalog


def known_format(format: str | None) -> CatalogFormat | None:
    """The name of a format as it is written here, from any case and the usual short names; None stays None.

    Raises:
        InputError: naming the formats that there are.
    """
    if format is None:
        return None
    wanted = FORMAT_ALIASES.get(format.lower().lstrip("."), format.lower())
    for known in get_args(CatalogFormat):
        if wanted == known:
            return known
    raise InputError(f"unknown catalog format {format!r}", hint=f"formats: {', '.join(get_args(CatalogFormat))}")


def _place(path: Path, source_id: str | None) -> ReadFrom:
    line = SOURCE_LINE.fullmatch(source_id or "") if (source_id or "").startswith(f"{path.name}:") else None
    return ReadFrom(str(path), int(line[1]) if line else None)


def _first_bytes(path: Path) -> bytes:
    """The file's first 4 KiB from the first line with anything in it, in UTF-8, once they may begin a catalog."""
    start = b""
    with open_unpacked(path) as stream:
        while not start and (more := stream.read(START)):
            start = more.lstrip(BLANK)
        start += stream.read(START - len(start))
    if not start:
        raise InputError(f"{path}: no catalog: it is empty")
    if start.startswith(PARQUET):
        return start
    if MINISEED.match(start):
        raise InputError(f"{path}: no catalog: it is miniSEED", hint="catalogdb ingest waveforms indexes waveforms")
    try:
        encoding = encoding_of(path, [start])
    except InputError:
        encoding = None
    if encoding is None or (b"\0" in start and not encoding.startswith(("utf-16", "utf-32"))):
        raise InputError(f"{path}: no catalog: it is a binary file", hint="save a workbook's table as csv")
    return start.decode(encoding, errors="replace").encode()


def _format_of(path: Path, start: bytes) -> CatalogFormat:
    if start.startswith(PARQUET):
        return "csv"
    name = unpacked_name(path)
    if name.suffix.lower() in (".xml", ".qml", ".quakeml") or XML.match(start):
        return "quakeml"
    return detect(name, start) or "csv"


def _read_file(
    path: Path, format: CatalogFormat, mode: EvaluationMode, tables: TableOptions | None
) -> ReferenceCatalog:
    from catalogdb.exchange import csv_catalog, quakeml
    from catalogdb.exchange.ogs import bulletin_txt, listing_hpl, phases_dat, summary_pun

    readers: dict[str, Callable[[Path, EvaluationMode], ReferenceCatalog]] = {
        "quakeml": quakeml.read_quakeml,
        "csv": lambda path, mode: csv_catalog.read_csv(path, mode, tables),
        "ogs-dat": phases_dat.read_dat,
        "ogs-hpl": listing_hpl.read_hpl,
        "ogs-pun": summary_pun.read_pun,
        "ogs-txt": bulletin_txt.read_txt,
        "hypo71": phases_dat.read_hypo71,
    }
    try:
        return readers[format](path, mode)
    except InputError as error:
        if format != "csv" or error.hint:
            raise
        raise InputError(str(error), hint=FORMATS_HINT) from error


def _file_report(path: Path, format: str, catalog: ReferenceCatalog) -> FileReport:
    """Report of a reader that makes none."""
    kept = len(catalog.events) + len(catalog.picks)
    said = [text.removeprefix(f"{path}: ") for text in catalog.repaired]
    events = {match[1] for text in said if (match := EVENT_SAID.match(text))}
    picks = max((int(match[1]) for text in said if (match := PICKS_SAID.match(text))), default=0)
    return FileReport(
        file=str(path),
        format=format,
        read=kept + len(catalog.rejected),
        kept=kept,
        repaired=len(events) + picks,
        rejected=len(catalog.rejected),
    )
