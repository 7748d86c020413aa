"""Write one line per event: `.pun` summaries, `.txt` bulletins of both editions; columns as their readers have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from catalogdb.documents.data import Event, Origin, Pick
from catalogdb.exchange.ogs.columns import year_of
from catalogdb.exchange.ogs.layout import (
    Numbering,
    clock,
    degrees_minutes,
    fixed,
    line,
    magnitude,
    origin_of_format,
)
from catalogdb.exchange.ogs.quality import is_listed_solution, quality_letters

PUN_HEADER = " DATE    ORIGIN    LAT N    LONG E    DEPTH    MAG NO GAP DMIN  RMS  ERH  ERZ QM"
TXT_HEADER = (
    "index event-id     origin_time(UTC)      t_err   lat     lon   h_err depth v_err gap  ml   md  place event_type"
)
SEPARATED_HEADER = "index;event-id;origin_time(UTC);t_err;lat;lon;h_err;depth;v_err;gap;ml;md;place;event_type"
COORDINATE = (7, 4)  # characters and decimals of latitude and longitude
UNLIMITED = 999  # characters
ROUNDED = "coordinates with all four decimals (rounded to fit their columns)"

Events = Iterable[tuple[Event, list[Pick]]]


def write_pun(events: Events, stream: BinaryIO, left_out: Counter[str]) -> int:
    """Write `.pun` summaries of located events.

    Args:
        events: pairs of an event document and its pick documents.
        stream: binary stream to write to.
        left_out: counts, by reason, of what the format can't hold; added to.

    Returns:
        Number of events written.
    """
    stream.write(f"{PUN_HEADER}\n".encode())
    written = 0
    for event, _ in events:
        origin = origin_of_format(event, "ogs-pun")
        if origin is None:
            left_out["events without a location"] += 1
            continue
        time = clock(origin["time"])
        md = magnitude(event, "MD", "ogs-pun")
        for kind in {item["type"] for item in event["magnitudes"]} - {"MD"}:
            left_out[f"magnitudes {kind}"] += 1
        try:
            century = time.century
        except ValueError as error:
            left_out[str(error)] += 1
            continue
        quality, _ = quality_letters(origin)
        fields = {
            (1, 1): century,
            (2, 7): time.yymmdd,
            (8, 11): time.blank_hhmm,
            (13, 17): fixed(time.units / 100, 5, 2),
            (19, 26): degrees_minutes(origin["latitude"], is_latitude=True),
            (28, 36): degrees_minutes(origin["longitude"], is_latitude=False),
            (38, 43): fixed(origin.get("depth_km"), 6, 2),
            (44, 50): fixed(md["value"] if md else None, 7, 2),
            (51, 53): fixed(origin.get("n_picks"), 3, 0),
            (54, 57): fixed(origin.get("azimuthal_gap"), 4, 0),
            (58, 62): fixed(origin.get("minimum_distance_km"), 5, 1),
            (63, 67): fixed(origin.get("rms"), 5, 2),
            (68, 72): fixed(origin.get("horizontal_uncertainty_km"), 5, 1),
            (73, 77): fixed(origin.get("depth_uncertainty_km"), 5, 1),
            (79, 79): quality[:1],
            # HYPO71 counts its crustal models from 1, and the bulletin has one
            (80, 80): origin.get("velocity_model", "1" if quality and not is_listed_solution(origin) else "")[:1],
        }
        stream.write(f"{line(fields).rstrip()}\n".encode())
        written += 1
    return written


def write_txt(events: Events, stream: BinaryIO, left_out: Counter[str], source_ids: Iterable[str] = ()) -> int:
    """Write the aligned bulletin, unlocated events too.

    Arguments and result as those of `write_pun`; `source_ids`: ids of the events, so that none gets the number of a
    later one.
    """
    stream.write(f"{TXT_HEADER}\n".encode())
    numbering = Numbering(source_ids)
    return _write_rows(events, stream, left_out, numbering, is_aligned=True)


def write_separated_txt(
    events: Events, stream: BinaryIO, left_out: Counter[str], source_ids: Iterable[str] = ()
) -> int:
    """Write the bulletin separated by `;` with its header; arguments and result as those of `write_txt`.

    Its values have no width, so that all have their decimals.
    """
    stream.write(f"{SEPARATED_HEADER}\n".encode())
    numbering = Numbering(source_ids)
    return _write_rows(events, stream, left_out, numbering, is_aligned=False)


def _write_rows(
    events: Events, stream: BinaryIO, left_out: Counter[str], numbering: Numbering, is_aligned: bool
) -> int:
    index: Counter[int] = Counter()
    written = 0
    for event, picks in events:
        own_id = numbering.bulletin_id(event)
        origin = origin_of_format(event, "ogs-txt")
        try:
            time = _time(event, origin)
        except ValueError as error:
            left_out[str(error)] += 1
            continue
        for kind in {item["type"] for item in event["magnitudes"]} - {"ML", "MD"}:
            left_out[f"magnitudes {kind}"] += 1
        year = year_of(event["time"])
        index[year] += 1
        ml, md = magnitude(event, "ML", "ogs-txt"), magnitude(event, "MD", "ogs-txt")
        known: Mapping[str, Any] = origin or {}
        values = [
            f"{index[year]:05d}",
            own_id,
            time,
            *(
                fixed(value, width if is_aligned else UNLIMITED, decimals, "-" * width).rjust(width)
                for value, width, decimals in (
                    (known.get("time_uncertainty"), 5, 2),
                    (known.get("latitude"), *COORDINATE),
                    (known.get("longitude"), *COORDINATE),
                    (known.get("horizontal_uncertainty_km"), 5, 1),
                    (known.get("depth_km"), 5, 1),
                    (known.get("depth_uncertainty_km"), 5, 1),
                    (known.get("azimuthal_gap"), 3, 0),
                    (ml["value"] if ml else None, 4, 1),
                    (md["value"] if md else None, 4, 1),
                )
            ),
        ]
        if is_aligned and origin is not None:
            for degrees in (origin["latitude"], origin["longitude"]):
                if _is_rounded(degrees):
                    left_out[ROUNDED] += 1
        words = [_place(event, origin, picks), f"[{' '.join((event.get('event_type') or '').split())}]"]
        text = (" " if is_aligned else ";").join([*values, *words])
        stream.write(f"{text}\n".encode())
        written += 1
    return written


def _is_rounded(degrees: float) -> bool:
    """Whether the column of a coordinate is too narrow for the decimals that it has."""
    width, decimals = COORDINATE
    return float(fixed(degrees, width, decimals)) != round(degrees, decimals)


def _time(event: Event, origin: Origin | None) -> str:
    time = clock(event["time"] if origin is None else origin["time"], units_per_second=1000)
    time.century  # noqa: B018 - raises for times that the reader would refuse
    seconds = 0 if "time_from" in event and origin is None else time.units
    return f"{time.day:%Y-%m-%d}T{time.hhmm[:2]}:{time.hhmm[2:]}:{seconds // 1000:02d}.{seconds % 1000:03d}"


def _place(event: Event, origin: Origin | None, picks: list[Pick]) -> str:
    if origin is not None:
        return " ".join((event.get("place") or "").split())
    remarks = " ".join((event.get("remarks") or "").split())
    if "not localized" in remarks.lower():
        return remarks
    if not picks:
        return "Not localized"
    station = min(picks, key=lambda pick: pick["time"])["sta"]
    stations = len({pick["sta"] for pick in picks})
    return f"Not localized with first station {station}(picks identified on {stations} stations)"
