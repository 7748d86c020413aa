"""The station lines of a listing. Columns (1-based):

8-11 code, 13-17 distance in km, 19-21 azimuth, 23-25 take-off angle, 27-30 onset, P, first motion and weight, 32-35
HHMM, 37-41 P seconds, 42-47 P's observed travel time in s, 54-59 station delay in s, 60-65 P residual in s, 67-71 P
weight, 93-95 zone, type and D, 96-99 duration in s, 100-103 its magnitude (104 `*`: not in the mean), 106-109 onset, S,
first motion and weight, 111-115 S seconds, 116-121 S's observed travel time in s, 122-127 S residual in s, 129-133 S
weight, 148 and 149 branch of P and S.

S seconds count from the minute of the card that HYPO71 read, which may be before the minute that it prints for P: the
observed travel times say which it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, cast

from catalogdb.documents.data import MagnitudeStationMagnitude, OriginArrival
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.event_parts import present
from catalogdb.exchange.file_log import FileLog
from catalogdb.exchange.ogs.columns import (
    cut,
    epoch_seconds,
    microseconds,
    minute_of_day,
    number,
    refuse_cut,
    without_cut_value,
)
from catalogdb.exchange.ogs.listing_event import ListedEvent
from catalogdb.exchange.ogs.readings import optional, pick_document, say_no_seconds, station_code
from catalogdb.exchange.reference_catalog import ReadPick

STATION_VALUES = {
    "station_delay": (54, 59), "P residual": (60, 65), "P weight": (66, 71), "duration": (96, 99),
    "station MD": (100, 103), "S residual": (122, 127), "S weight": (128, 133),
}  # fmt: skip
GEOMETRY = {"distance_km": (13, 17), "azimuth": (19, 21), "takeoff_angle": (22, 25), "station_delay": (54, 59)}
AGREES_SECONDS = 5.0  # between a reading and its observed travel time, which may hold the station's clock correction
FAR_BEHIND_P = 60.0  # seconds of S that no local earthquake has


class Reading(NamedTuple):
    """Columns of one of the two readings of a line; `remark`: onset, phase, first motion and weight."""

    phase: str
    remark: tuple[int, int]
    seconds: tuple[int, int]
    observed: tuple[int, int]
    residual: tuple[int, int]
    weight: tuple[int, int]
    branch: int


READINGS = (
    Reading("P", (27, 30), (37, 41), (42, 47), (60, 65), (66, 71), 148),
    Reading("S", (106, 109), (110, 115), (116, 121), (122, 127), (128, 133), 149),
)


def read_station_line(line: int, text: str, event: ListedEvent, path: Path, mode: EvaluationMode, log: FileLog) -> None:
    """Add what a station line says to the event of the event line before it.

    Raises:
        ValueError: saying what of the line can't be read. Where it is one reading alone, the log has it.
    """
    station = station_code(cut(text, 8, 11), log, line)
    minute, carried = minute_of_day(cut(text, 32, 35))
    if carried:
        log.repair(line, carried)
    text, left_out = without_cut_value(text, STATION_VALUES)
    if left_out:
        log.repair(line, left_out)
    # the listing has no date here: the one that puts the reading within half a day of the event
    day = event.day + round((event.minute - minute) / 1440)
    event.letters.append((line, cut(text, 93), cut(text, 94)))
    geometry = _geometry(text, line, log)
    duration = optional(number, cut(text, 96, 99), "duration", log, line)
    _add_magnitude(station, text, line, event, log)
    found: list[ReadPick] = []
    for columns in READINGS:
        time = _time(columns, text, line, event, day, minute, found, log)
        if time is None:
            continue
        remark = cut(text, *columns.remark)
        pick = pick_document(
            station=station,
            phase=columns.phase,
            time=time,
            onset=remark[0],
            first_motion=remark[2],
            weight=remark[3],
            branch=cut(text, columns.branch),
            duration=duration if not found else None,
            mode=mode,
            source_id=f"{path.name}:{line}:{columns.phase}",
            log=log,
            line=line,
        )
        pick["event_key"] = event.document["source_id"]
        found.append(pick)
        event.arrivals.append(_arrival(pick, columns, text, line, geometry, log))
        log.keep()
    event.picks += found
    if not found and not log.has_rejected(line):
        log.reject(line, "station line: neither a P nor an S reading")


def _geometry(text: str, line: int, log: FileLog) -> dict[str, float | None]:
    """What both arrivals of the line have in common."""
    values = {name: optional(number, cut(text, *columns), name, log, line) for name, columns in GEOMETRY.items()}
    if not values["station_delay"]:
        del values["station_delay"]
    return values


def _add_magnitude(station: str, text: str, line: int, event: ListedEvent, log: FileLog) -> None:
    magnitude = optional(number, cut(text, 100, 103), "station MD", log, line)
    if magnitude is not None:
        event.station_magnitude_lines.append(line)
        part: MagnitudeStationMagnitude = {"sta": station, "value": magnitude}
        if cut(text, 104) == "*":
            part["weight"] = 0.0
        event.station_magnitudes.append(part)


def _time(
    columns: Reading,
    text: str,
    line: int,
    event: ListedEvent,
    day: int,
    minute: int,
    found: list[ReadPick],
    log: FileLog,
) -> float | None:
    """Epoch seconds of a reading; None where there is none, or none that can be read."""
    phase, mark = columns.phase, cut(text, *columns.remark)[1]
    if mark == " ":
        return None
    if mark.upper() != phase:
        log.reject(line, f"{phase} reading: its phase is {mark!r}")
        return None
    try:
        refuse_cut(text, *columns.seconds, f"{phase} seconds")
        offset = microseconds(cut(text, *columns.seconds), f"{phase} seconds")
    except ValueError as error:
        log.reject(line, f"{phase} reading: {error}")
        return None
    if offset is None:
        say_no_seconds(phase, log, line)
        return None
    travel_time = optional(number, cut(text, *columns.observed), f"{phase} observed time", log, line)
    off = _minutes_off(event, epoch_seconds(day, minute, offset), travel_time)
    if off:
        log.repair(line, f"{phase} moved by whole minutes, to where its observed travel time says that it is")
    time = epoch_seconds(day, minute + (off or 0), offset)
    if off is None and found and time - found[0]["time"] > FAR_BEHIND_P:
        log.repair(line, "S is more than a minute after P, and no observed travel time says its minute; kept so")
    return time


def _arrival(
    pick: ReadPick, columns: Reading, text: str, line: int, geometry: dict[str, float | None], log: FileLog
) -> OriginArrival:
    phase = columns.phase
    arrival = present(
        {
            "pick_id": pick["source_id"],
            "phase": phase,
            "net": "",
            "sta": pick["sta"],
            "time": pick["time"],
            "residual": optional(number, cut(text, *columns.residual), f"{phase} residual", log, line),
            "weight": optional(number, cut(text, *columns.weight), f"{phase} weight", log, line),
            **geometry,
        }
    )
    return cast(OriginArrival, arrival)


def _minutes_off(event: ListedEvent, time: float, travel_time: float | None) -> int | None:
    """Minutes by which a reading is to be moved so that it agrees with its own travel time; None where none is known.

    0 where no whole number of minutes makes them agree.
    """
    if not event.has_seconds or travel_time is None or travel_time <= 0:
        return None
    late = event.document["time"] + travel_time - time
    minutes = round(late / 60)
    return minutes if abs(late - 60 * minutes) <= AGREES_SECONDS else 0
