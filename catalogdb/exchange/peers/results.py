"""What other locators make of a catalog, read as one: `hypoDD.reloc` and `out.growclust_cat`.

Events keep their ids: `event_ids.csv` beside the file (or above it) says whose the numbers are; without that file the
number is the id.
"""

from __future__ import annotations

import csv
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

from catalogdb.decoding import open_unpacked
from catalogdb.documents.data import OriginDraft
from catalogdb.errors import InputError
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.event_parts import event_of, magnitude_of, origin_of
from catalogdb.exchange.file_log import FileLog
from catalogdb.exchange.reference_catalog import ReferenceCatalog

ResultFormat = Literal["hypodd-reloc", "growclust-cat"]
IDS = "event_ids.csv"
COLUMNS = {"hypodd-reloc": 24, "growclust-cat": 25}
UNKNOWN = -9.0
"""HypoDD's word for no rms."""
Record = tuple[str, OriginDraft, float | None]
"""The event's number or id, fields of its origin, its magnitude."""


def detect_result(start: bytes) -> ResultFormat | None:
    """The format of a file by its first lines; none for others."""
    lines = start.decode("latin-1").splitlines()
    for format, date in (("hypodd-reloc", slice(10, 16)), ("growclust-cat", slice(0, 6))):
        rows = [line.split() for line in lines[:-1] or lines][:20]
        if rows and all(len(row) == COLUMNS[format] and _is_date(row[date]) for row in rows):
            return cast(ResultFormat, format)
    return None


def _is_date(row: list[str]) -> bool:
    try:
        _time(row)
    except ValueError:
        return False
    return True


def read_result(path: Path, evaluation_mode: EvaluationMode, format: ResultFormat) -> ReferenceCatalog:
    """Read one file; a record that can't be read is in `rejected`.

    Raises:
        InputError: where the file, or `event_ids.csv` beside it, can't be read.
    """
    ids = event_ids(path)
    log = FileLog(path, format)
    catalog = ReferenceCatalog()
    with open_unpacked(path) as stream:
        lines = stream.read().decode("latin-1").splitlines()
    read = _hypodd if format == "hypodd-reloc" else _growclust
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        row = line.split()
        if not row:
            continue
        try:
            if len(row) != COLUMNS[format]:
                raise ValueError(f"{len(row)} columns, not {COLUMNS[format]}")
            name, fields, magnitude = read(row)
            name = ids.get(name, name)
            if name in seen:
                raise ValueError(f"a second location of event {name}")
            seen.add(name)
            origin = origin_of(**fields)
            magnitudes = [] if magnitude is None else [magnitude_of(value=magnitude, type="M")]
            event = event_of(origin, magnitudes, evaluation_mode, source_id=name, event_type="earthquake")
        except ValueError as error:
            log.reject(number, str(error))
            continue
        catalog.events.append(event)
        log.keep()
    return log.finish(catalog)


def read_hypodd_reloc(path: Path, evaluation_mode: EvaluationMode) -> ReferenceCatalog:
    """Read a file of HypoDD's locations, see `read_result`."""
    return read_result(path, evaluation_mode, "hypodd-reloc")


def read_growclust_cat(path: Path, evaluation_mode: EvaluationMode) -> ReferenceCatalog:
    """Read a file of GrowClust's locations, see `read_result`."""
    return read_result(path, evaluation_mode, "growclust-cat")


def event_ids(path: Path) -> dict[str, str]:
    """Ids of events by their numbers, of `event_ids.csv` beside a file or above it; empty without one.

    Raises:
        InputError: where it can't be read.
    """
    for folder in (path.parent, path.parent.parent):
        file = folder / IDS
        if not file.is_file():
            continue
        try:
            with file.open(newline="") as stream:
                return {row["number"]: row["event_id"] for row in csv.DictReader(stream)}
        except (OSError, KeyError, UnicodeDecodeError) as error:
            raise InputError(
                f"{file}: no numbers of events: {error!r}", hint="its columns are number,event_id"
            ) from None
    return {}


def _hypodd(row: list[str]) -> Record:
    """ID LAT LON DEPTH X Y Z EX EY EZ YR MO DY HR MI SC MAG NCCP NCCS NCTP NCTS RCC RCT CID; errors in metres."""
    east, north, down = (_number(value) / 1000.0 for value in row[7:10])
    rms = [_number(value) for value in row[21:23]]
    fields: OriginDraft = {
        **_place(row[1:4], "hypoDD"),
        "time": _time(row[10:16]),
        "horizontal_uncertainty_km": max(east, north) or None,
        "depth_uncertainty_km": down or None,
        "rms": next((value for value in rms if value != UNKNOWN), None),
        "n_correlated": int(row[17]) + int(row[18]),
        "n_differences": int(row[19]) + int(row[20]),
        "cluster": row[23],
    }
    return row[0], fields, _number(row[16]) or None


def _growclust(row: list[str]) -> Record:
    """YR MON DAY HR MIN SEC EVID LAT LON DEP MAG QID CID NBRANCH QNPAIR QNDIFFP QNDIFFS RMSP RMSS EH EZ ET LATC LONC
    DEPC; errors in km and s, negative where there are none."""
    east, down, late = (_number(value) for value in row[19:22])
    fields: OriginDraft = {
        **_place(row[7:10], "GrowClust"),
        "time": _time(row[:6]),
        "horizontal_uncertainty_km": east if east > 0 else None,
        "depth_uncertainty_km": down if down > 0 else None,
        "time_uncertainty": late if late > 0 else None,
        "n_correlated": int(row[15]) + int(row[16]),
        "cluster": row[12],
        "cluster_events": int(row[13]),
    }
    return row[6], fields, _number(row[10]) or None


def _place(values: list[str], method: str) -> OriginDraft:
    latitude, longitude, depth_km = (_number(value) for value in values)
    return {"method": method, "latitude": latitude, "longitude": longitude, "depth_km": depth_km}


def _number(value: str) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is no number")
    return number


def _time(row: list[str]) -> float:
    """Epoch seconds of year, month, day, hour, minute and seconds, which may be 60."""
    year, month, day, hour, minute = (int(value) for value in row[:5])
    seconds = float(row[5])
    if not -60.0 <= seconds <= 120.0:
        raise ValueError(f"{row[5]} are no seconds")
    return datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() + seconds
