"""Picks of one window to origins: `associate` is all that the rest of the program calls."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from catalogdb.association import scan
from catalogdb.association.config import AssociateConfig
from catalogdb.association.origins import OriginBuilder
from catalogdb.association.prepared import PreparedPicks, PreparedStations, Volume, places
from catalogdb.documents.data import OriginFields
from catalogdb.errors import InputError
from catalogdb.geo import Region, distance_azimuth
from catalogdb.phases import phase_type
from catalogdb.stations.places import PlacedPick, StationRow
from catalogdb.traveltimes.first_arrivals import travel_times

SMALLEST_PROBABILITY = 0.01
DEFAULT_CHANCE_PER_DAY = 0.1
PLACES_OF_A_PARALLEL = 37


@dataclass(frozen=True)
class AssociationResult:
    """Origins in order of time, how many picks, arrivals and origins went which way by reason, and stations passed over
    though another network has their code, each with its name."""

    origins: list[OriginFields]
    counts: dict[str, int]
    problems: list[str] = field(default_factory=list)


def associate(
    picks: Sequence[PlacedPick],
    stations: Sequence[StationRow],
    region: Region,
    config: AssociateConfig,
    core: tuple[float, float] = (-math.inf, math.inf),
) -> AssociationResult:
    """Form events from the picks of one window's read range.

    The result depends on the set of picks alone: not on their order, nor on what else the process runs.

    Args:
        picks: dicts with `_id`, `sta`, `phase`, `time` (epoch seconds UTC) and, where known, `net`, `probability`,
            `quality`, `uncertainty` (s). First arrivals of P and S take part (`phases.phase_type`). Where pick or
            station has no network, the code alone decides; a pick that names one is never given to another network's
            station.
        stations: those that had data, dicts with `net`, `sta`, `latitude`, `longitude` (degrees), `elevation_km`; one
            that stands at several places within the window has a row for each, numbered by `place` as its picks are (0
            where absent). Each of them counts in what is derived from the network, with picks or without.
        region: where events are kept; limits left out come from the stations.
        config: the settings.
        core: what the window owns, [start, end) in epoch seconds: origins are those of this time, and counts are of its
            picks and of the candidates that lie in it, so that those of neighbouring windows add up.

    Returns:
        origins with the fields of schemas/origin.yaml, without ids, and counts: `picks`, `picks_used`,
        `picks_resolved_by_code`, `picks_rejected_...`, `picks_associated`, `picks_unassociated`, `arrival_...`,
        `origins`, `origin_...`, `stations` (all that take part), `places` (where they are fewer)
        and `stations_...`; problems, one for each such station that has no coordinates.

    Raises:
        InputError: when the overlap of windows is shorter than the longest travel time, or the region can't be set.
    """
    in_core = sum(core[0] <= _number(pick.get("time"), core[0]) < core[1] for pick in picks)
    counts: Counter[str] = Counter(picks=in_core)
    usable = _usable_stations(stations, counts)
    if usable:
        region = region.completed(usable)
        _leave_out_of_reach(usable, region, config, counts)
    if not usable:
        counts["picks_rejected_no_station"] += in_core
        return AssociationResult([], _sorted(counts))
    counts["stations"] = len(usable)
    longest_time = _check_overlap(usable, region, config)
    volume = Volume.around(region, config.search_margin_km)
    accepted, problems = _accepted_picks(picks, usable, config, core, counts)
    prepared_stations = _prepare_stations(usable, volume, config.same_place_km)
    if (apart := len(prepared_stations.place_x_km)) < len(usable):
        counts["places"] = apart
    prepared_picks = _prepare_picks(accepted, config)
    if len(prepared_picks) == 0:
        return AssociationResult([], _sorted(counts), problems)
    times, location_times = (
        travel_times(
            velocity,
            math.hypot(volume.maxx_km - volume.minx_km, volume.maxy_km - volume.miny_km),
            region.mindepth_km,
            region.maxdepth_km,
            _depth_range(usable),
        )
        for velocity in (config.velocity, config.location_velocity or config.velocity)
    )
    builder = OriginBuilder(prepared_picks, prepared_stations, volume, location_times, config, core)
    if config.associator == "gamma":
        from catalogdb.association import gamma

        builder.consider_all(gamma.find_events(prepared_picks, prepared_stations, volume, times, config))
    elif config.associator == "pyocto":
        from catalogdb.association import pyocto

        builder.consider_all(pyocto.find_events(prepared_picks, prepared_stations, volume, times, config, longest_time))
    if config.associator == "scan" or (config.second_pass and config.collect and config.relocate):
        search = scan.Search(prepared_picks, prepared_stations, volume, location_times, config, builder.fitter)
        builder.consider_best_first(search, config.max_chance_per_day or DEFAULT_CHANCE_PER_DAY)
    origins = builder.origins()
    counts.update(builder.counts)
    return AssociationResult(origins, _sorted(counts), problems)


def _leave_out_of_reach(
    usable: list[StationRow], region: Region, config: AssociateConfig, counts: Counter[str]
) -> None:
    """Drop the stations that no wave from the region reaches within the overlap of windows: another network's."""
    reach_km = config.overlap_seconds * _speed(config)
    latitude = np.array([station["latitude"] for station in usable])
    longitude = np.array([station["longitude"] for station in usable])
    south, north, west, east = region.box
    nearest_longitude = np.clip((longitude - west) % 360.0, 0.0, east - west)  # east of the western limit
    behind_west = (longitude - west) % 360.0 > 180.0 + (east - west) / 2.0
    distance_km, _ = distance_azimuth(
        np.clip(latitude, south, north),
        west + np.where(behind_west, 0.0, nearest_longitude),
        latitude,
        longitude,
    )
    kept = [
        station for station, distance in zip(usable, np.atleast_1d(distance_km), strict=True) if distance <= reach_km
    ]
    if len(kept) < len(usable):
        counts["stations_out_of_reach"] += len(usable) - len(kept)
        usable[:] = kept


