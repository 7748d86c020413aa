"""Rows of event tables -> events with one origin and their magnitudes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from catalogdb.documents.data import Magnitude, Origin, OriginDraft
from catalogdb.event_types import quakeml_name
from catalogdb.exchange.csv_columns import (
    COVARIANCE_PAIRS,
    DEPTH_UNKNOWN,
    EVENT_TYPES,
    MAGNITUDE,
    MAGNITUDE_COLUMNS,
    MAGNITUDE_GROUP,
    MAGNITUDE_TYPE_NAMES,
    MODES,
    PLACE_UNKNOWN,
    text,
)
from catalogdb.exchange.evaluation_mode import EVALUATION_STATUSES, EvaluationMode, EvaluationStatus
from catalogdb.exchange.event_parts import event_of, magnitude_of, origin_of, present, status_of
from catalogdb.exchange.positions import depth_in_range
from catalogdb.exchange.quakeml_notes import LIMITS
from catalogdb.exchange.reference_catalog import ReadEvent
from catalogdb.exchange.table_cells import Cells

ORIGIN_NUMBERS = (
    "time_uncertainty",
    "horizontal_uncertainty_km",
    "depth_uncertainty_km",
    "rms",
    "azimuthal_gap",
    "minimum_distance_km",
    "score",
)
ORIGIN_COUNTS = ("n_picks", "n_p", "n_s", "n_stations")


def magnitude_positions(header: list[str]) -> dict[str, int]:
    """Columns of magnitudes by name, in the order of preference; of a row of magnitudes with authors only the first."""
    found = {name: header.index(name) for name in MAGNITUDE_COLUMNS if name in header}
    return found if magnitude_group(header) is None else {}


def magnitude_group(header: list[str]) -> int | None:
    """Where author, type and magnitude stand together at the end: rows may have more of them behind."""
    start = len(header) - len(MAGNITUDE_GROUP)
    return start if start > 0 and tuple(header[start:]) == MAGNITUDE_GROUP else None


def read_event(cells: Cells, magnitudes: dict[str, int], group: int | None, mode: EvaluationMode) -> ReadEvent:
    """The event of a row.

    Raises:
        ValueError: when it has no usable time, or a position or a depth that can't be.
    """
    time = cells.time()
    origin = _origin(cells, time)
    own = list(_magnitudes(cells, magnitudes) if group is None else _magnitudes_with_authors(cells, group))
    own_mode, status = _evaluation(cells, mode)
    info = {"agency_id": cells.text("agency_id"), "author": cells.text("author"), "creation_time": _updated(cells)}
    return event_of(
        origin,
        own,
        own_mode,
        time=time,
        source_id=cells.text("event_id") or cells.text("source_id"),
        place=cells.text("place"),
        event_type=_event_type(cells),
        evaluation_status=status,
        creation_info=present(info) or None,
    )


def _origin(cells: Cells, time: float) -> Origin | None:
    latitude = cells.number_or_error("latitude", PLACE_UNKNOWN)
    longitude = cells.number_or_error("longitude", PLACE_UNKNOWN)
    if latitude is None and longitude in PLACE_UNKNOWN:
        longitude = None
    if latitude is None and longitude is None:
        cells.say("events without a position, kept as unlocated", is_repair=True)
        return None
    if latitude is None or longitude is None:
        raise ValueError(f"no {'latitude' if latitude is None else 'longitude'}")
    depth_km = _depth_km(cells)
    values: Any = {name: cells.number(name) for name in ORIGIN_NUMBERS}
    values |= {name: cells.count(name) for name in ORIGIN_COUNTS}
    origin: OriginDraft = {
        "method": cells.text("origin_method") or "unknown",
        "time": time,
        "latitude": latitude,
        "longitude": longitude,
        "depth_km": depth_km,
        **values,
        "limits": _limits(cells),
        "quality": cells.text("quality"),
        **_density(cells),
    }
    return origin_of(**origin)


def _density(cells: Cells) -> OriginDraft:
    """What a probability density says of the place, as `tables` writes it."""
    found: Any = {"bimodal": cells.text("bimodal") == "yes" or None}
    for level in (68, 90):
        depths = [cells.number(f"depth_{level}_{end}_km") for end in ("low", "high")]
        found[f"depth_{level}_km"] = None if None in depths else depths
        found[f"epicentre_{level}_km"] = cells.number(f"epicentre_{level}_km")
    ee, en, ed, nn, nd, dd = values = [cells.number(f"covariance_{pair}_km2") for pair in COVARIANCE_PAIRS]
    found["covariance_km2"] = None if None in values else [[ee, en, ed], [en, nn, nd], [ed, nd, dd]]
    return cast(OriginDraft, found)


def _limits(cells: Cells) -> list[str] | None:
    """What set the location besides its arrivals, as `tables` writes it; anything else is left out and counted."""
    names = (cells.text("limits") or "").split()
    if not set(names) <= set(LIMITS):
        cells.leave_out("limits", " ".join(names), f"known are {', '.join(LIMITS)}")
        return None
    return sorted(names) or None


def _depth_km(cells: Cells) -> float | None:
    depth_km = cells.number("depth_km")
    if depth_km in DEPTH_UNKNOWN:
        cells.leave_out("depth", cells.text("depth_km") or "", "stands for not known")
        depth_km = None
    elif depth_km is not None:
        return depth_in_range(round(depth_km / 1000.0, 9) if cells.judgement.is_depth_in_metres else depth_km)
    depth_m = cells.number("depth_m")
    if depth_m in DEPTH_UNKNOWN and depth_m is not None and depth_m < 0:
        cells.leave_out("depth", cells.text("depth_m") or "", "stands for not known")
        depth_m = None
    return None if depth_m is None else depth_in_range(round(depth_m / 1000.0, 9))


def _magnitudes(cells: Cells, columns: dict[str, int]) -> Iterator[Magnitude]:
    """The untyped column first, then typed ones in the order of `MAGNITUDE_COLUMNS`: the first is the preferred one."""
    for place, name in enumerate(columns, 1):
        value = cells.number(name)
        if value is None:
            continue
        kind = MAGNITUDE_COLUMNS[name]
        if kind is not None:
            yield magnitude_of(_id=str(place), type=kind, value=value)
            continue
        yield magnitude_of(
            _id=str(place),
            type=_magnitude_type(cells.text("magnitude_type")),
            value=value,
            uncertainty=cells.number("magnitude_uncertainty"),
            n_stations=cells.count("magnitude_stations"),
        )


def _magnitudes_with_authors(cells: Cells, group: int) -> Iterator[Magnitude]:
    width = len(MAGNITUDE_GROUP)
    for place, start in enumerate(range(group, len(cells.row) - width + 1, width), 1):
        _, kind, given = (text(cell) for cell in cells.row[start : start + width])
        if given is None:
            continue
        try:
            value = float(given)
        except ValueError:
            cells.leave_out("mag", given, "is not a number")
            continue
        if not MAGNITUDE.least <= value <= MAGNITUDE.most or value in MAGNITUDE.unknown:
            cells.leave_out("mag", given, f"is outside {MAGNITUDE.least:g}..{MAGNITUDE.most:g}")
            continue
        yield magnitude_of(_id=str(place), type=_magnitude_type(kind), value=value)


def _magnitude_type(given: str | None) -> str:
    given = given or "M"
    return MAGNITUDE_TYPE_NAMES.get(given.lower(), given)


def _evaluation(cells: Cells, mode: EvaluationMode) -> tuple[EvaluationMode, EvaluationStatus]:
    """Evaluation mode and status: each as the table has it, else by the other, else what its user says."""
    status = (cells.text("evaluation_status") or "").lower()
    own = cells.mode() or MODES.get(status) or mode
    if (known := next((name for name in EVALUATION_STATUSES if name == status), None)) is not None:
        return own, known
    if status and status not in MODES:
        cells.leave_out("evaluation status", status, f"is none of {', '.join(EVALUATION_STATUSES)}")
    return own, status_of(own)


def _event_type(cells: Cells) -> str | None:
    given = cells.text("event_type")
    if given is None:
        return None
    plain = given.strip("[] ").lower()
    if plain in EVENT_TYPES:
        return EVENT_TYPES[plain] or None
    known = quakeml_name(plain)
    if known is None and plain:
        cells.say(f"events of type {plain!r}, which QuakeML has not, kept as it is")
    return known or plain or None


def _updated(cells: Cells) -> float | None:
    value = cells.text("updated")
    if value is None:
        return None
    try:
        return cells.judgement.times.read(value)[0]
    except ValueError as error:
        cells.leave_out("time of the last change", value, str(error))
        return None
