"""Read `.pun` summaries: HYPO71's punched summary cards (Lee and Lahr, 1975), one line per event.

Columns (1-based): 1 century, 2-7 yymmdd, 8-11 HHMM, 13-17 seconds, 19-26 latitude, 29-36 longitude, 38-43 depth in km,
44-50 MD, 51-53 number of readings, 54-57 gap, 58-62 distance of the nearest station in km, 63-67 rms in s, 68-72 erh
and 73-77 erz in km, 79 quality, 80 velocity model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from catalogdb.exchange.ogs.columns import (
    angle,
    cut,
    day_number,
    epoch_seconds,
    integer,
    microseconds,
    minute_of_day,
    number,
    read_lines,
)
from catalogdb.exchange.ogs.log import FileLog
from catalogdb.exchange.ogs.solutions import event_document, magnitude_document, origin_document, origin_method
from catalogdb.exchange.reference import EvaluationMode, ReferenceCatalog


def is_header(text: str) -> bool:
    """True for the line that names the columns."""
    words = text.upper()
    return "ORIGIN" in words and "LAT" in words and "DEPTH" in words


def read_pun(path: Path, evaluation_mode: EvaluationMode = "manual") -> ReferenceCatalog:
    """Read event summaries; they have no numbers, so events are called after file and line.

    Raises:
        InputError: when the file can't be read.
    """
    path = Path(path)
    log = FileLog(path, "ogs-pun")
    catalog = ReferenceCatalog()
    signs = (1.0, 1.0)
    for line, text in read_lines(path, log):
        if is_header(text):
            signs = (-1.0 if "LAT S" in text.upper() else 1.0, -1.0 if "LONG W" in text.upper() else 1.0)
            continue
        try:
            catalog.events.append(_event(line, text, path, evaluation_mode, signs, log))
            log.keep()
        except ValueError as error:
            log.reject(line, str(error))
    return log.finish(catalog)


def _event(
    line: int, text: str, path: Path, mode: EvaluationMode, signs: tuple[float, float], log: FileLog
) -> dict[str, Any]:
    day = day_number(cut(text, 1), cut(text, 2, 7))
    minute, carried = minute_of_day(cut(text, 8, 11))
    seconds = microseconds(cut(text, 13, 17), "origin seconds")
    latitude, latitude_carried = angle(cut(text, 18, 27), "latitude")
    longitude, longitude_carried = angle(cut(text, 28, 37), "longitude")
    if seconds is None and (latitude, longitude) != (None, None):
        raise ValueError("an origin without seconds")
    time = epoch_seconds(day, minute, seconds or 0)
    origin = origin_document(
        None if latitude is None else signs[0] * latitude,
        None if longitude is None else signs[1] * longitude,
        time,
        number(cut(text, 38, 43), "depth"),
        method=origin_method(path, "hypo71"),
        n_picks=integer(cut(text, 51, 53), "number of readings"),
        azimuthal_gap=number(cut(text, 54, 57), "gap"),
        minimum_distance_km=number(cut(text, 58, 62), "distance of the nearest station"),
        rms=number(cut(text, 63, 67), "rms"),
        horizontal_uncertainty_km=number(cut(text, 68, 72), "erh"),
        depth_uncertainty_km=number(cut(text, 73, 77), "erz"),
        quality=cut(text, 79).strip() or None,
        velocity_model=cut(text, 80).strip() or None,
    )
    event = event_document(
        time,
        origin,
        [magnitude_document("MD", number(cut(text, 44, 50), "MD"))],
        mode=mode,
        path=path,
        format="ogs-pun",
        line=line,
        own_id=None,
        own_number=None,
        time_from="minute" if seconds is None else None,
    )
    # only a line that is kept is repaired
    for was_carried, what in (
        (carried, carried or ""),
        (latitude_carried or longitude_carried, "60 minutes of arc carried into the next degree"),
        ((seconds or 0) >= 60_000_000, "seconds of 60 or more carried on"),
        ("*" in text[37:77], "values that overflowed their columns (*****) are taken as missing"),
        (origin is None, "no position: kept as unlocated"),
    ):
        if was_carried:
            log.repair(line, what)
    return event
