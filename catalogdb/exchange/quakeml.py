"""Read QuakeML 1.0, 1.1, 1.2 and RT 1.2 through ObsPy (https://quake.ethz.ch/quakeml/)."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

from catalogdb.exchange.quakeml_events import read_events
from catalogdb.exchange.quakeml_notes import (
    EVENT_NOTES,
    ORIGIN_NOTES,
    PICK_NOTES,
    STATION_MAGNITUDE_NOTES,
    read_note,
)
from catalogdb.exchange.quakeml_writer import OWN_PREFIX, quakeml_type, write_quakeml
from catalogdb.exchange.reference import (
    DEFAULT_PICK_UNCERTAINTY,
    EVALUATION_STATUSES,
    KM_PER_DEGREE,
    EvaluationMode,
    ReferenceCatalog,
    arrival_counts,
    channel_group,
    coordinates,
    depth_in_range,
    event_from_parts,
    present,
)

__all__ = ["read_quakeml", "write_quakeml"]

EARLIEST, LATEST = -62_135_596_800, 253_402_300_800  # years 1 to 9999, in epoch seconds


def read_quakeml(path: Path, evaluation_mode: EvaluationMode = "manual") -> ReferenceCatalog:
    """Read a QuakeML file.

    Args:
        path: the file.
        evaluation_mode: what events and picks are that don't say.

    Returns:
        Events with all origins and magnitudes (depth in km), and the picks of all events. `source_id` is the publicID,
        or in files written by catalogdb the event's id before. An event without a usable origin is unlocated, at the
        time that catalogdb noted, else at that of its first pick; without either it is rejected. Numbers that are not
        finite are left out and reported; what can't do without them is rejected.

    Raises:
        InputError: naming the file and the reason, when it is no QuakeML.
    """
    records, complaints = read_events(Path(path))
    result = ReferenceCatalog(repaired=complaints)
    counts: Counter[str] = Counter()
    ids: set[str] = set()
    for item in records:
        result.rejected += item.rejected
        result.repaired += item.repaired
        event, record = item.event, item.record
        if event is None:
            continue
        note = read_note(event, EVENT_NOTES)
        source_id = _source_id(event, note, record, ids, result)
        picks = _picks(event, source_id, record, evaluation_mode, result, counts)
        document = _event(event, source_id, note, record, evaluation_mode, result, picks, counts)
        result.picks += picks.values()
        if document is None:
            result.rejected.append(f"{record}: it has no usable origin, and no pick to know its time from")
        else:
            if note.get("is_located") and not document["origins"]:  # cards say it in each line, and want it back
                document["sources"] = [
                    present({"file": Path(path).name, "format": "quakeml", "id": source_id, "is_located": True})
                ]
            result.events.append(document)
        counts["focal mechanisms not stored"] += len(event.focal_mechanisms)
        counts["amplitudes not stored"] += len(event.amplitudes)
    result.repaired += [f"{path}: {number} {what}" for what, number in counts.items() if number]
    return result


def _source_id(event: Any, note: dict[str, Any], record: str, taken: set[str], result: ReferenceCatalog) -> str | None:
    """The id that the event had before it was written, where no other event of the file has it, else the publicID."""
    public_id = event.resource_id.id if event.resource_id else None
    own = note.get("source_id")
    if own and own in taken:
        result.repaired.append(f"{record}: another event was {own} as well; this one is called by its publicID")
    chosen = own if own and own not in taken else public_id
    if chosen:
        taken.add(chosen)
    return chosen


# -- picks


def _picks(
    event: Any, event_key: str | None, record: str, mode: EvaluationMode, result: ReferenceCatalog, counts: Counter[str]
) -> dict[str, dict[str, Any]]:
    phases = {
        arrival.pick_id.id: arrival.phase
        for origin in event.origins
        for arrival in origin.arrivals
        if arrival.pick_id is not None and arrival.phase
    }
    documents: dict[str, dict[str, Any]] = {}
    for number, pick in enumerate(event.picks, 1):
        name = pick.resource_id.id if pick.resource_id else f"{event_key}/pick/{number}"
        name = _unique(name, documents, record, result)
        where = pick.waveform_id
        phase = phases.get(name) or pick.phase_hint
        missing = [
            what
            for what, value in (("time", pick.time), ("station", where and where.station_code), ("phase", phase))
            if not value
        ]
        if missing:
            result.rejected.append(f"{record}: pick {name}: no {' and no '.join(missing)}")
            continue
        uncertainty = _uncertainty(pick.time_errors)
        if uncertainty is None:
            counts[f"picks without uncertainty, taken as {DEFAULT_PICK_UNCERTAINTY} s"] += 1
        if pick.evaluation_mode is None:
            counts[f"picks without evaluation mode, taken as {mode}"] += 1
        net, loc, chan = (
            (where.network_code or "").strip("-"),
            (where.location_code or "").strip("-"),
            where.channel_code or "",
        )
        documents[name] = present(
            {
                "channel_group": channel_group(net, where.station_code, loc, chan),
                "net": net,
                "sta": where.station_code,
                "loc": loc,
                "chan": chan,
                "phase": str(phase),
                "time": _epoch(pick.time),
                "uncertainty": DEFAULT_PICK_UNCERTAINTY if uncertainty is None else uncertainty,
                "evaluation_mode": str(pick.evaluation_mode or mode),
                "polarity": pick.polarity and str(pick.polarity),
                "onset": pick.onset and str(pick.onset),
                "event_key": event_key,
                "source_id": name,
                **read_note(pick, PICK_NOTES),
            }
        )
    return documents


def _uncertainty(errors: Any) -> float | None:
    """One standard deviation in the quantity's own unit; of two unequal sides, their mean."""
    if errors is None:
        return None
    if errors.uncertainty is not None:
        return float(errors.uncertainty)
    sides = [side for side in (errors.lower_uncertainty, errors.upper_uncertainty) if side is not None]
    return sum(sides) / len(sides) if sides else None


