"""Read event tables and pick tables (csv, Parquet): ComCat, FDSN text, the ISC's csv, OGS editions, PyOcto, GaMMA,
PhaseNet, EQTransformer, SeisBench, spreadsheets, and their like.

What a file is follows from its header. Events need time, latitude and longitude; picks need station, phase and time.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

from catalogdb.errors import InputError
from catalogdb.exchange.csv_columns import (
    ARRIVAL_COLUMNS,
    EVENT_COLUMNS,
    ID_OF_STATION,
    MAGNITUDE,
    MAGNITUDE_GROUP,
    OWN_ARRIVAL_COLUMN,
    OWN_COLUMN,
    OWN_EVENT_COLUMNS,
    PHASES_OF_A_ROW,
    PICK_COLUMNS,
    PLANE_COLUMNS,
    ROW_COLUMNS,
    TIME_PARTS,
    Column,
    column_of,
)
from catalogdb.exchange.csv_events import magnitude_group, magnitude_positions, read_event
from catalogdb.exchange.csv_picks import phase_columns, read_both_phases, read_pick
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.reference_catalog import FileReport, ReadFrom, ReferenceCatalog
from catalogdb.exchange.table_cells import Cells
from catalogdb.exchange.table_judgement import TableOptions, judge
from catalogdb.exchange.table_rows import Table, delimiter_of
from catalogdb.exchange.table_time_columns import check_times
from catalogdb.table_header import column_name

TableKind = Literal["picks", "picks of both phases", "events"]
Reading = Callable[[Cells], Iterable[Any]]

PICKS_OF_MACHINES = "a table with probabilities is of a picker: its picks are automatic"
IN_A_PLANE = "events with places in a plane alone, whose projection the table does not tell; add latitude and longitude"


def is_header(text: str) -> bool:
    """True for a line that names, between delimiters, the columns that an event table or a pick table must have."""
    delimiter = delimiter_of(text)
    if delimiter not in text:
        return False
    try:
        header = [column_name(name) for name in next(csv.reader([text], delimiter=delimiter), [])]
    except csv.Error:
        return False
    return table_kind(header) is not None


def table_kind(header: list[str]) -> TableKind | None:
    """What a table with these columns is; None for neither events nor picks."""

    def has(columns: dict[str, Column], *wanted: str) -> bool:
        return all(column_of(columns[name], header) is not None for name in wanted)

    def has_time(columns: dict[str, Column]) -> bool:
        return has(columns, "time") or has(columns, "date") or has(columns, "year", "month", "day")

    has_place = has(EVENT_COLUMNS, "latitude", "longitude")
    is_station_named = any(name in header for name in PICK_COLUMNS["station"].names if name != ID_OF_STATION)
    if has_time(PICK_COLUMNS) and has(PICK_COLUMNS, "station", "phase") and (is_station_named or not has_place):
        return "picks"
    if has(ROW_COLUMNS, "station") or has(ROW_COLUMNS, "file_name", "start"):
        for columns in PHASES_OF_A_ROW.values():
            if has(columns, "time") or (has(columns, "samples") and has(ROW_COLUMNS, "start")):
                return "picks of both phases"
    if has_time(EVENT_COLUMNS) and (has_place or _has_plane(header)):
        return "events"
    return None


def _has_plane(header: list[str]) -> bool:
    return any(all(name in header for name in names) for names in PLANE_COLUMNS)


def read_csv(
    paths: Path | list[Path], evaluation_mode: EvaluationMode = "manual", options: TableOptions | None = None
) -> ReferenceCatalog:
    """Read event tables, pick tables or both; picks belong to the events that their event column names.

    A table is read twice: once to judge its columns as a whole (`catalogdb.exchange.table_judgement`), once for its
    rows.

    Args:
        paths: one file or several. Delimiters: comma, semicolon, tab, bar. Times without zone are UTC; a number is
            epoch seconds, milli-, micro- or nanoseconds by its size, or Excel's days, and `notes` says which.
        evaluation_mode: what events and picks are that don't say; picks with a probability are automatic.
        options: what the tables don't say themselves.

    Raises:
        InputError: naming the file, when it can't be read, has not the columns wanted, or can be read in two ways.
    """
    result = ReferenceCatalog()
    for path in [paths] if isinstance(paths, (str, Path)) else paths:
        result.extend(_read_file(Path(path), evaluation_mode, options or TableOptions()))
    return result


def _read_file(path: Path, mode: EvaluationMode, options: TableOptions) -> ReferenceCatalog:
    table = Table(path, lambda names: table_kind(names) is not None)
    header = table.header
    kind = table_kind(header)
    if kind is None:
        raise InputError(
            f"{path}: neither an event table nor a pick table: its columns are {', '.join(header) or 'none'}; "
            "wanted are time, latitude, longitude for events, or station, phase, time for picks"
        )
    columns = _columns(kind, header)
    positions = {name: at for name, column in columns.items() if (at := column_of(column, header)) is not None}
    if kind == "events":
        positions |= magnitude_positions(header)
        columns = columns | dict.fromkeys(magnitude_positions(header), MAGNITUDE)
    positions = _one_meaning_each(positions)
    judgement = judge(
        table,
        {name: at for name, at in positions.items() if columns[name].kind == "time"},
        [at for name, at in positions.items() if columns[name].kind in ("number", "count")],
        positions.get("depth_km"),
        options,
    )
    times = {name: at for name, at in positions.items() if name == "time" or name in TIME_PARTS}
    unused = {name: at for at, name in enumerate(header) if name and at not in positions.values()}
    cells = Cells(positions, columns, judgement)
    result = ReferenceCatalog(notes=[*table.notes, *judgement.notes, *check_times(table, times, unused)])
    read, more = _reading(kind, table, positions, mode, result)
    _read_rows(table, cells, read, result, kind, more)
    if kind == "events" and not _has_place(positions) and result.events:
        result.repaired.append(f"{path}: {len(result.events)} {IN_A_PLANE}")
    ignored = [name for name, at in unused.items() if at not in range(*(more or (0, 0)))]
    if ignored:
        result.repaired.append(f"{path}: columns not used: {', '.join(ignored)}")
    return result


def _has_place(positions: dict[str, int]) -> bool:
    return "latitude" in positions and "longitude" in positions


def _columns(kind: TableKind, header: list[str]) -> dict[str, Column]:
    if kind == "picks":
        return PICK_COLUMNS | (ARRIVAL_COLUMNS if OWN_ARRIVAL_COLUMN in header else {})
    if kind == "picks of both phases":
        return ROW_COLUMNS | phase_columns()
    return EVENT_COLUMNS | (OWN_EVENT_COLUMNS if OWN_COLUMN in header else {})


def _one_meaning_each(positions: dict[str, int]) -> dict[str, int]:
    """Each column under its first meaning: `id` is a station's where it is not an event's."""
    taken: set[int] = set()
    kept = {}
    for name, position in positions.items():
        if position not in taken:
            taken.add(position)
            kept[name] = position
    return kept


def _reading(
    kind: TableKind, table: Table, positions: dict[str, int], mode: EvaluationMode, result: ReferenceCatalog
) -> tuple[Reading, tuple[int, int] | None]:
    """How a row is read, and which columns at its end stand there once or more often."""
    if kind == "events":
        group, magnitudes = magnitude_group(table.header), magnitude_positions(table.header)
        more = None if group is None else (group, group + len(MAGNITUDE_GROUP))
        return (lambda cells: [read_event(cells, magnitudes, group, mode)]), more
    if kind == "picks of both phases":
        result.notes.append(f"{table.path}: {PICKS_OF_MACHINES}")
        return (lambda cells: list(read_both_phases(cells, "automatic"))), None
    if "probability" in positions and "evaluation_mode" not in positions and mode != "automatic":
        result.notes.append(f"{table.path}: {PICKS_OF_MACHINES}")
        mode = "automatic"
    return (lambda cells: [read_pick(cells, mode)]), None


def _read_rows(
    table: Table,
    cells: Cells,
    read: Reading,
    result: ReferenceCatalog,
    kind: TableKind,
    more: tuple[int, int] | None,
) -> None:
    path, width = str(table.path), len(table.header)
    documents: list[Any] = result.events if kind == "events" else result.picks
    repaired: list[int] = []
    rejected: list[int] = []
    for line, row in table.rows():
        cells.take(line, row)
        try:
            if len(row) < width:
                raise ValueError(f"{len(row)} columns, not {width}")
            if len(row) > width and more is None and any(cell.strip() for cell in row[width:]):
                raise ValueError(
                    f"{len(row)} columns, not {width}: has a text or a number {table.delimiter!r} in it, unquoted?"
                )
            found = read(cells)
        except ValueError as error:
            result.rejected.append(f"{path}: line {line}: {error}")
            rejected.append(line)
            continue
        source_id = cells.text("source_id")
        for document in found:
            document["read_from"] = ReadFrom(path, line, source_id)
            documents.append(document)
        if cells.is_repaired:
            repaired.append(line)
    result.repaired += cells.messages(table.path)
    result.notes += [f"{path}: {what}: {times} rows" for what, times in cells.notes.items()]
    result.files.append(
        FileReport(
            file=path,
            format=table.format,
            read=len(documents) + len(rejected),
            kept=len(documents),
            repaired=len(repaired),
            rejected=len(rejected),
            repaired_lines=repaired,
            rejected_lines=rejected,
        )
    )