def _check_overlap(stations: Sequence[StationRow], region: Region, config: AssociateConfig) -> float:
    """Give the longest S travel time (s) from anywhere in the region to any station, along a straight path.

    Raises:
        InputError: when windows overlap by less.
    """
    farthest = _farthest_km(
        tuple(station["latitude"] for station in stations), tuple(station["longitude"] for station in stations), region
    )
    longest_time = float(np.hypot(farthest.max(), region.maxdepth_km) / _speed(config))
    needed = math.ceil(longest_time + config.max_residual)
    if config.overlap_seconds < needed:
        station = stations[int(farthest.argmax())]
        raise InputError(
            f"associate.overlap_seconds is {config.overlap_seconds:g} s, but the longest travel time from the region "
            f"to a station ({station['net']}.{station['sta']}, {farthest.max():.0f} km) is {longest_time:.0f} s: "
            "windows would cut events",
            hint=f"Name the job's region and stations.include, or set overlap_seconds to {needed} or more.",
        )
    return longest_time


@lru_cache(maxsize=16)
def _farthest_km(latitudes: tuple[float, ...], longitudes: tuple[float, ...], region: Region) -> np.ndarray:
    """Distance of each station (degrees) from the farthest place of the region; made once for all windows."""
    south, north, west, east = region.box
    # Along a parallel the farthest place is an end, but for regions of more than half a circle.
    along = np.linspace(west, east, PLACES_OF_A_PARALLEL)
    corners = np.array([(latitude, longitude) for latitude in (south, north) for longitude in along])
    distance_km, _ = distance_azimuth(corners[:, :1], corners[:, 1:], latitudes, longitudes)
    return np.asarray(distance_km.max(axis=0))


def _speed(config: AssociateConfig) -> float:
    """S speed for long paths: far arrivals travel deep, slow layers near the surface matter at the two ends alone."""
    homogeneous = config.velocity.homogeneous
    return homogeneous[1] if homogeneous else float(np.median([layer.vs for layer in config.velocity.layers or ()]))


def _usable_stations(stations: Sequence[StationRow], counts: Counter[str]) -> list[StationRow]:
    usable: dict[tuple[str, str, int], StationRow] = {}
    rows: list[StationRow] = [
        {
            "net": station.get("net") or "",
            "sta": station["sta"],
            "latitude": _number(station.get("latitude")),
            "longitude": _number(station.get("longitude")),
            "elevation_km": _number(station.get("elevation_km")),
            "place": station.get("place", 0),
        }
        for station in stations
    ]
    for station in sorted(rows, key=lambda row: tuple(str(value) for value in row.values())):
        if not (math.isfinite(station["latitude"]) and math.isfinite(station["longitude"])):
            counts["stations_without_coordinates"] += 1
            continue
        if not math.isfinite(station["elevation_km"]):
            counts["stations_elevation_taken_as_zero"] += 1
            station["elevation_km"] = 0.0
        if usable.setdefault((station["net"], station["sta"], station["place"]), station) is not station:
            counts["stations_repeated"] += 1
    return list(usable.values())


