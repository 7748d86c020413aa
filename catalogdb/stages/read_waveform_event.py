"""What the database has around one event, as a view to draw: its stations by distance, with predicted arrivals."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from pymongo.database import Database

from catalogdb.database.short_ids import id_that_begins
from catalogdb.documents.data import Event, OriginArrival
from catalogdb.documents.free import Query
from catalogdb.errors import InputError
from catalogdb.exchange.event_parts import preferred_origin
from catalogdb.geo import distance_azimuth
from catalogdb.plots.text import clock_text
from catalogdb.plots.view import Lane, Mark, StationPanel, View, two_components
from catalogdb.stages.associate import AssociateStage
from catalogdb.stages.read_waveform import (
    Choice,
    check_period,
    events_of_picks,
    missing_notes,
    sources,
    station_panel,
    stations_with_waveforms,
)
from catalogdb.stages.station_places import stations_in_operation
from catalogdb.times import format_time
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.velocity import VelocityConfig

BEFORE_SECONDS = 5.0
AFTER_LAST_ARRIVAL_SECONDS = 10.0
LONGEST_AFTER_SECONDS = 600.0
BANDS_HZ = ((1.0, 20.0), (1.0, 8.0), (1.0, 4.0), None)
"""Of figures that nobody chose a filter for: the first one that the records' sampling rates allow; None: no filter."""
USUAL_DEPTH_KM = 10.0
"""Depth for predicted arrivals of an event without one."""


@dataclass(frozen=True)
class _Station:
    """A station as the event sees it; place and times are None where one of the two isn't located."""

    net: str
    sta: str
    distance_km: float | None = None
    azimuth: float | None = None
    p_time: float | None = None
    s_time: float | None = None


def event_view(
    db: Database,
    event_id: str,
    choice: Choice,
    before: float | None = None,
    after: float | None = None,
    stations: int = 12,
    catalog: str | None = None,
    all_components: bool = False,
) -> View:
    """The stations nearest to an event, from top to bottom by distance.

    Args:
        event_id: `_id` of the event, or its id in the source.
        before, after: seconds before and after the origin time; left out, all arrivals are in the figure.
        stations: most stations to show.
        catalog: that the event belongs to; needed only where several have one with this id.
        all_components: show every component instead of the vertical and the strongest other one.

    Raises:
        InputError: saying what there is, for an unknown event or one without waveforms.
    """
    event = find_event(db, event_id, catalog)
    origin = preferred_origin(event) or next(iter(event["origins"]), {})
    arrivals = origin.get("arrivals", [])
    chosen = sources(db, choice)
    start = event["time"] - (BEFORE_SECONDS if before is None else before)
    reach = event["time"] + (LONGEST_AFTER_SECONDS if after is None else after)
    check_period(start, reach)
    velocity, model = _velocity(db, event["catalog"], [source.name for source in chosen])
    around, notes = _stations(db, event, start, reach, velocity)
    shown = around[:stations]
    if not shown:
        raise InputError(
            f"no waveforms of any station around event {event_id} of {event['catalog']}, {format_time(event['time'])}",
            hint="catalogdb ingest waveforms PATH; catalogdb query wf_miniseed says what there is",
        )
    if len(around) > len(shown):
        notes.append(f"the {len(shown)} nearest of {len(around)} stations with waveforms")
    absent = sorted({arrival["sta"] for arrival in arrivals} - {station.sta for station in around})
    if absent:
        notes.append(f"stations with arrivals but without waveforms: {', '.join(absent)}")
    end = reach if after is not None else min(_last_arrival(event, shown, arrivals) + AFTER_LAST_ARRIVAL_SECONDS, reach)
    owners = events_of_picks(db, [source.name for source in chosen], start, end)
    residuals = {one["pick_id"]: one["residual"] for one in arrivals if "residual" in one}
    panels = []
    for station in shown:
        panel, panel_notes = station_panel(db, station.net, station.sta, start, end, choice, chosen, owners, residuals)
        if panel is None:
            continue
        notes += panel_notes
        panels.append(_with_event(panel, station, all_components))
    if any(station.p_time is not None for station in shown):
        notes.append(f"predicted arrivals: {model}")
    return View(
        title=_title(event),
        starttime=start,
        endtime=end,
        panels=tuple(panels),
        band=choice.band,
        origin_time=event["time"] if origin else None,
        notes=tuple(dict.fromkeys([*notes, *missing_notes(chosen, panels)])),
    )


def filtered_event_view(db: Database, event_id: str, choice: Choice, stations: int, catalog: str) -> View:
    """The stations nearest to an event as `event_view` has them, filtered as high as the slowest record allows.

    Raises:
        InputError: saying what there is, for an unknown event or one without waveforms.
    """
    refused = None
    for band in BANDS_HZ:
        try:
            return event_view(db, event_id, replace(choice, band=band), stations=stations, catalog=catalog)
        except InputError as error:
            refused = refused or error
    raise refused or InputError(f"no record of event {event_id}")


