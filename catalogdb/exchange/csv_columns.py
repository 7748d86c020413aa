"""Names that event and pick tables give their columns, and how their cells are read."""

from __future__ import annotations

import math

# our field -> names of the column, in lower case without blanks and '#'; the first one present is taken
EVENT_COLUMNS: dict[str, tuple[str, ...]] = {
    "event_id": ("event_id", "event-id", "eventid", "id", "event_idx", "event_index", "event", "publicid"),
    "time": ("time", "origin_time", "origin_time(utc)", "time(utc)", "datetime", "origintime"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "long"),
    "depth_km": ("depth_km", "depth", "depth(km)", "depth/km"),
    "depth_m": ("depth(m)", "depth_m"),
    "magnitude_type": ("magnitude_type", "magtype", "mag_type"),
    "magnitude_uncertainty": ("magnitude_uncertainty", "magerror"),
    "magnitude_stations": ("magnst",),
    "time_uncertainty": ("time_uncertainty_s", "time_uncertainty", "sigma_time", "t_err"),
    "horizontal_uncertainty_km": (
        "horizontal_uncertainty_km",
        "max_horizontal_uncertainty",
        "horizontalerror",
        "h_err",
        "erh",
    ),
    "depth_uncertainty_km": ("depth_uncertainty_km", "vertical_uncertainty", "deptherror", "v_err", "erz"),
    "rms": ("rms_s", "rms"),
    "azimuthal_gap": ("azimuthal_gap_degree", "azimuthal_gap", "gap"),
    "minimum_distance_km": ("minimum_distance_km",),
    "score": ("score", "gamma_score", "prob_gamma"),
    "quality": ("hypo71_quality",),
    "n_picks": ("n_picks", "number_picks", "num_picks"),
    "n_p": ("n_p", "number_p_picks", "num_p_picks"),
    "n_s": ("n_s", "number_s_picks", "num_s_picks"),
    "n_stations": ("n_stations", "nst"),
    "event_type": ("event_type", "eventtype", "e_type", "type"),
    "place": ("place", "loc_name", "eventlocationname", "region"),
    "evaluation_mode": ("evaluation_mode",),
    "evaluation_status": ("evaluation_status", "status"),
    "origin_method": ("origin_method", "method"),
    "agency_id": ("agency_id", "contributor"),
    "author": ("author",),
    "updated": ("creation_time", "updated"),
}
# of tables that catalogdb wrote, where the event's id is the database's; elsewhere a source may be an agency
OWN_COLUMN = "origin_method"
SOURCE_ID_COLUMNS: dict[str, tuple[str, ...]] = {"source_id": ("source_id",)}

PICK_COLUMNS: dict[str, tuple[str, ...]] = {
    "station": ("station", "station_id", "sta", "station_code"),
    "network": ("network", "net"),
    "location": ("location", "loc"),
    "channel": ("channel", "chan"),
    "phase": ("phase", "phase_type", "phase_hint", "type"),
    "time": ("time", "phase_time", "pick_time", "arrival_time", "timestamp", "peak_time"),
    "uncertainty": ("uncertainty_s", "uncertainty", "time_uncertainty"),
    "probability": ("probability", "phase_score", "prob", "score", "peak_value"),
    "hypo71_weight": ("hypo71_weight",),
    "polarity": ("polarity",),
    "onset": ("onset",),
    "evaluation_mode": ("evaluation_mode",),
    "event_id": ("event_id", "event", "event_idx", "event_index"),
    "pick_id": ("pick_id",),
}
# of tables of arrivals, in which a column `residual_s` stands: elsewhere a weight may be anything
ARRIVAL_COLUMNS: dict[str, tuple[str, ...]] = {
    "residual": ("residual_s",),
    "distance_km": ("distance_km",),
    "azimuth": ("azimuth_degree",),
    "weight": ("weight",),
}

# column -> type of magnitude, None where another column says; the order is that of preference
MAGNITUDE_COLUMNS: dict[str, str | None] = {
    "magnitude": None,
    "mag": None,
    "mw": "Mw",
    "ml": "ML",
    "ms": "Ms",
    "mb": "mb",
    "md": "MD",
}
MAGNITUDE_TYPE_NAMES = {"mw": "Mw", "ml": "ML", "ms": "Ms", "mb": "mb", "md": "MD", "m": "M"}

POLARITIES = {
    **dict.fromkeys(("positive", "up", "u", "c", "+", "1"), "positive"),
    **dict.fromkeys(("negative", "down", "d", "-", "-1"), "negative"),
    **dict.fromkeys(("undecidable", "?", "0"), "undecidable"),
}

_ABSENT = {"", "nan", "none", "null", "na", "n/a", "nat", "--", "---", "----", "-----", "*****"}


def column_name(header: str) -> str:
    """A column's name as the tables above write it."""
    return header.strip().lstrip("#").strip().lower().replace(" ", "_")


def text(cell: str) -> str | None:
    """The cell without blanks around; None for the usual ways to say that nothing is known."""
    cell = cell.strip()
    return None if cell.lower() in _ABSENT else cell


def number(cell: str | None, what: str) -> float | None:
    """The cell as a finite number.

    Raises:
        ValueError: naming what it is no number of.
    """
    if cell is None:
        return None
    try:
        value = float(cell)
    except ValueError:
        raise ValueError(f"{what} {cell!r} is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"{what} {cell!r} is not finite")
    return value


def integer(cell: str | None, what: str) -> int | None:
    """The cell as a whole number (`41.0` is one).

    Raises:
        ValueError: naming what it is no whole number of.
    """
    value = number(cell, what)
    if value is not None and not value.is_integer():
        raise ValueError(f"{what} {cell!r} is not a whole number")
    return None if value is None else int(value)
