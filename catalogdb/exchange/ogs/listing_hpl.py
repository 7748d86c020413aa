"""Read `.hpl` and `.hpc` listings: HYPO71's printed output (Lee and Lahr, 1975) as the bulletin keeps it.

An event is a line `^PLACE (REGION)` (not in `.hpc`), a blank line, an event line and its station lines; lines that
begin with `*` are remarks on the event before. Columns: `listing_event` and `listing_stations`.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.event_parts import add_arrival_counts, present
from catalogdb.exchange.file_log import FileLog
from catalogdb.exchange.ogs.columns import NO_CENTURIES, read_lines
from catalogdb.exchange.ogs.listing_event import ListedEvent, read_event_line
from catalogdb.exchange.ogs.listing_lines import EVENT_LINE, is_head, is_station_line, may_be_a_place
from catalogdb.exchange.ogs.listing_stations import read_station_line
from catalogdb.exchange.ogs.readings import zone_and_type
from catalogdb.exchange.reference_catalog import ReadEvent, ReferenceCatalog


def read_hpl(path: Path, evaluation_mode: EvaluationMode = "manual", is_plain: bool = False) -> ReferenceCatalog:
    """Read a listing: events with origins, arrivals and magnitudes, and the picks of the station lines.

    Args:
        path: the file.
        evaluation_mode: of its events and picks.
        is_plain: HYPO71's own output, without centuries: years are of the last hundred.

    Raises:
        InputError: when the file can't be read.
    """
    path = Path(path)
    log = FileLog(path, "ogs-hpl")
    if is_plain:
        log.note(NO_CENTURIES)
    catalog = ReferenceCatalog()
    keys: set[str] = set()
    current: ListedEvent | None = None
    place: tuple[int, str] | None = None
    for line, text in read_lines(path, log):
        if EVENT_LINE.match(text):
            _close(catalog, current, log)
            current = None
            try:
                current = read_event_line(line, text, place and place[1], path, evaluation_mode, keys, is_plain, log)
                log.keep()
            except ValueError as error:
                log.reject(line, f"event line: {error}")
            place = None
        elif text.startswith("*") and current is not None:
            remarks = [current.document.get("remarks"), text.lstrip("* ")]
            current.document["remarks"] = "; ".join(part for part in remarks if part)
        elif is_head(text):
            continue
        elif is_station_line(text):
            if current is None:
                log.reject(line, "station line of no event line that could be read")
                continue
            current.seen += 1
            try:
                read_station_line(line, text, current, path, evaluation_mode, log)
            except ValueError as error:
                log.reject(line, f"station line: {error}")
        elif text.lstrip()[:1] == "^" or may_be_a_place(text):
            if place is not None:
                log.reject(place[0], "a place name without an event line after it")
            place = (line, " ".join(text.lstrip(" ^").split()))
        else:
            log.reject(line, "neither an event line nor a station line nor a place name")
    if place is not None:
        log.reject(place[0], "a place name without an event line after it")
    _close(catalog, current, log)
    return log.finish(catalog)


def _close(catalog: ReferenceCatalog, event: ListedEvent | None, log: FileLog) -> None:
    """Put the station lines' part into the event and hand both over."""
    if event is None:
        return
    document = event.document
    if event.station_lines is not None and event.station_lines != event.seen:
        log.repair(event.line, "the number of station lines is not the one that the event line gives")
    document |= cast(ReadEvent, present(zone_and_type(event.letters, log)))
    md = next((magnitude for magnitude in document["magnitudes"] if magnitude["type"] == "MD"), None)
    if md is not None and event.station_magnitudes:
        md["station_magnitudes"] = event.station_magnitudes
    elif md is None:
        for line in event.station_magnitude_lines:
            log.repair(line, "a station's MD beside an event without MD left out")
    if document["origins"]:
        if event.arrivals:
            (origin,) = document["origins"]
            origin["arrivals"] = event.arrivals
            add_arrival_counts(origin)
            document |= {"n_picks": origin["n_picks"], "n_p": origin["n_p"], "n_s": origin["n_s"]}
    elif event.picks and not event.has_seconds:
        document |= {"time": min(pick["time"] for pick in event.picks), "time_from": "first_arrival"}
    elif not event.has_seconds:
        document["time_from"] = "minute"
    catalog.events.append(document)
    catalog.picks += event.picks
