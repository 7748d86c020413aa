"""Read `.txt` bulletins, aligned or separated by `;`, with or without a header line.

Aligned columns (1-based): 1-5 index, 7-16 id, 18-40 time, 42-46 time error, 48-54 latitude, 56-62 longitude, 64-68
horizontal error, 70-74 depth, 76-80 vertical error, 82-84 gap, 86-89 ML, 91-94 MD, 96- place [type]. The other edition
has the same fields in the same order, the type in a field of its own. Dashes are missing values; a line may end behind
the gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.file_log import FileLog
from catalogdb.exchange.ogs.columns import (
    cut,
    day_number,
    ends_inside,
    epoch_seconds,
    microseconds,
    minute_of_day,
    number,
    read_lines,
)
from catalogdb.exchange.ogs.solutions import event_document, magnitude_document, origin_document, origin_method
from catalogdb.exchange.reference_catalog import ReadEvent, ReferenceCatalog

FIELDS = (
    "index", "id", "time", "time error", "latitude", "longitude", "horizontal error", "depth", "vertical error", "gap",
    "ML", "MD", "place", "type",
)  # fmt: skip
ALIGNED = (
    (1, 5), (7, 16), (18, 40), (42, 46), (48, 54), (56, 62), (64, 68), (70, 74), (76, 80), (82, 84), (86, 89), (91, 94),
)  # fmt: skip
NUMBERS = FIELDS[3:12]
MAGNITUDES = ("ML", "MD")
THROUGH_GAP = 84
DISPENSABLE = (*MAGNITUDES, "place", "type")  # at the end of a line
BETWEEN = (6, 17, 41, 47, 55, 63, 69, 75, 81, 85, 90)  # columns that are blank in an aligned line

HEADER_NAMES = {
    "index": "index", "event-id": "id", "origin_time(utc)": "time", "origin_time": "time", "t_err": "time error",
    "lat": "latitude", "lon": "longitude", "h_err": "horizontal error", "depth": "depth", "v_err": "vertical error",
    "gap": "gap", "ml": "ML", "md": "MD", "place": "place", "event_type": "type",
}  # fmt: skip

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ]([ \d]\d):([ \d]\d)(?::([ \d]\d(?:\.\d*)?))?[Zz]?", re.ASCII)
_CUT_MAGNITUDE = re.compile(r"[+-]?\d+\.?", re.ASCII)  # magnitudes have a decimal
_DIGITS = re.compile(r"\d+", re.ASCII)
_TYPE = re.compile(r"\[([^\[\]]*)\]?\s*$")
_UNLOCATED = re.compile(r"not\s+locali[sz]ed", re.IGNORECASE)
_FIRST_STATION = re.compile(r"first station\s+([A-Z0-9]{1,5})", re.IGNORECASE | re.ASCII)


def is_header(text: str) -> bool:
    """True for the line that names the columns."""
    start = text.lstrip("# ").lower()
    return start.startswith("index") and "event-id" in start


def read_txt(path: Path, evaluation_mode: EvaluationMode = "manual") -> ReferenceCatalog:
    """Read a bulletin of either edition; what is not localized is an event without an origin.

    Raises:
        InputError: when the file can't be read.
    """
    path = Path(path)
    log = FileLog(path, "ogs-txt")
    catalog = ReferenceCatalog()
    order: tuple[str | None, ...] = FIELDS
    keys: set[str] = set()
    for line, text in read_lines(path, log):
        if is_header(text):
            if ";" in text:
                order = tuple(HEADER_NAMES.get(name.strip(" #").lower()) for name in text.split(";"))
            continue
        try:
            fields, ending = _fields(text, order)
            event = _event(line, fields, ending, path, evaluation_mode, log)
        except ValueError as error:
            log.reject(line, str(error))
            continue
        if event["source_id"] in keys:
            log.repair(line, "another event has this id; both are kept")
            event["source_id"] += f"#{line}"
        keys.add(event["source_id"])
        catalog.events.append(event)
        log.keep()
    return log.finish(catalog)


def _fields(text: str, order: tuple[str | None, ...]) -> tuple[dict[str, str], list[str]]:
    """The texts of a line's fields by their names, and what was repaired."""
    if text.count(";") >= 5:
        parts = [part.strip() for part in text.split(";")]
        while len(parts) > len(order) and not parts[-1]:
            parts.pop()
        if len(parts) > len(order) and "place" in order:  # the place holds semicolons
            place, extra = order.index("place"), len(parts) - len(order)
            parts[place : place + extra + 1] = [";".join(parts[place : place + extra + 1])]
        absent = order[len(parts) :]
        if any(name is not None and name not in DISPENSABLE for name in absent):
            raise ValueError(f"{len(parts)} fields, not {len(order)}")
        fields = {name: part for name, part in zip(order, parts, strict=False) if name}
        repairs = _end_of_line(fields, order[len(parts) - 1] if absent else None, absent)
        return (fields if fields.get("type") else fields | _place_and_type(fields.get("place", ""))), repairs
    missing: tuple[str, ...] = ()
    if len(text) >= THROUGH_GAP and all(cut(text, column) == " " for column in BETWEEN):
        columns = dict(zip(FIELDS, ALIGNED, strict=False))
        values = [cut(text, *column) for column in ALIGNED]
        rest = text[95:]
        missing = tuple(name for name in MAGNITUDES if len(text) < columns[name][0])
        last = next((name for name in MAGNITUDES if ends_inside(text, *columns[name])), None)
    else:  # which value is missing can't be told
        values = text.split(maxsplit=len(ALIGNED))
        if len(values) < len(ALIGNED):
            raise ValueError(f"not a line of the bulletin: {len(values)} fields before the place, not {len(ALIGNED)}")
        rest = values[len(ALIGNED)] if len(values) > len(ALIGNED) else ""
        last = None if rest else "MD"
    fields = dict(zip(FIELDS, values, strict=False)) | _place_and_type(rest)
    return fields, _end_of_line(fields, last, missing)


