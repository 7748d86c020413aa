"""Origins, arrivals and magnitudes of a QuakeML event -> the parts of an event document."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from catalogdb.documents.data import Magnitude, Origin, OriginArrival, OriginDraft
from catalogdb.documents.free import AnyDocument
from catalogdb.exchange.event_parts import arrival_counts, arrival_of, magnitude_of, origin_of, present
from catalogdb.exchange.quakeml_ellipsoid import ellipsoid_of
from catalogdb.exchange.quakeml_notes import ORIGIN_NOTES, STATION_MAGNITUDE_NOTES, read_note
from catalogdb.exchange.quakeml_picks import unique
from catalogdb.exchange.quakeml_texts import comments, own_creation_info
from catalogdb.exchange.quakeml_values import (
    Tally,
    degrees_to_km,
    depth_km,
    evaluation,
    horizontal_uncertainty_km,
    kilometres,
    plausible_epoch,
    standard_deviation,
    word,
)
from catalogdb.exchange.quakeml_writer import OWN_PREFIX, UNKNOWN_METHOD
from catalogdb.exchange.reference_catalog import ReadPick, ReferenceCatalog
from catalogdb.geo import coordinates

OriginPart = tuple[Any, Origin]  # ObsPy's object, and its document
MagnitudePart = tuple[Any, Magnitude]


def usable_origins(event: Any, record: str, result: ReferenceCatalog, said: Tally) -> dict[str, OriginPart]:
    """Origins with a time and a place by their ids, still without arrivals; others are rejected with the reason."""
    origins: dict[str, OriginPart] = {}
    for number, origin in enumerate(event.origins, 1):
        name = origin.resource_id.id if origin.resource_id else str(number)
        name = unique(name, origins, record, result)
        try:
            document = _origin(origin, name, f"{record}: origin {name}", said)
            origins[name] = origin, cast(Origin, document | _words(origin, event))
        except ValueError as error:
            result.rejected.append(f"{record}: origin {name}: {error}")
    return origins


def _origin(origin: Any, name: str, where: str, said: Tally) -> Origin:
    missing = [what for what in ("time", "latitude", "longitude") if getattr(origin, what) is None]
    if missing:
        raise ValueError(f"no usable {' and no usable '.join(missing)}")
    latitude, longitude = coordinates(origin.latitude, origin.longitude)
    quality = origin.quality
    method = origin.method_id.id if origin.method_id else UNKNOWN_METHOD
    earth_model = origin.earth_model_id.id if origin.earth_model_id else None
    numbers: Any = {
        "time_uncertainty": standard_deviation(origin.time_errors),
        "horizontal_uncertainty_km": horizontal_uncertainty_km(origin),
        "depth_uncertainty_km": kilometres(standard_deviation(origin.depth_errors)),
    }
    if quality:
        numbers |= {
            "n_picks": quality.used_phase_count,
            "n_stations": quality.used_station_count,
            "rms": quality.standard_error,
            "azimuthal_gap": quality.azimuthal_gap,
            "minimum_distance_km": degrees_to_km(quality.minimum_distance),
        }
    time, depth = plausible_epoch(origin.time), depth_km(origin.depth, where, said)
    numbers = {what: said.bounded(what, value, where) for what, value in numbers.items()}
    mode, status = evaluation(origin)
    note = read_note(origin, ORIGIN_NOTES)
    if "covariance_km2" not in note:
        note |= ellipsoid_of(origin.origin_uncertainty, where, said)
    document: OriginDraft = {
        "_id": name,
        "method": method.removeprefix(f"{OWN_PREFIX}/method/"),
        "earth_model_id": earth_model.removeprefix(f"{OWN_PREFIX}/earth_model/") if earth_model else None,
        "time": time,
        "latitude": float(latitude),
        "longitude": float(longitude),
        "depth_km": depth,
        "depth_type": word(origin.depth_type),
        **numbers,
        "evaluation_mode": mode,
        "evaluation_status": status,
        **cast(OriginDraft, note),
    }
    return origin_of(**document)


def add_arrivals(
    origin: OriginPart, picks: dict[str, ReadPick], record: str, result: ReferenceCatalog, said: Tally
) -> None:
    """Put an origin's arrivals in its document, and how many they are where the origin does not count them itself."""
    source, document = origin
    arrivals = []
    for arrival in source.arrivals:
        pick = picks.get(arrival.pick_id.id) if arrival.pick_id else None
        if pick is None:
            result.rejected.append(
                f"{record}: arrival of {arrival.phase or '?'}: its pick {arrival.pick_id} is not in the event"
            )
        else:
            arrivals.append(_arrival(arrival, pick, f"{record}: arrival {arrival.resource_id}", said))
    if not arrivals:
        return
    document["arrivals"] = arrivals
    counts = arrival_counts(arrivals)
    document |= {"n_p": counts["n_p"], "n_s": counts["n_s"]}
    document["n_picks"] = document.get("n_picks") or counts["n_picks"]
    document["n_stations"] = document.get("n_stations") or counts["n_stations"]


