"""What a reader of catalog files gives: events and picks as schema documents, with nothing of a database in them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from catalogdb.phases import is_amplitude, phase_type

DEFAULT_PICK_UNCERTAINTY = 0.1  # seconds, for sources that don't say
HYPO71_UNCERTAINTY = {0: 0.01, 1: 0.04, 2: 0.2, 3: 1.0, 4: 5.0, 5: 25.0}  # seconds, by the analyst's weight class
EVALUATION_STATUSES = ("preliminary", "confirmed", "reviewed", "final", "rejected")

EvaluationMode = Literal["automatic", "manual"]

# unit -> its number in a second, and the least and most of it that a time may be: 1973..2100, for seconds 1900..2100
EPOCH_UNITS: dict[str, tuple[int, float, float]] = {
    "seconds": (1, 1e8, 4.102e9),
    "milliseconds": (10**3, 1e11, 4.102e12),
    "microseconds": (10**6, 1e14, 4.102e15),
    "nanoseconds": (10**9, 1e17, 4.102e18),
}
OLDEST_SECONDS = -2.209e9  # 1900
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?", re.ASCII | re.IGNORECASE)
_DAY = re.compile(r"(19|20)\d{6}", re.ASCII)  # ISO 8601's basic format


@dataclass(frozen=True, slots=True)
class ReadFrom:
    """Where a record was read.

    line: counted from 1; None where the file has none to speak of (XML).
    source_id: what the event's source called it, where the file calls it otherwise.
    """

    file: str
    line: int | None = None
    source_id: str | None = None


@dataclass(frozen=True)
class FileReport:
    """What became of one file's records: those read are kept or rejected; those repaired are kept.

    repaired: number of records, in the bulletin's files of lines, of which something was read with a guess or left in
        part. Of QuakeML it is the least that it can be: what is said of picks together is not told apart.
    repaired_lines: their lines.
    rejected_lines: their lines, one entry per record; a line with two phase readings may stand here twice.
    """

    file: str
    format: str
    read: int
    kept: int
    repaired: int
    rejected: int
    repaired_lines: list[int] = field(default_factory=list)
    rejected_lines: list[int] = field(default_factory=list)


@dataclass
class ReferenceCatalog:
    """Events and picks of catalog files.

    events: documents as in `schemas/event.yaml` without `_id`, `catalog`, `config_id`, `task_id`. `source_id` is the
        source's own id. Their `origins` and `magnitudes` are those of `origin.yaml` and `magnitude.yaml`, likewise
        without the database's fields; they have an `_id` (the source's, or a number as text) that differs within the
        event, and that `preferred_origin_id` and `preferred_magnitude_id` name. An origin's `arrivals` name a pick by
        its `source_id` in `pick_id`. An event whose origins have no arrivals gets all picks with its `source_id` as
        `event_key` as arrivals of its preferred origin.
    picks: documents as in `schemas/pick.yaml` without `_id`, `pick_set`, `config_id`, `task_id`. `arrival`, where it
        stands, has the fields of an origin's arrival that a table of arrivals gives with the pick.
        Events and picks may have `read_from` (`ReadFrom`). It and `arrival` are not stored with them.
    rejected: what was left out: "file: record: reason".
    repaired: what was read with a guess or left in part: "file: what was done".
    files: one report per file, of readers that count records and lines.
    notes: what was found out about the files together.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    picks: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    files: list[FileReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def extend(self, other: ReferenceCatalog) -> None:
        """Take in what another file holds."""
        self.events += other.events
        self.picks += other.picks
        self.rejected += other.rejected
        self.repaired += other.repaired
        self.files += other.files
        self.notes += other.notes


def present(document: dict[str, Any]) -> dict[str, Any]:
    """The document without its absent (None) fields: what is not known is not written."""
    return {key: value for key, value in document.items() if value is not None}


def parse_time(text: str) -> float:
    """ISO 8601 time -> epoch seconds UTC, to the microsecond; without a zone it is UTC.

    Raises:
        ValueError: when the text is no time, or a number other than a day's yyyymmdd.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text) and not _DAY.fullmatch(text):
        raise ValueError("a number, not an ISO 8601 time")  # as one, 1711081501230 is of the year 1711
    stamp = datetime.fromisoformat(text.replace("/", "-"))
    if stamp.tzinfo is None:
        stamp = stamp.replace(tzinfo=UTC)
    since = stamp - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds) / 1e6


def parse_time_or_number(text: str) -> tuple[float, str | None]:
    """ISO 8601 time, or a number that can be but one time since 1970 -> epoch seconds, to the microsecond.

    Returns:
        Epoch seconds, and for a number its unit, by its size: seconds, milliseconds, microseconds or nanoseconds.

    Raises:
        ValueError: when the text is no time, or a number that is too small or too large to tell.
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text) or _DAY.fullmatch(text):
        return parse_time(text), None
    value = float(text)
    for unit, (parts, least, most) in EPOCH_UNITS.items():
        if least <= value <= most or (unit == "seconds" and OLDEST_SECONDS <= value <= -least):
            return round(Decimal(text) * 1_000_000 / parts) / 1e6, unit
    raise ValueError("a number that is not plausible as epoch seconds, milli-, micro- or nanoseconds")