def _end_of_line(fields: dict[str, str], last: str | None, missing: Iterable[str | None]) -> list[str]:
    """Take a magnitude or gap out that may have been cut, and say that and which are missing.

    Args:
        last: the field that the line ends with.
        missing: the fields that would stand behind it.
    """
    repairs = [f"the line ends before its {name}: taken as missing" for name in missing if name in MAGNITUDES]
    may_be_cut = _DIGITS if last == "gap" else _CUT_MAGNITUDE  # of a gap no one can tell
    if last in ("gap", *MAGNITUDES) and may_be_cut.fullmatch(fields[last].strip()):
        fields[last] = ""
        repairs.append(f"the line ends inside its {last}: left out")
    return repairs


def _place_and_type(text: str) -> dict[str, str]:
    kind = _TYPE.search(text)
    return {"place": text[: kind.start()], "type": kind[1]} if kind else {"place": text, "type": ""}


def _event(
    line: int, fields: dict[str, str], ending: list[str], path: Path, mode: EvaluationMode, log: FileLog
) -> ReadEvent:
    values = {name: number(fields.get(name, ""), name) for name in NUMBERS}
    time, is_whole_minute, repairs = _time(fields.get("time", "").strip())
    repairs += ending
    if any("*" in fields.get(name, "") for name in NUMBERS):
        repairs.append("values that overflowed their columns (*****) are taken as missing")
    place = fields.get("place", "").strip()
    is_unlocated = bool(_UNLOCATED.search(place)) and values["latitude"] is None
    latitude, longitude = values["latitude"], values["longitude"]
    if (latitude is None) != (longitude is None):
        repairs.append("latitude or longitude is missing: kept as unlocated")
        latitude = longitude = None
    elif latitude is None and not is_unlocated:
        repairs.append("no position: kept as unlocated")
    origin = origin_document(
        latitude=latitude,
        longitude=longitude,
        time=time,
        depth_km=values["depth"],
        method=origin_method(path, "bulletin"),
        time_uncertainty=values["time error"],
        horizontal_uncertainty_km=values["horizontal error"],
        depth_uncertainty_km=values["vertical error"],
        azimuthal_gap=values["gap"],
    )
    own_id = fields.get("id", "").strip() or None
    if own_id is None:
        repairs.append("no event id: called after file and line")
    kind = " ".join(fields.get("type", "").strip("[] ").lower().split())
    station = _FIRST_STATION.search(place) if is_unlocated else None
    event = event_document(
        time,
        origin,
        [magnitude_document("ML", values["ML"]), magnitude_document("MD", values["MD"])],
        mode=mode,
        path=path,
        format="ogs-txt",
        line=line,
        own_id=own_id,
        own_number=_own_number(own_id, fields.get("index", "").strip()),
        place=place if place and not is_unlocated else None,
        remarks=place if is_unlocated else None,
        event_type=kind or None,
        time_from="minute" if origin is None and is_whole_minute else None,
    )
    if station:
        event["sources"][0]["first_station"] = station[1].upper()
    for what in repairs:
        log.repair(line, what)
    return event


def _own_number(own_id: str | None, index: str) -> int | None:
    match = re.fullmatch(r"\d{4}_(\d{1,9})", own_id or "", re.ASCII) or re.fullmatch(r"(\d{1,9})", index, re.ASCII)
    return int(match[1]) if match else None


def _time(text: str) -> tuple[float, bool, list[str]]:
    """Epoch seconds, whether the seconds are none or zero, and what was repaired."""
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(f"time {text!r} is not yyyy-mm-ddTHH:MM:SS.sss")
    year, month, day, hour, minute, seconds = match.groups()
    if year[:2] not in ("19", "20"):
        raise ValueError(f"year {year} is neither 19xx nor 20xx")
    days = day_number("1" if year[:2] == "20" else " ", year[2:] + month + day)
    minutes, carried = minute_of_day(hour + minute)
    offset = microseconds(seconds, "seconds") if seconds else None
    repairs = [carried] if carried else []
    if offset is not None and offset >= 60_000_000:
        repairs.append("seconds of 60 or more carried on")
    return epoch_seconds(days, minutes, offset or 0), not offset, repairs
