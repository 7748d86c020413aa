"""The event line of a listing. Columns (1-based):

1-6 number (blank in `.hpc`), 7 century, 8-13 yymmdd, 15-18 HHMM, 20-24 seconds, 26-33 latitude, 36-43 longitude, 46-50
depth in km, 52-57 MD, 58-60 number of readings, 61-63 distance of the nearest station in km, 65-67 gap, 69 model, 71-74
rms in s, 75-79 erh and 80-84 erz in km, 86 quality, 88-90 SQD, 112-114 number, 115-119 mean and 120-124 standard
deviation of amplitude magnitudes (ML), 125-137 the same of duration magnitudes (MD), 158-160 number of station lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from catalogdb.documents.data import Magnitude, MagnitudeDraft, MagnitudeStationMagnitude, OriginArrival
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.file_log import FileLog
from catalogdb.exchange.ogs.columns import cut, hypocentre, integer, number, refuse_cut, without_cut_value, year_of
from catalogdb.exchange.ogs.solutions import event_document, magnitude_document, origin_document, origin_method
from catalogdb.exchange.reference_catalog import ReadEvent, ReadPick

NEEDED = {"origin seconds": (20, 24), "latitude": (26, 33), "longitude": (36, 43)}  # of an event line that has them
EVENT_VALUES = {
    "depth": (46, 50), "MD": (52, 57), "number of readings": (58, 60), "distance of the nearest station": (61, 63),
    "gap": (65, 67), "rms": (71, 74), "erh": (75, 79), "erz": (80, 84), "number of ML": (112, 114),
    "mean ML": (115, 119), "deviation of ML": (120, 124), "number of MD": (125, 127), "mean MD": (128, 132),
    "deviation of MD": (133, 137),
}  # fmt: skip


@dataclass
class ListedEvent:
    """An event line, and what its station lines add until the next event line."""

    line: int
    document: ReadEvent
    day: int
    minute: int
    has_seconds: bool
    station_lines: int | None
    seen: int = 0
    picks: list[ReadPick] = field(default_factory=list)
    arrivals: list[OriginArrival] = field(default_factory=list)
    station_magnitudes: list[MagnitudeStationMagnitude] = field(default_factory=list)
    station_magnitude_lines: list[int] = field(default_factory=list)
    letters: list[tuple[int, str, str]] = field(default_factory=list)


def read_event_line(
    line: int,
    text: str,
    place: str | None,
    path: Path,
    mode: EvaluationMode,
    keys: set[str],
    is_plain: bool,
    log: FileLog,
) -> ListedEvent:
    """Read an event line.

    Args:
        place: of the line before it.
        keys: ids of the file's events so far; this one's is added.
        is_plain: HYPO71's own output, without centuries.

    Raises:
        ValueError: saying what of it can't be read.
    """
    own_number = integer(cut(text, 1, 6).replace(" ", ""), "event number")
    for what, (first, last) in NEEDED.items():
        refuse_cut(text, first, last, what)
    text, left_out = without_cut_value(text, EVENT_VALUES)
    columns = (7, 7), (8, 13), (15, 18), (20, 24), (25, 34), (35, 44)
    found = hypocentre(*(cut(text, *column) for column in columns), is_plain=is_plain)
    sqd = cut(text, 88, 90).strip()
    origin = origin_document(
        latitude=found.latitude,
        longitude=found.longitude,
        time=found.time,
        depth_km=number(cut(text, 45, 50), "depth"),
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
    return ListedEvent(line, document, found.day, found.minute, found.has_seconds, station_lines)


def _magnitudes(text: str) -> tuple[list[Magnitude | None], list[tuple[bool, str]]]:
    """MD and ML of an event line, and what was repaired."""
    md = number(cut(text, 52, 57), "MD")
    amiss = []
    means: dict[str, MagnitudeDraft] = {}
    for kind, first in (("ML", 112), ("MD", 125)):
        try:
            means[kind] = {
                "n_stations": integer(cut(text, first, first + 2), f"number of {kind}"),
                "value": number(cut(text, first + 3, first + 7), f"mean {kind}"),
                "uncertainty": number(cut(text, first + 8, first + 12), f"deviation of {kind}"),
            }
        except ValueError as error:
            means[kind] = {}
            amiss.append((True, f"{error}: left out"))
    if md == 0 and means["MD"].get("n_stations") == 0:
        amiss.append((True, "MD 0.00 of no stations is taken as missing"))
        md = None
    ml = means["ML"].get("value")
    if not means["ML"].get("n_stations") and not ml:
        ml = None
    return [_magnitude("ML", ml, means["ML"]), _magnitude("MD", md, means["MD"])], amiss


def _magnitude(kind: str, value: float | None, mean: MagnitudeDraft) -> Magnitude | None:
    """The deviation of no stations is none."""
    stations = mean.get("n_stations") or None
    return magnitude_document(kind, value, n_stations=stations, uncertainty=stations and mean.get("uncertainty"))


def _optional_integer(text: str) -> int | None:
    try:
        return integer(text, "number of station lines")
    except ValueError:
        return None
