"""A record section: the waveforms of one event by epicentral distance, for the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from pymongo.database import Database

from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.plots.view import Component, StationPanel, View, envelope, phase_letter
from catalogdb.stages.read_waveform import Choice
from catalogdb.stages.read_waveform_event import filtered_event_view, find_event

STATIONS = 24
BINS = 400
"""Of a trace: lowest and highest sample of each are kept."""
FULL_SCALE = 100
TRIES = 8
"""So many events are tried until one has waveforms."""


def record_section(db: Database, catalog: str, event_id: str) -> Json:
    """The vertical records of the stations nearest to an event.

    Args:
        event_id: `_id` of the event, its beginning, or its id in the source.

    Returns:
        event_id, title, time (epoch seconds UTC), band_hz (None: not filtered), seconds (first and last after the
        origin time), notes, and
        traces by distance: net, sta, channel, distance_km, lines (each a list time, value, time, value, ... in seconds
        after the origin time and in percent of the trace's largest sample), arrivals (phase, time, kind, is_of_event).

    Raises:
        InputError: for an unknown event, one that is not located, or one without waveforms.
    """
    document = db.catalog.find_one({"_id": catalog}, {"pick_set": 1}) or {}
    pick_sets = tuple(name for name in (document.get("pick_set"),) if name)
    view = filtered_event_view(db, event_id, Choice(pick_sets=pick_sets), STATIONS, catalog)
    if view.origin_time is None:
        raise InputError(f"event {event_id} of {catalog} has no origin: there is nothing to draw its records by")
    event = find_event(db, event_id, catalog)
    owner = f"{event['catalog']} {event['_id']}"
    traces = [trace for panel in view.panels if (trace := _trace(panel, view, owner)) is not None]
    if not traces:
        raise InputError(f"no station with waveforms of event {event_id} of {catalog} has a known place")
    return {
        "event_id": event["_id"],
        "title": view.title,
        "time": view.origin_time,
        "band_hz": view.band,
        "seconds": [round(view.starttime - view.origin_time, 3), round(view.endtime - view.origin_time, 3)],
        "notes": list(view.notes),
        "traces": traces,
    }


def section_of_largest(db: Database, catalog: str, events: Iterable[Mapping[str, Any]]) -> Json | None:
    """The record section of the largest event that has waveforms; None where no waveforms are indexed.

    Args:
        events: with event_id, and magnitude and n_picks where known; of equal magnitude the one with most picks.
    """
    if db.wf_miniseed.find_one({}, {"_id": 1}) is None:
        return None
    by_size = sorted(events, key=lambda row: (-row.get("magnitude", -np.inf), -row.get("n_picks", 0), row["time"]))
    for row in by_size[:TRIES]:
        try:
            return record_section(db, catalog, row["event_id"])
        except InputError:  # the next one may have waveforms
            continue
    return None


def _trace(panel: StationPanel, view: View, owner: str) -> Json | None:
    """One trace; None where the station has no place or the record nothing but zeros."""
    component = next(iter(panel.components), None)
    if panel.distance_km is None or component is None or not component.peak():
        return None
    origin_time = view.origin_time or 0.0
    net, sta = panel.station.split(".", 1)
    arrivals = [
        {
            "phase": phase_letter(mark.phase),
            "time": round(mark.time - origin_time, 3),
            "kind": lane.kind,
            "is_of_event": owner in mark.events,
        }
        for lane in panel.lanes
        for mark in lane.marks
        if phase_letter(mark.phase) and view.starttime <= mark.time <= view.endtime
    ]
    return {
        "net": net,
        "sta": sta,
        "channel": component.channel,
        "distance_km": round(panel.distance_km, 2),
        "lines": _lines(component, view, origin_time),
        "arrivals": arrivals,
    }


def _lines(component: Component, view: View, origin_time: float) -> list[list[float]]:
    lines, scale = [], FULL_SCALE / component.peak()
    for segment in component.segments:
        if not segment.samples.size:
            continue
        share = segment.samples.size / segment.rate / (view.endtime - view.starttime)
        times, values = envelope(segment.times, segment.samples, max(1, round(BINS * share)))
        pairs = np.column_stack([np.round(times - origin_time, 2), np.rint(values * scale)])
        lines.append([number if at % 2 == 0 else int(number) for at, number in enumerate(pairs.ravel().tolist())])
    return lines
