"""Read event tables and pick tables (csv): ComCat, FDSN text, OGS editions, PyOcto and GaMMA picks, and their like.

What a file is follows from its header. Events need time, latitude and longitude; picks need station, phase and time.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalogdb.errors import InputError
from catalogdb.exchange.csv_columns import (
    ARRIVAL_COLUMNS,
    EVENT_COLUMNS,
    MAGNITUDE_COLUMNS,
    MAGNITUDE_TYPE_NAMES,
    OWN_COLUMN,
    PICK_COLUMNS,
    POLARITIES,
    SOURCE_ID_COLUMNS,
    column_name,
    integer,
    number,
    text,
)
from catalogdb.exchange.reference import (
    DEFAULT_PICK_UNCERTAINTY,
    HYPO71_UNCERTAINTY,
    EvaluationMode,
    FileReport,
    ReadFrom,
    ReferenceCatalog,
    channel_group,
    coordinates,
    depth_in_range,
    event_from_parts,
    parse_time_or_number,
    present,
)

EVENT_WANTED = ("time", "latitude", "longitude")
PICK_WANTED = ("station", "phase", "time")
DELIMITERS = ",;\t|"

Row = Callable[[str], str | None]


@dataclass
class Remarks:
    """What is to be said of one row: what was guessed or left in part in it, what else, and what of the whole file."""

    repaired: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def is_header(text: str) -> bool:
    """True for a line that names, between delimiters, the columns that an event table or a pick table must have."""
    delimiter = _delimiter(text)
    if delimiter not in text:
        return False
    try:
        header = [column_name(name) for name in next(csv.reader([text], delimiter=delimiter), [])]
    except csv.Error:
        return False
    return any(
        all(_first(columns[wanted], header) for wanted in all_wanted)
        for columns, all_wanted in ((PICK_COLUMNS, PICK_WANTED), (EVENT_COLUMNS, EVENT_WANTED))
    )


def read_csv(paths: Path | list[Path], evaluation_mode: EvaluationMode = "manual") -> ReferenceCatalog:
    """Read event tables, pick tables or both; picks belong to the events that their event column names.

    Args:
        paths: one file or several. Delimiters: comma, semicolon, tab, bar. Times without zone are UTC; a number is
            epoch seconds, milli-, micro- or nanoseconds by its size, and `notes` says which.
        evaluation_mode: what events and picks are that don't say.

    Raises:
        InputError: naming the file, when it can't be read or has not the columns wanted.
    """
    result = ReferenceCatalog()
    for path in [paths] if isinstance(paths, (str, Path)) else paths:
        result.extend(_read_file(Path(path), evaluation_mode))
    return result


def _read_file(path: Path, mode: EvaluationMode) -> ReferenceCatalog:
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file in UTF-8: {error.reason} at byte {error.start}") from error
    first = next((line for line in io.StringIO(content) if line.strip()), "")
    rows = _rows(csv.reader(io.StringIO(content), delimiter=_delimiter(first)), path)
    header = [column_name(name) for name in next(rows, (0, []))[1]]
    columns, convert = _kind(path, header)
    if convert is _pick and _first(ARRIVAL_COLUMNS["residual"], header):
        columns = columns | ARRIVAL_COLUMNS
    if convert is _event and OWN_COLUMN in header:
        columns = columns | SOURCE_ID_COLUMNS
    magnitudes = [name for name in header if name in MAGNITUDE_COLUMNS] if convert is _event else []
    positions = {field: header.index(name) for field, names in columns.items() if (name := _first(names, header))}
    positions |= {f"magnitude {name}": header.index(name) for name in magnitudes}

    result = ReferenceCatalog()
    documents = result.events if convert is _event else result.picks
    said: dict[str, int] = defaultdict(int)
    notes: dict[str, int] = defaultdict(int)
    repaired: list[int] = []
    rejected: list[int] = []
    for line, row in rows:

        def cell(field: str, row: list[str] = row) -> str | None:
            position = positions.get(field)
            return text(row[position]) if position is not None and position < len(row) else None

        try:
            if len(row) < len(header):
                raise ValueError(f"{len(row)} columns, not {len(header)}")
            remarks = Remarks()
            document = convert(cell, magnitudes, mode, remarks)
        except ValueError as error:
            result.rejected.append(f"{path}: line {line}: {error}")
            rejected.append(line)
            continue
        documents.append(document | {"read_from": ReadFrom(str(path), line, cell("source_id"))})
        for what in remarks.repaired + remarks.said:
            said[what] += 1
        for what in dict.fromkeys(remarks.notes):
            notes[what] += 1
        repaired += [line] if remarks.repaired else []
    result.repaired += [f"{path}: {times} {what}" for what, times in said.items()]
    result.notes += [f"{path}: {what}: {times} rows" for what, times in notes.items()]
    ignored = [name for position, name in enumerate(header) if name and position not in positions.values()]
    if ignored:
        result.repaired.append(f"{path}: columns not used: {', '.join(ignored)}")
    result.files.append(
        FileReport(
            file=str(path),
            format="csv",
            read=len(documents) + len(rejected),
            kept=len(documents),
            repaired=len(repaired),
            rejected=len(rejected),
            repaired_lines=repaired,
            rejected_lines=rejected,
        )
    )
    return result


def _delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def _kind(path: Path, header: list[str]) -> tuple[dict[str, tuple[str, ...]], Callable[..., None]]:
    for columns, wanted, convert in ((PICK_COLUMNS, PICK_WANTED, _pick), (EVENT_COLUMNS, EVENT_WANTED, _event)):
        if all(_first(columns[field], header) for field in wanted):
            return columns, convert
    raise InputError(
        f"{path}: neither an event table nor a pick table: its columns are {', '.join(header) or 'none'}; "
        f"wanted are {', '.join(EVENT_WANTED)} for events, or {', '.join(PICK_WANTED)} for picks"
    )


def _rows(reader: Any, path: Path) -> Iterator[tuple[int, list[str]]]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{path}: line {reader.line_num}: not csv: {error}") from error
        if any(part.strip() for part in row):
            yield reader.line_num, row


def _first(names: tuple[str, ...], header: list[str]) -> str | None:
    return next((name for name in names if name in header), None)


def _event(cell: Row, magnitude_columns: list[str], mode: EvaluationMode, remarks: Remarks) -> dict[str, Any]:
    time = _time(cell("time"), remarks)
    latitude, longitude = number(cell("latitude"), "latitude"), number(cell("longitude"), "longitude")
    if (latitude is None) != (longitude is None):
        raise ValueError(f"no {'latitude' if latitude is None else 'longitude'}")
    depth_km, depth_m = number(cell("depth_km"), "depth"), number(cell("depth_m"), "depth")
    if depth_km is None and depth_m is not None:
        depth_km = depth_m / 1000.0
    origins = []
    if latitude is not None and longitude is not None:
        latitude, longitude = coordinates(latitude, longitude)
        origins.append(
            present(
                {
                    "_id": "1",
                    "method": cell("origin_method") or "unknown",
                    "time": time,
                    "latitude": latitude,
                    "longitude": longitude,
                    "depth_km": depth_in_range(depth_km),
                    **{field: number(cell(field), field) for field in ORIGIN_NUMBERS},
                    **{field: integer(cell(field), field) for field in ("n_picks", "n_p", "n_s", "n_stations")},
                    "quality": cell("quality"),
                }
            )
        )
    else:
        remarks.repaired.append("events without a position, kept as unlocated")
    magnitudes = list(_magnitudes(cell, magnitude_columns))
    own_mode = (cell("evaluation_mode") or "").lower()
    status = (cell("evaluation_status") or "").lower()
    if own_mode not in ("automatic", "manual"):
        own_mode = {"reviewed": "manual", "automatic": "automatic", "confirmed": "manual", "final": "manual"}.get(
            status, mode
        )
    if status not in ("preliminary", "confirmed", "reviewed", "final", "rejected"):
        status = "reviewed" if own_mode == "manual" else "preliminary"
    event_type = cell("event_type")
    updated = cell("updated")
    return event_from_parts(
        time,
        origins,
        magnitudes,
        origins[0] if origins else None,
        magnitudes[0] if magnitudes else None,
        source_id=cell("event_id") or cell("source_id"),
        place=cell("place"),
        event_type=event_type and event_type.strip("[] ").lower(),
        evaluation_mode=own_mode,
        evaluation_status=status,
        creation_info=present(
            {
                "agency_id": cell("agency_id"),
                "author": cell("author"),
                "creation_time": _time(updated, remarks) if updated else None,
            }
        )
        or None,
    )


ORIGIN_NUMBERS = (
    "time_uncertainty",
    "horizontal_uncertainty_km",
    "depth_uncertainty_km",
    "rms",
    "azimuthal_gap",
    "minimum_distance_km",
    "score",
)


def _magnitudes(cell: Row, columns: list[str]) -> Iterator[dict[str, Any]]:
    """The untyped column first, then typed ones in the order of `MAGNITUDE_COLUMNS`: the first is the preferred one."""
    for place, name in enumerate(sorted(columns, key=list(MAGNITUDE_COLUMNS).index), 1):
        value = number(cell(f"magnitude {name}"), name)
        if value is None:
            continue
        if not -5 <= value <= 11:
            raise ValueError(f"magnitude {value:g} is outside -5..11")
        kind = MAGNITUDE_COLUMNS[name]
        if kind is None:
            given = cell("magnitude_type") or "M"
            kind = MAGNITUDE_TYPE_NAMES.get(given.lower(), given)
            extra = {
                "uncertainty": number(cell("magnitude_uncertainty"), name),
                "n_stations": integer(cell("magnitude_stations"), name),
            }
        else:
            extra = {}
        yield present({"_id": str(place), "type": kind, "value": value, **extra})


def _pick(cell: Row, _: list[str], mode: EvaluationMode, remarks: Remarks) -> dict[str, Any]:
    station = cell("station")
    if station is None:
        raise ValueError("no station")
    parts = station.split(".")
    net, sta, loc, chan = [*parts, "", "", ""][:4] if len(parts) > 1 else ("", station, "", "")
    net, loc, chan = cell("network") or net, cell("location") or loc, cell("channel") or chan
    if not sta:
        raise ValueError(f"no station code in {station!r}")
    phase = cell("phase")
    if phase is None:
        raise ValueError("no phase")
    weight = integer(cell("hypo71_weight"), "hypo71_weight")
    if weight is not None and weight not in HYPO71_UNCERTAINTY:
        raise ValueError(f"hypo71_weight {weight} is outside 0..5")
    uncertainty = number(cell("uncertainty"), "uncertainty")
    if uncertainty is None and weight is None:
        remarks.repaired.append(f"picks without uncertainty, taken as {DEFAULT_PICK_UNCERTAINTY} s")
    event_key = cell("event_id")
    if event_key in ("-1", "-1.0"):
        remarks.said.append("picks of no event (event -1)")
        event_key = None
    own_mode = (cell("evaluation_mode") or mode).lower()
    if own_mode not in ("automatic", "manual"):
        raise ValueError(f"evaluation mode {own_mode!r} is neither automatic nor manual")
    polarity = (cell("polarity") or "").lower()
    onset = (cell("onset") or "").lower()
    probability = number(cell("probability"), "probability")
    arrival = present({name: number(cell(name), name) for name in ARRIVAL_COLUMNS})
    return present(
        {
            "channel_group": channel_group(net, sta, loc, chan),
            "net": net,
            "sta": sta,
            "loc": loc,
            "chan": chan,
            "phase": phase.upper() if phase in ("p", "s") else phase,
            "time": _time(cell("time"), remarks),
            "uncertainty": HYPO71_UNCERTAINTY.get(weight, DEFAULT_PICK_UNCERTAINTY)
            if uncertainty is None
            else uncertainty,
            "probability": probability,
            "evaluation_mode": own_mode,
            "hypo71_weight": weight,
            "polarity": POLARITIES.get(polarity),
            "onset": {"e": "emergent", "i": "impulsive", "?": "questionable"}.get(onset, onset)
            if onset in ("e", "i", "?", "emergent", "impulsive", "questionable")
            else None,
            "event_key": event_key,
            "source_id": cell("pick_id"),
            "arrival": arrival or None,
        }
    )


def _time(value: str | None, remarks: Remarks) -> float:
    if value is None:
        raise ValueError("no time")
    try:
        time, unit = parse_time_or_number(value)
    except ValueError as error:
        raise ValueError(f"bad time {value!r}: {error}") from error
    if unit:
        remarks.notes.append(f"times are numbers, read as epoch {unit}")
    return time
