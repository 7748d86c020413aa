"""Waveforms of an event's stations -> a folder of files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pymongo.database import Database

from catalogdb.api.objects import event_window, waveforms
from catalogdb.documents.data import Event
from catalogdb.documents.free import AnyDocument, Json
from catalogdb.errors import InputError
from catalogdb.output_file import make_folder


def export_waveforms(
    db: Database[AnyDocument],
    event: Event,
    folder: Path,
    format: Literal["sac", "miniseed"] = "sac",
    channel: str = "*",
) -> Json:
    """Write the waveforms of an event's stations, from 5 s before the origin time to 20 s after the last arrival.

    Args:
        event: its document.
        folder: made where it isn't there; else it must be empty.
        format: `sac` (a file for each trace, with event, station and arrivals) or `miniseed` (one for each channel).
        channel: codes, with wildcards and lists.

    Returns:
        event_id, folder, format, traces, stations, files (their names) and without_place (channels without metadata).

    Raises:
        InputError: for an unlocated event, one without waveforms, a folder that holds something, or a file that can't
            be written: none is left then.
    """
    from catalogdb.exchange.waveform_files import write_miniseed, write_sac

    if format == "sac" and event.get("latitude") is None:
        raise InputError(f"event {event['_id']}: it has no place, which SAC's headers need", hint="--format miniseed")
    stations, starttime, endtime = event_window(event)
    stream = waveforms(db, stations, channel, starttime, endtime)
    make_folder(folder, must_be_empty=True)
    known = {trace.id: _place(db, trace.id, event["time"]) for trace in stream}
    places = {code: place for code, place in known.items() if place is not None}
    try:
        files = write_sac(stream, event, places, folder) if format == "sac" else write_miniseed(stream, folder)
    except InputError:
        for path in folder.iterdir():  # written just now
            path.unlink()
        raise
    return {
        **{"event_id": event["_id"], "folder": str(folder), "format": format, "traces": len(stream)},
        "stations": len({(trace.stats.network, trace.stats.station) for trace in stream}),
        "files": files,
        "without_place": sorted(known.keys() - places.keys()) if format == "sac" else [],
    }


def _place(db: Database[AnyDocument], code: str, time: float) -> Json | None:
    """The channel's epoch at a time; the station's, where no channel has one."""
    codes = dict(zip(("net", "sta", "loc", "chan"), code.split("."), strict=True))
    at = {"starttime": {"$lte": time}, "endtime": {"$gt": time}}
    station = {name: codes[name] for name in ("net", "sta")}
    return db.channel.find_one(codes | at) or db.site.find_one(station | at)
