"""Catalog files of any known format -> one catalog: what each file is, who reads it, and what is merged."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from catalogdb.errors import InputError
from catalogdb.exchange.ogs.detect import detect
from catalogdb.exchange.ogs.merge import Part, merge
from catalogdb.exchange.reference import EvaluationMode, FileReport, ReferenceCatalog

BLANK = b"\xef\xbb\xbf \t\r\n"  # with UTF-8's byte order mark
UTF16 = (b"\xff\xfe", b"\xfe\xff")
XML = re.compile(rb"<(\?xml|(\w+:)?quakeml)\b")
LINE = re.compile(r": line (\d+):")
MINISEED = re.compile(rb"(\d{6}[DRQM][ \0]|MS\x03)")  # the fixed headers of miniSEED 2 and 3

CatalogFormat = Literal["quakeml", "csv", "ogs-dat", "ogs-hpl", "ogs-pun", "ogs-txt"]  # written in any case
FORMATS_HINT = (
    "read are QuakeML, csv with a header line, and the OGS bulletin's .dat, .hpl, .hpc, .pun and .txt; "
    f"--format says which it is: {', '.join(get_args(CatalogFormat))}"
)
FORMAT_ALIASES = {
    "dat": "ogs-dat",
    "hpl": "ogs-hpl",
    "hpc": "ogs-hpl",
    "ogs-hpc": "ogs-hpl",
    "pun": "ogs-pun",
    "txt": "ogs-txt",
    "hypo71": "ogs-dat",
}


def read_catalog_files(
    paths: list[Path], format: str | None = None, evaluation_mode: EvaluationMode = "manual"
) -> ReferenceCatalog:
    """Read catalog files of any known format.

    Several files that hold events, or a file of the OGS bulletin and others, are merged: each event stands once
    (`catalogdb.exchange.ogs.merge`). A table of events and one of picks are linked by their event ids.

    Args:
        paths: files of one catalog.
        format: one of `CatalogFormat`, in any case; none: by each file's first lines, else by its suffix (`.xml`,
            `.qml`, `.quakeml`, `.dat`, `.hpl`, `.hpc`, `.pun`, `.txt`), else csv.
        evaluation_mode: what events and picks are that don't say.

    Raises:
        InputError: naming the file and the reason.
    """
    wanted = known_format(format)
    parts = []
    for path in paths:
        start = _first_bytes(path)
        own_format = wanted or _format_of(path, start)
        catalog = _read_file(path, own_format, evaluation_mode)
        if not catalog.files:
            catalog.files.append(_file_report(path, own_format, catalog))
        parts.append(Part(path.name, own_format, catalog))
    is_ogs = any(part.format.startswith("ogs-") for part in parts)
    if len(parts) > 1 and (is_ogs or sum(bool(part.catalog.events) for part in parts) > 1):
        return merge(parts)
    catalog = ReferenceCatalog()
    for part in parts:
        catalog.extend(part.catalog)
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


def _first_bytes(path: Path) -> bytes:
    """The file's first 4 KiB, once it is sure that they may begin a catalog."""
    try:
        with open(path, "rb") as stream:
            start = stream.read(4096)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not start.strip(BLANK):
        raise InputError(f"{path}: no catalog: it is empty")
    if MINISEED.match(start):
        raise InputError(f"{path}: no catalog: it is miniSEED", hint="catalogdb ingest waveforms indexes waveforms")
    if b"\0" in start and not start.startswith(UTF16):
        raise InputError(f"{path}: no catalog: it is a binary file")
    return start


def _format_of(path: Path, start: bytes) -> CatalogFormat:
    if path.suffix.lower() in (".xml", ".qml", ".quakeml") or XML.match(start.lstrip(BLANK)):
        return "quakeml"
    return detect(path, start) or "csv"


def _read_file(path: Path, format: CatalogFormat, mode: EvaluationMode) -> ReferenceCatalog:
    from catalogdb.exchange import csv_catalog, quakeml
    from catalogdb.exchange.ogs import bulletin_txt, listing_hpl, phases_dat, summary_pun

    readers: dict[str, Callable[[Path, EvaluationMode], ReferenceCatalog]] = {
        "quakeml": quakeml.read_quakeml,
        "csv": csv_catalog.read_csv,
        "ogs-dat": phases_dat.read_dat,
        "ogs-hpl": listing_hpl.read_hpl,
        "ogs-pun": summary_pun.read_pun,
        "ogs-txt": bulletin_txt.read_txt,
    }
    try:
        return readers[format](path, mode)
    except InputError as error:
        if format != "csv" or error.hint:
            raise
        raise InputError(str(error), hint=FORMATS_HINT) from error


def _file_report(path: Path, format: str, catalog: ReferenceCatalog) -> FileReport:
    """Report of readers that name lines in their messages only."""
    rejected = [int(match[1]) for text in catalog.rejected if (match := LINE.search(text))]
    kept = len(catalog.events) + len(catalog.picks)
    return FileReport(
        file=str(path),
        format=format,
        read=kept + len(catalog.rejected),
        kept=kept,
        repaired=len(catalog.repaired),
        rejected=len(catalog.rejected),
        rejected_lines=rejected,
    )
