"""Catalog files of any known format -> one catalog: what each file is, who reads it, and what is merged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from catalogdb.decoding import encoding_of, open_unpacked, unpacked_name
from catalogdb.errors import InputError
from catalogdb.exchange.detect import SUFFIXES, detect, first_lines, has_no_centuries
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.file_names import distinct_names
from catalogdb.exchange.formats import load, of_command
from catalogdb.exchange.joined_picks import join_picks, take_source_ids
from catalogdb.exchange.ogs.merge import Part, merge
from catalogdb.exchange.peers.results import detect_result
from catalogdb.exchange.reference_catalog import FileReport, ReadFrom, ReferenceCatalog
from catalogdb.exchange.table_judgement import TableOptions
from catalogdb.exchange.table_rows import PARQUET
from catalogdb.file_formats import GEOJSON, HYPOINVERSE, REAL, START, FileFormat, identify, identify_by_obspy

BLANK = b"\xef\xbb\xbf \t\r\n"  # with UTF-8's byte order mark
XML = re.compile(rb"<(\?xml|(\w+:)?quakeml)\b")
SOURCE_LINE = re.compile(r".*:(\d+):[PS]", re.DOTALL)  # the id of a reading in the bulletin's files
LINES_OF_A_TABLE = 20  # among which a line with delimiters may stand
EVENT_SAID = re.compile(r"event (\d+) \(")  # a message's record in QuakeML
PICKS_SAID = re.compile(r"(\d+) picks without .*, taken as ")
CSV_READER = "catalogdb.exchange.csv_catalog:read_csv"
READ = of_command("catalog", is_read=True)
_BY_OBSPY = {"SC3ML": "scml"} | {item.obspy: name for name, item in READ.items() if item.obspy}
OTHER_NAMES = {
    "dat": "ogs-dat",
    "hpl": "ogs-hpl",
    "hpc": "ogs-hpl",
    "ogs-hpc": "ogs-hpl",
    "pun": "ogs-pun",
    "txt": "ogs-txt",
    "ogs-txt-separated": "ogs-txt",
    "sc3ml": "scml",
    **{name: "csv" for name, item in (READ | of_command("picks", is_read=True)).items() if item.reader == CSV_READER},
}
OWN_SIGNATURES = {GEOJSON.name: "geojson", REAL.name: "real", HYPOINVERSE.name: "hypoinverse-arc"}
FORMATS_HINT = (
    "read are QuakeML, csv with a header line, Parquet, GeoJSON, SCML, Nordic, NonLinLoc, the OGS bulletin's .dat, "
    ".hpl, .hpc, .pun and .txt, and more: catalogdb formats lists them; --format says which it is"
)


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
        format: a name of `catalogdb.exchange.formats`, in any case; none: by each file's first lines. The bulletin's
            formats need to fit most of them; without a century in any date, they are HYPO71's own.
        evaluation_mode: what events and picks are that don't say.
        tables: what tables don't say themselves: the order of day and month, the unit of depths.

    Raises:
        InputError: naming the file and the reason.
    """
    wanted = known_format(format)
    parts = []
    for path in paths:
        start, found = _first_bytes(path, is_told=wanted is not None)
        own_format, is_plain = (found, False) if found else _format_of(path, start, wanted)
        try:
            catalog = _read_file(path, own_format, evaluation_mode, tables, is_plain)
        except InputError as error:
            if own_format != "csv" or wanted is not None or start.startswith(PARQUET):
                raise
            own_format = _no_table(path, start, error)
            catalog = _read_file(path, own_format, evaluation_mode, tables, False)
        if not catalog.files:
            catalog.files.append(_file_report(path, own_format, catalog))
        for pick in catalog.picks:
            pick.setdefault("read_from", _place(path, pick.get("source_id")))
        for event in catalog.events:
            event.setdefault("read_from", _place(path, None))
        parts.append(Part(path.name, own_format, catalog))
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


def known_format(format: str | None) -> str | None:
    """The name of a format as it is written here, from any case and the usual short names; None stays None.

    Raises:
        InputError: naming the formats that there are.
    """
    if format is None:
        return None
    wanted = format.lower().lstrip(".")
    wanted = OTHER_NAMES.get(wanted, wanted)
    if wanted not in READ:
        raise InputError(f"unknown catalog format {format!r}", hint=f"formats: {', '.join(READ)}")
    return wanted