def _unique(name: str, taken: dict[str, Any], record: str, result: ReferenceCatalog) -> str:
    """The publicID, or, where the event has it already, the publicID with a number behind."""
    if name not in taken:
        return name
    result.repaired.append(f"{record}: publicID {name} occurs again; the later one is kept under another id")
    number = 2
    while f"{name}#{number}" in taken:
        number += 1
    return f"{name}#{number}"


# -- events


def _event(
    event: Any,
    source_id: str | None,
    note: dict[str, Any],
    record: str,
    mode: EvaluationMode,
    result: ReferenceCatalog,
    picks: dict[str, dict[str, Any]],
    counts: Counter[str],
) -> dict[str, Any] | None:
    origins = {}
    for number, origin in enumerate(event.origins, 1):
        name = origin.resource_id.id if origin.resource_id else str(number)
        name = _unique(name, origins, record, result)
        try:
            origins[name] = _origin(origin, name, picks, record, result)
        except ValueError as error:
            result.rejected.append(f"{record}: origin {name}: {error}")
    magnitudes = {}
    for number, magnitude in enumerate(event.magnitudes, 1):
        name = magnitude.resource_id.id if magnitude.resource_id else str(number)
        if magnitude.mag is None or not math.isfinite(magnitude.mag):
            result.rejected.append(f"{record}: magnitude {name}: no value")
            continue
        name = _unique(name, magnitudes, record, result)
        magnitudes[name] = _magnitude(event, magnitude, name)
    if origins:
        preferred = _preferred(event.preferred_origin_id, origins, "origin", record, result)
        sources = {origin.resource_id.id: origin for origin in reversed(event.origins) if origin.resource_id}
        status, own_mode = _evaluation(sources.get(preferred["_id"]), mode)
        time, time_from = preferred["time"], None
    elif (unlocated := _unlocated(note, picks, mode, counts)) is not None:
        preferred = None
        time, time_from, status, own_mode = unlocated
    else:
        return None
    creation = event.creation_info
    descriptions = [text for description in event.event_descriptions if (text := description.text)]
    return event_from_parts(
        time,
        list(origins.values()),
        list(magnitudes.values()),
        preferred,
        _preferred(event.preferred_magnitude_id, magnitudes, "magnitude", record, result) if magnitudes else None,
        time_from=time_from,
        event_type=_event_type(event, note),
        place=descriptions[0] if descriptions else None,
        zone=note.get("zone"),
        remarks=note.get("remarks"),
        evaluation_mode=own_mode,
        evaluation_status=status,
        source_id=source_id,
        creation_info=present(
            {
                "agency_id": creation.agency_id,
                "author": creation.author,
                "version": creation.version,
                "creation_time": _epoch(creation.creation_time) if creation.creation_time else None,
            }
        )
        if creation
        else None,
    )


