"""Read event tables and pick tables (csv): ComCat, FDSN text, OGS editions, PyOcto and GaMMA picks, and their like.

What a file is follows from its header. Events need time, latitude and longitude; picks need station, phase and time.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from catalogdb.errors import InputError
from catalogdb.exchange.csv_columns import (
    EVENT_COLUMNS,
    MAGNITUDE_COLUMNS,
    MAGNITUDE_TYPE_NAMES,
    PICK_COLUMNS,
    POLARITIES,
    column_name,
    integer,
    number,
    text,
)
from catalogdb.exchange.reference import (
    DEFAULT_PICK_UNCERTAINTY,
    HYPO71_UNCERTAINTY,
    EvaluationMode,
    ReferenceCatalog,
    channel_group,
    coordinates,
    depth_in_range,
    event_from_parts,
    parse_time,
    present,
)

EVENT_WANTED = ("time", "latitude", "longitude")
PICK_WANTED = ("station", "phase", "time")

Row = Callable[[str], str | None]


def read_csv(paths: Path | list[Path], evaluation_mode: EvaluationMode = "manual") -> ReferenceCatalog:
    """Read event tables, pick tables or both; picks belong to the events that their event column names.

    Args:
        paths: one file or several. Delimiters: comma, semicolon, tab, bar. Times without zone are UTC.
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
    first = content.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    reader = csv.reader(io.StringIO(content), delimiter=delimiter)
    try:
        header = [column_name(name) for name in next(reader, [])]
    except csv.Error as error:
        raise InputError(f"{path}: line 1: not csv: {error}") from error
    columns, convert = _kind(path, header)
    magnitudes = [name for name in header if name in MAGNITUDE_COLUMNS] if convert is _event else []
    positions = {field: header.index(name) for field, names in columns.items() if (name := _first(names, header))}
    positions |= {f"magnitude {name}": header.index(name) for name in magnitudes}

    result = ReferenceCatalog()
    counts: Counter[str] = Counter()
    for line, row in _rows(reader, path):

        def cell(field: str, row: list[str] = row) -> str | None:
            position = positions.get(field)
            return text(row[position]) if position is not None and position < len(row) else None

        try:
            if len(row) < len(header):
                raise ValueError(f"{len(row)} columns, not {len(header)}")
            convert(cell, magnitudes, mode, result, counts)
        except ValueError as error:
            result.rejected.append(f"{path}: line {line}: {error}")
    result.repaired += [f"{path}: {times} {what}" for what, times in counts.items()]
    ignored = [name for position, name in enumerate(header) if name and position not in positions.values()]
    if ignored:
        result.repaired.append(f"{path}: columns not used: {', '.join(ignored)}")
    return result


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


def _event(
    cell: Row, magnitude_columns: list[str], mode: EvaluationMode, result: ReferenceCatalog, counts: Counter[str]
) -> None:
    time = _time(cell("time"))
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
        counts["events without a position, kept as unlocated"] += 1
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
    result.events.append(
        event_from_parts(
            time,
            origins,
            magnitudes,
            origins[0] if origins else None,
            magnitudes[0] if magnitudes else None,
            source_id=cell("event_id"),
            place=cell("place"),
            event_type=event_type and event_type.strip("[] ").lower(),
            evaluation_mode=own_mode,
            evaluation_status=status,
            creation_info=present(
                {
                    "agency_id": cell("agency_id"),
                    "author": cell("author"),
                    "creation_time": _time(updated) if updated else None,
                }
            )
            or None,
        )
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


def _pick(cell: Row, _: list[str], mode: EvaluationMode, result: ReferenceCatalog, counts: Counter[str]) -> None:
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
        counts[f"picks without uncertainty, taken as {DEFAULT_PICK_UNCERTAINTY} s"] += 1
    event_key = cell("event_id")
    if event_key in ("-1", "-1.0"):
        counts["picks of no event (event -1)"] += 1
        event_key = None
    own_mode = (cell("evaluation_mode") or mode).lower()
    if own_mode not in ("automatic", "manual"):
        raise ValueError(f"evaluation mode {own_mode!r} is neither automatic nor manual")
    polarity = (cell("polarity") or "").lower()
    onset = (cell("onset") or "").lower()
    probability = number(cell("probability"), "probability")
    result.picks.append(
        present(
            {
                "channel_group": channel_group(net, sta, loc, chan),
                "net": net,
                "sta": sta,
                "loc": loc,
                "chan": chan,
                "phase": phase.upper() if phase in ("p", "s") else phase,
                "time": _time(cell("time")),
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
            }
        )
    )


def _time(value: str | None) -> float:
    if value is None:
        raise ValueError("no time")
    try:
        return parse_time(value)
    except ValueError as error:
        raise ValueError(f"bad time {value!r}: {error}") from error
