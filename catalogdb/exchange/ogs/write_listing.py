"""Write `.hpl` and `.hpc` listings; columns as in `listing_event` and `listing_stations`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from catalogdb.documents.data import Event, MagnitudeStationMagnitude, Origin, OriginArrival, Pick
from catalogdb.exchange.ogs.codes import ONSET_LETTERS, first_motion_letter, type_letter
from catalogdb.exchange.ogs.layout import (
    Numbering,
    Pair,
    branch_letter,
    clock,
    degrees_minutes,
    first_of,
    fixed,
    hundredths_after,
    line,
    magnitude,
    number_of_picks,
    origin_of_format,
    rounded,
    station_pairs,
    weight_class,
)
from catalogdb.exchange.ogs.quality import quality_letters

MOST_S_SECONDS = 100.0  # that five columns hold with two decimals
LARGEST_NUMBER = 999_999
EVENT_WIDTH = STATION_WIDTH = 200


def write_hpl(
    events: Iterable[tuple[Event, list[Pick]]],
    stream: BinaryIO,
    left_out: Counter[str],
    source_ids: Iterable[str] = (),
    with_places: bool = True,
    written: Counter[str] | None = None,
) -> int:
    """Write a listing.

    Args:
        events: pairs of an event document and its pick documents.
        stream: binary stream to write to.
        left_out: counts, by reason, of what the format can't hold; added to.
        source_ids: ids of the events, so that none gets the number of a later one.
        with_places: place lines and event numbers, as in `.hpl`; without, as in `.hpc`.
        written: counts `events` and `picks` that are in the file; added to.

    Returns:
        Number of events written.
    """
    numbering = Numbering(source_ids)
    written = Counter() if written is None else written
    before = written["events"]
    for event, picks in events:
        number = numbering.number(event)
        pairs = station_pairs(picks, MOST_S_SECONDS, left_out)
        own_number = str(number) if with_places and number <= LARGEST_NUMBER else ""
        try:
            lines = [_event_line(event, own_number, len(pairs))]
        except ValueError as error:
            left_out[str(error)] += 1
            continue
        if with_places and event.get("place"):
            lines = [f"^{' '.join(event['place'].split())}", "", *lines]
        elif event.get("place"):
            left_out["places"] += 1
        lines += _station_lines(event, pairs, own_number)
        if event.get("remarks"):
            lines.append(f"* {' '.join(event['remarks'].split())}")
        for kind in {item["type"] for item in event["magnitudes"]} - {"MD", "ML"}:
            left_out[f"magnitudes {kind}"] += 1
        # lines keep their width: some of OGS's programs want the blanks
        stream.write("".join(f"{text}\n" for text in lines).encode())
        written.update(events=1, picks=number_of_picks(pairs))
    return written["events"] - before


def write_hpc(
    events: Iterable[tuple[Event, list[Pick]]],
    stream: BinaryIO,
    left_out: Counter[str],
    written: Counter[str] | None = None,
) -> int:
    """Write a listing without places and numbers; arguments and result as those of `write_hpl`, without ids."""
    return write_hpl(events, stream, left_out, with_places=False, written=written)


def _event_line(event: Event, number: str, station_lines: int) -> str:
    origin = origin_of_format(event, "ogs-hpl")
    time = clock(event["time"] if origin is None else origin["time"])
    md, ml = magnitude(event, "MD", "ogs-hpl"), magnitude(event, "ML", "ogs-hpl")
    fields = {
        (1, 6): number,
        (7, 7): time.century,
        (8, 13): time.yymmdd,
        (15, 18): time.blank_hhmm,
        (52, 57): fixed(md["value"] if md else None, 6, 2),
        (158, 160): str(station_lines),
    }
    if origin is None and "time_from" not in event:
        fields[20, 24] = fixed(time.units / 100, 5, 2)
    if origin is not None:
        is_listed = origin.get("source_format") == "ogs-hpl"
        quality, sqd = quality_letters(origin)
        fields |= {
            (20, 24): fixed(time.units / 100, 5, 2),
            (26, 33): degrees_minutes(origin["latitude"], is_latitude=True),
            (35, 43): degrees_minutes(origin["longitude"], is_latitude=False),
            (46, 50): fixed(origin.get("depth_km"), 5, 2),
            (58, 60): fixed(origin.get("n_picks"), 3, 0),
            (61, 63): fixed(origin.get("minimum_distance_km"), 3, 0),
            (65, 67): fixed(origin.get("azimuthal_gap"), 3, 0),
            # HYPO71 counts its crustal models from 1, and the bulletin has one
            (69, 69): origin.get("velocity_model", "" if is_listed else "1")[:1],
            (70, 74): fixed(origin.get("rms"), 5, 2),
            (75, 79): fixed(origin.get("horizontal_uncertainty_km"), 5, 1),
            (80, 84): fixed(origin.get("depth_uncertainty_km"), 5, 1),
            (86, 86): quality[:1],
            (88, 90): sqd[:3],
        }
    for mean, first in ((ml, 112), (md, 125)):
        if mean is not None and (mean is ml or mean.get("n_stations")):
            fields |= {
                (first, first + 2): fixed(mean.get("n_stations", 0), 3, 0),
                (first + 3, first + 7): fixed(mean["value"], 5, 1),
                (first + 8, first + 12): fixed(mean.get("uncertainty", 0.0), 5, 1),
            }
    return line(fields, EVENT_WIDTH)


def _station_lines(event: Event, pairs: list[Pair], number: str) -> list[str]:
    origin = origin_of_format(event, "ogs-hpl")
    arrivals = {arrival["pick_id"]: arrival for arrival in (origin.get("arrivals", []) if origin else [])}
    own_md = magnitude(event, "MD", "ogs-hpl")
    station_magnitudes: dict[str, list[MagnitudeStationMagnitude]] = defaultdict(list)
    for part in own_md.get("station_magnitudes", []) if own_md else []:
        station_magnitudes[part["sta"]].append(part)
    letters = {
        (93, 93): event.get("zone", ""),
        (94, 94): type_letter(event.get("event_type")),
        (95, 95): "D" if origin is not None else "",
    }
    return [
        _station_line(pair, number, origin, arrivals, station_magnitudes[first_of(pair)["sta"]], letters)
        for pair in pairs
    ]


def _station_line(
    pair: Pair,
    number: str,
    origin: Origin | None,
    arrivals: dict[str, OriginArrival],
    station_magnitudes: list[MagnitudeStationMagnitude],
    letters: dict[tuple[int, int], str],
) -> str:
    p, s = pair
    first = p or s
    assert first is not None
    start = clock(first["time"])
    known = [arrivals[pick["_id"]] for pick in pair if pick is not None and pick["_id"] in arrivals]
    geometry: Mapping[str, Any] = known[0] if known else {}
    duration = next((pick["duration"] for pick in pair if pick and pick.get("duration") is not None), None)
    station = first["sta"].ljust(4)
    fields = letters | {
        (1, 6): number,
        (8, 11): station,
        (13, 17): fixed(geometry.get("distance_km"), 5, 1),
        (19, 21): fixed(geometry.get("azimuth"), 3, 0),
        (23, 25): fixed(geometry.get("takeoff_angle"), 3, 0),
        (32, 35): start.blank_hhmm,
        (96, 99): fixed(duration, 4, 0),
        (140, 143): station,
    }
    if station_magnitudes:
        part = station_magnitudes.pop(0)
        fields |= {(100, 103): fixed(part["value"], 4, 1), (104, 104): "*" if part.get("weight") == 0 else ""}
    for pick, offset, columns in (
        (p, start.units, ((27, 30), (37, 41), (42, 47), (60, 65), (66, 71), (148, 148))),
        (
            s,
            0 if s is None else hundredths_after(first, s),
            ((106, 109), (111, 115), (116, 121), (122, 127), (128, 133), (149, 149)),
        ),
    ):
        if pick is None:
            continue
        remark, seconds, observed, residual, weight, branch = columns
        arrival: Mapping[str, Any] = arrivals.get(pick["_id"]) or {}
        travel = None if origin is None else (rounded(pick["time"]) - rounded(origin["time"])) / 100
        fields |= {
            remark: _remark(pick),
            seconds: fixed(offset / 100, 5, 2),
            observed: fixed(travel, 6, 2),
            residual: fixed(arrival.get("residual"), 6, 2),
            weight: fixed(arrival.get("weight"), 6, 2 if pick is p else 1),
            branch: branch_letter(pick),
        }
        if pick is p and travel is not None and "residual" in arrival:
            delay = arrival.get("station_delay", 0.0)
            fields |= {(49, 53): fixed(travel - arrival["residual"] - delay, 5, 2), (54, 59): fixed(delay, 6, 2)}
    return line(fields, STATION_WIDTH)


def _remark(pick: Pick) -> str:
    weight = weight_class(pick)
    onset = ONSET_LETTERS.get(pick.get("onset", ""), " ")
    return f"{onset}{pick['phase'][0]}{first_motion_letter(pick)}{' ' if weight is None else weight}"
