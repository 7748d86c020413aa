"""Waveforms of one event as files of a folder: SAC with the headers of event and station, or miniSEED."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from catalogdb.exchange.event_parts import preferred_origin
from catalogdb.output_file import write_atomically
from catalogdb.phases import phase_type

if TYPE_CHECKING:
    from obspy import Stream, Trace
    from obspy.io.sac import SACTrace

Channel = Mapping[str, Any]
"""Document of `channel`, or of `site`, which has neither orientation nor burial."""
Reading = tuple[str, str, str]
"""Network, station, and P or S."""
EVENT_NAME = 16
"""Characters that SAC has for it."""


def write_sac(stream: Stream, event: Mapping[str, Any], channels: Mapping[str, Channel], folder: Path) -> list[str]:
    """Write a file for each trace, `NET.STA.LOC.CHAN.sac`; a further trace behind a gap has a number before the ending.

    The reference time is the origin time (to 1 ms, the rest in `o`). `a` and `t0` are the first P and S of the
    preferred origin, and so are `t5` and `t6`, where MTUQ and PySEP look for them. Samples are counts as recorded, in
    single precision. As SAC has them: depth in km, elevation and burial in m, `cmpinc` from the upward vertical.

    Args:
        stream: traces without gaps.
        event: document of a located event.
        channels: what is known of a trace's place, by its id.

    Returns:
        Names of the files.

    Raises:
        InputError: when one can't be written; it is not there then.
    """
    first = _first_times(event)
    names = []
    for name, trace in _named(stream, "sac"):
        _write(folder / name, _with_headers(trace, event, channels.get(trace.id), first).write)
        names.append(name)
    return names


def write_miniseed(stream: Stream, folder: Path) -> list[str]:
    """Write a file for each channel, `NET.STA.LOC.CHAN.mseed`, gaps being gaps.

    Returns:
        Names of the files.

    Raises:
        InputError: as `write_sac`.
    """
    from obspy import Stream as Traces

    of_channel: dict[str, list[Trace]] = defaultdict(list)
    for trace in stream:
        of_channel[trace.id].append(trace)
    for code, traces in of_channel.items():
        _write(folder / f"{code}.mseed", partial(Traces(traces).write, format="MSEED"))
    return [f"{code}.mseed" for code in of_channel]


def _write(path: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Let ObsPy write into memory first: into a file it passes over what a full disk says, or hides it."""
    content = io.BytesIO()
    write(content)
    write_atomically(path, lambda stream: stream.write(content.getbuffer()))


def _named(stream: Stream, suffix: str) -> list[tuple[str, Trace]]:
    named: list[tuple[str, Trace]] = []
    seen: dict[str, int] = defaultdict(int)
    for trace in stream:
        seen[trace.id] += 1
        number = f".{seen[trace.id]}" if seen[trace.id] > 1 else ""
        named.append((f"{trace.id}{number}.{suffix}", trace))
    return named


def _first_times(event: Mapping[str, Any]) -> dict[Reading, float]:
    """First P and S of each station of the preferred origin."""
    first: dict[Reading, float] = {}
    for arrival in preferred_origin(event).get("arrivals", ()):
        key = arrival.get("net") or "", arrival["sta"], phase_type(arrival["phase"]) or ""
        first[key] = min(arrival["time"], first.get(key, arrival["time"]))
    return first


def _first_time(first: Mapping[Reading, float], trace: Trace, phase: str) -> float | None:
    """That of the trace's own station; an arrival without a network is of any station of its code."""
    network, station = trace.stats.network, trace.stats.station
    own = first.get((network, station, phase))
    return first.get(("", station, phase)) if own is None else own


def _with_headers(
    trace: Trace, event: Mapping[str, Any], channel: Channel | None, first: Mapping[Reading, float]
) -> SACTrace:
    from obspy import UTCDateTime
    from obspy.io.sac import SACTrace

    sac = SACTrace.from_obspy_trace(trace)
    sac.evla, sac.evlo, sac.kevnm = event["latitude"], event["longitude"], event["_id"][:EVENT_NAME]
    if event.get("depth_km") is not None:
        sac.evdp = event["depth_km"]
    if event.get("magnitude") is not None:
        sac.mag = event["magnitude"]
    if channel is not None:
        sac.stla, sac.stlo, sac.stel = channel["lat"], channel["lon"], 1000.0 * channel["elev"]
        for header, field, factor in (("stdp", "edepth", 1000.0), ("cmpaz", "hang", 1.0), ("cmpinc", "vang", 1.0)):
            if channel.get(field) is not None:
                setattr(sac, header, factor * channel[field])
        sac.lcalda = True  # distance and azimuths, of the two places
    sac.o = UTCDateTime(event["time"])
    for header, label, phase in (("a", "ka", "P"), ("t0", "kt0", "S"), ("t5", "kt5", "P"), ("t6", "kt6", "S")):
        if (time := _first_time(first, trace, phase)) is not None:
            setattr(sac, header, UTCDateTime(time))
            setattr(sac, label, phase)
    sac.iztype = "io"
    return sac