def format_time(time: float) -> str:
    """Epoch seconds -> ISO 8601 with microseconds and Z."""
    from datetime import timedelta

    stamp = datetime(1970, 1, 1) + timedelta(microseconds=round(time * 1e6))
    return stamp.isoformat(timespec="microseconds") + "Z"


def coordinates(latitude: float, longitude: float) -> tuple[float, float]:
    """Check a position in degrees; longitudes of 180..360 are brought to -180..180.

    Raises:
        ValueError: naming the value that is out of range.
    """
    if not -90 <= latitude <= 90:
        raise ValueError(f"latitude {latitude:g} is outside -90..90")
    if not -180 <= longitude <= 360:
        raise ValueError(f"longitude {longitude:g} is outside -180..360")
    return latitude, longitude - 360 if longitude > 180 else longitude


def depth_in_range(depth_km: float | None) -> float | None:
    """Check a depth in km below sea level.

    Raises:
        ValueError: when no earthquake can be there, as with metres taken for kilometres.
    """
    if depth_km is not None and not -10 <= depth_km <= 800:
        raise ValueError(f"depth {depth_km:g} km is outside -10..800 km")
    return depth_km


def geojson_point(latitude: float, longitude: float) -> dict[str, Any]:
    """GeoJSON point of a position."""
    return {"type": "Point", "coordinates": [float(longitude), float(latitude)]}


def channel_group(net: str, sta: str, loc: str, chan: str) -> str:
    """`net.sta.loc.BI`; parts that the source doesn't give stay empty."""
    return f"{net}.{sta}.{loc}.{chan[:2]}"


phase_class = phase_type


def is_seismic(phase: str) -> bool:
    """False for readings of amplitudes and of T, which came through the sea: they are no picks of an event's waves."""
    return not is_amplitude(phase) and phase.strip().upper() != "T"


def arrival_counts(arrivals: Iterable[dict[str, Any]]) -> dict[str, int]:
    """`n_picks`, `n_p`, `n_s` (first arrivals) and `n_stations` of arrivals, without amplitudes and T."""
    arrivals = [arrival for arrival in arrivals if is_seismic(arrival["phase"])]
    classes = [phase_type(arrival["phase"]) for arrival in arrivals]
    return {
        "n_picks": len(arrivals),
        "n_p": classes.count("P"),
        "n_s": classes.count("S"),
        "n_stations": len({(arrival.get("net", ""), arrival["sta"]) for arrival in arrivals}),
    }


def event_from_parts(
    time: float,
    origins: list[dict[str, Any]],
    magnitudes: list[dict[str, Any]],
    preferred_origin: dict[str, Any] | None,
    preferred_magnitude: dict[str, Any] | None,
    **fields: Any,
) -> dict[str, Any]:
    """Assemble an event document with the preferred origin and magnitude flat in it."""
    event: dict[str, Any] = {"time": float(time)}
    if preferred_origin is not None:
        event |= {
            "latitude": preferred_origin["latitude"],
            "longitude": preferred_origin["longitude"],
            "depth_km": preferred_origin.get("depth_km"),
            "point": geojson_point(preferred_origin["latitude"], preferred_origin["longitude"]),
            "preferred_origin_id": preferred_origin["_id"],
        }
        event |= {key: preferred_origin.get(key) for key in ("n_picks", "n_p", "n_s", "rms", "azimuthal_gap", "limits")}
    if preferred_magnitude is not None:
        event |= {
            "magnitude": preferred_magnitude["value"],
            "magnitude_type": preferred_magnitude["type"],
            "preferred_magnitude_id": preferred_magnitude["_id"],
        }
    return present(event | fields | {"origins": origins, "magnitudes": magnitudes})