def _arrival(arrival: Any, pick: ReadPick, where: str, said: Tally) -> OriginArrival:
    numbers: Any = {
        "residual": arrival.time_residual,
        "distance_km": degrees_to_km(arrival.distance),
        "azimuth": arrival.azimuth,
        "takeoff_angle": arrival.takeoff_angle,
        "station_delay": arrival.time_correction or None,
        "weight": arrival.time_weight,
    }
    numbers = {what: said.bounded(what, value, where) for what, value in numbers.items()}
    own = arrival_of(pick, pick["source_id"]) | {"phase": str(arrival.phase or pick["phase"])}
    return cast(OriginArrival, own | present(numbers))


def usable_magnitudes(event: Any, record: str, result: ReferenceCatalog, said: Tally) -> dict[str, MagnitudePart]:
    """Magnitudes with a value that earthquakes have, by their ids; others are rejected with the reason."""
    stations = {part.resource_id.id: part for part in event.station_magnitudes if part.resource_id}
    magnitudes: dict[str, MagnitudePart] = {}
    for number, magnitude in enumerate(event.magnitudes, 1):
        name = magnitude.resource_id.id if magnitude.resource_id else str(number)
        value = magnitude.mag
        if value is None or not math.isfinite(value):
            result.rejected.append(f"{record}: magnitude {name}: no value")
        elif said.bounded("magnitude", value, f"{record}: magnitude {name}") is not None:
            name = unique(name, magnitudes, record, result)
            document = _magnitude(magnitude, name, f"{record}: magnitude {name}", stations, said)
            magnitudes[name] = magnitude, cast(Magnitude, document | _words(magnitude, event))
    return magnitudes


def _words(part: Any, event: Any) -> AnyDocument:
    """What an origin or a magnitude of an event says for people."""
    return present({"comments": comments(part), "creation_info": own_creation_info(part, event)})


def _magnitude(magnitude: Any, name: str, where: str, stations: Mapping[str, Any], said: Tally) -> Magnitude:
    parts: list[Any] = []
    for contribution in magnitude.station_magnitude_contributions or []:
        part = stations.get(contribution.station_magnitude_id.id) if contribution.station_magnitude_id else None
        if part is None or part.mag is None or not part.waveform_id or not part.waveform_id.station_code:
            continue
        if (
            said.bounded("station magnitude", part.mag, f"{where}: {part.waveform_id.station_code}", "magnitude")
            is None
        ):
            continue
        parts.append(
            present({"net": part.waveform_id.network_code, "sta": part.waveform_id.station_code})
            | {"value": float(part.mag)}
            | present({"weight": contribution.weight})
            | read_note(part, STATION_MAGNITUDE_NOTES)
        )
    uncertainty = standard_deviation(magnitude.mag_errors)
    mode, status = evaluation(magnitude)
    if not magnitude.magnitude_type:
        said.add("magnitudes without a type, taken as M")
    n_stations: Any = said.bounded("n_stations", magnitude.station_count, where)
    return magnitude_of(
        _id=name,
        type=magnitude.magnitude_type or "M",
        value=float(magnitude.mag),
        uncertainty=said.bounded("magnitude uncertainty", uncertainty, where, "magnitude_uncertainty"),
        n_stations=n_stations,
        station_magnitudes=parts or None,
        evaluation_mode=mode,
        evaluation_status=status,
    )