def _place(path: Path, source_id: str | None) -> ReadFrom:
    line = SOURCE_LINE.fullmatch(source_id or "") if (source_id or "").startswith(f"{path.name}:") else None
    return ReadFrom(str(path), int(line[1]) if line else None)


def _first_bytes(path: Path, is_told: bool) -> tuple[bytes, str | None]:
    """The file's first 4 KiB with anything in them, in UTF-8, and its format where a signature tells it.

    Raises:
        InputError: naming what the file is where that is known and is not read, unless its format is told.
    """
    start = b""
    with open_unpacked(path) as stream:
        while not start and (more := stream.read(START)):
            start = more if more.strip(BLANK) else b""
    if not start:
        raise InputError(f"{path}: no catalog: it is empty")
    if start.startswith(PARQUET):
        return start, None
    try:
        encoding = encoding_of(path, [start])
        is_binary = b"\0" in start.rstrip(b"\0") and not encoding.startswith(("utf-16", "utf-32"))
    except InputError:
        encoding, is_binary = "latin-1", True
    if (is_binary or (not is_told and detect_result(start) is None)) and (found := identify(start)) is not None:
        return start, _readable(path, found)
    if is_binary:
        return start, _readable(path, identify_by_obspy(path) or FileFormat("a binary file"))
    return start.decode(encoding, errors="replace").encode(), None


def _readable(path: Path, found: FileFormat) -> str:
    """The name of the format that a file is known to be in.

    Raises:
        InputError: naming what the file is, when it is not read.
    """
    name = OWN_SIGNATURES.get(found.name)
    if found.content == "catalog" and found.obspy is None and name is None:
        found = identify_by_obspy(path) or found
    name = name or _BY_OBSPY.get(found.obspy or "")
    if found.content != "catalog" or name is None:
        raise _other_format(path, found)
    return name


def _format_of(path: Path, start: bytes, wanted: str | None) -> tuple[str, bool]:
    """The format, and whether it is HYPO71's own, whose dates have no century."""
    if start.startswith(PARQUET):
        return "csv", False
    name = unpacked_name(path)
    if wanted == "hypo71":  # its cards, or what it makes of them
        return next((own for own in ("ogs-hpl", "ogs-pun") if own == detect(name, start)), "ogs-dat"), True
    if wanted is not None:
        return wanted, False
    if name.suffix.lower() in (".xml", ".qml", ".quakeml") or XML.match(start.lstrip(BLANK)):
        return "quakeml", False
    if (result := detect_result(start)) is not None:
        return result, False
    bulletin = detect(name, start)
    return (bulletin, has_no_centuries(bulletin, start)) if bulletin else ("csv", False)


def _other_format(path: Path, found: FileFormat) -> InputError:
    what = "not read" if found.content == "catalog" else "no catalog"
    return InputError(f"{path}: {what}: it is {found.name}", hint=found.way_out(path) or FORMATS_HINT)


def _no_table(path: Path, start: bytes, error: InputError) -> str:
    """The format of a file that no signature fits and that the reader of tables refuses.

    Raises:
        InputError: saying what it looks like, when nothing reads it.
    """
    if (found := identify_by_obspy(path)) is not None:
        return _readable(path, found)
    lines = first_lines(start)[:LINES_OF_A_TABLE]
    if any(line.count(delimiter) > 1 for line in lines for delimiter in ",;|\t"):
        raise error
    bulletin = SUFFIXES.get(unpacked_name(path).suffix.lower())
    unfit = f"most of its lines do not fit {bulletin}, and " if bulletin else ""
    first = lines[0] if lines else ""
    raise InputError(f"{path}: no known format: {unfit}it begins with {first[:40]!r}", hint=FORMATS_HINT) from error


def _read_file(
    path: Path, format: str, mode: EvaluationMode, tables: TableOptions | None, is_plain: bool
) -> ReferenceCatalog:
    item = READ[format]
    more: dict[str, Any] = {}
    if is_plain and format == "ogs-dat":
        item = READ["hypo71"]
    elif is_plain:
        more["is_plain"] = True
    elif item.obspy is not None:
        more["obspy_format"] = item.obspy
    elif format == "csv":
        more["options"] = tables
    try:
        catalog: ReferenceCatalog = load(item.reader or "")(path, mode, **more)
        return catalog
    except InputError as error:
        if format != "csv":
            raise
        raise InputError(str(error), hint=error.hint or FORMATS_HINT) from error


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