def _unlocated(
    note: dict[str, Any], picks: dict[str, dict[str, Any]], mode: EvaluationMode, counts: Counter[str]
) -> tuple[float, str | None, str, str] | None:
    """Time, what it is of, status and mode of an event without a usable origin; None where nothing tells its time."""
    first = min(picks.values(), key=lambda pick: pick["time"], default=None)
    if EARLIEST <= note.get("time", math.nan) < LATEST:
        time, time_from = note["time"], note.get("time_from")
    elif first is not None:
        time, time_from = first["time"], "first_arrival"
        counts["events without a usable origin, kept as unlocated at the time of their first pick"] += 1
    else:
        return None
    own_mode = note.get("evaluation_mode") or (mode if first is None else first["evaluation_mode"])
    status = note.get("evaluation_status") or ("reviewed" if own_mode == "manual" else "preliminary")
    return time, time_from, status, own_mode


def _event_type(event: Any, note: dict[str, Any]) -> str | None:
    """The type in the words that it had before it was written, if it is still the same."""
    found = event.event_type and str(event.event_type)
    own = note.get("event_type")
    return own if own and quakeml_type(own) == found else found


def _preferred(
    wanted: Any, parts: dict[str, dict[str, Any]], what: str, record: str, result: ReferenceCatalog
) -> dict[str, Any]:
    if wanted is not None and wanted.id in parts:
        return parts[wanted.id]
    first = next(iter(parts.values()))
    if wanted is not None:
        result.repaired.append(
            f"{record}: the preferred {what} {wanted.id} is not among its {what}s; the first one is taken"
        )
    return first


def _evaluation(origin: Any, default: EvaluationMode) -> tuple[str, str]:
    status = str(origin.evaluation_status) if origin is not None and origin.evaluation_status else None
    mode = str(origin.evaluation_mode) if origin is not None and origin.evaluation_mode else None
    if mode is None:
        mode = "manual" if status in ("reviewed", "confirmed", "final") else default
    if status not in EVALUATION_STATUSES:
        status = "reviewed" if mode == "manual" else "preliminary"
    return status, mode


def _origin(
    origin: Any, name: str, picks: dict[str, dict[str, Any]], record: str, result: ReferenceCatalog
) -> dict[str, Any]:
    missing = [what for what in ("time", "latitude", "longitude") if getattr(origin, what) is None]
    if missing:
        raise ValueError(f"no usable {' and no usable '.join(missing)}")
    latitude, longitude = coordinates(origin.latitude, origin.longitude)
    arrivals = [document for arrival in origin.arrivals if (document := _arrival(arrival, picks, record, result))]
    quality = origin.quality
    counts: dict[str, Any] = dict(arrival_counts(arrivals)) if arrivals else {}
    method = origin.method_id.id if origin.method_id else "unknown"
    return present(
        {
            "_id": name,
            "method": method.removeprefix(f"{OWN_PREFIX}/method/"),
            "time": _epoch(origin.time),
            "latitude": float(latitude),
            "longitude": float(longitude),
            "depth_km": depth_in_range(_kilometres(origin.depth)),
            "time_uncertainty": _uncertainty(origin.time_errors),
            "horizontal_uncertainty_km": _horizontal_uncertainty(origin),
            "depth_uncertainty_km": _kilometres(_uncertainty(origin.depth_errors)),
            "n_picks": (quality and quality.used_phase_count) or counts.get("n_picks"),
            "n_p": counts.get("n_p"),
            "n_s": counts.get("n_s"),
            "n_stations": (quality and quality.used_station_count) or counts.get("n_stations"),
            "arrivals": arrivals or None,
            **(
                {
                    "rms": quality.standard_error,
                    "azimuthal_gap": quality.azimuthal_gap,
                    "minimum_distance_km": _degrees_to_km(quality.minimum_distance),
                }
                if quality
                else {}
            ),
            **read_note(origin, ORIGIN_NOTES),
        }
    )