def find_event(db: Database, event_id: str, catalog: str | None) -> Event:
    """The event of an id, the beginning of one, or its source's id.

    Args:
        catalog: that the event belongs to; needed only where several have one with this id.

    Raises:
        InputError: for an unknown event, and where several fit.
    """
    query: Query = {"$or": [{"_id": {"$eq": event_id}}, {"source_id": {"$eq": event_id}}]}
    if catalog is not None:
        query["catalog"] = {"$eq": catalog}
    rows = list(db.event.find(query).sort("catalog", 1).limit(10))
    if not rows and (found := id_that_begins(db, "event", event_id, {"catalog": catalog} if catalog else None)):
        rows = list(db.event.find({"_id": found}))
    if not rows:
        where = f" in catalog {catalog!r}" if catalog else ""
        raise InputError(
            f"no event {event_id!r}{where} in database {db.name!r}",
            hint="catalogdb query events catalog=NAME --fields _id,time,magnitude lists them",
        )
    if len(rows) > 1:
        names = ", ".join(sorted({row["catalog"] for row in rows}))
        raise InputError(f"event {event_id!r} is in several catalogs: {names}", hint="say which one: --catalog NAME")
    return rows[0]


def _velocity(db: Database, catalog: str, pick_sets: list[str]) -> tuple[VelocityConfig, str]:
    """The model that predicts arrivals: of the event's catalog, else of one made from a pick set shown, else a plain
    one; with a sentence on it."""
    rows = [*db.catalog.find({"_id": catalog}), *db.catalog.find({"pick_set": {"$in": pick_sets}}).sort("_id", 1)]
    for row in rows:
        if velocity := row.get("config", {}).get(AssociateStage.name, {}).get("velocity"):
            return VelocityConfig.model_validate(velocity), f"velocity model of catalog {row['_id']}"
    plain = VelocityConfig()
    return plain, f"vp {plain.vp:g} km/s, vs {plain.vs:g} km/s"


def _stations(
    db: Database, event: Event, start: float, end: float, velocity: VelocityConfig
) -> tuple[list[_Station], list[str]]:
    """Stations with waveforms in the period, by distance; those without a place come last."""
    codes = stations_with_waveforms(db, {"starttime": {"$lte": end}, "endtime": {"$gte": start}})
    if "latitude" not in event:
        return [_Station(*code) for code in codes], ["the event is not located: stations are in order of code"]
    places = {(row["net"], row["sta"]): row for row in stations_in_operation(db, start, end)}
    located = [places[code] for code in codes if code in places]
    nowhere = [_Station(*code) for code in codes if code not in places]
    notes = [f"not in the station metadata: {', '.join(f'{one.net}.{one.sta}' for one in nowhere)}"] if nowhere else []
    if not located:
        return nowhere, notes
    latitude, longitude, elevation = (
        np.array([row[name] for row in located], dtype=float) for name in ("latitude", "longitude", "elevation_km")
    )
    distance, azimuth = distance_azimuth(event["latitude"], event["longitude"], latitude, longitude)
    depth = event.get("depth_km")
    if depth is None:
        depth = USUAL_DEPTH_KM
        notes.append(f"the event has no depth: {depth:g} km for predicted arrivals")
    below = -elevation
    times = travel_times(
        velocity, float(distance.max()), min(depth, 0.0), max(depth, 0.0), (float(below.min()), float(below.max()))
    )
    p, s = (times(distance, depth, below, np.full(distance.shape, is_s)) for is_s in (False, True))
    found = [
        _Station(
            row["net"],
            row["sta"],
            float(distance[at]),
            float(azimuth[at]),
            event["time"] + float(p[at]),
            event["time"] + float(s[at]),
        )
        for at, row in enumerate(located)
    ]
    return sorted(found, key=lambda station: station.distance_km or 0.0) + nowhere, notes


def _last_arrival(event: Event, shown: list[_Station], arrivals: list[OriginArrival]) -> float:
    codes = {station.sta for station in shown}
    times = [arrival["time"] for arrival in arrivals if arrival["sta"] in codes]
    times += [station.s_time for station in shown if station.s_time is not None]
    return max(times, default=event["time"] + 50.0)


def _with_event(panel: StationPanel, station: _Station, all_components: bool) -> StationPanel:
    lanes = panel.lanes
    if station.p_time is not None and station.s_time is not None:
        predicted = (Mark("P", station.p_time), Mark("S", station.s_time))
        lanes = (Lane("predicted", "predicted", predicted), *lanes)
    components = panel.components if all_components else two_components(panel.components)
    return replace(panel, components=components, lanes=lanes, distance_km=station.distance_km, azimuth=station.azimuth)


def _title(event: Event) -> str:
    name = event.get("source_id") or event["_id"]
    parts = [f"{event['catalog']}: event {name}", f"{clock_text(event['time'])} UTC"]
    if "magnitude" in event:
        parts.append(f"{event.get('magnitude_type') or 'M'} {event['magnitude']:.1f}")
    if "latitude" in event:
        north, east = event["latitude"], event["longitude"]
        parts.append(f"{abs(north):.3f}°{'SN'[north >= 0]} {abs(east):.3f}°{'WE'[east >= 0]}")
    if "depth_km" in event:
        parts.append(f"depth {event['depth_km']:.1f} km")
    return ", ".join(parts)
