"""Catalogs and waveforms as objects of ObsPy and MsPASS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymongo.database import Database

from catalogdb import logs
from catalogdb.documents.data import Event
from catalogdb.documents.free import AnyDocument, Query
from catalogdb.errors import InputError
from catalogdb.filters import Filter
from catalogdb.selection import select
from catalogdb.times import format_time

if TYPE_CHECKING:
    from obspy import Catalog, Stream

BEFORE_SECONDS = 5.0
AFTER_LAST_ARRIVAL_SECONDS = 20.0
AFTER_SECONDS = 60.0
"""Of an event without arrivals."""
MOST_NAMED = 20


def obspy_catalog(db: Database[AnyDocument], catalog: str, filters: Query) -> Catalog:
    """A catalog with picks, arrivals and magnitudes; `filters` are those of `EventFilter`.

    Raises:
        InputError: for an unknown catalog or a filter that isn't one.
    """
    from catalogdb.exchange.event_filter import chosen_events
    from catalogdb.exchange.through_obspy import obspy_catalog as read_back
    from catalogdb.stages.read_catalog import catalog_contents

    chosen = chosen_events(**filters)
    with catalog_contents(db, catalog, chosen, want_picks=True, want_loose=False) as contents:
        return read_back(contents.events, catalog)


def waveforms(db: Database[AnyDocument], stations: str, channels: str, starttime: float, endtime: float) -> Stream:
    """Waveforms of stations for a period; gaps stay gaps, as traces of their own.

    Args:
        stations: NET.STA, with wildcards, several with commas.
        channels: codes likewise, for example HH?.
        starttime, endtime: epoch seconds UTC.

    Raises:
        InputError: saying what there is, where there are none.
        WaveformUnavailable, ChangedWaveform: for a file that can't be read, or is not what was indexed.
    """
    from obspy import Stream

    from catalogdb.stages.waveform_segments import SEGMENT_FIELDS, read_segments

    if not starttime < endtime:
        raise InputError(f"{format_time(starttime)} to {format_time(endtime)}: the period is empty")
    codes = [Filter("station", "=", tuple(stations.split(","))), Filter("chan", "=", tuple(channels.split(",")))]
    chosen = {"$and": list(select("wf_miniseed", codes).of_rows)}
    period = {"starttime": {"$lte": endtime}, "endtime": {"$gte": starttime}}
    segments: list[Any] = list(db.wf_miniseed.find(chosen | period, dict.fromkeys(SEGMENT_FIELDS, 1)))
    if not segments:
        raise _no_waveforms(db, chosen, stations, channels, starttime, endtime)
    traces, problems = read_segments(db, segments, starttime, endtime)
    for problem in problems:
        logs.notice(problem)
    return Stream(traces).sort()


def event_window(event: Event) -> tuple[str, float, float]:
    """Stations of an event's arrivals (any network where an arrival names none), and the period that shows them."""
    from catalogdb.exchange.event_parts import preferred_origin

    origin = preferred_origin(event) or next(iter(event["origins"]), {})
    arrivals = origin.get("arrivals", [])
    stations = {f"{arrival.get('net') or '*'}.{arrival['sta']}" for arrival in arrivals}
    last = max((arrival["time"] + AFTER_LAST_ARRIVAL_SECONDS for arrival in arrivals), default=0.0)
    end = last or event["time"] + AFTER_SECONDS
    return ",".join(sorted(stations)) or "*.*", event["time"] - BEFORE_SECONDS, end


def _no_waveforms(
    db: Database[AnyDocument], chosen: Query, stations: str, channels: str, starttime: float, endtime: float
) -> InputError:
    message = f"no waveforms of {stations} {channels} from {format_time(starttime)} to {format_time(endtime)}"
    ends: Query = {"_id": None, "low": {"$min": "$starttime"}, "high": {"$max": "$endtime"}}
    for row in db.wf_miniseed.aggregate([{"$match": chosen}, {"$group": ends}]):
        return InputError(message, hint=f"there are some from {format_time(row['low'])} to {format_time(row['high'])}")
    codes: list[Query] = [
        {"$group": {"_id": {"net": "$net", "sta": "$sta"}}},
        {"$sort": {"_id": 1}},
        {"$limit": MOST_NAMED},
    ]
    names = [f"{row['_id']['net']}.{row['_id']['sta']}" for row in db.wf_miniseed.aggregate(codes)]
    return InputError(message, hint=f"stations with waveforms: {', '.join(names) or 'none'}")