def _horizontal_uncertainty(origin: Any) -> float | None:
    """Kilometres: the ellipse's larger axis, else the larger of the errors in latitude and longitude."""
    ellipse = origin.origin_uncertainty
    if ellipse is not None:
        metres = (
            ellipse.horizontal_uncertainty
            if ellipse.horizontal_uncertainty is not None
            else ellipse.max_horizontal_uncertainty
        )
        if metres is not None:
            return _kilometres(metres)
    north = _degrees_to_km(_uncertainty(origin.latitude_errors))
    east = _degrees_to_km(_uncertainty(origin.longitude_errors))
    sides = [side for side in (north, east and east * math.cos(math.radians(origin.latitude))) if side is not None]
    return max(sides) if sides else None


def _arrival(
    arrival: Any, picks: dict[str, dict[str, Any]], record: str, result: ReferenceCatalog
) -> dict[str, Any] | None:
    pick = picks.get(arrival.pick_id.id) if arrival.pick_id else None
    if pick is None:
        result.rejected.append(
            f"{record}: arrival of {arrival.phase or '?'}: its pick {arrival.pick_id} is not in the event"
        )
        return None
    return present(
        {
            "pick_id": pick["source_id"],
            "phase": str(arrival.phase or pick["phase"]),
            "net": pick["net"],
            "sta": pick["sta"],
            "time": pick["time"],
            "residual": arrival.time_residual,
            "distance_km": _degrees_to_km(arrival.distance),
            "azimuth": arrival.azimuth,
            "takeoff_angle": arrival.takeoff_angle,
            "station_delay": arrival.time_correction or None,
            "weight": arrival.time_weight,
        }
    )


def _magnitude(event: Any, magnitude: Any, name: str) -> dict[str, Any]:
    stations = {part.resource_id.id: part for part in event.station_magnitudes if part.resource_id}
    parts = []
    for contribution in magnitude.station_magnitude_contributions or []:
        part = stations.get(contribution.station_magnitude_id.id) if contribution.station_magnitude_id else None
        if part is not None and part.mag is not None and part.waveform_id and part.waveform_id.station_code:
            note = read_note(part, STATION_MAGNITUDE_NOTES)
            parts.append(
                present(
                    {
                        "net": part.waveform_id.network_code,
                        "sta": part.waveform_id.station_code,
                        "value": float(part.mag),
                        **note,
                    }
                )
            )
    return present(
        {
            "_id": name,
            "type": magnitude.magnitude_type or "M",
            "value": float(magnitude.mag),
            "uncertainty": _uncertainty(magnitude.mag_errors),
            "n_stations": magnitude.station_count,
            "station_magnitudes": parts or None,
        }
    )


def _epoch(time: Any) -> float:
    """Epoch seconds, the double nearest to the time in microseconds (`UTCDateTime.timestamp` is not always that)."""
    return round(time.ns / 1000) / 1e6


def _kilometres(metres: float | None) -> float | None:
    return None if metres is None else metres / 1000.0


def _degrees_to_km(degrees: float | None) -> float | None:
    return None if degrees is None else degrees * KM_PER_DEGREE
