"""Read `.hpl` and `.hpc` listings: HYPO71's printed output (Lee and Lahr, 1975) as the bulletin keeps it.

An event is a line `^PLACE (REGION)` (not in `.hpc`), a blank line, an event line and its station lines; lines that
begin with `*` are remarks on the event before. Columns (1-based):

- Event: 1-6 number (blank in `.hpc`), 7 century, 8-13 yymmdd, 15-18 HHMM, 20-24 seconds, 26-33 latitude, 36-43
  longitude, 46-50 depth in km, 52-57 MD, 58-60 number of readings, 61-63 distance of the nearest station in km, 65-67
  gap, 69 model, 71-74 rms in s, 75-79 erh and 80-84 erz in km, 86 quality, 88-90 SQD, 112-114 number, 115-119 mean and
  120-124 standard deviation of amplitude magnitudes (ML), 125-137 the same of duration magnitudes (MD), 158-160 number
  of station lines.
- Station: 8-11 code, 13-17 distance in km, 19-21 azimuth, 23-25 take-off angle, 27-30 onset, P, first motion and
  weight, 32-35 HHMM, 37-41 P seconds, 42-47 P's observed travel time in s, 54-59 station delay in s, 60-65 P residual
  in s, 67-71 P weight, 93-95 zone, type and D, 96-99 duration in s, 100-103 its magnitude (104 `*`: not in the mean),
  106-109 onset, S, first motion and weight, 111-115 S seconds, 116-121 S's observed travel time in s, 122-127 S
  residual in s, 129-133 S weight, 148 and 149 branch of P and S. S seconds count from the minute of the card that
  HYPO71 read, which may be before the minute that it prints for P: the observed travel times say which it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalogdb.exchange.ogs.columns import (
    NO_CENTURIES,
    cut,
    epoch_seconds,
    hypocentre,
    integer,
    microseconds,
    minute_of_day,
    number,
    read_lines,
    refuse_cut,
    without_cut_value,
    year_of,
)
from catalogdb.exchange.ogs.log import FileLog
from catalogdb.exchange.ogs.readings import pick_document, station_code, zone_and_type
from catalogdb.exchange.ogs.solutions import event_document, magnitude_document, origin_document, origin_method
from catalogdb.exchange.reference import EvaluationMode, ReferenceCatalog, arrival_counts, present

EVENT_LINE = re.compile(r"[ \d]{6}[ 1]\d\d[ \d]\d[ \d]\d [ \d]{3}\d( |$)", re.ASCII)
NEEDED = {"origin seconds": (20, 24), "latitude": (26, 33), "longitude": (36, 43)}  # of an event line that has them
EVENT_VALUES = {
    "depth": (46, 50), "MD": (52, 57), "number of readings": (58, 60), "distance of the nearest station": (61, 63),
    "gap": (65, 67), "rms": (71, 74), "erh": (75, 79), "erz": (80, 84), "number of ML": (112, 114),
    "mean ML": (115, 119), "deviation of ML": (120, 124), "number of MD": (125, 127), "mean MD": (128, 132),
    "deviation of MD": (133, 137),
}  # fmt: skip
STATION_VALUES = {
    "station_delay": (54, 59), "P residual": (60, 65), "P weight": (66, 71), "duration": (96, 99),
    "station MD": (100, 103), "S residual": (122, 127), "S weight": (128, 133),
}  # fmt: skip
AGREES_SECONDS = 5.0  # between a reading and its observed travel time, which may hold the station's clock correction
FAR_BEHIND_P = 60.0  # seconds of S that no local earthquake has
HEADER_WORDS = ({"DATE", "ORIGIN"}, {"STN", "DIST"})  # of the two lines that HYPO71 prints above an event


@dataclass
class _Event:
    """An event line, and what its station lines add until the next event line."""

    line: int
    document: dict[str, Any]
    day: int
    minute: int
    has_seconds: bool
    station_lines: int | None
    seen: int = 0
    picks: list[dict[str, Any]] = field(default_factory=list)
    arrivals: list[dict[str, Any]] = field(default_factory=list)
    station_magnitudes: list[dict[str, Any]] = field(default_factory=list)
    station_magnitude_lines: list[int] = field(default_factory=list)
    letters: list[tuple[int, str, str]] = field(default_factory=list)


def read_hpl(path: Path, evaluation_mode: EvaluationMode = "manual", is_plain: bool = False) -> ReferenceCatalog:
    """Read a listing: events with origins, arrivals and magnitudes, and the picks of the station lines.

    Args:
        path: the file.
        evaluation_mode: of its events and picks.
        is_plain: HYPO71's own output, without centuries: years are of the last hundred.

    Raises:
        InputError: when the file can't be read.
    """
    path = Path(path)
    log = FileLog(path, "ogs-hpl")
    if is_plain:
        log.note(NO_CENTURIES)
    catalog = ReferenceCatalog()
    keys: set[str] = set()
    current: _Event | None = None
    place: tuple[int, str] | None = None
    for line, text in read_lines(path, log):
        if EVENT_LINE.match(text):
            _close(catalog, current, log)
            current = None
            try:
                current = _event(line, text, place and place[1], path, evaluation_mode, keys, is_plain, log)
                log.keep()
            except ValueError as error:
                log.reject(line, f"event line: {error}")
            place = None
        elif text.startswith("*") and current is not None:
            remarks = [current.document.get("remarks"), text.lstrip("* ")]
            current.document["remarks"] = "; ".join(part for part in remarks if part)
        elif is_head(text):
            continue
        elif is_station_line(text):
            if current is None:
                log.reject(line, "station line of no event line that could be read")
                continue
            current.seen += 1
            try:
                _station(line, text, current, path, evaluation_mode, log)
            except ValueError as error:
                log.reject(line, f"station line: {error}")
        elif text.lstrip()[:1] == "^" or may_be_a_place(text):
            if place is not None:
                log.reject(place[0], "a place name without an event line after it")
            place = (line, " ".join(text.lstrip(" ^").split()))
        else:
            log.reject(line, "neither an event line nor a station line nor a place name")
    if place is not None:
        log.reject(place[0], "a place name without an event line after it")
    _close(catalog, current, log)
    return log.finish(catalog)


def is_head(text: str) -> bool:
    """True for the lines that name the columns above events and stations."""
    return any(words <= set(text.upper().split()) for words in HEADER_WORDS)


def is_station_line(text: str) -> bool:
    """By the remarks of P and S, or the hour and minute between blanks, in their columns."""
    remarks = cut(text, 28).upper() + cut(text, 107).upper()
    clock = cut(text, 31, 36)
    return (
        (text[:7].strip().isdigit() or not text[:7].strip())
        and bool(cut(text, 8, 11).strip())
        and ("P" in remarks or "S" in remarks or bool(re.fullmatch(r" [ \d]{3}\d ", clock, re.ASCII)))
    )


def may_be_a_place(text: str) -> bool:
    """`PLACE (REGION)`: begins with a letter in the first columns and holds no digits."""
    return text[:1].isalpha() and not any(character.isdigit() for character in text)


def _event(
    line: int,
    text: str,
    place: str | None,
    path: Path,
    mode: EvaluationMode,
    keys: set[str],
    is_plain: bool,
    log: FileLog,
) -> _Event:
    own_number = integer(cut(text, 1, 6).replace(" ", ""), "event number")
    for what, (first, last) in NEEDED.items():
        refuse_cut(text, first, last, what)
    text, left_out = without_cut_value(text, EVENT_VALUES)
    columns = (7, 7), (8, 13), (15, 18), (20, 24), (25, 34), (35, 44)
    found = hypocentre(*(cut(text, *column) for column in columns), is_plain=is_plain)
    sqd = cut(text, 88, 90).strip()
    origin = origin_document(
        found.latitude,
        found.longitude,
        found.time,
        number(cut(text, 45, 50), "depth"),
        method=origin_method(path, "hypo71"),
        n_picks=integer(cut(text, 58, 60), "number of readings"),
        minimum_distance_km=number(cut(text, 61, 63), "distance of the nearest station"),
        azimuthal_gap=number(cut(text, 65, 67), "gap"),
        rms=number(cut(text, 70, 74), "rms"),
        horizontal_uncertainty_km=number(cut(text, 75, 79), "erh"),
        depth_uncertainty_km=number(cut(text, 80, 84), "erz"),
        quality=cut(text, 86).strip() or None,
        quality_sqd=sqd or None,
        velocity_model=cut(text, 69).strip() or None,
    )
    repairs = [
        *found.repairs,
        ("*" in text[45:84], "values that overflowed their columns (*****) are taken as missing"),
        (left_out is not None, left_out or ""),
    ]
    magnitudes, amiss = _magnitudes(text)
    own_id = None
    if own_number is not None:
        own_id = f"{year_of(found.time)}_{own_number:05d}"
        if own_id in keys:
            repairs.append((True, "another event has this number; both are kept"))
            own_id = f"{own_id}#{line}"
        keys.add(own_id)
    station_lines = _optional_integer(cut(text, 158, 160))
    document = event_document(
        found.time,
        origin,
        magnitudes,
        mode=mode,
        path=path,
        format="ogs-hpl",
        line=line,
        own_id=own_id,
        own_number=own_number,
        place=place,
    )
    for is_so, what in repairs + amiss:
        if is_so:
            log.repair(line, what)
    return _Event(line, document, found.day, found.minute, found.has_seconds, station_lines)


def _magnitudes(text: str) -> tuple[list[dict[str, Any] | None], list[tuple[bool, str]]]:
    """MD and ML of an event line, and what was repaired."""
    md = number(cut(text, 52, 57), "MD")
    amiss = []
    means: dict[str, dict[str, Any]] = {}
    for kind, first in (("ML", 112), ("MD", 125)):
        try:
            means[kind] = {
                "n_stations": integer(cut(text, first, first + 2), f"number of {kind}"),
                "value": number(cut(text, first + 3, first + 7), f"mean {kind}"),
                "uncertainty": number(cut(text, first + 8, first + 12), f"deviation of {kind}"),
            }
        except ValueError as error:
            means[kind] = {"n_stations": None, "value": None, "uncertainty": None}
            amiss.append((True, f"{error}: left out"))
    stations = means["MD"]["n_stations"]
    if md == 0 and stations == 0:
        amiss.append((True, "MD 0.00 of no stations is taken as missing"))
        md = None
    ml, ml_stations = means["ML"]["value"], means["ML"]["n_stations"]
    if not ml_stations and not ml:
        ml = None
    documents = [
        magnitude_document(
            "ML", ml, n_stations=ml_stations or None, uncertainty=means["ML"]["uncertainty"] if ml_stations else None
        ),
        magnitude_document(
            "MD", md, n_stations=stations or None, uncertainty=means["MD"]["uncertainty"] if stations else None
        ),
    ]
    return documents, amiss


def _station(line: int, text: str, event: _Event, path: Path, mode: EvaluationMode, log: FileLog) -> None:
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
    geometry = {
        name: _optional_number(cut(text, *columns), name, log, line)
        for name, columns in (
            ("distance_km", (13, 17)),
            ("azimuth", (19, 21)),
            ("takeoff_angle", (22, 25)),
            ("station_delay", (54, 59)),
        )
    }
    if not geometry["station_delay"]:
        del geometry["station_delay"]
    duration = _optional_number(cut(text, 96, 99), "duration", log, line)
    magnitude = _optional_number(cut(text, 100, 103), "station MD", log, line)
    if magnitude is not None:
        event.station_magnitude_lines.append(line)
        event.station_magnitudes.append(
            {"sta": station, "value": magnitude} | ({"weight": 0.0} if cut(text, 104) == "*" else {})
        )
    found: list[dict[str, Any]] = []
    for phase, remark, seconds, observed, residual, weight, branch in (
        ("P", cut(text, 27, 30), (37, 41), (42, 47), (60, 65), (66, 71), cut(text, 148)),
        ("S", cut(text, 106, 109), (110, 115), (116, 121), (122, 127), (128, 133), cut(text, 149)),
    ):
        mark = remark[1]
        if mark == " ":
            continue
        if mark.upper() != phase:
            log.reject(line, f"{phase} reading: its phase is {mark!r}")
            continue
        try:
            refuse_cut(text, *seconds, f"{phase} seconds")
            offset = microseconds(cut(text, *seconds), f"{phase} seconds")
        except ValueError as error:
            log.reject(line, f"{phase} reading: {error}")
            continue
        if offset is None:
            if phase == "S":  # thousands in a year, of readings never made
                log.repair(line, "S marks without seconds left out")
            else:
                log.reject(line, "P reading: no seconds")
            continue
        travel_time = _optional_number(cut(text, *observed), f"{phase} observed time", log, line)
        off = _minutes_off(event, epoch_seconds(day, minute, offset), travel_time)
        if off:
            log.repair(line, f"{phase} moved by whole minutes, to where its observed travel time says that it is")
        time = epoch_seconds(day, minute + (off or 0), offset)
        if off is None and found and time - found[0]["time"] > FAR_BEHIND_P:
            log.repair(line, "S is more than a minute after P, and no observed travel time says its minute; kept so")
        pick = pick_document(
            station=station,
            phase=phase,
            time=time,
            onset=remark[0],
            first_motion=remark[2],
            weight=remark[3],
            branch=branch,
            duration=duration if not found else None,
            mode=mode,
            source_id=f"{path.name}:{line}:{phase}",
            log=log,
            line=line,
        ) | {"event_key": event.document["source_id"]}
        found.append(pick)
        event.arrivals.append(
            present(
                {
                    "pick_id": pick["source_id"],
                    "phase": phase,
                    "net": "",
                    "sta": station,
                    "time": pick["time"],
                    "residual": _optional_number(cut(text, *residual), f"{phase} residual", log, line),
                    "weight": _optional_number(cut(text, *weight), f"{phase} weight", log, line),
                    **geometry,
                }
            )
        )
        log.keep()
    event.picks += found
    if not found and not log.has_rejected(line):
        log.reject(line, "station line: neither a P nor an S reading")


def _minutes_off(event: _Event, time: float, travel_time: float | None) -> int | None:
    """Minutes by which a reading is to be moved so that it agrees with its own travel time; None where none is known.

    0 where no whole number of minutes makes them agree.
    """
    if not event.has_seconds or travel_time is None or travel_time <= 0:
        return None
    late = event.document["time"] + travel_time - time
    minutes = round(late / 60)
    return minutes if abs(late - 60 * minutes) <= AGREES_SECONDS else 0


def _optional_number(text: str, what: str, log: FileLog, line: int) -> float | None:
    try:
        return number(text, what)
    except ValueError as error:
        log.repair(line, f"{error}: left out")
        return None


def _optional_integer(text: str) -> int | None:
    try:
        return integer(text, "number of station lines")
    except ValueError:
        return None


def _close(catalog: ReferenceCatalog, event: _Event | None, log: FileLog) -> None:
    """Put the station lines' part into the event and hand both over."""
    if event is None:
        return
    document = event.document
    if event.station_lines is not None and event.station_lines != event.seen:
        log.repair(event.line, "the number of station lines is not the one that the event line gives")
    document |= zone_and_type(event.letters, log)
    md = next((magnitude for magnitude in document["magnitudes"] if magnitude["type"] == "MD"), None)
    if md is not None and event.station_magnitudes:
        md["station_magnitudes"] = event.station_magnitudes
    elif md is None:
        for line in event.station_magnitude_lines:
            log.repair(line, "a station's MD beside an event without MD left out")
    if document["origins"]:
        if event.arrivals:
            (origin,) = document["origins"]
            origin["arrivals"] = event.arrivals
            for name, value in arrival_counts(event.arrivals).items():
                document[name] = origin.setdefault(name, value)
            del document["n_stations"]
    elif event.picks and not event.has_seconds:
        document |= {"time": min(pick["time"] for pick in event.picks), "time_from": "first_arrival"}
    elif not event.has_seconds:
        document["time_from"] = "minute"
    catalog.events.append(document)
    catalog.picks += event.picks