def _accepted_picks(
    picks: Sequence[PlacedPick],
    stations: list[StationRow],
    config: AssociateConfig,
    core: tuple[float, float],
    counts: Counter[str],
) -> tuple[list[tuple[PlacedPick, int, bool]], list[str]]:
    """Give (pick, station number, is S) of the picks to use, in order of time, station and phase, and the problems."""
    by_name = {(row["net"], row["sta"], row["place"]): number for number, row in enumerate(stations)}
    number: int | None
    by_code: dict[tuple[str, int], list[int]] = {}
    for row_number, station in enumerate(stations):
        by_code.setdefault((station["sta"], station["place"]), []).append(row_number)
    accepted: list[tuple[PlacedPick, int, bool]] = []
    problems: set[str] = set()
    for pick in picks:
        net, sta, place = pick.get("net") or "", pick["sta"], pick.get("place", 0)
        same_code = by_code.get((sta, place), [])
        reason: str | None = None
        number = by_name.get((net, sta, place))
        is_by_code = number is None
        if is_by_code and net:
            number = by_name.get(("", sta, place))
        elif is_by_code and len(same_code) == 1:
            number = same_code[0]
        phase = phase_type(pick.get("phase"))
        counted = core[0] <= _number(pick.get("time"), core[0]) < core[1]
        if phase is None:
            reason = "phase_not_used"
        elif not math.isfinite(_number(pick.get("time"))):
            reason = "no_time"
        elif number is None:
            reason = "station_ambiguous" if same_code and not net else "no_station"
            if same_code and net:
                problems.add(other_network(net, sta, [stations[other]["net"] for other in same_code]))
        elif _number(pick.get("probability"), 1.0) < config.min_pick_probability:
            reason = "below_probability"
        elif _number(pick.get("quality"), 1.0) < config.min_pick_quality:
            reason = "below_quality"
        if reason is not None or number is None:
            counts[f"picks_rejected_{reason}"] += counted
            continue
        counts["picks_resolved_by_code"] += is_by_code and counted
        counts["picks_used"] += counted
        accepted.append((pick, number, phase == "S"))
    return sorted(accepted, key=_place_in_order), sorted(problems)


def _place_in_order(entry: tuple[PlacedPick, int, bool]) -> tuple[float, int, bool, str]:
    """Ids come last: they differ from pick set to pick set, and picks of one sample must not change places by them."""
    pick, station, is_s = entry
    return pick["time"], station, is_s, str(pick["_id"])


def other_network(net: str, sta: str, known: Sequence[str]) -> str:
    """The problem of picks whose station code is known in other networks alone."""
    others = ", ".join(f"{other}.{sta}" for other in known)
    return f"pick's station {net}.{sta} has no coordinates in reach; those of {others} are not taken for it"


def _prepare_stations(stations: list[StationRow], volume: Volume, same_place_km: float) -> PreparedStations:
    latitude = np.array([station["latitude"] for station in stations])
    longitude = np.array([station["longitude"] for station in stations])
    x_km, y_km = volume.projection.to_xy(longitude, latitude)
    place, founders = places(x_km, y_km, same_place_km)
    return PreparedStations(
        codes=[(station["net"], station["sta"]) for station in stations],
        latitude=latitude,
        longitude=longitude,
        x_km=x_km,
        y_km=y_km,
        depth_km=np.array([-station["elevation_km"] for station in stations]),
        place=place,
        place_x_km=x_km[founders],
        place_y_km=y_km[founders],
    )


def _prepare_picks(accepted: list[tuple[PlacedPick, int, bool]], config: AssociateConfig) -> PreparedPicks:
    picks = [pick for pick, _, _ in accepted]
    probability = np.array([_number(pick.get("probability"), 1.0) for pick in picks], dtype=float)
    uncertainty = np.array([_number(pick.get("uncertainty"), 0.0) for pick in picks], dtype=float)
    return PreparedPicks(
        documents=picks,
        time=np.array([pick["time"] for pick in picks], dtype=float),
        station=np.array([number for _, number, _ in accepted], dtype=int),
        is_s=np.array([is_s for _, _, is_s in accepted], dtype=bool),
        probability=np.clip(probability, SMALLEST_PROBABILITY, 1.0),
        sigma=np.hypot(config.time_error, uncertainty),
    )


def _depth_range(stations: list[StationRow]) -> tuple[float, float]:
    depths = [-station["elevation_km"] for station in stations]
    return min(depths), max(depths)


def _number(value: Any, missing: float = math.nan) -> float:
    """Read a number; what is absent or not a number becomes `missing`."""
    if value is None:
        return missing
    number = float(value)
    return missing if math.isnan(number) else number


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return {name: int(counts[name]) for name in sorted(counts) if counts[name] or name in ("origins", "picks")}
