"""Associations of REAL: its `phase_sel.txt`, or `catalog_sel.txt` without the phases (Zhang et al., 2019, SRL 90(6)).

An event's line: number, year, month, day, hh:mm:ss, seconds since the day's start, residual (s), latitude, longitude,
depth (km), magnitude and its deviation, numbers of P, S, both together and of stations with both, gap (degrees). A
phase's: network, station, phase, seconds since the day's start, travel time (s), amplitude, residual (s), weight,
azimuth.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from catalogdb.decoding import decode, read_bytes
from catalogdb.errors import InputError
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.event_parts import event_of, magnitude_of, origin_of, pick_of, present
from catalogdb.exchange.file_log import FileLog
from catalogdb.exchange.pick_uncertainty import DEFAULT_PICK_UNCERTAINTY
from catalogdb.exchange.reference_catalog import ReadEvent, ReadFrom, ReadPick, ReferenceCatalog

NUMBER = r"-?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|inf|nan)"  # as the magnitude of picks without amplitudes is
EVENT = re.compile(
    rf"\s*(\d+)\s+(\d{{4}})\s+(\d+)\s+(\d+)\s+(\d+):(\d+):({NUMBER})((?:\s+{NUMBER}){{12}})\s*", re.IGNORECASE
)
PHASE = re.compile(rf"\s*([A-Za-z0-9]{{1,2}})\s+([A-Za-z0-9_-]+)\s+([PS])((?:\s+{NUMBER}){{6}})\s*", re.IGNORECASE)
NO_MAGNITUDE = -99.0
"""At and below it a magnitude stands for not known."""


def read_real(path: Path, evaluation_mode: EvaluationMode = "automatic") -> ReferenceCatalog:
    """Read a file of REAL; its events and picks are automatic.

    Raises:
        InputError: naming the file, when it holds no event's line.
    """
    log = FileLog(path, "real")
    result = ReferenceCatalog()
    event: ReadEvent | None = None
    for line, text in enumerate(decode(path, read_bytes(path)).splitlines(), 1):
        if not text.strip():
            continue
        try:
            if found := EVENT.fullmatch(text):
                event = None
                event = _event(found)
                event["read_from"] = ReadFrom(str(path), line)
                result.events.append(event)
            elif found := PHASE.fullmatch(text):
                if event is None:
                    raise ValueError("a phase without an event")
                result.picks.append(_pick(found, event, ReadFrom(str(path), line)))
            else:
                raise ValueError("neither an event nor a phase of REAL")
            log.keep()
        except ValueError as error:
            log.reject(line, str(error))
    if not result.events:
        raise InputError(f"{path}: no event of REAL in it", hint="phase_sel.txt or catalog_sel.txt is wanted")
    if result.picks:
        log.note(f"{len(result.picks)} picks without uncertainty, taken as {DEFAULT_PICK_UNCERTAINTY} s")
    return log.finish(result)


def _event(found: re.Match[str]) -> ReadEvent:
    number, year, month, day, hour, minute, second = found.groups()[:7]
    start = datetime(int(year), int(month), int(day), tzinfo=UTC)
    since = timedelta(hours=int(hour), minutes=int(minute), seconds=float(second))  # hours go on past midnight
    time = (start + since).timestamp()
    _, rms, latitude, longitude, depth_km, value, deviation, n_p, n_s, n_picks, _, gap = map(float, found[8].split())
    origin = origin_of(
        method="real",
        time=time,
        latitude=latitude,
        longitude=longitude,
        depth_km=depth_km,
        rms=_known(rms),
        azimuthal_gap=gap if 0 <= gap <= 360 else None,
        n_p=int(n_p),
        n_s=int(n_s),
        n_picks=int(n_picks),
    )
    magnitudes = []
    if math.isfinite(value) and value > NO_MAGNITUDE:
        uncertainty = deviation if 0.0 <= deviation < math.inf else None
        magnitudes.append(magnitude_of(type="ML", value=value, uncertainty=uncertainty))
    return event_of(origin, magnitudes, "automatic", source_id=f"{start:%Y%m%d}-{number}")


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _pick(found: re.Match[str], event: ReadEvent, place: ReadFrom) -> ReadPick:
    net, sta, phase = found.groups()[:3]
    _, travel_time, _, residual, weight, azimuth = map(float, found[4].split())
    return pick_of(
        net=net,
        sta=sta,
        phase=phase.upper(),
        time=round(event["time"] + travel_time, 6),
        evaluation_mode="automatic",
        event_key=event["source_id"],
        arrival=present({"residual": _known(residual), "weight": _known(weight), "azimuth": _known(azimuth % 360.0)}),
        read_from=place,
    )
